"""Weights from elsewhere: read without running any code of theirs, and laid into a network that they fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from rate_distortion.errors import InputError

PREFIXES = ("module.", "_orig_mod.")
"""Prefixes that torch.nn.DataParallel and torch.compile add to every name."""

NAMED = 3
"""A message lists at most this many names."""


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Name -> tensor of a file of weights, on the CPU.

    Args:
        path: ``.safetensors``, or what ``torch.save(model.state_dict(), path)`` wrote; a checkpoint that holds one state dict
            beside other things is taken too.

    Raises:
        InputError: the file is missing, damaged, or holds anything but tensors by name.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file; it should hold the weights of your model")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    if not _is_state_dict(content):
        nested = [value for value in content.values() if _is_state_dict(value)] if isinstance(content, Mapping) else []
        if len(nested) != 1:
            raise InputError(f"{path} holds no state dict; write one with torch.save(model.state_dict(), path)")
        content = nested[0]
    return dict(content)


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Put the weights of a file (:func:`read_weights`) into a model of the same architecture.

    Prefixes of :data:`PREFIXES` that all names have are taken off, unless the model's own names begin with them.

    Raises:
        InputError: names or shapes differ: the first of them.
    """
    weights, own = read_weights(path), model.state_dict()
    while prefix := next((prefix for prefix in PREFIXES if all(name.startswith(prefix) for name in weights)), None):
        if any(name.startswith(prefix) for name in own):
            break
        weights = {name.removeprefix(prefix): tensor for name, tensor in weights.items()}
    shared = {own[name].data_ptr() for name in own if name in weights}  # tied weights are saved once
    missing = [name for name in own if name not in weights and own[name].data_ptr() not in shared]
    unexpected = [name for name in weights if name not in own]
    if missing or unexpected:
        parts = (("lacks", missing), ("has", unexpected))
        found = " and ".join(f"{verb} {_listed(names)}" for verb, names in parts if names)
        raise InputError(
            f"the weights in {path} do not fit the model: the file {found}; name the model they were trained in"
        )
    for name, tensor in weights.items():
        if tensor.shape != own[name].shape:
            raise InputError(
                f"the weights in {path} do not fit the model: {name} has shape {tuple(tensor.shape)} in the file and "
                f"{tuple(own[name].shape)} in the model (another image size or number of classes?)"
            )
    model.load_state_dict(weights, strict=False)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise InputError(f"{path} is no safetensors file or is damaged ({error}); save or copy it again") from error


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except torch.serialization.pickle.UnpicklingError as error:
        raise InputError(
            f"{path} holds Python objects beside tensors, which could run code, or is damaged; save the weights alone: "
            "torch.save(model.state_dict(), path), or safetensors.torch.save_file(model.state_dict(), path)"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{path} is no file of weights or is damaged ({reason}); save or copy it again") from error


def _is_state_dict(content: Any) -> bool:
    return (
        isinstance(content, Mapping)
        and bool(content)
        and all(isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items())
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(repr, names[:NAMED])) + more
