"""Figures 2 and 3, of the multilayer perceptrons of Section 4: what they draw as tidy tables, and the drawing.

Colours of layers are Okabe and Ito's palette, in the place of the paper's red, cyan and so on; the last layer is black, as
there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from rate_distortion.analysis import gradient_snr
from rate_distortion.figures.style import STYLE, TEXT_WIDTH_INCHES, add_source, plt, save

EARLY_COLOURS = ("#D55E00", "#56B4E9", "#009E73", "#E69F00", "#CC79A7", "#0072B2", "#F0E442")
LAST_COLOUR = "#000000"
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
NETWORK = ["activation", "normalization"]


def figure2_rows(records: pandas.DataFrame, kind: str) -> pandas.DataFrame:
    """What figure 2 draws: one row for every network, layer and recorded epoch.

    Args:
        records: gradient_snr.csv of every seed, with columns activation and normalization.
        kind: the ratio, one of :data:`rate_distortion.analysis.gradient_snr.RATIOS`.

    Returns:
        activation, normalization, layer, epoch, ratio (geometric mean over seeds), ratio_low and ratio_high (one standard error
        of the mean logarithm to either side), floor (the ratio without any signal, geometric mean), plateau_epoch (geometric
        mean over seeds; not a number unless every seed has a plateau), n (seeds with a positive ratio).
    """
    measured = gradient_snr.with_ratios(records, kind)
    logarithms = measured.assign(
        ratio=np.log10(measured["ratio"].where(measured["ratio"] > 0)), floor=np.log10(measured["floor"])
    )
    by_epoch = logarithms.groupby([*NETWORK, "layer", "epoch"], sort=False)
    mean, error = by_epoch["ratio"].mean(), by_epoch["ratio"].sem().fillna(0.0)
    rows = pandas.DataFrame(
        {
            "ratio": 10**mean,
            "ratio_low": 10 ** (mean - error),
            "ratio_high": 10 ** (mean + error),
            "floor": 10 ** by_epoch["floor"].mean(),
            "n": by_epoch["ratio"].count(),
        }
    ).reset_index()
    summary = gradient_snr.summary(records, kind)
    plateaus = np.log10(summary["plateau_epoch"]).groupby([summary[key] for key in (*NETWORK, "layer")])
    known_everywhere = plateaus.count() == plateaus.size()
    marked = (10 ** plateaus.mean().where(known_everywhere)).rename("plateau_epoch").reset_index()
    return rows.merge(marked, on=[*NETWORK, "layer"], how="left")


def figure2(
    rows: pandas.DataFrame,
    panels: Sequence[Mapping[str, str]],
    kind: str,
    source: str,
    svg: str | Path,
    png: str | Path,
) -> None:
    """Figure 2: the gradients' signal-to-noise ratio against epoch, by layer, one panel per network.

    Args:
        rows: as :func:`figure2_rows` returns them.
        panels: {"activation", "normalization", "title"} in the order to draw; without batch normalization on the left.
        kind: the ratio, for the axis.
        source: the line under the figure.
    """
    columns = len(dict.fromkeys(panel["normalization"] for panel in panels))
    lines = -(-len(panels) // columns)
    colours = layer_colours(rows["layer"].max())
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            lines,
            columns,
            figsize=(TEXT_WIDTH_INCHES, 0.9 + 2.2 * lines),
            squeeze=False,
            sharex=True,
            sharey=True,
            layout="constrained",
        )
        for axis, panel in zip(axes.flat, panels, strict=True):
            own = rows[(rows["activation"] == panel["activation"]) & (rows["normalization"] == panel["normalization"])]
            for layer, curve in own.groupby("layer"):
                _ratio_curve(axis, curve.sort_values("epoch"), colours[layer])
            axis.set(xscale="log", yscale="log", title=panel["title"])
        for axis in axes[-1]:
            axis.set_xlabel("epoch")
        for axis in axes[:, 0]:
            axis.set_ylabel(RATIO_LABELS[kind])
        last = max(colours)
        handles = [
            plt.Line2D([], [], color=colour, label=f"layer {layer}{' (last)' if layer == last else ''}")
            for layer, colour in colours.items()
        ]
        handles.append(plt.Line2D([], [], color="0.4", linestyle=":", linewidth=1, label="no signal"))
        handles.append(
            plt.Line2D(
                [], [], color="0.4", linestyle="", marker="o", markersize=4, markerfacecolor="white", label="plateau"
            )
        )
        figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False, fontsize=7)
        add_source(figure, source)
        save(figure, svg, png)


RATIO_LABELS = {
    "literal": "(‖mean ∇L‖ / ‖w‖) / ‖std ∇L‖",
    "saxe": "‖mean ∇L‖ / ‖std ∇L‖",
    "squared": "‖mean ∇L‖² / ‖std ∇L‖²",
}


def layer_colours(layers: int) -> dict[int, str]:
    """A colour for each layer from 1, black for the last."""
    early = {layer: EARLY_COLOURS[(layer - 1) % len(EARLY_COLOURS)] for layer in range(1, layers)}
    return early | {layers: LAST_COLOUR}


def _ratio_curve(axis: plt.Axes, curve: pandas.DataFrame, colour: str) -> None:
    """One layer: mean and band, its floor dotted, and a ring where it becomes constant."""
    axis.plot(curve["epoch"], curve["ratio"], color=colour, linewidth=1.2)
    axis.fill_between(curve["epoch"], curve["ratio_low"], curve["ratio_high"], color=colour, alpha=0.2, linewidth=0)
    axis.plot(curve["epoch"], curve["floor"], ":", color=colour, linewidth=0.8)
    plateau = curve["plateau_epoch"].iloc[0]
    if np.isfinite(plateau):
        known = curve.dropna(subset="ratio")
        level = 10 ** np.interp(np.log10(plateau), np.log10(known["epoch"]), np.log10(known["ratio"]))
        axis.plot(
            [plateau],
            [level],
            "o",
            markersize=4,
            markerfacecolor="white",
            markeredgecolor=colour,
            clip_on=False,
            zorder=3,
        )


def figure3_rows(records: pandas.DataFrame) -> pandas.DataFrame:
    """What figure 3 draws: means over seeds of the main estimator, one row per labels, layer and epoch.

    Args:
        records: information_plane.csv of every seed; the first estimator in it is the main one.

    Returns:
        labels, layer, epoch, input_information_bits and label_information_bits with their standard errors, the ceilings of
        both, label_floor_bits, n (seeds). Epochs at which a layer is dead in every seed are not a number.
    """
    main = records[records["estimator"] == records["estimator"].iloc[0]]
    by_epoch = main.groupby(["labels", "layer", "epoch"], sort=False)
    columns = {}
    for coordinate in ("input_information_bits", "label_information_bits"):
        columns[coordinate] = by_epoch[coordinate].mean()
        columns[coordinate.replace("_bits", "_standard_error_bits")] = by_epoch[coordinate].sem()
    for bound in ("input_ceiling_bits", "label_ceiling_bits", "label_floor_bits"):
        columns[bound] = by_epoch[bound].mean()
    return pandas.DataFrame(columns | {"n": by_epoch["input_information_bits"].count()}).reset_index()


def figure3(rows: pandas.DataFrame, panels: Mapping[str, str], source: str, svg: str | Path, png: str | Path) -> None:
    """Figure 3: the information plane, one panel per kind of labels; layers by marker, epochs by colour.

    Lines join the layers of an epoch. Dashed lines are the ceilings; small grey marks are what each point's I(T; Y) would read
    if the labels were paired at random.

    Args:
        rows: as :func:`figure3_rows` returns them.
        panels: labels -> title, in the order to draw.
        source: the line under the figure.
    """
    last_epoch = max(1, rows["epoch"].max())
    colours = plt.get_cmap("viridis")
    scale = plt.matplotlib.colors.LogNorm(1, last_epoch)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1,
            len(panels),
            figsize=(TEXT_WIDTH_INCHES, 3.4),
            squeeze=False,
            sharex=True,
            sharey=True,
            layout="constrained",
        )
        for axis, (labels, title) in zip(axes.flat, panels.items(), strict=True):
            own = rows[rows["labels"] == labels]
            for epoch, at_epoch in own.groupby("epoch"):
                _plane_points(axis, at_epoch.sort_values("layer"), colours(scale(max(1, epoch))))
            _plane_end(axis, own[own["epoch"] == own["epoch"].max()])
            for ceiling, line in (("input", axis.axvline), ("label", axis.axhline)):
                line(own[f"{ceiling}_ceiling_bits"].max(), color="0.3", linestyle="--", linewidth=0.8, zorder=0)
            axis.set(title=title, xlabel="I(X; T) (bits)")
        axes[0][0].set_ylabel("I(T; Y) (bits)")
        axes[0][0].set_ylim(-0.04, 1.1 * rows["label_ceiling_bits"].max())
        shown = plt.cm.ScalarMappable(scale, colours)
        figure.colorbar(shown, ax=axes[0][-1], label="epoch", pad=0.02)
        handles = [
            plt.Line2D([], [], color="0.3", linestyle="", marker=_marker(layer), markersize=4, label=f"layer {layer}")
            for layer in sorted(rows["layer"].unique())
        ]
        handles.append(plt.Line2D([], [], color="0.3", linestyle="--", linewidth=0.8, label="ceilings log₂ n, H(Y)"))
        handles.append(
            plt.Line2D([], [], color="0.72", linestyle="", marker="o", markersize=3, label="floor of I(T; Y)")
        )
        figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False, fontsize=7)
        add_source(figure, source)
        save(figure, svg, png)


def _marker(layer: int) -> str:
    return MARKERS[(layer - 1) % len(MARKERS)]


def _plane_points(axis: plt.Axes, layers: pandas.DataFrame, colour: Any) -> None:
    """The layers of one epoch, joined by a line, and their floors."""
    axis.plot(
        layers["input_information_bits"],
        layers["label_information_bits"],
        color=colour,
        linewidth=0.4,
        alpha=0.5,
        zorder=1,
    )
    for row in layers.itertuples():
        axis.plot(
            row.input_information_bits, row.label_floor_bits, _marker(row.layer), color="0.72", markersize=2, zorder=0.5
        )
        axis.plot(
            row.input_information_bits,
            row.label_information_bits,
            _marker(row.layer),
            color=colour,
            markersize=3.5,
            markeredgewidth=0,
            zorder=2,
        )


def _plane_end(axis: plt.Axes, layers: pandas.DataFrame) -> None:
    """Standard errors over seeds at the last epoch."""
    axis.errorbar(
        layers["input_information_bits"],
        layers["label_information_bits"],
        xerr=layers["input_information_standard_error_bits"].fillna(0.0),
        yerr=layers["label_information_standard_error_bits"].fillna(0.0),
        fmt="none",
        ecolor="0.2",
        elinewidth=0.8,
        zorder=3,
    )
