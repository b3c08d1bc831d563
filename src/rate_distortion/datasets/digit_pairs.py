"""Two classes of a digit data set as the MLP takes them (Section 4.1: MNIST "3 versus 7")."""

from __future__ import annotations

import numpy as np

from rate_distortion.errors import InputError

DIGIT_COUNTS = {
    ("mnist", "train"): (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    ("mnist", "test"): (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
    ("digits", "train"): (128, 131, 128, 132, 131, 131, 131, 129, 126, 130),
    ("digits", "test"): (50, 51, 49, 51, 50, 51, 50, 50, 48, 50),
}
"""Images of each digit, so that a plan needs no download."""


def digit_pair_size(dataset: str, classes: tuple[int, int], splits: str) -> int:
    """Images of two digits in the splits (joined by "+") of ``mnist`` or ``digits``."""
    return sum(DIGIT_COUNTS[dataset, split][digit] for split in splits.split("+") for digit in classes)


def select_digits(
    images: np.ndarray, labels: np.ndarray, classes: tuple[int, int] = (3, 7)
) -> tuple[np.ndarray, np.ndarray]:
    """The images of two classes, flattened, with pixels in [0, 1] and labels 0 and 1.

    12,396 of MNIST's training images and 362 of scikit-learn's digits are a 3 or a 7.

    Args:
        images: uint8, (N, ...).
        labels: integers, (N,).
        classes: which class becomes 0 and which 1.

    Returns:
        float32 images (n, pixels) and int64 labels (n,), in the order given.

    Raises:
        ValueError: for images that are not uint8, or another number of labels.
        InputError: for twice the same class, or a class without images.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.dtype != np.uint8 or images.ndim < 2 or labels.shape != (len(images),):
        raise ValueError(
            f"images have shape {images.shape} and type {images.dtype}, labels have shape {labels.shape}; "
            "pass uint8 images (N, ...) and one label for each"
        )
    missing = [digit for digit in classes if not (labels == digit).any()]
    if len(set(classes)) != 2 or missing:
        raise InputError(
            f"digits {list(classes)} were asked for, and there are images of {np.unique(labels).tolist()}; name two of these"
        )
    chosen = np.isin(labels, classes)
    pixels = images[chosen].reshape(np.count_nonzero(chosen), -1).astype(np.float32) / 255
    return pixels, (labels[chosen] == classes[1]).astype(np.int64)
