"""A user's own network (``models.<name>.factory``): imported, made, and tried with two images before it is trained."""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import logging
import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from rate_distortion.errors import InputError
from rate_distortion.storage import provenance

log = logging.getLogger(__name__)


def build(factory: str, image_shape: tuple[int, int, int], classes: int, generator: torch.Generator) -> nn.Module:
    """Call ``module:function``; what its layers draw when they are initialised follows the run's initialisation stream.

    Layers that learn their sizes from the first images (``nn.LazyLinear``) see black ones here.

    Raises:
        InputError: it cannot be imported, fails, returns no nn.Module, or its lazy layers cannot be initialised.
    """
    _, function = _imported(factory)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
        with _users_code(factory):
            model = function(image_shape=image_shape, classes=classes)
        if not isinstance(model, nn.Module):
            raise InputError(
                f"model factory {factory!r} returned {type(model).__name__}; it must return a torch.nn.Module"
            )
        if any(map(nn.parameter.is_lazy, (*model.parameters(), *model.buffers()))):
            images = torch.zeros(2, *image_shape)
            with torch.no_grad(), _in_one_sentence(factory, model.eval(), images):
                model(images)
    return model.train()


def try_out(factory: str, model: nn.Module, images: Tensor, classes: int) -> None:
    """Run two images through a network in both modes, backwards too, and leave the network as it was.

    Args:
        factory: for messages.
        model: what it made.
        images: (2, C, H, W), where and as precise as they are trained on.
        classes: outputs that the network must have.

    Raises:
        InputError: the network fails, or returns anything but finite logits (images, classes).
    """
    state = copy.deepcopy(model.state_dict())
    with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
        for mode in ("training", "evaluation"):
            with _in_one_sentence(factory, model.train(mode == "training"), images):
                logits = model(images)
            where = f"model factory {factory!r}: in {mode} mode the network returns"
            if not isinstance(logits, Tensor) or not logits.is_floating_point():
                found = f"a tensor of {logits.dtype}" if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
                raise InputError(f"{where} {found}; it must return the logits alone, floating point, (images, classes)")
            if logits.shape != (len(images), classes):
                raise InputError(
                    f"{where} shape {tuple(logits.shape)} for {len(images)} images of {classes} classes; it must return "
                    f"logits ({len(images)}, {classes})"
                )
            if not torch.isfinite(logits).all():
                raise InputError(
                    f"{where} numbers that are not finite for the first training images; look at its layers"
                )
            if mode == "training":
                with _in_one_sentence(factory, model, images):
                    functional.cross_entropy(logits, logits.argmax(1)).backward()
        if classes > 1 and (logits >= 0).all() and torch.allclose(logits.sum(1), torch.ones_like(logits[:, 0])):
            log.warning(
                "%s what looks like probabilities, which sum to one; it should return logits, without a softmax: the loss "
                "applies one itself",
                where,
            )
    model.load_state_dict(state)
    model.zero_grad(set_to_none=True)
    model.train()


def source(factory: str | None) -> dict[str, str] | None:
    """File and SHA-256 of a factory's module as this process imported it; None for the paper's network.

    It is the checksum of the named module's file alone, and not of what that imports.

    Raises:
        InputError: the factory cannot be imported.
    """
    return None if factory is None else _source(_imported(factory)[0])


@contextlib.contextmanager
def _users_code(factory: str) -> Iterator[None]:
    """An error of the user's module as one sentence with its place."""
    try:
        yield
    except (InputError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = (__file__, importlib.__file__, "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")
        theirs = [frame for frame in frames if frame.filename not in ours]
        place = f"; {theirs[-1].filename}, line {theirs[-1].lineno}" if theirs else ""
        reason = " ".join(str(error).split())
        raise InputError(
            f"model factory {factory!r} fails ({type(error).__name__}: {reason}{place}); it must "
            "be a function of image_shape and classes that returns a torch.nn.Module"
        ) from error


@contextlib.contextmanager
def _in_one_sentence(factory: str, model: nn.Module, images: Tensor) -> Iterator[None]:
    """An error of the user's code as one sentence."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        mode = "training" if model.training else "evaluation"
        raise InputError(
            f"model factory {factory!r}: the network fails in {mode} mode on images of shape {tuple(images.shape)} "
            f"({type(error).__name__}: {' '.join(str(error).split())}); mend it"
        ) from error


def _imported(factory: str) -> tuple[ModuleType, Callable[..., nn.Module]]:
    module_name, _, function_name = factory.partition(":")
    if not function_name:
        raise InputError(f"model factory {factory!r} names no function; write it as module:function")
    with _users_code(factory):
        try:
            module = importlib.import_module(module_name)
            function = getattr(module, function_name)
            _source(module)
        except (ImportError, AttributeError, ValueError) as error:
            raise InputError(
                f"model factory {factory!r} cannot be imported ({error}); write it as module:function with the module on the "
                f"Python path or in {os.getcwd()}"
            ) from error
    return module, function


@functools.cache
def _source(module: ModuleType) -> dict[str, str]:
    """Hashed at import, so that edits during training do not alter the record."""
    file = Path(module.__file__)
    return {"file": file.name, "sha256": provenance.file_checksum(file)}
