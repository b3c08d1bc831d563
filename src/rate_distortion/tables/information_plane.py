"""Figure 3 in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas

from rate_distortion.analysis import information_plane as plane_records
from rate_distortion.analysis.precision import DASH, rounded, to_precision
from rate_distortion.analysis.records import summarise
from rate_distortion.tables.layout import Cell, Layout, Table, columns, is_users_own
from rate_distortion.tables.perceptrons import network_name, perceptron_notes

PLANE_BY = ["labels", "estimator", "layer"]
BOTH = "random minus original"
SHOWN = {
    "I(X; T) original": ("original", "input_information_bits"),
    "I(X; T) random": ("random", "input_information_bits"),
    "memorization": (BOTH, "memorization_bits"),
    "drop original": ("original", "drop_bits"),
    "drop random": ("random", "drop_bits"),
    "I(T; Y) original": ("original", "label_information_bits"),
    "I(T; Y) random": ("random", "label_information_bits"),
    "floor random": ("random", "label_floor_bits"),
}
"""Heading -> (labels, quantity)."""


def information_plane(
    records: pandas.DataFrame, plane: Mapping[str, Any], study: Mapping[str, Any], data: Mapping[str, Any]
) -> Table:
    """Figure 3 in numbers: estimates at the last epoch, degree of memorization, compression, violations, H(X).

    Args:
        records: information_plane.csv of every seed, on original and on random labels.
        plane: the study's information_plane settings.
        study, data: for the notes; data has pixel_entropy_bits.

    Returns:
        A table whose tidy form has labels ("original", "random", or "random minus original"), estimator, layer ("all" for
        quantities of the whole network, "input" for H(X)), quantity, mean, standard_error, n.
    """
    whose = "follows the course of training" if is_users_own(data) else "is the paper's"
    tidy = pandas.concat(
        [
            _at_the_end(records),
            _memorization(records),
            _compression(records),
            _violations(records),
            _input_entropy(data),
        ],
        ignore_index=True,
    )
    return Table(
        tidy,
        shown(tidy),
        "Information plane at the last epoch, and the degree of memorization",
        [
            *perceptron_notes(study, data),
            f"{network_name(plane['activation'], plane['normalization'])}; the first estimator {whose}: {plane['bins']} bins "
            "of equal mass over each layer. Floor: I(T; Y) of labels paired at random.",
            f"Ceilings: I(X; T) {records['input_ceiling_bits'].max():.2f} bits (log2 of the {records['samples'].max():,} "
            f"samples), I(T; Y) {records['label_ceiling_bits'].max():.2f} bits.",
            "Memorization: I(X; T) on random labels less that on the original ones, paired over seeds; drop: from the largest "
            "I(X; T) over epochs to the last.",
            *_violation_notes(tidy),
            f"H(X) is at most {data['pixel_entropy_bits']:,.1f} bits, the sum of the pixels' entropies over "
            f"{data['images']['train']:,} images.",
        ],
    )


def _at_the_end(records: pandas.DataFrame) -> pandas.DataFrame:
    """Every estimate at the last epoch; all estimators are applied there."""
    last = records[records["epoch"] == records["epoch"].max()]
    names = ("input_information_bits", "label_information_bits", "label_floor_bits", "effective_bins")
    return summarise(last, PLANE_BY, {name: name for name in names})


def _memorization(records: pandas.DataFrame) -> pandas.DataFrame:
    found = plane_records.degree_of_memorization(records[records["epoch"] == records["epoch"].max()])
    found = found.rename(columns={"difference_bits": "mean", "standard_error_bits": "standard_error"})
    return found.assign(labels=BOTH, quantity="memorization_bits")[
        [*PLANE_BY, "quantity", "mean", "standard_error", "n"]
    ]


def _compression(records: pandas.DataFrame) -> pandas.DataFrame:
    """Of the main estimator, which alone follows the course."""
    main = records[records["estimator"] == records["estimator"].iloc[0]]
    names = ("maximum_bits", "epoch_of_maximum", "drop_bits")
    return summarise(plane_records.compression(main), PLANE_BY, {name: name for name in names})


def _violations(records: pandas.DataFrame) -> pandas.DataFrame:
    found = plane_records.data_processing_violations(records)
    found = found.assign(layer="all", share=100 * found["violations"] / found["comparisons"])
    parts = []
    for coordinate, own in found.groupby("coordinate", sort=False):
        quantities = {
            "share": f"{coordinate}_processing_violations_percent",
            "largest_rise_bits": f"{coordinate}_largest_rise_bits",
        }
        parts.append(summarise(own, PLANE_BY, quantities))
    return pandas.concat(parts, ignore_index=True)


def _input_entropy(data: Mapping[str, Any]) -> pandas.DataFrame:
    row = {
        "labels": "any",
        "estimator": "independent_pixels",
        "layer": "input",
        "quantity": "input_entropy_upper_bound_bits",
    }
    return pandas.DataFrame([row | {"mean": data["pixel_entropy_bits"], "standard_error": float("nan"), "n": 1}])


def _violation_notes(tidy: pandas.DataFrame) -> list[str]:
    """How often information seems to grow with depth, by estimator, averaged over both kinds of labels."""
    notes, order = [], tidy["estimator"].unique()
    for coordinate, name in (("input", "I(X; T)"), ("label", "I(T; Y)")):
        own = tidy[tidy["quantity"] == f"{coordinate}_processing_violations_percent"]
        shares = own.groupby("estimator", sort=False)["mean"].mean()
        shares = shares.reindex([estimator for estimator in order if estimator in shares.index])
        listed = ", ".join(f"{_words(estimator)} {share:.0f} %" for estimator, share in shares.items())
        notes.append(f"Data processing: {name} reads higher in the next layer in this share of comparisons: {listed}.")
    return notes


def shown(tidy: pandas.DataFrame) -> Layout:
    """One row per estimator and layer, original and random labels side by side."""
    tidy = tidy.assign(layer=tidy["layer"].astype(str))
    cells = tidy.set_index([*PLANE_BY, "quantity"])[["mean", "standard_error"]]
    ends = tidy[tidy["quantity"] == "input_information_bits"].drop_duplicates(["estimator", "layer"])
    order = {estimator: place for place, estimator in enumerate(ends["estimator"].unique())}
    ends = ends.assign(place=ends["estimator"].map(order)).sort_values(["place", "layer"], kind="stable")
    rows = []
    for end in ends.itertuples():
        row = {"estimator": Cell(_words(end.estimator)), "layer": Cell(end.layer)}
        for heading, (labels, quantity) in SHOWN.items():
            key = (labels, end.estimator, end.layer, quantity)
            row[heading] = Cell(_bits(*cells.loc[key]) if key in cells.index else DASH)
        rows.append(row)
    return Layout(columns("estimator", "layer", *SHOWN), rows, names=2, grouped=True)


def _bits(mean: float, error: float) -> str:
    """Bits to the precision of their error, and to two decimals without one."""
    if pandas.isna(mean):
        return DASH
    return rounded(mean, 2) if pandas.isna(error) or error < 0.005 else to_precision(mean, error)


def _words(estimator: str) -> str:
    return estimator.replace("_", " ")
