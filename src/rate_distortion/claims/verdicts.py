"""The statistics behind a verdict: equivalence to a printed number, an ordering over seeds, and Holm's correction.

Every claim has two p-values. The one of *support* is small when the data could hardly look like this if the claim were false;
the one of *contradiction* is small when they could hardly look like this if it were true. So the chance of calling a false
claim reproduced and that of calling a true one not reproduced are both held at ``LEVEL``, within each family of claims, and
what neither test settles stays undecided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.05
FEWEST_SEEDS = 5
"""Fewer seeds decide nothing: the paper has five, and a standard deviation from fewer is little more than a guess."""

VERDICTS = REPRODUCED, NOT_REPRODUCED, UNDECIDED = "reproduced", "not reproduced", "undecided"


@dataclass(frozen=True)
class Sample:
    """A mean as it enters a test.

    Attributes:
        mean: of n values.
        standard_error: of the mean; 0 where all values are equal or the value is taken as exact.
        n: number of values.
    """

    mean: float
    standard_error: float
    n: int


@dataclass(frozen=True)
class Spread:
    """A variance of single values around a mean, as it was estimated.

    Attributes:
        variance: in the squared unit of the values.
        freedom: its degrees of freedom; with 0 there is no such variance.
    """

    variance: float
    freedom: float


NO_SPREAD = Spread(0.0, 0)


@dataclass(frozen=True)
class Evidence:
    """p-values for and against a claim."""

    support: float
    contradiction: float


def sample(values: Sequence[float]) -> Sample:
    """Mean, standard error of the mean (sample standard deviation / sqrt(n); not a number for one value) and n."""
    values = np.asarray(values, dtype=float)
    error = float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
    return Sample(float(values.mean()), error, len(values))


def equivalence(ours: Sample, printed: Sample, margin: float) -> Evidence:
    """Two one-sided Welch tests of two means, and the two tests of the opposite.

    Support: both "lower by the margin or more" and "higher by the margin or more" are rejected (the larger p-value counts).
    Contradiction: "within the margin" is rejected. Its p-value is twice the smaller of two one-sided ones, because a margin
    that is small against the standard error gives both sides their chance.

    Args:
        ours, printed: two independent means. An error of 0 is no error: with one on either side the test has the degrees of
            freedom of the other, and with both the means are compared as they are.
        margin: above 0.
    """
    error = math.hypot(ours.standard_error, printed.standard_error)
    freedom = _welch_freedom(ours, printed)
    return _around(ours.mean - printed.mean, error, freedom, margin)


def equivalence_to_one_run(
    ours: Sample, printed: float, margin: float, within: Spread = NO_SPREAD, draws: float = 1.0
) -> Evidence:
    """As :func:`equivalence`, for the printed value of a single run: its spread is unknown, and taken to be that of our runs.

    The difference between a mean of n values and one further value of the same spread s has the error s sqrt(1 + 1/n). Where
    each of our values is itself a mean over m draws (support sets) with the variance w among them, and the printed one is of a
    single draw, that value spreads more than ours, by w (1 - 1/m); degrees of freedom are Satterthwaite's.

    Args:
        ours: over seeds.
        printed, margin: as for :func:`equivalence`.
        within: w, pooled over seeds.
        draws: m; of seeds with different numbers the harmonic mean.
    """
    between = Spread(ours.standard_error**2 * (ours.n + 1), ours.n - 1)
    single = Spread(within.variance * (1 - 1 / draws), within.freedom)
    variance = between.variance + single.variance
    return _around(ours.mean - printed, math.sqrt(variance), _satterthwaite(between, single), margin)


def ordering(parts: Sequence[Sample], allowance: float = 0.0) -> Evidence:
    """An ordering whose parts must all hold: every mean difference is above minus the allowance.

    Support is an intersection-union test (the largest of one-sided paired t-tests' p-values: it needs no correction, since
    one part that fails makes the whole claim false). Contradiction needs one part reversed; its p-value is the smallest,
    times the number of parts.

    Args:
        parts: paired differences of every part, summarised.
        allowance: how far below zero still counts, for claims that something is absent.
    """
    support = [_tail(part.mean + allowance, part.standard_error, part.n - 1) for part in parts]
    against = [_tail(-part.mean - allowance, part.standard_error, part.n - 1) for part in parts]
    return Evidence(max(support), min(1.0, len(parts) * min(against)))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down adjustment: the chance of any false rejection among all of them is held, whatever their dependence.

    A p-value that is not a number, of runs whose quantity is not finite, is no evidence, and counts as 1.
    """
    known = {name: 1.0 if math.isnan(p_value) else p_value for name, p_value in p_values.items()}
    ordered = sorted(known.items(), key=lambda item: item[1])
    adjusted, largest = {}, 0.0
    for rank, (name, p_value) in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * p_value))
        adjusted[name] = largest
    return adjusted


def verdict(evidence: Evidence) -> str:
    """From adjusted p-values; both cannot be small at once."""
    if evidence.support <= LEVEL:
        return REPRODUCED
    return NOT_REPRODUCED if evidence.contradiction <= LEVEL else UNDECIDED


def family_verdicts(evidence: Mapping[str, Evidence]) -> dict[str, tuple[str, Evidence]]:
    """The verdicts of a family of claims, by id, with their adjusted p-values."""
    support = holm({name: own.support for name, own in evidence.items()})
    against = holm({name: own.contradiction for name, own in evidence.items()})
    adjusted = {name: Evidence(support[name], against[name]) for name in evidence}
    return {name: (verdict(own), own) for name, own in adjusted.items()}


def joint_verdict(verdicts: Sequence[str]) -> str:
    """The verdict on a claim that is several others in disguise: it holds if they all do, and falls with any of them."""
    for decisive in (NOT_REPRODUCED, UNDECIDED):
        if decisive in verdicts:
            return decisive
    return REPRODUCED


def _around(difference: float, error: float, freedom: float, margin: float) -> Evidence:
    inside = max(_tail(margin - difference, error, freedom), _tail(margin + difference, error, freedom))
    outside = min(_tail(difference - margin, error, freedom), _tail(-difference - margin, error, freedom))
    return Evidence(inside, min(1.0, 2 * outside))


def _tail(distance: float, error: float, freedom: float) -> float:
    """One-sided p-value of a mean at a distance above what is to be rejected; without any error the distance decides."""
    from scipy.stats import t  # takes long to import, and only tests need it

    if error == 0:
        return 0.0 if distance > 0 else 1.0
    return float(t.sf(distance / error, freedom))


def _welch_freedom(first: Sample, second: Sample) -> float:
    """Degrees of freedom of the difference of two means; a mean without an error brings none."""
    return _satterthwaite(*(Spread(own.standard_error**2, own.n - 1) for own in (first, second)))


def _satterthwaite(*parts: Spread) -> float:
    """Welch and Satterthwaite's degrees of freedom of a sum of independent variances."""
    total = sum(part.variance for part in parts)
    if total == 0:
        return math.inf
    return total**2 / sum(part.variance**2 / part.freedom for part in parts if part.variance > 0)
