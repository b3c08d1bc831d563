"""What each claim comes to in a study's records.

A measure of a number gives one value per seed (:class:`Repeated`: with the variance of the draws behind it). A measure of an
ordering gives one list of differences per part, paired over seeds; the ordering says that all of them are above zero.
``MEASURES`` names them all for claims.yaml.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas

from rate_distortion.analysis import capacity, fault_tolerance, information_plane
from rate_distortion.analysis import signal_to_noise as snr
from rate_distortion.analysis.records import MissingError, StudyRecords
from rate_distortion.claims import verdicts

Parts = dict[str, pandas.Series]
"""Name of a part of an ordering -> differences by seed, above zero where the part holds."""

PLATEAU_STEP_DB = 0.5
"""Between the ratios over which a plateau's level is the median."""


class Repeated(NamedTuple):
    """A quantity that every seed has several draws of, of which the paper printed one.

    Attributes:
        means: over draws, by seed.
        within: the variance among draws, pooled over seeds.
        draws: of a seed.
    """

    means: pandas.Series
    within: verdicts.Spread
    draws: float


MEASURES: dict[str, Callable[..., pandas.Series | Repeated | Parts | float]] = {}


def measure(function: Callable) -> Callable:
    """Register a measure under its name."""
    MEASURES[function.__name__] = function
    return function


# Runs of the convolutional network: Tables 1 and 2, more data.


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
    return (_cell(records, quantity, first, labels) - _cell(records, quantity, second, labels)).dropna()


@measure
def run_chains(records: StudyRecords, quantity: str, chains: Sequence[Sequence[str]], labels: str) -> Parts:
    """Chains of cells from the smallest to the largest: the difference of every pair of neighbours."""
    return {
        f"{low} < {high}": (_cell(records, quantity, high, labels) - _cell(records, quantity, low, labels)).dropna()
        for chain in chains
        for low, high in itertools.pairwise(chain)
    }


@measure
def training_beyond_fitting(
    records: StudyRecords, model: str, batch_sizes: Sequence[int], orders_of_magnitude: float
) -> Parts:
    """log10 of epochs over the first epoch that fits the training set, less the stated orders of magnitude."""
    parts = {}
    for size in batch_sizes:
        fitted = records.per_seed("first_fitted_epoch", model, size, "original")
        epochs = records.per_seed("epochs", model, size, "original")
        parts[f"batch size {size}"] = (np.log10(epochs / fitted) - orders_of_magnitude).dropna()
    return parts


@measure
def collapse(records: StudyRecords, model: str, batch_size: int, information_bits: float) -> Parts:
    """Training accuracy on random labels below the chance bound, and prediction information below a bound."""
    cell = {"model": model, "batch_size": batch_size, "labels": "random"}
    majority, images, accuracy, bits = (
        records.per_seed(column, **cell)
        for column in ("train_majority_percent", "train_images", "train_accuracy", "train_prediction_information")
    )
    bounds = [capacity.chance_bound_percent(*pair) for pair in zip(majority, images, strict=True)]
    return {"accuracy below the chance bound": bounds - accuracy, "no information": information_bits - bits}


@measure
def more_data(records: StudyRecords, first: str, second: str) -> Parts:
    """The second cell, with more data, has the higher test accuracy and the smaller gap."""
    return {
        "higher test accuracy": run_difference(records, "test_accuracy", second, first, "original"),
        "smaller gap": run_difference(records, "generalization_gap", first, second, "original"),
    }


# Weight-decay calibration.


@measure
def sufficient_weight_decay(records: StudyRecords) -> pandas.Series:
    """By seed the smallest weight decay of the grid with which it fits no random labels; seeds without any are left out."""
    runs = records.calibration
    random = runs[runs["labels"] == "random"]
    fitted = random.assign(fitted=capacity.fits_random_labels(random)).pivot(
        index="seed", columns="weight_decay", values="fitted"
    )
    fitted = fitted.dropna()  # a seed counts when all of the grid is there
    smallest = {
        seed: [value for value in row.index if not row[value]] for seed, row in fitted.sort_index(axis=1).iterrows()
    }
    return pandas.Series({seed: min(values) for seed, values in smallest.items() if values}, dtype=float)


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
    return {f"better than {value:g}": (table[chosen] - table[value]).dropna() for value in others}


# Gradients' signal-to-noise ratio: Figure 2.


@measure
def plateau_epoch(records: StudyRecords, activation: str, normalization: str) -> pandas.Series:
    """By seed the median over layers of the epoch from which on the ratio is constant.

    A layer that still moves at the end counts as later than all others; a seed whose median layer does so is left out.
    """
    summary = _gradient_summary(records, activation, normalization)
    medians = summary.assign(epoch=summary["plateau_epoch"].fillna(math.inf)).groupby("seed")["epoch"].median()
    return medians[np.isfinite(medians)]


@measure
def plateau_chains(records: StudyRecords, chains: Sequence[Sequence[str]]) -> Parts:
    """Networks (activation/normalization) from the earliest to the latest plateau, in decades of epochs.

    A curve that still moves at the end is taken to settle there, which understates how late it is. Two networks are compared
    over the epochs that both have: what settles later, or not at all, settles at their end, so that neither seems the earlier
    for having been trained for longer.
    """

    def compared(early: str, late: str) -> pandas.Series:
        end = min(_last_recorded_epoch(records, early), _last_recorded_epoch(records, late))
        return (_settled_epochs(records, late, end) - _settled_epochs(records, early, end)).dropna()

    return {
        f"{early} before {late}": compared(early, late) for chain in chains for early, late in itertools.pairwise(chain)
    }


def _last_recorded_epoch(records: StudyRecords, network: str) -> int:
    own = records.gradient_records
    activation, normalization = network.split("/")
    return own[(own["activation"] == activation) & (own["normalization"] == normalization)]["epoch"].max()


def _settled_epochs(records: StudyRecords, network: str, end: int) -> pandas.Series:
    """By seed the logarithm of the median over layers of the epoch of the plateau, which is at most ``end``."""
    summary = _gradient_summary(records, *network.split("/"))
    epochs = summary["plateau_epoch"].fillna(end).clip(upper=end)
    return np.log10(summary.assign(epoch=epochs).groupby("seed")["epoch"].median())


@measure
def change_by_depth(records: StudyRecords, activations: Sequence[str], normalization: str, early_layers: int) -> Parts:
    """The last layer's level changes less than any other's, and the early layers' on average more than the middle ones'."""
    parts = {}
    for activation in activations:
        change = _by_layer(records, activation, normalization, "change_decades").abs()
        early, middle, last = (
            change.iloc[:, :early_layers],
            change.iloc[:, early_layers:-1],
            change.iloc[:, -1],
        )
        parts[f"{activation}: last layer least"] = change.iloc[:, :-1].min(axis=1) - last
        parts[f"{activation}: early layers most"] = early.mean(axis=1) - middle.mean(axis=1)
    return parts


@measure
def last_layer_noise(records: StudyRecords, activations: Sequence[str], normalization: str) -> Parts:
    """log10 of the smallest deviation norm of the other layers over that of the last layer, at the last epoch."""
    parts = {}
    for activation in activations:
        own = _network(records.gradient_records, activation, normalization)
        ending = own[own["epoch"] == own["epoch"].max()].pivot(index="seed", columns="layer", values="deviation_norm")
        noise = np.log10(ending.sort_index(axis=1))
        parts[activation] = noise.iloc[:, :-1].min(axis=1) - noise.iloc[:, -1]
    return parts


@measure
def collapse_of_layers(records: StudyRecords, activations: Sequence[str], at_least_factor: float) -> Parts:
    """log10 of the final spread over layers without batch normalization over that with it, less the factor's."""
    parts = {}
    for activation in activations:
        without, with_it = (
            _gradient_summary(records, activation, normalization).groupby("seed")["final_spread_decades"].first()
            for normalization in ("none", "batch")
        )
        parts[activation] = (np.log10(without / with_it) - math.log10(at_least_factor)).dropna()
    return parts


# Information plane: Figure 3.


@measure
def compression(
    records: StudyRecords, labels: str, more_than_bits: float | None = None, less_than_bits: float | None = None
) -> Parts:
    """The drop of I(X; T) of the last hidden layer from its maximum, beyond or below a bound."""
    drops = information_plane.compression(records.information_plane)
    layer = _last_hidden_layer(records.information_plane)
    own = drops[(drops["layer"] == layer) & (drops["labels"] == labels)].set_index("seed")["drop_bits"]
    if own.empty:
        raise MissingError(f"information plane on {labels} labels")
    if more_than_bits is not None:
        return {f"drop above {more_than_bits:g} bits": own - more_than_bits}
    return {f"drop below {less_than_bits:g} bits": less_than_bits - own}


@measure
def slow_rise(records: StudyRecords) -> Parts:
    """On random labels I(T; Y) of the output rises, and reaches half of its last value later than on the original ones."""
    plane = _with_both_labels(records.information_plane)
    output = plane[plane["layer"] == plane["layer"].max()]
    rise, half = {}, {}
    for (labels, seed), curve in output.sort_values("epoch").groupby(["labels", "seed"]):
        bits = curve["label_information_bits"].to_numpy()
        rise[labels, seed] = bits[-1] - bits[0]
        reached = curve["epoch"].to_numpy()[np.argmax(bits >= bits[-1] / 2)]
        half[labels, seed] = math.log10(reached + 1)  # the record before the first step is of epoch 0
    rise, half = (pandas.Series(values).unstack(level=0) for values in (rise, half))
    return {"rises": rise["random"], "later than on original labels": (half["random"] - half["original"]).dropna()}


@measure
def memorization(records: StudyRecords) -> Parts:
    """I(X; T) of the last hidden layer at the last epoch: random labels less original ones."""
    plane = _with_both_labels(records.information_plane)
    own = plane[(plane["layer"] == _last_hidden_layer(plane)) & (plane["epoch"] == plane["epoch"].max())]
    bits = own.pivot(index="seed", columns="labels", values="input_information_bits")
    return {"random above original": (bits["random"] - bits["original"]).dropna()}


# Reverse transmission and fault tolerance: Figures 4 and 5.


@measure
def steps_to_confidence(records: StudyRecords, model: str, batch_size: int) -> pandas.Series:
    """Mean over labels of the steps to full confidence; a seed in which a label does not reach it is left out."""
    rows = records.reverse_transmission
    own = rows[(rows["model"] == model) & (rows["batch_size"] == batch_size)]
    if own.empty:
        raise MissingError(f"reverse transmission of model {model} at batch size {batch_size}")
    by_seed = own.groupby("seed")
    return by_seed["steps"].mean()[by_seed["reached"].all()]


@measure
def lowest_accuracy(records: StudyRecords, model: str, noise: str) -> pandas.Series:
    """The lowest accuracy on a path of noise."""
    return _over_sweeps(records, model, noise, lambda sweep: sweep.records["accuracy_percent"].min())


@measure
def last_accuracy(records: StudyRecords, model: str, noise: str) -> pandas.Series:
    """Accuracy at the end of a path of noise."""
    return _over_sweeps(records, model, noise, lambda sweep: sweep.records["accuracy_percent"].iloc[-1])


@measure
def larger_area(records: StudyRecords, first: str, second: str, noises: Sequence[str]) -> Parts:
    """Area under the information curve: the first model less the second."""

    def area(sweep: fault_tolerance.RecordedSweep) -> float:
        return fault_tolerance.area(sweep.records["snr_db"], sweep.records["information_bits"])

    return {
        noise: (_over_sweeps(records, first, noise, area) - _over_sweeps(records, second, noise, area)).dropna()
        for noise in noises
    }


@measure
def plateau_of_information(
    records: StudyRecords, model: str, noises: Sequence[str], below_db: float, share_of_fall: float
) -> Parts:
    """Below a ratio information falls by less than a share of its fall so far, and ends above the plateau's level.

    The level is the median over ratios from there to the end, evenly spaced in dB. The lowest value would not do: the end
    of any curve lies above it, and of a noisy one without a rise it does so in every seed.
    """
    parts = {}
    for noise in noises:
        flat, rise = {}, {}
        for seed, sweep in records.sweeps_of(model, noise).items():
            ratios, bits = sweep.records["snr_db"].to_numpy(), sweep.records["information_bits"].to_numpy()
            plateau = snr.interpolate_to_db(ratios, bits, _ratios_between(ratios[-1], below_db))
            if len(plateau) == 0:
                continue
            start, lowest = plateau[0], bits[ratios <= below_db].min(initial=math.inf)
            flat[seed] = share_of_fall * (bits[0] - start) - (start - lowest)
            rise[seed] = bits[-1] - np.median(plateau)
        parts[f"{noise}: flat"], parts[f"{noise}: rises"] = _known(flat), _known(rise)
    return parts


@measure
def residual_information(records: StudyRecords, models: Sequence[str], noises: Sequence[str], than: str) -> Parts:
    """Information at the end of a path: under each noise less that under another."""

    def last(sweep: fault_tolerance.RecordedSweep) -> float:
        return sweep.records["information_bits"].iloc[-1]

    return {
        f"{model}, {noise}": (
            _over_sweeps(records, model, noise, last) - _over_sweeps(records, model, than, last)
        ).dropna()
        for model in models
        for noise in noises
    }


@measure
def half_information(records: StudyRecords, models: Sequence[str], first: str, second: str) -> Parts:
    """Ratio at which information has halved: under the first noise less that under the second."""

    def half(sweep: fault_tolerance.RecordedSweep) -> float:
        return fault_tolerance.half_information_db([sweep])

    return {
        model: (_over_sweeps(records, model, first, half) - _over_sweeps(records, model, second, half)).dropna()
        for model in models
    }


@measure
def read_as(
    records: StudyRecords, model: str, noises: Sequence[str], label: int, prediction: int, more_than_percent: float
) -> Parts:
    """Share of a label's images that are read as another at the end of a path, less a bound."""

    def share(sweep: fault_tolerance.RecordedSweep) -> float:
        return fault_tolerance.read_as_percent(sweep, label, prediction) - more_than_percent

    return {noise: _over_sweeps(records, model, noise, share) for noise in noises}


# Sphere packing: Figure 6.


@measure
def partition_epoch(records: StudyRecords, variant: str, purity: float) -> pandas.Series:
    """First recorded epoch at which neighbours share a label to a given share; seeds that never do are left out."""
    rows = records.sphere_packing(variant)
    return rows[rows["purity"] >= purity].groupby("seed")["epoch"].min().astype(float)


@measure
def falling_power(records: StudyRecords, variant: str, purity: float) -> Parts:
    """The share of the power at the partition that is gone at the end."""
    rows = records.sphere_packing(variant)
    apart = rows[rows["purity"] >= purity].groupby("seed")["power"].first()
    return {"power at the end below that at the partition": (1 - _at_the_end(rows)["power"] / apart).dropna()}


@measure
def larger_clusters(records: StudyRecords, first: str, others: Sequence[str]) -> Parts:
    """log10 of radius and distance of the clusters at the end, over those of the first variant."""
    own = _at_the_end(records.sphere_packing(first))
    parts = {}
    for variant in others:
        other = _at_the_end(records.sphere_packing(variant))
        for quantity, words in (("cluster_radius", "clusters"), ("centre_distance", "distances")):
            parts[f"{variant}: {words}"] = np.log10(other[quantity] / own[quantity]).dropna()
    return parts


@measure
def early_purity(records: StudyRecords, first: str, second: str) -> Parts:
    """Purity at the first record after the first step: the second variant less the first."""

    def early(variant: str) -> pandas.Series:
        rows = records.sphere_packing(variant)
        return rows[rows["epoch"] > 0].groupby("seed")["purity"].first()

    return {f"{second} above {first}": (early(second) - early(first)).dropna()}


@measure
def circular(records: StudyRecords, first: str, second: str) -> Parts:
    """Isotropy of the clusters at the end: the second variant less the first."""
    ends = [_at_the_end(records.sphere_packing(variant))["isotropy"] for variant in (first, second)]
    return {f"{second} above {first}": (ends[1] - ends[0]).dropna()}


# Transfer: Figure 7.


@measure
def transfer_accuracy(records: StudyRecords, model: str, shots: str) -> Repeated:
    """Accuracy on the handwritten digits, of one shot with its variance over support sets."""
    by_seed = _transferred_rows(records, model, shots).groupby("seed")["accuracy_percent"]
    means, sizes = by_seed.mean(), by_seed.size()
    freedom = int((sizes - 1).sum())
    squares = (
        (sizes - 1) * by_seed.var()
    ).sum()  # of a single draw the variance is not a number, and left out of the sum
    within = verdicts.Spread(float(squares / freedom), freedom) if freedom else verdicts.NO_SPREAD
    return Repeated(means, within, float(1 / (1 / sizes).mean()))


@measure
def transfer_gain(records: StudyRecords, model: str) -> Parts:
    """One-shot less zero-shot accuracy."""
    one, zero = (_transferred(records, model, shots, "accuracy_percent") for shots in ("one_shot", "zero_shot"))
    return {"one shot above zero shot": (one - zero).dropna()}


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
        "less over-confidence": (over["zero_shot"] - over["one_shot"]).dropna(),
    }


# Architecture: Table 3.


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


def _network(frame: pandas.DataFrame, activation: str, normalization: str) -> pandas.DataFrame:
    own = frame[(frame["activation"] == activation) & (frame["normalization"] == normalization)]
    if own.empty:
        batch_norm = "with" if normalization == "batch" else "without"
        raise MissingError(f"multilayer perceptron with {activation} units {batch_norm} batch normalization")
    return own


def _gradient_summary(records: StudyRecords, activation: str, normalization: str) -> pandas.DataFrame:
    return _network(records.gradient_summary, activation, normalization)


def _by_layer(records: StudyRecords, activation: str, normalization: str, quantity: str) -> pandas.DataFrame:
    """Seeds in rows, layers in order of depth in columns."""
    summary = _gradient_summary(records, activation, normalization)
    return summary.pivot(index="seed", columns="layer", values=quantity).sort_index(axis=1)


def _with_both_labels(plane: pandas.DataFrame) -> pandas.DataFrame:
    for labels in ("original", "random"):
        if labels not in set(plane["labels"]):
            raise MissingError(f"information plane on {labels} labels")
    return plane


def _last_hidden_layer(plane: pandas.DataFrame) -> int:
    return int(plane["layer"].max()) - 1


def _over_sweeps(
    records: StudyRecords, model: str, noise: str, quantity: Callable[[fault_tolerance.RecordedSweep], float]
) -> pandas.Series:
    return _known({seed: quantity(sweep) for seed, sweep in records.sweeps_of(model, noise).items()})


def _ratios_between(end_db: float, start_db: float) -> np.ndarray:
    """Ratios from a plateau's start to just before its end, in dB; none where the end does not lie below the start."""
    return np.arange(start_db, end_db, -PLATEAU_STEP_DB)


def _at_the_end(rows: pandas.DataFrame) -> pandas.DataFrame:
    """The last record of every seed."""
    return rows.sort_values("epoch").groupby("seed").last()


def _known(values: Mapping[int, float] | Iterable) -> pandas.Series:
    return pandas.Series(values, dtype=float).dropna()


def _transferred(records: StudyRecords, model: str, shots: str, column: str) -> pandas.Series:
    """Mean over the rows of a transferred network, by seed."""
    return _transferred_rows(records, model, shots).groupby("seed")[column].mean()


def _transferred_rows(records: StudyRecords, model: str, shots: str) -> pandas.DataFrame:
    """A row per seed and, of one shot, support set."""
    rows = records.transfer(shots)
    own = rows[rows["model"] == model]
    if own.empty:
        raise MissingError(f"transfer of model {model}")
    return own
