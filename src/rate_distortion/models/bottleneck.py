"""The network of Figure 6, 784-392-196-2-49-10, in its three variants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from rate_distortion import seeds
from rate_distortion.errors import InputError, require_known
from rate_distortion.models.shape import VARIANTS

ACTIVATIONS = ("linear", "relu")
EVALUATIONS = ("ema", "batch")
UNITS = 2
"""Width of the bottleneck layer."""


@dataclass(frozen=True)
class BottleneckSettings:
    """The shape of the network; defaults are the paper's, or those of the release that it builds on.

    Attributes:
        variant: "none", "batch" (batch normalization after the relu of every layer before the one of two units), or
            "batch_without_scale" (the same with the scale fixed at one; the shift is trained).
        encoder_widths: units of the layers before the one of two units.
        decoder_widths: units of the layers after it, without the last.
        activation: of the layer of two units, "linear" or "relu".
        batch_norm_epsilon: added to the variance.
        batch_norm_momentum: the share that a running average keeps at each step (Keras counts so).
        batch_norm_evaluation: "ema", the running averages, or "batch", the images evaluated together.

    Raises:
        InputError: for an unknown name, a width below 1, or a momentum outside [0, 1).
    """

    variant: str = "none"
    encoder_widths: tuple[int, ...] = (392, 196)
    decoder_widths: tuple[int, ...] = (49,)
    activation: str = "linear"
    batch_norm_epsilon: float = 1e-3
    batch_norm_momentum: float = 0.99
    batch_norm_evaluation: str = "ema"

    def __post_init__(self) -> None:
        for key in ("encoder_widths", "decoder_widths"):
            object.__setattr__(self, key, tuple(getattr(self, key)))
            if not getattr(self, key) or min(getattr(self, key)) < 1:
                raise InputError(f"{key} is {list(getattr(self, key))}; name at least one width, each at least 1")
        require_known(self, variant=VARIANTS, activation=ACTIVATIONS, batch_norm_evaluation=EVALUATIONS)
        if not 0 <= self.batch_norm_momentum < 1:
            raise InputError(
                f"batch_norm_momentum is {self.batch_norm_momentum}; it is the share kept, at least 0 and below 1"
            )


class Bottleneck(nn.Module):
    """Encoder, two units with Gaussian noise of trained variance, decoder.

    The noise is the caller's to draw and add, so that its stream is the run's own.

    Args:
        settings: the shape.
        inputs, classes: sizes of the first and the last layer.
        noise_log_variance: at the beginning.
        seed: of the weights: He's uniform rule before a relu, Glorot's elsewhere, biases zero (as the release).
    """

    def __init__(self, settings: BottleneckSettings, inputs: int, classes: int, noise_log_variance: float, seed: int):
        super().__init__()
        self.settings = settings
        stream = torch.Generator().manual_seed(seeds.torch_seed(seed, "initialization"))
        encoder, decoder = (inputs, *settings.encoder_widths), (UNITS, *settings.decoder_widths)
        self.encoder = _linear_layers(encoder, stream)
        self.embedding = _linear(encoder[-1], UNITS, settings.activation, stream)
        self.decoder = _linear_layers(decoder, stream)
        self.output = _linear(decoder[-1], classes, "linear", stream)
        self.noise_log_variance = nn.Parameter(torch.tensor(float(noise_log_variance)))
        widths = settings.encoder_widths if settings.variant != "none" else ()
        self.normalizations = nn.ModuleList(_normalization(width, settings) for width in widths)

    def encode(self, images: Tensor, statistics: str) -> Tensor:
        """The two units without noise, (batch, 2).

        Args:
            images: (batch, inputs).
            statistics: what batch normalization uses: "batch"; "update", the same and the running averages move; or "ema".
        """
        values = images
        for number, layer in enumerate(self.encoder):
            values = torch.relu(layer(values))
            if self.normalizations:
                values = _normalized(self.normalizations[number], values, statistics)
        embedded = self.embedding(values)
        return torch.relu(embedded) if self.settings.activation == "relu" else embedded

    def decode(self, embedded: Tensor) -> Tensor:
        """Logits, (batch, classes), from the two units with or without noise."""
        for layer in self.decoder:
            embedded = torch.relu(layer(embedded))
        return self.output(embedded)

    def noise(self, draws: Tensor) -> Tensor:
        """Standard normal draws at the noise's standard deviation."""
        return torch.exp(0.5 * self.noise_log_variance) * draws

    def decayed(self) -> list[nn.Parameter]:
        """The weights of all layers, which are what decays; biases, batch normalization and the noise do not."""
        return [layer.weight for layer in self._layers()]

    def undecayed(self) -> list[nn.Parameter]:
        decayed = {id(parameter) for parameter in self.decayed()}
        return [parameter for parameter in self.parameters() if id(parameter) not in decayed]

    def _layers(self) -> Iterator[nn.Linear]:
        yield from (*self.encoder, self.embedding, *self.decoder, self.output)


def _linear_layers(widths: tuple[int, ...], stream: torch.Generator) -> nn.ModuleList:
    return nn.ModuleList(_linear(inputs, outputs, "relu", stream) for inputs, outputs in pairwise(widths))


def _linear(inputs: int, outputs: int, activation: str, stream: torch.Generator) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    if activation == "relu":
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=stream)
    else:
        nn.init.xavier_uniform_(layer.weight, generator=stream)
    nn.init.zeros_(layer.bias)
    return layer


def _normalization(width: int, settings: BottleneckSettings) -> nn.BatchNorm1d:
    layer = nn.BatchNorm1d(width, settings.batch_norm_epsilon, 1 - settings.batch_norm_momentum)
    if settings.variant == "batch_without_scale":
        layer.register_parameter("weight", None)
    return layer


def _normalized(layer: nn.BatchNorm1d, values: Tensor, statistics: str) -> Tensor:
    averages = (None, None) if statistics == "batch" else (layer.running_mean, layer.running_var)
    return functional.batch_norm(
        values, *averages, layer.weight, layer.bias, statistics != "ema", layer.momentum, layer.eps
    )
