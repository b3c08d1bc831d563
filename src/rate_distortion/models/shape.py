"""What can be said of the networks without torch, so that a configuration is checked before any job.

The kernels of the CNN of Table 3, the image sizes it takes, the variants of Figure 6, and batches that are too small.
"""

from rate_distortion.errors import InputError

KERNEL_SIZES, STRIDES, PADDINGS, CHANNELS = (8, 6, 5), (2, 2, 1), (3, 0, 0), (32, 64, 64)
"""Table 3, convolutions 1 to 3; padding 3 on both sides is TensorFlow's SAME for an 8x8 kernel with stride 2 on even sizes."""


VARIANTS = ("none", "batch", "batch_without_scale")
"""Variants of Figure 6's network: no normalization (a), batch normalization (b), and the same without the scale gamma (c)."""


def output_side(side: int) -> int:
    """Side in pixels of what the last convolution leaves of square images; below 1 when they are too small."""
    for kernel, stride, padding in zip(KERNEL_SIZES, STRIDES, PADDINGS, strict=True):
        side = (side + 2 * padding - kernel) // stride + 1
    return side


SMALLEST_SIDE = next(side for side in range(1, 1024) if output_side(side) >= 1)
"""The smallest square images that leave the dense layer an input."""


def refuse_batches_of_one(**sizes: int | None) -> None:
    """Refuse sizes that leave batch normalization a single image, which has no statistics: for networks that have it.

    A short last batch of one image is no such case, since it joins the one before it
    (:func:`rate_distortion.training.schedule.batches`).

    Args:
        sizes: by the key to name: batch_size, evaluation_batch_size, or the number of images; None if it is not known.

    Raises:
        InputError: the first that is 1.
    """
    for key, size in sizes.items():
        if size == 1:
            raise InputError(
                f"{key} is 1, and batch normalization needs the statistics of several images; use at least 2"
            )
