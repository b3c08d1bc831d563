"""Excess capacity: can a network fit random labels, and how much weight decay does it take to stop it?

Section 4.3: the weight decay lambda is "the smallest [...] that prevented the model from fitting random labels significantly
better than chance"; section 5 recommends the rule to practitioners. Here it is a procedure with a stated test.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from rate_distortion.storage import files

STANDARD_DEVIATIONS = 3.0
"""A training accuracy is better than chance when it exceeds the majority share by this many binomial standard deviations."""


class CapacityError(ValueError):
    """The calibration cannot answer; the message says what to change."""


def chance_bound_percent(majority_percent: float, images: int) -> float:
    """The training accuracy that a network without information about its labels does not exceed.

    The best constant predictor scores the majority label's share p; the bound adds three binomial standard deviations,
    sqrt(p (1 - p) / N). On 73,257 uniform labels it is about 10.5 percent.
    """
    share = majority_percent / 100.0
    return 100.0 * (share + STANDARD_DEVIATIONS * math.sqrt(share * (1.0 - share) / images))


def fits_random_labels(runs: pandas.DataFrame) -> pandas.Series:
    """For every run (columns train_accuracy, train_majority_percent, train_images) whether it beats the chance bound."""
    bounds = [
        chance_bound_percent(row.train_majority_percent, row.train_images)
        for row in runs[["train_majority_percent", "train_images"]].itertuples(index=False)
    ]
    return runs["train_accuracy"] > np.asarray(bounds)


def is_collapsed(runs: pandas.DataFrame) -> pandas.Series:
    """For every run whether it predicts one class for every training image, and so carries 0 bits about any labels."""
    return runs["train_predicted_classes"] == 1


def smallest_sufficient(runs: pandas.DataFrame) -> float | None:
    """The smallest weight decay with which no seed fits the labels of these runs; None where some seed fits with each."""
    fitted = fits_random_labels(runs).groupby(runs["weight_decay"]).any()
    return float(min(fitted.index[~fitted])) if not fitted.all() else None


@dataclass(frozen=True)
class Choice:
    """The calibration's answer.

    Attributes:
        weight_decay: the smallest of the grid with which no seed fits random labels; None when there is none.
        best_validation_weight_decay: the one with the highest mean validation accuracy on the original labels.
        same: whether the two are the same.
        test_accuracy_percent, test_standard_error: of the chosen one, reported once and used for no choice.
        seeds, epochs, steps, batch_size, train_images: the budget within which random labels were not fitted.
        model: whose weight decay was varied.
    """

    weight_decay: float | None
    best_validation_weight_decay: float
    same: bool
    test_accuracy_percent: float | None
    test_standard_error: float | None
    seeds: int
    epochs: int
    steps: int
    batch_size: int
    train_images: int
    model: str


def choose_weight_decay(runs: pandas.DataFrame, model: str) -> Choice:
    """Find the smallest sufficient weight decay.

    Args:
        runs: one row per run of the grid, on random and on original labels, with the columns of metrics.json.
        model: the base model's name.

    Raises:
        CapacityError: a weight decay was not run on both kinds of labels.
    """
    random, original = runs[runs["labels"] == "random"], runs[runs["labels"] == "original"]
    if set(random["weight_decay"]) != set(original["weight_decay"]):
        raise CapacityError("every weight decay of a calibration needs runs on random and on original labels")
    chosen = smallest_sufficient(random)
    validation = original.groupby("weight_decay")["validation_accuracy"].mean()
    test = original.loc[original["weight_decay"] == chosen, "test_accuracy"]
    first = random.iloc[0]
    return Choice(
        weight_decay=chosen,
        best_validation_weight_decay=float(validation.idxmax()),
        same=chosen == float(validation.idxmax()),
        test_accuracy_percent=float(test.mean()) if len(test) else None,
        test_standard_error=float(test.sem()) if len(test) > 1 else None,
        seeds=int(random["seed"].nunique()),
        epochs=int(first["epochs"]),
        steps=int(first["epochs"] * -(-first["train_images"] // first["batch_size"])),
        batch_size=int(first["batch_size"]),
        train_images=int(first["train_images"]),
        model=model,
    )


def choice_record(choice: Choice) -> dict[str, Any]:
    """The choice as it is written to weight_decay.json."""
    return asdict(choice)


def read_choice(path: str | Path) -> Choice:
    """The choice from weight_decay.json."""
    return Choice(**files.read_json(path))


def calibrated_weight_decay(path: str | Path) -> float:
    """The chosen weight decay from weight_decay.json, for a model that trains with it.

    Raises:
        CapacityError: no value of the grid was sufficient.
    """
    choice = read_choice(path)
    if choice.weight_decay is None:
        raise CapacityError(
            f"{path}: no weight decay of the calibration's grid keeps model {choice.model} from fitting random labels "
            f"within {choice.epochs} epochs; add larger values to calibration.weight_decays, or state a number instead of "
            "calibrated"
        )
    return choice.weight_decay
