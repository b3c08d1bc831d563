"""Figure 6 and its animation: every training image in the layer of two units, by variant and epoch."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from rate_distortion.figures import Drawing, style
from rate_distortion.storage import files, provenance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

LIMIT = 10
"""The axes of the paper end at -10 and 10."""
LABEL_COLOURS = (
    "#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499", "#555555",
)  # fmt: skip
"""Paul Tol's muted palette, which colour-blind readers can tell apart, and a grey."""
PANELS = {
    "none": "(a) no normalization",
    "batch": "(b) batch normalization",
    "batch_without_scale": "(c) without scale γ",
}
ROW_INCHES = 1.62
WIDEST_NUMBER = 1.6
"""Room that the number of a class needs, in units of the axes."""
ANIMATED_POINTS = 2000
"""Points per panel of the animation; more would make a file of many megabytes, since noise compresses badly."""
FRAMES_PER_SECOND = 6


@dataclass(frozen=True)
class Embedding:
    """The recorded embeddings of one run: epochs (E,), points (E, N, 2), labels (N,)."""

    epochs: np.ndarray
    points: np.ndarray
    labels: np.ndarray

    @classmethod
    def load(cls, path: str | Path) -> Embedding:
        """From a run's embedding.npz.

        Raises:
            files.DamagedFileError: it is not as the training left it.
        """
        stored = files.read_arrays(provenance.verified(path))
        return cls(stored["epochs"], stored["embedding"], stored["labels"])

    def at(self, epoch: int) -> np.ndarray:
        """The points at a recorded epoch, (N, 2)."""
        return self.points[int(np.flatnonzero(self.epochs == epoch)[0])]


def make(*, embeddings: Sequence[str | Path], metrics: Sequence[str | Path], study: Mapping[str, Any]) -> Drawing:
    """Figure 6 and its animation.

    Args:
        embeddings: embedding.npz of one seed, in the order of the study's variants.
        metrics: metrics.json of the same runs.
        study: name, variants, epochs, figure_epochs, encoder_widths, decoder_widths, weight_decay, beta.
    """
    loaded = dict(zip(study["variants"], map(Embedding.load, embeddings), strict=True))
    rows = tidy(loaded, study["figure_epochs"])
    source = source_line(study, files.read_json(metrics[0]))
    still = style.drawing(rows, functools.partial(draw, rows, source))
    return Drawing(rows, still.save, functools.partial(animate, loaded, source))


def tidy(embeddings: Mapping[str, Embedding], epochs: Sequence[int]) -> pandas.DataFrame:
    """What is drawn, one row per panel and training image: variant, epoch, label, x and y to a hundredth.

    A hundredth is a quarter of a pixel of the picture.

    Args:
        embeddings: variant -> the embedding of one seed.
        epochs: the rows of the figure.
    """
    return pandas.concat(
        [
            pandas.DataFrame(
                {
                    "variant": variant,
                    "epoch": epoch,
                    "label": embedding.labels,
                    **dict(zip("xy", embedding.at(epoch).astype(np.float64).round(2).T, strict=True)),
                }
            )
            for variant, embedding in embeddings.items()
            for epoch in epochs
        ],
        ignore_index=True,
    )


def source_line(study: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """The lines under the figure: study, data, scale and the network.

    Args:
        study: name, epochs, encoder_widths, decoder_widths, weight_decay, beta.
        run: the metrics of a run.
    """
    widths = "-".join(map(str, (*study["encoder_widths"], 2, *study["decoder_widths"])))
    return (
        f"Study {study['name']}: {run['dataset']}, all {run['train_images']:,} training images, {study['epochs']} epochs; "
        f"units {widths}, learning rate {run['learning_rate']}, λ = {study['weight_decay']}, β = {study['beta']}; "
        f"seed {run['seed']}, without noise"
    ).replace(" = ", "\u00a0=\u00a0")


def draw(rows: pandas.DataFrame, source: str) -> Figure:
    """Epochs below one another, variants side by side, a colour and a number for each label.

    The dots are a picture inside the SVG; a panel says how many of its points lie outside the axes.

    Args:
        rows: as :func:`tidy` returns them.
        source: the lines under the figure.
    """
    variants, epochs = list(dict.fromkeys(rows["variant"])), list(dict.fromkeys(rows["epoch"]))
    figure, axes = _panels(len(epochs), variants, np.unique(rows["label"]))
    for (variant, epoch), panel in rows.groupby(["variant", "epoch"], sort=False):
        axis = axes[epochs.index(epoch), variants.index(variant)]
        points, labels = panel[["x", "y"]].to_numpy(), panel["label"].to_numpy()
        _scatter(axis, points, labels)
        _number_clusters(axis, points, labels)
        said = _outside(points)
        axis.set_title(f"{PANELS[variant]}\n{said}" if epoch == epochs[0] else said, pad=3)
    for axis, epoch in zip(axes[:, 0], epochs, strict=True):
        axis.set_ylabel(f"epoch {epoch}\nunit 2 (no unit)")
    style.add_source(figure, source)
    return figure


def animate(embeddings: Mapping[str, Embedding], source: str, gif: str | Path) -> None:
    """The same panels side by side, one frame for each recorded epoch, as a GIF that repeats; seaborn has no animations.

    Args:
        embeddings: variant -> the embedding of one seed; all with the same epochs and labels.
        source: the lines under the picture.
    """
    from matplotlib import animation
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    first = next(iter(embeddings.values()))
    epochs, labels = first.epochs, first.labels
    shown = np.linspace(0, len(labels) - 1, min(ANIMATED_POINTS, len(labels))).astype(int)
    with style.theme():
        figure, (axes,) = _panels(1, list(embeddings), np.unique(labels))
        FigureCanvasAgg(figure)
        dots = [
            _scatter(axis, embedding.points[0, shown], labels[shown], size=3.0)
            for axis, embedding in zip(axes, embeddings.values(), strict=True)
        ]
        for axis, variant in zip(axes, embeddings, strict=True):
            axis.set_title(PANELS[variant])
        said = axes[0].set_ylabel(f"epoch {epochs[-1]}\nunit 2 (no unit)")
        style.add_source(figure, source)

        def show(frame: int) -> None:
            said.set_text(f"epoch {epochs[frame]}\nunit 2 (no unit)")
            for collection, embedding in zip(dots, embeddings.values(), strict=True):
                collection.set_offsets(embedding.points[frame, shown])

        style.settle(figure)
        with files.completed(gif) as temporary:
            pictures = animation.FuncAnimation(figure, show, frames=len(epochs), init_func=lambda: None)
            pictures.save(temporary, writer=animation.PillowWriter(fps=FRAMES_PER_SECOND), dpi=120)


def _panels(lines: int, variants: Sequence[str], labels: np.ndarray) -> tuple[Figure, np.ndarray]:
    """Empty panels under a legend of the labels."""
    figure = style.new_figure(0.8 + ROW_INCHES * lines, layout="compressed")
    axes = figure.subplots(lines, len(variants), squeeze=False, sharex=True, sharey=True)
    for axis in axes.flat:
        axis.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), xticks=(-LIMIT, 0, LIMIT), yticks=(-LIMIT, 0, LIMIT))
        axis.set_aspect("equal")
        axis.spines[["top", "right"]].set_visible(True)
        axis.tick_params(length=2, pad=2)
        axis.tick_params(axis="x", pad=5)
    for axis in axes[-1]:
        axis.set_xlabel("unit 1 (no unit)", labelpad=1)
    handles = [style.key(str(label), marker="o", linestyle="", color=_colour(label)) for label in labels.tolist()]
    style.add_legend(
        figure,
        handles,
        columns=min(len(handles), 10),
        title="label of the training image",
        handletextpad=0,
        columnspacing=1.0,
    )
    return figure, axes


def _colour(label: int) -> str:
    return LABEL_COLOURS[label % len(LABEL_COLOURS)]


def _scatter(axis: Axes, points: np.ndarray, labels: np.ndarray, size: float | None = None) -> PathCollection:
    """Dots in the order of the images, so that no class lies on top; smaller the more there are."""
    import seaborn

    size = size or float(np.clip(4000 / len(points), 0.15, 4.0))
    palette = {label: _colour(label) for label in np.unique(labels).tolist()}
    seaborn.scatterplot(
        x=points[:, 0],
        y=points[:, 1],
        hue=labels,
        palette=palette,
        s=size,
        linewidth=0,
        legend=False,
        rasterized=True,
        ax=axis,
    )
    return axis.collections[-1]


def _number_clusters(axis: Axes, points: np.ndarray, labels: np.ndarray) -> None:
    """Each label at the median of its points, unless that lies outside or under another number; whole inside the axes."""
    from matplotlib import patheffects

    placed: list[np.ndarray] = []
    for label in np.unique(labels):
        middle = np.median(points[labels == label], axis=0)
        if np.abs(middle).max() >= LIMIT:
            continue
        middle = np.clip(middle, WIDEST_NUMBER / 2 - LIMIT, LIMIT - WIDEST_NUMBER / 2)
        if any(np.abs(middle - other).max() < WIDEST_NUMBER for other in placed):
            continue
        placed.append(middle)
        axis.text(
            *middle, str(label), weight="bold", ha="center", va="center", color=style.INK,
            path_effects=[patheffects.withStroke(linewidth=2, foreground="white")],
        )  # fmt: skip


def _outside(points: np.ndarray) -> str:
    """How many points lie outside the axes, in words."""
    outside = 100 * float((np.abs(points) > LIMIT).any(axis=1).mean())
    if outside == 0:
        return "all inside"
    return f"{outside:.1f} % outside" if outside >= 0.1 else "< 0.1 % outside"
