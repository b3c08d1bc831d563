"""Several multilayer perceptrons trained as one: the network of Section 4.1 with a leading axis over networks.

A minibatch of 100 images is too little work for one small network to hide the cost of starting each operation, and automatic
differentiation adds a graph per step. So K networks of the same shape share every operation, gradients are written by hand with
the kernels that automatic differentiation would call, and the step of gradient descent is part of the matrix product that forms
the weight gradient (``W <- W - rate * delta x^T``), which is then never stored.

Values inside are kept features first, (K, units, batch), so that batch normalization is one fused kernel over K * units
channels.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rate_distortion import seeds
from rate_distortion.errors import InputError, require_known

kernels = torch.ops.aten

ACTIVATIONS = {
    "relu": (nn.ReLU, torch.relu_, lambda error, output: kernels.threshold_backward(error, output, 0)),
    "tanh": (nn.Tanh, torch.tanh_, kernels.tanh_backward),
}
"""Module, in-place function, and the product of an error with the derivative, as a function of the output."""

NORMALIZATIONS = ("none", "batch")
EPSILON = 1e-5
"""Added to the variance in batch normalization."""


@dataclass(frozen=True)
class PerceptronSettings:
    """The network of Section 4.1.

    Attributes:
        hidden_widths: units of the hidden layers. The paper says "over-parameterized six-layer"; the default has 111,650
            parameters on MNIST.
        activation: "relu" or "tanh".
        normalization: "none", or "batch": after the activation of every layer but the last, with the statistics of the batch
            at hand (in evaluation too: the paper's "without momentum"), scale and shift trained.

    Raises:
        InputError: for no hidden layer, a width below 1 or an unknown name.
    """

    hidden_widths: tuple[int, ...] = (128, 64, 32, 16, 16)
    activation: str = "relu"
    normalization: str = "none"

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden_widths", tuple(self.hidden_widths))
        if not self.hidden_widths or min(self.hidden_widths) < 1:
            raise InputError(f"hidden_widths is {list(self.hidden_widths)}; name at least one width, each at least 1")
        require_known(self, activation=ACTIVATIONS, normalization=NORMALIZATIONS)


def build(settings: PerceptronSettings, inputs: int, classes: int, seed: int) -> nn.Sequential:
    """One network as an ordinary module, (batch, inputs) -> logits (batch, classes), initialised from the seed's own stream.

    Weights are drawn by Glorot and Bengio's (2010) uniform rule in float32, whatever precision they are trained in; biases
    are zero.
    """
    stream = torch.Generator().manual_seed(seeds.torch_seed(seed, "initialization"))
    activation = ACTIVATIONS[settings.activation][0]
    widths, layers = (inputs, *settings.hidden_widths, classes), []
    for layer in range(1, len(widths)):
        linear = nn.Linear(widths[layer - 1], widths[layer])
        nn.init.xavier_uniform_(linear.weight, generator=stream)
        nn.init.zeros_(linear.bias)
        layers.append(linear)
        if layer < len(widths) - 1:
            layers.append(activation())
            if settings.normalization == "batch":
                layers.append(nn.BatchNorm1d(widths[layer], EPSILON, track_running_stats=False))
    return nn.Sequential(*layers)


@dataclass
class Pass:
    """One forward pass, kept for the backward pass.

    Attributes:
        inputs: what enters each weight layer, (K, units, batch); from the second on, the outputs of the hidden layers.
        activated: hidden layers after the activation and before any normalization, (K, units, batch).
        statistics: of each batch normalization, mean and inverse standard deviation (K * units,).
        logits: (K, classes, batch).
    """

    inputs: list[Tensor]
    activated: list[Tensor]
    statistics: list[tuple[Tensor, Tensor]]
    logits: Tensor


class PerceptronPack:
    """K networks of one shape.

    Pixels that are zero in every image leave their weights as they were drawn, so these are set aside (a sixth of MNIST's first
    layer for 3 versus 7) and count only in the weight norm.

    Attributes:
        weights, biases: of each layer, (K, outputs, inputs) and (K, outputs, 1); inputs of the first are the used ones.
        idle_weights: of the first layer, (K, outputs, idle inputs).
        scales, shifts: of each batch normalization, (K * units,); empty without.
    """

    def __init__(
        self, settings: PerceptronSettings, modules: Sequence[nn.Sequential], used_inputs: Tensor | None = None
    ):
        """Stack modules.

        Args:
            settings: their settings.
            modules: from :func:`build`, all on one device and in one precision; they are copied.
            used_inputs: which inputs are not always zero, boolean (inputs,); all by default.
        """
        self.settings, self._like = settings, modules[0]
        self._activate, self._derivative = ACTIVATIONS[settings.activation][1:]
        linear, normalization = _stacked(modules, nn.Linear), _stacked(modules, nn.BatchNorm1d)
        self.weights, self.biases = [weight for weight, _ in linear], [bias.unsqueeze(2) for _, bias in linear]
        self.scales, self.shifts = (
            [scale.flatten() for scale, _ in normalization],
            [shift.flatten() for _, shift in normalization],
        )
        first = self.weights[0]
        used = torch.ones(first.shape[2], dtype=torch.bool) if used_inputs is None else used_inputs
        self.used_inputs = used.to(first.device)
        self.weights[0], self.idle_weights = first[:, :, self.used_inputs], first[:, :, ~self.used_inputs]

    @property
    def networks(self) -> int:
        """K."""
        return len(self.weights[0])

    def modules(self) -> list[nn.Sequential]:
        """Copies of the networks as ordinary modules, where and as precise as they are."""
        first = self.weights[0].new_empty(*self.weights[0].shape[:2], len(self.used_inputs))
        first[:, :, self.used_inputs], first[:, :, ~self.used_inputs] = self.weights[0], self.idle_weights
        linear = zip([first, *self.weights[1:]], [bias.squeeze(2) for bias in self.biases], strict=True)
        shape = (self.networks, -1)
        normalization = [
            (scale.view(shape), shift.view(shape)) for scale, shift in zip(self.scales, self.shifts, strict=True)
        ]
        copies = [copy.deepcopy(self._like) for _ in range(self.networks)]
        _unstack(list(linear), copies, nn.Linear)
        _unstack(normalization, copies, nn.BatchNorm1d)
        return copies

    def weight_norms(self) -> Tensor:
        """L2 norm of every layer's weights, biases aside, (K, layers)."""
        squares = torch.stack([weight.double().square().sum((1, 2)) for weight in self.weights], 1)
        squares[:, 0] += self.idle_weights.double().square().sum((1, 2))
        return squares.sqrt()

    def forward(self, images: Tensor) -> Pass:
        """Images (K, batch, used inputs), one minibatch for each network."""
        hidden, found = images.transpose(1, 2), Pass([], [], [], images)
        for layer in range(len(self.weights) - 1):
            found.inputs.append(hidden)
            hidden = self._activate(torch.baddbmm(self.biases[layer], self.weights[layer], hidden))
            found.activated.append(hidden)
            if self.scales:
                hidden, *statistics = self._normalize(layer, hidden)
                found.statistics.append(statistics)
        found.inputs.append(hidden)
        found.logits = torch.baddbmm(self.biases[-1], self.weights[-1], hidden)
        return found

    def errors(self, found: Pass, targets: Tensor) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]]]:
        """Gradients of the mean cross-entropy with respect to what every layer adds up, and to scales and shifts.

        Args:
            found: a forward pass.
            targets: one-hot labels (K, classes, batch).

        Returns:
            errors (K, units, batch) by layer, whose product with the layer's inputs is the weight gradient, and the pairs of
            gradients (K * units,) by batch normalization.
        """
        error = torch.softmax(found.logits, 1).sub_(targets).div_(targets.shape[2])
        errors, normalization = [error], []
        for layer in range(len(self.weights) - 1, 0, -1):
            error = torch.bmm(self.weights[layer].transpose(1, 2), error)
            if self.scales:
                error, *gradients = self._normalization_errors(layer - 1, error, found)
                normalization.append(gradients)
            error = self._derivative(error, found.activated[layer - 1])
            errors.append(error)
        return errors[::-1], normalization[::-1]

    def descend(
        self, found: Pass, errors: list[Tensor], normalization: list[tuple[Tensor, Tensor]], learning_rate: float
    ) -> None:
        """One step of gradient descent, in place."""
        for weight, bias, error, inputs in zip(self.weights, self.biases, errors, found.inputs, strict=True):
            weight.baddbmm_(error, inputs.transpose(1, 2), alpha=-learning_rate)
            bias.sub_(error.sum(2, keepdim=True), alpha=learning_rate)
        for scale, shift, (scale_gradient, shift_gradient) in zip(self.scales, self.shifts, normalization, strict=True):
            scale.sub_(scale_gradient, alpha=learning_rate)
            shift.sub_(shift_gradient, alpha=learning_rate)

    def _normalize(self, layer: int, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        channels = hidden.view(1, -1, hidden.shape[2])
        outputs, mean, inverse = torch.native_batch_norm(
            channels, self.scales[layer], self.shifts[layer], None, None, True, 0.0, EPSILON
        )
        return outputs.view_as(hidden), mean, inverse

    def _normalization_errors(self, layer: int, error: Tensor, found: Pass) -> tuple[Tensor, Tensor, Tensor]:
        shape = (1, -1, error.shape[2])
        gradients = kernels.native_batch_norm_backward(
            error.view(shape), found.activated[layer].view(shape), self.scales[layer], None, None,
            *found.statistics[layer], True, EPSILON, [True, True, True],
        )  # fmt: skip
        return gradients[0].view_as(error), *gradients[1:]


def _layers(module: nn.Sequential, kind: type[nn.Module]) -> list[nn.Module]:
    return [layer for layer in module if isinstance(layer, kind)]


def _stacked(modules: Sequence[nn.Sequential], kind: type[nn.Module]) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of every layer of a kind, with a leading axis over modules."""
    columns = zip(*(_layers(module, kind) for module in modules), strict=True)
    return [
        (
            torch.stack([layer.weight.detach() for layer in column]),
            torch.stack([layer.bias.detach() for layer in column]),
        )
        for column in columns
    ]


@torch.no_grad()
def _unstack(pairs: list[tuple[Tensor, Tensor]], modules: Sequence[nn.Sequential], kind: type[nn.Module]) -> None:
    """The opposite of :func:`_stacked`: copy into modules."""
    for index, module in enumerate(modules):
        for layer, (weight, bias) in zip(_layers(module, kind), pairs, strict=True):
            layer.weight.copy_(weight[index])
            layer.bias.copy_(bias[index])
