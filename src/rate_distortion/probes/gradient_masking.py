"""Is a model robust, or do its gradients only hide the way? Attacks that gradient masking would not stop.

Section 4.4 says that the plateau of Figure 5 "is not due to the gradient masking effect". If a model's own gradients misled an
attack, then other attacks would do better at the same signal-to-noise ratio: from random starts, by the logit margin, whose
gradient does not saturate, along another model's gradients, or by blind noise (Athalye, Carlini and Wagner, 2018).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from rate_distortion.analysis.signal_to_noise import interpolate_to_db
from rate_distortion.probes.input_gradients import fixed_batches
from rate_distortion.probes.noise_paths import Point, SweepSettings, checked, noise_path, predict
from rate_distortion.probes.perturbations import Sweep, record, sweep

COUNTS = ("zero_gradient_images", "saturated_images", "clamped_images")


def transferred_path(
    source: nn.Module, target: nn.Module, images: Tensor, labels: Tensor, settings: SweepSettings
) -> Iterator[Point]:
    """A path of the source model, with the logits of the target model; both models on one device."""
    images, labels = checked(target, images, labels)
    batches = fixed_batches(len(images), settings.batch_size, images.device)
    for point in noise_path(source, images, labels, settings):
        yield replace(point, logits=predict(target, point.images, labels, batches))


def transferred_sweep(
    source: nn.Module,
    target: nn.Module,
    images: Tensor,
    labels: Tensor,
    settings: SweepSettings,
    evaluation_mode: str = "none",
) -> Sweep:
    """How well ``target`` reads images that were perturbed to fool ``source``; arguments as for ``perturbations.sweep``."""
    images, labels = checked(target, images, labels)
    path = transferred_path(source, target, images, labels, settings)
    return record(path, images, labels, settings, evaluation_mode)


def audit(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    settings: SweepSettings,
    at_db: Sequence[float],
    *,
    source: nn.Module | None = None,
    starts: int = 3,
    start_snr_db: float = 40.0,
    evaluation_mode: str = "none",
) -> list[dict[str, Any]]:
    """Compare the plain attack with attacks that gradient masking would not stop, at common signal-to-noise ratios.

    Args:
        model, images, labels, evaluation_mode: as for ``perturbations.sweep``.
        settings: the plain attack, "l2" or "linf".
        at_db: ratios to compare at.
        source: another model, say from another seed, whose perturbed images are shown to this one.
        starts: number of random starts, with seeds 0, 1, ..., each a row of its own.
        start_snr_db: ratio of the random starts.

    Returns:
        One dictionary per attack and ratio, the columns of ``attack_audit.csv``: attack ("plain", "authors", "margin_loss",
        "gaussian", "random_start", "transfer"), start (number of the random start, else 0), noise, snr_db, accuracy_percent,
        information_bits, stronger_than_plain_points (accuracy of the plain attack less this one's),
        median_first_misclassified_snr_db (over images; a stronger attack has a higher one; NaN under batch statistics),
        zero_gradient_images, saturated_images and clamped_images (largest counts on the path), lowest_snr_db (where the path
        ended), evaluation_mode, images. Accuracy and information are NaN at ratios that a path did not reach.

        A difference above the sampling error speaks for masking, except for "authors": where its clamp holds some images near
        their start, these raise the mean ratio, and the accuracy at that mean falls although every image is as hard to fool
        as before. The median over images, each at its own ratio, shows that.
    """
    variants = [
        ("plain", 0, settings),
        ("authors", 0, replace(settings, gradient="authors", loss="cross_entropy")),
        ("margin_loss", 0, replace(settings, gradient="per_image", loss="margin")),
        ("gaussian", 0, replace(settings, noise="gaussian")),
        *(
            ("random_start", seed, replace(settings, random_start_snr_db=start_snr_db, seed=seed))
            for seed in range(starts)
        ),
    ]
    sweeps = [(attack, start, sweep(model, images, labels, how, evaluation_mode)) for attack, start, how in variants]
    if source is not None:
        sweeps.append(("transfer", 0, transferred_sweep(source, model, images, labels, settings, evaluation_mode)))
    plain = _at(sweeps[0][2], "accuracy_percent", at_db)
    return [row for attack, start, result in sweeps for row in _audit_rows(attack, start, result, at_db, plain)]


def _audit_rows(
    attack: str, start: int, result: Sweep, at_db: Sequence[float], plain_accuracy: Sequence[float]
) -> Iterator[dict[str, Any]]:
    accuracies, informations = (_at(result, name, at_db) for name in ("accuracy_percent", "information_bits"))
    # Infinities are ordinary values here (wrong when clean, never wrong), so no two entries may be averaged.
    median_db = float(np.quantile(result.first_misclassified_snr_db, 0.5, method="lower"))
    for ratio, accuracy, bits, plain in zip(at_db, accuracies, informations, plain_accuracy, strict=True):
        yield {
            "attack": attack,
            "start": start,
            "noise": result.records[-1]["noise"],
            "snr_db": float(ratio),
            "accuracy_percent": float(accuracy),
            "information_bits": float(bits),
            "stronger_than_plain_points": float(plain - accuracy),
            "median_first_misclassified_snr_db": median_db,
            **{name: int(result.column(name).max()) for name in COUNTS},
            "lowest_snr_db": float(result.column("snr_db").min()),
            "evaluation_mode": result.records[-1]["evaluation_mode"],
            "images": result.records[-1]["images"],
        }


def _at(result: Sweep, name: str, at_db: Sequence[float]) -> Sequence[float]:
    return interpolate_to_db(result.column("snr_db"), result.column(name), at_db)
