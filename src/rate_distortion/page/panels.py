"""What the page's interactive figures are made of: panels in a grid or one below the other, and a slider."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rate_distortion.page import colours

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
INK, MUTED, GRID, SURFACE = "#1b1b1b", "#6a6a6a", "#dedede", colours.LIGHT_SURFACE
AROUND_PANELS, BETWEEN_LINES = 140, 78
"""Heights in pixels: of a figure's margins with its legend, and of what is between two lines of panels."""
AXIS = {
    "gridcolor": GRID,
    "linecolor": MUTED,
    "zeroline": False,
    "showline": True,
    "ticks": "outside",
    "tickcolor": MUTED,
    "ticklen": 4,
    "fixedrange": True,
    "automargin": True,
    "tickfont": {"size": 12},
}
LEGEND = {
    "orientation": "h",
    "x": 0,
    "xanchor": "left",
    "y": 0,
    "yanchor": "bottom",
    "yref": "container",
    "font": {"size": 12},
}
"""At the lower edge of the figure; what it needs is taken from the panels above."""
LAYOUT = {
    "autosize": True,
    "font": {"family": FONT, "size": 13, "color": INK},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "margin": {"l": 60, "r": 16, "t": 30, "b": 40},
    "dragmode": False,
    "hoverlabel": {
        "bgcolor": SURFACE,
        "bordercolor": MUTED,
        "font": {"family": FONT, "size": 12, "color": INK},
    },
    "template": "none",
}


@dataclass(frozen=True)
class Slider:
    """What a chart's slider is called, its stops, and what the figure shows at each.

    Attributes:
        name: of the slider.
        stops: names of the stops.
        traces: the places of the traces that move.
        frames: for each stop the coordinates {"x", "y"} of every moving trace; plain, since Plotly checks its own at length.
    """

    name: str
    stops: list[str]
    traces: list[int]
    frames: list[list[dict[str, list[float]]]]

    def content(self) -> list[dict[str, Any]]:
        """The frames as Plotly's script takes them."""
        return [
            {"name": stop, "data": frame, "traces": self.traces}
            for stop, frame in zip(self.stops, self.frames, strict=True)
        ]


@dataclass(frozen=True)
class Chart:
    """An interactive figure.

    Attributes:
        figure: for a wide page.
        narrow: changes of the layout for a narrow page.
        alternative: what it shows, in words.
        slider: what moves it.
    """

    figure: go.Figure
    narrow: dict[str, Any]
    alternative: str
    slider: Slider | None = None

    @functools.cached_property
    def _content(self) -> dict[str, Any]:
        return json.loads(self.figure.to_json(engine="json"))

    def json(self) -> str:
        """The figure and its narrow layout, safe inside a script element."""
        wide = {key: self._content["layout"][key] for key in self.narrow}
        frames = {"frames": self.slider.content()} if self.slider else {}
        content = self._content | {"wide": wide, "narrow": self.narrow} | frames
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")

    def colours(self) -> set[str]:
        """Every colour that its lines and marks have."""
        found: set[str] = set()
        _collect_colours(self._content, found)
        return found


class Panels:
    """A figure of several panels: in a grid on a wide page, one below the other on a narrow one."""

    def __init__(self, titles: Sequence[str], columns: int, height: int, narrow_height: int) -> None:
        """A grid without traces; heights in pixels."""
        self._wide = _grid(titles, columns, height)
        self._narrow = _grid(titles, 1, narrow_height)
        self._columns = columns
        self._y_titles: dict[str, str] = {}

    def add(self, panel: int, trace: Any) -> int:
        """Put a trace into a panel (from 0, by lines); returns its place among all traces."""
        self._wide.add_trace(trace, **self._place(panel))
        return len(self._wide.data) - 1

    def style_axes(self, panel: int, x: dict[str, Any], y: dict[str, Any]) -> None:
        """Titles, ranges and scales of a panel's axes, over what all axes share."""
        for update, own in ((self._wide.update_xaxes, x), (self._wide.update_yaxes, y)):
            title = own.get("title", {}) | {"font": {"size": 12}, "standoff": 6}
            update(AXIS | own | {"title": title}, **self._place(panel))
        self._y_titles[f"yaxis{panel + 1 if panel else ''}"] = y["title"]["text"]
        if panel % self._columns:  # where panels stand beside each other, the first says what their axis is
            self._wide.update_yaxes({"title": {"text": ""}}, **self._place(panel))

    def chart(
        self, alternative: str, slider: Slider | None = None, legend: dict[str, Any] | None = None, **layout: Any
    ) -> Chart:
        """The figure, with changes of its legend and of its layout laid over what all of them share."""
        self._wide.update_layout(LAYOUT, legend=LEGEND | (legend or {})).update_layout(layout)
        narrow = {
            "height": self._narrow.layout.height,
            "margin": self._wide.layout.margin.to_plotly_json() | {"l": 52, "r": 8},
            "annotations": [note.to_plotly_json() for note in self._narrow.layout.annotations],
        }
        for name in self._wide.layout:
            if name.startswith(("xaxis", "yaxis")):
                narrow[name] = self._wide.layout[name].to_plotly_json() | {"domain": self._narrow.layout[name].domain}
        for name, text in self._y_titles.items():
            narrow[name]["title"] = narrow[name]["title"] | {"text": text}
        return Chart(self._wide, narrow, alternative, slider)

    def _place(self, panel: int) -> dict[str, int]:
        line, column = divmod(panel, self._columns)
        return {"row": line + 1, "col": column + 1}


def _grid(titles: Sequence[str], columns: int, height: int) -> go.Figure:
    """Empty panels with their titles at the left above them; places without a title at the end of the last line stay empty."""
    lines = -(-len(titles) // columns)
    there = [[line * columns + column < len(titles) for column in range(columns)] for line in range(lines)]
    figure = make_subplots(
        lines,
        columns,
        specs=[[{} if is_there else None for is_there in line] for line in there],
        subplot_titles=[title or " " for title in titles],
        horizontal_spacing=0.09 if columns > 1 else 0,
        vertical_spacing=BETWEEN_LINES / (height - AROUND_PANELS) if lines > 1 else 0,
    )
    for note, axis in zip(figure.layout.annotations, figure.select_xaxes(), strict=True):
        note.update(x=axis.domain[0], xanchor="left", yshift=4, font={"size": 13}, align="left")
    return figure.update_layout(height=height)


def _collect_colours(content: Any, found: set[str]) -> None:
    if isinstance(content, dict):
        for value in content.values():
            _collect_colours(value, found)
    elif isinstance(content, list):
        for value in content:
            _collect_colours(value, found)
    elif isinstance(content, str) and len(content) == 7 and content.startswith("#"):
        found.add(content.lower())
