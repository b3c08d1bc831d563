"""Images at another size."""

from __future__ import annotations

import numpy as np

from rate_distortion.datasets.labelled_images import DatasetError, LabelledImages

SMALLEST_SIDE, LARGEST_SIDE = 8, 64
"""Sides in pixels that the networks are made for."""


def resize(data: LabelledImages, side: int) -> LabelledImages:
    """Grey images with another side, by Pillow's bilinear filter (which averages where it shrinks).

    Args:
        data: grey images.
        side: new height and width in pixels, 8 to 64.

    Raises:
        DatasetError: the side is outside these bounds.
    """
    from PIL import Image

    if not SMALLEST_SIDE <= side <= LARGEST_SIDE:
        raise DatasetError(f"image_size is {side}; it must be {SMALLEST_SIDE} to {LARGEST_SIDE} pixels")
    if data.images.shape[1] == side:
        return data
    resized = np.empty((len(data), side, side, 1), dtype=np.uint8)
    for target, image in zip(resized, data.images, strict=True):
        target[..., 0] = Image.fromarray(image[..., 0]).resize((side, side), Image.Resampling.BILINEAR)
    return LabelledImages(resized, data.labels)
