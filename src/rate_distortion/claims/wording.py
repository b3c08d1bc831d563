"""Printed and measured numbers with their units, as a reader expects to see them."""

from __future__ import annotations

import math

from rate_distortion.analysis.precision import ROUNDING, to_precision
from rate_distortion.claims.ledger import Claim

PLURALS = ("bits", "decades", "epochs", "models", "points", "steps")
"""Units that lose their last letter after 1."""

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def printed(claim: Claim) -> str:
    """What the paper prints: a number with its error and unit, or words."""
    if isinstance(claim.printed, str):
        return claim.printed
    about = "about " if claim.printed_as == "about" else ""
    return about + with_unit(as_printed(str(claim.printed), claim.printed_standard_error), claim.unit)


def as_printed(value: str, error: float | None) -> str:
    """A printed number with its error, or with the digits that it has."""
    if error is not None and math.isfinite(error) and error > 0:
        return to_precision(float(value), error)
    return f"{int(value):,}" if value.isdigit() else value


def measured(value: float, error: float) -> str:
    """A mean with its error. Without one four digits, groups of three where it is large, a power of ten where it is tiny."""
    if math.isfinite(error) and error > ROUNDING * abs(value):
        return to_precision(value, error)
    if value == round(value):
        return f"{value:,.0f}"
    if abs(value) < 1e-4:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.1f}"


def with_unit(value: str, unit: str) -> str:
    """A number with its unit: in the singular after 1, "thousand" as one says it, and none where the unit is no unit."""
    if unit in ("", "1", "ordering", "yes or no", "weight decay", "relative difference", "isotropy"):
        return value
    if unit == "thousands":
        return f"{value} thousand"
    if value in ("1", "-1") and unit in PLURALS:
        return f"{value} {unit[:-1]}"
    return f"{value} {unit}"
