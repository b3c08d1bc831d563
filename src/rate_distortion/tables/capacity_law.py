"""The capacity law as a table: the smallest sufficient weight decay, its prediction and its cost by number of images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas

from rate_distortion.analysis import capacity
from rate_distortion.analysis.capacity_law import CHANGE, TEST, THRESHOLD, law, predictions
from rate_distortion.analysis.precision import to_precision
from rate_distortion.tables.layout import Cell, Layout, Table, columns, measured, notes

LABELS = {"random": "random labels", "original": "original labels"}


def capacity_law(
    runs: pandas.DataFrame, model: str, batch_size: int, study: Mapping[str, Any], data: Mapping[str, Any]
) -> Table:
    """The law of a model.

    Args:
        runs: those of every number of images, weight decay, kind of labels and seed.
        model, batch_size: of all of them.
        study, data: for the notes; data has the number of classes as well.
    """
    tidy = law(runs, data["classes"])
    return Table(
        tidy,
        shown(tidy),
        f"Capacity law of model {model} at batch size {batch_size}: smallest sufficient weight decay by number of images",
        [
            *notes(study, data),
            "Labels count as fitted when train accuracy exceeds the majority share by "
            f"{capacity.STANDARD_DEVIATIONS:g} binomial standard deviations in any seed. The smallest λ that prevents it lies "
            "above the first of two values of the grid and not above the second.",
            "Predicted: 2 (ln K - loss) / ||w||² of the networks with the λ in parentheses, up to which they cost less than a "
            "constant predictor.",
            "Sufficient: the smallest λ with which random labels are not fitted. Its cost is paired over seeds. Best: the λ "
            "with the highest validation accuracy.",
        ],
    )


def shown(tidy: pandas.DataFrame) -> Layout:
    """One row per number of images."""
    headings = ["images"]
    for words in LABELS.values():
        headings += [f"{words}: not fitted from λ", f"{words}: predicted λ"]
    headings += ["test, λ = 0 (%)", "test, sufficient λ (%)", "cost (points)", "test, best λ (%)"]
    rows = []
    for images, own in tidy.groupby("train_images"):
        row = {"images": Cell(f"{images:,}")}
        for labels, words in LABELS.items():
            threshold = own[(own["quantity"] == THRESHOLD) & (own["labels"] == labels)]
            row[f"{words}: not fitted from λ"] = Cell(interval(*threshold[["lower", "upper"]].iloc[0]))
            for prediction in predictions(own[own["labels"] == labels]).itertuples():
                row[f"{words}: predicted λ"] = Cell(f"{_decay(prediction)} ({prediction.weight_decay:g})")
        test, change = own[own["quantity"] == TEST], own[own["quantity"] == CHANGE]
        cells = {
            "test, λ = 0 (%)": test[test["weight_decay"] == 0],
            "test, sufficient λ (%)": test[test["chosen"]],
            "cost (points)": change[change["chosen"]],
        }
        row |= {heading: measured(cell) for heading, found in cells.items() for cell in found.itertuples()}
        for best in test[test["best_validation"]].itertuples():
            row["test, best λ (%)"] = Cell(f"{measured(best).text} ({best.weight_decay:g})")
        rows.append(row)
    return Layout(columns(*headings), rows, dash="no λ of the grid is sufficient")


def interval(lower: float, upper: float) -> str:
    """Where a threshold lies, as far as the grid tells."""
    if upper == 0:
        return "0"
    if math.isinf(upper):
        return f"above {lower:g}"
    return f"at most {upper:g}" if math.isnan(lower) else f"{lower:g} to {upper:g}"


def _decay(row: Any) -> str:
    """A predicted weight decay, with two digits where it has no error."""
    return to_precision(row.mean, row.standard_error) if row.n > 1 else f"{row.mean:.2g}"
