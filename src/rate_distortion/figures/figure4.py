"""Figure 4: (a) test images with prediction and confidence; (b) labels transmitted in reverse (section 4.4)."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from rate_distortion.analysis.records import disambiguate
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing, style
from rate_distortion.storage import files, provenance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES = 30
"""Classes that the figure has room for: three rows of ten for each model."""
SIDE_INCHES, WORDS_INCHES, MARGIN_INCHES = 0.46, 0.42, 0.28
"""Side of an image; height of the words around it; margin left of the first image."""
LEGEND = (
    (style.RIGHT, "✓ (a) the predicted class is the label; (b) full confidence was reached"),
    (style.WRONG, "✗ (a) another class is predicted; (b) full confidence was never reached"),
    (style.INK, "below an image: (a) predicted class and its confidence;"),
    (style.INK, "(b) confidence in the label, and steps taken (with ✗: all steps allowed)"),
)


def make(
    *,
    examples: str | Path,
    dataset: str | Path,
    predictions: str | Path,
    reverse_transmission: Sequence[str | Path],
    study: Mapping[str, Any],
    shown: Mapping[str, Any],
) -> Drawing:
    """Figure 4.

    Args:
        examples: the first test image of each class (:func:`datasets.prepared_data.first_of_each_class`).
        dataset: a file in the folder of the prepared data.
        predictions: predictions.npz of the run of (a).
        reverse_transmission: reverse_transmission.csv of every run of (b), whose folder says its model and batch size; the
            images lie beside it.
        study: name, seeds, epochs.
        shown: model and batch_size of (a).

    Raises:
        storage.files.DamagedFileError: the predictions are not as their run left them.
    """
    data = prepared_data.describe(Path(dataset).parent)
    probabilities = files.read_arrays(provenance.verified(predictions))["test_probabilities"]
    folders = [Path(path).parent for path in reverse_transmission]
    sizes = [int(folder.parts[-3].removeprefix("batch")) for folder in folders]
    transmitted = {
        name: (
            files.read_arrays(folder / "reverse_transmission.npz")["images"],
            files.read_table(folder / "reverse_transmission.csv"),
        )
        for name, folder in zip(disambiguate([folder.parts[-4] for folder in folders], sizes), folders, strict=True)
    }
    rows = tidy(files.read_arrays(examples), probabilities, transmitted)
    run = f"(a) model {shown['model']}, batch size {shown['batch_size']}; seed {study['seeds'][0]}"
    if data["classes"] > MOST_CLASSES:
        run += f"; the first {MOST_CLASSES} of {data['classes']} classes"
    return style.drawing(rows, functools.partial(draw, rows, style.source_line(study, data, run)))


def tidy(
    examples: Mapping[str, np.ndarray],
    probabilities: np.ndarray,
    transmitted: Mapping[str, tuple[np.ndarray, pandas.DataFrame]] | None = None,
) -> pandas.DataFrame:
    """What is drawn, one row per pixel.

    Part "a" is the first test image of each class with the model's prediction and its confidence; part "b", for every given
    model, the image that each label was transmitted to in reverse, with the confidence in the label, the steps and whether they
    reached full confidence. Of more than :data:`MOST_CLASSES` classes the first are shown.

    Args:
        examples: the first test image of each class; of several channels the mean is shown.
        probabilities: the model's class probabilities for every test image, (N, classes).
        transmitted: model -> (images (K, C, H, W), the rows of its reverse_transmission.csv).
    """
    frames = []
    shown = zip(examples["images"], examples["labels"].tolist(), examples["places"].tolist(), strict=True)
    for image, label, index in itertools.islice(shown, MOST_CLASSES):
        says = int(probabilities[index].argmax()), 100.0 * float(probabilities[index].max())
        frames.append(_pixels(image, says, part="a", model="", label=label, image=index, steps=0, reached=None))
    for model, (patterns, rows) in (transmitted or {}).items():
        for row in rows.head(MOST_CLASSES).itertuples():
            says = int(row.predicted), 100.0 * float(row.confidence)
            taken = {"steps": row.steps, "reached": bool(row.reached)}
            frames.append(_pixels(patterns[row.label], says, part="b", model=model, label=row.label, image=-1, **taken))
    return pandas.concat(frames, ignore_index=True)


def _pixels(
    picture: np.ndarray, says: tuple[int, float], steps: int, reached: bool | None, **identity: Any
) -> pandas.DataFrame:
    """One row per pixel of an image (C, H, W), with what the model says of it: (class, confidence in percent)."""
    grey = np.asarray(picture, np.float64).mean(axis=0)
    row, column = np.indices(grey.shape)
    return pandas.DataFrame(
        {
            **identity,
            "predicted_class": says[0],
            "confidence_percent": says[1],
            "steps": steps,
            "reached": reached,
            "row": row.ravel(),
            "column": column.ravel(),
            "intensity": grey.ravel(),
        }
    )


def draw(rows: pandas.DataFrame, source: str) -> Figure:
    """(a) in the first line, then (b), a line per model; what is said of an image stands below it.

    Args:
        rows: as :func:`tidy` returns them.
        source: the lines under the figure.
    """
    lines = [(part, model, cell) for (part, model), cell in rows.groupby(["part", "model"], sort=False, dropna=False)]
    columns = min(10, rows["label"].nunique())
    depth = -(-rows["label"].nunique() // columns)
    pitch, head, gap = SIDE_INCHES + WORDS_INCHES, 0.78, 0.16
    body = head + gap + depth * len(lines) * pitch
    figure = style.new_figure(body, layout=None)  # images of a fixed size leave a layout engine nothing to arrange
    height = body + style.add_source(figure, source)
    width = style.DOUBLE_COLUMN
    place = (width - MARGIN_INCHES) / columns if columns == 10 else (width - MARGIN_INCHES) / max(columns, 6)
    for number, (colour, words) in enumerate(LEGEND):
        figure.text(0.01, 1 - (0.05 + 0.17 * number) / height, words, color=colour, va="top")
    for line, (part, model, cell) in enumerate(lines):
        top = head + gap + depth * line * pitch
        name = "(a)" if part == "a" else f"(b) {model}"
        figure.text(
            0.1 / width,
            1 - (top + SIDE_INCHES / 2) / height,
            name,
            rotation=90,
            ha="center",
            va="center",
        )
        for number, (label, pixels) in enumerate(cell.groupby("label", sort=True)):
            left = MARGIN_INCHES + place * (number % columns + 0.5) - SIDE_INCHES / 2
            bottom = top + (number // columns) * pitch + SIDE_INCHES
            axis = figure.add_axes((left / width, 1 - bottom / height, SIDE_INCHES / width, SIDE_INCHES / height))
            _draw_image(axis, pixels)
            if part == "a":
                axis.set_title(f"label {label}", pad=2, fontsize="medium")
    return figure


def _draw_image(axis: Axes, pixels: pandas.DataFrame) -> None:
    """An image on a symmetric grey scale, and what the model says of it; by matplotlib, as a heat map's cells are no pixels."""
    picture = pixels["intensity"].to_numpy().reshape(pixels["row"].max() + 1, -1)
    limit = np.abs(picture).max()
    axis.imshow(picture, cmap="gray", vmin=-limit, vmax=limit, interpolation="nearest", aspect="auto")
    axis.set_axis_off()
    first = pixels.iloc[0]
    confidence = f"{first['confidence_percent']:.1f}\u202f%".replace("100.0", "100")  # there is little room
    if first["part"] == "a":
        right = first["predicted_class"] == first["label"]
        said = f"{_mark(right)} {first['predicted_class']}\n{confidence}"
    else:
        right = first["reached"]
        said = f"{confidence}\n{_mark(right)} {first['steps']}"
    colour = style.RIGHT if right else style.WRONG
    axis.text(0.5, -0.06, said, color=colour, ha="center", va="top", transform=axis.transAxes)


def _mark(right: bool) -> str:
    return "✓" if right else "✗"
