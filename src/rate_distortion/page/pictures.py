"""Pictures inside the page: drawn figures that follow its theme, and images from tables of pixels."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas
from markupsafe import Markup
from PIL import Image

from rate_distortion.claims import ledger
from rate_distortion.page import colours
from rate_distortion.storage import files

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
LARGEST_SVG_BYTES = 600_000
"""A drawing of more bytes (many thousand points) is embedded as pixels."""

ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)


def figure(svg: Path, alternative: str) -> Markup:
    """A drawn figure as markup, with its alternative text.

    Args:
        svg: the file; a PNG of the same name lies beside it.
        alternative: what the figure shows, in words.
    """
    if svg.stat().st_size > LARGEST_SVG_BYTES:
        png = files.verified(svg.with_suffix(".png")).read_bytes()
        return Markup('<img class="drawing" src="{}" alt="{}">').format(_data_address(png), alternative)
    return themed(svg.read_text(encoding="utf-8"), svg.stem, alternative)


def themed(svg: str, prefix: str, alternative: str) -> Markup:
    """An SVG to stand inside a page: its colours follow the theme, its names cannot clash with those of another.

    Args:
        svg: a drawing as matplotlib writes it.
        prefix: put before every id.
        alternative: its alternative text.
    """
    root = ElementTree.fromstring(svg)
    for parent in root.iter():
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            element.set(name, _adapted(name, value, prefix))
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    ink = f"light-dark(#000000, {colours.in_the_dark('#000000')})"
    root.set("style", f"fill: {ink}; stroke-linejoin: round; stroke-linecap: butt")
    root.set("class", "drawing")
    root.set("role", "img")
    root.set("aria-label", alternative)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _adapted(name: str, value: str, prefix: str) -> str:
    """An attribute's value with its id or references prefixed and its colours for both themes."""
    if name == "id":
        return f"{prefix}-{value}"
    if name == f"{{{XLINK}}}href":
        return f"#{prefix}-{value[1:]}" if value.startswith("#") else value
    value = re.sub(r"url\(#", f"url(#{prefix}-", value)
    if name == "style":
        value = re.sub(r"(stroke: )?(#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3}))\b(?![\w-]*\))", _both_themes, value)
    return value


def _both_themes(match: re.Match) -> str:
    """A colour for each theme; a line's colour is darkened in the light where it could hardly be seen."""
    stroke, colour = match[1] or "", match[2]
    light, dark = colours.in_the_light(colour) if stroke else colour, colours.in_the_dark(colour)
    return f"{stroke}{light}" if light.lower() == dark else f"{stroke}light-dark({light}, {dark})"


@dataclass(frozen=True)
class Shown:
    """One image of figure 4; ``reached`` says whether an image made of a label reached full confidence in it."""

    address: str
    label: int
    predicted: int
    confidence_percent: float
    steps: int
    reached: bool

    @property
    def right(self) -> bool:
        return self.label == self.predicted


def figure4_lines(rows: pandas.DataFrame) -> Iterator[tuple[str, str, list[Shown]]]:
    """The lines of figure 4, from its table of pixels: (part, model, images by label)."""
    full = (
        100.0 * ledger.load().parts["perturbations"].sizes["confidence"]
    )  # for a table that does not say what is reached
    for (part, model), line in rows.groupby(["part", "model"], sort=False, dropna=False):
        images = []
        for label, pixels in line.groupby("label", sort=True):
            first = pixels.iloc[0]
            grey = pixels["intensity"].to_numpy(np.float64).reshape(pixels["row"].max() + 1, -1)
            confidence = float(first["confidence_percent"])
            images.append(
                Shown(
                    address=_grey_png(grey),
                    label=int(label),
                    predicted=int(first["predicted_class"]),
                    confidence_percent=confidence,
                    steps=int(first["steps"]),
                    reached=bool(first.get("reached", confidence >= full)),
                )
            )
        yield part, "" if pandas.isna(model) else str(model), images


def _grey_png(values: np.ndarray) -> str:
    """Values on a symmetric grey scale, as a data address."""
    limit = np.abs(values).max() or 1.0
    pixels = np.round(127.5 * (1 + values / limit)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="png", optimize=True)
    return _data_address(stream.getvalue())


def _data_address(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
