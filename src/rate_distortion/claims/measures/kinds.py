"""What a measure returns, and the steps that all measures share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import pandas

from rate_distortion.analysis.records import MissingError
from rate_distortion.claims import verdicts

Rows = TypeVar("Rows", pandas.Series, pandas.DataFrame)


class Bounded(NamedTuple):
    """A quantity that is known to lie between two bounds, by seed; ``high`` is infinite where it was never reached."""

    low: pandas.Series
    high: pandas.Series


Parts = dict[str, pandas.Series | Bounded]
"""Name of a part of an ordering -> differences by seed, above zero where the part holds."""


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


class UnrecordedError(ValueError):
    """No record holds what a claim needs; the message names it."""


MEASURES: dict[str, Callable[..., pandas.Series | Bounded | Repeated | Parts | float]] = {}


def measure(function: Callable) -> Callable:
    """Register a measure under its name."""
    MEASURES[function.__name__] = function
    return function


def selected(rows: pandas.DataFrame, words: str, **values: Any) -> pandas.DataFrame:
    """The rows that have a value in every named column.

    Raises:
        MissingError: there is none; ``words`` say what is missing.
    """
    own = rows
    for column, value in values.items():
        own = own[own[column] == value]
    if own.empty:
        raise MissingError(words)
    return own


def paired(first: Rows, second: Rows) -> Rows:
    """The first less the second in the seeds that both have; not a number where either is none."""
    seeds = first.index.intersection(second.index)
    return first.loc[seeds] - second.loc[seeds]


def by_seed(values: Mapping[int, float]) -> pandas.Series:
    """One value per seed."""
    return pandas.Series(values, dtype=float)
