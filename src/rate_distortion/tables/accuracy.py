"""Accuracies and gaps by model and batch size: Tables 1 and 2, and the models that the text mentions beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas

from rate_distortion.analysis import capacity
from rate_distortion.analysis.records import summarise
from rate_distortion.claims import ledger, wording
from rate_distortion.claims.ledger import PAPER_SEEDS
from rate_distortion.tables.layout import (
    Cell,
    Column,
    Layout,
    Table,
    columns,
    is_users_own,
    measured,
    notes,
    weight_decay_note,
)

TABLE1_QUANTITIES = {"test_accuracy": "test_accuracy_percent", "generalization_gap": "generalization_gap_points"}
LOSS_GAP = {"loss_gap": "loss_gap_nats"}
TABLE2_QUANTITIES = {
    "train_accuracy": "train_accuracy_percent",
    "absolute_gap": "absolute_generalization_gap_points",
    "generalization_gap": "generalization_gap_points",
    "test_accuracy": "test_accuracy_percent",
    "train_prediction_information": "train_prediction_information_bits",
}
TABLE1_SHOWN = {"test_accuracy_percent": "test (%)", "generalization_gap_points": "gap (points)"}
TABLE2_SHOWN = {"train_accuracy_percent": "train (%)", "absolute_generalization_gap_points": "gap (points)"}
FURTHER_SHOWN = {"train_accuracy_percent": "train (%)"} | TABLE1_SHOWN
FURTHER_KEYS = ["model", "batch_size", "train_images", "epochs", "weight_decay"]
SIGNIFICANCE = 0.05
NOTHING_PRINTED = (math.nan, math.nan)
Printed = Callable[[str, int, str], tuple[float, float]]
"""(model, batch size, quantity) -> what the paper prints, mean and standard error; not a number where it prints nothing."""


def table1(
    runs: pandas.DataFrame, cells: Mapping[str, Sequence[int]], study: Mapping[str, Any], data: Mapping[str, Any]
) -> Table:
    """Table 1: test accuracy (percent) and signed generalization gap (points), batch sizes in rows, models in columns.

    Args:
        runs: one row per run (:func:`rate_distortion.analysis.records.read_runs`).
        cells: model -> batch sizes that the study plans, in the order to print.
        study, data: what the notes say of the study and its data.
    """
    tidy = summarise(runs, ["model", "batch_size"], TABLE1_QUANTITIES | LOSS_GAP)
    tidy = _with_printed(tidy, _printed("original", TABLE1_QUANTITIES, data, study), study)
    tidy = _with_unfinished(tidy, cells, TABLE1_SHOWN)
    return Table(
        tidy,
        shown(tidy),
        "Test accuracy and generalization gap (train minus test accuracy) by model and batch size",
        [*notes(study, data), *weight_decay_note(runs, study), *_printed_note(tidy, "table1", "Table 1")],
    )


def table2(
    runs: pandas.DataFrame, cells: Mapping[str, Sequence[int]], study: Mapping[str, Any], data: Mapping[str, Any]
) -> Table:
    """Table 2: training on labels drawn uniformly at random; train accuracy and absolute gap as printed.

    The tidy form has the signed gap as well (section 4.3 prints a gap and a test accuracy of one seed that show the paper's
    gaps to be absolute), the bits between prediction and random label, in how many seeds the network collapsed to one
    predicted class, and in how many the information is significant (permutation p-value below 0.05).

    Args:
        runs, cells, study, data: as of :func:`table1`.
    """
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
    collapsed = [
        f"{row.model} at {row.batch_size}: {row.collapsed_seeds} of {row.n}"
        for row in tidy.drop_duplicates(["model", "batch_size"]).itertuples()
    ]
    tidy = _with_printed(tidy, _printed("random", TABLE2_QUANTITIES, data, study), study)
    tidy = _with_unfinished(tidy, cells, TABLE2_SHOWN)
    return Table(
        tidy,
        shown(tidy),
        "Training on random labels: train accuracy and absolute generalization gap by model and batch size",
        [
            *notes(study, data),
            *weight_decay_note(runs, study),
            "Random labels are uniform over the classes, drawn once per seed; test labels are the original ones.",
            f"Seeds that collapsed to a constant predictor (one predicted class, 0 bits): {'; '.join(collapsed)}.",
            *_printed_note(tidy, "table2", "Table 2"),
        ],
    )


def further_models(
    runs: pandas.DataFrame, cells: Mapping[str, Sequence[int]], study: Mapping[str, Any], data: Mapping[str, Any]
) -> Table:
    """Models that the text mentions beside Table 1: with more data (B+, A+) and with batch normalization alone (A-BN)."""
    tidy = summarise(runs, FURTHER_KEYS, {"train_accuracy": "train_accuracy_percent"} | TABLE1_QUANTITIES)
    tidy = _with_printed(tidy, _printed_with_more_data(data, study), study)
    layout = shown(tidy)
    gains = " and ".join(wording.printed(ledger.load()[claim]) for claim in GAINS.values())
    source = f"Printed: model B of Table 1 with what section 4.3 adds for B+ ({gains}): SVHN, {PAPER_SEEDS} seeds."
    title = f"Further models: {', '.join(cells)}"
    return Table(tidy, layout, title, [*notes(study, data), *([source] if layout.has_printed else [])])


def shown(tidy: pandas.DataFrame) -> Layout:
    """The layout of any of the three; its columns say which one it is."""
    if "train_images" in tidy:
        return _one_row_a_model(tidy)
    headings = TABLE2_SHOWN if "collapsed_seeds" in tidy else TABLE1_SHOWN
    models = list(dict.fromkeys(tidy["model"]))
    by_cell = {(row.model, row.batch_size, row.quantity): row for row in tidy.itertuples()}
    rows = []
    for size in dict.fromkeys(tidy["batch_size"]):
        row = {"batch size": Cell(str(size))}
        for model in models:
            for quantity, heading in headings.items():
                if (found := by_cell.get((model, size, quantity))) is not None:
                    row[Column(heading, model).key] = measured(found, found.seeds_planned)
        rows.append(row)
    grid = [Column(heading, model) for model in models for heading in headings.values()]
    return Layout([Column("batch size"), *grid], rows, printed_rows=True)


def _one_row_a_model(tidy: pandas.DataFrame) -> Layout:
    rows = []
    for (model, size, images, epochs, decay), own in tidy.groupby(FURTHER_KEYS, sort=False):
        by_quantity = {row.quantity: row for row in own.itertuples()}
        rows.append(
            {
                "model": Cell(model),
                "batch size": Cell(str(size)),
                "training images": Cell(f"{images:,}"),
                "epochs": Cell(f"{epochs:,}"),
                "λ": Cell(f"{decay:g}"),
                **{
                    heading: measured(by_quantity[quantity], by_quantity[quantity].seeds_planned)
                    for quantity, heading in FURTHER_SHOWN.items()
                },
            }
        )
    theirs = [
        Column("test, printed (%)", printed_of="test (%)"),
        Column("gap, printed (points)", printed_of="gap (points)"),
    ]
    every = columns("model", "batch size", "training images", "epochs", "λ", *FURTHER_SHOWN.values())
    return Layout([*every, *(theirs if tidy["printed_mean"].notna().any() else [])], rows)


def _printed(labels: str, quantities: Mapping[str, str], data: Mapping[str, Any], study: Mapping[str, Any]) -> Printed:
    """What the paper prints in the cells of a table; not a number where that is nothing, as for a user's images or network."""
    by_name = {name: column for column, name in quantities.items()}

    def cell(model: str, batch_size: int, quantity: str) -> tuple[float, float]:
        if quantity not in by_name or is_users_own(data) or model in study.get("own_networks", ()):
            return NOTHING_PRINTED
        return ledger.load().printed_or_nan(
            "run_quantity", quantity=by_name[quantity], model=model, batch_size=batch_size, labels=labels
        )

    return cell


GAINS = {"test_accuracy_percent": "BP-test", "generalization_gap_points": "BP-gap"}
"""Quantity -> the claim of what B gains with more data."""


def _printed_with_more_data(data: Mapping[str, Any], study: Mapping[str, Any]) -> Printed:
    """Model B's cell of Table 1 with the gain that section 4.3 prints for B+."""
    of_table1 = _printed("original", TABLE1_QUANTITIES, data, study)

    def cell(model: str, batch_size: int, quantity: str) -> tuple[float, float]:
        if model != "B+" or model in study.get("own_networks", ()) or quantity not in GAINS:
            return NOTHING_PRINTED
        mean, error = of_table1("B", batch_size, quantity)
        gain = ledger.load()[GAINS[quantity]]
        return mean + gain.printed, math.hypot(error, gain.printed_standard_error)

    return cell


def _with_printed(tidy: pandas.DataFrame, from_paper: Printed, study: Mapping[str, Any]) -> pandas.DataFrame:
    tidy = tidy.assign(seeds_planned=len(study["seeds"]))
    tidy[["printed_mean", "printed_standard_error"]] = [
        from_paper(row.model, row.batch_size, row.quantity) for row in tidy.itertuples()
    ]
    return tidy


def _with_unfinished(
    tidy: pandas.DataFrame, cells: Mapping[str, Sequence[int]], quantities: Mapping[str, str]
) -> pandas.DataFrame:
    """The cells in the order of the plan, those of which no run has finished as resting on no seed."""
    known = set(zip(tidy["model"], tidy["batch_size"], strict=True))
    planned = [(model, size) for model, sizes in cells.items() for size in sizes if (model, size) not in known]
    if not planned:
        return tidy
    absent = pandas.DataFrame(
        [
            {"model": model, "batch_size": size, "quantity": quantity, "n": 0}
            for quantity in quantities
            for model, size in planned
        ]
    ).assign(seeds_planned=tidy["seeds_planned"].iloc[0])
    order = {model: place for place, model in enumerate(cells)}
    both = pandas.concat([tidy, absent.reindex(columns=tidy.columns)], ignore_index=True)
    return both.sort_values("model", key=lambda models: models.map(order), kind="stable", ignore_index=True)


def _printed_note(tidy: pandas.DataFrame, part: str, table: str) -> list[str]:
    if not tidy["printed_mean"].notna().any():
        return []
    epochs = next(iter(ledger.load().parts[part].sizes["networks"].values()))["epochs"]
    return [f"Rows marked printed are {table} of the paper: SVHN, {epochs} epochs, {PAPER_SEEDS} seeds."]
