"""Figure 2 in numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas

from rate_distortion.analysis import gradient_snr as ratios
from rate_distortion.analysis.records import summarise
from rate_distortion.claims import ledger
from rate_distortion.tables.layout import Cell, Column, Layout, Table, columns, counted_seeds, is_users_own, measured
from rate_distortion.tables.perceptrons import NETWORK, network_name, perceptron_notes

PLATEAU = "plateau_epoch"
LAYER_QUANTITIES = (
    PLATEAU,
    "initial_level_log10",
    "final_level_log10",
    "change_decades",
    "final_rank",
    "final_floor_log10",
    "above_floor_decades",
    "debiased_signal_percent",
)
SHOWN = {
    "final_level_log10": "final level (log10)",
    "change_decades": "change (decades)",
    "above_floor_decades": "above floor (decades)",
    "debiased_signal_percent": "debiased signal (%)",
}
NETWORK_QUANTITIES = ("initial_spread_decades", "final_spread_decades", "inversions")


def gradient_snr(summary: pandas.DataFrame, kind: str, study: Mapping[str, Any], data: Mapping[str, Any]) -> Table:
    """Figure 2 in numbers: one row per network and layer.

    Args:
        summary: as :func:`rate_distortion.analysis.gradient_snr.summary` returns it.
        kind: the ratio.
        study, data: for the notes.
    """
    planned = len(study["seeds"])
    by_layer = summarise(summary, [*NETWORK, "layer"], {name: name for name in LAYER_QUANTITIES})
    whole = summarise(
        summary.drop_duplicates([*NETWORK, "seed"]), NETWORK, {name: name for name in NETWORK_QUANTITIES}
    ).assign(layer="all")
    tidy = pandas.concat([by_layer, whole], ignore_index=True).assign(seeds_planned=planned)
    own = is_users_own(data)
    tidy["printed"] = [
        _printed_plateau(row.activation, row.normalization) if row.quantity == PLATEAU and not own else math.nan
        for row in tidy.itertuples()
    ]
    return Table(
        tidy,
        shown(tidy),
        "Signal-to-noise ratio of the stochastic gradients by layer",
        [
            *perceptron_notes(study, data),
            *(_ordering(network, summary) for network in summary[NETWORK].drop_duplicates().itertuples(index=False)),
            f"Ratio: {kind}. Plateau: the first epoch from which on the slope of log10 ratio over log10 epoch stays within "
            f"±{ratios.SLOPE_PER_DECADE:g} to the end (slopes over {10**ratios.HALF_WINDOW_DECADES:.1f}-fold windows to "
            "either side); none: it still moves at the end. Mean over the seeds with a plateau.",
            "Floor: the ratio of independent minibatch gradients with mean zero. Debiased signal: what is left of |mean|² "
            "after the share of such gradients; 0 is none.",
        ],
    )


def shown(tidy: pandas.DataFrame) -> Layout:
    """One row per network and layer."""
    rows = []
    for (activation, normalization, layer), own in tidy.groupby([*NETWORK, "layer"], sort=False):
        if str(layer) == "all":
            continue
        by_quantity = {row.quantity: row for row in own.itertuples()}
        plateau = by_quantity[PLATEAU]
        printed = "" if pandas.isna(plateau.printed) else f"about {plateau.printed:,.0f}"
        rows.append(
            {
                "network": Cell(network_name(activation, normalization)),
                "layer": Cell(str(layer)),
                "plateau from epoch": Cell(_plateau(plateau, counted_seeds(plateau)), printed),
                **{heading: measured(by_quantity[quantity]) for quantity, heading in SHOWN.items()},
            }
        )
    theirs = [Column("printed", printed_of="plateau from epoch")] if tidy["printed"].notna().any() else []
    named = columns("network", "layer", "plateau from epoch")
    return Layout([*named, *theirs, *columns(*SHOWN.values())], rows, names=2, grouped=True)


def _printed_plateau(activation: str, normalization: str) -> float:
    """Section 4.1: epochs until the ratio is constant."""
    return ledger.load().printed_or_nan("plateau_epoch", activation=activation, normalization=normalization)[0]


def _plateau(row: Any, planned: float) -> str:
    if row.n == 0:
        return "none"
    seeds = f" ({int(row.n)} of {int(planned)})" if row.n < planned else ""
    return f"{row.mean:,.0f}{'' if pandas.isna(row.standard_error) else f' ± {row.standard_error:,.0f}'}{seeds}"


def _ordering(network: Any, summary: pandas.DataFrame) -> str:
    """How the layers of one network lie to each other, in one sentence."""
    own = summary[(summary["activation"] == network.activation) & (summary["normalization"] == network.normalization)]
    levels = own.groupby("layer")["final_level_log10"].mean().sort_values(ascending=False, kind="stable")
    seeds = own.drop_duplicates("seed")
    pairs = len(levels) * (len(levels) - 1) // 2
    return (
        f"{network_name(network.activation, network.normalization)}: layers by falling final level "
        f"{', '.join(map(str, levels.index))}; spread over layers (standard deviation) "
        f"{seeds['initial_spread_decades'].mean():.2f} decades at the beginning, {seeds['final_spread_decades'].mean():.2f} "
        f"at the end; the deeper layer changes more in {seeds['inversions'].mean():.1f} of {pairs} pairs."
    )
