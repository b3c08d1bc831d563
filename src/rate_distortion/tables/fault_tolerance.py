"""Fault tolerance and reverse transmission as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas

from rate_distortion.analysis import fault_tolerance as measured
from rate_distortion.analysis.records import disambiguate
from rate_distortion.tables.layout import Table, batch_size_note, is_users_own, notes, to_precision

NOISE_NAMES = {"l2": "L2", "linf": "L∞", "gaussian": "Gaussian"}


def fault_tolerance(summary: pandas.DataFrame, study: Mapping[str, Any], data: Mapping[str, Any]) -> Table:
    """One row per model, batch size, noise and kind of batch-normalization statistics.

    Args:
        summary: as :func:`rate_distortion.analysis.fault_tolerance.summary` returns it.
        study, data: for the notes.
    """
    digits = not is_users_own(data)  # a user's classes 9 and 6 are no digits
    if not digits:
        summary = summary.drop(columns="nine_to_six_percent")
    names = disambiguate(summary["model"], summary["batch_size"])
    rows = [
        {
            "model": name,
            "batch norm": "" if row.evaluation_mode == "none" else row.evaluation_mode,
            "noise": NOISE_NAMES[row.noise],
            "area (bits dB)": _interval(row.area_bits_db, row.area_low_bits_db, row.area_high_bits_db),
            "clean (bits)": f"{row.clean_information_bits:.2f}",
            "half at (dB)": _or_dash(row.half_information_snr_db),
            "lowest accuracy (%)": f"{row.lowest_accuracy_percent:.1f}",
            "at the end (bits)": f"{row.last_information_bits:.2f} at {row.last_snr_db:.1f} dB",
            **({"9 read as 6 (%)": _or_dash(row.nine_to_six_percent)} if digits else {}),
        }
        for name, row in zip(names, summary.itertuples(), strict=True)
    ]
    low, high = measured.AREA_LOW_DB, measured.AREA_HIGH_DB
    return Table(
        summary,
        pandas.DataFrame(rows),
        "Fault tolerance: information about the label under unbounded noise",
        [
            *notes(study, data),
            f"{int(summary['images'].iloc[0]):,} test images. Area: under I(prediction; label) from {low:g} to {high:g} dB, "
            "with a 95 % interval over seeds and images.",
            "All information is corrected for chance: what label-independent predictions would show is taken off.",
            "half at: the ratio at which information has halved; at the end: at the path's last point.",
            "batch norm: whose statistics are used; under batch, an attack on one image changes its neighbours.",
            *batch_size_note(names),
        ],
    )


def reverse_transmission(rows: pandas.DataFrame, study: Mapping[str, Any], data: Mapping[str, Any]) -> Table:
    """Steps that a label takes to full confidence, by model: mean and standard error over seeds of the mean over labels.

    Args:
        rows: one row per model, batch size, seed and label (reverse_transmission.csv with columns model, batch_size and seed).
        study, data: for the notes.
    """
    rows = rows.assign(model=disambiguate(rows["model"], rows["batch_size"]))
    finished = rows[rows["reached"]]
    per_seed = finished.groupby(["model", "seed"], sort=False)["steps"].mean().groupby("model", sort=False)
    tidy = pandas.DataFrame(
        {
            "mean_steps": per_seed.mean(),
            "standard_error": per_seed.sem(),
            "seeds": per_seed.count(),
            "smallest_steps": finished.groupby("model", sort=False)["steps"].min(),
            "largest_steps": finished.groupby("model", sort=False)["steps"].max(),
            "reached_percent": 100.0 * rows.groupby("model", sort=False)["reached"].mean(),
        }
    ).reindex(rows["model"].unique())
    tidy = tidy.rename_axis("model").reset_index()
    shown = pandas.DataFrame(
        {
            "model": tidy["model"],
            "steps to full confidence": [to_precision(row.mean_steps, row.standard_error) for row in tidy.itertuples()],
            "range": [
                "—" if pandas.isna(row.smallest_steps) else f"{row.smallest_steps:.0f} to {row.largest_steps:.0f}"
                for row in tidy.itertuples()
            ],
            "labels that reached it (%)": [f"{row.reached_percent:.0f}" for row in tidy.itertuples()],
        }
    )
    return Table(
        tidy,
        shown,
        "Reverse transmission: gradient steps from noise to full confidence in a label",
        [
            *notes(study, data),
            "Means are over the labels that reached full confidence. The paper: about 100 steps for B+ on SVHN.",
            *batch_size_note(tidy["model"]),
        ],
    )


def _interval(value: float, low: float, high: float) -> str:
    return "—" if pandas.isna(value) else f"{value:.1f} ({low:.1f} to {high:.1f})"


def _or_dash(value: float) -> str:
    return "—" if pandas.isna(value) else f"{value:.0f}"
