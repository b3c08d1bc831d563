"""Figure 5: information and accuracy against signal-to-noise ratio, also under each kind of batch statistics (section 4.4)."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from rate_distortion.analysis import fault_tolerance, signal_to_noise
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STATISTICS = {
    "batch": "statistics of the test batch",
    "last": "statistics of the last training batch",
    "population": "statistics of the whole training set",
    "ema": "moving average of training batches",
}
"""Means and variances that a batch-normalized model is evaluated with."""
QUANTITIES = {"information_bits": "I(prediction; label)\n(bits)", "accuracy_percent": "accuracy (%)"}
AXIS = (
    "signal-to-noise ratio 20 log₁₀(1 + ‖x‖ / ‖δ‖) (dB), as in the paper\n"
    "(axis on top: the usual ratio, 20 log₁₀(‖x‖ / ‖δ‖), in dB)"
)
TITLE_CHARACTERS = 62
"""Room for the titles of all panels together, in characters."""
WIDE_PANELS = 2
"""With more panels only the first numbers its vertical axis; the grid lines carry the values on."""
RISING = (
    "Unlike in the tables, the floor is not subtracted here. Information can rise while accuracy falls to 0\u00a0%: under an "
    "unbounded attack a label is mistaken for the same class again and again, and that class tells the label."
)


def make(
    *, sweeps: Sequence[str | Path], dataset: str | Path, panels: Sequence[Mapping[str, Any]], study: Mapping[str, Any]
) -> Drawing:
    """Figure 5, or its variant by batch statistics: the panels say which.

    Args:
        sweeps: perturbations/sweeps.npz of every run.
        dataset: a file in the folder of the prepared data.
        panels: {panel, title, model, evaluation_mode} in the order to draw.
        study: name, seeds, epochs.
    """
    recorded = [sweep for path in sweeps for sweep in fault_tolerance.read_run(Path(path).parent.parent)]
    rows = tidy(fault_tolerance.curves(recorded), panels)
    data = prepared_data.describe(Path(dataset).parent)
    shown = f"{len(recorded[0].labels):,} test images, {style.over_seeds(study)}. {RISING}"
    return style.drawing(rows, functools.partial(draw, rows, panels, style.source_line(study, data, shown)))


def tidy(curves: pandas.DataFrame, panels: Sequence[Mapping[str, Any]]) -> pandas.DataFrame:
    """What is drawn: one row per panel, noise, seed and ratio, which is there in the usual form as well (plain_snr_db).

    Args:
        curves: :func:`rate_distortion.analysis.fault_tolerance.curves`.
        panels: {panel, model, evaluation_mode}.
    """
    curves = curves.assign(plain_snr_db=signal_to_noise.plain_of_one_plus_db(curves["snr_db"]))
    return pandas.concat(
        curves[(curves["model"] == panel["model"]) & (curves["evaluation_mode"] == panel["evaluation_mode"])].assign(
            panel=panel["panel"]
        )
        for panel in panels
    )


def draw(rows: pandas.DataFrame, panels: Sequence[Mapping[str, Any]], source: str) -> Figure:
    """Information above, accuracy below, one column per panel; dashes are kinds of noise, the colour is the model's.

    The paper has both quantities in one panel with an axis to either side, where their curves cross and cover one another.

    Args:
        rows: as :func:`tidy` returns them.
        panels: {panel, title, model, evaluation_mode} in the order to draw.
        source: the lines under the figure.
    """
    colours = style.model_colours(list(dict.fromkeys(panel["model"] for panel in panels)))
    figure = style.new_figure(4.3)
    axes = figure.subplots(2, len(panels), squeeze=False, sharex=True, sharey="row")
    for column, panel in zip(axes.T, panels, strict=True):
        own = rows[rows["panel"] == panel["panel"]]
        for axis, quantity in zip(column, QUANTITIES, strict=True):
            _draw_curves(axis, own, quantity, colours[panel["model"]])
        mode = panel["evaluation_mode"]
        lines = [f"{panel['title']}, {mode}", STATISTICS[mode]] if mode in STATISTICS else [panel["title"]]
        column[0].set_title("\n".join(textwrap.fill(line, TITLE_CHARACTERS // len(panels)) for line in lines))
        top = column[0].secondary_xaxis("top", functions=(_usual_db, _paper_db))
        top.set_xticks([60, 40, 20, 0])
    for line, words in zip(axes, QUANTITIES.values(), strict=True):
        line[0].set_ylabel(words)
        for number, axis in enumerate(line):
            numbered = number == 0 or len(panels) <= WIDE_PANELS
            axis.tick_params(labelbottom=True, left=numbered, labelleft=numbered)
            axis.grid(axis="y", linewidth=0.5, color="0.88")
    axes[0, 0].set(
        ylim=(0, 1.08 * rows["information_bits"].max()),
        xlim=(rows["snr_db"].max(), rows["snr_db"].min()),
        xticks=[60, 40, 20, 1],
    )
    axes[1, 0].set(ylim=(-2, 102), yticks=(0, 50, 100))
    handles = [style.key(f"{name} noise", linestyle=dash) for dash, name in style.NOISE_STYLES.values()]
    handles.append(style.key("floor: permuted labels", color=style.GREY, linewidth=0.9))
    style.add_legend(figure, handles, columns=len(handles))
    style.add_source(figure, source, AXIS)
    return figure


def _draw_curves(axis: Axes, rows: pandas.DataFrame, quantity: str, colour: str) -> None:
    """Mean over seeds with a band of one standard error, over the ratios that every seed reached; the floor of information."""
    import seaborn

    for noise, (dash, _) in style.NOISE_STYLES.items():
        curve = rows[rows["noise"] == noise]
        reached = curve.groupby("snr_db")["seed"].transform("count") == curve["seed"].nunique()
        seaborn.lineplot(
            curve[reached], x="snr_db", y=quantity, errorbar="se", color=colour, linestyle=dash, err_kws={"linewidth": 0},
            ax=axis,
        )  # fmt: skip
    if quantity == "information_bits":
        seaborn.lineplot(
            rows, x="snr_db", y="floor_bits", errorbar=None, color=style.GREY, linewidth=0.9, zorder=1, ax=axis
        )
    axis.set(xlabel="", ylabel="")


def _usual_db(paper_db: np.ndarray) -> np.ndarray:
    """20 log10(r) at the paper's 20 log10(1 + r)."""
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 dB there is no signal at all
        return 20 * np.log10(10 ** (np.asarray(paper_db) / 20) - 1)


def _paper_db(usual_db: np.ndarray) -> np.ndarray:
    """20 log10(1 + r) at 20 log10(r)."""
    return 20 * np.log10(1 + 10 ** (np.asarray(usual_db) / 20))
