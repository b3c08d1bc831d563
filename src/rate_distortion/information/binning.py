"""From continuous activations to discrete codes: equal-mass (maximum entropy) and fixed-width bins.

Section 4.2 uses "a maximum entropy adaptive binning scheme that bins the CDF for each layer equally by recomputing the bin
ranges every epoch", with 30 bins. Equal-mass edges are quantiles of the values at hand; "for each layer" is read as one set
of edges for all units of a layer (pooled), and one set per unit is the alternative. A bin is open below and closed above, and
edges are order statistics rather than interpolated values, so that codes do not change under a strictly increasing map.

Equal values share a bin, so ties make mass unequal: with half of a layer's values at the zero of a rectified linear unit, the
first 15 of 30 quantiles coincide and 14 bins are left empty. Every binning therefore reports its effective bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


class ConstantInputError(ValueError):
    """All activations of a layer are equal.

    A dead layer and a wrong array look alike here, and both would read as perfect compression (0 bits); whoever expects a dead
    layer catches this error and says so.
    """


@dataclass(frozen=True)
class BinnedLayer:
    """A layer's activations as codes.

    Attributes:
        codes: the bin of every activation, 0 to bins - 1, shape (n, units), unsigned integers.
        bins: the number of bins asked for.
        occupied_bins: how many different bins each unit uses, shape (units,).
        effective_bins: how many of the bins hold a value at all: for pooled edges in the whole layer, for edges per unit the
            mean over units.
        fullest_bin_share: share of all values that lie in the fullest bin, in [0, 1]; with pooled edges well above 1 / bins
            if there is a pile of equal values.
    """

    codes: np.ndarray
    bins: int
    occupied_bins: np.ndarray
    effective_bins: float
    fullest_bin_share: float


def equal_mass_bins(
    activations: np.ndarray, bins: int = 30, *, per_unit: bool = False, distinct_values: bool = False
) -> BinnedLayer:
    """Bin activations at their own quantiles k / bins, as Section 4.2 does every epoch.

    On a Gaussian channel with 100,000 samples, the information between 30 bins of input and output is 0.01 bits below
    0.5 log2(1 + P / N) at 0 dB, 0.07 at 10 dB and 0.30 at 20 dB, where the noise is narrower than a bin. With 2,000 samples
    the plug-in bias outweighs this at low power: 0.3 bits above at 0 dB, 0.2 below at 20 dB.

    Args:
        activations: finite values, shape (n, units) or (n,), n >= 2.
        bins: number of bins, at least 2.
        per_unit: quantiles of each unit's values instead of the whole layer's.
        distinct_values: quantiles of the distinct values, so that a pile of equal values, such as the zeros of rectified
            linear units, takes one place among them and the other bins share what is left. Mass is then no longer equal.

    Raises:
        ConstantInputError: if all activations are equal.
        ValueError: for values that are not finite (a diverged network has no quantiles), fewer than two samples or bins.
    """
    values = checked_activations(activations)
    _check_bins(bins)
    if not per_unit:
        edges = _quantile_edges(values.ravel(), bins, distinct_values)
    elif distinct_values:
        edges = np.stack([_quantile_edges(unit, bins, True) for unit in values.T], axis=1)
    else:
        edges = _order_statistics(np.sort(np.ascontiguousarray(values.T), axis=1), bins).T
    return _binned(values, edges, bins, per_unit)


def fixed_width_bins(
    activations: np.ndarray, bins: int = 30, *, value_range: tuple[float, float] | None = None, per_unit: bool = False
) -> BinnedLayer:
    """Bin activations at equally spaced edges.

    Args:
        activations: finite values, shape (n, units) or (n,), n >= 2.
        bins: number of bins, at least 2.
        value_range: lowest and highest edge, (-1, 1) for tanh; values beyond belong to the outermost bins. By default the
            range of the values at hand, which moves from epoch to epoch.
        per_unit: each unit's own range instead of the whole layer's; not together with a value_range.

    Raises:
        ConstantInputError: if all activations are equal.
        ValueError: for values that are not finite, fewer than two samples or bins, or a range that is empty or ambiguous.
    """
    values = checked_activations(activations)
    _check_bins(bins)
    if value_range is None:
        axis = 0 if per_unit else None
        low, high = values.min(axis=axis).astype(np.float64), values.max(axis=axis).astype(np.float64)
    else:
        low, high = value_range
        if per_unit or not (np.isfinite([low, high]).all() and low < high):
            raise ValueError(
                f"value_range is {value_range} with per_unit={per_unit}; "
                "pass a finite (low, high) with low < high and per_unit=False, or no value_range"
            )
    return _binned(values, np.linspace(low, high, bins + 1)[1:-1], bins, per_unit)


def row_codes(codes: np.ndarray) -> np.ndarray:
    """One integer per row of a code matrix (n, units), equal exactly where the rows are equal; shape (n,).

    Rows are compared as strings of bytes, about 25 times faster than ``np.unique(codes, axis=0)`` at 2,000 x 1,024.

    Raises:
        ValueError: unless codes are a matrix of integers with at least one column. (Floating-point rows are refused because
            0.0 and -0.0 are equal but differ in their bytes.)
    """
    codes = np.ascontiguousarray(codes)
    if codes.ndim != 2 or codes.shape[1] == 0 or codes.dtype.kind not in "iub":
        raise ValueError(f"codes have shape {codes.shape} and type {codes.dtype}; pass a matrix of integers (n, units)")
    rows = codes.view(np.dtype((np.void, codes.itemsize * codes.shape[1]))).ravel()
    return np.unique(rows, return_inverse=True)[1]


def checked_activations(activations: np.ndarray) -> np.ndarray:
    """Activations as a finite, non-constant floating-point matrix (n, units), n >= 2; a vector becomes one unit.

    Raises:
        ConstantInputError: if all activations are equal.
        ValueError: for any other activations that cannot be estimated from.
    """
    values = np.asarray(activations)
    values = values[:, np.newaxis] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) < 2 or values.shape[1] == 0 or values.dtype.kind not in "fiub":
        raise ValueError(
            f"activations have shape {np.shape(activations)} and type {values.dtype}; "
            "pass real numbers, at least two samples (n, units)"
        )
    if values.dtype.kind != "f":
        values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError(
            f"{np.count_nonzero(~np.isfinite(values))} of {values.size} activations are not finite; "
            "a diverged network has no information to estimate"
        )
    if values.min() == values.max():
        raise ConstantInputError(
            f"all {values.size} activations equal {values.flat[0]}; pass the layer's outputs, or treat a dead layer as 0 bits"
        )
    return values


def _check_bins(bins: int) -> None:
    if bins < 2:
        raise ValueError(f"bins is {bins}; use at least 2")


def _quantile_edges(values: np.ndarray, bins: int, distinct_values: bool) -> np.ndarray:
    """Edges (bins - 1,) at the quantiles of a vector of values."""
    return _order_statistics(np.unique(values) if distinct_values else np.sort(values), bins)


def _order_statistics(ordered: np.ndarray, bins: int) -> np.ndarray:
    """The ceil(k m / bins)-th smallest of the m values along the last axis, k = 1 to bins - 1."""
    count = ordered.shape[-1]
    ranks = -(-np.arange(1, bins) * count // bins)
    return ordered[..., ranks - 1]


def _binned(values: np.ndarray, edges: np.ndarray, bins: int, per_unit: bool) -> BinnedLayer:
    """Codes (n, units) from edges (bins - 1,) or (bins - 1, units).

    A code is the number of edges below the value. One comparison of the whole layer per edge is four times faster than a
    binary search per value at 30 bins.
    """
    codes = np.zeros(values.shape, np.min_scalar_type(bins - 1))
    for edge in edges:
        codes += values > edge
    units = values.shape[1]
    occupancy = np.bincount((codes + np.arange(units) * bins).ravel(), minlength=bins * units).reshape(units, bins)
    occupied_bins = np.count_nonzero(occupancy, axis=1)
    pooled = occupancy.sum(axis=0)
    fullest = occupancy.max(axis=1).mean() / len(values) if per_unit else pooled.max() / values.size
    return BinnedLayer(
        codes=codes,
        bins=bins,
        occupied_bins=occupied_bins,
        effective_bins=float(occupied_bins.mean() if per_unit else np.count_nonzero(pooled)),
        fullest_bin_share=float(fullest),
    )
