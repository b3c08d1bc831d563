"""Two studies side by side as a figure: accuracy, generalization gap and information of every cell that either has."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rate_distortion.figures import style

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = {
    ("table1", "test_accuracy_percent"): "test accuracy (%)",
    ("table1", "generalization_gap_points"): "generalization gap (points)",
    ("table2", "train_accuracy_percent"): "random labels: train (%)",
    ("fault_tolerance", "clean_information_bits"): "I(prediction; label) (bits)",
    ("fault_tolerance", "area_bits_db"): "area under I, 3 to 60 dB (bits dB)",
}
"""(part, quantity) -> axis label; a panel that neither study has is left out."""

STYLES = {"first": (style.NAVY, "o", -0.15), "second": (style.RED, "s", 0.15)}
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
    style.save(functools.partial(figure, rows, names, sources), svg, png)


def figure(rows: pandas.DataFrame, names: Sequence[str], sources: Sequence[str]) -> Figure:
    """The figure of :func:`draw`."""
    panels = {key: rows[(rows["part"] == key[0]) & (rows["quantity"] == key[1])] for key in PANELS}
    panels = {key: cells for key, cells in panels.items() if len(cells)}
    depth = max(1, -(-len(panels) // 2))
    lines = max((len(cells) for cells in panels.values()), default=1)
    drawn = style.new_figure(0.5 + depth * (0.6 + 0.19 * lines))
    axes = drawn.subplots(depth, min(2, max(1, len(panels))), squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (key, cells) in zip(axes.flat, panels.items(), strict=False):
        _draw_panel(axis, cells, PANELS[key])
    handles = [
        style.key(name, color=colour, marker=marker, linestyle="")
        for name, (colour, marker, _) in zip(names, STYLES.values(), strict=True)
    ]
    style.add_legend(drawn, handles, columns=2)
    style.add_source(drawn, " ".join(sources))
    return drawn


def _draw_panel(axis: Axes, cells: pandas.DataFrame, label: str) -> None:
    import seaborn

    for side, (colour, marker, offset) in STYLES.items():
        places, errors = np.arange(len(cells)) + offset, cells[f"{side}_standard_error"].fillna(0)
        seaborn.scatterplot(x=cells[f"{side}_mean"], y=places, color=colour, marker=marker, s=22, linewidth=0, ax=axis)
        axis.errorbar(cells[f"{side}_mean"], places, xerr=errors, fmt="none", ecolor=colour, elinewidth=0.9)
    axis.set_yticks(range(len(cells)), [_cell_name(row) for row in cells.itertuples()])
    axis.set(xlabel=textwrap.fill(label, 22), ylabel="", ylim=(len(cells) - 0.5, -0.5))
    axis.grid(axis="x", linewidth=0.4, color="0.88")
    axis.tick_params(axis="y", length=0)


def _cell_name(row: tuple) -> str:
    noise = {"l2": "L₂", "linf": "L∞", "gaussian": "Gaussian"}.get(row.noise, "")
    return ", ".join(part for part in (f"{row.model} at {row.batch_size}", noise, row.batch_norm_evaluation) if part)
