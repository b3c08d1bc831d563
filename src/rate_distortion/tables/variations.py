"""Sensitivity analyses and ablations: one choice varied at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas

from rate_distortion.studies import AS_IN_THE_STUDY
from rate_distortion.tables.layout import Cell, Layout, Table, columns, is_users_own, measured, notes

VARIED_QUANTITIES = {
    ("original", "train_accuracy"): ("train_accuracy_percent", "train (%)"),
    ("original", "test_accuracy"): ("test_accuracy_percent", "test (%)"),
    ("original", "generalization_gap"): ("generalization_gap_points", "gap (points)"),
    ("random", "train_accuracy"): ("train_accuracy_percent", "random labels: train (%)"),
}
"""(labels, column of metrics.json) -> (name with unit, heading)."""

OWN_TITLES = {
    "sensitivity": "Sensitivity: one choice of training or evaluation varied at a time",
    "ablations": "Ablations: parts of the models taken away or varied",
}
"""Titles on a user's own data."""
TITLES = {
    "sensitivity": "Sensitivity: one choice that the paper leaves open varied at a time",
    "ablations": "Ablations: what the paper's conclusions rest on, taken away or varied",
}


def variations(
    part: str,
    runs: pandas.DataFrame,
    choices: Mapping[str, Mapping[str, Any]],
    names: Mapping[str, Mapping[str, str]],
    study: Mapping[str, Any],
    data: Mapping[str, Any],
) -> Table:
    """A sensitivity analysis or ablations: one choice varied at a time, on original and on random labels.

    A choice's difference is paired over seeds with the study's own choice. A sensitivity analysis also evaluates the same
    weights under each kind of batch-normalization statistics.

    Args:
        part: "sensitivity" or "ablations".
        runs: the runs of the part.
        choices: choice -> what it changes.
        names: choice (the study's own among them) -> base model -> name of the derived model.
        study, data: for the notes.
    """
    bases = names[AS_IN_THE_STUDY]
    rows = []
    for choice, by_base in names.items():
        for base, model in by_base.items():
            rows += _compared(choice, base, runs[runs["model"] == model], runs[runs["model"] == bases[base]])
    if part == "sensitivity":
        for base, model in bases.items():
            own = runs[runs["model"] == model]
            for evaluation in own["batch_norm_evaluations"].iloc[0]:
                rows += _compared(f"batch_norm_evaluation_{evaluation}", base, _evaluated(own, evaluation), own)
    tidy = pandas.DataFrame(rows)
    changed = [f"{choice}: {', '.join(f'{k} {v}' for k, v in change.items())}" for choice, change in choices.items()]
    return Table(
        tidy,
        shown(tidy),
        (OWN_TITLES if is_users_own(data) else TITLES)[part],
        [*notes(study, data), "Choices: " + "; ".join(changed) + "."],
    )


def _compared(choice: str, base: str, own: pandas.DataFrame, usual: pandas.DataFrame) -> list[dict[str, Any]]:
    """One row per quantity: mean and standard error, and the difference from the study's own choice, paired over seeds."""
    rows = []
    for (labels, column), (quantity, _) in VARIED_QUANTITIES.items():
        values, reference = (frame[frame["labels"] == labels].set_index("seed")[column] for frame in (own, usual))
        change = (values - reference).dropna()
        rows.append(
            {
                "choice": choice,
                "model": base,
                "labels": labels,
                "quantity": quantity,
                "mean": values.mean(),
                "standard_error": values.sem(),
                "n": values.count(),
                "difference": change.mean(),
                "difference_standard_error": change.sem(),
            }
        )
    return rows


def _evaluated(runs: pandas.DataFrame, evaluation: str) -> pandas.DataFrame:
    """The runs as if they had been evaluated under another kind of batch-normalization statistics."""
    accuracies = pandas.DataFrame([record[evaluation] for record in runs["batch_norm_evaluations"]], index=runs.index)
    gap = accuracies["train_accuracy"] - accuracies["test_accuracy"]
    return runs.assign(**accuracies, generalization_gap=gap)


def shown(tidy: pandas.DataFrame) -> Layout:
    """One row per choice and model."""
    rows = []
    for (choice, model), own in tidy.groupby(["choice", "model"], sort=False):
        by_quantity = {(row.labels, row.quantity): row for row in own.itertuples()}
        row = {"choice": Cell(choice.replace("_", " ")), "model": Cell(model)}
        for (labels, _), (quantity, heading) in VARIED_QUANTITIES.items():
            if (found := by_quantity.get((labels, quantity))) is not None:
                row[heading] = measured(found)
        rows.append(row)
    headings = [heading for _, heading in VARIED_QUANTITIES.values()]
    return Layout(columns("choice", "model", *headings), rows, names=2)
