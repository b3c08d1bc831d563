"""Two studies side by side as a figure: accuracy, generalization gap and information of every cell that either has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas

from rate_distortion.figures import style as figures
from rate_distortion.figures.style import plt

PANELS = {
    ("table1", "test_accuracy_percent"): "test accuracy (%)",
    ("table1", "generalization_gap_points"): "generalization gap (points)",
    ("table2", "train_accuracy_percent"): "random labels: train (%)",
    ("fault_tolerance", "clean_information_bits"): "I(prediction; label) (bits)",
    ("fault_tolerance", "area_bits_db"): "area under I, 3 to 60 dB (bits dB)",
}
"""(part, quantity) -> axis label; a panel that neither study has is left out."""

STYLES = (("#0072B2", "o", -0.12), ("#D55E00", "s", 0.12))
"""Colour, marker and offset of the first and the second study."""


def draw(
    rows: pandas.DataFrame, names: Sequence[str], sources: Sequence[str], svg: str | Path, png: str | Path
) -> None:
    """One panel per quantity; cells in lines, both studies in each, bars of one standard error.

    Args:
        rows: the tidy form of :func:`rate_distortion.tables.comparison`.
        names: of the first and the second study.
        sources: a line for each that says its data and scale.
        svg, png: files to write.
    """
    panels = {key: rows[(rows["part"] == key[0]) & (rows["quantity"] == key[1])] for key in PANELS}
    panels = {key: cells for key, cells in panels.items() if len(cells)}
    depth = -(-len(panels) // 3)
    lines = max((len(cells) for cells in panels.values()), default=1)
    with plt.rc_context(figures.STYLE):
        figure, axes = plt.subplots(
            depth,
            min(3, max(1, len(panels))),
            figsize=(figures.TEXT_WIDTH_INCHES, 0.9 + depth * (0.6 + 0.17 * lines)),
            squeeze=False,
            layout="constrained",
        )
        for axis in axes.flat[len(panels) :]:
            axis.set_axis_off()
        for axis, (key, cells) in zip(axes.flat, panels.items(), strict=False):
            _panel(axis, cells, PANELS[key])
        handles = [
            plt.Line2D([], [], color=colour, marker=marker, linestyle="", label=name)
            for name, (colour, marker, _) in zip(names, STYLES, strict=True)
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
        figures.add_source(figure, " ".join(sources))
        figures.save(figure, svg, png)


def _panel(axis: plt.Axes, cells: pandas.DataFrame, label: str) -> None:
    places = np.arange(len(cells))
    for side, (colour, marker, offset) in zip(("first", "second"), STYLES, strict=True):
        axis.errorbar(
            cells[f"{side}_mean"],
            places + offset,
            xerr=cells[f"{side}_standard_error"].fillna(0),
            color=colour,
            marker=marker,
            markersize=3.5,
            linestyle="",
            elinewidth=0.9,
        )
    axis.set_yticks(places, [_cell_name(row) for row in cells.itertuples()])
    axis.set(xlabel=label, ylim=(len(cells) - 0.5, -0.5))
    axis.grid(axis="x", linewidth=0.4, color="0.88")
    axis.tick_params(axis="y", labelsize=6.5, length=0)


def _cell_name(row: tuple) -> str:
    noise = {"l2": "L₂", "linf": "L∞", "gaussian": "Gaussian"}.get(row.noise, "")
    return ", ".join(part for part in (f"{row.model} at {row.batch_size}", noise, row.batch_norm_evaluation) if part)
