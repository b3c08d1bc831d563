"""The paper's figures, one function each, drawn from tidy tables only.

Colours are Okabe and Ito's palette, which colour-blind readers can tell apart; a model has the same colour in every figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas

matplotlib.use("agg")

import matplotlib.pyplot as plt

from rate_distortion import files

TEXT_WIDTH_INCHES = 7.0
MODEL_COLOURS = {
    "A": "#D55E00",
    "A+": "#E69F00",
    "A-BN": "#CC79A7",
    "B": "#0072B2",
    "B+": "#56B4E9",
    "C": "#009E73",
}
RIGHT, WRONG = "#0072B2", "#D55E00"

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
            lines, columns, figsize=(TEXT_WIDTH_INCHES, 0.55 + 1.15 * lines), squeeze=False, layout="constrained"
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
        figure.supxlabel(source, fontsize=6.5, color="0.35")
        save(figure, svg, png)


def source_line(study: Mapping[str, Any], data: Mapping[str, Any], shown: Mapping[str, Any]) -> str:
    """The line under a figure that says study, data, model, seed and scale."""
    trained_on = sum(data["images"][split] for split in data["train_on"].split("+"))
    return (
        f"Study {study['name']}: {data['description']}, {trained_on:,} training images, {study['epochs']} epochs; "
        f"model {shown['model']}, batch size {shown['batch_size']}, seed {study['seeds'][0]}"
    )


def save(figure: plt.Figure, svg: str | Path, png: str | Path) -> None:
    """Write a figure as SVG and PNG, without a date, and close it."""
    for path, metadata in ((svg, {"Date": None}), (png, {"Software": None})):
        with files.completed(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
    plt.close(figure)
