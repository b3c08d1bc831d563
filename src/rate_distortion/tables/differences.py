"""What the text and the captions say in differences between cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas

from rate_distortion.claims import ledger
from rate_distortion.studies.stated_differences import stated_differences
from rate_distortion.tables.layout import Cell, Column, Layout, Table, columns, is_users_own, measured, notes

DIFFERENCE_COLUMNS = (
    "quantity",
    "statement",
    "mean",
    "standard_error",
    "n",
    "seeds_planned",
    "printed_mean",
    "printed_standard_error",
)


def differences(
    runs: pandas.DataFrame, cells: Sequence[Sequence[Any]], study: Mapping[str, Any], data: Mapping[str, Any]
) -> Table:
    """What the text and captions say in differences, each paired over seeds; those whose runs are missing are left out.

    A difference's standard error is that of the paired differences, since runs of one seed share their order of images and
    their random labels. The paper's own errors are printed or follow from its tables; beside a user's own images nothing is
    printed.

    Args:
        runs: one row per run (:func:`analysis.records.read_runs`), of all cells or of those that have finished.
        cells: (model, batch size, labels) that the study plans; the largest and the smallest batch size are theirs.
        study, data: what the notes say of the study and its data.
    """
    rows = []
    for name, statement, column, first, second in stated_differences([tuple(cell) for cell in cells]):
        values = _paired(runs, column, first, second)
        if values.empty:
            continue
        own = is_users_own(data) or {first[0], second[0]} & set(study.get("own_networks", ()))
        mean, error = (math.nan, math.nan) if own else _printed(name)
        rows.append(
            {
                "quantity": name,
                "statement": statement,
                "mean": values.mean(),
                "standard_error": values.sem(),
                "n": len(values),
                "seeds_planned": len(study["seeds"]),
                "printed_mean": mean,
                "printed_standard_error": error,
            }
        )
    tidy = pandas.DataFrame(rows, columns=DIFFERENCE_COLUMNS)
    return Table(
        tidy,
        shown(tidy),
        "Differences between cells" if is_users_own(data) else "Differences that the paper states in words",
        [*notes(study, data), "Differences are paired over seeds."],
    )


def shown(tidy: pandas.DataFrame) -> Layout:
    """One row per difference."""
    rows = [
        {"difference": Cell(row.statement), "measured": measured(row, row.seeds_planned)} for row in tidy.itertuples()
    ]
    theirs = [Column("printed", printed_of="measured")] if tidy["printed_mean"].notna().any() else []
    return Layout([*columns("difference", "measured"), *theirs], rows)


PRINTED = {
    "large_batch_gap_A": "T1-lbgg-A",
    "large_batch_gap_B": "T1-lbgg-B",
    "large_batch_gap_C": "T1-lbgg-C",
    "random_large_batch_gap_A": "T2-lbgg-A",
    "random_large_batch_gap_C": "T2-lbgg-C",
    "gap_A_BN_minus_A": "T1-ABN",
    "extra_data_accuracy_B": "BP-test",
    "extra_data_gap_B": "BP-gap",
    "loss_gap_orders_of_magnitude": "T1-lossgap",
    "random_gap_C_minus_B": "T2-C-B",
}
"""Difference -> the claim that prints it."""


def _printed(name: str) -> tuple[float, float]:
    """The printed difference and its error; not a number where the paper prints none."""
    if name not in PRINTED:
        return math.nan, math.nan
    claim = ledger.load()[PRINTED[name]]
    error = claim.printed_standard_error
    return float(claim.printed), math.nan if error is None else float(error)


def _paired(runs: pandas.DataFrame, column: str, first: tuple, second: tuple) -> pandas.Series:
    """Differences of two cells, one per seed that both have."""
    values = [
        runs[(runs["model"] == model) & (runs["batch_size"] == size) & (runs["labels"] == labels)].set_index("seed")[
            column
        ]
        for model, size, labels in (first, second)
    ]
    return (values[0] - values[1]).replace([np.inf, -np.inf], np.nan).dropna()
