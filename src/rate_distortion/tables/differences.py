"""What the text and the captions say in differences between cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas

from rate_distortion.claims import ledger
from rate_distortion.tables.layout import Table, notes, or_dash, to_precision

DIFFERENCE_COLUMNS = (
    "quantity",
    "statement",
    "mean",
    "standard_error",
    "n",
    "printed_mean",
    "printed_standard_error",
)


def differences(runs: pandas.DataFrame, study: Mapping[str, Any], data: Mapping[str, Any]) -> Table:
    """What the text and captions say in differences, each paired over seeds; those whose runs the study lacks are left out.

    A difference's standard error is that of the paired differences, since runs of one seed share their order of images and
    their random labels. The paper's own errors are printed or follow from its tables.
    """
    sizes = sorted(runs["batch_size"].unique())
    largest, smallest = sizes[-1], sizes[0]
    rows = []
    for name, statement, column, first, second in _stated_differences(largest, smallest):
        values = _paired(runs, column, first, second)
        if values.empty:
            continue
        mean, error = _printed(name)
        rows.append(
            {
                "quantity": name,
                "statement": statement,
                "mean": values.mean(),
                "standard_error": values.sem(),
                "n": len(values),
                "printed_mean": mean,
                "printed_standard_error": error,
            }
        )
    tidy = pandas.DataFrame(rows, columns=DIFFERENCE_COLUMNS)
    shown = pandas.DataFrame(
        {
            "difference": tidy["statement"],
            "measured": [to_precision(row.mean, row.standard_error) for row in tidy.itertuples()],
            "printed": [or_dash(row.printed_mean, row.printed_standard_error) for row in tidy.itertuples()],
        }
    )
    return Table(
        tidy,
        shown,
        "Differences that the paper states in words",
        [*notes(study, data), "Differences are paired over seeds."],
    )


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


def _stated_differences(largest: int, smallest: int) -> list[tuple]:
    """(name, statement, column, first cell, second cell); a cell is (model, batch size, labels)."""
    gap, test = "generalization_gap", "test_accuracy"
    at = f"at batch size {largest}"
    large_batch = [
        (
            f"{prefix}large_batch_gap_{model}",
            f"{model}{', random labels' if prefix else ''}: gap at {largest} minus gap at {smallest} (points)",
            gap,
            (model, largest, labels),
            (model, smallest, labels),
        )
        for prefix, labels in (("", "original"), ("random_", "random"))
        for model in "ABC"
    ]

    def pair(name: str, words: str, column: str, first: str, second: str, labels: str = "original") -> tuple:
        return name, words, column, (first, largest, labels), (second, largest, labels)

    return [
        *large_batch,
        pair("test_accuracy_B_minus_A", f"B minus A: test accuracy {at} (points)", test, "B", "A"),
        pair("test_accuracy_C_minus_A", f"C minus A: test accuracy {at} (points)", test, "C", "A"),
        pair("gap_A_BN_minus_A", f"A-BN minus A: gap {at} (points)", gap, "A-BN", "A"),
        pair("extra_data_accuracy_B", f"B+ minus B: test accuracy {at} (points)", test, "B+", "B"),
        pair("extra_data_gap_B", f"B+ minus B: gap {at} (points)", gap, "B+", "B"),
        pair("extra_data_accuracy_A_minus_B", f"A+ minus B+: test accuracy {at} (points)", test, "A+", "B+"),
        pair("loss_gap_orders_of_magnitude", f"log10 of loss gap of A over B {at}", "log10_loss_gap", "A", "B"),
        pair("random_gap_C_minus_B", f"C minus B, random labels: gap {at} (points)", gap, "C", "B", "random"),
    ]


def _paired(runs: pandas.DataFrame, column: str, first: tuple, second: tuple) -> pandas.Series:
    """Differences of two cells, one per seed that both have."""
    with np.errstate(invalid="ignore", divide="ignore"):
        runs = runs.assign(log10_loss_gap=np.log10(runs["loss_gap"].astype(float)))
    values = [
        runs[(runs["model"] == model) & (runs["batch_size"] == size) & (runs["labels"] == labels)].set_index("seed")[
            column
        ]
        for model, size, labels in (first, second)
    ]
    return (values[0] - values[1]).replace([np.inf, -np.inf], np.nan).dropna()
