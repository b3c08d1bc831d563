"""Images with their labels, and their division into two parts that keep the classes' proportions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CHANNELS = (1, 3)
"""Grey or RGB."""


class DatasetError(ValueError):
    """Unusable data from the user. The message is one sentence."""


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Square 8-bit images and the class of each.

    The arrays are checked and never copied: they may be views of something larger.

    Attributes:
        images: uint8, (N, H, W, C) with H = W and C = 1 (grey) or 3 (RGB); 0 is black, 255 white.
        labels: int64, (N,), each at least 0.

    Raises:
        DatasetError: an array has another type or shape, or a label is negative.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        for name, array, dtype in (("images", self.images, np.uint8), ("labels", self.labels, np.int64)):
            if not isinstance(array, np.ndarray) or array.dtype != dtype:
                found = getattr(array, "dtype", type(array).__name__)
                raise DatasetError(f"{name} is of type {found}; it must be a numpy array of {np.dtype(dtype)}")
        shape = self.images.shape
        if len(shape) != 4 or shape[1] != shape[2] or shape[3] not in CHANNELS:
            raise DatasetError(f"images has shape {shape}; it must be (N, side, side, channels) with 1 or 3 channels")
        if self.labels.shape != shape[:1]:
            raise DatasetError(
                f"labels has shape {self.labels.shape}; {shape[0]:,} images need one label each, shape ({shape[0]},)"
            )
        if self.labels.min(initial=0) < 0:
            position = int(np.argmax(self.labels < 0))
            raise DatasetError(
                f"labels[{position}] is {self.labels[position]}; labels are the class numbers 0, 1, 2 and so on"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> int:
        """Number of classes: the largest label plus one (0 without images)."""
        return int(self.labels.max(initial=-1)) + 1

    def take(self, which: slice | np.ndarray) -> LabelledImages:
        """The chosen images with their labels: views for a slice, copies for an array of indices."""
        return LabelledImages(self.images[which], self.labels[which])


def split_validation(data: LabelledImages, validation_images: int, seed: int) -> tuple[LabelledImages, LabelledImages]:
    """Hold images out of a training split, in the classes' proportions.

    Each class gives its share of ``validation_images``, rounded so that the shares add up (largest remainders), but never
    its last image. Which images of a class are held out is drawn from the seed. Both parts keep the order of ``data``.

    Args:
        data: the images to divide.
        validation_images: how many to hold out; 0 leaves ``data`` as it is, without a copy.
        seed: not negative; the same seed gives the same division.

    Returns:
        (train, validation): disjoint, together all of ``data``.

    Raises:
        DatasetError: fewer than 0 images are asked for, or so many that some class would have none left to train on.
    """
    labels, counts = np.unique(data.labels, return_counts=True)
    most = len(data) - len(labels)
    if not 0 <= validation_images <= most:
        raise DatasetError(
            f"validation_images is {validation_images:,}; of {len(data):,} images in {len(labels)} classes "
            f"0 to {most:,} can be held out, so that every class keeps one to train on"
        )
    if validation_images == 0:
        return data, data.take(slice(0, 0))
    generator = np.random.default_rng([*b"validation", seed])  # a stream of its own
    held_out = np.zeros(len(data), dtype=bool)
    for label, share in zip(labels, _class_shares(counts, validation_images), strict=True):
        members = np.flatnonzero(data.labels == label)
        held_out[generator.choice(members, size=share, replace=False)] = True
    return data.take(np.flatnonzero(~held_out)), data.take(np.flatnonzero(held_out))


def divide(data: LabelledImages, test_images: int, seed: int) -> tuple[LabelledImages, LabelledImages]:
    """A (train, test) division for a source that brings none: stratified like :func:`split_validation`, in random order.

    The order is drawn as well, so that the first images of either part are a fair sample even of a source sorted by class.
    """
    return split_validation(data.take(random_order(len(data), seed)), test_images, seed)


def random_order(count: int, seed: int) -> np.ndarray:
    """A permutation of so many images, drawn from a stream of the seed for this purpose."""
    return np.random.default_rng([*b"division", seed]).permutation(count)


def _class_shares(counts: np.ndarray, total: int) -> np.ndarray:
    """How many of ``total`` each class gives: proportional, whole, at most its count less one. Exact integer arithmetic."""
    scaled_quota = total * counts  # times the number of images, to stay in whole numbers
    shares = scaled_quota // counts.sum()
    while shares.sum() < total:
        shortfall = scaled_quota - shares * counts.sum()
        shares[np.argmax(np.where(shares < counts - 1, shortfall, np.iinfo(np.int64).min))] += 1
    return shares
