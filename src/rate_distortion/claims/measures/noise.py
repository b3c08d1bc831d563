"""Figures 4 and 5: reverse transmission, and information under noise, corrected everywhere
(:attr:`rate_distortion.analysis.fault_tolerance.RecordedSweep.corrected_bits`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas

from rate_distortion.analysis import fault_tolerance
from rate_distortion.analysis import signal_to_noise as snr
from rate_distortion.analysis.records import StudyRecords
from rate_distortion.claims.measures.kinds import Bounded, Parts, UnrecordedError, by_seed, measure, paired, selected

PLATEAU_STEP_DB = 0.5
"""Spacing of the ratios whose median is a plateau's level."""


@measure
def steps_to_confidence(records: StudyRecords, model: str, batch_size: int) -> Bounded:
    """Mean over labels of the steps to full confidence; a label that does not reach it needs more steps than were taken."""
    words = f"reverse transmission of model {model} at batch size {batch_size}"
    seeds = selected(records.reverse_transmission, words, model=model, batch_size=batch_size).groupby("seed")
    mean = seeds["steps"].mean()
    return Bounded(mean, mean.where(seeds["reached"].all(), math.inf))


@measure
def alike(records: StudyRecords, first: str, second: str, batch_size: int) -> Parts:
    """Correlation of two models' transmitted images of the same label, less the largest with one of another label.

    What correlates is the change from the starting noise, and the value is the mean over labels.
    """
    changes = [records.transmitted_changes(model, batch_size) for model in (first, second)]
    both = sorted(changes[0].keys() & changes[1].keys())
    return {f"{first} like {second}": by_seed({seed: _resemblance(*(own[seed] for own in changes)) for seed in both})}


@measure
def prototypical(records: StudyRecords, model: str, batch_size: int) -> Parts:
    """Correlation of a network's transmitted image of a label with the other seeds' mean image of it, as in :func:`alike`."""
    changes = records.transmitted_changes(model, batch_size)
    values = {}
    for seed, own in sorted(changes.items()):
        others = [other for name, other in changes.items() if name != seed]
        values[seed] = _resemblance(own, np.mean(others, axis=0)) if others else math.nan
    return {"like those of other seeds": by_seed(values)}


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
        difference = paired(*(_bits_at(records, model, noise, at_db) for model in (first, second)))
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
            ratios, bits = sweep.records["snr_db"].to_numpy(), sweep.corrected_bits
            plateau = snr.interpolate_to_db(ratios, bits, _ratios_between(ratios[-1], below_db))
            reached = len(plateau) > 0  # else the path ends before the plateau, of which nothing is known
            start, lowest = (plateau[0] if reached else math.nan), bits[ratios <= below_db].min(initial=math.inf)
            flat[seed] = share_of_fall * (bits[0] - start) - (start - lowest)
            rise[seed] = bits[-1] - np.median(plateau) if reached else math.nan
        parts[f"{noise}: flat"], parts[f"{noise}: rises"] = by_seed(flat), by_seed(rise)
    return parts


@measure
def residual_information(records: StudyRecords, models: Sequence[str], noises: Sequence[str], than: str) -> Parts:
    """Information at the end of a path: under each noise less that under another."""

    def last(sweep: fault_tolerance.RecordedSweep) -> float:
        return float(sweep.corrected_bits[-1])

    return {
        f"{model}, {noise}": paired(_over_sweeps(records, model, noise, last), _over_sweeps(records, model, than, last))
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
            parts[model] = Bounded(paired(one.low, other.high), paired(one.high, other.low))
    return parts


@measure
def read_as(
    records: StudyRecords, model: str, noises: Sequence[str], label: int, prediction: int, more_than_percent: float
) -> Parts:
    """Share of a label's images that are read as another at the end of a path, less a bound."""

    def share(sweep: fault_tolerance.RecordedSweep) -> float:
        return fault_tolerance.read_as_percent(sweep, label, prediction) - more_than_percent

    return {noise: _over_sweeps(records, model, noise, share) for noise in noises}


def _resemblance(first: np.ndarray, second: np.ndarray) -> float:
    """Mean over labels of the correlation with the same label's image, less the largest with another label's; (K, ...) each."""
    labels = len(first)
    across = np.corrcoef(first.reshape(labels, -1), second.reshape(labels, -1))[:labels, labels:]
    others = np.where(np.eye(labels, dtype=bool), -np.inf, across)
    return float((np.diag(across) - others.max(axis=1)).mean())


def _over_sweeps(
    records: StudyRecords, model: str, noise: str, quantity: Callable[[fault_tolerance.RecordedSweep], float]
) -> pandas.Series:
    return by_seed({seed: quantity(sweep) for seed, sweep in records.sweeps_of(model, noise).items()})


def _bits_at(records: StudyRecords, model: str, noise: str, at_db: Sequence[float]) -> pandas.DataFrame:
    """Corrected information by seed (rows) and ratio."""
    curves = {
        seed: snr.interpolate_to_db(sweep.records["snr_db"], sweep.corrected_bits, at_db)
        for seed, sweep in records.sweeps_of(model, noise).items()
    }
    return pandas.DataFrame.from_dict(curves, orient="index", columns=list(at_db))


def _ratios_between(end_db: float, start_db: float) -> np.ndarray:
    """Ratios from a plateau's start to just before its end, in dB; none where the end does not lie below the start."""
    return np.arange(start_db, end_db, -PLATEAU_STEP_DB)
