"""Figure 6 and its animation: every training image in the layer of two units, by variant and epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from matplotlib import animation, patheffects
from matplotlib.lines import Line2D

from rate_distortion.figures import Drawing
from rate_distortion.figures.style import STYLE, add_source, plt, save
from rate_distortion.storage import files, provenance

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
PANEL_INCHES = 1.6
ANIMATED_POINTS = 2000
"""Of each panel: more would make a file of many megabytes out of noise that compresses badly."""
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


def figure6_rows(embeddings: Mapping[str, Embedding], epochs: Sequence[int]) -> pandas.DataFrame:
    """What figure 6 draws, one row per panel and training image: variant, epoch, label, x and y to a hundredth.

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


def figure6(rows: pandas.DataFrame, source: str, svg: str | Path, png: str | Path) -> None:
    """Figure 6: epochs below one another, variants side by side, a colour for each label.

    The points are a picture inside the SVG; a panel says how many of its points lie outside the axes.

    Args:
        rows: :func:`figure6_rows`.
        source: the line under the figure.
    """
    variants, epochs = rows["variant"].unique(), rows["epoch"].unique()
    with plt.rc_context(STYLE | {"savefig.dpi": 300, "axes.spines.top": True, "axes.spines.right": True}):
        figure, axes = _panels(len(epochs), variants)
        for (variant, epoch), panel in rows.groupby(["variant", "epoch"], sort=False):
            axis = axes[np.flatnonzero(epochs == epoch)[0], np.flatnonzero(variants == variant)[0]]
            points, labels = panel[["x", "y"]].to_numpy(), panel["label"].to_numpy()
            _scatter(axis, points, labels)
            _name_clusters(axis, points, labels)
            _say_outside(axis, points)
        for axis, epoch in zip(axes[:, 0], epochs, strict=True):
            axis.set_ylabel(f"epoch {epoch}\n\nunit 2")
        for axis in axes[-1]:
            axis.set_xlabel("unit 1", labelpad=1)
        _legend(figure, np.unique(rows["label"]), len(variants))
        add_source(figure, source)
        _arrange(figure)
        save(figure, svg, png)


def source_line(study: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """The line under the figure: study, data, scale and the network.

    Args:
        study: name, epochs, encoder_widths, decoder_widths, weight_decay, beta.
        run: the metrics of a run.
    """
    widths = "-".join(map(str, (*study["encoder_widths"], 2, *study["decoder_widths"])))
    return (
        f"Study {study['name']}: {run['dataset']}, all {run['train_images']:,} training images, {study['epochs']} epochs; "
        f"units {widths}, learning rate {run['learning_rate']}, λ = {study['weight_decay']}, β = {study['beta']}; "
        f"seed {run['seed']}, without noise"
    )


def animate(embeddings: Mapping[str, Embedding], source: str, gif: str | Path) -> None:
    """The same panels side by side, one frame for each recorded epoch, as a GIF that repeats.

    Args:
        embeddings: variant -> the embedding of one seed; all with the same epochs and labels.
        source: the line under the picture.
    """
    epochs = next(iter(embeddings.values())).epochs
    with plt.rc_context(STYLE | {"axes.spines.top": True, "axes.spines.right": True}):
        figure, (axes,) = _panels(1, list(embeddings))
        labels = next(iter(embeddings.values())).labels
        shown = np.linspace(0, len(labels) - 1, min(ANIMATED_POINTS, len(labels))).astype(int)
        dots = [
            _scatter(axis, embedding.points[0, shown], labels[shown], size=2.0)
            for axis, embedding in zip(axes, embeddings.values(), strict=True)
        ]
        axes[0].set_ylabel("unit 2")
        for axis in axes:
            axis.set_xlabel("unit 1", labelpad=1)
        said = axes[0].text(0.03, 0.03, "", transform=axes[0].transAxes, fontsize=8, path_effects=_halo())
        _legend(figure, np.unique(labels), len(embeddings))
        add_source(figure, source)

        def draw(frame: int) -> None:
            said.set_text(f"epoch {epochs[frame]}")
            for collection, embedding in zip(dots, embeddings.values(), strict=True):
                collection.set_offsets(embedding.points[frame, shown])

        _arrange(figure)
        with files.completed(gif) as temporary:
            pictures = animation.FuncAnimation(figure, draw, frames=len(epochs), init_func=lambda: None)
            pictures.save(temporary, writer=animation.PillowWriter(fps=FRAMES_PER_SECOND), dpi=100)
        plt.close(figure)


def _panels(lines: int, variants: Sequence[str]) -> tuple[plt.Figure, np.ndarray]:
    size = (PANEL_INCHES * len(variants) + 0.7, PANEL_INCHES * lines + 1.0)
    figure, axes = plt.subplots(
        lines, len(variants), figsize=size, squeeze=False, sharex=True, sharey=True, layout="compressed"
    )
    for axis, variant in zip(axes[0], variants, strict=True):
        axis.set_title(PANELS[variant])
    for axis in axes.flat:
        axis.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), xticks=(-LIMIT, 0, LIMIT), yticks=(-LIMIT, 0, LIMIT))
        axis.set_aspect("equal")
        axis.tick_params(labelsize=6, length=2, pad=1)
    return figure, axes


def _arrange(figure: plt.Figure) -> None:
    """Lay the panels out once and for all; every drawing would do it again."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def _scatter(axis: plt.Axes, points: np.ndarray, labels: np.ndarray, size: float | None = None):
    """Dots in the order of the images, so that no class lies on top; smaller the more there are."""
    size = size or float(np.clip(4000 / len(points), 0.15, 3.0))
    colours = np.array(LABEL_COLOURS)[labels % len(LABEL_COLOURS)]
    return axis.scatter(*points.T, s=size, c=colours, linewidths=0, rasterized=True)


def _name_clusters(axis: plt.Axes, points: np.ndarray, labels: np.ndarray) -> None:
    """Each label at the median of its points."""
    for label in np.unique(labels):
        x, y = np.median(points[labels == label], axis=0)
        if max(abs(x), abs(y)) < LIMIT:
            axis.text(
                x, y, str(label), fontsize=6, weight="bold", ha="center", va="center",
                color=LABEL_COLOURS[label % len(LABEL_COLOURS)], path_effects=_halo(),
            )  # fmt: skip


def _say_outside(axis: plt.Axes, points: np.ndarray) -> None:
    outside = 100 * float((np.abs(points) > LIMIT).any(axis=1).mean())
    if outside > 0:
        shown = f"{outside:.1f}" if outside >= 0.1 else "< 0.1"
        axis.text(
            0.98, 0.02, f"{shown} % outside", transform=axis.transAxes, fontsize=5, ha="right", path_effects=_halo()
        )


def _halo() -> list[patheffects.AbstractPathEffect]:
    return [patheffects.withStroke(linewidth=1.5, foreground="white")]


def _legend(figure: plt.Figure, labels: np.ndarray, panels: int) -> None:
    """One entry for each label, in as many lines as the width of the panels needs."""
    handles = [
        Line2D([], [], marker="o", linestyle="", markersize=4, color=LABEL_COLOURS[label % len(LABEL_COLOURS)], label=label)
        for label in labels.tolist()
    ]  # fmt: skip
    figure.legend(
        handles=handles, loc="outside upper center", ncols=min(len(handles), 4 * panels), frameon=False, fontsize=7,
        handletextpad=0, columnspacing=0.8, title="label of the training image", title_fontsize=7,
    )  # fmt: skip


def make(embeddings: list[str], metrics: list[str], study: dict) -> Drawing:
    """What is drawn, and how."""
    loaded = dict(zip(study["variants"], map(Embedding.load, embeddings), strict=True))
    rows = figure6_rows(loaded, study["figure_epochs"])
    run = files.read_json(metrics[0])
    source = source_line(study, run)
    return Drawing(rows, lambda svg, png: figure6(rows, source, svg, png), lambda gif: animate(loaded, source, gif))
