"""Figure 3: the information plane on the original and on random labels (section 4.2)."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from rate_distortion.analysis.records import read_perceptrons
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = {"original": "(a) original labels", "random": "(b) random labels"}
X, Y, FLOOR = "input_information_bits", "label_information_bits", "label_floor_bits"
CLOSE_BITS = 0.005
"""A layer that never leaves the ceilings by more than this cannot be told from the corner by eye."""
SMALLEST_VIEW_BITS = 0.02


def make(
    *, records: Sequence[str | Path], data: str | Path, study: Mapping[str, Any], plane: Mapping[str, Any]
) -> Drawing:
    """Figure 3.

    Args:
        records: information_plane.csv of every seed on both kinds of labels.
        data: a file in the folder of the prepared data.
        study: name, seeds, epochs.
        plane: activation, samples, bins.
    """
    rows = tidy(read_perceptrons(records))
    description = prepared_data.describe(Path(data).parent)
    images = description["distinct_images"]
    read = "all" if plane["samples"] >= images else f"{plane['samples']:,}"
    shown = f"{plane['activation']}, read on {read} distinct images, {plane['bins']} bins of equal mass in each layer; "
    shown += (
        "one seed"
        if len(study["seeds"]) == 1
        else f"mean over {len(study['seeds'])} seeds, bars: standard error at the last epoch"
    )
    return style.drawing(rows, functools.partial(draw, rows, style.source_line(study, description, shown)))


def tidy(records: pandas.DataFrame) -> pandas.DataFrame:
    """What is drawn: means over seeds of the main estimator, one row per labels, layer and epoch.

    Args:
        records: information_plane.csv of every seed; the first estimator in it is the main one.

    Returns:
        labels, layer, epoch, input_information_bits and label_information_bits with their standard errors, the ceilings of
        both, label_floor_bits, n (seeds). Epochs at which a layer is dead in every seed are not a number.
    """
    main = records[records["estimator"] == records["estimator"].iloc[0]]
    by_epoch = main.groupby(["labels", "layer", "epoch"], sort=False)
    columns = {}
    for coordinate in (X, Y):
        columns[coordinate] = by_epoch[coordinate].mean()
        columns[coordinate.replace("_bits", "_standard_error_bits")] = by_epoch[coordinate].sem()
    for bound in ("input_ceiling_bits", "label_ceiling_bits", FLOOR):
        columns[bound] = by_epoch[bound].mean()
    return pandas.DataFrame(columns | {"n": by_epoch[X].count()}).reset_index()


def draw(rows: pandas.DataFrame, source: str) -> Figure:
    """Above the whole plane, one panel per kind of labels; below, enlarged, the corner in which the hidden layers lie.

    Layers by marker, epochs by colour; lines join the layers of an epoch.

    Args:
        rows: as :func:`tidy` returns them.
        source: the lines under the figure.
    """
    import seaborn
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm

    kinds = [kind for kind in PANELS if kind in set(rows["labels"])]
    scale, colours = LogNorm(1, max(2, rows["epoch"].max())), seaborn.color_palette("crest", as_cmap=True)
    figure = style.new_figure(5.3)
    axes = figure.subplots(2, len(kinds), squeeze=False, height_ratios=(1, 0.8))
    for (whole, corner), kind in zip(axes.T, kinds, strict=True):
        own = rows[rows["labels"] == kind]
        for axis in (whole, corner):
            _draw_plane(axis, own, scale, colours)
        seaborn.lineplot(
            own.assign(epoch=own["epoch"].clip(lower=1)), x=X, y=Y, hue="epoch", hue_norm=scale, palette=colours,
            units="epoch", estimator=None, sort=False, linewidth=0.4, legend=False, zorder=1, ax=whole,
        )  # fmt: skip
        right, top = own["input_ceiling_bits"].max(), own["label_ceiling_bits"].max()
        whole.set(title=PANELS[kind], ylim=(-0.06 * top, 1.12 * top))
        _enlarge(corner, own[own["layer"] < rows["layer"].max()], right, top)
        frame = whole.indicate_inset_zoom(corner, edgecolor=style.INK, linewidth=0.8, alpha=1)
        for connector in frame.connectors:
            connector.set_visible(False)
        still = _at_the_corner(own, right, top)
        corner.set_title("the framed part" + (f"\n({still} at its corner)" if still else ""))
        for axis in (whole, corner):
            axis.set(xlabel="", ylabel="I(T; Y) (bits)" if kind == kinds[0] else "")
            axis.locator_params(nbins=4)
    figure.align_ylabels(axes[:, 0])
    figure.colorbar(ScalarMappable(scale, colours), ax=axes, label="epoch", pad=0.02, fraction=0.06, aspect=40)
    markers = style.layer_markers(int(rows["layer"].max()))
    handles = [
        style.key(f"layer {layer}", linestyle="", marker=markers[layer], color=style.GREY)
        for layer in sorted(rows["layer"].unique())
    ]
    handles.append(style.key("ceilings log₂ n and H(Y)", linestyle="--", linewidth=0.9))
    handles.append(style.key("floor of I(T; Y): labels permuted", linestyle="", marker=".", color="0.6"))
    style.add_legend(figure, handles, columns=3)
    style.add_source(figure, source, "I(X; T) (bits)")
    return figure


def _draw_plane(axis: Axes, rows: pandas.DataFrame, scale: Any, colours: Any) -> None:
    """Every layer at every epoch, its floor, the ceilings, and standard errors over seeds at the last epoch."""
    import seaborn

    seaborn.scatterplot(rows, x=X, y=FLOOR, color="0.6", marker=".", s=16, linewidth=0, zorder=0.5, ax=axis)
    seaborn.scatterplot(
        rows.assign(epoch=rows["epoch"].clip(lower=1)), x=X, y=Y, hue="epoch", hue_norm=scale, palette=colours,
        style="layer", markers=style.layer_markers(int(rows["layer"].max())), s=24, edgecolor=style.INK, linewidth=0.3,
        legend=False, zorder=2, ax=axis,
    )  # fmt: skip
    end = rows[rows["epoch"] == rows["epoch"].max()]
    errors = {
        name: end[column.replace("_bits", "_standard_error_bits")].fillna(0.0)
        for name, column in (("xerr", X), ("yerr", Y))
    }
    axis.errorbar(end[X], end[Y], **errors, fmt="none", ecolor=style.INK, elinewidth=0.8, zorder=3)
    for ceiling, line in (("input", axis.axvline), ("label", axis.axhline)):
        line(rows[f"{ceiling}_ceiling_bits"].max(), color=style.INK, linestyle="--", linewidth=0.9, zorder=0)


def _enlarge(axis: Axes, hidden: pandas.DataFrame, right: float, top: float) -> None:
    """Limits around all points of the hidden layers and the corner of the ceilings."""
    for column, ceiling, limit in ((X, right, axis.set_xlim), (Y, top, axis.set_ylim)):
        reach = max(SMALLEST_VIEW_BITS, ceiling - np.nanmin(hidden[column].fillna(ceiling), initial=ceiling))
        limit(ceiling - 1.12 * reach, ceiling + 0.12 * reach)


def _at_the_corner(rows: pandas.DataFrame, right: float, top: float) -> str:
    """The layers whose points all lie on one another at the ceilings, as words."""
    close = ((right - rows[X]) <= CLOSE_BITS) & ((top - rows[Y]) <= CLOSE_BITS)
    still = [int(layer) for layer, stays in close.groupby(rows["layer"]) if stays.all()]
    if not still:
        return ""
    if len(still) > 2 and still == list(range(still[0], still[-1] + 1)):
        return f"layers {still[0]} to {still[-1]}"
    return f"layer{'s' if len(still) > 1 else ''} {' and '.join(map(str, still))}"
