"""Fault tolerance: how much a model still says about the label while noise grows without bound (section 4.4, Figure 5).

:func:`sweep` is the whole analysis: one pass along a path of :mod:`probes.noise_paths`, and at its recorded points the
signal-to-noise ratio, the accuracy and I(prediction; label). :func:`record` measures a path from any other source.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rate_distortion import information
from rate_distortion.analysis import signal_to_noise as snr
from rate_distortion.probes.input_gradients import norms, require, saturated
from rate_distortion.probes.noise_paths import Point, SweepSettings, checked, noise_path

EVALUATION_MODES = ("none", "last", "population", "ema", "batch")
"""Where batch normalization takes its statistics from; "none" is a model without it. Only "batch" mixes images."""


@dataclass(frozen=True)
class Sweep:
    """A recorded path of N images and K classes.

    Attributes:
        records: one dictionary per recorded point, the columns of ``perturbations/<noise>.csv``: step, step_size, snr_db,
            snr_plain_db (without "1 +"), snr_without_dc_db (each image's mean taken off the signal), accuracy_percent,
            information_bits (plug-in), floor_bits, floor_standard_deviation_bits, miller_madow_bits, zero_gradient_images,
            saturated_images (probability of the label rounds to one), clamped_images, evaluation_mode, noise, images.
        confusion: counts, int64 (points, K, K); rows are labels, columns predictions.
        predictions: predicted classes, int16 (points, N), from which images can be resampled.
        first_misclassified_snr_db: float64 (N,), the ratio at which an image was first misclassified at any step, recorded or
            not: infinite if wrong when clean, -infinite if never wrong, NaN under batch statistics, where an image's
            prediction also depends on its neighbours.
    """

    records: list[dict[str, Any]]
    confusion: np.ndarray
    predictions: np.ndarray
    first_misclassified_snr_db: np.ndarray

    def column(self, name: str) -> np.ndarray:
        """One column of the records, one value per point."""
        return np.array([row[name] for row in self.records])


def sweep(
    model: nn.Module, images: Tensor, labels: Tensor, settings: SweepSettings, evaluation_mode: str = "none"
) -> Sweep:
    """Information, accuracy and confusion along one unbounded path (one curve of Figure 5).

    Args:
        model: images (N, ...) -> logits (N, K); in the mode it is in, with a warning in training mode; unchanged afterwards.
        images: (N, ...), in the precision of the weights, on any device. ``sweep(model.double(), images.double(), ...)``
            computes everything in double precision.
        labels: integers (N,) below K.
        settings: the path and how densely it is recorded.
        evaluation_mode: where batch normalization takes its statistics from, one of :data:`EVALUATION_MODES`.

    Raises:
        ValueError: images, labels or an evaluation mode that cannot be used, or logits that are not finite.
    """
    images, labels = checked(model, images, labels)
    if model.training:
        warnings.warn(
            "the model is in training mode, in which dropout and batch normalization answer differently from call to call: "
            "call model.eval() first",
            stacklevel=2,
        )
    return record(noise_path(model, images, labels, settings), images, labels, settings, evaluation_mode)


def record(
    path: Iterable[Point], images: Tensor, labels: Tensor, settings: SweepSettings, evaluation_mode: str = "none"
) -> Sweep:
    """Walk along a path and measure it; the first and the last point are always recorded.

    A gradient path is left after ``max_steps``, or when the mean ratio of all images, or of those that still move, is below
    ``lowest_snr_db``. A Gaussian path is recorded whole.

    Args:
        path: points of these images, from any source.
        images, labels: the clean images and their labels, on the path's device.
        settings: says which points are recorded.
        evaluation_mode: one of :data:`EVALUATION_MODES`.
    """
    allowed = f"use one of {', '.join(EVALUATION_MODES)}"
    require(evaluation_mode in EVALUATION_MODES, "evaluation_mode", evaluation_mode, allowed)
    recorder = _Recorder(images, labels, settings, evaluation_mode)
    due = recorded_steps(settings, images)
    recorded = False
    for point in path:
        noise_norms, ratios = recorder.observe(point)
        recorded = settings.noise == "gaussian" or point.step in due
        if recorded:
            recorder.add(point, noise_norms, ratios)
        if settings.noise != "gaussian" and _is_last(point, ratios, settings):
            break
    if not recorded:
        recorder.add(point, noise_norms, ratios)
    return recorder.finish()


def recorded_steps(settings: SweepSettings, images: Tensor) -> frozenset[int]:
    """Steps of a gradient path that are recorded: 0, 1, and the first in each of log-spaced ranges of path length.

    With constant steps these are log-spaced steps; with growing ones they stay evenly spread over the decibel axis.
    """
    norm_per_length = images[0].numel() ** 0.5 if settings.noise == "linf" else 1.0
    straight = norms(images).mean().item() * float(snr.noise_amplitude(settings.lowest_snr_db)) / norm_per_length
    with np.errstate(over="ignore"):  # growing steps become infinite long after a path has been left
        lengths = np.cumsum(settings.step_size * settings.step_growth ** np.arange(settings.max_steps, dtype=float))
        longest = max(min(straight, lengths[-1]) / lengths[0], 1 + 1e-9)
        ranges = np.floor(np.log(lengths / lengths[0]) * (settings.points - 2) / np.log(longest) + 1e-9)
    return frozenset([0, *(1 + np.unique(ranges, return_index=True)[1]).tolist()])


def _is_last(point: Point, ratios: np.ndarray, settings: SweepSettings) -> bool:
    """Whether a gradient path has gone far enough; images without a gradient must not hold up the others for ever."""
    moving = ratios[~point.zero_gradient.cpu().numpy()]
    means = [snr.mean_db(ratios), *([snr.mean_db(moving)] if moving.size else [])]
    return point.step >= settings.max_steps or min(means) < settings.lowest_snr_db


@dataclass
class _Recorder:
    """What is kept of a path while it is walked."""

    images: Tensor
    labels: Tensor
    settings: SweepSettings
    evaluation_mode: str
    records: list[dict[str, Any]] = field(default_factory=list)
    confusion: list[np.ndarray] = field(default_factory=list)
    predictions: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        flat = self.images.flatten(1)
        self.signal = _as_array(norms(flat))
        self.signal_without_dc = _as_array(norms(flat - flat.mean(1, keepdim=True)))
        self.first_misclassified = np.full(len(flat), -np.inf)

    def observe(self, point: Point) -> tuple[np.ndarray, np.ndarray]:
        """Take note of new misclassifications; returns the norm of every image's noise, and its ratio in dB."""
        noise_norms = _as_array(norms(point.images - self.images))
        ratios = snr.one_plus_db(self.signal, noise_norms)
        wrong = (point.logits.argmax(1) != self.labels).cpu().numpy()
        new = wrong & np.isneginf(self.first_misclassified)
        self.first_misclassified[new] = ratios[new]
        return noise_norms, ratios

    def add(self, point: Point, noise_norms: np.ndarray, ratios: np.ndarray) -> None:
        """Append the measurements of a point."""
        predictions, classes = point.logits.argmax(1), point.logits.shape[1]
        counts = torch.bincount(self.labels * classes + predictions, minlength=classes**2)
        table = counts.reshape(classes, classes).cpu().numpy()
        self.confusion.append(table)
        self.predictions.append(predictions.cpu().numpy().astype(np.int16))
        estimate = information.confusion_information(table, permutations=self.settings.permutations)
        self.records.append(
            {
                "step": point.step,
                "step_size": point.step_size,
                "snr_db": snr.mean_db(ratios),
                "snr_plain_db": snr.mean_db(snr.plain_db(self.signal, noise_norms)),
                "snr_without_dc_db": snr.mean_db(snr.one_plus_db(self.signal_without_dc, noise_norms)),
                "accuracy_percent": 100.0 * float(np.trace(table)) / len(self.labels),
                "information_bits": estimate.value_bits,
                "floor_bits": estimate.floor_bits,
                "floor_standard_deviation_bits": estimate.floor_standard_deviation_bits,
                "miller_madow_bits": estimate.miller_madow_bits,
                "zero_gradient_images": int(point.zero_gradient.sum()),
                "saturated_images": int(saturated(point.logits, self.labels).sum()),
                "clamped_images": int(point.clamped.sum()),
                "evaluation_mode": self.evaluation_mode,
                "noise": self.settings.noise,
                "images": len(self.labels),
            }
        )

    def finish(self) -> Sweep:
        """The sweep; batch statistics leave no meaning to a single image's first error."""
        if self.evaluation_mode == "batch":
            self.first_misclassified[:] = np.nan
        confusion, predictions = np.stack(self.confusion).astype(np.int64), np.stack(self.predictions)
        return Sweep(self.records, confusion, predictions, self.first_misclassified)


def _as_array(values: Tensor) -> np.ndarray:
    return values.cpu().numpy().astype(np.float64)
