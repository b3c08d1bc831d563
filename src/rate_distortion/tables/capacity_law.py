"""The capacity law as a table: the smallest sufficient weight decay, its prediction and its cost by number of images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas

from rate_distortion.analysis import capacity
from rate_distortion.analysis.capacity_law import (
    CHANGE,
    CONFIDENCE,
    EXPONENT,
    PREDICTED_EXPONENT,
    TEST,
    THRESHOLD,
    law,
    predictions,
)
from rate_distortion.analysis.precision import rounded, to_precision
from rate_distortion.tables.layout import Cell, Column, Layout, Table, measured, notes

LABELS = {"random": "random labels", "original": "original labels"}
FROM, PREDICTED = "not fitted from λ", "predicted λ"
ACCURACY = "test accuracy (%)"


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
        tidy.astype({"train_images": "Int64"}),
        shown(tidy),
        f"Capacity law of model {model} at batch size {batch_size}: smallest sufficient weight decay by number of images",
        [
            *notes(study, data),
            "Labels count as fitted when train accuracy exceeds the majority share by "
            f"{capacity.STANDARD_DEVIATIONS:g} binomial standard deviations in any seed. The smallest λ that prevents it lies "
            "above the first of two values of the grid and not above the second.",
            "Predicted: 2 (ln K - loss) / ||w||² of the networks with the λ in parentheses, up to which they cost less than "
            "weights of zero.",
            "Sufficient: the smallest λ with which random labels are not fitted; change: what it does to test accuracy, paired "
            "over seeds. Best: the λ with the highest validation accuracy.",
            f"Exponent p of λ ~ images^p, from the interval or the prediction of every seed, with its {100 * CONFIDENCE:g} % "
            "interval.",
        ],
    )


def shown(tidy: pandas.DataFrame) -> Layout:
    """One row per number of images, and one of the exponents over all of them."""
    headings = [Column("images")]
    headings += [Column(heading, words) for words in LABELS.values() for heading in (FROM, PREDICTED)]
    headings += [Column(heading, ACCURACY) for heading in ("λ = 0", "sufficient λ", "change (points)", "best λ")]
    rows = []
    for images, own in tidy.groupby("train_images"):
        row = {"images": Cell(f"{images:,.0f}")}
        for labels, words in LABELS.items():
            threshold = own[(own["quantity"] == THRESHOLD) & (own["labels"] == labels)]
            row[f"{words} {FROM}"] = Cell(interval(*threshold[["lower", "upper"]].iloc[0]))
            for prediction in predictions(own[own["labels"] == labels]).itertuples():
                row[f"{words} {PREDICTED}"] = Cell(f"{_decay(prediction)} ({prediction.weight_decay:g})")
        test, change = own[own["quantity"] == TEST], own[own["quantity"] == CHANGE]
        cells = {
            "λ = 0": test[test["weight_decay"] == 0],
            "sufficient λ": test[test["chosen"]],
            "change (points)": change[change["chosen"]],
        }
        row |= {f"{ACCURACY} {name}": measured(cell) for name, found in cells.items() for cell in found.itertuples()}
        for best in test[test["best_validation"]].itertuples():
            row[f"{ACCURACY} best λ"] = Cell(f"{measured(best).text} ({best.weight_decay:g})")
        rows.append(row)
    if len(exponents := tidy[tidy["quantity"].isin((EXPONENT, PREDICTED_EXPONENT))]):
        row = {column.key: Cell("") for column in headings} | {"images": Cell("exponent")}
        for found in exponents.itertuples():
            heading = FROM if found.quantity == EXPONENT else PREDICTED
            row[f"{LABELS[found.labels]} {heading}"] = Cell(power(found.mean, found.lower, found.upper))
        rows.append(row)
    return Layout(headings, rows, dash="no λ of the grid is sufficient, or no network fits")


def interval(lower: float, upper: float) -> str:
    """Where a threshold lies, as far as the grid tells."""
    if upper == 0:
        return "0"
    if math.isinf(upper):
        return f"above {lower:g}"
    return f"at most {upper:g}" if math.isnan(lower) else f"{lower:g} to {upper:g}"


def power(mean: float, lower: float, upper: float) -> str:
    """An exponent with its interval, as far as the numbers of images and the grid tell."""
    least, middle, most = (rounded(value, 2) for value in (lower, mean, upper))
    if math.isinf(upper):
        return "not bounded" if math.isinf(lower) else f"above {least}"
    return f"below {most}" if math.isinf(lower) else f"{middle} ({least} to {most})"


def _decay(row: Any) -> str:
    """A predicted weight decay, with two digits where it has no error."""
    return to_precision(row.mean, row.standard_error) if row.n > 1 else f"{row.mean:.2g}"
