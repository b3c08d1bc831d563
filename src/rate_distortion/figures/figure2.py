"""Figure 2: the signal-to-noise ratio of the stochastic gradients against epoch, by layer (section 4.1)."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from rate_distortion.analysis import gradient_snr
from rate_distortion.analysis.records import read_perceptrons
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NETWORK = ["activation", "normalization"]
RATIO_LABELS = {
    "literal": "(‖mean ∇L‖₂ / ‖w‖₂) / ‖std ∇L‖₂",
    "saxe": "‖mean ∇L‖₂ / ‖std ∇L‖₂",
    "squared": "‖mean ∇L‖₂² / ‖std ∇L‖₂²",
}


def make(
    *,
    records: Sequence[str | Path],
    data: str | Path,
    study: Mapping[str, Any],
    kind: str,
    panels: Sequence[Mapping[str, str]],
) -> Drawing:
    """Figure 2.

    Args:
        records: gradient_snr.csv of every network and seed.
        data: a file in the folder of the prepared data.
        study: name, seeds, epochs.
        kind: the ratio, one of :data:`rate_distortion.analysis.gradient_snr.RATIOS`.
        panels: {"activation", "normalization", "title"} in the order to draw; without batch normalization on the left.
    """
    rows = tidy(read_perceptrons(records), kind)
    shown = f"signal-to-noise ratio of the gradients, {style.over_seeds(study)}"
    source = style.source_line(study, prepared_data.describe(Path(data).parent), shown)
    return style.drawing(rows, functools.partial(draw, rows, panels, kind, source))


def tidy(records: pandas.DataFrame, kind: str) -> pandas.DataFrame:
    """What is drawn: one row for every network, layer and recorded epoch.

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


def draw(rows: pandas.DataFrame, panels: Sequence[Mapping[str, str]], kind: str, source: str) -> Figure:
    """One panel per network, both axes logarithmic.

    Args:
        rows: as :func:`tidy` returns them.
        panels: {"activation", "normalization", "title"} in the order to draw.
        kind: the ratio, for the axis.
        source: the lines under the figure.
    """
    columns = len(dict.fromkeys(panel["normalization"] for panel in panels))
    lines = -(-len(panels) // columns)
    layers = int(rows["layer"].max())
    figure = style.new_figure(1.0 + 1.9 * lines)
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    for letter, axis, panel in zip("abcdefghijkl", axes.flat, panels, strict=False):
        own = rows[(rows["activation"] == panel["activation"]) & (rows["normalization"] == panel["normalization"])]
        _draw_panel(axis, own, layers)
        axis.set(xscale="log", yscale="log", xlabel="", ylabel="")
        axis.set_title(f"({letter}) {panel['title']}", fontsize="medium")
        axis.tick_params(labelbottom=True, labelleft=True)
    colours, markers = style.layer_colours(layers), style.layer_markers(layers)
    handles = [
        style.key(f"layer {layer}{' (last)' if layer == layers else ''}", color=colour, marker=markers[layer])
        for layer, colour in colours.items()
    ]
    handles.append(style.key("no signal: ratio of pure noise", color=style.GREY, linestyle=":"))
    handles.append(style.key("plateau: constant from here on", **RING))
    style.add_legend(figure, handles, columns=3)
    added = style.add_source(figure, source, "epoch")
    middle = 0.5 + added / figure.get_figheight() / 2
    figure.supylabel(f"{RATIO_LABELS[kind]} (no unit)", y=middle, fontsize=axes[0, 0].yaxis.label.get_fontsize())
    return figure


RING = {"linestyle": "", "marker": "o", "markersize": 6, "markerfacecolor": "white", "markeredgewidth": 1.2}


def _draw_panel(axis: Axes, rows: pandas.DataFrame, layers: int) -> None:
    """Mean and band of every layer, its floor dotted, and a ring where it becomes constant."""
    import seaborn

    colours = style.layer_colours(layers)
    # seaborn joins what lies on both sides of a missing value; as units of their own the two sides stay apart.
    known = rows.assign(stretch=rows["ratio"].isna().groupby(rows["layer"]).cumsum())
    settings = {"x": "epoch", "hue": "layer", "palette": colours, "estimator": None, "legend": False, "ax": axis}
    seaborn.lineplot(
        known, y="ratio", units="stretch", style="layer", dashes=False, markers=style.layer_markers(layers),
        markeredgewidth=0, **settings,
    )  # fmt: skip
    style.spread_markers(axis, axis.get_lines())
    seaborn.lineplot(rows, y="floor", linestyle=":", linewidth=1.0, **settings)
    for layer, curve in rows.groupby("layer"):
        curve, colour = curve.sort_values("epoch"), colours[layer]
        axis.fill_between(curve["epoch"], curve["ratio_low"], curve["ratio_high"], color=colour, alpha=0.2, linewidth=0)
        epochs, ratios = plateau(curve)
        if epochs:
            axis.plot(epochs, ratios, color=colour, clip_on=False, zorder=3, gid="plateau", **RING)


def plateau(curve: pandas.DataFrame) -> tuple[list[float], list[float]]:
    """Epoch and ratio from which on a layer's curve is constant; nothing where it is not in every seed.

    Args:
        curve: the rows of one layer of one network, by epoch.
    """
    epoch, known = curve["plateau_epoch"].iloc[0], curve.dropna(subset="ratio")
    if not np.isfinite(epoch):
        return [], []
    ratio = 10 ** np.interp(np.log10(epoch), np.log10(known["epoch"]), np.log10(known["ratio"]))
    return [float(epoch)], [float(ratio)]
