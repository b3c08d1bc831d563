"""Figure 7: histogram of prediction margins and reliability curve, zero-shot and one-shot."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from rate_distortion import datasets
from rate_distortion.analysis import confidence as calibration
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing, style
from rate_distortion.storage import files

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = {"zero_shot": "zero-shot", "one_shot": "one-shot", "real_svhn": "zero-shot, real SVHN"}
ACCURACY, GAP, SHARE = style.SKY, style.RED, "#949494"
WHOLE = "all"
"""Bin name of the whole test set, whose mean margin and accuracy are the lines in the histogram."""


def make(
    *,
    predictions: Sequence[str | Path],
    dataset: str | Path,
    study: Mapping[str, Any],
    settings: Mapping[str, Any],
    model: str,
) -> Drawing:
    """Figure 7.

    Args:
        predictions: predictions.npz of every seed's transfer.
        dataset: a file in the folder of the prepared data.
        study: name, seeds.
        settings: dataset, target_whitening, support_sets, bins.
        model: what is transferred.
    """
    rows = tidy(predictions, settings["bins"])
    source = source_line(rows, study, prepared_data.describe(Path(dataset).parent), settings)
    return style.drawing(rows, functools.partial(draw, rows, f"model {model}", source))


def tidy(predictions: Iterable[str | Path], bins: int) -> pandas.DataFrame:
    """What is drawn, from the ``predictions.npz`` of every seed: one row per panel and bin, and one for all bins.

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


def draw(rows: pandas.DataFrame, title: str, source: str) -> Figure:
    """Above the share of images per margin, below accuracy per margin with the gap to the diagonal; one column per panel.

    A gap reaches from a bin's mean margin, close to the diagonal, to its accuracy: under-confidence above the diagonal,
    over-confidence below it.

    Args:
        rows: as :func:`tidy` returns them.
        title: what is transferred, above the panel's name.
        source: the lines under the figure.
    """
    panels = list(dict.fromkeys(rows["panel"]))
    figure = style.new_figure(4.3)
    axes = figure.subplots(2, len(panels), sharex=True, sharey=True, squeeze=False)
    for (upper, lower), panel in zip(axes.T, panels, strict=True):
        own = rows[rows["panel"] == panel]
        _draw_histogram(upper, own)
        _draw_reliability(lower, own)
        upper.set_title(f"{title}\n{PANELS[panel]}")
        for axis in (upper, lower):
            axis.tick_params(labelleft=True, labelbottom=True)
    axes[0, 0].set_ylabel("fraction of test set")
    axes[1, 0].set_ylabel("test accuracy (fraction)")
    handles = [handle for axis in axes[:, 0] for handle in axis.get_legend_handles_labels()[0]]
    style.add_legend(figure, handles, columns=3)
    style.add_source(figure, source, "prediction margin (difference of the two highest probabilities)")
    return figure


def source_line(
    rows: pandas.DataFrame, study: Mapping[str, Any], data: Mapping[str, Any], settings: Mapping[str, Any]
) -> str:
    """The line under the figure: what was learned, what is read, how often, and whether real SVHN is among it."""
    whitened = "whitened as the source's" if settings["target_whitening"] == "source" else "not whitened"
    absent = data["dataset"] == "house_numbers" and "real_svhn" not in set(rows["panel"])
    return (
        f"Study {study['name']}: trained on {data['description']}; transferred to "
        f"{datasets.DESCRIPTIONS[settings['dataset']]}, {whitened}; {style.over_seeds(study)}, "
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


def _draw_histogram(axis: Axes, rows: pandas.DataFrame) -> None:
    """Fractions as bars; mean margin and accuracy as vertical lines."""
    binned, whole = rows[rows["bin"] != WHOLE], rows[rows["bin"] == WHOLE].iloc[0]
    _bars(axis, binned, "fraction", SHARE)
    for value, dash, name, colour in (
        ("mean_margin", "--", "mean margin", GAP),
        ("accuracy", "-", "mean accuracy", ACCURACY),
    ):
        axis.axvline(whole[value], color=colour, linestyle=dash, linewidth=1.6, label=name)


def _draw_reliability(axis: Axes, rows: pandas.DataFrame) -> None:
    """Accuracy as bars, and from each one's top the gap to the mean margin of its bin."""
    every = rows[rows["bin"] != WHOLE]
    _bars(axis, every, "accuracy", ACCURACY)
    binned = every[every["images"] > 0]
    axis.bar(  # by matplotlib, since seaborn's bars all start at zero
        binned["lowest_margin"],
        binned["mean_margin"] - binned["accuracy"],
        binned["highest_margin"] - binned["lowest_margin"],
        bottom=binned["accuracy"],
        align="edge",
        facecolor="#F3D9D3",  # opaque, so that a gap looks as in the legend over a bar and beside it
        edgecolor=GAP,
        hatch="////",
        linewidth=0.8,
        label="gap to the mean margin",
    )
    _errors(axis, binned, "accuracy")
    axis.plot([0, 1], [0, 1], "--", color=style.INK, linewidth=0.9, label="margin = accuracy")
    axis.text(0.03, 1.03, "under-confident", ha="left", va="top")
    axis.text(0.98, 0.03, "over-confident", ha="right", va="bottom").set_bbox(
        {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    )


def _bars(axis: Axes, rows: pandas.DataFrame, column: str, colour: str) -> None:
    """A bar for every bin, with one standard error over seeds where there are several; empty bins have none."""
    import seaborn

    edges = [*rows["lowest_margin"], rows["highest_margin"].iloc[-1]]
    seaborn.histplot(
        x=(rows["lowest_margin"] + rows["highest_margin"]) / 2, weights=rows[column].fillna(0.0), bins=edges, color=colour,
        edgecolor="white", linewidth=0.6, alpha=1, label={"fraction": "fraction of test set"}.get(column, column), ax=axis,
    )  # fmt: skip
    _errors(axis, rows, column)
    axis.set(xlim=(0, 1), ylim=(0, 1.08), xlabel="", ylabel="", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))


def _errors(axis: Axes, rows: pandas.DataFrame, column: str) -> None:
    axis.errorbar(
        (rows["lowest_margin"] + rows["highest_margin"]) / 2, rows[column], yerr=rows[f"{column}_standard_error"],
        fmt="none", ecolor=style.INK, elinewidth=0.9, capsize=2,
    )  # fmt: skip
