"""Figure 2: the signal-to-noise ratio of gradients. A network is written activation/normalization."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas

from rate_distortion.analysis import gradient_snr
from rate_distortion.analysis.records import StudyRecords
from rate_distortion.claims.measures.kinds import Bounded, Parts, measure, paired, selected


@measure
def plateau_epoch(records: StudyRecords, activation: str, normalization: str) -> Bounded:
    """By seed the median over layers of the epoch from which on the ratio is constant.

    A layer settles between the recorded epoch before its plateau and the plateau's first; one that still moves at the end
    settles after it, at no known epoch. A median lies between those of the lower and of the upper bounds.
    """
    recorded = np.sort(_network(records.gradient_records, activation, normalization)["epoch"].unique())
    summary = _gradient_summary(records, activation, normalization)
    high = summary["plateau_epoch"].fillna(math.inf)
    low = recorded[np.maximum(np.searchsorted(recorded, high) - 1, 0)].astype(float)  # of infinity the last one
    bounds = summary[["seed"]].assign(low=low, high=high).groupby("seed").median()
    return Bounded(bounds["low"], bounds["high"])


@measure
def settles(records: StudyRecords, networks: Sequence[str]) -> Parts:
    """The slope that still counts as constant, less the median over layers of the size of the final slope.

    In decades of the ratio per decade of epochs; above 0 where the curves have settled.
    """
    parts = {}
    for network in networks:
        slopes = _gradient_summary(records, *network.split("/")).assign(size=lambda rows: rows["final_slope"].abs())
        parts[network] = gradient_snr.SLOPE_PER_DECADE - slopes.groupby("seed")["size"].median()
    return parts


@measure
def plateau_chains(records: StudyRecords, chains: Sequence[Sequence[str]]) -> Parts:
    """Networks (activation/normalization) from the earliest to the latest plateau, in decades of epochs.

    A curve that still moves at the end is taken to settle there, which understates how late it is. Two networks are compared
    over the epochs that both have: what settles later, or not at all, settles at their end, so that neither seems the earlier
    for having been trained for longer.
    """

    def compared(early: str, late: str) -> pandas.Series:
        end = min(_last_recorded_epoch(records, early), _last_recorded_epoch(records, late))
        return paired(_settled_epochs(records, late, end), _settled_epochs(records, early, end))

    return {
        f"{early} before {late}": compared(early, late) for chain in chains for early, late in itertools.pairwise(chain)
    }


@measure
def change_by_depth(records: StudyRecords, activations: Sequence[str], normalization: str, early_layers: int) -> Parts:
    """The last layer's level changes less than any other's, and every early layer's more than any between them."""
    parts = {}
    for activation in activations:
        change = _by_layer(records, activation, normalization, "change_decades").abs()
        early, middle, last = change.iloc[:, :early_layers], change.iloc[:, early_layers:-1], change.iloc[:, -1]
        parts[f"{activation}: last layer least"] = change.iloc[:, :-1].min(axis=1) - last
        parts[f"{activation}: early layers most"] = early.min(axis=1) - middle.max(axis=1)
    return parts


@measure
def distinct_levels(
    records: StudyRecords, activations: Sequence[str], normalization: str, at_least_decades: float
) -> Parts:
    """The smallest distance between the final levels of two layers, beyond a bound."""
    parts = {}
    for activation in activations:
        levels = _by_layer(records, activation, normalization, "final_level_log10")
        distances = np.diff(np.sort(levels.to_numpy(), axis=1), axis=1)
        parts[activation] = pandas.Series(distances.min(axis=1) - at_least_decades, index=levels.index)
    return parts


@measure
def sorted_by_depth(records: StudyRecords, activations: Sequence[str], normalization: str) -> Parts:
    """The smallest step of the final level from a layer to the next deeper one: above zero where all are sorted by depth."""
    return {
        activation: _by_layer(records, activation, normalization, "final_level_log10")
        .diff(axis=1)
        .iloc[:, 1:]
        .min(axis=1)
        for activation in activations
    }


@measure
def last_layer_noise(records: StudyRecords, activations: Sequence[str], normalization: str) -> Parts:
    """log10 of the smallest deviation norm of the other layers over that of the last layer, at the last epoch."""
    parts = {}
    for activation in activations:
        own = _network(records.gradient_records, activation, normalization)
        ending = own[own["epoch"] == own["epoch"].max()].pivot(index="seed", columns="layer", values="deviation_norm")
        noise = np.log10(ending.sort_index(axis=1))
        parts[activation] = noise.iloc[:, :-1].min(axis=1) - noise.iloc[:, -1]
    return parts


@measure
def collapse_of_layers(records: StudyRecords, activations: Sequence[str], at_least_factor: float) -> Parts:
    """log10 of the final spread over layers without batch normalization over that with it, less the factor's."""
    parts = {}
    for activation in activations:
        without, with_it = (
            _gradient_summary(records, activation, normalization).groupby("seed")["final_spread_decades"].first()
            for normalization in ("none", "batch")
        )
        parts[activation] = np.log10(without / with_it) - math.log10(at_least_factor)
    return parts


def _last_recorded_epoch(records: StudyRecords, network: str) -> int:
    return _network(records.gradient_records, *network.split("/"))["epoch"].max()


def _settled_epochs(records: StudyRecords, network: str, end: int) -> pandas.Series:
    """By seed the logarithm of the median over layers of the epoch of the plateau, which is at most ``end``."""
    summary = _gradient_summary(records, *network.split("/"))
    epochs = summary["plateau_epoch"].fillna(end).clip(upper=end)
    return np.log10(summary.assign(epoch=epochs).groupby("seed")["epoch"].median())


def _network(frame: pandas.DataFrame, activation: str, normalization: str) -> pandas.DataFrame:
    batch_norm = "with" if normalization == "batch" else "without"
    words = f"multilayer perceptron with {activation} units {batch_norm} batch normalization"
    return selected(frame, words, activation=activation, normalization=normalization)


def _gradient_summary(records: StudyRecords, activation: str, normalization: str) -> pandas.DataFrame:
    return _network(records.gradient_summary, activation, normalization)


def _by_layer(records: StudyRecords, activation: str, normalization: str, quantity: str) -> pandas.DataFrame:
    """Seeds in rows, layers in order of depth in columns."""
    summary = _gradient_summary(records, activation, normalization)
    return summary.pivot(index="seed", columns="layer", values=quantity).sort_index(axis=1)
