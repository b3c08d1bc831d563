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

ROUNDING = 1e-9
"""Values that spread by less than this share of the largest are equal."""

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


@dataclass(frozen=True, eq=False)
class Observed:
    """What is known of one quantity in every seed: a value, or bounds of it.

    Attributes:
        low, high: the value lies between them, (n,). They are equal where it was measured, neighbours where it was read off a
            grid, and ``high`` is infinite where it was not reached within the training or the grid (right-censored). A seed of
            which nothing is known, such as one that diverged, has infinite bounds on both sides.
        resolution: how finely a value can be told, in its unit. Seeds that agree more closely are given the spread of a value
            anywhere within it, resolution / sqrt(12).
    """

    low: np.ndarray
    high: np.ndarray
    resolution: float = 0.0

    @property
    def n(self) -> int:
        """Number of seeds."""
        return len(self.low)

    @property
    def bounded(self) -> int:
        """Seeds in which the value is not reached or not known: a bound on one side at most."""
        return int((np.isinf(self.low) | np.isinf(self.high)).sum())

    @property
    def shown(self) -> Sample:
        """Mean of the measured values; the bound stands for a value that was not reached. Without any, not a number."""
        values = np.where(np.isfinite(self.high), self.high, self.low)
        values = values[np.isfinite(values)]
        return Sample(*_moments(values), self.n)

    def at(self, bounds: np.ndarray) -> Sample:
        """Mean of one kind of bounds with an error that is not below what the resolution and the intervals' widths give."""
        mean, error = _moments(bounds)
        widths = (self.high - self.low)[np.isfinite(self.low) & np.isfinite(self.high)]
        least = max(self.resolution, float(widths.max(initial=0.0))) / math.sqrt(12 * self.n)
        return Sample(mean, max(error, least), self.n)


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
    return Sample(*_moments(values), len(values))


def observed(low: Sequence[float], high: Sequence[float] | None = None, resolution: float = 0.0) -> Observed:
    """Values by seed, or bounds of them; what is not a number is not known, and has no bound on either side."""
    low = np.asarray(low, dtype=float)
    high = low if high is None else np.asarray(high, dtype=float)
    return Observed(np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high), resolution)


def equivalence(ours: Observed, printed: Sample, margin: float) -> Evidence:
    """Two one-sided Welch tests of two means, and the two tests of the opposite.

    Support: both "lower by the margin or more" and "higher by the margin or more" are rejected (the larger p-value counts).
    Contradiction: "within the margin" is rejected. Its p-value is twice the smaller of two one-sided ones, because a margin
    that is small against the standard error gives both sides their chance.

    A bound stands where it speaks against the conclusion: low bounds must exceed, high bounds must stay below. Where a side has
    no finite bounds, or nothing that spreads, there is no t-test: then the number of seeds that surely lie within the margin
    (outside it) is tested against one half, exactly.

    Args:
        ours: of n seeds.
        printed: an independent mean. An error of 0 is no error: the test then has the degrees of freedom of ours.
        margin: above 0.
    """
    lower, upper = printed.mean - margin, printed.mean + margin
    above = [_welch(ours, ours.low, printed, sign=1, bound=bound) for bound in (lower, upper)]
    below = [_welch(ours, ours.high, printed, sign=-1, bound=bound) for bound in (lower, upper)]
    within = (above[0], below[1])
    support = _share((ours.low >= lower) & (ours.high <= upper)) if None in within else max(within)
    outside = [p_value for p_value in (above[1], below[0]) if p_value is not None]
    if outside:
        return Evidence(support, min(1.0, 2 * min(outside)))
    return Evidence(support, _share((ours.low > upper) | (ours.high < lower)))


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
    error, freedom = math.sqrt(between.variance + single.variance), _satterthwaite(between, single)
    difference = ours.mean - printed
    inside = max(_tail(margin - difference, error, freedom), _tail(margin + difference, error, freedom))
    outside = min(_tail(difference - margin, error, freedom), _tail(-difference - margin, error, freedom))
    return Evidence(inside, min(1.0, 2 * outside))


def ordering(parts: Sequence[Observed], allowance: float = 0.0) -> Evidence:
    """An ordering whose parts must all hold: every mean difference is above minus the allowance.

    Support is an intersection-union test (the largest of one-sided paired t-tests' p-values: it needs no correction, since
    one part that fails makes the whole claim false). Contradiction needs one part reversed; its p-value is the smallest,
    times the number of parts. Bounds count as in :func:`equivalence`; without a finite one in every seed, or without any
    spread, the exact sign test takes the t-test's place.

    Args:
        parts: paired differences of every part.
        allowance: how far below zero still counts, for claims that something is absent.
    """
    exact, support, against = Sample(0.0, 0.0, 1), [], []
    for part in parts:
        up = _welch(part, part.low, exact, sign=1, bound=-allowance)
        down = _welch(part, part.high, exact, sign=-1, bound=-allowance)
        support.append(_share(part.low > -allowance) if up is None else up)
        against.append(_share(part.high < -allowance) if down is None else down)
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


def _moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard error, 0 where all values are equal; not a number where there are too few values."""
    mean = float(values.mean()) if len(values) else math.nan
    if len(values) < 2:
        return mean, math.nan
    deviation = float(values.std(ddof=1))
    # Equal values whose mean or whose differences are rounded: a spread of 1e-16 would be evidence of any strength.
    return mean, 0.0 if deviation <= ROUNDING * np.abs(values).max() else deviation / math.sqrt(len(values))


def _welch(ours: Observed, bounds: np.ndarray, printed: Sample, sign: int, bound: float) -> float | None:
    """One-sided p-value of our mean lying above (sign 1) or below (-1) a bound; None where no t-test can tell."""
    if not np.isfinite(bounds).all():
        return None
    own = ours.at(bounds)
    error = math.hypot(own.standard_error, printed.standard_error)
    return _tail(sign * (own.mean - bound), error, _welch_freedom(own, printed)) if error > 0 else None


def _share(agreeing: np.ndarray) -> float:
    """The chance of so many agreeing seeds or more if each agreed with probability one half: 0.031 for five of five."""
    from scipy.stats import binom  # takes long to import, and only tests need it

    return float(binom.sf(agreeing.sum() - 1, len(agreeing), 0.5))


def _tail(distance: float, error: float, freedom: float) -> float:
    """One-sided p-value of a mean at a distance above what is to be rejected."""
    from scipy.stats import t  # takes long to import, and only tests need it

    return float(t.sf(distance / error, freedom)) if error > 0 else 1.0


def _welch_freedom(first: Sample, second: Sample) -> float:
    """Degrees of freedom of the difference of two means; a mean without an error brings none."""
    return _satterthwaite(*(Spread(own.standard_error**2, own.n - 1) for own in (first, second)))


def _satterthwaite(*parts: Spread) -> float:
    """Welch and Satterthwaite's degrees of freedom of a sum of independent variances."""
    total = sum(part.variance for part in parts)
    if total == 0:
        return math.inf
    return total**2 / sum(part.variance**2 / part.freedom for part in parts if part.variance > 0)
