"""Tables 1 to 3: accuracy, generalization gap, random labels, more data, weight decay and parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas

from rate_distortion.analysis import capacity
from rate_distortion.analysis.records import MissingError, StudyRecords
from rate_distortion.claims.measures.kinds import Bounded, Parts, measure, paired


@measure
def run_quantity(records: StudyRecords, quantity: str, model: str, batch_size: int, labels: str) -> pandas.Series:
    """A quantity of metrics.json in one cell."""
    return records.per_seed(quantity, model, batch_size, labels)


@measure
def lowest_run_quantity(
    records: StudyRecords, quantity: str, model: str, batch_sizes: Sequence[int], labels: str
) -> pandas.Series:
    """The lowest of a quantity over batch sizes, by seed."""
    cells = [records.per_seed(quantity, model, size, labels) for size in batch_sizes]
    return pandas.concat(cells, axis=1, join="inner").min(axis=1)


@measure
def run_difference(records: StudyRecords, quantity: str, first: str, second: str, labels: str) -> pandas.Series:
    """The first cell less the second, paired over seeds; a cell is written model@batch size."""
    return paired(_cell(records, quantity, first, labels), _cell(records, quantity, second, labels))


@measure
def loss_gap_decades(records: StudyRecords, first: str, second: str, labels: str) -> Bounded:
    """log10 of the first cell's loss gap over the second's; beyond any number where the second has none (0 or less)."""
    gaps = pandas.concat([_cell(records, "loss_gap", cell, labels) for cell in (first, second)], axis=1, join="inner")
    one, other = gaps.iloc[:, 0], gaps.iloc[:, 1]
    decades = np.log10(one.where(one > 0)) - np.log10(other.where(other > 0))
    decades = decades.where(~((one > 0) & (other <= 0)), math.inf)
    return Bounded(decades, decades)


@measure
def run_chains(records: StudyRecords, quantity: str, chains: Sequence[Sequence[str]], labels: str) -> Parts:
    """Chains of cells from the smallest to the largest: the difference of every pair of neighbours."""
    return {
        f"{low} < {high}": paired(_cell(records, quantity, high, labels), _cell(records, quantity, low, labels))
        for chain in chains
        for low, high in itertools.pairwise(chain)
    }


@measure
def training_beyond_fitting(
    records: StudyRecords, model: str, batch_sizes: Sequence[int], orders_of_magnitude: float
) -> Parts:
    """log10 of epochs over the first epoch that fits the training set, less the stated orders of magnitude.

    A network that never fits it would need longer than its training: then the difference is at most minus the orders.
    """
    parts = {}
    for size in batch_sizes:
        fitted = records.per_seed("first_fitted_epoch", model, size, "original")
        epochs = records.per_seed("epochs", model, size, "original")
        high = np.log10(epochs / fitted.fillna(epochs)) - orders_of_magnitude
        parts[f"batch size {size}"] = Bounded(high.where(fitted.notna(), -math.inf), high)
    return parts


@measure
def relative_sensitivity(records: StudyRecords, sensitive: str, other: str, pairs: Sequence[Sequence[str]]) -> Parts:
    """What is left of one gap from the first cell of a pair to the second, less what is left of another gap.

    Above zero where the ``sensitive`` gap falls by the larger share.
    """
    parts = {}
    for first, second in pairs:
        left = {
            quantity: _cell(records, quantity, second, "original") / _cell(records, quantity, first, "original")
            for quantity in (sensitive, other)
        }
        parts[f"{first} to {second}"] = paired(left[other], left[sensitive])
    return parts


@measure
def decay_beyond_width(
    records: StudyRecords, quantity: str, model: str, decayed: str, narrower: Sequence[str], batch_size: int
) -> Parts:
    """The fall of a quantity on random labels from a model to one with weight decay, less the change to narrower ones."""

    def random(name: str) -> pandas.Series:
        return records.per_seed(quantity, name, batch_size, "random")

    fall = paired(random(model), random(decayed))
    return {
        f"decay against {name}": paired(fall, paired(random(model), random(f"{model}-{name}")).abs())
        for name in narrower
    }


@measure
def collapse(records: StudyRecords, model: str, batch_size: int, classes: int, information_bits: float) -> Parts:
    """Training accuracy on random labels below the chance bound, and prediction information below a bound.

    What label-independent predictions of as many classes would show is taken off: (K - 1)(predicted - 1) / (2 N) nats.
    """
    cell = {"model": model, "batch_size": batch_size, "labels": "random"}
    majority, images, accuracy, bits, predicted = (
        records.per_seed(column, **cell)
        for column in (
            "train_majority_percent",
            "train_images",
            "train_accuracy",
            "train_prediction_information",
            "train_predicted_classes",
        )
    )
    bounds = [capacity.chance_bound_percent(*pair) for pair in zip(majority, images, strict=True)]
    floor = (classes - 1) * (predicted - 1) / (2 * images * math.log(2))
    return {"accuracy below the chance bound": bounds - accuracy, "no information": information_bits - (bits - floor)}


@measure
def more_data(records: StudyRecords, first: str, second: str) -> Parts:
    """The second cell, with more data, has the higher test accuracy and the smaller gap."""
    return {
        "higher test accuracy": run_difference(records, "test_accuracy", second, first, "original"),
        "smaller gap": run_difference(records, "generalization_gap", first, second, "original"),
    }


@measure
def sufficient_weight_decay(records: StudyRecords) -> Bounded:
    """By seed the smallest weight decay of the grid with which it fits no random labels, and the next smaller one.

    The answer lies between the two; a seed that fits them with the largest value needs more than that.
    """
    runs = records.calibration
    random = runs[runs["labels"] == "random"]
    fitted = random.assign(fitted=capacity.fits_random_labels(random)).pivot(
        index="seed", columns="weight_decay", values="fitted"
    )
    low, high = {}, {}
    for seed, row in fitted.dropna().sort_index(axis=1).iterrows():  # a seed counts when all of the grid is there
        sufficient = [value for value in row.index if not row[value]]
        high[seed] = min(sufficient, default=math.inf)
        low[seed] = max((value for value in row.index if value < high[seed]), default=0.0)
    return Bounded(pandas.Series(low, dtype=float), pandas.Series(high, dtype=float))


@measure
def best_weight_decay(records: StudyRecords, quantity: str) -> Parts:
    """The calibration's choice less every other weight decay of the grid, in a quantity on the original labels."""
    chosen, runs = records.weight_decay.weight_decay, records.calibration
    if chosen is None:
        raise MissingError("sufficient weight decay in its grid")
    table = runs[runs["labels"] == "original"].pivot(index="seed", columns="weight_decay", values=quantity)
    if chosen not in table:
        raise MissingError(f"run with weight decay {chosen:g} on original labels")
    others = [value for value in table.columns if value != chosen]
    return {f"better than {value:g}": paired(table[chosen], table[value]) for value in others}


@measure
def parameters(records: StudyRecords, block: str) -> float:
    """Thousands of weights of a layer, or of weights and biases in all."""
    network = records.network
    if block == "Total":
        return float((network["kernel_parameters"] + network["bias_parameters"]).sum()) / 1000
    return float(network.loc[network["block"] == block, "kernel_parameters"].iloc[0]) / 1000


def _cell(records: StudyRecords, quantity: str, cell: str, labels: str) -> pandas.Series:
    model, size = cell.rsplit("@", 1)
    return records.per_seed(quantity, model, int(size), labels)
