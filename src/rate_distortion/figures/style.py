"""What all figures share: theme, palette, sizes for print, legend, the line of source, and how they are saved.

seaborn draws lines, bands, dots and histograms. matplotlib draws what seaborn has no function for: error bars and bands that
come with the rows, diagrams, images, animations. Both take long to import and are imported by what draws; importing this module
costs nothing and changes no setting.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rate_distortion.figures import Drawing
from rate_distortion.storage import files

if TYPE_CHECKING:
    import pandas
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOUBLE_COLUMN = 14 / 2.54
"""Inches: the width of the paper's text. Text of 8.8 points is one of 5 points when the figure is printed 8 cm wide."""
SINGLE_COLUMN = 8 / 2.54
FONT_SCALES = {DOUBLE_COLUMN: 1.0, SINGLE_COLUMN: 0.8}
"""Scale of seaborn's ``paper`` context: 9.6 points for titles and axis labels, 8.8 for the rest."""
SMALLEST_POINTS = 8.8
POINTS_PER_INCH = 72
LINE_SPACING = 1.25
CHARACTERS_PER_EM = 1.8
"""Characters per em of running text in DejaVu Sans, matplotlib's own font."""

RED, SKY, GREEN, OCHRE, PINK, NAVY = "#A81E00", "#1C8DF0", "#04664E", "#AE8E01", "#C85CA9", "#0B2A80"
PALETTE = (RED, SKY, GREEN, OCHRE, PINK, NAVY)
"""Any two can be told apart by readers with deuteranopia, protanopia or tritanopia, and each has contrast 3 on white."""
GREY, INK = "#767676", "#262626"

MODEL_COLOURS = {"A": RED, "A+": OCHRE, "A-BN": PINK, "B": NAVY, "B+": SKY, "C": GREEN}
"""The same in every figure, in the tables and on the page."""
SPARE_COLOURS = ("#000000", GREY)
MODEL_MARKERS = {"A": "o", "A+": "P", "A-BN": "X", "B": "s", "B+": "D", "C": "^"}
SPARE_MARKERS = ("v", "*", "p", "h")

LAST_COLOUR = "#000000"
LAYER_MARKERS = ("s", "^", "D", "v", "P", "X", "*", "p")
"""Markers of a perceptron's layers, from the first."""

RIGHT, WRONG = NAVY, RED
ORIGINAL, RANDOM = NAVY, RED
NOISE_STYLES = {"l2": ("-", "L₂"), "linf": ("--", "L∞"), "gaussian": (":", "Gaussian")}

SETTINGS = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.markersize": 4,
    "legend.frameon": False,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.2,
    "savefig.dpi": 300,
    "svg.hashsalt": "rate-distortion",  # the same picture gives the same file
    "svg.fonttype": "none",
}


@contextlib.contextmanager
def theme(width: float = DOUBLE_COLUMN) -> Iterator[None]:
    """seaborn's theme for paper in this project's palette, for a figure of this width; settings are restored afterwards."""
    import matplotlib
    import seaborn

    with matplotlib.rc_context():
        seaborn.set_theme(
            context="paper",
            style="ticks",
            palette=PALETTE,
            font_scale=FONT_SCALES[width],
            color_codes=False,  # they are no setting and would not be restored
            rc=SETTINGS | {"font.size": FONT_SCALES[width] * SMALLEST_POINTS},
        )
        yield


def drawing(rows: pandas.DataFrame, draw: Callable[[], Figure], width: float = DOUBLE_COLUMN) -> Drawing:
    """A figure of these rows that is drawn when it is saved.

    Args:
        rows: exactly what is drawn.
        draw: makes the figure; called inside :func:`theme`.
        width: of the figure, :data:`SINGLE_COLUMN` or :data:`DOUBLE_COLUMN`.
    """
    return Drawing(rows, functools.partial(save, draw, width=width))


def save(draw: Callable[[], Figure], svg: str | Path, png: str | Path, width: float = DOUBLE_COLUMN) -> None:
    """Draw a figure and write it as SVG and PNG, without a date."""
    with theme(width):
        figure = draw()
        settle(figure)
        for path, metadata in ((svg, {"Date": None}), (png, {"Software": None})):
            with files.completed(path) as temporary:
                figure.savefig(temporary, metadata=metadata)


def settle(figure: Figure) -> None:
    """Lay the panels out once and for all.

    Otherwise every drawing does it again, and its last bits, which depend on addresses in memory, may move a line by a pixel.
    """
    if figure.get_layout_engine() is None:
        return
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axis in figure.axes:
        axis.set_position([round(edge, 6) for edge in axis.get_position(original=True).bounds])


def new_figure(height: float, width: float = DOUBLE_COLUMN, layout: str | None = "constrained") -> Figure:
    """An empty figure, in inches, that no window knows of; :func:`add_source` adds to its height."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout=layout)


def add_source(figure: Figure, text: str, shared_label: str = "") -> float:
    """Write the lines under a figure that say what it shows; the figure grows by their height, returned in inches.

    Args:
        figure: complete but for this.
        text: wrapped to the figure's width.
        shared_label: above it, the label of a horizontal axis that all panels share.
    """
    from matplotlib import rcParams

    size, label_size = rcParams["font.size"], rcParams["axes.labelsize"]
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(text, int(CHARACTERS_PER_EM * width * POINTS_PER_INCH / size))
    labels = shared_label.split("\n") if shared_label else []
    source_height = (len(lines) + 0.5) * LINE_SPACING * size / POINTS_PER_INCH
    added = source_height + (len(labels) + 0.3) * LINE_SPACING * label_size / POINTS_PER_INCH
    total = height + added
    figure.set_size_inches(width, total)
    words = {"linespacing": LINE_SPACING, "va": "bottom"}
    figure.text(0.01, 0.03 / total, "\n".join(lines), color="0.3", **words)
    figure.text(0.5, source_height / total, shared_label, fontsize=label_size, ha="center", **words)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0, added / total, 1, height / total))
    return added


def add_legend(figure: Figure, handles: Iterable[Artist], columns: int, **settings: Any) -> None:
    """A legend above all panels."""
    figure.legend(handles=list(handles), loc="outside upper center", ncols=columns, **settings)


def key(label: str, **style: Any) -> Artist:
    """An entry of a legend: a line or a marker."""
    from matplotlib.lines import Line2D

    return Line2D([], [], **{"color": INK, "label": label} | style)


def spread_markers(axis: Axes, lines: Sequence[Artist]) -> None:
    """Markers at equal distances along each line, and at other places from line to line."""
    for number, line in enumerate(lines):
        line.set_markevery((0.04 + 0.04 * (number % 5), 0.2))


def source_line(study: Mapping[str, Any], data: Mapping[str, Any], shown: str) -> str:
    """The lines under a figure: study, data and scale, and what of it is shown."""
    splits = study.get("train_on", data["train_on"]).split("+")
    trained_on = sum(data["images"][split] for split in splits)
    training = study.get("training", f"{study['epochs']} epochs")
    return f"Study {study['name']}: {data['description']}, {trained_on:,} training images, {training}; {shown}"


def over_seeds(study: Mapping[str, Any]) -> str:
    """What lines and bands are."""
    seeds = len(study["seeds"])
    return "one seed" if seeds == 1 else f"mean and standard error over {seeds} seeds"


def model_colours(models: Sequence[str]) -> dict[str, str]:
    """A colour for every model: the paper's have their own; others take what is left of the palette, in the order given."""
    return _own_or_spare(models, MODEL_COLOURS, SPARE_COLOURS)


def model_markers(models: Sequence[str]) -> dict[str, str]:
    """A marker for every model, by the same rule."""
    return _own_or_spare(models, MODEL_MARKERS, SPARE_MARKERS)


def _own_or_spare(models: Sequence[str], own: Mapping[str, str], spare: Sequence[str]) -> dict[str, str]:
    taken = [own[model] for model in models if model in own]
    every = [*own.values(), *spare]
    left = itertools.cycle([value for value in every if value not in taken] or every)
    return {model: own[model] if model in own else next(left) for model in models}


def layer_colours(layers: int) -> dict[int, str]:
    """A colour for each layer from 1, black for the last, as in the paper."""
    early = {layer: PALETTE[(layer - 1) % len(PALETTE)] for layer in range(1, layers)}
    return early | {layers: LAST_COLOUR}


def layer_markers(layers: int) -> dict[int, str]:
    """A marker for each layer from 1."""
    return {layer: LAYER_MARKERS[(layer - 1) % len(LAYER_MARKERS)] for layer in range(1, layers + 1)}
