"""The weight-decay calibration as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas

from rate_distortion.analysis import capacity
from rate_distortion.analysis.precision import to_precision
from rate_distortion.analysis.records import summarise
from rate_distortion.tables.layout import Cell, Layout, Table, columns, measured, notes

RANDOM_LABELS, VALIDATION = "random_label_train_accuracy_percent", "validation_accuracy_percent"
SHOWN = {
    RANDOM_LABELS: "train, random labels (%)",
    "random_label_chance_bound_percent": "chance bound (%)",
    "train_accuracy_percent": "train (%)",
    VALIDATION: "validation (%)",
}
TIE = "tied with the best"


def weight_decay(
    runs: pandas.DataFrame, choice: capacity.Choice, study: Mapping[str, Any], data: Mapping[str, Any]
) -> Table:
    """The calibration: random labels fitted or not, and validation accuracy on the original labels, by weight decay."""
    random = runs[runs["labels"] == "random"].copy()
    original = runs[runs["labels"] == "original"]
    random["chance_bound"] = [
        capacity.chance_bound_percent(row.train_majority_percent, row.train_images) for row in random.itertuples()
    ]
    tidy = pandas.concat(
        [
            summarise(
                random,
                ["weight_decay"],
                {
                    "train_accuracy": "random_label_train_accuracy_percent",
                    "chance_bound": "random_label_chance_bound_percent",
                    "train_prediction_information": "random_label_information_bits",
                },
            ),
            summarise(
                original,
                ["weight_decay"],
                {"train_accuracy": "train_accuracy_percent", "validation_accuracy": "validation_accuracy_percent"},
            ),
        ]
    ).sort_values("weight_decay", kind="stable")
    fitting = capacity.fits_random_labels(random).groupby(random["weight_decay"]).sum()
    tidy["fitting_seeds"] = tidy["weight_decay"].map(fitting)
    tidy["chosen"] = tidy["weight_decay"] == choice.weight_decay
    tidy["best_validation"] = tidy["weight_decay"] == choice.best_validation_weight_decay
    return Table(
        tidy,
        shown(tidy),
        f"Weight decay of model {choice.model}: the smallest that keeps random labels from being fitted",
        [
            *notes(study, data),
            *choice_notes(choice),
            *_caution(original, choice),
            f"Accuracies are compared before rounding; {TIE}: within one standard error of the difference.",
        ],
    )


def shown(tidy: pandas.DataFrame) -> Layout:
    """One row per weight decay; the highest validation accuracy before rounding is the best."""
    validation = tidy[tidy["quantity"] == VALIDATION]
    best = next(validation[validation["best_validation"]].itertuples(), None)
    rows = []
    for value, own in tidy.groupby("weight_decay"):
        by_quantity = {row.quantity: row for row in own.itertuples()}
        random, validated = by_quantity[RANDOM_LABELS], by_quantity.get(VALIDATION)
        marks = {
            "smallest sufficient": random.chosen,
            "best validation": random.best_validation,
            TIE: validated is not None and best is not None and not random.best_validation and _is_tie(validated, best),
        }
        rows.append(
            {
                "λ": Cell(f"{value:g}"),
                **{heading: measured(by_quantity[name]) for name, heading in SHOWN.items() if name in by_quantity},
                "seeds that fit random labels": Cell(f"{int(random.fitting_seeds)} of {int(random.n)}"),
                "choice": Cell(", ".join(mark for mark, true in marks.items() if true)),
            }
        )
    return Layout(columns("λ", *SHOWN.values(), "seeds that fit random labels", "choice"), rows)


def _is_tie(row: Any, best: Any) -> bool:
    """Whether a mean is within one standard error of the difference from the best."""
    return bool(best.mean - row.mean <= math.hypot(row.standard_error, best.standard_error))


def choice_notes(choice: capacity.Choice) -> list[str]:
    """What the calibration found, in sentences."""
    steps = f"{choice.steps:,} steps at batch size {choice.batch_size}"
    budget = f"{choice.epochs} epochs ({steps}) on {choice.train_images:,} images"
    rule = (
        f"Random labels count as fitted when train accuracy exceeds the majority share by {capacity.STANDARD_DEVIATIONS:g} "
        f"binomial standard deviations in any seed, within {budget}."
    )
    best = f"The best validation accuracy is at λ = {choice.best_validation_weight_decay:g}"
    if choice.weight_decay is None:
        return [rule, f"No λ of the grid is sufficient. {best}."]
    comparison = f"{best}, {'the same' if choice.same else 'another'} value."
    test = to_precision(choice.test_accuracy_percent, number_or_nan(choice.test_standard_error))
    return [
        rule,
        f"The smallest sufficient λ is {choice.weight_decay:g}; its test accuracy is {test} %. {comparison}",
    ]


def _caution(original: pandas.DataFrame, choice: capacity.Choice) -> list[str]:
    """Where no network of the grid fitted random labels, none has shown that this training could fit them at all."""
    smallest = original["weight_decay"].min()
    if choice.weight_decay != smallest:
        return []
    accuracy = original.loc[original["weight_decay"] == smallest, "train_accuracy"].mean()
    return [
        f"Caution: with the smallest λ of the grid, {smallest:g}, random labels are not fitted either, and train accuracy on "
        f"the original ones is {accuracy:.1f} %. Nothing shows that this training could fit random labels at all, so that the "
        "chosen λ means nothing: train longer, or add smaller λ."
    ]


def number_or_nan(value: float | None) -> float:
    return math.nan if value is None else value
