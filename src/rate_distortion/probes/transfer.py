"""Zero- and one-shot transfer of a trained network to other images of the same classes (Appendix C, Figure 7).

Target images are resized bilinearly to the source's side and scaled to [0, 1], without further preprocessing, so that a network
that learned whitened images meets images that are not. One shot: one image per class, all of them in one minibatch, and some
steps of stochastic gradient descent, each on freshly rotated copies.

Nothing in a network that is transferred follows the images it is shown: batch normalization keeps the population statistics of
the source's training images, in tuning as in evaluation, and any other layer is in evaluation mode. Statistics of the target's
images would adapt the network without a label, and those of ten images would be noise.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from rate_distortion import seeds
from rate_distortion.analysis import confidence as calibration
from rate_distortion.analysis.confidence import Confidence
from rate_distortion.datasets import LabelledImages
from rate_distortion.datasets.whitening import NTSC_WEIGHTS
from rate_distortion.models import convolutional
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.training.descent import GradientDescent
from rate_distortion.training.evaluation import predict

log = logging.getLogger(__name__)

TUNED = ("all", "head")


class TransferError(ValueError):
    """A transfer that cannot be made. The message is one sentence for the user."""


@dataclass(frozen=True)
class TransferSettings:
    """How a network is transferred; the defaults are the paper's, or this project's where it is silent.

    Attributes:
        support_sets: repetitions of one-shot transfer, each with images of its own.
        steps: of stochastic gradient descent.
        rotation_degrees: every image of every step is rotated by an angle drawn uniformly from minus to plus this.
        learning_rate: constant.
        tuned: "all" parameters, or the "head": the last dense layer.
        bins: of the calibration errors.
    """

    support_sets: int = 100
    steps: int = 10
    rotation_degrees: float = 10.0
    learning_rate: float = 0.01
    tuned: str = "all"
    bins: int = calibration.DEFAULT_BINS

    def __post_init__(self) -> None:
        if self.tuned not in TUNED:
            raise TransferError(f"transfer.tuned is {self.tuned!r}; use {' or '.join(TUNED)}")


@dataclass(frozen=True)
class Source:
    """A trained network and what it takes.

    Attributes:
        model: the network; it is left as it is.
        settings: as it was trained; the weight decay goes on in tuning.
        image_shape: (channels, height, width) of its images.
        classes: number of its classes.
        preprocess: from images in [0, 1], (N, C, H, W), to what the network is shown; the paper leaves them as they are.
    """

    model: nn.Module
    settings: ModelSettings
    image_shape: tuple[int, int, int]
    classes: int
    preprocess: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class OneShot:
    """One-shot transfer, repeated.

    Attributes:
        support: (sets, classes), the number of each class's example among the validation images.
        said: of the test images after tuning; arrays (sets, N).
        losses_nats: (sets,), mean cross-entropy on the test images.
    """

    support: np.ndarray
    said: Confidence
    losses_nats: np.ndarray


def as_they_are(images: Tensor) -> Tensor:
    """The paper's preprocessing of target images in [0, 1]: none."""
    return images


def to_source_images(images: np.ndarray, image_shape: tuple[int, int, int]) -> Tensor:
    """Target images as the source network takes them: bilinear to its side, in [0, 1], and nothing else.

    RGB becomes grey (NTSC) for a network of grey images; grey is repeated for a network of RGB images.

    Args:
        images: uint8, (N, H, W, C).
        image_shape: (channels, height, width) of the network's images.

    Returns:
        float32, (N, channels, height, width).
    """
    channels, height, width = image_shape
    scaled = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255
    if scaled.shape[1] > channels:
        scaled = torch.einsum("nchw,c->nhw", scaled, torch.from_numpy(NTSC_WEIGHTS).float())[:, None]
    if scaled.shape[2:] != (height, width):
        scaled = functional.interpolate(scaled, (height, width), mode="bilinear", align_corners=False)
    return scaled.expand(-1, channels, -1, -1).contiguous()


def rotate(images: Tensor, degrees: Tensor) -> Tensor:
    """Images (N, C, H, W), rotated counter-clockwise about their centre by one angle each (N,); bilinear, black outside."""
    radians = torch.deg2rad(degrees.to(images))
    cosine, sine, zero = radians.cos(), radians.sin(), torch.zeros_like(radians)
    aspect = images.shape[2] / images.shape[3]
    # Where each output pixel looks in the input, in units of half a side with y downwards.
    inverse = torch.stack([cosine, -sine * aspect, zero, sine / aspect, cosine, zero], 1).view(-1, 2, 3)
    grid = functional.affine_grid(inverse, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def draw_support(labels: np.ndarray, classes: int, sets: int, seed: int) -> np.ndarray:
    """One image of each class for every support set: positions in ``labels``, (sets, classes).

    Set number i of a seed is the same whatever the number of sets and whatever the network.

    Raises:
        TransferError: a class has no image.
    """
    members = [np.flatnonzero(labels == label) for label in range(classes)]
    missing = [str(label) for label, rows in enumerate(members) if not len(rows)]
    if missing:
        raise TransferError(
            f"the target's {len(labels)} validation images have none of class {', '.join(missing)}, and one-shot transfer "
            "needs one image of every class (raise transfer.validation_images)"
        )
    generators = (seeds.generator(seed, "support", number) for number in range(sets))
    return np.array([[rng.choice(rows) for rows in members] for rng in generators])


def check_classes(source: Source, labels: np.ndarray, name: str) -> None:
    """Refuse a target whose classes are not the source's.

    Raises:
        TransferError: they are not.
    """
    classes = int(labels.max()) + 1
    if classes != source.classes:
        raise TransferError(
            f"the target {name} has {classes} classes and the source network {source.classes}; a network is transferred to "
            "images of the same classes (name another transfer.dataset, or set transfer: null)"
        )


def zero_shot(source: Source, images: Tensor) -> tuple[Confidence, np.ndarray]:
    """What the source network says of target images in [0, 1], (N, C, H, W), as it is.

    Returns:
        (confidence, logarithms of the class probabilities, float64 (N, K)).
    """
    logits = predict(_frozen_statistics(source.model), _shown(source, images))
    return _confidence(logits), _log_probabilities(logits)


def one_shot(
    source: Source, validation: LabelledImages, test: LabelledImages, settings: TransferSettings, seed: int
) -> OneShot:
    """Tune the network on one image per class and read the test images, for every support set anew.

    Args:
        source: the network.
        validation: where the support sets are drawn from.
        test: the images that are read.
        settings: how.
        seed: of the support sets and rotations.

    Raises:
        TransferError: a class has no validation image, a head is to be tuned that the network does not have, or tuning
            diverges.
    """
    support = draw_support(validation.labels, source.classes, settings.support_sets, seed)
    candidates = to_source_images(validation.images, source.image_shape)
    shown = _shown(source, to_source_images(test.images, source.image_shape))
    labels = torch.arange(source.classes, device=shown.device)
    said, losses = [], []
    for number, rows in enumerate(support):
        batches = (_shown(source, batch) for batch in _rotated_batches(candidates[rows], settings, seed, number))
        tuned = fine_tune(source, batches, labels, settings)
        logits = predict(tuned, shown)
        if not torch.isfinite(logits).all():
            raise TransferError(
                f"tuning on support set {number + 1} at learning rate {settings.learning_rate:g} left outputs that are not "
                "finite (lower transfer.learning_rate)"
            )
        said.append(_confidence(logits))
        losses.append(_loss_nats(_log_probabilities(logits), test.labels))
        accuracy = 100 * (said[-1].predictions == test.labels).mean()
        log.info("support set %d of %d: %.1f %% after %d steps", number + 1, len(support), accuracy, settings.steps)
    return OneShot(support, Confidence(*(np.stack(parts) for parts in zip(*said, strict=True))), np.array(losses))


def fine_tune(source: Source, batches: Iterable[Tensor], labels: Tensor, settings: TransferSettings) -> nn.Module:
    """A copy of the source network after one step of gradient descent on each batch, with its own weight decay.

    Args:
        source: the network.
        batches: minibatches (n, C, H, W) as the network is shown them.
        labels: of each of them, (n,).
        settings: learning rate and what is tuned.
    """
    model = _frozen_statistics(source.model)
    if settings.tuned == "head":
        _freeze_all_but_the_head(model)
    descent = GradientDescent(convolutional.parameter_groups(model, source.settings), settings.learning_rate)
    for batch in batches:
        descent.zero_grad()
        functional.cross_entropy(model(batch), labels).backward()
        descent.step()
    return model


def zero_shot_record(said: Confidence, log_probabilities: np.ndarray, labels: np.ndarray, bins: int) -> dict[str, Any]:
    """The row of ``zero_shot.csv`` of one target: loss in nats and :func:`rate_distortion.analysis.confidence.summary`."""
    return {"loss_nats": _loss_nats(log_probabilities, labels), **calibration.summary(said, labels, bins)}


def one_shot_records(result: OneShot, labels: np.ndarray, bins: int) -> list[dict[str, Any]]:
    """The rows of ``one_shot.csv``, one per support set: as for zero shots, with the number of the set."""
    sets = zip(*result.said, result.losses_nats, strict=True)
    return [
        {"support_set": number, "loss_nats": float(loss), **calibration.summary(Confidence(*said), labels, bins)}
        for number, (*said, loss) in enumerate(sets)
    ]


def _frozen_statistics(model: nn.Module) -> nn.Module:
    """A copy that nothing but gradient descent changes; see the module's text."""
    own = copy.deepcopy(model).eval()
    convolutional.set_batch_norm_evaluation(own, "population")
    return own


def _freeze_all_but_the_head(model: nn.Module) -> None:
    dense = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    if not dense:
        raise TransferError("the network has no dense layer, so that it has no head to tune (set transfer.tuned: all)")
    model.requires_grad_(False)
    dense[-1].requires_grad_(True)


def _rotated_batches(images: Tensor, settings: TransferSettings, seed: int, number: int) -> Iterator[Tensor]:
    """The images of a support set, rotated anew for every step; the angles are the set's own, whatever its images."""
    generator = seeds.generator(seed, "rotation", number)
    for _ in range(settings.steps):
        degrees = settings.rotation_degrees * generator.uniform(-1, 1, len(images))
        yield rotate(images, torch.from_numpy(degrees))


def _shown(source: Source, images: Tensor) -> Tensor:
    """Images in [0, 1] preprocessed, in the network's precision and on its device."""
    return source.preprocess(images).to(next(source.model.parameters()))


def _confidence(logits: Tensor) -> Confidence:
    """In the precision of the files, so that a record and what is drawn later fall into the same bins."""
    said = calibration.confidence(logits.double().softmax(1).cpu().numpy())
    return Confidence(
        said.predictions.astype(np.int16), said.margins.astype(np.float32), said.top_probabilities.astype(np.float32)
    )


def _log_probabilities(logits: Tensor) -> np.ndarray:
    """Not the logarithm of the softmax, which would end where a probability rounds to zero."""
    return logits.double().log_softmax(1).cpu().numpy()


def _loss_nats(log_probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean cross-entropy."""
    return float(-log_probabilities[np.arange(len(labels)), labels].mean())
