"""Signal-to-noise ratios in decibels, and curves over them: mean, conversion, interpolation, area (section 4.4).

The paper writes 20 log10(1 + ||x|| / ||delta||), which is never negative; Cisse et al. (2017), whom it follows, have no "1 +".
The two agree to 0.3 dB at 30 dB and part below: 6 dB here is 0 dB there, 5 dB is -2.2 dB and 1 dB is -18.3 dB. The first is
this project's axis, the second is recorded beside it (``plain_snr_db``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

IN_WORDS = (
    "Ratios are 20 log₁₀(1 + ‖x‖ / ‖δ‖), of image x and noise δ: 30 dB is 29.7 dB, 10 dB is 6.7, 5 dB is -2.2 and 1 dB is "
    "-18.3 in the usual form without the 1."
)
"""For notes, where decibels stand in a table."""

AREA_STEP_DB = 0.05
"""Spacing of the grid on which an area is integrated."""


def one_plus_db(signal_norms: ArrayLike, noise_norms: ArrayLike) -> np.ndarray:
    """The paper's ratio 20 log10(1 + ||x|| / ||delta||) in dB, elementwise; infinite where there is no noise."""
    return 20.0 * np.log10(1.0 + _ratio(signal_norms, noise_norms))


def plain_db(signal_norms: ArrayLike, noise_norms: ArrayLike) -> np.ndarray:
    """20 log10(||x|| / ||delta||) in dB (Cisse et al., 2017), elementwise; infinite where there is no noise."""
    with np.errstate(divide="ignore"):  # an empty image under noise has -inf dB
        return 20.0 * np.log10(_ratio(signal_norms, noise_norms))


def plain_of_one_plus_db(snr_db: ArrayLike) -> np.ndarray:
    """The same noise without the "1 +", in dB: 20 log10(10^(r/20) - 1) of the paper's ratio r, elementwise."""
    return -20.0 * np.log10(noise_amplitude(snr_db))


def mean_db(values_db: ArrayLike) -> float:
    """Mean over the finite values; without any, the largest value (infinite for a set of clean images)."""
    values = np.asarray(values_db, dtype=float)
    finite = values[np.isfinite(values)]
    return float(finite.mean() if finite.size else values.max())


def noise_amplitude(snr_db: ArrayLike) -> np.ndarray:
    """||delta|| / ||x|| at the paper's ratio in dB: zero for a clean image (infinite dB), infinite at 0 dB."""
    with np.errstate(divide="ignore"):
        return 1.0 / np.expm1(np.asarray(snr_db, dtype=float) * np.log(10.0) / 20.0)


def interpolate_to_db(snr_db: ArrayLike, values: ArrayLike, at_db: ArrayLike) -> np.ndarray:
    """Values of a recorded curve at common ratios, so that sweeps of different models can be compared.

    Linear in the noise's amplitude ||delta|| / ||x||, on which the clean point lies at zero: L-infinity curves have no
    recorded point above some 35 dB, and are joined to the clean one by the same rule as everywhere else.

    Args:
        snr_db: the recorded ratios (the paper's, with "1 +"), in any order, infinite for the clean point.
        values: the recorded values, same length.
        at_db: the ratios asked for, above zero.

    Returns:
        One value for each of ``at_db``; NaN outside the recorded range, since a curve is not extrapolated.

    Raises:
        ValueError: lengths that differ, or a ratio that is not above zero.
    """
    recorded, curve, asked = (np.asarray(array, dtype=float) for array in (snr_db, values, at_db))
    if recorded.shape != curve.shape or recorded.ndim != 1:
        raise ValueError(f"snr_db has shape {recorded.shape} and values {curve.shape}; give two lists of one length")
    usable = ~(np.isnan(recorded) | np.isnan(curve))
    for name, ratios in (("snr_db", recorded[usable]), ("at_db", asked)):
        if not (ratios > 0).all():
            raise ValueError(f"{name} contains {ratios.min()}; the ratio 20 log10(1 + ||x|| / ||delta||) is above zero")
    if not usable.any():
        return np.full(asked.shape, np.nan)
    amplitude, curve = noise_amplitude(recorded[usable]), curve[usable]
    order = np.argsort(amplitude, kind="stable")
    return np.interp(noise_amplitude(asked), amplitude[order], curve[order], left=np.nan, right=np.nan)


def area_under_curve(snr_db: ArrayLike, values: ArrayLike, low_db: float, high_db: float) -> float:
    """Area under a recorded curve between two ratios, in the values' unit times dB (bits x dB for information).

    One number for a model's fault tolerance; divided by ``high_db - low_db`` it is the mean over the interval.

    Returns:
        The area; NaN where the curve does not reach over the whole interval.

    Raises:
        ValueError: an interval that is empty or reaches down to zero, or a curve refused by :func:`interpolate_to_db`.
    """
    if not 0 < low_db < high_db < np.inf:
        raise ValueError(
            f"the interval from {low_db} to {high_db} dB is not usable; take 0 < low_db < high_db < infinity"
        )
    grid = np.linspace(low_db, high_db, 1 + int(np.ceil((high_db - low_db) / AREA_STEP_DB)))
    return float(np.trapezoid(interpolate_to_db(snr_db, values, grid), grid))


def _ratio(signal_norms: ArrayLike, noise_norms: ArrayLike) -> np.ndarray:
    signal, noise = np.broadcast_arrays(np.asarray(signal_norms, dtype=float), np.asarray(noise_norms, dtype=float))
    return np.divide(signal, noise, out=np.full(signal.shape, np.inf), where=noise != 0)
