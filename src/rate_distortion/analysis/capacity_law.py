"""The smallest sufficient weight decay against the number of training images, beside a prediction, and what it costs.

Not in the paper, which calibrates weight decay at one number of images (section 4.3). The rule is the calibration's
(:mod:`rate_distortion.analysis.capacity`).
"""

from __future__ import annotations

import math

import numpy as np
import pandas

from rate_distortion.analysis import capacity
from rate_distortion.analysis.records import summarise

THRESHOLD = "smallest_sufficient_weight_decay"
AFFORDABLE = "affordable_weight_decay"
CHANGE = "test_accuracy_change_points"
TEST = "test_accuracy_percent"
KEYS = ["train_images", "labels", "weight_decay"]
QUANTITIES = {
    "train_accuracy": "train_accuracy_percent",
    "test_accuracy": TEST,
    "validation_accuracy": "validation_accuracy_percent",
    "affordable": AFFORDABLE,
    "change": CHANGE,
}
"""Column of the runs -> name with unit."""


def affordable_weight_decay(runs: pandas.DataFrame, classes: int) -> pandas.Series:
    """For every run the weight decay up to which its solution is better than giving up; not a number where it fits nothing.

    With weight decay lambda a network of training loss L (nats) and decayed norm ||w|| costs L + lambda/2 ||w||^2, and a
    constant predictor costs ln K. The two are equal at 2 (ln K - L) / ||w||^2. The cheapest solution costs no more than this
    one, so that fitting pays up to there at least.

    Args:
        runs: columns train_loss, decayed_norm, and those of :func:`rate_distortion.analysis.capacity.fits_random_labels`.
        classes: K.
    """
    affordable = 2.0 * (math.log(classes) - runs["train_loss"]) / runs["decayed_norm"] ** 2
    return affordable.where(capacity.fits_random_labels(runs))


def law(runs: pandas.DataFrame, classes: int) -> pandas.DataFrame:
    """Every number of images, tidy.

    Args:
        runs: one row per run with the columns of metrics.json: for every number of images each weight decay, 0 among them, on
            random and on original labels.
        classes: number of classes.

    Returns:
        rows of two kinds. By weight decay the :data:`QUANTITIES`, with mean, standard_error, n, the fitting_seeds of these
        labels, and whether it is the chosen one (the smallest sufficient) or best_validation; the change of test accuracy is
        from weight decay 0, paired over seeds. And :data:`THRESHOLD` of either kind of labels, with the interval (lower, upper]
        of the grid in which it lies: lower is not a number where the smallest value of the grid is sufficient already, and
        upper is infinite where none is.
    """
    runs = runs.assign(affordable=affordable_weight_decay(runs, classes), fits=capacity.fits_random_labels(runs))
    without = runs[runs["weight_decay"] == 0].set_index(["train_images", "labels", "seed"])["test_accuracy"]
    there = pandas.MultiIndex.from_frame(runs[["train_images", "labels", "seed"]])
    runs["change"] = runs["test_accuracy"] - without.reindex(there).to_numpy()
    tidy = summarise(runs, KEYS, QUANTITIES)
    # The images of the test and validation splits have their original labels, of which networks of random labels know nothing.
    known = (tidy["labels"] == "original") | tidy["quantity"].isin((QUANTITIES["train_accuracy"], AFFORDABLE))
    tidy = tidy[known & (tidy["n"] > 0)].join(runs.groupby(KEYS)["fits"].sum().rename("fitting_seeds"), on=KEYS)
    rows = pandas.concat([tidy, _thresholds(runs)])
    chosen = {images: capacity.smallest_sufficient(own) for images, own in _of(runs, "random").groupby("train_images")}
    best = _of(runs, "original").groupby(["train_images", "weight_decay"])["validation_accuracy"].mean()
    best = {images: own.idxmax()[1] for images, own in best.groupby("train_images")}
    rows["chosen"] = rows["weight_decay"] == rows["train_images"].map(chosen)
    rows["best_validation"] = rows["weight_decay"] == rows["train_images"].map(best)
    return rows.sort_values("train_images", kind="stable", ignore_index=True)


def predictions(tidy: pandas.DataFrame) -> pandas.DataFrame:
    """By number of images and labels :data:`AFFORDABLE` of the smallest weight decay above 0 that leaves a network that fits.

    Without any weight decay the norm is mostly that of the initialisation, which nothing takes away; with little it is that of
    the solution.

    Args:
        tidy: of :func:`law`.
    """
    own = tidy[(tidy["quantity"] == AFFORDABLE) & (tidy["weight_decay"] > 0)].sort_values("weight_decay")
    return own.groupby(["train_images", "labels"]).head(1)


def _thresholds(runs: pandas.DataFrame) -> pandas.DataFrame:
    """From which weight decay on the labels are not fitted, as far as the grid tells."""
    rows = []
    for (images, labels), own in runs.groupby(["train_images", "labels"]):
        upper, grid = capacity.smallest_sufficient(own), own["weight_decay"]
        below = grid[grid < (math.inf if upper is None else upper)]
        rows.append(
            {
                "train_images": images,
                "labels": labels,
                "quantity": THRESHOLD,
                "lower": below.max() if len(below) else np.nan,
                "upper": math.inf if upper is None else upper,
                "n": own["seed"].nunique(),
            }
        )
    return pandas.DataFrame(rows)


def _of(runs: pandas.DataFrame, labels: str) -> pandas.DataFrame:
    return runs[runs["labels"] == labels]
