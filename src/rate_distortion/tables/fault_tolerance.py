"""Figure 5 in numbers: information about the label under noise without bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas

from rate_distortion.analysis import fault_tolerance as measured
from rate_distortion.analysis.precision import DASH
from rate_distortion.analysis.records import disambiguate
from rate_distortion.analysis.signal_to_noise import IN_WORDS
from rate_distortion.tables.layout import Cell, Layout, Table, batch_size_note, columns, is_users_own, notes

NOISE_NAMES = {"l2": "L₂", "linf": "L∞", "gaussian": "Gaussian"}


def fault_tolerance(summary: pandas.DataFrame, study: Mapping[str, Any], data: Mapping[str, Any]) -> Table:
    """One row per model, batch size, noise and kind of batch-normalization statistics.

    Args:
        summary: as :func:`rate_distortion.analysis.fault_tolerance.summary` returns it.
        study, data: for the notes.
    """
    if is_users_own(data):  # whose classes 9 and 6 are no digits
        summary = summary.drop(columns="nine_to_six_percent")
    low, high = measured.AREA_LOW_DB, measured.AREA_HIGH_DB
    return Table(
        summary,
        shown(summary),
        "Fault tolerance: information about the label under unbounded noise",
        [
            *notes(study, data),
            f"{int(summary['images'].iloc[0]):,} test images. Area: under I(prediction; label) from {low:g} to {high:g} dB, "
            "with a 95 % interval over seeds and images; in simulations it holds the true area in 88 to 100 % of draws with "
            "256 images and in 90 to 100 % with 1,000 or more.",
            "All information is corrected for the bias of few images; what label-independent predictions show is taken off.",
            IN_WORDS,
            "half at: the ratio at which information has halved; at the end: at the path's last point.",
            "batch norm: whose statistics are used; under batch, an attack on one image changes its neighbours.",
            *batch_size_note(disambiguate(summary["model"], summary["batch_size"])),
        ],
    )


def shown(summary: pandas.DataFrame) -> Layout:
    """One row per model, kind of statistics and noise."""
    names = disambiguate(summary["model"], summary["batch_size"])
    rows = [
        {
            "model": Cell(name),
            "batch norm": Cell("" if row.evaluation_mode == "none" else row.evaluation_mode),
            "noise": Cell(NOISE_NAMES.get(row.noise, row.noise)),
            "area (bits dB)": Cell(_interval(row.area_bits_db, row.area_low_bits_db, row.area_high_bits_db)),
            "clean (bits)": Cell(f"{row.clean_information_bits:.2f}"),
            "half at (dB)": Cell(_or_dash(row.half_information_snr_db)),
            "lowest accuracy (%)": Cell(f"{row.lowest_accuracy_percent:.1f}"),
            "at the end (bits)": Cell(f"{row.last_information_bits:.2f} at {row.last_snr_db:.1f} dB"),
            "9 read as 6 (%)": Cell(_or_dash(getattr(row, "nine_to_six_percent", math.nan))),
        }
        for name, row in zip(names, summary.itertuples(), strict=True)
    ]
    headings = [heading for heading in rows[0] if "nine_to_six_percent" in summary or not heading.startswith("9")]
    return Layout(columns(*headings), rows, names=3, grouped=True, dash="never, up to the end of the path")


def _interval(value: float, low: float, high: float) -> str:
    return DASH if pandas.isna(value) else f"{value:.1f} ({low:.1f} to {high:.1f})"


def _or_dash(value: float) -> str:
    return DASH if pandas.isna(value) else f"{value:.0f}"
