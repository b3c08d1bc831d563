"""Figure 6: sphere packing in two units."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas

from rate_distortion.analysis import geometry
from rate_distortion.analysis.records import Embeddings, StudyRecords
from rate_distortion.claims.measures.kinds import Bounded, Parts, by_seed, measure, paired


@measure
def partition_epoch(records: StudyRecords, variant: str, purity: float) -> Bounded:
    """First recorded epoch at which neighbours share a label to a given share, and the record before it."""
    return _first_epoch(records.sphere_packing(variant), lambda rows: rows["purity"] >= purity)


@measure
def spreading_epochs(records: StudyRecords, variant: str) -> Bounded:
    """The recorded epoch of the largest power, up to which the data spread out; the peak lies between its neighbours."""
    low, high = {}, {}
    for seed, rows in records.sphere_packing(variant).groupby("seed"):
        epochs, peak = rows["epoch"].to_numpy(), int(rows["power"].to_numpy().argmax())
        low[seed] = epochs[max(peak - 1, 0)]
        high[seed] = epochs[peak + 1] if peak + 1 < len(epochs) else math.inf
    return Bounded(by_seed(low), by_seed(high))


@measure
def falling_power(records: StudyRecords, variant: str, purity: float) -> Parts:
    """The share of the power at the partition that is gone at the end; without a partition nothing is gone."""
    rows = records.sphere_packing(variant)
    gone = 1 - _at_the_end(rows)["power"] / _at_the_partition(rows, purity)["power"]
    return {"power at the end below that at the partition": Bounded(gone.fillna(-math.inf), gone.fillna(0.0))}


@measure
def rounder_clusters(records: StudyRecords, variant: str, purity: float) -> Parts:
    """Isotropy of the clusters at the end less that at the partition; without a partition it is not known."""
    rows = records.sphere_packing(variant)
    rounder = _at_the_end(rows)["isotropy"] - _at_the_partition(rows, purity)["isotropy"]
    return {"rounder at the end than at the partition": rounder}


@measure
def larger_clusters(records: StudyRecords, first: str, others: Sequence[str]) -> Parts:
    """log10 of radius and distance of the clusters at the end, over those of the first variant."""
    own = _at_the_end(records.sphere_packing(first))
    parts = {}
    for variant in others:
        other = _at_the_end(records.sphere_packing(variant))
        for quantity, words in (("cluster_radius", "clusters"), ("centre_distance", "distances")):
            parts[f"{variant}: {words}"] = paired(np.log10(other[quantity]), np.log10(own[quantity]))
    return parts


@measure
def at_the_start(records: StudyRecords, quantity: str, first: str, second: str) -> Parts:
    """A quantity at the first record after the first step: the second variant less the first."""

    def early(variant: str) -> pandas.Series:
        rows = records.sphere_packing(variant)
        return rows[rows["epoch"] > 0].groupby("seed")[quantity].first()

    return {f"{second} above {first}": paired(early(second), early(first))}


@measure
def circular_arrangement(records: StudyRecords, first: str, second: str) -> Parts:
    """How circularly the class means are arranged at the end: the second variant less the first."""

    def circularity(own: Embeddings) -> float:
        return geometry.arrangement_circularity(own.embedding[-1], own.labels)

    one, other = (_over_embeddings(records, variant, circularity) for variant in (first, second))
    return {f"{second} above {first}": paired(other, one)}


@measure
def stationary(records: StudyRecords, first: str, second: str) -> Parts:
    """log10 of how far the class means travel after the first step: the first variant's way over the second's."""

    def way(own: Embeddings) -> float:
        return np.log10(geometry.travel(own.embedding[own.epochs > 0], own.labels))

    return {
        f"{second} moves less than {first}": paired(
            _over_embeddings(records, first, way), _over_embeddings(records, second, way)
        )
    }


@measure
def less_transition(records: StudyRecords, first: str, second: str) -> Parts:
    """log10 of the fall of power from its peak to the end: the first variant's fall over the second's."""

    def fall(variant: str) -> pandas.Series:
        rows = records.sphere_packing(variant)
        return np.log10(rows.groupby("seed")["power"].max() / _at_the_end(rows)["power"])

    return {f"{second} falls less than {first}": paired(fall(first), fall(second))}


@measure
def inside_axes(records: StudyRecords, variants: Sequence[str], half_width: float, at_least_percent: float) -> Parts:
    """Percent of the points at the end that lie within both axes' range, less a bound."""

    def beyond(own: Embeddings) -> float:
        return 100 * float((np.abs(own.embedding[-1]).max(axis=1) <= half_width).mean()) - at_least_percent

    return {variant: _over_embeddings(records, variant, beyond) for variant in variants}


def _at_the_end(rows: pandas.DataFrame) -> pandas.DataFrame:
    """The last record of every seed."""
    return rows.sort_values("epoch").groupby("seed").last()


def _at_the_partition(rows: pandas.DataFrame, purity: float) -> pandas.DataFrame:
    """The first record of every seed with a given purity; a seed that has none is left out."""
    return rows[rows["purity"] >= purity].groupby("seed").first()


def _over_embeddings(records: StudyRecords, variant: str, quantity: Callable[[Embeddings], float]) -> pandas.Series:
    return by_seed({seed: quantity(own) for seed, own in records.embeddings(variant).items()})


def _first_epoch(rows: pandas.DataFrame, reached: Callable[[pandas.DataFrame], pandas.Series]) -> Bounded:
    """By seed the first record at which something is reached, and the one before; never reached: more than the last."""
    low, high = {}, {}
    for seed, own in rows.groupby("seed"):
        epochs, there = own["epoch"].to_numpy(dtype=float), np.flatnonzero(reached(own))
        high[seed] = epochs[there[0]] if len(there) else math.inf
        low[seed] = epochs[epochs < high[seed]].max(initial=0.0)
    return Bounded(by_seed(low), by_seed(high))
