"""The paper's figures, one function each, drawn from tidy tables only.

Colours are Okabe and Ito's palette, which colour-blind readers can tell apart; a model has the same colour in every figure.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.axis
import numpy as np
import pandas

matplotlib.use("agg")

import matplotlib.pyplot as plt
from matplotlib import ticker

from rate_distortion.storage import files

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
SPARE_COLOURS = ("#000000", "#999999", "#F0E442")
MOST_CLASSES = 30
"""Classes that figure 4 has room for: three rows of ten for each model."""

RIGHT, WRONG = "#0072B2", "#D55E00"
ORIGINAL, RANDOM = "#0072B2", "#D55E00"
INFORMATION, ACCURACY = "#00306B", "#56B4E9"
NOISE_STYLES = {"l2": ("-", "L₂"), "linf": ("--", "L∞"), "gaussian": (":", "Gaussian")}

STYLE = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "savefig.dpi": 200,
    "svg.hashsalt": "rate-distortion",  # the same picture gives the same file
    "svg.fonttype": "none",
}


def figure4_rows(
    examples: Mapping[str, np.ndarray],
    probabilities: np.ndarray,
    transmitted: Mapping[str, tuple[np.ndarray, pandas.DataFrame]] | None = None,
) -> pandas.DataFrame:
    """What figure 4 draws, one row per pixel.

    Part "a" is the first test image of each class with the model's prediction and its confidence; part "b", for every given
    model, the image that each label was transmitted to in reverse with the confidence that it reached. Of more than
    :data:`MOST_CLASSES` classes the first are shown.

    Args:
        examples: the first test image of each class (:func:`datasets.prepared_data.first_of_each_class`); of several
            channels the mean is shown.
        probabilities: the model's class probabilities for every test image, (N, classes).
        transmitted: model -> (images (K, C, H, W), the rows of its reverse_transmission.csv).
    """
    frames = []
    shown = zip(examples["images"], examples["labels"].tolist(), examples["places"].tolist(), strict=True)
    for image, label, index in itertools.islice(shown, MOST_CLASSES):
        says = int(probabilities[index].argmax()), 100.0 * float(probabilities[index].max())
        frames.append(_pixels(image, part="a", model="", label=label, image=index, says=says, steps=0))
    for model, (patterns, rows) in (transmitted or {}).items():
        for row in rows.head(MOST_CLASSES).itertuples():
            says = int(row.predicted), 100.0 * float(row.confidence)
            pattern = patterns[row.label]
            frames.append(
                _pixels(pattern, part="b", model=model, label=row.label, image=-1, says=says, steps=row.steps)
            )
    return pandas.concat(frames, ignore_index=True)


def figure4(rows: pandas.DataFrame, source: str, svg: str | Path, png: str | Path) -> None:
    """Figure 4: (a) preprocessed test images with prediction and confidence; (b) labels transmitted in reverse.

    One line of (b) per model; under each image the confidence in its label and the steps that it took.
    """
    lines = [(part, model, cell) for (part, model), cell in rows.groupby(["part", "model"], sort=False, dropna=False)]
    columns = min(10, rows["label"].nunique())
    depth = -(-rows["label"].nunique() // columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            depth * len(lines),
            columns,
            figsize=(TEXT_WIDTH_INCHES, 0.35 + 0.98 * depth * len(lines)),
            squeeze=False,
            layout="compressed",
        )
        for axis in axes.flat:
            axis.set_axis_off()
        for line, (part, model, cell) in enumerate(lines):
            places = axes[depth * line : depth * (line + 1)].flat
            for axis, (label, pixels) in zip(places, cell.groupby("label", sort=True), strict=False):
                _draw_image(axis, pixels, label, part)
            name = "(a)" if part == "a" else f"(b) {model}"
            axes[depth * line][0].text(
                -0.12,
                0.5,
                name,
                transform=axes[depth * line][0].transAxes,
                rotation=90,
                ha="center",
                va="center",
                fontsize=7,
            )
        add_source(figure, source)
        save(figure, svg, png)


def _pixels(
    picture: np.ndarray, part: str, model: str, label: int, image: int, says: tuple[int, float], steps: int
) -> pandas.DataFrame:
    """One row per pixel of an image (C, H, W), with what the model says of it: (class, confidence in percent)."""
    grey = np.asarray(picture, np.float64).mean(axis=0)
    row, column = np.indices(grey.shape)
    return pandas.DataFrame(
        {
            "part": part,
            "model": model,
            "label": label,
            "image": image,
            "predicted_class": says[0],
            "confidence_percent": says[1],
            "steps": steps,
            "row": row.ravel(),
            "column": column.ravel(),
            "intensity": grey.ravel(),
        }
    )


def _draw_image(axis: plt.Axes, pixels: pandas.DataFrame, label: int, part: str) -> None:
    """An image on a symmetric grey scale, its label above and what the model says of it below."""
    picture = pixels["intensity"].to_numpy().reshape(pixels["row"].max() + 1, -1)
    limit = np.abs(picture).max()
    axis.imshow(picture, cmap="gray", vmin=-limit, vmax=limit, interpolation="nearest")
    first = pixels.iloc[0]
    right = first["predicted_class"] == label
    says = f"{first['predicted_class']}: {first['confidence_percent']:.1f} %"
    if part == "a":
        axis.set_title(f"label {label}", pad=2)
    else:
        says = f"{first['confidence_percent']:.1f} %\n{first['steps']} steps"
    axis.text(
        0.5,
        -0.06,
        says,
        color=RIGHT if right else WRONG,
        weight="normal" if right else "bold",
        fontsize=7,
        ha="center",
        va="top",
        transform=axis.transAxes,
    )


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
        figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=7)
        add_source(figure, source)
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
    models = list(dict.fromkeys(rows["model"]))
    colours = model_colours(models)
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
                    _bands(axis, own[own["quantity"] == f"{split}_{quantity}"], style, colours)
                axis.set_ylabel(f"{kind} labels: {unit}")
            line[1].set_yscale("log")
            _plain_logarithmic(line[1].yaxis)
            _bands(line[2], total[total["labels"] == kind], "-", colours)
            line[2].set_ylabel("weight norm ||w||₂")
            for axis in line:
                axis.set_xscale("symlog", linthresh=1)
                axis.set_xlim(left=0)
                axis.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        for axis in axes[-1]:
            axis.set_xlabel("epoch")
        handles = [plt.Line2D([], [], color=colours[model], label=model) for model in models]
        handles += [
            plt.Line2D([], [], color="0.3", linestyle=s, label=n) for n, s in (("training", "-"), ("test", "--"))
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
        add_source(figure, source)
        save(figure, svg, png)


def _bands(axis: plt.Axes, rows: pandas.DataFrame, style: str, colours: Mapping[str, str]) -> None:
    for model, curve in rows.groupby("model", sort=False):
        by_epoch = curve.groupby("epoch")["value"]
        mean, error = by_epoch.mean(), by_epoch.sem().fillna(0)
        axis.plot(mean.index, mean, style, color=colours[model], linewidth=1.2)
        axis.fill_between(mean.index, mean - error, mean + error, color=colours[model], alpha=0.2, linewidth=0)


def _positions(values: pandas.Series, grid: np.ndarray) -> np.ndarray:
    """Places on an axis on which the values of the grid stand at equal distances, zero among them."""
    return np.searchsorted(grid, values.to_numpy())


def model_colours(models: Sequence[str]) -> dict[str, str]:
    """A colour for every model: the paper's have their own; others take what is left of the palette, in the order given."""
    taken = [MODEL_COLOURS[model] for model in models if model in MODEL_COLOURS]
    palette = [*MODEL_COLOURS.values(), *SPARE_COLOURS]
    spare = itertools.cycle([colour for colour in palette if colour not in taken] or palette)
    return {model: MODEL_COLOURS[model] if model in MODEL_COLOURS else next(spare) for model in models}


def _plain_logarithmic(axis: matplotlib.axis.Axis) -> None:
    """Ticks at 1, 2 and 5 times powers of ten, written as plain numbers."""
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(ticker.NullFormatter())


def add_source(figure: plt.Figure, text: str) -> None:
    """Write the line under a figure that says what it shows."""
    characters = int(CHARACTERS_PER_INCH * figure.get_size_inches()[0])
    figure.supxlabel(textwrap.fill(text, characters), fontsize=6, color="0.35")


def figure5(rows: pandas.DataFrame, panels: Mapping[str, str], source: str, svg: str | Path, png: str | Path) -> None:
    """Figure 5: information (left axis) and accuracy (right axis) against signal-to-noise ratio, three kinds of noise.

    Args:
        rows: one row per panel, noise, seed and ratio (:func:`analysis.fault_tolerance.curves`, with a column panel).
        panels: panel -> title, in the order to draw.
        source: the line under the figure.
    """
    with plt.rc_context(STYLE | {"axes.spines.right": True}):
        figure, axes = plt.subplots(
            1, len(panels), figsize=(TEXT_WIDTH_INCHES, 2.7), squeeze=False, layout="constrained", sharey=True
        )
        top = 1.08 * rows["information_bits"].max()
        for number, (axis, (panel, title)) in enumerate(zip(axes.flat, panels.items(), strict=True)):
            own, right = rows[rows["panel"] == panel], axis.twinx()
            for noise, (style, _) in NOISE_STYLES.items():
                curve = own[own["noise"] == noise]
                _band(axis, curve, "information_bits", INFORMATION, style)
                _band(right, curve, "accuracy_percent", ACCURACY, style)
            floor = own.groupby("snr_db")["floor_bits"].mean()
            axis.plot(floor.index, floor, color="0.6", linewidth=0.8)
            axis.set(title=title, xlabel="signal-to-noise ratio (dB)", xlim=(rows["snr_db"].max(), 0), ylim=(0, top))
            right.set_ylim(0, 100)
            axis.tick_params(axis="y", colors=INFORMATION)
            right.tick_params(axis="y", colors=ACCURACY, labelright=number == len(panels) - 1)
            if number == 0:
                axis.set_ylabel("I(prediction; label) (bits)", color=INFORMATION)
            if number == len(panels) - 1:
                right.set_ylabel("accuracy (%)", color=ACCURACY)
        handles = [
            plt.Line2D([], [], color="0.2", linestyle=style, label=name) for style, name in NOISE_STYLES.values()
        ]
        handles.append(plt.Line2D([], [], color="0.6", linewidth=0.8, label="information floor"))
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
        add_source(figure, source)
        save(figure, svg, png)


def _band(axis: plt.Axes, curve: pandas.DataFrame, column: str, colour: str, style: str) -> None:
    """Mean over seeds with a band of one standard error, over the ratios that every seed reached."""
    by_ratio = curve.groupby("snr_db")[column]
    complete = by_ratio.count() == curve["seed"].nunique()
    mean, error = by_ratio.mean()[complete], by_ratio.sem()[complete].fillna(0)
    axis.plot(mean.index, mean, color=colour, linestyle=style, linewidth=1.2)
    axis.fill_between(mean.index, mean - error, mean + error, color=colour, alpha=0.2, linewidth=0)
