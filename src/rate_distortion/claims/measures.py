"""What each claim comes to in a study's records.

A measure of a number gives one value per seed (:class:`Bounded`: two bounds of it; :class:`Repeated`: with the variance of the
draws behind it). A measure of an ordering gives one list of differences per part, paired over seeds; the ordering says that all
of them are above zero. A seed that fails is never left out: what it did not reach is a bound, and what is not a number is not
known (:class:`rate_distortion.claims.verdicts.Observed`). ``MEASURES`` names all measures for claims.yaml.

Information is corrected for chance everywhere (:func:`rate_distortion.analysis.fault_tolerance.corrected_bits`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas

from rate_distortion.analysis import capacity, fault_tolerance, geometry, information_plane
from rate_distortion.analysis import signal_to_noise as snr
from rate_distortion.analysis.records import MissingError, StudyRecords
from rate_distortion.claims import verdicts

PLATEAU_STEP_DB = 0.5
"""Between the ratios over which a plateau's level is the median."""


class Bounded(NamedTuple):
    """A quantity that is known to lie between two bounds, by seed; ``high`` is infinite where it was never reached."""

    low: pandas.Series
    high: pandas.Series


Parts = dict[str, pandas.Series | Bounded]
"""Name of a part of an ordering -> differences by seed, above zero where the part holds."""


class UnrecordedError(ValueError):
    """No record holds what a claim needs; the message names it."""


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


MEASURES: dict[str, Callable[..., pandas.Series | Bounded | Repeated | Parts | float]] = {}


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
    return _paired(_cell(records, quantity, first, labels), _cell(records, quantity, second, labels))


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
        f"{low} < {high}": _paired(_cell(records, quantity, high, labels), _cell(records, quantity, low, labels))
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
        parts[f"{first} to {second}"] = _paired(left[other], left[sensitive])
    return parts


@measure
def decay_beyond_width(
    records: StudyRecords, quantity: str, model: str, decayed: str, narrower: Sequence[str], batch_size: int
) -> Parts:
    """The fall of a quantity on random labels from a model to one with weight decay, less the change to narrower ones."""

    def random(name: str) -> pandas.Series:
        return records.per_seed(quantity, name, batch_size, "random")

    fall = _paired(random(model), random(decayed))
    return {
        f"decay against {name}": _paired(fall, _paired(random(model), random(f"{model}-{name}")).abs())
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


# Weight-decay calibration.


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
    return {f"better than {value:g}": _paired(table[chosen], table[value]) for value in others}


# Gradients' signal-to-noise ratio: Figure 2.


@measure
def plateau_epoch(records: StudyRecords, activation: str, normalization: str) -> Bounded:
    """By seed the median over layers of the epoch from which on the ratio is constant, and the recorded epoch before it.

    A layer that still moves at the end settles after it, so where the median layer does, the end is a lower bound.
    """
    name = f"{activation}/{normalization}"
    recorded = np.sort(_network(records.gradient_records, activation, normalization)["epoch"].unique())
    high = _gradient_summary(records, activation, normalization)[["seed", "plateau_epoch"]]
    high = high.assign(epoch=high["plateau_epoch"].fillna(math.inf)).groupby("seed")["epoch"].median()
    before = {seed: recorded[recorded < epoch].max(initial=recorded.min()) for seed, epoch in high.items()}
    low = pandas.Series(before, dtype=float).where(np.isfinite(high), float(_last_recorded_epoch(records, name)))
    return Bounded(low, high)


@measure
def settles(records: StudyRecords, networks: Sequence[str]) -> Parts:
    """Decades of epochs from the plateau (of the median layer) to the end; below zero where there is none by then."""
    parts = {}
    for network in networks:
        epochs = plateau_epoch(records, *network.split("/")).high
        left = math.log10(_last_recorded_epoch(records, network)) - np.log10(epochs)
        parts[network] = Bounded(left, left.clip(lower=0.0).where(np.isfinite(epochs), 0.0))
    return parts


@measure
def plateau_chains(records: StudyRecords, chains: Sequence[Sequence[str]]) -> Parts:
    """Networks (activation/normalization) from the earliest to the latest plateau, in decades of epochs.

    A curve that still moves at the end is taken to settle there, which understates how late it is. Two networks are compared
    over the epochs that both have: what settles later, or not at all, settles at their end, so that neither seems the earlier
    for having been trained for longer.
    """

    def compared(early: str, late: str) -> pandas.Series:
        end = min(_last_recorded_epoch(records, early), _last_recorded_epoch(records, late))
        return _paired(_settled_epochs(records, late, end), _settled_epochs(records, early, end))

    return {
        f"{early} before {late}": compared(early, late) for chain in chains for early, late in itertools.pairwise(chain)
    }


def _last_recorded_epoch(records: StudyRecords, network: str) -> int:
    return _network(records.gradient_records, *network.split("/"))["epoch"].max()


def _settled_epochs(records: StudyRecords, network: str, end: int) -> pandas.Series:
    """By seed the logarithm of the median over layers of the epoch of the plateau, which is at most ``end``."""
    summary = _gradient_summary(records, *network.split("/"))
    epochs = summary["plateau_epoch"].fillna(end).clip(upper=end)
    return np.log10(summary.assign(epoch=epochs).groupby("seed")["epoch"].median())


@measure
def change_by_depth(records: StudyRecords, activations: Sequence[str], normalization: str, early_layers: int) -> Parts:
    """The last layer's level changes less than any other's, and every early layer's more than any between them."""
    parts = {}
    for activation in activations:
        change = _by_layer(records, activation, normalization, "change_decades").abs()
        early, middle, last = (
            change.iloc[:, :early_layers],
            change.iloc[:, early_layers:-1],
            change.iloc[:, -1],
        )
        parts[f"{activation}: last layer least"] = change.iloc[:, :-1].min(axis=1) - last
        parts[f"{activation}: early layers most"] = early.min(axis=1) - middle.max(axis=1)
    return parts


@measure
def distinct_levels(
    records: StudyRecords, activations: Sequence[str], normalization: str, at_least_decades: float
) -> Parts:
    """The smallest distance between the final levels of two layers, beyond a bound."""
    parts = {}
    for activation in activations:
        levels = np.sort(_by_layer(records, activation, normalization, "final_level_log10").to_numpy(), axis=1)
        seeds = _by_layer(records, activation, normalization, "final_level_log10").index
        parts[activation] = pandas.Series(np.diff(levels, axis=1).min(axis=1) - at_least_decades, index=seeds)
    return parts


@measure
def sorted_by_depth(records: StudyRecords, activations: Sequence[str], normalization: str) -> Parts:
    """The smallest step of the final level from a layer to the next deeper one: above zero where all are sorted by depth."""
    return {
        activation: _by_layer(records, activation, normalization, "final_level_log10")
        .diff(axis=1)
        .iloc[:, 1:]
        .min(axis=1)
        for activation in activations
    }


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
        parts[activation] = np.log10(without / with_it) - math.log10(at_least_factor)
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
    return {
        "rises": rise["random"].dropna(),
        "later than on original labels": _paired(half["random"], half["original"]),
    }


@measure
def monotonic_rise(records: StudyRecords, share_of_rise: float) -> Parts:
    """On random labels I(T; Y) of the output never falls by more than a share of its whole rise."""
    plane = _with_both_labels(records.information_plane)
    output = plane[(plane["layer"] == plane["layer"].max()) & (plane["labels"] == "random")]
    margins = {}
    for seed, curve in output.sort_values("epoch").groupby("seed"):
        bits = curve["label_information_bits"].to_numpy()
        fall = (np.maximum.accumulate(bits) - bits).max()
        margins[seed] = share_of_rise * (bits[-1] - bits[0]) - fall
    return {"no fall": pandas.Series(margins, dtype=float)}


@measure
def memorization(records: StudyRecords) -> Parts:
    """I(X; T) of the last hidden layer at the last epoch: random labels less original ones."""
    plane = _with_both_labels(records.information_plane)
    own = plane[(plane["layer"] == _last_hidden_layer(plane)) & (plane["epoch"] == plane["epoch"].max())]
    bits = own.pivot(index="seed", columns="labels", values="input_information_bits")
    return {"random above original": _paired(bits["random"], bits["original"])}


# Reverse transmission and fault tolerance: Figures 4 and 5.


@measure
def steps_to_confidence(records: StudyRecords, model: str, batch_size: int) -> Bounded:
    """Mean over labels of the steps to full confidence; a label that does not reach it needs more steps than were taken."""
    rows = records.reverse_transmission
    own = rows[(rows["model"] == model) & (rows["batch_size"] == batch_size)]
    if own.empty:
        raise MissingError(f"reverse transmission of model {model} at batch size {batch_size}")
    by_seed = own.groupby("seed")
    mean = by_seed["steps"].mean()
    return Bounded(mean, mean.where(by_seed["reached"].all(), math.inf))


@measure
def alike(records: StudyRecords, first: str, second: str, batch_size: int) -> Parts:
    """Correlation of two models' transmitted images of the same label, less the largest with one of another label.

    What correlates is the change from the starting noise, and the value is the mean over labels.
    """
    changes = [records.transmitted_changes(model, batch_size) for model in (first, second)]
    values = {}
    for seed in changes[0].keys() & changes[1].keys():
        correlations = np.corrcoef(*(own[seed].reshape(len(own[seed]), -1) for own in changes))
        across = correlations[: len(changes[0][seed]), len(changes[0][seed]) :]
        same, others = np.diag(across), np.where(np.eye(len(across), dtype=bool), -np.inf, across)
        values[seed] = float((same - others.max(axis=1)).mean())
    return {f"{first} like {second}": pandas.Series(values, dtype=float).sort_index()}


@measure
def unrecorded(records: StudyRecords, needs: str) -> Parts:
    """For a claim that no record of any study can judge: it names what would be needed."""
    raise UnrecordedError(needs)


@measure
def lowest_accuracy(records: StudyRecords, model: str, noise: str) -> pandas.Series:
    """The lowest accuracy on a path of noise."""
    return _over_sweeps(records, model, noise, lambda sweep: sweep.records["accuracy_percent"].min())


@measure
def last_accuracy(records: StudyRecords, model: str, noise: str) -> pandas.Series:
    """Accuracy at the end of a path of noise."""
    return _over_sweeps(records, model, noise, lambda sweep: sweep.records["accuracy_percent"].iloc[-1])


@measure
def more_information(
    records: StudyRecords,
    first: str,
    second: str,
    noises: Sequence[str],
    at_db: Sequence[float],
    nearly_bits: float,
) -> Parts:
    """The first model transmits more information than the second at the same ratio, under every noise.

    It must have no less at any of the ratios, up to an allowance, and more on their average. A ratio that a path did not reach
    is not known.
    """
    parts = {}
    for noise in noises:
        curves = [_bits_at(records, model, noise, at_db) for model in (first, second)]
        seeds = curves[0].index.intersection(curves[1].index)
        difference = curves[0].loc[seeds] - curves[1].loc[seeds]
        parts[f"{noise}: more on average"] = difference.mean(axis=1, skipna=False)
        for ratio in at_db:
            parts[f"{noise}: at {ratio:g} dB, beyond -{nearly_bits:g} bits"] = difference[ratio] + nearly_bits
    return parts


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
            ratios, bits = sweep.records["snr_db"].to_numpy(), fault_tolerance.corrected_bits(sweep)
            plateau = snr.interpolate_to_db(ratios, bits, _ratios_between(ratios[-1], below_db))
            reached = len(plateau) > 0  # else the path ends before the plateau, of which nothing is known
            start, lowest = (plateau[0] if reached else math.nan), bits[ratios <= below_db].min(initial=math.inf)
            flat[seed] = share_of_fall * (bits[0] - start) - (start - lowest)
            rise[seed] = bits[-1] - np.median(plateau) if reached else math.nan
        parts[f"{noise}: flat"], parts[f"{noise}: rises"] = _by_seed(flat), _by_seed(rise)
    return parts


@measure
def residual_information(records: StudyRecords, models: Sequence[str], noises: Sequence[str], than: str) -> Parts:
    """Information at the end of a path: under each noise less that under another."""

    def last(sweep: fault_tolerance.RecordedSweep) -> float:
        return float(fault_tolerance.corrected_bits(sweep)[-1])

    return {
        f"{model}, {noise}": _paired(
            _over_sweeps(records, model, noise, last), _over_sweeps(records, model, than, last)
        )
        for model in models
        for noise in noises
    }


@measure
def half_information(records: StudyRecords, models: Sequence[str], first: str, second: str) -> Parts:
    """Ratio at which information has halved: under the first noise less that under the second.

    Where it never halves, it does so below the last ratio of the path, if at all.
    """

    def half(model: str, noise: str) -> Bounded:
        at = _over_sweeps(records, model, noise, lambda sweep: fault_tolerance.half_information_db([sweep]))
        last = _over_sweeps(records, model, noise, lambda sweep: sweep.records["snr_db"].min())
        return Bounded(at.fillna(-math.inf), at.fillna(last))

    parts = {}
    for model in models:
        one, other = half(model, first), half(model, second)
        with np.errstate(invalid="ignore"):
            parts[model] = Bounded(_paired(one.low, other.high), _paired(one.high, other.low))
    return parts


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
def partition_epoch(records: StudyRecords, variant: str, purity: float) -> Bounded:
    """First recorded epoch at which neighbours share a label to a given share, and the record before it."""
    return _first_epoch(records.sphere_packing(variant), lambda rows: rows["purity"] >= purity)


@measure
def spreading_epochs(records: StudyRecords, variant: str) -> Bounded:
    """The recorded epoch of the largest power, up to which the data spread out; the peak lies between its neighbours."""
    low, high = {}, {}
    for seed, rows in records.sphere_packing(variant).groupby("seed"):
        epochs, peak = rows["epoch"].to_numpy(), int(rows["power"].to_numpy().argmax())
        low[seed] = epochs[max(peak - 1, 0)]
        high[seed] = epochs[peak + 1] if peak + 1 < len(epochs) else math.inf
    return Bounded(_by_seed(low), _by_seed(high))


@measure
def falling_power(records: StudyRecords, variant: str, purity: float) -> Parts:
    """The share of the power at the partition that is gone at the end; without a partition nothing is gone."""
    rows = records.sphere_packing(variant)
    start = rows[rows["purity"] >= purity].groupby("seed")["power"].first()
    gone = 1 - _at_the_end(rows)["power"] / start
    return {"power at the end below that at the partition": Bounded(gone.fillna(-math.inf), gone.fillna(0.0))}


@measure
def rounder_clusters(records: StudyRecords, variant: str, purity: float) -> Parts:
    """Isotropy of the clusters at the end less that at the partition; without a partition it is not known."""
    rows = records.sphere_packing(variant)
    start = rows[rows["purity"] >= purity].groupby("seed")["isotropy"].first()
    return {"rounder at the end than at the partition": _at_the_end(rows)["isotropy"] - start}


@measure
def larger_clusters(records: StudyRecords, first: str, others: Sequence[str]) -> Parts:
    """log10 of radius and distance of the clusters at the end, over those of the first variant."""
    own = _at_the_end(records.sphere_packing(first))
    parts = {}
    for variant in others:
        other = _at_the_end(records.sphere_packing(variant))
        for quantity, words in (("cluster_radius", "clusters"), ("centre_distance", "distances")):
            parts[f"{variant}: {words}"] = _paired(np.log10(other[quantity]), np.log10(own[quantity]))
    return parts


@measure
def at_the_start(records: StudyRecords, quantity: str, first: str, second: str) -> Parts:
    """A quantity at the first record after the first step: the second variant less the first."""

    def early(variant: str) -> pandas.Series:
        rows = records.sphere_packing(variant)
        return rows[rows["epoch"] > 0].groupby("seed")[quantity].first()

    return {f"{second} above {first}": _paired(early(second), early(first))}


@measure
def circular_arrangement(records: StudyRecords, first: str, second: str) -> Parts:
    """How circularly the class means are arranged at the end: the second variant less the first."""
    ends = [
        _by_seed(
            {
                seed: geometry.arrangement_circularity(own.embedding[-1], own.labels)
                for seed, own in records.embeddings(variant).items()
            }
        )
        for variant in (first, second)
    ]
    return {f"{second} above {first}": _paired(ends[1], ends[0])}


@measure
def stationary(records: StudyRecords, first: str, second: str) -> Parts:
    """log10 of how far the class means travel after the first step: the first variant's way over the second's."""
    travelled = [
        _by_seed(
            {
                seed: geometry.travel(own.embedding[own.epochs > 0], own.labels)
                for seed, own in records.embeddings(variant).items()
            }
        )
        for variant in (first, second)
    ]
    return {f"{second} moves less than {first}": _paired(*map(np.log10, travelled))}


@measure
def less_transition(records: StudyRecords, first: str, second: str) -> Parts:
    """log10 of the fall of power from its peak to the end: the first variant's fall over the second's."""

    def fall(variant: str) -> pandas.Series:
        rows = records.sphere_packing(variant)
        return np.log10(rows.groupby("seed")["power"].max() / _at_the_end(rows)["power"])

    return {f"{second} falls less than {first}": _paired(fall(first), fall(second))}


@measure
def inside_axes(records: StudyRecords, variants: Sequence[str], half_width: float, at_least_percent: float) -> Parts:
    """Percent of the points at the end that lie within both axes' range, less a bound."""
    return {
        variant: _by_seed(
            {
                seed: 100 * float((np.abs(own.embedding[-1]).max(axis=1) <= half_width).mean()) - at_least_percent
                for seed, own in records.embeddings(variant).items()
            }
        )
        for variant in variants
    }


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
    return {"one shot above zero shot": _paired(one, zero)}


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
        "less over-confidence": _paired(over["zero_shot"], over["one_shot"]),
    }


@measure
def wider_gap(records: StudyRecords, model: str) -> Parts:
    """Distance between mean margin and accuracy: one-shot less zero-shot."""
    gaps = [
        _transferred(records, model, shots, "margin_minus_accuracy_points").abs() for shots in ("one_shot", "zero_shot")
    ]
    return {"one shot above zero shot": _paired(*gaps)}


@measure
def small_margins(records: StudyRecords, model: str, shots: str, below: float) -> Parts:
    """Accuracy of the predictions with a margin below a bound, less their mean margin, in points: under-confidence."""
    values = {}
    for seed, own in records.transferred_predictions(model).items():
        margins, right = own[f"{shots}_margins"], own[f"{shots}_predictions"] == own["labels"]
        small = margins < below
        values[seed] = 100 * float(right[small].mean() - margins[small].mean()) if small.any() else math.nan
    return {f"margins below {below:g}": _by_seed(values)}


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
    return _by_seed({seed: quantity(sweep) for seed, sweep in records.sweeps_of(model, noise).items()})


def _bits_at(records: StudyRecords, model: str, noise: str, at_db: Sequence[float]) -> pandas.DataFrame:
    """Corrected information by seed (rows) and ratio."""
    curves = {
        seed: snr.interpolate_to_db(sweep.records["snr_db"], fault_tolerance.corrected_bits(sweep), at_db)
        for seed, sweep in records.sweeps_of(model, noise).items()
    }
    return pandas.DataFrame.from_dict(curves, orient="index", columns=list(at_db))


def _ratios_between(end_db: float, start_db: float) -> np.ndarray:
    """Ratios from a plateau's start to just before its end, in dB; none where the end does not lie below the start."""
    return np.arange(start_db, end_db, -PLATEAU_STEP_DB)


def _at_the_end(rows: pandas.DataFrame) -> pandas.DataFrame:
    """The last record of every seed."""
    return rows.sort_values("epoch").groupby("seed").last()


def _first_epoch(rows: pandas.DataFrame, reached: Callable[[pandas.DataFrame], pandas.Series]) -> Bounded:
    """By seed the first record at which something is reached, and the one before; never reached: more than the last."""
    low, high = {}, {}
    for seed, own in rows.groupby("seed"):
        epochs, there = own["epoch"].to_numpy(dtype=float), np.flatnonzero(reached(own))
        high[seed] = epochs[there[0]] if len(there) else math.inf
        low[seed] = epochs[epochs < high[seed]].max(initial=0.0)
    return Bounded(_by_seed(low), _by_seed(high))


def _paired(first: pandas.Series, second: pandas.Series) -> pandas.Series:
    """The first less the second in the seeds that both have; not a number where either is none."""
    seeds = first.index.intersection(second.index)
    return first.loc[seeds] - second.loc[seeds]


def _by_seed(values: Mapping[int, float]) -> pandas.Series:
    return pandas.Series(values, dtype=float)


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
