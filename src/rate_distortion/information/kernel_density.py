"""Pairwise bounds on the information that a layer with a little Gaussian noise carries (Kolchinsky and Tracey, 2017).

A deterministic layer of continuous units has infinite mutual information with its input; adding noise of variance s to each
unit makes it finite. Over n samples the noisy layer T is a mixture of n equal Gaussians at the activations h_i, and

    I(X; T) >= -mean_i log2 mean_j exp(-|h_i - h_j|^2 / (8 s))     (Bhattacharyya distance)
    I(X; T) <= -mean_i log2 mean_j exp(-|h_i - h_j|^2 / (2 s))     (Kullback-Leibler divergence)

Both are exact when all activations coincide (0 bits) and when all are far apart (log2 n). The noise variance is a choice, not a
measurement: both bounds move from log2 n to 0 as it grows, so it belongs in every caption.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rate_distortion.information.binning import checked_activations
from rate_distortion.information.counts import entropy_bits, state_ids

ROWS_PER_BLOCK = 512
"""Rows of the distance matrix at a time: 2,000 samples take 8 MB of float64 per block."""


@dataclass(frozen=True)
class KernelInformation:
    """Bounds on I(X; T) and I(T; Y) in bits for a layer T with Gaussian noise.

    Attributes:
        input_lower_bits, input_upper_bits: bounds on I(X; T).
        input_ceiling_bits: log2 n.
        label_lower_bits, label_upper_bits: bounds on I(T; Y) = I(X; T) - I(X; T | Y) that hold: each takes off the opposite
            bound of the conditional term, and they are cut to [0, H(Y)]. Not a number without labels.
        label_bhattacharyya_bits, label_kullback_leibler_bits: the same difference with one distance in both terms. Estimates
            between the two bounds, and in that sense sharper, but not bounds.
        label_ceiling_bits: H(Y), plug-in. Not a number without labels.
        noise_variance: variance of the noise added to each unit, in squared units of the activations.
        samples: n.
    """

    input_lower_bits: float
    input_upper_bits: float
    input_ceiling_bits: float
    label_lower_bits: float
    label_upper_bits: float
    label_bhattacharyya_bits: float
    label_kullback_leibler_bits: float
    label_ceiling_bits: float
    noise_variance: float
    samples: int


def kernel_information(
    activations: np.ndarray, noise_variance: float, labels: np.ndarray | None = None
) -> KernelInformation:
    """Pairwise lower and upper bounds on I(X; T), and with labels on I(T; Y), in bits.

    Distances are taken once for all bounds; the cost is n^2 (units + classes) multiplications and 2 n^2 exponentials.

    Args:
        activations: finite values h, shape (n, units) or (n,), n >= 2, one row per input.
        noise_variance: variance s of the noise on each unit, positive.
        labels: integer labels, shape (n,).

    Raises:
        ConstantInputError: if all activations are equal.
        ValueError: for activations that are not finite, fewer than two samples, a variance that is not positive and finite, or
            labels that are not one integer per sample.
    """
    values = checked_activations(activations).astype(np.float64)
    if not (math.isfinite(noise_variance) and noise_variance > 0):
        raise ValueError(
            f"noise_variance is {noise_variance}; pass a positive number, in squared units of the activations"
        )
    samples = len(values)
    ids, classes = (np.zeros(samples, np.int64), 1) if labels is None else state_ids(_checked_labels(labels, samples))
    lower, upper, conditional_lower, conditional_upper = _pairwise_bits(values, noise_variance, ids, classes)
    label_bits = math.nan if labels is None else entropy_bits(np.bincount(ids))
    # np.clip keeps "not a number" and so leaves every label field undefined without labels.
    return KernelInformation(
        input_lower_bits=lower,
        input_upper_bits=upper,
        input_ceiling_bits=math.log2(samples),
        label_lower_bits=float(np.clip(lower - conditional_upper, 0.0, label_bits)),
        label_upper_bits=float(np.clip(upper - conditional_lower, 0.0, label_bits)),
        label_bhattacharyya_bits=math.nan if labels is None else lower - conditional_lower,
        label_kullback_leibler_bits=math.nan if labels is None else upper - conditional_upper,
        label_ceiling_bits=label_bits,
        noise_variance=noise_variance,
        samples=samples,
    )


def _pairwise_bits(values: np.ndarray, variance: float, ids: np.ndarray, classes: int) -> tuple[float, ...]:
    """Lower and upper bounds on I(X; T) and then on I(X; T | Y), in bits.

    A sample's kernel sum over its own class serves the conditional bounds, over all classes the others. Each sum contains the
    sample itself, hence is at least 1, so its logarithm needs no rescaling.
    """
    membership = np.eye(classes)[ids]
    class_sizes = np.bincount(ids)[ids]
    values = values - values.mean(axis=0)
    square_norms = np.einsum("ij,ij->i", values, values)
    totals = np.zeros(4)
    for start in range(0, len(values), ROWS_PER_BLOCK):
        rows = np.arange(start, min(start + ROWS_PER_BLOCK, len(values)))
        distances = square_norms[rows, np.newaxis] + square_norms - 2 * values[rows] @ values.T
        np.maximum(distances, 0.0, out=distances)
        distances[np.arange(len(rows)), rows] = 0.0
        for bound, scale in enumerate((8 * variance, 2 * variance)):
            class_sums = np.exp(distances / -scale) @ membership
            totals[bound] -= np.log2(class_sums.sum(axis=1) / len(values)).sum()
            own_sums = class_sums[np.arange(len(rows)), ids[rows]]
            totals[2 + bound] -= np.log2(own_sums / class_sizes[rows]).sum()
    return tuple(float(total) for total in totals / len(values))


def _checked_labels(labels: np.ndarray, samples: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != (samples,) or labels.dtype.kind not in "iub":
        raise ValueError(
            f"labels have shape {labels.shape} and type {labels.dtype}, but there are {samples} samples; "
            "pass one integer label per sample"
        )
    return labels
