"""The smallest sufficient weight decay against the number of training images, its prediction, and what it costs.

Not in the paper, whose one value is drawn beside it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from rate_distortion.analysis.capacity_law import CHANGE, EXPONENT, THRESHOLD, predictions
from rate_distortion.analysis.precision import rounded, with_minus
from rate_distortion.claims import ledger
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing, style
from rate_distortion.storage import files
from rate_distortion.studies.sizes import source

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

MEASURED, PREDICTED, PRINTED, SUFFICIENT, BEST = "not fitted", "predicted", "printed", "sufficient", "best validation"
POWER = "exponent"
"""Curves."""
LABELS = {"random": (style.RANDOM, "o", 0.96), "original": (style.ORIGINAL, "s", 1.04)}
"""Colour, marker, and a factor on the number of images, so that neither hides the other."""
COSTS = {
    SUFFICIENT: (style.RED, "o", "smallest sufficient λ"),
    BEST: (style.GREEN, "^", "best λ by validation"),
}
OF_THE_PAPER = ("svhn", "house_numbers")
"""The paper's images, and what stands in for them: beside others its value says nothing."""
WIDE = 100
"""Largest over smallest number of images from which on there is room for the powers of ten alone."""
MARGIN = 1.5
"""Of the axis of weight decays beyond the values on it, as a factor."""


def make(*, table: str | Path, dataset: str | Path, model: str, batch_size: int, study: Mapping[str, Any]) -> Drawing:
    """The capacity law's figure.

    Args:
        table: the tidy form of :func:`rate_distortion.tables.capacity_law`.
        dataset: a file in the folder of the prepared data.
        model, batch_size: of the networks.
        study: name, seeds, epochs.
    """
    data = prepared_data.describe(Path(dataset).parent)
    rows = tidy(files.read_table(table), with_paper=source(data) in OF_THE_PAPER)
    shown = f"model {model}, batch size {batch_size}, {style.over_seeds(study)}"
    return style.drawing(rows, functools.partial(draw, rows, style.source_line(study, data, shown)))


def tidy(law: pandas.DataFrame, *, with_paper: bool) -> pandas.DataFrame:
    """What is drawn: one row per point or interval.

    Args:
        law: of :func:`rate_distortion.analysis.capacity_law.law`.
        with_paper: whether the paper's own value is among them.

    Returns:
        columns panel ("weight_decay", "cost"), curve, labels, train_images, weight_decay (of the networks), mean,
        standard_error, lower and upper (of an interval; infinite or not a number where the grid ends before it). The exponents
        of the power laws have no number of images.
    """
    change = law[law["quantity"] == CHANGE]
    parts = [
        law[law["quantity"] == THRESHOLD].assign(panel="weight_decay", curve=MEASURED),
        predictions(law).assign(panel="weight_decay", curve=PREDICTED),
        law[law["quantity"] == EXPONENT].assign(panel="weight_decay", curve=POWER),
        change[change["chosen"]].assign(panel="cost", curve=SUFFICIENT),
        change[change["best_validation"]].assign(panel="cost", curve=BEST),
    ]
    if with_paper:
        images = ledger.load().parts["table1"].sizes["networks"]["B"]["train_images"]
        printed = {"train_images": images, "mean": ledger.load()["L-crit"].printed, "labels": "random"}
        parts.append(pandas.DataFrame([printed | {"panel": "weight_decay", "curve": PRINTED}]))
    rows = pandas.concat(parts, ignore_index=True)
    columns = "panel curve labels train_images weight_decay mean standard_error lower upper"
    return rows[columns.split()]


def draw(rows: pandas.DataFrame, source: str) -> Figure:
    """Weight decays and costs side by side, both against the number of training images.

    Args:
        rows: as :func:`tidy` returns them.
        source: the lines under the figure.
    """
    figure = style.new_figure(3.3)
    left, right = figure.subplots(1, 2)
    handles = [
        *_draw_weight_decays(left, rows[rows["panel"] == "weight_decay"]),
        *_draw_costs(right, rows[rows["panel"] == "cost"]),
    ]
    for axis in (left, right):
        axis.set(xscale="log", xlabel="training images")
        least, most = axis.get_xlim()
        _number_ticks(axis.xaxis, (1, 3) if most / least < WIDE else (1,))
    style.add_legend(figure, handles, columns=2)
    style.add_source(figure, source)
    return figure


def _draw_weight_decays(axis: Axes, rows: pandas.DataFrame) -> Iterator[Artist]:
    """Bars over the interval of the grid in which a threshold lies; to the panel's edge where the grid has no end to it."""
    powers = rows[(rows["curve"] == POWER) & np.isfinite(rows[["lower", "upper"]]).all(axis=1)].set_index("labels")
    rows = rows[rows["curve"] != POWER]
    values = rows[["mean", "lower", "upper"]].to_numpy().ravel()
    values = values[np.isfinite(values) & (values > 0)]
    limits = values.min() / MARGIN, values.max() * MARGIN
    for labels, (colour, marker, beside) in LABELS.items():
        own = rows[rows["labels"] == labels].assign(train_images=beside * rows["train_images"])
        bars, line = own[own["curve"] == MEASURED], own[own["curve"] == PREDICTED]
        ends = bars[["lower", "upper"]].fillna(0).clip(*limits).to_numpy().T
        words = f"{labels} labels not fitted"
        if labels in powers.index:
            exponents = (rounded(powers.loc[labels, end], 1) for end in ("lower", "upper"))
            words += with_minus(f" (exponent {' to '.join(exponents)})")
        yield axis.vlines(bars["train_images"], *ends, color=colour, linewidth=4, label=words)
        yield _draw_line(axis, line, colour, marker, f"{labels} labels, predicted", linestyle="--")
    axis.set(yscale="log", ylim=limits, ylabel="weight decay λ")
    _number_ticks(axis.yaxis, (1, 2, 5))
    for paper in rows[rows["curve"] == PRINTED].itertuples():
        star = {"color": style.INK, "marker": "*", "linestyle": "", "markersize": 9}
        yield from axis.plot(paper.train_images, paper.mean, label="random labels, the paper", **star)


def _draw_costs(axis: Axes, rows: pandas.DataFrame) -> Iterator[Artist]:
    for curve, (colour, marker, words) in COSTS.items():
        yield _draw_line(axis, rows[rows["curve"] == curve], colour, marker, words)
    axis.axhline(0, color=style.GREY, linewidth=0.8, linestyle=":", zorder=0)
    axis.set_ylabel("test accuracy less that\nat λ = 0 (points)")


def _number_ticks(axis: Axis, steps: tuple[int, ...]) -> None:
    """Plain numbers on a logarithmic axis, at these steps of each decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def _draw_line(
    axis: Axes, rows: pandas.DataFrame, colour: str, marker: str, words: str, linestyle: str = "-"
) -> Artist:
    return axis.errorbar(
        rows["train_images"],
        rows["mean"],
        rows["standard_error"].fillna(0),
        color=colour,
        marker=marker,
        linestyle=linestyle,
        linewidth=1.2,
        capsize=2,
        label=words,
    )
