"""What the page's interactive figures are made of: panels side by side or one below the other, and a slider."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from rate_distortion.page import colours

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
INK, MUTED, GRID, SURFACE = "#1b1b1b", "#6a6a6a", "#dedede", colours.LIGHT_SURFACE
AROUND_PANELS, BETWEEN_LINES, BELOW_AXES = 140, 78, 48
"""Heights in pixels: of a figure's margins, of what is between two lines of panels, and from an axis to the legend."""


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


@dataclass
class Panels:
    """A figure of several panels, side by side on a wide page and one below the other on a narrow one."""

    titles: Sequence[str]
    columns: int
    height: int
    narrow_height: int
    data: list[go.Scatter] = field(default_factory=list)
    axes: dict[str, Any] = field(default_factory=dict)

    def add(self, panel: int, trace: Any) -> int:
        """Put a trace into a panel (from 0); returns its place among all traces."""
        suffix = str(panel + 1) if panel else ""
        trace.update(xaxis=f"x{suffix}", yaxis=f"y{suffix}")
        self.data.append(trace)
        return len(self.data) - 1

    def style_axes(self, panel: int, x: dict[str, Any], y: dict[str, Any]) -> None:
        suffix = str(panel + 1) if panel else ""
        shared = {
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
        x, y = (axis | {"title": axis.get("title", {}) | {"font": {"size": 12}, "standoff": 6}} for axis in (x, y))
        self.axes[f"xaxis{suffix}"] = shared | {"anchor": f"y{suffix}"} | x
        self.axes[f"yaxis{suffix}"] = shared | {"anchor": f"x{suffix}"} | y

    def chart(
        self, alternative: str, slider: Slider | None = None, legend: dict[str, Any] | None = None, **layout: Any
    ) -> Chart:
        """The figure, with changes of its legend and of its layout laid over what all of them share."""
        legend = legend or {}
        base = {
            "height": self.height,
            "autosize": True,
            "font": {"family": FONT, "size": 13, "color": INK},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 60, "r": 16, "t": 30, "b": 110},
            "dragmode": False,
            "hoverlabel": {
                "bgcolor": SURFACE,
                "bordercolor": MUTED,
                "font": {"family": FONT, "size": 12, "color": INK},
            },
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "yanchor": "top",
                "font": {"size": 12},
            },
        } | layout
        wide = self._placed(self.columns, self.height)
        narrow = self._placed(1, self.narrow_height)
        narrow |= {"height": self.narrow_height, "margin": base["margin"] | {"l": 52, "r": 8}}
        for place, total in ((base, self.height), (narrow, self.narrow_height)):
            place["legend"] = base["legend"] | legend | {"y": -BELOW_AXES / (total - AROUND_PANELS)}
        return Chart(go.Figure(self.data, base | wide), narrow, alternative, slider)

    def _placed(self, columns: int, total: int) -> dict[str, Any]:
        """Axes with their places, and the titles above them, for a number of columns and a total height in pixels."""
        lines = -(-len(self.titles) // columns)
        gap, drop = (0.09 if columns > 1 else 0.0), (BETWEEN_LINES / (total - AROUND_PANELS) if lines > 1 else 0.0)
        width, height = (1 - gap * (columns - 1)) / columns, (1 - drop * (lines - 1)) / lines
        placed, annotations = {}, []
        for panel, title in enumerate(self.titles):
            line, column = divmod(panel, columns)
            left, top = column * (width + gap), 1 - line * (height + drop)
            suffix = str(panel + 1) if panel else ""
            placed[f"xaxis{suffix}"] = self.axes[f"xaxis{suffix}"] | {"domain": [left, min(1.0, left + width)]}
            placed[f"yaxis{suffix}"] = self.axes[f"yaxis{suffix}"] | {"domain": [max(0.0, top - height), top]}
            annotations.append(
                {
                    "text": title,
                    "x": left,
                    "y": top,
                    "xref": "paper",
                    "yref": "paper",
                    "xanchor": "left",
                    "yanchor": "bottom",
                    "yshift": 4,
                    "showarrow": False,
                    "font": {"size": 13},
                }
            )
        return placed | {"annotations": annotations}


def _collect_colours(content: Any, found: set[str]) -> None:
    if isinstance(content, dict):
        for value in content.values():
            _collect_colours(value, found)
    elif isinstance(content, list):
        for value in content:
            _collect_colours(value, found)
    elif isinstance(content, str) and len(content) == 7 and content.startswith("#"):
        found.add(content.lower())
