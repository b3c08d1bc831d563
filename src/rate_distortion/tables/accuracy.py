"""Accuracies and gaps by model and batch size: Tables 1 and 2, and the models that the text mentions beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas

from rate_distortion.analysis import capacity
from rate_distortion.analysis.records import summarise
from rate_distortion.claims import ledger
from rate_distortion.tables.layout import Table, is_users_own, notes, or_dash, to_precision, weight_decay_note

TABLE1_QUANTITIES = {"test_accuracy": "test_accuracy_percent", "generalization_gap": "generalization_gap_points"}
LOSS_GAP = {"loss_gap": "loss_gap_nats"}
TABLE2_QUANTITIES = {
    "train_accuracy": "train_accuracy_percent",
    "absolute_gap": "absolute_generalization_gap_points",
    "generalization_gap": "generalization_gap_points",
    "test_accuracy": "test_accuracy_percent",
    "train_prediction_information": "train_prediction_information_bits",
}
SIGNIFICANCE = 0.05
NOTHING = (math.nan, math.nan)
Printed = Callable[[str, int, str], tuple[float, float]]
"""(model, batch size, quantity) -> what the paper prints, mean and standard error; not a number where it prints nothing."""


def table1(
    runs: pandas.DataFrame, cells: Mapping[str, Sequence[int]], study: Mapping[str, Any], data: Mapping[str, Any]
) -> Table:
    """Table 1: test accuracy (percent) and signed generalization gap (points), batch sizes in rows, models in columns.

    Args:
        runs: one row per run (:func:`rate_distortion.analysis.records.read_metrics`).
        cells: model -> batch sizes, in the order to print.
        study, data: what the notes say of the study and its data.
    """
    tidy = summarise(runs, ["model", "batch_size"], TABLE1_QUANTITIES | LOSS_GAP)
    headings = {"test_accuracy_percent": "test (%)", "generalization_gap_points": "gap (points)"}
    paper = _printed("original", TABLE1_QUANTITIES, data)
    tidy, shown = _as_printed(tidy, cells, headings, paper, len(study["seeds"]))
    return Table(
        tidy,
        shown,
        "Test accuracy and generalization gap (train minus test accuracy) by model and batch size",
        [
            *notes(study, data),
            *weight_decay_note(runs),
            *_printed_note(tidy, 1),
        ],
        _header(cells, headings),
    )


def table2(
    runs: pandas.DataFrame, cells: Mapping[str, Sequence[int]], study: Mapping[str, Any], data: Mapping[str, Any]
) -> Table:
    """Table 2: training on labels drawn uniformly at random; train accuracy and absolute gap as printed.

    The tidy form has the signed gap as well (the paper's "gap of 9.4 %" of a seed that scored 19.6 % on the test set shows
    that its gaps are absolute), the bits between prediction and random label, in how many seeds the network collapsed to one
    predicted class, and in how many the information is significant (permutation p-value below 0.05).
    """
    runs = runs.assign(absolute_gap=runs["generalization_gap"].abs())
    tidy = summarise(runs, ["model", "batch_size"], TABLE2_QUANTITIES)
    flags = pandas.DataFrame(
        {
            **{key: runs[key] for key in ("model", "batch_size")},
            "collapsed_seeds": capacity.is_collapsed(runs),
            "fitting_seeds": capacity.fits_random_labels(runs),
            "informative_seeds": runs["train_permutation_p_value"] < SIGNIFICANCE,
        }
    )
    tidy = tidy.merge(flags.groupby(["model", "batch_size"], sort=False).sum().reset_index())
    headings = {"train_accuracy_percent": "train (%)", "absolute_generalization_gap_points": "gap (points)"}
    paper = _printed("random", TABLE2_QUANTITIES, data)
    tidy, shown = _as_printed(tidy, cells, headings, paper, len(study["seeds"]))
    collapsed = [
        f"{row.model} at {row.batch_size}: {row.collapsed_seeds} of {row.n}"
        for row in tidy.drop_duplicates(["model", "batch_size"]).itertuples()
    ]
    return Table(
        tidy,
        shown,
        "Training on random labels: train accuracy and absolute generalization gap by model and batch size",
        [
            *notes(study, data),
            *weight_decay_note(runs),
            "Random labels are uniform over the classes, drawn once per seed; test labels are the original ones.",
            f"Seeds that collapsed to a constant predictor (one predicted class, 0 bits): {'; '.join(collapsed)}.",
            *_printed_note(tidy, 2),
        ],
        _header(cells, headings),
    )


def further_models(
    runs: pandas.DataFrame, cells: Mapping[str, Sequence[int]], study: Mapping[str, Any], data: Mapping[str, Any]
) -> Table:
    """Models that the text mentions beside Table 1: with more data (B+, A+) and with batch normalization alone (A-BN)."""
    quantities = {"train_accuracy": "train_accuracy_percent"} | TABLE1_QUANTITIES
    columns = ["model", "batch_size", "train_images", "epochs", "weight_decay"]
    tidy = summarise(runs, columns, quantities).assign(seeds_planned=len(study["seeds"]))
    from_paper = _printed_with_more_data(data)
    tidy[["printed_mean", "printed_standard_error"]] = [
        from_paper(row.model, row.batch_size, row.quantity) for row in tidy.itertuples()
    ]
    printed = tidy["printed_mean"].notna().any()
    rows = []
    for key, cell in tidy.groupby(columns, sort=False):
        values = {
            row.quantity: to_precision(row.mean, row.standard_error, row.seeds_planned, row.n)
            for row in cell.itertuples()
        }
        theirs = {row.quantity: or_dash(row.printed_mean, row.printed_standard_error) for row in cell.itertuples()}
        shown = {"test, printed (%)": "test_accuracy_percent", "gap, printed (points)": "generalization_gap_points"}
        rows.append(
            {
                "model": key[0],
                "batch size": str(key[1]),
                "training images": f"{key[2]:,}",
                "epochs": str(key[3]),
                "λ": f"{key[4]:g}",
                "train (%)": values["train_accuracy_percent"],
                "test (%)": values["test_accuracy_percent"],
                "gap (points)": values["generalization_gap_points"],
                **{heading: theirs[quantity] for heading, quantity in shown.items() if printed},
            }
        )
    source = (
        "Printed: model B of Table 1 with what section 4.3 adds for B+ (2 ± 0.3 % and 0.3 ± 0.1 points): SVHN, 5 seeds."
    )
    return Table(
        tidy,
        pandas.DataFrame(rows),
        f"Further models: {', '.join(cells)}",
        [*notes(study, data), *([source] if printed else [])],
    )


def _printed(labels: str, quantities: Mapping[str, str], data: Mapping[str, Any]) -> Printed:
    """What the paper prints in the cells of a table; not a number where it prints nothing, as for a user's images."""
    columns = {name: column for column, name in quantities.items()}

    def cell(model: str, batch_size: int, quantity: str) -> tuple[float, float]:
        if quantity not in columns or is_users_own(data):
            return NOTHING
        return ledger.load().printed_or_nan(
            "run_quantity", quantity=columns[quantity], model=model, batch_size=batch_size, labels=labels
        )

    return cell


def _printed_with_more_data(data: Mapping[str, Any]) -> Printed:
    """Model B's cell of Table 1 with the gain that section 4.3 prints for B+."""
    of_table1 = _printed("original", TABLE1_QUANTITIES, data)
    gains = {"test_accuracy_percent": "BP-test", "generalization_gap_points": "BP-gap"}

    def cell(model: str, batch_size: int, quantity: str) -> tuple[float, float]:
        if model != "B+" or quantity not in gains:
            return NOTHING
        mean, error = of_table1("B", batch_size, quantity)
        gain = ledger.load()[gains[quantity]]
        return mean + gain.printed, math.hypot(error, gain.printed_standard_error)

    return cell


def _printed_note(tidy: pandas.DataFrame, number: int) -> list[str]:
    printed = tidy["printed_mean"].notna().any()
    return [f"Rows marked printed are Table {number} of the paper: SVHN, 500 epochs, 5 seeds."] if printed else []


def _header(cells: Mapping[str, Sequence[int]], headings: Mapping[str, str]) -> list[tuple[str, str]]:
    """The paper's two header rows: models, and test accuracy and gap of each."""
    return [("", "batch size"), *((model, heading) for model in cells for heading in headings.values())]


def _as_printed(
    tidy: pandas.DataFrame,
    cells: Mapping[str, Sequence[int]],
    headings: Mapping[str, str],
    from_paper: Printed,
    seeds: int,
) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """The paper's numbers beside ours, tidy; and the printed layout, a row of ours above a row of the paper's."""

    tidy = tidy.assign(seeds_planned=seeds)
    tidy[["printed_mean", "printed_standard_error"]] = [
        from_paper(row.model, row.batch_size, row.quantity) for row in tidy.itertuples()
    ]
    lookup = tidy.set_index(["model", "batch_size", "quantity"])
    rows = []
    for size in dict.fromkeys(size for sizes in cells.values() for size in sizes):
        ours, theirs = {"batch size": str(size)}, {"batch size": f"{size}, printed"}
        for model, quantity in ((m, q) for m in cells for q in headings):
            column, key = f"{model} {headings[quantity]}", (model, size, quantity)
            cell = lookup.loc[key] if key in lookup.index else None
            ours[column] = "—" if cell is None else to_precision(cell["mean"], cell["standard_error"], seeds, cell["n"])
            theirs[column] = or_dash(*from_paper(*key))
        printed = any(text != "—" for column, text in theirs.items() if column != "batch size")
        rows += [ours, theirs] if printed else [ours]
    return tidy, pandas.DataFrame(rows)
