"""The information plane of a deterministic network: I(X; T) and I(T; Y) of each layer T (Section 4.2, Figure 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rate_distortion.information.binning import BinnedLayer, row_codes
from rate_distortion.information.discrete import entropy, mutual_information
from rate_distortion.information.estimates import Estimate


@dataclass(frozen=True)
class PlanePoint:
    """One layer at one epoch.

    Attributes:
        input: I(X; T) = H(T) for distinct inputs and a deterministic layer. Pairing the inputs anew leaves H(T) as it is, so it
            has no permutation floor; what bounds it from below is I(T; Y), by the data processing inequality.
        label: I(T; Y), with its permutation floor.
    """

    input: Estimate
    label: Estimate


def plane_point(layer: BinnedLayer, labels: np.ndarray, *, permutations: int = 0, seed: int = 0) -> PlanePoint:
    """Both coordinates of one layer, in bits.

    Args:
        layer: codes of n distinct inputs, from ``equal_mass_bins`` or ``fixed_width_bins``.
        labels: integer labels, shape (n,).
        permutations, seed: as in ``mutual_information``.

    Raises:
        ValueError: for labels that are not one integer per sample.
    """
    states = row_codes(layer.codes)
    possible_states = math.prod(layer.occupied_bins.tolist())
    return PlanePoint(
        input=entropy(states, possible_states=possible_states),
        label=mutual_information(states, labels, permutations=permutations, seed=seed),
    )


def independent_pixel_entropy_bits(images: np.ndarray) -> float:
    """Upper bound on H(X) in bits: the sum of the pixels' entropies, as if pixels were independent (Section 4.2).

    Args:
        images: uint8 images, shape (n, ...), n >= 2. At most 8 bits per pixel.

    Raises:
        ValueError: for images that are not at least two of type uint8.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim < 2 or len(images) < 2:
        raise ValueError(
            f"images have shape {images.shape} and type {images.dtype}; pass at least two images of type uint8"
        )
    pixels = images.reshape(len(images), -1)
    return float(sum(entropy(pixel).value_bits for pixel in pixels.T))


@dataclass(frozen=True)
class ProcessingCheck:
    """How often an estimate violates the data processing inequality.

    Attributes:
        comparisons: pairs of neighbouring layers that were compared.
        violations: pairs in which the deeper layer reads higher by more than the tolerance.
        largest_rise_bits: the largest rise from a layer to the next, in bits; 0 if there is none.
    """

    comparisons: int
    violations: int
    largest_rise_bits: float


def data_processing_check(layer_bits: np.ndarray, *, tolerance_bits: float = 0.0) -> ProcessingCheck:
    """Count where information seems to grow from a layer to the next, which no true information can.

    Layers are a Markov chain Y - X - T1 - T2 - ..., so I(X; T) and I(T; Y) cannot increase with depth. Binned estimates can:
    each layer has bins of its own, and wide layers are biased more than narrow ones. The count is thus a measure of the
    estimator.

    Args:
        layer_bits: estimates in bits, layers in order of depth along the last axis (epochs, seeds, ... before it).
        tolerance_bits: rises up to this size are not counted, such as two standard deviations of the floor.

    Raises:
        ValueError: for fewer than two layers, values that are not finite, or a negative tolerance.
    """
    bits = np.asarray(layer_bits, dtype=np.float64)
    if bits.ndim == 0 or bits.shape[-1] < 2 or bits.size == 0 or not np.isfinite(bits).all():
        raise ValueError(
            f"layer_bits have shape {bits.shape}; pass finite bits of at least two layers along the last axis"
        )
    if not tolerance_bits >= 0:
        raise ValueError(f"tolerance_bits is {tolerance_bits}; pass 0 or more")
    rises = np.diff(bits, axis=-1)
    return ProcessingCheck(
        comparisons=rises.size,
        violations=int((rises > tolerance_bits).sum()),
        largest_rise_bits=float(max(rises.max(), 0.0)),
    )
