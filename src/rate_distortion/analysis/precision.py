"""Numbers as they are printed: to the precision of their standard error."""

from __future__ import annotations

import math
import re

DASH = "—"
"""Stands for a missing number."""

ROUNDING = 1e-12
"""A relative standard error below this is what floating point leaves of equal numbers, and counts as zero."""

MOST_DECIMALS = 6
"""Most decimals of a number without an error."""

MINUS = re.compile(r"(?<![\w.)])-(?=\.?\d)")
"""A hyphen that stands for a minus."""


def to_precision(mean: float, standard_error: float, planned: int | None = None, n: int | None = None) -> str:
    """A mean to the precision of its standard error: one digit of the error, as in the paper (1.23 ± 0.04; 56 ± 7).

    Without an error (one seed), or with an error of exactly zero, the mean has one decimal, or as many as it takes to show
    that a mean below 0.05 is not zero. Errors of ten and more are rounded to whole tens, their means with them (54.3 with 12
    reads 50 ± 10), and no sign is left on a zero. ``n`` smaller than ``planned`` is said. A mean that is not a number is a
    dash.
    """
    partial = f" ({int(n)} of {planned})" if planned is not None and n is not None and n < planned else ""
    if not math.isfinite(mean):
        return f"{DASH}{partial}"
    if not math.isfinite(standard_error):
        return f"{rounded(mean, _decimals_without_error(mean))}{partial}"
    noise = abs(standard_error) <= ROUNDING * abs(mean)
    error = 0.0 if noise else _one_digit(abs(standard_error))
    decimals = -math.floor(math.log10(error)) if error else _decimals_without_error(mean)
    return f"{rounded(mean, decimals)} ± {rounded(error, decimals)}{partial}"


def rounded(value: float, decimals: int) -> str:
    """A number with so many decimals (with -1 rounded to tens, and so on), and a zero without a sign."""
    return f"{round(value, decimals) + 0.0:.{max(0, decimals)}f}"


def with_minus(text: str) -> str:
    """Text with a true minus sign before its negative numbers."""
    return MINUS.sub("−", text)


def _decimals_without_error(mean: float) -> int:
    """One decimal, or enough for one digit of a mean that would otherwise read as zero."""
    if mean == 0 or abs(mean) >= 0.05:
        return 1
    return min(MOST_DECIMALS, -math.floor(math.log10(_one_digit(abs(mean)))))


def _one_digit(error: float) -> float:
    """Rounded to one significant digit (0.096 -> 0.1)."""
    return float(f"{error:.0e}")
