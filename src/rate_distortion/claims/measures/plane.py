"""Figure 3: the information plane."""

from __future__ import annotations

import math

import numpy as np
import pandas

from rate_distortion.analysis import information_plane
from rate_distortion.analysis.records import StudyRecords
from rate_distortion.claims.measures.kinds import Parts, by_seed, measure, paired, selected


@measure
def compression(
    records: StudyRecords, labels: str, more_than_bits: float | None = None, less_than_bits: float | None = None
) -> Parts:
    """The drop of I(X; T) of the last hidden layer from its maximum, beyond or below a bound."""
    drops = information_plane.compression(records.information_plane)
    layer = _last_hidden_layer(records.information_plane)
    own = _on_labels(drops, labels, layer).set_index("seed")["drop_bits"]
    if more_than_bits is not None:
        return {f"drop above {more_than_bits:g} bits": own - more_than_bits}
    return {f"drop below {less_than_bits:g} bits": less_than_bits - own}


@measure
def slow_rise(records: StudyRecords) -> Parts:
    """On random labels I(T; Y) of the output rises, and reaches half of its last value later than on the original ones."""
    rise, half = {}, {}
    for labels in ("original", "random"):
        for seed, bits in _output_bits(records, labels).items():
            rise[labels, seed] = bits.iloc[-1] - bits.iloc[0]
            reached = bits.index[np.argmax(bits >= bits.iloc[-1] / 2)]
            half[labels, seed] = math.log10(reached + 1)  # the record before the first step is of epoch 0
    rise, half = (pandas.Series(values).unstack(level=0) for values in (rise, half))
    return {
        "rises": rise["random"].dropna(),
        "later than on original labels": paired(half["random"], half["original"]),
    }


@measure
def monotonic_rise(records: StudyRecords, share_of_rise: float) -> Parts:
    """On random labels I(T; Y) of the output never falls by more than a share of its whole rise."""
    margins = {}
    for seed, curve in _output_bits(records, "random").items():
        bits = curve.to_numpy()
        fall = (np.maximum.accumulate(bits) - bits).max()
        margins[seed] = share_of_rise * (bits[-1] - bits[0]) - fall
    return {"no fall": by_seed(margins)}


@measure
def memorization(records: StudyRecords) -> Parts:
    """I(X; T) of the last hidden layer at the last epoch: random labels less original ones."""
    plane = records.information_plane
    ending = plane[plane["epoch"] == plane["epoch"].max()]
    random, original = (
        _on_labels(ending, labels, _last_hidden_layer(plane)).set_index("seed")["input_information_bits"]
        for labels in ("random", "original")
    )
    return {"random above original": paired(random, original)}


def _on_labels(rows: pandas.DataFrame, labels: str, layer: int) -> pandas.DataFrame:
    return selected(rows, f"information plane on {labels} labels", labels=labels, layer=layer)


def _output_bits(records: StudyRecords, labels: str) -> dict[int, pandas.Series]:
    """By seed I(T; Y) of the output at every recorded epoch."""
    plane = records.information_plane
    output = _on_labels(plane, labels, plane["layer"].max()).set_index("epoch").sort_index()
    return {seed: own["label_information_bits"] for seed, own in output.groupby("seed")}


def _last_hidden_layer(plane: pandas.DataFrame) -> int:
    return int(plane["layer"].max()) - 1
