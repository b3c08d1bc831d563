"""Figure 7: histogram of prediction margins and reliability curve, zero-shot and one-shot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas
from matplotlib import colors

from rate_distortion import datasets
from rate_distortion.analysis import confidence as calibration
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing
from rate_distortion.figures import style as figures
from rate_distortion.storage import files

PANELS = {"zero_shot": "zero-shot", "one_shot": "one-shot", "real_svhn": "zero-shot, real SVHN"}
ACCURACY, GAP = "#0072B2", "#D55E00"
WHOLE = "all"
"""As a bin: the whole test set, whose mean margin and accuracy are the lines in the histogram."""


def figure7_rows(predictions: Iterable[str | Path], bins: int) -> pandas.DataFrame:
    """What figure 7 draws, from the ``predictions.npz`` of every seed: one row per panel and bin, and one for all bins.

    A seed's one-shot predictions of all support sets are pooled. Means and standard errors are over seeds, in a bin over those
    with images in it. Columns: panel, bin, lowest_margin, highest_margin, images (of all seeds and support sets), and the mean
    and ``_standard_error`` of fraction (of images), mean_margin and accuracy, all in [0, 1]; empty where a bin is empty.

    Args:
        predictions: files of :mod:`rate_distortion.probes.transfer_runs`.
        bins: of equal width.
    """
    frames = []
    for seed, path in enumerate(predictions):
        stored = files.read_arrays(path)
        for panel in (panel for panel in PANELS if f"{panel}_margins" in stored):
            labels = stored["real_svhn_labels" if panel == "real_svhn" else "labels"]
            right = stored[f"{panel}_predictions"] == labels
            frames.append(
                _curve(stored[f"{panel}_margins"].ravel(), right.ravel(), bins).assign(panel=panel, seed=seed)
            )
    by_bin = pandas.concat(frames).groupby(["panel", "bin", "lowest_margin", "highest_margin"], sort=False)
    columns = ["fraction", "mean_margin", "accuracy"]
    errors = by_bin[columns].sem().add_suffix("_standard_error")
    rows = pandas.concat([by_bin["images"].sum(), by_bin[columns].mean(), errors], axis=1).reset_index()
    return rows.sort_values("panel", key=lambda names: names.map(list(PANELS).index), kind="stable", ignore_index=True)


def figure7(rows: pandas.DataFrame, title: str, source: str, svg: str | Path, png: str | Path) -> None:
    """Above the share of images per margin, below accuracy per margin with the gap to the diagonal; one column per panel.

    A gap reaches from a bin's mean margin, close to the diagonal, to its accuracy: under-confidence above the diagonal,
    over-confidence below it.

    Args:
        rows: as :func:`figure7_rows` returns them.
        title: what is transferred, before the panel's name.
        source: the line under the figure.
    """
    panels = list(dict.fromkeys(rows["panel"]))
    with plt.rc_context(figures.STYLE):
        size = (figures.TEXT_WIDTH_INCHES if len(panels) > 2 else 0.75 * figures.TEXT_WIDTH_INCHES, 4.4)
        figure, axes = plt.subplots(
            2, len(panels), figsize=size, sharex=True, sharey="row", squeeze=False, layout="constrained"
        )
        for (upper, lower), panel in zip(axes.T, panels, strict=True):
            own = rows[rows["panel"] == panel]
            _draw_histogram(upper, own)
            _draw_reliability(lower, own)
            upper.set_title(f"{title}: {PANELS[panel]}")
        axes[0, 0].set_ylabel("fraction of test set")
        axes[1, 0].set_ylabel("test accuracy")
        handles = [handle for axis in axes[:, 0] for handle in axis.get_legend_handles_labels()[0]]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False, fontsize=7)
        figures.add_source(figure, source)
        figures.save(figure, svg, png)


def source_line(
    rows: pandas.DataFrame, study: Mapping[str, Any], data: Mapping[str, Any], settings: Mapping[str, Any]
) -> str:
    """The line under the figure: what was learned, what is read, how often, and whether real SVHN is among it."""
    whitened = "whitened as the source's" if settings["target_whitening"] == "source" else "not whitened"
    absent = data["dataset"] == "house_numbers" and "real_svhn" not in set(rows["panel"])
    return (
        f"Study {study['name']}: trained on {data['description']}; transferred to "
        f"{datasets.DESCRIPTIONS[settings['dataset']]}, {whitened}; mean and standard error over {len(study['seeds'])} seeds, "
        f"one-shot: {settings['support_sets']} support sets a seed, pooled"
        f"{'; real SVHN is not shown, its test images are not in data/svhn' if absent else ''}"
    )


def _curve(margins: np.ndarray, right: np.ndarray, bins: int) -> pandas.DataFrame:
    curve = calibration.reliability(margins, right, bins)
    whole = calibration.reliability(margins, right, 1)
    return pandas.DataFrame(
        {
            "bin": [*map(str, range(bins)), WHOLE],
            "lowest_margin": [*curve.edges[:-1], 0.0],
            "highest_margin": [*curve.edges[1:], 1.0],
            "images": [*curve.counts, *whole.counts],
            "fraction": [*curve.fractions, 1.0],
            "mean_margin": [*curve.mean_confidence, *whole.mean_confidence],
            "accuracy": [*curve.accuracy, *whole.accuracy],
        }
    )


def _draw_histogram(axis: plt.Axes, rows: pandas.DataFrame) -> None:
    """Fractions as bars; mean margin and accuracy as vertical lines."""
    binned, whole = rows[rows["bin"] != WHOLE], rows[rows["bin"] == WHOLE].iloc[0]
    _bars(axis, binned, "fraction", color="0.75", edgecolor="0.4")
    for value, style, name, colour in (
        ("mean_margin", "--", "avg. margin", GAP),
        ("accuracy", "-", "avg. accuracy", ACCURACY),
    ):
        axis.axvline(whole[value], color=colour, linestyle=style, linewidth=1.4, label=name)
    axis.set(xlim=(0, 1), ylim=(0, 1))


def _draw_reliability(axis: plt.Axes, rows: pandas.DataFrame) -> None:
    """Accuracy as bars, and from each one's top the gap to the mean margin of its bin."""
    binned = rows[(rows["bin"] != WHOLE) & (rows["images"] > 0)]
    _bars(axis, binned, "accuracy", color=ACCURACY, edgecolor="white", alpha=0.75, label="accuracy")
    axis.bar(
        binned["lowest_margin"],
        binned["mean_margin"] - binned["accuracy"],
        _widths(binned),
        bottom=binned["accuracy"],
        align="edge",
        facecolor=(*colors.to_rgb(GAP), 0.25),
        edgecolor=GAP,
        hatch="////",
        linewidth=0.6,
        label="gap",
    )
    axis.plot([0, 1], [0, 1], "--", color="0.3", linewidth=0.8)
    axis.text(0.03, 0.97, "under-confident", fontsize=6, color="0.35", ha="left", va="top")
    axis.text(0.97, 0.03, "over-confident", fontsize=6, color="0.35", ha="right", va="bottom").set_bbox(
        {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    )
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="margin")


def _bars(axis: plt.Axes, rows: pandas.DataFrame, column: str, **style: object) -> None:
    """Bars with one standard error over seeds, where there are several seeds."""
    bars = axis.bar(rows["lowest_margin"], rows[column], _widths(rows), align="edge", linewidth=0.6, **style)
    centres = [bar.get_x() + bar.get_width() / 2 for bar in bars]
    axis.errorbar(
        centres,
        rows[column],
        yerr=rows[f"{column}_standard_error"],
        fmt="none",
        ecolor="0.15",
        elinewidth=0.8,
        capsize=1.5,
    )


def _widths(rows: pandas.DataFrame) -> pandas.Series:
    return rows["highest_margin"] - rows["lowest_margin"]


def make(predictions: list[str], dataset: str, study: dict, settings: dict, model: str) -> Drawing:
    """What is drawn, and how."""
    rows = figure7_rows(predictions, settings["bins"])
    data = prepared_data.describe(Path(dataset).parent)
    source = source_line(rows, study, data, settings)
    return Drawing(rows, lambda svg, png: figure7(rows, f"model {model}", source, svg, png))
