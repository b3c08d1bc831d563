"""The CNN of Table 3 with its variants; a user's own network can stand in its place (:mod:`rate_distortion.models.factory`).

It is the CleverHans tutorial network that the paper adapts: three convolutions and a dense layer, ReLU between, biases
everywhere, TensorFlow's SAME / VALID / VALID padding (the only combination that leaves the 256 inputs of Table 3's last row).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from rate_distortion.errors import InputError, require_known
from rate_distortion.models import factory
from rate_distortion.models.convolve import convolve
from rate_distortion.models.shape import CHANNELS, KERNEL_SIZES, PADDINGS, SMALLEST_SIDE, STRIDES, output_side

NORMALIZATIONS = ("none", "batch")
BATCH_NORM_EVALUATIONS = ("batch", "last", "population", "ema")
INITIALIZATIONS = ("unit_norm", "unit_norm_frobenius", "he_normal")
DECAYED_TENSORS = ("all", "weights_and_biases", "weights")


@dataclass(frozen=True)
class ModelSettings:
    """What distinguishes models A, B, C, ... of a study (section 4.3).

    Attributes:
        weight_decay: lambda of the penalty lambda/2 ||w||^2 (the gradient gains lambda w).
        decayed_tensors: "weights_and_biases" (kernels and biases, not batch normalization's scale and shift), "weights"
            (kernels only) or "all".
        normalization: "none", or "batch": batch normalization after the ReLU of the two middle layers.
        batch_norm_evaluation: statistics in evaluation: "batch" (those of the evaluation batch: the paper's "without
            momentum"), "last" (of the last training batch), "population" (averaged over the training set after training) or
            "ema" (exponential moving average, momentum 0.1).
        initialization: "unit_norm" (Gaussian, each filter and each output unit scaled to unit norm), "unit_norm_frobenius"
            (the dense matrix scaled to unit norm as a whole) or "he_normal".
        width: multiplies the channel counts 32, 64, 64.
        factory: "module:function" returning an nn.Module for (image_shape, classes); replaces the CNN.

    Raises:
        InputError: for an unknown name.
    """

    weight_decay: float = 0.0
    decayed_tensors: str = "weights_and_biases"
    normalization: str = "none"
    batch_norm_evaluation: str = "batch"
    initialization: str = "unit_norm"
    width: float = 1.0
    factory: str | None = None

    def __post_init__(self) -> None:
        require_known(
            self,
            decayed_tensors=DECAYED_TENSORS,
            normalization=NORMALIZATIONS,
            batch_norm_evaluation=BATCH_NORM_EVALUATIONS,
            initialization=INITIALIZATIONS,
        )


class BatchNormalization(nn.Module):
    """Batch normalization over (N, H, W) whose evaluation statistics can be chosen after training.

    Training always uses the batch's own statistics. The statistics of the last training batch and their exponential moving
    average are kept beside each other; population statistics are filled in by :func:`estimate_population_statistics`.

    Shapes: (N, C, H, W) -> (N, C, H, W).
    """

    MOMENTUM = 0.1

    def __init__(self, channels: int, evaluation: str = "batch", epsilon: float = 1e-5):
        super().__init__()
        self.evaluation, self.epsilon = evaluation, epsilon
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        for name in ("last", "ema", "population"):
            self.register_buffer(f"{name}_mean", torch.zeros(channels))
            self.register_buffer(f"{name}_variance", torch.ones(channels))

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            # Momentum 1 makes the fused kernel store this batch's statistics.
            outputs = functional.batch_norm(
                inputs, self.last_mean, self.last_variance, self.weight, self.bias, True, 1.0, self.epsilon
            )
            with torch.no_grad():
                self.ema_mean.lerp_(self.last_mean, self.MOMENTUM)
                self.ema_variance.lerp_(self.last_variance, self.MOMENTUM)
            return outputs
        if self.evaluation == "batch":
            return functional.batch_norm(inputs, None, None, self.weight, self.bias, True, 0.0, self.epsilon)
        mean, variance = (
            getattr(self, f"{self.evaluation}_mean"),
            getattr(self, f"{self.evaluation}_variance"),
        )
        return functional.batch_norm(inputs, mean, variance, self.weight, self.bias, False, 0.0, self.epsilon)


BATCH_NORMALIZATIONS = (BatchNormalization, nn.modules.batchnorm._BatchNorm)
"""This module's own, and those of torch that a user's network may have."""


class Convolution(nn.Conv2d):
    """torch's layer, arranged for a processor (:mod:`rate_distortion.models.convolve`)."""

    def forward(self, images: Tensor) -> Tensor:
        return convolve(images, self.weight, self.bias, self.stride[0], self.padding[0])


class ConvolutionalNetwork(nn.Module):
    """The CNN of Table 3: images (N, C, H, W) -> logits (N, classes). 180,906 parameters for grey 32x32 and ten classes."""

    def __init__(
        self,
        image_shape: tuple[int, int, int] = (1, 32, 32),
        classes: int = 10,
        *,
        normalization: str = "none",
        batch_norm_evaluation: str = "batch",
        width: float = 1.0,
    ):
        super().__init__()
        channels = [image_shape[0], *(max(1, round(width * count)) for count in CHANNELS)]
        size = _output_size(image_shape)
        self.conv1, self.conv2, self.conv3 = (
            Convolution(channels[i], channels[i + 1], KERNEL_SIZES[i], STRIDES[i], PADDINGS[i]) for i in range(3)
        )
        self.dense = nn.Linear(channels[3] * size**2, classes)
        batch = normalization == "batch"
        self.norm1, self.norm2 = (
            BatchNormalization(channels[i], batch_norm_evaluation) if batch else nn.Identity() for i in (1, 2)
        )

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.norm1(functional.relu(self.conv1(images), inplace=True))
        hidden = self.norm2(functional.relu(self.conv2(hidden), inplace=True))
        hidden = functional.relu(self.conv3(hidden), inplace=True)
        return self.dense(hidden.flatten(1))


def build(
    settings: ModelSettings, image_shape: tuple[int, int, int], classes: int, generator: torch.Generator
) -> nn.Module:
    """A freshly initialised model.

    Args:
        settings: the model's settings.
        image_shape: (channels, height, width).
        classes: number of outputs.
        generator: the initialisation stream (on the CPU, so that every device starts from the same weights).

    Raises:
        InputError: images too small for the CNN, or a factory that cannot be used.
    """
    if settings.factory is not None:
        return factory.build(settings.factory, image_shape, classes, generator)
    model = ConvolutionalNetwork(
        image_shape,
        classes,
        normalization=settings.normalization,
        batch_norm_evaluation=settings.batch_norm_evaluation,
        width=settings.width,
    )
    initialize(model, settings.initialization, generator)
    return model


def placed(model: nn.Module, device: torch.device, dtype: torch.dtype | None = None) -> nn.Module:
    """A network on a device, in a precision.

    The CNN has channels last, which is faster. A user's own network keeps its layout, on which its code may rely (``view``).
    """
    model = model.to(device, dtype)
    return model.to(memory_format=torch.channels_last) if isinstance(model, ConvolutionalNetwork) else model


@torch.no_grad()
def initialize(model: nn.Module, scheme: str, generator: torch.Generator) -> None:
    """Gaussian weights, zero biases, for every convolution and dense layer (scheme: see :class:`ModelSettings`)."""
    for layer in model.modules():
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        layer.weight.normal_(generator=generator)
        layer.bias.zero_()
        flat = layer.weight.view(len(layer.weight), -1)
        if scheme == "he_normal":
            flat.mul_((2.0 / flat.shape[1]) ** 0.5)
        elif scheme == "unit_norm_frobenius" and isinstance(layer, nn.Linear):
            flat.div_(flat.norm())
        else:
            flat.div_(flat.norm(dim=1, keepdim=True))


def parameter_groups(model: nn.Module, settings: ModelSettings) -> list[dict]:
    """Optimizer groups: the decayed tensors with lambda, the others without."""
    decayed, free = _by_decay(model, settings)
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def decayed_norm(model: nn.Module, settings: ModelSettings) -> float:
    """L2 norm of everything that weight decay acts on: ||w|| in lambda/2 ||w||^2."""
    decayed, _ = _by_decay(model, settings)
    return sum(parameter.detach().double().square().sum().item() for parameter in decayed) ** 0.5


def _by_decay(model: nn.Module, settings: ModelSettings) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The tensors that weight decay acts on, and the others."""
    normalization = {id(p) for m in model.modules() if isinstance(m, BATCH_NORMALIZATIONS) for p in m.parameters()}

    def is_decayed(parameter: nn.Parameter) -> bool:
        if settings.decayed_tensors == "all":
            return True
        if id(parameter) in normalization:
            return False
        return settings.decayed_tensors == "weights_and_biases" or parameter.dim() > 1

    decayed = [p for p in model.parameters() if is_decayed(p)]
    return decayed, [p for p in model.parameters() if not is_decayed(p)]


def set_batch_norm_evaluation(model: nn.Module, evaluation: str) -> None:
    """Choose whose statistics every batch normalization of a model uses in evaluation (see :class:`ModelSettings`)."""
    for layer in batch_normalizations(model):
        layer.evaluation = evaluation


def batch_normalizations(model: nn.Module) -> list[BatchNormalization]:
    """The batch normalizations of a model, in order."""
    return [layer for layer in model.modules() if isinstance(layer, BatchNormalization)]


@torch.no_grad()
def estimate_population_statistics(model: nn.Module, images: Tensor, batch_size: int) -> None:
    """Fill every batch normalization's population mean and variance by one pass over ``images`` (N, C, H, W).

    Layers are filled in order, each from the outputs of the layers before it under their own population statistics, so that
    the result is what evaluation with "population" really sees. Variances use the law of total variance and the divisor N.
    """
    layers = batch_normalizations(model)
    chosen = [layer.evaluation for layer in layers]
    training = model.training
    model.eval()
    set_batch_norm_evaluation(model, "population")
    for layer in layers:
        layer.population_mean, layer.population_variance = _input_moments(model, layer, images, batch_size)
    for layer, evaluation in zip(layers, chosen, strict=True):
        layer.evaluation = evaluation
    model.train(training)


def _input_moments(model: nn.Module, layer: nn.Module, images: Tensor, batch_size: int) -> tuple[Tensor, Tensor]:
    sums: list[Tensor] = []

    def accumulate(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        values = inputs[0].double().transpose(0, 1).flatten(1)
        sums.append(torch.stack([torch.full_like(values[:, 0], values.shape[1]), values.sum(1), (values**2).sum(1)]))

    handle = layer.register_forward_pre_hook(accumulate)
    for start in range(0, len(images), batch_size):
        model(images[start : start + batch_size])
    handle.remove()
    count, total, squares = torch.stack(sums).sum(0)
    mean = total / count
    dtype = layer.weight.dtype
    return mean.to(dtype), (squares / count - mean**2).clamp_min(0).to(dtype)


@dataclass(frozen=True)
class LayerRow:
    """One row of Table 3; ``kernel_parameters`` counts weights alone, ``bias_parameters`` the biases."""

    block: str
    height: int
    width: int
    input_channels: int
    output_channels: int
    stride: int
    kernel_parameters: int
    bias_parameters: int


def architecture_table(model: ConvolutionalNetwork) -> list[LayerRow]:
    """Table 3 read from a built network; the dense layer counts as a 1x1 convolution, as printed."""
    rows = []
    for number, layer in enumerate((model.conv1, model.conv2, model.conv3), start=1):
        outputs, inputs, height, width = layer.weight.shape
        rows.append(LayerRow(f"Conv{number}", height, width, inputs, outputs, layer.stride[0], *_counts(layer)))
    outputs, inputs = model.dense.weight.shape
    rows.append(LayerRow("Fc", 1, 1, inputs, outputs, 1, *_counts(model.dense)))
    return rows


def _counts(layer: nn.Module) -> tuple[int, int]:
    return layer.weight.numel(), layer.bias.numel()


def _output_size(image_shape: tuple[int, int, int]) -> int:
    size = output_side(image_shape[1])
    if image_shape[1] != image_shape[2] or size < 1:
        raise InputError(
            f"images are {image_shape[1]}x{image_shape[2]} pixels; the CNN of Table 3 takes square images of at least "
            f"{SMALLEST_SIDE}x{SMALLEST_SIDE} (set data.image_size, or name your own model with models.<name>.factory)"
        )
    return size
