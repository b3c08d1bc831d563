"""Three ways to run the layers of K networks on K different minibatches; which is fastest depends on the device.

A back-end owns the layout of what flows between layers, from ``gather`` to ``dense``. All three compute the same function; sums
in another order round differently. Names of sizes: K networks, B images for each, C and O channels, H and W pixels.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Protocol

import torch
import torch.nn.functional as functional
from torch import Tensor

from rate_distortion.models.convolve import convolve


class BackEnd(Protocol):
    """The layers of K networks; what flows between them (``hidden``) is the back-end's own."""

    def gather(self, images: Tensor, rows: Tensor) -> Any:
        """The minibatches: rows (K, B) of images (N, C, H, W)."""

    def convolve(self, hidden: Any, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Any:
        """ReLU of a convolution; weight (K, O, C, h, w), bias (K, O)."""

    def normalize(
        self, hidden: Any, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor, epsilon: float
    ) -> Any:
        """Batch normalization by the minibatch's statistics, which are stored in mean and variance; all (K, C)."""

    def dense(self, hidden: Any, weight: Tensor, bias: Tensor) -> Tensor:
        """Logits (K, B, classes); weight (K, classes, C H W), bias (K, classes)."""


class GroupedConvolutions:
    """One convolution with K groups over (B, K C, H, W), channels last."""

    def gather(self, images: Tensor, rows: Tensor) -> Tensor:
        networks, batch = rows.shape
        chosen = images.index_select(0, rows.t().reshape(-1))
        return chosen.view(batch, networks * images.shape[1], *images.shape[2:]).contiguous(
            memory_format=torch.channels_last
        )

    def convolve(self, hidden: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
        kernels = weight.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        convolved = functional.conv2d(hidden, kernels, bias.flatten(), stride, padding, groups=len(weight))
        return functional.relu(convolved, inplace=True)

    def normalize(
        self, hidden: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor, epsilon: float
    ) -> Tensor:
        statistics = mean.view(-1), variance.view(-1)
        return functional.batch_norm(hidden, *statistics, scale.flatten(), shift.flatten(), True, 1.0, epsilon)

    def dense(self, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        features = hidden.unflatten(1, (len(weight), -1)).flatten(2).transpose(0, 1)
        return torch.baddbmm(bias.unsqueeze(1), features, weight.transpose(1, 2))


class MatrixProducts:
    """Patches cut out of (K, B, H, W, C) and multiplied by the kernels, one batched matrix product for each layer."""

    def gather(self, images: Tensor, rows: Tensor) -> Tensor:
        chosen = images.index_select(0, rows.reshape(-1))
        return chosen.view(*rows.shape, *images.shape[1:]).permute(0, 1, 3, 4, 2)

    def convolve(self, hidden: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
        padded = functional.pad(hidden, (0, 0, padding, padding, padding, padding))
        patches = padded.unfold(2, weight.shape[3], stride).unfold(3, weight.shape[4], stride)
        networks, batch, height, width = patches.shape[:4]
        columns = patches.reshape(networks, batch * height * width, -1)
        outputs = torch.baddbmm(bias.unsqueeze(1), columns, weight.flatten(2).transpose(1, 2))
        return functional.relu(outputs, inplace=True).view(networks, batch, height, width, -1)

    def normalize(
        self, hidden: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor, epsilon: float
    ) -> Tensor:
        networks, channels = scale.shape
        values = hidden.reshape(networks, -1, channels).transpose(0, 1).reshape(-1, networks * channels)
        statistics = mean.view(-1), variance.view(-1)
        outputs = functional.batch_norm(values, *statistics, scale.flatten(), shift.flatten(), True, 1.0, epsilon)
        return outputs.view(-1, networks, channels).transpose(0, 1).reshape(hidden.shape)

    def dense(self, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        features = hidden.permute(0, 1, 4, 2, 3).flatten(2)
        return torch.baddbmm(bias.unsqueeze(1), features, weight.transpose(1, 2))


class SeparateConvolutions:
    """K ordinary networks, a list of (B, C, H, W); side by side on streams of a GPU, one after another on a CPU."""

    STREAMS = 8

    def __init__(self) -> None:
        self._streams: list[torch.cuda.Stream] = []

    def gather(self, images: Tensor, rows: Tensor) -> list[Tensor]:
        if images.is_cuda and not self._streams:
            self._streams = [torch.cuda.Stream(images.device) for _ in range(self.STREAMS)]
        for stream in self._streams[: len(rows)]:
            stream.wait_stream(torch.cuda.current_stream())
        return self._each(len(rows), lambda k: images.index_select(0, rows[k]))

    def convolve(self, hidden: list[Tensor], weight: Tensor, bias: Tensor, stride: int, padding: int) -> list[Tensor]:
        # Unbound and not indexed: the gradient of K indices would be K tensors of the size of them all.
        weights, biases = weight.unbind(), bias.unbind()

        def one(k: int) -> Tensor:
            # A copy, since contiguous() would leave the strides of one channel as they are, which name no layout. What follows
            # would then be normalized by another kernel than in a network that is trained alone.
            kernels = weights[k].clone(memory_format=torch.channels_last)
            return functional.relu(convolve(hidden[k], kernels, biases[k], stride, padding), inplace=True)

        return self._each(len(weight), one)

    def normalize(
        self, hidden: list[Tensor], scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor, epsilon: float
    ) -> list[Tensor]:
        scales, shifts = scale.unbind(), shift.unbind()

        def one(k: int) -> Tensor:
            return functional.batch_norm(hidden[k], mean[k], variance[k], scales[k], shifts[k], True, 1.0, epsilon)

        return self._each(len(scale), one)

    def dense(self, hidden: list[Tensor], weight: Tensor, bias: Tensor) -> Tensor:
        weights, biases = weight.unbind(), bias.unbind()
        logits = self._each(len(weight), lambda k: functional.linear(hidden[k].flatten(1), weights[k], biases[k]))
        for stream in self._streams[: len(weight)]:
            torch.cuda.current_stream().wait_stream(stream)
        for own in logits if self._streams else ():
            # Without this the memory could be given away on the side stream while the main one still reads it.
            own.record_stream(torch.cuda.current_stream())
        return torch.stack(logits)

    def _each(self, networks: int, function: Callable[[int], Tensor]) -> list[Tensor]:
        results = []
        for k in range(networks):
            stream = self._streams[k % self.STREAMS] if self._streams else None
            with torch.cuda.stream(stream) if stream else contextlib.nullcontext():
                results.append(function(k))
        return results


BACK_ENDS: dict[str, Callable[[], BackEnd]] = {
    "grouped": GroupedConvolutions,
    "matrix_products": MatrixProducts,
    "separate": SeparateConvolutions,
}
"""By the name that is recorded with a run."""

CPU_BACK_END = "separate"
"""Nothing is gained by packing on a CPU (benchmarks/README.md), so there the choice does not hang on a measurement."""
