"""Printed digits as signed distance fields, from the typefaces that ship inside matplotlib.

A signed distance field (Green, "Improved alpha-tested magnification for vector textures and special effects", SIGGRAPH 2007)
stores the distance to the outline instead of the ink. One small texture then gives the digit at any size, weight and softness.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import distance_transform_edt


@dataclass(frozen=True)
class Typeface:
    """One design of the ten digits.

    House numbers often show a 1 as a bare bar, or with a flag and no foot; hardly any of the faces at hand has such a digit. So
    ``one`` names another character to print for it, and ``footless`` cuts the foot off.
    """

    file: str
    zero: str = "0"  # the character of digit 0; the other nine follow it in Unicode
    one: str | None = None
    footless: bool = False

    def characters(self) -> list[str]:
        digits = [chr(ord(self.zero) + digit) for digit in range(10)]
        return [digits[0], self.one or digits[1], *digits[2:]]


# Unicode's mathematical digits and letters, as STIX draws them.
SANS, SANS_BOLD, MONOSPACE = "\U0001d7e2", "\U0001d7ec", "\U0001d7f6"
SANS_L, SANS_BOLD_L = "\U0001d5c5", "\U0001d5f9"

# Left out: faces without digits, symbols, old-style figures (cmmi10) and the crossed zero of DejaVu Sans Mono. A design listed
# with several forms of 1 is drawn that much more often, which suits the plain sans serifs.
TYPEFACES = (
    Typeface("DejaVuSans"),
    Typeface("DejaVuSans", one="I"),
    Typeface("DejaVuSans", footless=True),
    Typeface("DejaVuSans-Bold"),
    Typeface("DejaVuSans-Bold", one="I"),
    Typeface("DejaVuSans-Bold", footless=True),
    Typeface("DejaVuSans-Oblique"),
    Typeface("DejaVuSans-BoldOblique", footless=True),
    Typeface("DejaVuSerif"),
    Typeface("DejaVuSerif-Bold"),
    Typeface("DejaVuSerif-Italic"),
    Typeface("DejaVuSerif-BoldItalic"),
    Typeface("STIXGeneral", SANS),
    Typeface("STIXGeneral", SANS, one=SANS_L),
    Typeface("STIXGeneral", SANS_BOLD),
    Typeface("STIXGeneral", SANS_BOLD, one=SANS_BOLD_L),
    Typeface("STIXGeneral", MONOSPACE),
    Typeface("STIXGeneral"),
    Typeface("STIXGeneralBol"),
    Typeface("STIXGeneralItalic"),
    Typeface("STIXGeneralBolIta"),
    Typeface("cmr10"),
    Typeface("cmb10"),
    Typeface("cmss10", footless=True),
    Typeface("cmss10", one="I"),
    Typeface("cmtt10"),
    Typeface("cmti10"),
)

CELL = 64  # texels along one side of a texture
HALF_SIDE = 0.8  # a texture spans -0.8 ... 0.8 digit heights around the centre of the ink
_OVERSAMPLING = 3
_FONT_SIZE = 200  # pixels; the ink is rescaled to a common height afterwards


@lru_cache(maxsize=1)
def digit_fields() -> tuple[np.ndarray, np.ndarray]:
    """Distance fields and ink widths of every typeface and digit, read-only.

    Returns:
        Signed distances to the outline in digit heights, float32 (typefaces, 10, CELL, CELL), positive inside the ink, row 0 at
        the top; and widths of the ink in digit heights, float32 (typefaces, 10).
    """
    placed = [[_placed(ink) for ink in _digits(typeface)] for typeface in TYPEFACES]
    fields = np.array([[_signed_distance(canvas) for canvas, _ in row] for row in placed], np.float32)
    widths = np.array([[width for _, width in row] for row in placed], np.float32)
    fields.setflags(write=False)
    widths.setflags(write=False)
    return fields, widths


def _digits(typeface: Typeface) -> list[np.ndarray]:
    """The ink of the ten digits, bool, each cropped to itself."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{typeface.file}.ttf"
    # The basic layout gives the same result with and without libraqm.
    font = ImageFont.truetype(str(path), _FONT_SIZE, layout_engine=ImageFont.Layout.BASIC)
    digits = [_ink(font, character) for character in typeface.characters()]
    if typeface.footless:
        digits[1] = _without_foot(digits[1])
    return digits


def _ink(font: ImageFont.FreeTypeFont, character: str) -> np.ndarray:
    left, top, right, bottom = font.getbbox(character)
    canvas = Image.new("L", (right - left + 4, bottom - top + 4))
    ImageDraw.Draw(canvas).text((2 - left, 2 - top), character, fill=255, font=font)
    return _cropped(np.asarray(canvas) > 127)


def _cropped(ink: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _without_foot(ink: np.ndarray) -> np.ndarray:
    """A 1 whose lower third repeats the row above it, which holds the stem alone; a slant is followed."""
    trimmed = ink.copy()
    row, earlier = 2 * len(ink) // 3, len(ink) // 2
    slant = (np.flatnonzero(ink[row]).mean() - np.flatnonzero(ink[earlier]).mean()) / (row - earlier)
    for below in range(row + 1, len(ink)):
        trimmed[below] = np.roll(ink[row], round(slant * (below - row)))
    return _cropped(trimmed)


def _placed(ink: np.ndarray) -> tuple[np.ndarray, float]:
    """The ink at unit height in the middle of an oversampled texture, and its width in digit heights."""
    side = CELL * _OVERSAMPLING
    height = round(side / (2 * HALF_SIDE))
    width = max(1, round(ink.shape[1] * height / ink.shape[0]))
    resized = Image.fromarray(ink).convert("L").resize((width, height), Image.Resampling.BOX)
    canvas = Image.new("L", (side, side))
    canvas.paste(resized, ((side - width) // 2, (side - height) // 2))
    return np.asarray(canvas) > 127, width / height


def _signed_distance(ink: np.ndarray) -> np.ndarray:
    pixels = distance_transform_edt(ink) - distance_transform_edt(~ink)
    texels = pixels.reshape(CELL, _OVERSAMPLING, CELL, _OVERSAMPLING).mean((1, 3))
    return texels * (2 * HALF_SIDE / (CELL * _OVERSAMPLING))
