"""The calibration of weight decay: accuracy on random and on original labels against weight decay (sections 4.3 and 5)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing, style
from rate_distortion.storage import files

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

CURVES = {
    "random_label_train_accuracy_percent": ("random labels, training", style.RANDOM, "o"),
    "train_accuracy_percent": ("original labels, training", style.GREY, "v"),
    "validation_accuracy_percent": ("original labels, validation", style.ORIGINAL, "s"),
}
"""Quantity -> words, colour, marker."""
BOUND = "random_label_chance_bound_percent"
APART = 0.08
"""Horizontal offset between curves, in steps of the grid, so that none hides another."""


def make(
    *, table: str | Path, dataset: str | Path, calibration: Mapping[str, Any], study: Mapping[str, Any]
) -> Drawing:
    """The calibration's figure.

    Args:
        table: the tidy form of :func:`rate_distortion.tables.weight_decay`.
        dataset: a file in the folder of the prepared data.
        calibration: model, batch_size.
        study: name, seeds, epochs.
    """
    rows, data = files.read_table(table), prepared_data.describe(Path(dataset).parent)
    shown = f"model {calibration['model']}, batch size {calibration['batch_size']}, {style.over_seeds(study)}"
    draws = functools.partial(draw, rows, style.source_line(study, data, shown))
    return style.drawing(rows, draws, width=style.SINGLE_COLUMN)


def draw(rows: pandas.DataFrame, source: str) -> Figure:
    """Curves over the grid, whose values stand at equal distances, zero among them.

    Args:
        rows: weight_decay, quantity, mean, standard_error (both in percent), chosen.
        source: the lines under the figure.
    """
    import seaborn

    grid = np.sort(rows["weight_decay"].unique())
    rows = rows.assign(place=np.searchsorted(grid, rows["weight_decay"]))
    figure = style.new_figure(2.9, style.SINGLE_COLUMN)
    axis = figure.subplots()
    for number, (quantity, (words, colour, marker)) in enumerate(CURVES.items()):
        curve = rows[rows["quantity"] == quantity]
        curve = curve.assign(place=curve["place"] + APART * (number - 1))
        seaborn.lineplot(
            curve,
            x="place",
            y="mean",
            color=colour,
            marker=marker,
            markeredgewidth=0,
            label=words,
            legend=False,
            ax=axis,
        )
        axis.errorbar(
            curve["place"],
            curve["mean"],
            curve["standard_error"].fillna(0),
            fmt="none",
            ecolor=colour,
            elinewidth=1,
            capsize=2,
        )
    bound = rows[rows["quantity"] == BOUND]
    words = "chance bound of random labels"
    seaborn.lineplot(
        bound,
        x="place",
        y="mean",
        color=style.RANDOM,
        linestyle="--",
        linewidth=0.9,
        label=words,
        legend=False,
        ax=axis,
    )
    handles = axis.get_legend_handles_labels()[0]
    chosen = rows.loc[rows["chosen"], "place"]
    if len(chosen):
        words = f"smallest sufficient λ: {grid[chosen.iloc[0]]:g}"
        handles.append(
            axis.axvline(chosen.iloc[0], color=style.INK, linewidth=0.9, linestyle=":", zorder=0, label=words)
        )
    axis.set_xticks(range(len(grid)), [f"{value:g}" for value in grid])
    axis.set(
        xlabel="weight decay λ\n(tried values, equally spaced; points set apart)", ylabel="accuracy (%)", ylim=(0, 104)
    )
    axis.set_xlim(-0.3, len(grid) - 0.7)
    style.add_legend(figure, handles, columns=1)
    style.add_source(figure, source)
    return figure
