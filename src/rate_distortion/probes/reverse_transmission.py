"""The channel used backwards: from a label to an image (section 4.4, Figure 4).

For Figure 4(b) an image of faint noise around the population mean is moved down the loss towards each label until the model is
certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from rate_distortion import seeds
from rate_distortion.probes.input_gradients import (
    Objective,
    input_gradient,
    log_odds_against,
    norms,
    require,
    unit_length,
)
from rate_distortion.probes.noise_paths import checked

DIRECTIONS = ("l2", "sign", "raw")
STEP_UNITS = ("image", "standard_deviation")


@dataclass(frozen=True)
class ReverseSettings:
    """How a label is transmitted.

    Attributes:
        direction: "l2" (normalised gradient), "sign", or "raw" (the cross-entropy's gradient as it is).
        step_size: of each step: L2 norm, amplitude per pixel, or factor of the raw gradient.
        step_unit: what steps are counted in: the units of the images ("image"), as those of the sweeps, or the population's
            standard deviations ("standard_deviation").
        sigma: standard deviation of the starting noise, in the population's; 0.1 is a variance two orders of magnitude below.
        confidence: probability of the label at which an image is finished; 0.9995 is full confidence to three decimals.
        max_steps: steps after which an image is given up.
        seed: of the starting noise.
    """

    direction: str = "l2"
    step_size: float = 1e-2
    step_unit: str = "image"
    sigma: float = 0.1
    confidence: float = 0.9995
    max_steps: int = 5000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed, remedy in (
            ("direction", self.direction in DIRECTIONS, f"use one of {', '.join(DIRECTIONS)}"),
            ("step_unit", self.step_unit in STEP_UNITS, f"use one of {', '.join(STEP_UNITS)}"),
            ("step_size", 0 < self.step_size < inf, "use a number above zero"),
            ("sigma", 0 <= self.sigma < inf, "use zero or more"),
            ("confidence", 0 < self.confidence < 1, "use a probability between 0 and 1"),
            ("max_steps", self.max_steps >= 1, "use 1 or more"),
        ):
            require(allowed, name, getattr(self, name), remedy)


@dataclass(frozen=True)
class ReverseTransmission:
    """One image per label.

    Attributes:
        records: one dictionary per label, the columns of ``reverse_transmission.csv``: label, steps, reached (whether the
            confidence was; if not, steps is max_steps and only a lower bound), confidence and predicted (of the final image),
            distance (L2, from the start, in units of the population's standard deviation), evaluation_mode.
        images: the final images, (K, ...), in the model's precision, on the CPU.
        starts: the noise they started from, same shape.
    """

    records: list[dict[str, Any]]
    images: np.ndarray
    starts: np.ndarray


def population_statistics(images: Tensor) -> tuple[Tensor, float]:
    """The mean image, shaped as one image, and the standard deviation of all pixels around it, from (N, ...)."""
    mean = images.double().mean(0)
    return mean.to(images.dtype), (images.double() - mean).square().mean().sqrt().item()


def transmit(
    model: nn.Module,
    mean: Tensor,
    standard_deviation: float,
    classes: int,
    settings: ReverseSettings | None = None,
    evaluation_mode: str = "none",
) -> ReverseTransmission:
    """Minimise the loss towards every label, all labels in one batch, until the model is certain of each.

    An image that has reached the confidence stays as it is. Under batch statistics its confidence still depends on the images
    beside it, so there the final confidence may differ from the one it was stopped at.

    Args:
        model: images (N, ...) -> logits (N, K); used in the mode it is in (call ``eval`` first), and unchanged afterwards.
        mean: the population's mean image, in the precision of the weights.
        standard_deviation: the population's, in the images' unit.
        classes: K.
        settings: see :class:`ReverseSettings`; None takes the defaults.
        evaluation_mode: name of the batch statistics in use, kept in the records.

    Raises:
        ValueError: a standard deviation that is not above zero, a mean image or logits that cannot be used.
    """
    settings = settings or ReverseSettings()
    require(0 < standard_deviation < inf, "standard_deviation", standard_deviation, "use a number above zero")
    require(classes >= 2, "classes", classes, "use the number of the model's outputs, 2 or more")
    starts, labels = checked(model, _starts(mean, standard_deviation, classes, settings), torch.arange(classes))
    images, steps = starts, torch.full((classes,), -1, device=labels.device)
    for step in range(settings.max_steps + 1):
        logits, gradient = input_gradient(model, images, labels, _objective(settings))
        confidence = logits.double().softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1)
        steps = torch.where((steps < 0) & (confidence >= settings.confidence), step, steps)
        if step == settings.max_steps or (steps >= 0).all():
            break
        moving = (steps < 0).view(-1, *[1] * mean.dim())
        images = torch.where(moving, images - _step(gradient, standard_deviation, settings), images)
    distances = norms(images - starts) / standard_deviation
    records = [
        {
            "label": label,
            "steps": int(steps[label]) if steps[label] >= 0 else settings.max_steps,
            "reached": bool(steps[label] >= 0),
            "confidence": confidence[label].item(),
            "predicted": int(logits[label].argmax()),
            "distance": distances[label].item(),
            "evaluation_mode": evaluation_mode,
        }
        for label in range(classes)
    ]
    return ReverseTransmission(records, images.cpu().numpy(), starts.cpu().numpy())


def _starts(mean: Tensor, standard_deviation: float, classes: int, settings: ReverseSettings) -> Tensor:
    """The mean image plus independent white noise for every label, the same on every device."""
    noise = seeds.generator(settings.seed, "noise").standard_normal((classes, *mean.shape), dtype=np.float32)
    return mean + settings.sigma * standard_deviation * torch.from_numpy(noise).to(mean)


def _objective(settings: ReverseSettings) -> Objective:
    """What is minimised: the log-odds where only the direction counts, else the cross-entropy itself."""
    if settings.direction != "raw":
        return log_odds_against
    return lambda logits, labels: functional.softplus(log_odds_against(logits, labels))


def _step(gradient: Tensor, standard_deviation: float, settings: ReverseSettings) -> Tensor:
    """The change of the images, in their own unit."""
    unit = standard_deviation if settings.step_unit == "standard_deviation" else 1.0
    if settings.direction == "raw":
        # Both the gradient and the step change unit when pixels are counted in standard deviations.
        return settings.step_size * unit**2 * gradient
    direction = unit_length(gradient) if settings.direction == "l2" else gradient.sign()
    return settings.step_size * unit * direction
