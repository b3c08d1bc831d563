"""Reverse transmission in numbers: steps from noise to full confidence in a label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas

from rate_distortion.analysis.precision import DASH, to_precision
from rate_distortion.analysis.records import disambiguate
from rate_distortion.claims import ledger, wording
from rate_distortion.tables.layout import Cell, Layout, Table, batch_size_note, columns, is_users_own, notes

NEVER = "never reached"


def reverse_transmission(rows: pandas.DataFrame, study: Mapping[str, Any], data: Mapping[str, Any]) -> Table:
    """Steps that a label takes to full confidence, by model: mean and standard error over seeds of the mean over labels.

    Args:
        rows: one row per model, batch size, seed and label (reverse_transmission.csv with columns model, batch_size and seed).
        study, data: for the notes.
    """
    rows = rows.assign(model=disambiguate(rows["model"], rows["batch_size"]))
    finished = rows[rows["reached"]]
    per_seed = finished.groupby(["model", "seed"], sort=False)["steps"].mean().groupby("model", sort=False)
    tidy = pandas.DataFrame(
        {
            "mean_steps": per_seed.mean(),
            "standard_error": per_seed.sem(),
            "seeds": per_seed.count(),
            "smallest_steps": finished.groupby("model", sort=False)["steps"].min(),
            "largest_steps": finished.groupby("model", sort=False)["steps"].max(),
            "reached_percent": 100.0 * rows.groupby("model", sort=False)["reached"].mean(),
        }
    ).reindex(rows["model"].unique())
    tidy = tidy.rename_axis("model").reset_index()
    paper = f" The paper: {wording.printed(ledger.load()['F4b-steps'])} for B+ on SVHN."
    return Table(
        tidy,
        shown(tidy),
        "Reverse transmission: gradient steps from noise to full confidence in a label",
        [
            *notes(study, data),
            f"Means are over the labels that reached full confidence.{'' if is_users_own(data) else paper}",
            *batch_size_note(tidy["model"]),
        ],
    )


def shown(tidy: pandas.DataFrame) -> Layout:
    """One row per model."""
    rows = [
        {
            "model": Cell(row.model),
            "steps to full confidence": Cell(
                NEVER if pandas.isna(row.mean_steps) else to_precision(row.mean_steps, row.standard_error)
            ),
            "range": Cell(
                DASH if pandas.isna(row.smallest_steps) else f"{row.smallest_steps:.0f} to {row.largest_steps:.0f}"
            ),
            "labels that reached it (%)": Cell(f"{row.reached_percent:.0f}"),
        }
        for row in tidy.itertuples()
    ]
    return Layout(columns(*rows[0]), rows, dash="no label reached it")
