"""Paths that lead away from clean images without bound: two of gradients, one of white noise (section 4.4).

A path starts at the clean images and moves them along the L2-normalised gradient of the loss ("l2"), its sign ("linf"), or one
white Gaussian pattern per image under growing sigma ("gaussian"). Nothing is clipped or projected, and images keep moving
after they are misclassified. The forward pass that takes the next step also says what the model predicts here, so a path of T
steps costs T + 1 forward passes, however many of its points are recorded.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from rate_distortion import seeds
from rate_distortion.analysis.signal_to_noise import noise_amplitude
from rate_distortion.probes.input_gradients import (
    fixed_batches,
    input_gradient,
    left_as_found,
    log_odds_against,
    logit_margin,
    norms,
    require,
    unit_length,
    usable,
)

NOISES = ("l2", "linf", "gaussian")
OBJECTIVES = {"cross_entropy": log_odds_against, "margin": logit_margin}
"""Losses to climb; the log-odds stand for the cross-entropy, whose direction they have (see input_gradients)."""

GRADIENTS = ("per_image", "authors")
AUTHORS_SQUARED_NORM_FLOOR = 1e-12


@dataclass(frozen=True)
class SweepSettings:
    """A path and how densely it is recorded.

    Attributes:
        noise: "l2", "linf" or "gaussian".
        step_size: length of the first gradient step (L2 norm, or amplitude per pixel for "linf"), in the images' unit.
        step_growth: each step is this many times the one before it; 1 is the paper's constant step, more reaches low ratios
            in few steps.
        max_steps: gradient steps after which a record ends.
        lowest_snr_db: a record also ends at the first point whose mean ratio is below this. The ratio is the paper's
            20 log10(1 + ||x|| / ||delta||), in dB: 1 dB is -18.3 dB without the "1 +", 5 dB is -2.2 dB.
        points: points per curve: log-spaced path lengths between the first step and a straight path to ``lowest_snr_db``
            (longer paths go on at the same spacing), or log-spaced sigma.
        smallest_sigma, largest_sigma: range of the Gaussian noise's standard deviation, in the images' unit.
        loss: "cross_entropy", or "margin": the largest other logit minus the label's.
        gradient: "per_image" (summed loss, each image's own gradient normalised), or "authors": gradient of the batch's mean
            cross-entropy, its squared norm clamped from below at 1e-12, which shortens the "l2" steps of an image whose own
            gradient is below 1e-6 times the number of images in the batch.
        random_start_snr_db: step 1 moves each image in a random direction to this ratio (infinite: no random start).
        permutations: random confusion tables behind each point's information floor (0: no floor).
        batch_size: most images in one forward pass; bounds the memory.
        seed: of the Gaussian noise and of random starts.
    """

    noise: str
    step_size: float = 1e-2
    step_growth: float = 1.0
    max_steps: int = 4000
    lowest_snr_db: float = 1.0
    points: int = 60
    smallest_sigma: float = 1e-3
    largest_sigma: float = 10.0
    loss: str = "cross_entropy"
    gradient: str = "per_image"
    random_start_snr_db: float = inf
    permutations: int = 100
    batch_size: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        only_cross_entropy = self.gradient != "authors" or self.loss == "cross_entropy"
        above_zero = "this ratio is always positive; use more than 0 dB"
        for name, allowed, remedy in (
            ("noise", self.noise in NOISES, f"use one of {', '.join(NOISES)}"),
            ("loss", self.loss in OBJECTIVES, f"use one of {', '.join(OBJECTIVES)}"),
            ("gradient", self.gradient in GRADIENTS, f"use one of {', '.join(GRADIENTS)}"),
            ("loss", only_cross_entropy, "with gradient authors use cross_entropy"),
            ("step_size", 0 < self.step_size < inf, "use a number above zero"),
            ("step_growth", 1 <= self.step_growth < inf, "use 1 (constant steps) or more"),
            ("max_steps", self.max_steps >= 1, "use 1 or more"),
            ("points", self.points >= 3, "use 3 or more"),
            ("batch_size", self.batch_size >= 1, "use 1 or more"),
            ("lowest_snr_db", 0 < self.lowest_snr_db < inf, above_zero),
            ("random_start_snr_db", self.random_start_snr_db > 0, above_zero),
            ("smallest_sigma", self.smallest_sigma > 0, "use a number above zero"),
            ("largest_sigma", self.smallest_sigma < self.largest_sigma < inf, "use more than smallest_sigma"),
        ):
            require(allowed, name, getattr(self, name), remedy)


@dataclass(frozen=True)
class Point:
    """One point of a path of N images.

    Attributes:
        step: steps taken from the clean images.
        step_size: size of the step that led here (0 for the clean images; sigma for Gaussian noise).
        images: the perturbed images, shaped as the clean ones.
        logits: what the model makes of them, (N, K).
        zero_gradient: images whose gradient here is exactly zero, bool (N,); they stay where they are.
        clamped: images whose next step the "authors" clamp shortens, bool (N,).
    """

    step: int
    step_size: float
    images: Tensor
    logits: Tensor
    zero_gradient: Tensor
    clamped: Tensor


def noise_path(model: nn.Module, images: Tensor, labels: Tensor, settings: SweepSettings) -> Iterator[Point]:
    """The path that the settings name; arguments as for :func:`rate_distortion.probes.perturbations.sweep`."""
    return (gaussian_path if settings.noise == "gaussian" else gradient_path)(model, images, labels, settings)


def gradient_path(model: nn.Module, images: Tensor, labels: Tensor, settings: SweepSettings) -> Iterator[Point]:
    """The points of an "l2" or "linf" path, one per step from 0 on; it ends only where every gradient is exactly zero.

    A point is never changed afterwards, so points can be kept.
    """
    require(settings.noise != "gaussian", "noise", settings.noise, "a gradient path is l2 or linf")
    images, labels = checked(model, images, labels)
    batches = fixed_batches(len(images), settings.batch_size, images.device)
    perturbed, step_size, next_step_size = images, 0.0, settings.step_size
    for step in itertools.count():
        logits, direction, zero_gradient, clamped = _ascent(model, perturbed, labels, batches, settings)
        yield Point(step, step_size, perturbed, logits, zero_gradient, clamped)
        if step == 0 and isfinite(settings.random_start_snr_db):
            displacement = _random_displacement(images, settings)
            perturbed, step_size = images + displacement, norms(displacement).mean().item()
        elif zero_gradient.all():
            return
        else:
            perturbed, step_size = torch.add(perturbed, direction, alpha=next_step_size), next_step_size
            next_step_size *= settings.step_growth


def gaussian_path(model: nn.Module, images: Tensor, labels: Tensor, settings: SweepSettings) -> Iterator[Point]:
    """The clean images, then ``points - 1`` times these plus sigma times one fixed standard normal pattern per image.

    With fixed patterns each image moves along a straight random ray, on which the first misclassification has a distance. At
    any one sigma the noise is white and independent between images, and it is the same for every model and batch size.
    """
    images, labels = checked(model, images, labels)
    batches = fixed_batches(len(images), settings.batch_size, images.device)
    pattern = _standard_normal(images, settings.seed)
    none = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    sigmas = np.geomspace(settings.smallest_sigma, settings.largest_sigma, settings.points - 1)
    for step, sigma in enumerate([0.0, *sigmas.tolist()]):
        noisy = torch.add(images, pattern, alpha=sigma)
        yield Point(step, sigma, noisy, predict(model, noisy, labels, batches), none, none)


@torch.no_grad()
def predict(model: nn.Module, images: Tensor, labels: Tensor, batches: tuple[Tensor, ...]) -> Tensor:
    """Logits (N, K) of images taken in the given batches of row numbers, in the mode the model is in."""
    with left_as_found(model):
        return _in_order(batches, [usable(model(images[rows]), labels[rows]) for rows in batches])


def checked(
    model: nn.Module, images: Tensor | np.ndarray, labels: Tensor | np.ndarray | Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Images and labels as tensors on the model's device, after checking that they belong together.

    A numpy array of floats becomes a tensor of the weights' precision; a tensor must have it already.

    Raises:
        InputError: no images, images that are no floats, not finite or of another precision than the weights, or labels that
            are not one integer per image, from 0 on.
    """
    weights = next(model.parameters(), None)
    if isinstance(images, np.ndarray):
        _require_floats(images.dtype.kind == "f", images.dtype)
        images = torch.tensor(images, dtype=torch.get_default_dtype() if weights is None else weights.dtype)
    weights = images if weights is None else weights
    require(len(images) > 0, "images", tuple(images.shape), "pass at least one image")
    _require_floats(images.is_floating_point(), images.dtype)
    remedy = f"the weights are {weights.dtype}; pass images.to({weights.dtype}), or convert the model"
    require(images.dtype == weights.dtype, "images", images.dtype, remedy)
    require(bool(torch.isfinite(images).all()), "images", "nan or inf", "every value must be finite")
    return images.detach().to(weights.device), _checked_labels(labels, len(images)).to(weights.device)


def _checked_labels(labels: Tensor | np.ndarray | Sequence[int], count: int) -> Tensor:
    """The labels as int64 (count,), from any integers."""
    if not isinstance(labels, Tensor):
        labels = np.asarray(labels)
        labels = torch.from_numpy(labels.astype(np.int64)) if labels.dtype.kind in "iu" else labels
    whole = isinstance(labels, Tensor) and not labels.is_floating_point() and labels.dtype != torch.bool
    shape, remedy = tuple(labels.shape), f"pass {count} integers, one per image"
    if len(shape) == 2 and len(labels) == count:
        remedy += " (of one-hot labels: labels.argmax(1))"
    require(shape == (count,) and whole, "labels", f"{shape} {labels.dtype}", remedy)
    require(int(labels.min()) >= 0, "labels", int(labels.min()), "number the classes from 0 on")
    return labels.to(torch.int64)


def _require_floats(condition: bool, found: object) -> None:
    require(condition, "images", found, "pass floats, scaled as for the model's training (say images / 255)")


def _ascent(
    model: nn.Module, images: Tensor, labels: Tensor, batches: tuple[Tensor, ...], settings: SweepSettings
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logits, ascent direction, and which images have no gradient or a clamped one, each of length N."""
    objective = functional.cross_entropy if settings.gradient == "authors" else OBJECTIVES[settings.loss]
    outcomes = []
    for rows in batches:
        logits, gradient = input_gradient(model, images[rows], labels[rows], objective)
        outcomes.append((logits, *_direction(gradient, settings)))
    logits, direction, zero_gradient, clamped = (_in_order(batches, parts) for parts in zip(*outcomes, strict=True))
    return logits, direction, zero_gradient, clamped


def _direction(gradient: Tensor, settings: SweepSettings) -> tuple[Tensor, Tensor, Tensor]:
    """The step's direction, images without a gradient, and images whose direction is shorter than it should be."""
    zero_gradient = ~gradient.flatten(1).any(1)
    if settings.noise == "linf":
        return gradient.sign(), zero_gradient, torch.zeros_like(zero_gradient)
    if settings.gradient == "per_image":
        return unit_length(gradient), zero_gradient, torch.zeros_like(zero_gradient)
    squared = gradient.flatten(1).square().sum(1)
    lengths = squared.clamp_min(AUTHORS_SQUARED_NORM_FLOOR).sqrt()
    shape = (-1, *[1] * (gradient.dim() - 1))
    return gradient / lengths.view(shape), zero_gradient, squared < AUTHORS_SQUARED_NORM_FLOOR


def _random_displacement(images: Tensor, settings: SweepSettings) -> Tensor:
    """A random direction per image, as long as the starting ratio says."""
    lengths = norms(images) * float(noise_amplitude(settings.random_start_snr_db))
    return unit_length(_standard_normal(images, settings.seed)) * lengths.view(-1, *[1] * (images.dim() - 1))


def _standard_normal(images: Tensor, seed: int) -> Tensor:
    """Standard normal values shaped as the images, the same on every device."""
    values = seeds.generator(seed, "noise").standard_normal(tuple(images.shape), dtype=np.float32)
    return torch.from_numpy(values).to(images)


def _in_order(batches: tuple[Tensor, ...], parts: Iterable[Tensor]) -> Tensor:
    """Put the results of batches of row numbers back into the order of the images."""
    return torch.cat(list(parts))[torch.cat(batches).argsort()]
