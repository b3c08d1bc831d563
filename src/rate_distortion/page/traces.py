"""Lines, bands and rings of the page's interactive figures."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas
import plotly.graph_objects as go

from rate_distortion.figures.style import LAST_COLOUR
from rate_distortion.page import colours
from rate_distortion.page.panels import INK, SURFACE


def line(
    x: Iterable, y: Iterable, colour: str, name: str, legend: bool = False, hover: str | None = None
) -> go.Scatter:
    """A line that shares its legend entry with everything of its name; without ``hover`` it stays silent."""
    spoken = {"hoverinfo": "skip"} if hover is None else {"hovertemplate": hover}
    return go.Scatter(
        x=_numbers(x),
        y=_numbers(y),
        mode="lines",
        line={"color": on_page(colour), "width": 2},
        name=name,
        legendgroup=name,
        showlegend=legend,
        **spoken,
    )


def ring(x: Iterable, y: Iterable, colour: str, name: str, legend: bool = False) -> go.Scatter:
    """An open circle, of the name and colour of a line."""
    return go.Scatter(
        x=_numbers(x),
        y=_numbers(y),
        mode="markers",
        marker={"symbol": "circle", "size": 9, "color": SURFACE, "line": {"color": on_page(colour), "width": 2}},
        name=name,
        legendgroup=name,
        showlegend=legend,
        hoverinfo="skip",
    )


def band(x: pandas.Series, low: pandas.Series, high: pandas.Series, colour: str, name: str) -> go.Scatter:
    """A band around a line, of its name and colour."""
    return go.Scatter(
        x=_numbers([*x, *x[::-1]]),
        y=_numbers([*high, *low[::-1]]),
        fill="toself",
        fillcolor=on_page(colour),
        opacity=0.18,
        mode="none",
        name=name,
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
    )


def _numbers(values: Iterable) -> np.ndarray | list:
    """Numbers in single precision, which a screen cannot tell from double; text, and nothing, as they are."""
    listed = list(values)
    return listed if listed and (listed[0] is None or isinstance(listed[0], str)) else np.asarray(listed, np.float32)


def on_page(colour: str) -> str:
    """A colour of the drawn figures as the page has it in the light."""
    return INK if colour == LAST_COLOUR else colours.in_the_light(colour)
