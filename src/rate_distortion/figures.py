"""The paper's figures, one function each, drawn from tidy tables only.

Colours are Okabe and Ito's palette, which colour-blind readers can tell apart; a model has the same colour in every figure.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.axis
import numpy as np
import pandas

matplotlib.use("agg")

import matplotlib.pyplot as plt
from matplotlib import ticker

from rate_distortion import files

TEXT_WIDTH_INCHES = 7.0
CHARACTERS_PER_INCH = 22  # of the six-point line under a figure
MODEL_COLOURS = {
    "A": "#D55E00",
    "A+": "#E69F00",
    "A-BN": "#CC79A7",
    "B": "#0072B2",
    "B+": "#56B4E9",
    "C": "#009E73",
}
RIGHT, WRONG = "#0072B2", "#D55E00"
ORIGINAL, RANDOM = "#0072B2", "#D55E00"

STYLE = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "savefig.dpi": 200,
    "svg.hashsalt": "rate-distortion",  # the same picture gives the same file
    "svg.fonttype": "none",
}


def figure4_rows(images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray) -> pandas.DataFrame:
    """What figure 4 (a) draws: the first test image of each class, its prediction and confidence, one row per pixel.

    Args:
        images: preprocessed test images, (N, 1, H, W); of several channels the mean is shown.
        labels: (N,).
        probabilities: the model's class probabilities, (N, classes).
    """
    frames = []
    for label in np.unique(labels):
        index = int(np.flatnonzero(labels == label)[0])
        picture = np.asarray(images[index], np.float64).mean(axis=0)
        row, column = np.indices(picture.shape)
        frames.append(
            pandas.DataFrame(
                {
                    "label": int(label),
                    "image": index,
                    "predicted_class": int(probabilities[index].argmax()),
                    "confidence_percent": 100.0 * float(probabilities[index].max()),
                    "row": row.ravel(),
                    "column": column.ravel(),
                    "intensity": picture.ravel(),
                }
            )
        )
    return pandas.concat(frames, ignore_index=True)


def figure4(rows: pandas.DataFrame, source: str, svg: str | Path, png: str | Path) -> None:
    """Figure 4 (a): preprocessed test images by class with the predicted class (argmax) and its confidence."""
    classes = list(rows.groupby("label", sort=True))
    columns = min(10, len(classes))
    lines = -(-len(classes) // columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            lines, columns, figsize=(TEXT_WIDTH_INCHES, 0.3 + 0.95 * lines), squeeze=False, layout="compressed"
        )
        for axis in axes.flat:
            axis.set_axis_off()
        for axis, (label, pixels) in zip(axes.flat, classes, strict=False):
            side = pixels["row"].max() + 1
            picture = pixels["intensity"].to_numpy().reshape(side, -1)
            limit = np.abs(picture).max()
            axis.imshow(picture, cmap="gray", vmin=-limit, vmax=limit, interpolation="nearest")
            predicted, confidence = pixels["predicted_class"].iloc[0], pixels["confidence_percent"].iloc[0]
            right = predicted == label
            axis.set_title(f"label {label}", color="black", pad=2)
            axis.text(
                0.5,
                -0.06,
                f"{predicted}: {confidence:.1f} %",
                color=RIGHT if right else WRONG,
                weight="normal" if right else "bold",
                ha="center",
                va="top",
                transform=axis.transAxes,
            )
        _source(figure, source)
        save(figure, svg, png)


def source_line(study: Mapping[str, Any], data: Mapping[str, Any], shown: str) -> str:
    """The line under a figure that says study, data and scale, and what of it is shown."""
    trained_on = sum(data["images"][split] for split in data["train_on"].split("+"))
    return f"Study {study['name']}: {data['description']}, {trained_on:,} training images, {study['epochs']} epochs; {shown}"


def save(figure: plt.Figure, svg: str | Path, png: str | Path) -> None:
    """Write a figure as SVG and PNG, without a date, and close it."""
    for path, metadata in ((svg, {"Date": None}), (png, {"Software": None})):
        with files.completed(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
    plt.close(figure)


def weight_decay(rows: pandas.DataFrame, source: str, svg: str | Path, png: str | Path) -> None:
    """The calibration: accuracy against weight decay, on random labels (training) and on the original ones (validation).

    Args:
        rows: the tidy form of :func:`rate_distortion.tables.weight_decay`.
        source: the line under the figure.
    """
    curves = {
        "random_label_train_accuracy_percent": ("random labels, training", RANDOM, "o"),
        "train_accuracy_percent": ("original labels, training", "0.55", "v"),
        "validation_accuracy_percent": ("original labels, validation", ORIGINAL, "s"),
    }
    grid = np.sort(rows["weight_decay"].unique())
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(0.65 * TEXT_WIDTH_INCHES, 3.0), layout="constrained")
        for quantity, (label, colour, marker) in curves.items():
            curve = rows[rows["quantity"] == quantity].sort_values("weight_decay")
            axis.errorbar(
                _positions(curve["weight_decay"], grid),
                curve["mean"],
                yerr=curve["standard_error"].fillna(0),
                label=label,
                color=colour,
                marker=marker,
                markersize=4,
                capsize=2,
                linewidth=1.2,
            )
        bound = rows[rows["quantity"] == "random_label_chance_bound_percent"].sort_values("weight_decay")
        axis.plot(
            _positions(bound["weight_decay"], grid),
            bound["mean"],
            "--",
            color=RANDOM,
            linewidth=0.8,
            label="chance bound",
        )
        chosen = rows.loc[rows["chosen"], "weight_decay"]
        if len(chosen):
            position = _positions(chosen, grid)[0]
            axis.axvline(position, color="0.2", linewidth=0.8, linestyle=":")
            axis.annotate(
                f"smallest sufficient: {chosen.iloc[0]:g}",
                (position, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(3, -2),
                textcoords="offset points",
                va="top",
                rotation=90,
                fontsize=6.5,
            )
        axis.set_xticks(range(len(grid)), [f"{value:g}" for value in grid])
        axis.set(xlabel="weight decay λ", ylabel="accuracy (%)", ylim=(0, 102))
        axis.legend(frameon=False, fontsize=7, loc="best")
        _source(figure, source)
        save(figure, svg, png)


def history_rows(histories: Mapping[tuple[str, int, str, int], pandas.DataFrame]) -> pandas.DataFrame:
    """What the history figure draws: every run's recorded epochs in long form.

    Args:
        histories: (model, batch size, labels, seed) -> the run's history.csv.
    """
    frames = []
    for (model, batch_size, labels, seed), history in histories.items():
        long = history.melt("epoch", var_name="quantity", value_name="value")
        frames.append(long.assign(model=model, batch_size=batch_size, labels=labels, seed=seed))
    columns = ["model", "batch_size", "labels", "seed", "epoch", "quantity", "value"]
    return pandas.concat(frames, ignore_index=True)[columns]


def history(rows: pandas.DataFrame, source: str, svg: str | Path, png: str | Path) -> None:
    """Accuracy, loss and weight norm against epoch for every model, original labels above random labels.

    Lines are means over seeds, bands one standard error; solid lines are training, dashed ones test.
    """
    kinds = [kind for kind in ("original", "random") if kind in set(rows["labels"])]
    norms = rows[rows["quantity"].str.startswith("weight_norm_")].copy()
    norms["value"] **= 2
    keys = ["model", "labels", "seed", "epoch"]
    total = norms.groupby(keys, sort=False)["value"].sum().pow(0.5).reset_index()
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            len(kinds), 3, figsize=(TEXT_WIDTH_INCHES, 0.5 + 1.9 * len(kinds)), squeeze=False, layout="constrained"
        )
        for line, kind in zip(axes, kinds, strict=True):
            own = rows[rows["labels"] == kind]
            for axis, quantity, unit in (
                (line[0], "accuracy_percent", "accuracy (%)"),
                (line[1], "loss_nats", "loss (nats)"),
            ):
                for split, style in (("train", "-"), ("test", "--")):
                    _bands(axis, own[own["quantity"] == f"{split}_{quantity}"], style)
                axis.set_ylabel(f"{kind} labels: {unit}")
            line[1].set_yscale("log")
            _plain_logarithmic(line[1].yaxis)
            _bands(line[2], total[total["labels"] == kind], "-")
            line[2].set_ylabel("weight norm ||w||₂")
            for axis in line:
                axis.set_xscale("symlog", linthresh=1)
                axis.set_xlim(left=0)
                axis.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        for axis in axes[-1]:
            axis.set_xlabel("epoch")
        models = list(dict.fromkeys(rows["model"]))
        handles = [plt.Line2D([], [], color=_colour(model), label=model) for model in models]
        handles += [
            plt.Line2D([], [], color="0.3", linestyle=s, label=n) for n, s in (("training", "-"), ("test", "--"))
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
        _source(figure, source)
        save(figure, svg, png)


def _bands(axis: plt.Axes, rows: pandas.DataFrame, style: str) -> None:
    for model, curve in rows.groupby("model", sort=False):
        by_epoch = curve.groupby("epoch")["value"]
        mean, error = by_epoch.mean(), by_epoch.sem().fillna(0)
        axis.plot(mean.index, mean, style, color=_colour(model), linewidth=1.2)
        axis.fill_between(mean.index, mean - error, mean + error, color=_colour(model), alpha=0.2, linewidth=0)


def _positions(values: pandas.Series, grid: np.ndarray) -> np.ndarray:
    """Places on an axis on which the values of the grid stand at equal distances, zero among them."""
    return np.searchsorted(grid, values.to_numpy())


def _colour(model: str) -> str:
    """A model's own colour; models beyond the paper's take the remaining colours of the palette by name."""
    spare = ("#F0E442", "#999999", "#000000")
    return MODEL_COLOURS.get(model, spare[sum(map(ord, model)) % len(spare)])


def _plain_logarithmic(axis: matplotlib.axis.Axis) -> None:
    """Ticks at 1, 2 and 5 times powers of ten, written as plain numbers."""
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(ticker.NullFormatter())


def _source(figure: plt.Figure, text: str) -> None:
    characters = int(CHARACTERS_PER_INCH * figure.get_size_inches()[0])
    figure.supxlabel(textwrap.fill(text, characters), fontsize=6, color="0.35")
