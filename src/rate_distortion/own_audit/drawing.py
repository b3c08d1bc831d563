"""The picture of an audit: information and accuracy against signal-to-noise ratio, in both conventions of the ratio."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pandas

matplotlib.use("agg")

import matplotlib.pyplot as plt
import seaborn

from rate_distortion.analysis.signal_to_noise import plain_of_one_plus_db
from rate_distortion.figures import Drawing
from rate_distortion.figures.style import NOISE_STYLES
from rate_distortion.storage import files

QUANTITIES = {"information_bits": "I(prediction; label) (bits)", "accuracy_percent": "accuracy (%)"}
COLOURS = {"l2": "#0B2A80", "linf": "#A81E00", "gaussian": "#767676"}
TICKS = (60, 40, 20, 10, 5, 1)
"""Decibels that both axes name."""

SETTINGS = {
    "axes.spines.top": True,
    "axes.spines.right": False,
    "savefig.dpi": 200,
    "svg.hashsalt": "rate-distortion",  # the same picture gives the same file
    "svg.fonttype": "none",
}


def make(curves: pandas.DataFrame, title: str) -> Drawing:
    """The picture of an audit's curves (:attr:`rate_distortion.own_audit.Audit.curves`), without the clean points.

    Args:
        curves: the rows to draw.
        title: of the picture.
    """
    rows = curves[np.isfinite(curves["snr_db"])]

    def save(svg: Path, png: Path) -> None:
        with plt.rc_context(), seaborn.axes_style("ticks", SETTINGS), seaborn.plotting_context("paper"):
            plt.rcParams.update(SETTINGS)
            figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.4), layout="constrained")
            for axis, (column, words) in zip(axes, QUANTITIES.items(), strict=True):
                _panel(axis, rows, column, words, legend=column == "information_bits")
            figure.suptitle(title, fontsize="medium")
            for path, metadata in ((svg, {"Date": None}), (png, {"Software": None})):
                with files.completed(path) as temporary:
                    figure.savefig(temporary, metadata=metadata)
            plt.close(figure)

    return Drawing(rows, save)


def _panel(axis: plt.Axes, rows: pandas.DataFrame, column: str, words: str, *, legend: bool) -> None:
    names = {noise: name for noise, (_, name) in NOISE_STYLES.items()}
    seaborn.lineplot(
        rows.assign(noise=rows["noise"].map(names)),
        x="snr_db",
        y=column,
        hue="noise",
        style="noise",
        palette={names[noise]: colour for noise, colour in COLOURS.items()},
        errorbar=None,
        legend=legend,
        ax=axis,
    )
    if column == "information_bits":
        floor = rows[rows["noise"] == "l2"]
        axis.plot(floor["snr_db"], floor["floor_bits"], color="0.7", linewidth=0.8, label="by chance")
        axis.legend(title=None, frameon=False, loc="lower left")
    axis.set(xlabel="20 log10(1 + ||x|| / ||δ||) (dB)", ylabel=words, xticks=TICKS, xlim=(TICKS[0], 0))
    axis.set_ylim(0, 103 if column == "accuracy_percent" else 1.08 * max(rows[column].max(), 0.1))
    plain = axis.secondary_xaxis("top")
    plain.set_xticks(TICKS, [f"{value:.0f}" for value in plain_of_one_plus_db(TICKS)])
    plain.set_xlabel("20 log10(||x|| / ||δ||) (dB)")
