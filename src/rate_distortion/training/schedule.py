"""What a training sees and when: orders of the images, minibatches, labels, and the epochs that are recorded.

Everything is drawn from a stream of the run's seed and the epoch's number, so that a resumed training draws the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rate_distortion import seeds
from rate_distortion.training.settings import TrainingSettings


def flat_images(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, inputs) and labels (N,) as int64, once they are known to suit a network of dense layers.

    Raises:
        ValueError: images that are not finite floating-point numbers, or labels that are no integers of at least two classes.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim != 2 or images.dtype.kind != "f" or not np.isfinite(images).all():
        raise ValueError(
            f"images have shape {images.shape} and type {images.dtype}; pass finite floating-point images (N, inputs)"
        )
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu" or len(np.unique(labels)) < 2:
        raise ValueError(
            f"labels have shape {labels.shape} and type {labels.dtype} for {len(images)} images; "
            "pass one integer from 0 for each, of at least two classes"
        )
    return images, labels.astype(np.int64)


def orders(run_seeds: Sequence[int], epoch: int, images: int) -> Tensor:
    """The order in which each network sees the images in an epoch (from 1), (K, images); networks of one seed share it."""
    drawn = {
        seed: seeds.generator(seed, "shuffling", epoch - 1).permutation(images) for seed in dict.fromkeys(run_seeds)
    }
    return torch.from_numpy(np.stack([drawn[seed] for seed in run_seeds]))


def batches(values: Tensor, size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Values cut into batches along ``dim``. The last may be short, but one of a single image joins the batch before it.

    Batch normalization has nothing to average over in a batch of one, and the rule is the same for every network.
    """
    whole, rest = divmod(values.shape[dim], size)
    sizes = [size] * whole + ([rest] if rest else [])
    if rest == 1 and whole:
        sizes[-2:] = [size + 1]
    return values.split(sizes, dim)


def training_labels(original: Tensor, settings: TrainingSettings, classes: int, seed: int, epoch: int) -> Tensor:
    """The labels of one epoch (from 1): the original ones, or uniform over the classes from the seed's label stream."""
    if settings.labels == "original":
        return original
    counters = (epoch - 1,) if settings.random_labels == "per_epoch" else ()
    drawn = seeds.generator(seed, "labels", *counters).integers(0, classes, len(original))
    return torch.from_numpy(drawn).to(original.device)


def log_spaced_epochs(epochs: int, points: int, *, refill: bool = True) -> set[int]:
    """Log-spaced epochs from 1 to ``epochs``, both ends included; all of them if there are fewer than ``points``.

    Args:
        epochs: the last.
        points: how many are asked for; none for 0.
        refill: the first epochs lie too far apart for their share of the points; give it to the later ones, so that there are
            about as many as asked for. Without, there are fewer (as in the histories of the convolutional networks).
    """
    if not points or not epochs:
        return set()
    if refill and points >= epochs:
        return set(range(1, epochs + 1))
    count, spaced = max(2, points), set()
    while not spaced or (refill and len(spaced) < points):
        spaced = set(np.rint(np.geomspace(1, epochs, count)).astype(int).tolist())
        count += 1 + count // 20
    return spaced
