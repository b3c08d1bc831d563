"""Figure 7: transfer to handwritten digits, and calibration there."""

from __future__ import annotations

import math

import pandas

from rate_distortion.analysis.records import StudyRecords
from rate_distortion.claims import verdicts
from rate_distortion.claims.measures.kinds import Parts, Repeated, by_seed, measure, paired, selected


@measure
def transfer_accuracy(records: StudyRecords, model: str, shots: str) -> Repeated:
    """Accuracy on the handwritten digits, of one shot with its variance over support sets."""
    draws = _transferred_rows(records, model, shots).groupby("seed")["accuracy_percent"]
    means, sizes = draws.mean(), draws.size()
    freedom = int((sizes - 1).sum())
    # Of a single draw the variance is not a number, and left out of the sum.
    squares = ((sizes - 1) * draws.var()).sum()
    within = verdicts.Spread(float(squares / freedom), freedom) if freedom else verdicts.NO_SPREAD
    return Repeated(means, within, float(1 / (1 / sizes).mean()))


@measure
def transfer_gain(records: StudyRecords, model: str) -> Parts:
    """One-shot less zero-shot accuracy."""
    one, zero = (_transferred(records, model, shots, "accuracy_percent") for shots in ("one_shot", "zero_shot"))
    return {"one shot above zero shot": paired(one, zero)}


@measure
def transfer_beyond(records: StudyRecords, model: str, shots: str, percent: float) -> Parts:
    """Accuracy on the handwritten digits less a bound."""
    return {f"above {percent:g} %": _transferred(records, model, shots, "accuracy_percent") - percent}


@measure
def margin_minus_accuracy(records: StudyRecords, model: str, shots: str) -> pandas.Series:
    """Mean prediction margin less accuracy."""
    return _transferred(records, model, shots, "margin_minus_accuracy_points")


@measure
def one_shot_calibration(records: StudyRecords, model: str) -> Parts:
    """One-shot, the mean margin lies below accuracy, and over-confidence is smaller than zero-shot."""
    over = {
        shots: _transferred(records, model, shots, "margin_overconfidence_points")
        for shots in ("zero_shot", "one_shot")
    }
    return {
        "margin below accuracy": -_transferred(records, model, "one_shot", "margin_minus_accuracy_points"),
        "less over-confidence": paired(over["zero_shot"], over["one_shot"]),
    }


@measure
def wider_gap(records: StudyRecords, model: str) -> Parts:
    """Distance between mean margin and accuracy: one-shot less zero-shot."""
    gaps = [
        _transferred(records, model, shots, "margin_minus_accuracy_points").abs() for shots in ("one_shot", "zero_shot")
    ]
    return {"one shot above zero shot": paired(*gaps)}


@measure
def small_margins(records: StudyRecords, model: str, shots: str, below: float) -> Parts:
    """Accuracy of the predictions with a margin below a bound, less their mean margin, in points: under-confidence."""
    values = {}
    for seed, own in records.transferred_predictions(model).items():
        margins, right = own[f"{shots}_margins"], own[f"{shots}_predictions"] == own["labels"]
        small = margins < below
        values[seed] = 100 * float(right[small].mean() - margins[small].mean()) if small.any() else math.nan
    return {f"margins below {below:g}": by_seed(values)}


def _transferred(records: StudyRecords, model: str, shots: str, column: str) -> pandas.Series:
    """Mean over the rows of a transferred network, by seed."""
    return _transferred_rows(records, model, shots).groupby("seed")[column].mean()


def _transferred_rows(records: StudyRecords, model: str, shots: str) -> pandas.DataFrame:
    """A row per seed and, of one shot, support set."""
    return selected(records.transfer(shots), f"transfer of model {model}", model=model)
