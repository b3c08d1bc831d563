"""The convolution of the built-in networks on a processor: the same sums as torch's, arranged for its kernels.

Strides of two keep a processor's vector units half idle, and the gradient with respect to images of one channel nearly whole.
So two neighbouring columns count as one of twice the channels, which in channels-last memory is only another view; and that
gradient is a matrix product. Sums are the same but for their order. On a GPU both are left to its own library.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

FEW_CHANNELS = 4
"""So few leave a processor's vector units idle in the gradient with respect to images."""

CHUNK = 32
"""Images whose parts of a gradient are added up at once: these stay in a processor's cache."""


def convolve(images: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
    """As :func:`torch.nn.functional.conv2d`: (N, C, H, W) and kernels (O, C, h, w) -> (N, O, H', W').

    Kernels of even sides with stride 2 are rearranged on a processor, and the gradient with respect to the images then is a
    product where the weights need none (an attack).
    """
    if images.device.type != "cpu" or stride != 2 or any(side % 2 for side in weight.shape[2:]):
        return functional.conv2d(images, weight, bias, stride, padding)
    if images.requires_grad and not (weight.requires_grad or bias.requires_grad) and images.shape[1] <= FEW_CHANNELS:
        return _OfImages.apply(images, weight, bias, padding)
    return _of_pairs(images, weight, bias, padding)


def _of_pairs(images: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    """Stride 2 down the rows and 1 along pairs of columns."""
    if padding:
        images = functional.pad(images, [padding] * 4)
    if images.shape[3] % 2:
        images = images[..., :-1]  # no kernel of even width reaches it
    return functional.conv2d(_paired(images), _paired(weight), bias, (2, 1))


def _paired(tensor: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, 2 C, H, W / 2): a pair's left column before its right one; a view where channels are last."""
    number, channels, height, width = tensor.shape
    return tensor.permute(0, 2, 3, 1).reshape(number, height, width // 2, 2 * channels).permute(0, 3, 1, 2)


class _OfImages(torch.autograd.Function):
    """The convolution with a gradient with respect to the images alone."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.size, ctx.padding = images.shape[2:], padding
        return _of_pairs(images, weight, bias, padding)

    @staticmethod
    def backward(ctx: Any, errors: Tensor) -> tuple[Tensor, None, None, None]:
        (weight,) = ctx.saved_tensors
        gradient = torch.cat([_parts_added(part, weight) for part in errors.split(CHUNK)])
        margins = (size + ctx.padding - found for size, found in zip(ctx.size, gradient.shape[2:], strict=True))
        below, right = margins
        return functional.pad(gradient, (-ctx.padding, right, -ctx.padding, below)), None, None, None


def _parts_added(errors: Tensor, weight: Tensor) -> Tensor:
    """Gradient (n, C, 2 H' + h - 2, 2 W' + w - 2) of padded images, from errors (n, O, H', W').

    Every error times the kernel is a patch; patches overlap, and are added row by row and then column by column.
    """
    number, _, height, width = errors.shape
    outputs, channels, *kernel = weight.shape
    down, across = (side // 2 for side in kernel)
    patches = (weight.reshape(outputs, -1).t() @ errors.flatten(2)).view(
        number, channels, down, 2, across, 2, height, width
    )
    rows = errors.new_zeros(number, channels, 2, across, 2, height + down - 1, width)
    for step in range(down):
        rows[..., step : step + height, :] += patches[:, :, step]
    pixels = errors.new_zeros(number, channels, 2, 2, height + down - 1, width + across - 1)
    for step in range(across):
        pixels[..., step : step + width] += rows[:, :, :, step]
    return pixels.permute(0, 1, 4, 2, 5, 3).reshape(number, channels, 2 * (height + down - 1), 2 * (width + across - 1))
