"""K networks of one shape: the tensors of :class:`models.convolutional.ConvolutionalNetwork` with an axis over networks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from rate_distortion.models.back_ends import BACK_ENDS
from rate_distortion.models.convolutional import BatchNormalization, ConvolutionalNetwork

CONVOLUTIONS = (("conv1", "norm1"), ("conv2", "norm2"), ("conv3", None))
"""Each convolution and the normalization behind it."""


class ConvolutionalPack:
    """K networks in training mode.

    All parameters lie in one vector, tensor after tensor and network after network within a tensor. A step of gradient descent
    is then an operation or two, however many tensors and networks there are.

    Attributes:
        parameters: the vector; a leaf of automatic differentiation.
        buffers: the statistics of batch normalization by name, (K, channels); empty without.
        back_end: how the networks are convolved; may be changed between steps.
    """

    def __init__(self, modules: Sequence[ConvolutionalNetwork], back_end: str):
        """Stack modules of one shape, on one device and in one precision; they are copied.

        Args:
            modules: at least one.
            back_end: a name of :data:`rate_distortion.models.back_ends.BACK_ENDS`.
        """
        self._modules, self._like, self.networks = list(modules), modules[0], len(modules)
        self._shapes = {name: parameter.shape for name, parameter in modules[0].named_parameters()}
        self.parameters = self.vector([dict(module.named_parameters()) for module in modules]).requires_grad_()
        self.buffers = {
            name: torch.stack([dict(module.named_buffers())[name] for module in modules])
            for name, _ in modules[0].named_buffers()
        }
        self.back_end = BACK_ENDS[back_end]()

    def vector(self, values: Sequence[dict[str, Tensor | float]]) -> Tensor:
        """A vector like :attr:`parameters` from one value for each network and tensor: a tensor, or a number for all of it."""
        like = next(self._like.parameters())
        return torch.cat(
            [
                torch.as_tensor(own[name], dtype=like.dtype, device=like.device).detach().expand(shape).flatten()
                for name, shape in self._shapes.items()
                for own in values
            ]
        )

    def tensors(self) -> dict[str, Tensor]:
        """The parameters by name, (K, ...), as views of the vector."""
        sizes = [self.networks * shape.numel() for shape in self._shapes.values()]
        parts = self.parameters.split(sizes)
        return {
            name: part.view(self.networks, *shape)
            for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }

    def forward(self, images: Tensor, rows: Tensor) -> Tensor:
        """Logits (K, B, classes) of images (N, C, H, W) at rows (K, B), each network its own.

        Batch normalization takes the statistics of each network's minibatch and keeps them, as in training.
        """
        tensors, hidden = self.tensors(), self.back_end.gather(images, rows)
        for name, normalization in CONVOLUTIONS:
            layer = getattr(self._like, name)
            weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
            hidden = self.back_end.convolve(hidden, weight, bias, layer.stride[0], layer.padding[0])
            if normalization and self.buffers:
                hidden = self._normalize(hidden, normalization, tensors)
        logits = self.back_end.dense(hidden, tensors["dense.weight"], tensors["dense.bias"])
        self._update_averages()
        return logits

    @torch.no_grad()
    def modules(self) -> list[ConvolutionalNetwork]:
        """Copies of the networks as ordinary modules, where and as precise as they are."""
        tensors = {**self.tensors(), **self.buffers}
        copies = copy.deepcopy(self._modules)
        for k, module in enumerate(copies):
            module.load_state_dict({name: tensor[k] for name, tensor in tensors.items()})
        return copies

    @torch.no_grad()
    def saved(self) -> Callable[[], None]:
        """Keep the state; the returned function puts it back into the same memory."""
        state = [self.parameters, *self.buffers.values()]
        kept = [tensor.detach().clone() for tensor in state]

        @torch.no_grad()
        def restore() -> None:
            for tensor, value in zip(state, kept, strict=True):
                tensor.copy_(value)

        return restore

    def _normalize(self, hidden: Any, name: str, tensors: dict[str, Tensor]) -> Any:
        layer: BatchNormalization = getattr(self._like, name)
        statistics = [self.buffers[f"{name}.last_{moment}"] for moment in ("mean", "variance")]
        scale, shift = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        return self.back_end.normalize(hidden, scale, shift, *statistics, layer.epsilon)

    @torch.no_grad()
    def _update_averages(self) -> None:
        for name, average in self.buffers.items():
            if ".ema_" in name:
                average.lerp_(self.buffers[name.replace(".ema_", ".last_")], BatchNormalization.MOMENTUM)
