"""The signal-to-noise ratio of stochastic gradients, by layer and epoch (Section 4.1, Figure 2).

Over the m minibatches of one epoch a layer's weight gradient has an elementwise mean and standard deviation. Their L2 norms and
the norm of the weights are recorded, and every ratio is a function of these three:

- ``literal``: (|mean| / |w|) / |std|, as the paper's caption says. It falls as the weights grow, whatever the gradient does.
- ``saxe``: |mean| / |std|, as in Saxe et al. (2018); dividing both by |w|, as Schwartz-Ziv and Tishby (2017) do, is the same.
- ``squared``: |mean|^2 / |std|^2, a ratio of powers.

Standard deviations have the divisor m - 1. If minibatch gradients were independent draws around a mean of zero, the expected
|mean|^2 would then be |std|^2 / m, so that a ratio of 1 / sqrt(m) is no signal at all. An epoch, however, draws without
replacement: at weights that stand still its mean is the gradient over the training set, exactly and in whatever order (if all
minibatches have the same size), and a curve may well lie below that floor. What the floor tells is how the gradient would look
against fresh images; the debiased signal is to be read in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

RATIOS = ("literal", "saxe", "squared")

SLOPE_PER_DECADE = 0.1
"""A curve is constant while log10 of the ratio changes by at most this much per factor of ten in epochs."""

HALF_WINDOW_DECADES = 0.25
"""Slopes are fitted to the records within this distance of an epoch, a factor of 1.8 to either side."""

FEWEST_RECORDS = 4
"""A window with fewer records has no slope that could be told from noise."""


def ratio(
    mean_norm: np.ndarray, deviation_norm: np.ndarray, weight_norm: np.ndarray, kind: str = "literal"
) -> np.ndarray:
    """The signal-to-noise ratio from the recorded norms, elementwise.

    Args:
        mean_norm, deviation_norm, weight_norm: arrays that broadcast against each other.
        kind: one of ``RATIOS``.

    Returns:
        The ratio; not a number where the deviation (or, for "literal", the weight norm) is zero, as in a dead layer.

    Raises:
        ValueError: for an unknown kind.
    """
    mean_norm, deviation_norm, weight_norm = _checked_kind(kind, mean_norm, deviation_norm, weight_norm)
    noise = deviation_norm * weight_norm if kind == "literal" else deviation_norm
    quotient = np.divide(mean_norm, noise, out=np.full(np.broadcast(mean_norm, noise).shape, np.nan), where=noise > 0)
    return quotient**2 if kind == "squared" else quotient


def no_signal_floor(minibatches: np.ndarray, weight_norm: np.ndarray = 1.0, kind: str = "literal") -> np.ndarray:
    """The ratio of m independent minibatch gradients whose true mean is zero: 1 / sqrt(m), 0.09 for 124 minibatches.

    It is divided by the weight norm for "literal", and squared for "squared".

    Raises:
        ValueError: for an unknown kind.
    """
    minibatches, weight_norm = _checked_kind(kind, minibatches, weight_norm)
    return {"literal": 1 / (np.sqrt(minibatches) * weight_norm), "saxe": minibatches**-0.5, "squared": 1 / minibatches}[
        kind
    ]


def debiased_signal(
    mean_norm: np.ndarray, deviation_norm: np.ndarray, minibatches: np.ndarray, *, clip: bool = True
) -> np.ndarray:
    """|mean|^2 - |std|^2 / m: unbiased for the squared norm of the true mean if minibatches are independent draws.

    Args:
        mean_norm, deviation_norm: recorded norms.
        minibatches: m.
        clip: an estimate below zero, which says that no signal was found, becomes 0; otherwise not a number. Averages over
            clipped values are biased upwards, averages that leave out the others even more.
    """
    signal = np.square(mean_norm) - np.square(deviation_norm) / np.asarray(minibatches, dtype=np.float64)
    return np.maximum(signal, 0.0) if clip else np.where(signal < 0, np.nan, signal)


@dataclass(frozen=True)
class Plateau:
    """Where a curve becomes constant.

    Attributes:
        epoch: the first epoch of the constant stretch that lasts to the end; not a number if the curve still moves at the end.
        level_log10: median of log10 ratio from there on; not a number without a plateau.
        final_slope: change of log10 ratio per decade of epochs in the last window.
    """

    epoch: float
    level_log10: float
    final_slope: float


def plateau(
    epochs: np.ndarray,
    ratios: np.ndarray,
    *,
    slope_per_decade: float = SLOPE_PER_DECADE,
    half_window_decades: float = HALF_WINDOW_DECADES,
) -> Plateau:
    """The epoch at which a curve becomes constant.

    At every recorded epoch the slope of log10 ratio over log10 epoch is the median of the slopes between all pairs of records
    within the window (Theil and Sen: up to 29 % of them may be outliers). The plateau begins with the first epoch from which on
    every slope lies within +-``slope_per_decade``. Slopes are taken where the window is complete, and at both ends of the
    curve the nearest such slope stands for the rest, so a change within the last half window is not seen. A corner in the
    curve is found up to half a window (a factor of 1.8) late or early.

    Args:
        epochs: recorded epochs, increasing and at least 1 (there is no logarithm of epoch 0), log-spaced, shape (E,).
        ratios: the curve, shape (E,). Records that are not positive and finite are left out.

    Raises:
        ValueError: for epochs that do not increase from 1, or another shape of ratios.
    """
    decades, logarithms = _checked_curve(epochs, ratios)
    centres, slopes = _local_slopes(decades, logarithms, half_window_decades)
    if not len(slopes):
        return Plateau(np.nan, np.nan, np.nan)
    outside = np.flatnonzero(np.abs(slopes) > slope_per_decade)
    if len(outside) and outside[-1] == len(slopes) - 1:
        return Plateau(np.nan, np.nan, float(slopes[-1]))
    start = centres[outside[-1] + 1] if len(outside) else decades[0]
    return Plateau(
        epoch=float(np.rint(10**start)),
        level_log10=float(np.median(logarithms[decades >= start])),
        final_slope=float(slopes[-1]),
    )


@dataclass(frozen=True)
class LayerOrdering:
    """How the layers' curves lie to each other.

    Attributes:
        initial_log10, final_log10: level of each layer at the beginning and at the end, (layers,).
        change: final less initial level, (layers,), in decades.
        descending: layers by falling final level, numbered from 1.
        initial_spread, final_spread: standard deviation of the levels over layers (divisor layers - 1), in decades.
        inversions: pairs of layers in which the deeper one changes more (by amount): 0 if the change falls from layer to
            layer, as the paper reads its left-hand panels.
    """

    initial_log10: np.ndarray
    final_log10: np.ndarray
    change: np.ndarray
    descending: np.ndarray
    initial_spread: float
    final_spread: float
    inversions: int


def layer_ordering(
    epochs: np.ndarray, ratios: np.ndarray, *, window_decades: float = HALF_WINDOW_DECADES
) -> LayerOrdering:
    """Compare the layers at the beginning and at the end, each by the median of log10 ratio over a window of epochs.

    Args:
        epochs: recorded epochs, increasing, at least 1, shape (E,).
        ratios: shape (layers, E), layers in order of depth, at least two. Records that are not positive are left out; a layer
            without any has levels that are not a number.
        window_decades: length of both windows, in decades of epochs.

    Raises:
        ValueError: for fewer than two layers or another number of epochs.
    """
    ratios = np.asarray(ratios, dtype=np.float64)
    if ratios.ndim != 2 or len(ratios) < 2 or ratios.shape[1] != len(np.asarray(epochs)):
        raise ValueError(
            f"ratios have shape {ratios.shape} for {len(np.asarray(epochs))} epochs; pass (layers, epochs), two layers or more"
        )
    levels = np.array([_end_levels(*_checked_curve(epochs, curve), window_decades) for curve in ratios])
    initial, final = levels.T
    amounts = np.abs(final - initial)
    return LayerOrdering(
        initial_log10=initial,
        final_log10=final,
        change=final - initial,
        descending=np.argsort(-final, kind="stable") + 1,
        initial_spread=float(np.std(initial, ddof=1)),
        final_spread=float(np.std(final, ddof=1)),
        inversions=int(sum((amounts[deeper] > amounts[:deeper]).sum() for deeper in range(1, len(amounts)))),
    )


def with_ratios(records: pd.DataFrame, kind: str = "literal") -> pd.DataFrame:
    """Recorded norms with two more columns: the ratio, and the floor it would have without any signal.

    Args:
        records: mean_norm, deviation_norm, weight_norm and minibatches, one row per layer and epoch.
        kind: one of ``RATIOS``.
    """
    norms = (records[name].to_numpy() for name in ("mean_norm", "deviation_norm", "weight_norm"))
    floors = no_signal_floor(records["minibatches"].to_numpy(), records["weight_norm"].to_numpy(), kind)
    return records.assign(ratio=ratio(*norms, kind), floor=floors)


def summary(records: pd.DataFrame, kind: str = "literal") -> pd.DataFrame:
    """What the curves say, one row for every network, seed and layer.

    Args:
        records: columns activation, normalization, seed, layer, epoch and those of :func:`with_ratios`.
        kind: one of ``RATIOS``.

    Returns:
        activation, normalization, seed, layer; plateau_epoch and final_slope (:func:`plateau`); initial_level_log10,
        final_level_log10, change_decades and final_rank (1 for the highest; :func:`layer_ordering`); final_floor_log10 and
        above_floor_decades (the final level over it); debiased_signal_percent (:func:`debiased_signal` as a share of |mean|^2
        at the end: 0 is no signal beyond that of independent draws around zero); and, the same for all layers of a seed,
        initial_spread_decades, final_spread_decades and inversions.
    """
    measured = with_ratios(records, kind)
    measured["debiased_percent"] = _debiased_percent(measured)
    rows = []
    for (activation, normalization, seed), network in measured.groupby(
        ["activation", "normalization", "seed"], sort=False
    ):
        curves = {
            name: network.pivot(index="layer", columns="epoch", values=name).sort_index()
            for name in ("ratio", "floor", "debiased_percent")
        }
        epochs = curves["ratio"].columns.to_numpy()
        order = layer_ordering(epochs, curves["ratio"].to_numpy())
        ending = np.log10(epochs) >= np.log10(epochs[-1]) - HALF_WINDOW_DECADES
        for position, layer in enumerate(curves["ratio"].index):
            settled = plateau(epochs, curves["ratio"].loc[layer].to_numpy())
            floor = float(np.median(np.log10(curves["floor"].loc[layer].to_numpy()[ending])))
            rows.append(
                {
                    "activation": activation,
                    "normalization": normalization,
                    "seed": seed,
                    "layer": layer,
                    "plateau_epoch": settled.epoch,
                    "final_slope": settled.final_slope,
                    "initial_level_log10": order.initial_log10[position],
                    "final_level_log10": order.final_log10[position],
                    "change_decades": order.change[position],
                    "final_rank": int(np.flatnonzero(order.descending == position + 1)[0]) + 1,
                    "final_floor_log10": floor,
                    "above_floor_decades": order.final_log10[position] - floor,
                    "debiased_signal_percent": float(
                        np.median(curves["debiased_percent"].loc[layer].to_numpy()[ending])
                    ),
                    "initial_spread_decades": order.initial_spread,
                    "final_spread_decades": order.final_spread,
                    "inversions": order.inversions,
                }
            )
    return pd.DataFrame(rows)


def _debiased_percent(records: pd.DataFrame) -> np.ndarray:
    """The debiased signal as a share of |mean|^2; not a number where the mean is exactly zero."""
    mean = records["mean_norm"].to_numpy(dtype=np.float64)
    signal = debiased_signal(mean, records["deviation_norm"].to_numpy(), records["minibatches"].to_numpy())
    return 100.0 * np.divide(signal, np.square(mean), out=np.full(mean.shape, np.nan), where=mean > 0)


def _local_slopes(decades: np.ndarray, logarithms: np.ndarray, half_window: float) -> tuple[np.ndarray, np.ndarray]:
    """Centres (in decades) with a complete window of enough records, and the slopes there."""
    from scipy.stats import theilslopes  # takes long to import, and jobs that draw Figure 3 do not need it

    rounding = 1e-9
    centres, slopes = [], []
    for centre in decades:
        inside = np.abs(decades - centre) <= half_window + rounding
        complete = decades[0] <= centre - half_window + rounding and centre + half_window - rounding <= decades[-1]
        if complete and inside.sum() >= FEWEST_RECORDS:
            centres.append(centre)
            slopes.append(theilslopes(logarithms[inside], decades[inside])[0])
    return np.array(centres), np.array(slopes)


def _end_levels(decades: np.ndarray, logarithms: np.ndarray, window: float) -> tuple[float, float]:
    if not len(decades):
        return np.nan, np.nan
    first, last = decades <= decades[0] + window, decades >= decades[-1] - window
    return float(np.median(logarithms[first])), float(np.median(logarithms[last]))


def _checked_curve(epochs: np.ndarray, ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log10 of the epochs and of the ratios, where these are positive and finite."""
    epochs, ratios = np.asarray(epochs, dtype=np.float64), np.asarray(ratios, dtype=np.float64)
    if epochs.ndim != 1 or ratios.shape != epochs.shape:
        raise ValueError(f"ratios have shape {ratios.shape} and epochs {epochs.shape}; pass one ratio for every epoch")
    if len(epochs) and not (epochs[0] >= 1 and (np.diff(epochs) > 0).all()):
        raise ValueError(f"epochs run from {epochs[0]:g} to {epochs[-1]:g}; pass increasing epochs from 1 on")
    usable = np.isfinite(ratios) & (ratios > 0)
    return np.log10(epochs[usable]), np.log10(ratios[usable])


def _checked_kind(kind: str, *arrays: np.ndarray) -> list[np.ndarray]:
    if kind not in RATIOS:
        raise ValueError(f"the ratio is {kind!r}; use one of {', '.join(RATIOS)}")
    return [np.asarray(array, dtype=np.float64) for array in arrays]
