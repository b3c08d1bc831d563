"""Accuracy under attacks that gradient masking would not stop, beside the plain attack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas

from rate_distortion.analysis.precision import DASH
from rate_distortion.analysis.records import disambiguate
from rate_distortion.analysis.signal_to_noise import IN_WORDS, plain_of_one_plus_db
from rate_distortion.tables.fault_tolerance import NOISE_NAMES
from rate_distortion.tables.layout import Cell, Layout, Table, batch_size_note, columns, notes

BY = ["model", "batch_size", "evaluation_mode", "compared_with", "attack"]


def attack_audit(rows: pandas.DataFrame, study: Mapping[str, Any], data: Mapping[str, Any]) -> Table:
    """The audit of one seed's network of every cell.

    Args:
        rows: as :func:`rate_distortion.probes.probing.audit` returns them.
        study, data: for the notes.
    """
    rows = rows.copy()
    rows.insert(rows.columns.get_loc("snr_db") + 1, "plain_snr_db", plain_of_one_plus_db(rows["snr_db"]))
    return Table(
        rows,
        shown(rows),
        "Attacks that gradient masking would not stop, beside the plain attack",
        [
            *notes(study, data)[:2],
            f"Accuracy on {int(rows['images'].max()):,} test images; of random starts the lowest. If gradients hid the way, "
            "another attack would read clearly lower than the plain one.",
            "authors: with its clamp, under which the mean ratio rises and accuracy at a mean ratio falls without a better "
            "attack.",
            IN_WORDS,
            *batch_size_note(disambiguate(rows["model"], rows["batch_size"])),
        ],
    )


def shown(rows: pandas.DataFrame) -> Layout:
    """One row per model, kind of statistics, noise and attack, one column per signal-to-noise ratio."""
    lowest = rows.groupby([*BY, "snr_db"], sort=False)["accuracy_percent"].min().reset_index()
    lowest = lowest.assign(model=disambiguate(lowest["model"], lowest["batch_size"]))
    ratios = sorted(lowest["snr_db"].unique(), reverse=True)
    laid_out = []
    for (model, _, mode, noise, attack), own in lowest.groupby(BY, sort=False):
        by_ratio = own.set_index("snr_db")["accuracy_percent"]
        laid_out.append(
            {
                "model": Cell(model),
                "batch norm": Cell("" if mode == "none" else mode),
                "noise": Cell(NOISE_NAMES.get(noise, noise)),
                "attack": Cell(attack.replace("_", " ")),
                **{_heading(ratio): Cell(_percent(by_ratio[ratio])) for ratio in ratios},
            }
        )
    named = columns("model", "batch norm", "noise", "attack")
    return Layout(
        [*named, *columns(*map(_heading, ratios))],
        laid_out,
        names=len(named),
        grouped=True,
        dash="the attack ended at a higher ratio",
    )


def _heading(ratio: float) -> str:
    return f"accuracy at {ratio:g} dB (%)"


def _percent(value: float) -> str:
    return DASH if pandas.isna(value) else f"{value:.1f}"
