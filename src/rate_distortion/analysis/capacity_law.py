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
EXPONENT = "exponent_of_train_images"
PREDICTED_EXPONENT = "predicted_exponent_of_train_images"
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
CONFIDENCE = 0.95
STEEPEST = 10.0
"""Exponents are searched from minus to plus this; an interval that reaches either has no end there."""
NARROWEST = 1e-4
"""Smallest standard deviation of a logarithm; keeps the likelihood finite where a power law fits exactly."""
HALF_WIDTH = 1e-3
"""A known value enters the likelihood as an interval of plus or minus this share."""


def affordable_weight_decay(runs: pandas.DataFrame, classes: int) -> pandas.Series:
    """For every run the weight decay up to which its solution costs less than weights of zero.

    Not a number where it fits nothing.

    With weight decay lambda a network minimises L + lambda/2 ||w||^2, where L is the mean cross-entropy (nats) and ||w|| the L2
    norm of all tensors that decay acts on. At w = 0 all K classes are equally likely, whatever the image: the labels cost ln K
    and the norm nothing. A solution (L, w) with L < ln K costs less exactly when lambda < 2 (ln K - L) / ||w||^2; up to there
    w = 0 is not the minimum. So the value is a lower bound of the lambda at which the minimum collapses. It is that lambda when
    no other solution is cheaper there, and 2 ln K / ||w||^2 when the labels are fitted entirely.

    Args:
        runs: columns train_loss, decayed_norm, and those of :func:`rate_distortion.analysis.capacity.fits_random_labels`.
        classes: K.
    """
    affordable = 2.0 * (math.log(classes) - runs["train_loss"]) / runs["decayed_norm"] ** 2
    return affordable.where(capacity.fits_random_labels(runs) & (affordable > 0))


def law(runs: pandas.DataFrame, classes: int) -> pandas.DataFrame:
    """Every number of images, tidy.

    Args:
        runs: one row per run with the columns of metrics.json: for every number of images each weight decay, 0 among them, on
            random and on original labels.
        classes: number of classes.

    Returns:
        rows of three kinds. By weight decay the :data:`QUANTITIES`, with mean, standard_error, n, the fitting_seeds of these
        labels, and whether it is the chosen one (the smallest sufficient) or best_validation; the change of test accuracy is
        from weight decay 0, paired over seeds. And :data:`THRESHOLD` of either kind of labels, with the interval (lower, upper]
        of the grid in which it lies: lower is not a number where the smallest value of the grid is sufficient already, and
        upper is infinite where none is. And over all numbers of images, where there are several, the :data:`EXPONENT` of the
        seeds' own thresholds and of their predictions, with the ends of its interval.
    """
    runs = runs.assign(affordable=affordable_weight_decay(runs, classes), fits=capacity.fits_random_labels(runs))
    without = runs[runs["weight_decay"] == 0].set_index(["train_images", "labels", "seed"])["test_accuracy"]
    there = pandas.MultiIndex.from_frame(runs[["train_images", "labels", "seed"]])
    runs["change"] = runs["test_accuracy"] - without.reindex(there).to_numpy()
    tidy = summarise(runs, KEYS, QUANTITIES)
    # The images of the test and validation splits have their original labels, of which networks of random labels know nothing.
    known = (tidy["labels"] == "original") | tidy["quantity"].isin((QUANTITIES["train_accuracy"], AFFORDABLE))
    tidy = tidy[known & (tidy["n"] > 0)].join(runs.groupby(KEYS)["fits"].sum().rename("fitting_seeds"), on=KEYS)
    rows = pandas.concat([tidy, _thresholds(runs, ["train_images", "labels"]), _exponents(runs, tidy)])
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


def exponent(images: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> tuple[float, float, float]:
    """The exponent b of a power law c N^b of which every observation is known up to an interval, and its 95 % interval.

    Interval-censored regression: the logarithm of an observation is a + b ln N plus normal noise of one standard deviation, and
    its likelihood the probability that this gives its interval. The 95 % interval has every b whose best likelihood exceeds
    exp(-cut/2) of the best of all, with cut = n ln(1 + t^2 / (n - 2)) and t Student's quantile of n - 2 degrees of freedom: for
    values that are known, that of ordinary regression. Where power laws pass through all intervals, their exponents are the
    best alike, and the estimate is the middle of these.

    Args:
        images: N, (n,).
        lower, upper: ends of the intervals, (n,); lower may be 0 or not a number, upper infinite.

    Returns:
        estimate, lower and upper end; infinite or, of the estimate, not a number where the observations do not bound it.
    """
    from scipy import optimize, special, stats  # take long to import

    count = len(images)
    if count < 3:
        return math.nan, -math.inf, math.inf
    where = np.log(images) - np.log(images).mean()
    low, high = (np.log(np.maximum(ends, np.finfo(float).tiny)) for ends in (np.nan_to_num(lower), upper))
    known = np.concatenate([low[np.nan_to_num(lower) > 0], high[np.isfinite(high)]])

    def loss(parameters: np.ndarray, slope: float) -> float:
        """Minus the logarithm of the likelihood."""
        level, scale = parameters[0], max(math.exp(parameters[1]), NARROWEST)
        left, right = ((end - slope * where - level) / scale for end in (low, high))
        above = left > 0  # log_ndtr is precise in the left tail only, so intervals in the right one are mirrored
        left, right = np.where(above, -right, left), np.where(above, -left, right)
        most = special.log_ndtr(right)
        return -float(np.sum(most + np.log1p(-np.exp(np.minimum(special.log_ndtr(left) - most, -1e-15)))))

    def profile(slope: float) -> float:
        start = [known.mean() if len(known) else 0.0, 0.0]
        return optimize.minimize(loss, start, args=(slope,), method="Nelder-Mead", options={"fatol": 1e-6}).fun

    best = optimize.minimize_scalar(profile, bounds=(-STEEPEST, STEEPEST), method="bounded")

    def end(drop: float, side: float) -> float:
        def excess(slope: float) -> float:
            return profile(slope) - best.fun - drop

        return optimize.brentq(excess, best.x, side * STEEPEST) if excess(side * STEEPEST) > 0 else side * math.inf

    cut = count * math.log1p(stats.t.ppf((1 + CONFIDENCE) / 2, count - 2) ** 2 / (count - 2))
    middle = (end(0.01, -1) + end(0.01, 1)) / 2
    return middle, end(cut / 2, -1), end(cut / 2, 1)


def _exponents(runs: pandas.DataFrame, tidy: pandas.DataFrame) -> pandas.DataFrame:
    """Of the thresholds of every seed, and of the predictions of every seed; none from one number of images."""
    thresholds = _thresholds(runs, ["train_images", "labels", "seed"])
    predicted = predictions(tidy)[KEYS].merge(runs, on=KEYS).dropna(subset="affordable")
    known = predicted["affordable"]
    predicted = predicted.assign(lower=known * (1 - HALF_WIDTH), upper=known * (1 + HALF_WIDTH))
    rows = []
    # A network that fits nothing even without weight decay says nothing about weight decay.
    for quantity, found in ((EXPONENT, thresholds[thresholds["upper"] > 0]), (PREDICTED_EXPONENT, predicted)):
        for labels, own in found.groupby("labels"):
            if own["train_images"].nunique() > 1:
                values = exponent(*own[["train_images", "lower", "upper"]].to_numpy(float).T)
                named = dict(zip(("mean", "lower", "upper"), values, strict=True))
                rows.append({"labels": labels, "quantity": quantity, "n": len(own)} | named)
    return pandas.DataFrame(rows)


def _thresholds(runs: pandas.DataFrame, keys: list[str]) -> pandas.DataFrame:
    """From which weight decay on the labels are not fitted, as far as the grid tells."""
    rows = []
    for values, own in runs.groupby(keys):
        upper, grid = capacity.smallest_sufficient(own), own["weight_decay"]
        below = grid[grid < (math.inf if upper is None else upper)]
        rows.append(
            dict(zip(keys, values, strict=True))
            | {
                "quantity": THRESHOLD,
                "lower": below.max() if len(below) else np.nan,
                "upper": math.inf if upper is None else upper,
                "n": own["seed"].nunique(),
            }
        )
    return pandas.DataFrame(rows)


def _of(runs: pandas.DataFrame, labels: str) -> pandas.DataFrame:
    return runs[runs["labels"] == labels]
