"""Two studies side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas

from rate_distortion.analysis.precision import to_precision
from rate_distortion.tables.layout import Cell, Layout, Table, columns

KEYS = ["part", "model", "batch_size", "noise", "batch_norm_evaluation", "quantity"]
VALUES = ["mean", "standard_error", "n"]
UNTOLD = ("title", "device", "checkpoint_seconds", "history_points")
"""Settings that change no number."""

MOST_DIFFERENCES = 40


def compared(tables: Mapping[str, pandas.DataFrame]) -> pandas.DataFrame:
    """The cells of a study's tables in one form, one quantity a row: the columns of :data:`KEYS` and of :data:`VALUES`.

    Args:
        tables: name of a table -> its tidy CSV; fault_tolerance gives the area and the clean information, whose areas have an
            interval and no standard error (NaN).
    """
    frames = [_areas(rows) if part == "fault_tolerance" else rows.assign(part=part) for part, rows in tables.items()]
    columns = [*KEYS, *VALUES]
    frames = [frame.reindex(columns=columns).astype({"standard_error": float}) for frame in frames if len(frame)]
    cells = pandas.concat(frames, ignore_index=True)
    texts = ["noise", "batch_norm_evaluation"]
    return cells.assign(**cells[texts].astype(object).where(cells[texts].notna(), ""))


def comparison(
    first: pandas.DataFrame,
    second: pandas.DataFrame,
    configurations: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    data: Sequence[Mapping[str, Any]],
) -> Table:
    """What both studies measured, cell by cell, with second minus first.

    The studies' runs are independent, so a difference's standard error is the root of the sum of squares of both. It says
    how sure the difference is and not where it comes from: the notes list every setting that the studies do not share.

    Args:
        first, second: :func:`compared` of each study.
        configurations: the merged settings of each.
        names: the name of each.
        data: ``dataset.json`` of each.
    """
    order = pandas.concat([first[KEYS], second[KEYS]]).drop_duplicates()
    sides = [cells.set_index(KEYS).add_prefix(f"{side}_") for cells, side in ((first, "first"), (second, "second"))]
    tidy = order.join(sides[0], on=KEYS).join(sides[1], on=KEYS).reset_index(drop=True)
    tidy["difference"] = tidy["second_mean"] - tidy["first_mean"]
    tidy["difference_standard_error"] = np.hypot(tidy["first_standard_error"], tidy["second_standard_error"])
    return Table(
        tidy,
        _shown(tidy, _distinct(names)),
        f"Study {names[0]} beside study {names[1]}",
        [*scale_notes(configurations, names, data), *difference_notes(configurations)],
    )


def _shown(tidy: pandas.DataFrame, names: Sequence[str]) -> Layout:
    sides = dict(zip(("first", "second"), names, strict=True))
    rows = [
        {
            "cell": Cell(" ".join(str(row[key]) for key in ("model", "at", "noise") if row[key])),
            "batch norm": Cell(row["batch_norm_evaluation"]),
            "quantity": Cell(row["quantity"].replace("_", " ")),
            **{
                name: Cell(to_precision(row[f"{side}_mean"], row[f"{side}_standard_error"]))
                for side, name in sides.items()
            },
            "difference": Cell(to_precision(row["difference"], row["difference_standard_error"])),
        }
        for row in tidy.assign(at="at " + tidy["batch_size"].astype(str)).to_dict("records")
    ]
    return Layout(
        columns("cell", "batch norm", "quantity", *names, "difference"), rows, names=3, dash="not in this study"
    )


def scale_notes(
    configurations: Sequence[Mapping[str, Any]], names: Sequence[str], data: Sequence[Mapping[str, Any]]
) -> list[str]:
    """What each study is and at which scale; and whether a number of one may be held against the other's at all."""
    notes = []
    for config, name, record in zip(configurations, names, data, strict=True):
        trained_on = sum(record["images"][split] for split in record["train_on"].split("+"))
        side = record["image_shape"][1]
        notes.append(
            f"{name}: {record['description']}, {record['classes']} classes, {side}x{side} pixels, {trained_on:,} training and "
            f"{record['images']['test']:,} test images; {config['training']['epochs']} epochs at learning rate "
            f"{config['training']['learning_rate']:g}; {len(config['seeds'])} seeds."
        )
    same = ("sources_md5", "classes", "image_shape", "sha256")
    if any(data[0].get(key) != data[1].get(key) for key in same):
        notes.append("The studies do not have the same images: a difference is between studies and not between models.")
    notes.append(
        "Difference: second minus first, with the root of the summed squares of both standard errors; not paired."
    )
    return notes


def difference_notes(configurations: Sequence[Mapping[str, Any]]) -> list[str]:
    """The settings in which two studies differ, as one note; none when they differ in nothing that changes a number."""
    first, second = (_flat(config) for config in configurations)
    changed = [
        f"{key} {_said(first, key)} | {_said(second, key)}"
        for key in sorted({*first, *second})
        if first.get(key) != second.get(key) and not {*key.split(".")} & {*UNTOLD}
    ]
    more = len(changed) - MOST_DIFFERENCES
    told = "; ".join(changed[:MOST_DIFFERENCES]) + (f"; and {more} more" if more > 0 else "")
    return [f"Settings that differ (first | second): {told}."] if changed else ["The studies have the same settings."]


def _areas(rows: pandas.DataFrame) -> pandas.DataFrame:
    named = rows.rename(columns={"evaluation_mode": "batch_norm_evaluation", "seeds": "n"})
    quantities = ["clean_information_bits", "area_bits_db"]
    keys = [key for key in KEYS if key in named]
    long = named.melt([*keys, "n"], quantities, var_name="quantity", value_name="mean")
    long["batch_norm_evaluation"] = long["batch_norm_evaluation"].replace("none", "")
    # The information without noise is the same whichever noise comes later.
    long.loc[long["quantity"] == "clean_information_bits", "noise"] = ""
    long = long.drop_duplicates([*keys, "quantity"])
    return long.assign(part="fault_tolerance", standard_error=math.nan)


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {path: value}
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat |= _flat(item, f"{path}.{key}" if path else str(key))
    return flat


def _said(settings: Mapping[str, Any], key: str) -> str:
    return str(settings[key]) if key in settings else "—"


def _distinct(names: Sequence[str]) -> list[str]:
    return [names[0], names[1] if names[1] != names[0] else f"{names[1]} (again)"]
