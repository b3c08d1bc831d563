"""scikit-learn's bundled handwritten digits: 1,797 real images, no download.

They are the test part of the UCI "Optical Recognition of Handwritten Digits" data (E. Alpaydin and C. Kaynak, 1998), 8x8
pixels with 17 grey levels, by 13 writers. scikit-learn does not say who wrote which, so the division into train and test
shares writers, and an accuracy here is easier to reach than one on MNIST, whose writers are disjoint.
"""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import numpy as np

from rate_distortion.datasets.labelled_images import LabelledImages, divide
from rate_distortion.datasets.resizing import resize

TEST_IMAGES = 500
DIVISION_SEED = 0
"""The division is part of the data set: it is the same whatever the seed of a study."""

DEFAULT_SIDE = 28
"""MNIST's size, since this set stands in for it."""

BRIGHTEST = 16
"""The pixels count dots in 4x4 blocks of the scanned bitmap."""


def read_digits(split: str, side: int = DEFAULT_SIDE) -> LabelledImages:
    """Grey digits, white on black as in MNIST: 1,297 train and 500 test, in the classes' proportions, in a drawn order.

    Args:
        split: train or test.
        side: height and width in pixels, 8 to 64; the 8x8 originals are resized bilinearly.
    """
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = np.rint(pixels.reshape(-1, 8, 8, 1) * (255 / BRIGHTEST)).astype(np.uint8)
    train, test = divide(LabelledImages(images, labels.astype(np.int64)), TEST_IMAGES, DIVISION_SEED)
    return resize({"train": train, "test": test}[split], side)


def bundled_file() -> Path:
    """The file inside scikit-learn that holds the digits."""
    return Path(str(importlib.resources.files("sklearn.datasets.data") / "digits.csv.gz"))
