"""Calibration: does a network's confidence say how often it is right? (Figure 7, Appendix C)

Confidence is the prediction margin, the largest class probability less the second largest, for which the paper argues, or the
largest probability itself, as in Guo et al. (2017). The margin never exceeds the largest probability: a network whose mean
margin equals its accuracy is over-confident by its largest probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

DEFAULT_BINS = 10


class Confidence(NamedTuple):
    """Predictions and confidence of N images: classes (N,), prediction margins (N,) and largest probabilities (N,)."""

    predictions: np.ndarray
    margins: np.ndarray
    top_probabilities: np.ndarray


def confidence(probabilities: np.ndarray) -> Confidence:
    """Prediction, margin and largest probability of every row of class probabilities (..., K), K at least 2.

    Raises:
        ValueError: fewer than two classes, values outside [0, 1], or rows that do not sum to one.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim < 1 or probabilities.shape[-1] < 2:
        raise ValueError(f"probabilities have shape {probabilities.shape}; a margin needs two classes at least")
    if not (probabilities >= 0).all() or not np.allclose(probabilities.sum(-1), 1.0, atol=1e-4):
        raise ValueError("probabilities are negative, not finite or do not sum to one; pass the softmax and not logits")
    second, largest = np.moveaxis(np.partition(probabilities, -2, axis=-1)[..., -2:], -1, 0)
    return Confidence(probabilities.argmax(-1), largest - second, largest)


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability curve: images sorted into bins of equal width by their confidence.

    Bin b holds confidences in (edges[b], edges[b + 1]]; exactly 0 belongs to the first bin and exactly 1 to the last. What is a
    mean over a bin is NaN where the bin is empty.

    Attributes:
        edges: (B + 1,) from 0 to 1.
        counts: images in each bin, (B,).
        mean_confidence: (B,).
        accuracy: share of each bin's images that are predicted right, (B,).
        gap_variance: sample variance of confidence - right within each bin, (B,); NaN below two images.
        calibrated_variance: mean of confidence (1 - confidence) in each bin, (B,): the variance of "right", were the confidence
            its probability.
    """

    edges: np.ndarray
    counts: np.ndarray
    mean_confidence: np.ndarray
    accuracy: np.ndarray
    gap_variance: np.ndarray
    calibrated_variance: np.ndarray

    @cached_property
    def fractions(self) -> np.ndarray:
        """Share of all images in each bin, (B,): the histogram of Figure 7."""
        return self.counts / self.counts.sum()

    @cached_property
    def gaps(self) -> np.ndarray:
        """Mean confidence less accuracy in each bin, (B,): above 0 over-confident, below 0 under-confident."""
        return self.mean_confidence - self.accuracy

    @property
    def overconfidence(self) -> float:
        """The gaps above 0, weighted by the share of images."""
        return float(np.nansum(self.fractions * np.maximum(self.gaps, 0)))

    @property
    def underconfidence(self) -> float:
        """The gaps below 0, weighted by the share of images, as a number of at least 0."""
        return float(np.nansum(self.fractions * np.maximum(-self.gaps, 0)))

    @property
    def expected_calibration_error(self) -> float:
        """The absolute gaps, weighted by the share of images (Guo et al., 2017): overconfidence + underconfidence."""
        return self.overconfidence + self.underconfidence

    @property
    def expected_calibration_error_standard_error(self) -> float:
        """Standard error over images to first order, holding the sign of every gap; too small where gaps are near 0.

        The error is a mean over images of sign(gap of its bin) (confidence - right). NaN with one image.
        """
        total = self.counts.sum()
        if total < 2:
            return float("nan")
        within = np.where(self.counts > 1, self.gap_variance, 0.0) * np.maximum(self.counts - 1, 0)
        between = self.counts * (np.abs(np.nan_to_num(self.gaps)) - self.expected_calibration_error) ** 2
        return float(np.sqrt((within.sum() + between.sum()) / (total - 1) / total))

    @property
    def calibration_error_floor(self) -> float:
        """Expected calibration error of a perfectly calibrated network with these confidences and this many images.

        Above 0, since a bin's accuracy is a mean over finitely many images. Gaps are taken to be Gaussian, so that a gap's
        mean size is sqrt(2 / pi) of its standard deviation.
        """
        sizes = np.sqrt(2 / np.pi * self.counts * np.nan_to_num(self.calibrated_variance)) / self.counts.sum()
        return float(sizes.sum())


def reliability(confidences: np.ndarray, right: np.ndarray, bins: int = DEFAULT_BINS) -> Reliability:
    """Sort images into bins of equal width by confidence and compare with how many are predicted right.

    Args:
        confidences: (N,) in [0, 1], N at least 1.
        right: (N,) booleans, whether the prediction is the label.
        bins: number of bins.

    Raises:
        ValueError: no images, different lengths, a confidence outside [0, 1], or no bins.
    """
    confidences, right = np.asarray(confidences, np.float64), np.asarray(right, np.float64)
    if confidences.ndim != 1 or confidences.shape != right.shape or not len(confidences):
        raise ValueError(
            f"confidences have shape {confidences.shape} and right has shape {right.shape}; both are (N,) with N at least 1"
        )
    if bins < 1:
        raise ValueError(f"bins is {bins}; it must be at least 1")
    if not ((confidences >= 0) & (confidences <= 1)).all():
        raise ValueError(f"confidences reach from {confidences.min()} to {confidences.max()}; they must be in [0, 1]")
    edges = np.linspace(0, 1, bins + 1)
    which = np.searchsorted(edges[1:-1], confidences)
    counts = np.bincount(which, minlength=bins)

    def means(values: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.bincount(which, values, minlength=bins) / counts

    mean_confidence, accuracy = means(confidences), means(right)
    deviations = confidences - right - (mean_confidence - accuracy)[which]
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.bincount(which, deviations**2, minlength=bins) / (counts - 1)
    variance = np.where(counts > 1, variance, np.nan)
    return Reliability(edges, counts, mean_confidence, accuracy, variance, means(confidences * (1 - confidences)))


def standard_error(values: np.ndarray) -> float:
    """Standard error of the mean of (N,) values: sample standard deviation / sqrt(N); NaN with one."""
    values = np.asarray(values, np.float64)
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def summary(said: Confidence, labels: np.ndarray, bins: int = DEFAULT_BINS) -> dict[str, float]:
    """Accuracy, mean confidence and calibration of a network on one set of images, in percent and points.

    Args:
        said: what it says of N images (margins and probabilities of [0, 1]).
        labels: (N,).
        bins: of the calibration errors.

    Returns:
        ``images``; ``accuracy_percent``, ``mean_margin_percent`` and ``mean_top_probability_percent``, each with a
        ``_standard_error`` over images; and for ``margin`` and ``top_probability`` the ``_minus_accuracy_points`` (signed),
        ``_calibration_error_points`` with its ``_standard_error_points`` and ``_floor_points``, ``_overconfidence_points`` and
        ``_underconfidence_points``.
    """
    right = said.predictions == labels
    record: dict[str, float] = {"images": len(labels)}
    means = {"accuracy": right, "mean_margin": said.margins, "mean_top_probability": said.top_probabilities}
    for name, values in means.items():
        record[f"{name}_percent"] = 100 * float(np.mean(values, dtype=np.float64))
        record[f"{name}_standard_error_percent"] = 100 * standard_error(values)
    for name, values in (("margin", said.margins), ("top_probability", said.top_probabilities)):
        curve = reliability(values, right, bins)
        error = f"{name}_calibration_error"
        record |= {
            f"{name}_minus_accuracy_points": record[f"mean_{name}_percent"] - record["accuracy_percent"],
            f"{error}_points": 100 * curve.expected_calibration_error,
            f"{error}_standard_error_points": 100 * curve.expected_calibration_error_standard_error,
            f"{error}_floor_points": 100 * curve.calibration_error_floor,
            f"{name}_overconfidence_points": 100 * curve.overconfidence,
            f"{name}_underconfidence_points": 100 * curve.underconfidence,
        }
    return record
