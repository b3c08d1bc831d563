"""Colours of the page in the dark, derived from those in the light, so that a figure is drawn once for both."""

from __future__ import annotations

import colorsys

LIGHT_SURFACE, DARK_SURFACE = "#ffffff", "#17191d"
DARK_INK = "#e9e7e2"
SMALLEST_CONTRAST = 3.0
"""Contrast of a line or mark against its background (Web Content Accessibility Guidelines 2.2, criterion 1.4.11)."""


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours ("#rrggbb"), from 1 to 21 (Web Content Accessibility Guidelines 2.2)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def in_the_dark(colour: str) -> str:
    """The colour that takes a colour's place on a dark surface.

    Greys change places, black with the dark theme's ink and white with its surface; other colours stay, but for those that
    would be too dark to see, which are lightened until they are not.
    """
    red, green, blue = _channels(colour)
    if max(red, green, blue) - min(red, green, blue) < 0.02:
        ink, surface = _channels(DARK_INK), _channels(DARK_SURFACE)
        return _text(*(dark + red * (light - dark) for dark, light in zip(ink, surface, strict=True)))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    while contrast(_text(*colorsys.hls_to_rgb(hue, lightness, saturation)), DARK_SURFACE) < SMALLEST_CONTRAST:
        lightness += 0.02
    return _text(*colorsys.hls_to_rgb(hue, lightness, saturation))


def in_the_light(colour: str) -> str:
    """The colour itself, or a darker one where it would be too bright to see on a light surface; greys as they are."""
    red, green, blue = _channels(colour)
    if max(red, green, blue) - min(red, green, blue) < 0.02:
        return colour
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    while contrast(_text(*colorsys.hls_to_rgb(hue, lightness, saturation)), LIGHT_SURFACE) < SMALLEST_CONTRAST:
        lightness -= 0.01
    return _text(*colorsys.hls_to_rgb(hue, lightness, saturation))


def themed(colour: str) -> str:
    """The colour of a style for either theme."""
    return f"light-dark({in_the_light(colour)}, {in_the_dark(colour)})"


def _channels(colour: str) -> tuple[float, float, float]:
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    red, green, blue = (int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4))
    return red, green, blue


def _text(red: float, green: float, blue: float) -> str:
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, channel))):02x}" for channel in (red, green, blue))


def rgb(colour: str) -> str:
    """The colour as browsers write it back: "rgb(0, 114, 178)"."""
    return f"rgb({', '.join(str(round(255 * channel)) for channel in _channels(colour))})"


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
