"""The information plane during training: records by layer and epoch, and what they say (Section 4.2, Figure 3).

Every row is one layer at one epoch under one estimator. The paper's estimator comes first: 30 bins of equal mass, pooled over
a layer and recomputed at every recorded epoch, on 2,000 fixed training images. Beside it, at fewer epochs, stand estimators
that answer the objections to it: bins per unit, bins of fixed width, other numbers of bins or samples, and pairwise bounds.

Estimates are plug-in values with their ceilings and floors: I(X; T) = H(T) cannot exceed log2 n, and I(T; Y) reads high by
about its floor, the mean over random pairings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rate_distortion import information
from rate_distortion.errors import InputError
from rate_distortion.information import ConstantInputError

KINDS = ("equal_mass", "fixed_width", "kernel")
DEAD_LAYER = "all activations of the layer are equal"


@dataclass(frozen=True)
class Estimator:
    """One way to estimate I(X; T) and I(T; Y) of a layer.

    Attributes:
        name: how rows are labelled; a kernel estimator gives two rows, with "_lower" and "_upper" appended. These are bounds
            on I(X; T); on I(T; Y) they are the differences of two lower or of two upper bounds, as Saxe et al. (2018) draw
            them, because the bounds that hold are nearly always 0 and H(Y).
        kind: "equal_mass", "fixed_width" (over the range of the layer's values) or "kernel" (pairwise bounds).
        bins: number of bins; not used by "kernel".
        per_unit: edges for each unit instead of the whole layer.
        distinct_values: for "equal_mass", quantiles of the distinct values, so that a pile of zeros takes one bin's place.
        noise_variance: for "kernel", the variance of the noise on each unit.
        samples: use only so many of the samples (the first ones, in their drawn order); all by default.

    Raises:
        InputError: for an unknown kind.
    """

    name: str
    kind: str = "equal_mass"
    bins: int = 30
    per_unit: bool = False
    distinct_values: bool = False
    noise_variance: float = 0.1
    samples: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"estimator {self.name!r} is of kind {self.kind!r}; use one of {', '.join(KINDS)}")


ESTIMATORS = (
    Estimator("pooled_bins"),
    Estimator("per_unit_bins", per_unit=True),
    Estimator("distinct_value_bins", distinct_values=True),
    Estimator("fixed_width_bins", kind="fixed_width"),
    Estimator("kernel_0.1", kind="kernel", noise_variance=0.1),
    Estimator("kernel_0.001", kind="kernel", noise_variance=0.001),
)
"""The paper's first. The noise variances are the two that Saxe et al. (2018) used."""


@dataclass(frozen=True)
class PlaneSettings:
    """What is recorded for the information plane.

    Attributes:
        samples: number of training images, fixed for all seeds and label sets (Section 4.2: 2,000); all if there are fewer.
        points: log-spaced epochs at which the first estimator is applied, 0 for no information plane at all.
        other_points: log-spaced epochs at which all estimators are.
        estimators: the first one is the main one.
        permutations: random pairings for each floor; 0 for none.
        output: what the last layer's T is: "softmax" (class probabilities) or "logits".

    Raises:
        InputError: for no estimator, two of one name, or an unknown output.
    """

    samples: int = 2000
    points: int = 200
    other_points: int = 20
    estimators: tuple[Estimator, ...] = ESTIMATORS
    permutations: int = 100
    output: str = "softmax"

    def __post_init__(self) -> None:
        names = [estimator.name for estimator in self.estimators]
        if not names or len(set(names)) < len(names):
            raise InputError(f"estimators are named {names}; name at least one, each by a name of its own")
        if self.output not in ("softmax", "logits"):
            raise InputError(f"output is {self.output!r}; use softmax or logits")


def sample_rows(images: np.ndarray, samples: int, seed: int = 0) -> np.ndarray:
    """Indices of ``samples`` different images in random order; of all different ones if there are fewer.

    Images that occur twice are drawn once, because I(X; T) = H(T) holds, and log2 n is H(X), for distinct inputs.

    Args:
        images: (N, ...), at least two different ones.
        samples: how many.
        seed: of the draw; the same for every network that is to be compared.
    """
    distinct: dict[bytes, int] = {}  # hashed, since sorting ten thousand images takes longer than an epoch
    for index, image in enumerate(np.asarray(images) + 0):  # + 0 makes -0.0 what it equals
        distinct.setdefault(image.tobytes(), index)
    return np.random.default_rng(seed).permutation([*distinct.values()])[:samples]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Class probabilities (..., classes) in float64, in which probabilities close to 1 remain distinct for longer."""
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def plane_rows(
    layers: Sequence[np.ndarray],
    labels: np.ndarray,
    estimators: Sequence[Estimator],
    *,
    permutations: int = 100,
) -> list[dict]:
    """One network at one epoch: a row for every layer and estimator.

    Args:
        layers: activations (n, units) of every layer in order of depth, one row per distinct input.
        labels: the labels the network is trained on, integers (n,).
        estimators: which to apply.
        permutations: random pairings for the floors of I(T; Y).

    Returns:
        Rows of layer (from 1), units, estimator, input_information_bits and label_information_bits with their
        _ceiling_bits and _floor_bits, label_floor_standard_deviation_bits, effective_bins, occupied_states, samples, bins,
        noise_variance, reason. What an estimator does not have is not a number. A layer that is dead has estimates that are
        not numbers and says so under reason.
    """
    rows = []
    for layer, activations in enumerate(layers, start=1):
        for estimator in estimators:
            place = {"layer": layer, "units": activations.shape[1]}
            chosen = slice(estimator.samples)
            rows += _estimates(estimator, activations[chosen], labels[chosen], place, permutations)
    return rows


def _estimates(
    estimator: Estimator, activations: np.ndarray, labels: np.ndarray, place: dict, permutations: int
) -> list[dict]:
    """The rows of one layer under one estimator: one, or two for a kernel estimator."""
    kernel = estimator.kind == "kernel"
    try:
        if kernel:
            found = _kernel_estimates(estimator, activations, labels)
        else:
            found = {"": _binned_estimates(estimator, activations, labels, permutations)}
    except ConstantInputError:
        found = {suffix: {"reason": DEAD_LAYER} for suffix in (("_lower", "_upper") if kernel else ("",))}
    used = {
        "samples": len(labels),
        **({"noise_variance": estimator.noise_variance} if kernel else {"bins": estimator.bins}),
    }
    return [
        {**place, "estimator": estimator.name + suffix, **_UNKNOWN, **used, **values}
        for suffix, values in found.items()
    ]


_UNKNOWN = {
    "input_information_bits": math.nan,
    "label_information_bits": math.nan,
    "input_ceiling_bits": math.nan,
    "label_ceiling_bits": math.nan,
    "input_floor_bits": math.nan,
    "label_floor_bits": math.nan,
    "label_floor_standard_deviation_bits": math.nan,
    "effective_bins": math.nan,
    "occupied_states": math.nan,
    "samples": 0,
    "bins": math.nan,
    "noise_variance": math.nan,
    "reason": "",
}


def _binned_estimates(estimator: Estimator, activations: np.ndarray, labels: np.ndarray, permutations: int) -> dict:
    if estimator.kind == "equal_mass":
        binned = information.equal_mass_bins(
            activations, estimator.bins, per_unit=estimator.per_unit, distinct_values=estimator.distinct_values
        )
    else:
        binned = information.fixed_width_bins(activations, estimator.bins, per_unit=estimator.per_unit)
    point = information.plane_point(binned, labels, permutations=permutations)
    return {
        "input_information_bits": point.input.value_bits,
        "label_information_bits": point.label.value_bits,
        "input_ceiling_bits": point.input.ceiling_bits,
        "label_ceiling_bits": point.label.ceiling_bits,
        "input_floor_bits": point.input.floor_bits,
        "label_floor_bits": point.label.floor_bits,
        "label_floor_standard_deviation_bits": point.label.floor_standard_deviation_bits,
        "effective_bins": binned.effective_bins,
        "occupied_states": point.input.occupied_states,
    }


def _kernel_estimates(estimator: Estimator, activations: np.ndarray, labels: np.ndarray) -> dict[str, dict]:
    found = information.kernel_information(activations, estimator.noise_variance, labels)
    ceilings = {"input_ceiling_bits": found.input_ceiling_bits, "label_ceiling_bits": found.label_ceiling_bits}
    bits = {
        "_lower": (found.input_lower_bits, found.label_bhattacharyya_bits),
        "_upper": (found.input_upper_bits, found.label_kullback_leibler_bits),
    }
    return {
        suffix: {"input_information_bits": of_input, "label_information_bits": of_label, **ceilings}
        for suffix, (of_input, of_label) in bits.items()
    }


def degree_of_memorization(records: pd.DataFrame) -> pd.DataFrame:
    """I(X; T) under random labels less that under original labels, the paper's degree of memorization.

    A proxy: Section 4.2 defines memorization against the optimum of the information bottleneck, which nobody knows, and both
    terms are estimates with the same ceiling log2 n.

    Args:
        records: rows of :func:`plane_rows` for both label sets; they are paired by seed.

    Returns:
        epoch, layer, estimator, difference_bits (mean over seeds), standard_error_bits (not a number for one seed), n (seeds
        in which both are known).

    Raises:
        ValueError: if one of the label sets is missing.
    """
    missing = {"original", "random"} - set(records["labels"])
    if missing:
        raise ValueError(f"no records with {' or '.join(sorted(missing))} labels; the difference needs both label sets")
    keys = ["epoch", "layer", "estimator", "seed"]
    paired = records.pivot(index=keys, columns="labels", values="input_information_bits")
    difference = (paired["random"] - paired["original"]).dropna().groupby(keys[:3])
    return pd.DataFrame(
        {"difference_bits": difference.mean(), "standard_error_bits": difference.sem(), "n": difference.count()}
    ).reset_index()


def compression(records: pd.DataFrame) -> pd.DataFrame:
    """How far I(X; T) falls from its maximum over the recorded epochs to the last one at which it is known.

    Returns:
        seed, labels, layer, estimator, maximum_bits, epoch_of_maximum (the first), final_bits, drop_bits. The maximum of a
        noisy curve lies above its course, so a drop of the size of that noise is none.
    """
    known = records.dropna(subset="input_information_bits").sort_values("epoch", kind="stable")
    rows = []
    for key, curve in known.groupby(["seed", "labels", "layer", "estimator"], sort=True):
        bits = curve["input_information_bits"].to_numpy()
        best = int(bits.argmax())
        rows.append((*key, bits[best], int(curve["epoch"].iloc[best]), bits[-1], bits[best] - bits[-1]))
    columns = "seed labels layer estimator maximum_bits epoch_of_maximum final_bits drop_bits"
    return pd.DataFrame(rows, columns=columns.split())


def data_processing_violations(records: pd.DataFrame, *, tolerance_bits: float = 1e-9) -> pd.DataFrame:
    """How often an estimate grows from a layer to the next, by seed, labels, estimator and coordinate.

    Epochs at which some layer has no estimate are left out, and so are rises up to the tolerance (by default, rounding).

    Returns:
        seed, labels, estimator, coordinate ("input" or "label"), epochs, comparisons, violations, largest_rise_bits.
    """
    rows = []
    for key, group in records.groupby(["seed", "labels", "estimator"], sort=True):
        for coordinate in ("input", "label"):
            table = group.pivot(index="epoch", columns="layer", values=f"{coordinate}_information_bits")
            table = table.sort_index(axis=1).dropna()
            if table.empty or table.shape[1] < 2:
                continue
            check = information.data_processing_check(table.to_numpy(), tolerance_bits=tolerance_bits)
            found = (len(table), check.comparisons, check.violations, check.largest_rise_bits)
            rows.append((*key, coordinate, *found))
    columns = "seed labels estimator coordinate epochs comparisons violations largest_rise_bits"
    return pd.DataFrame(rows, columns=columns.split())
