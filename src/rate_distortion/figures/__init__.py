"""One module per figure: tidy rows that hold exactly what is drawn, and the drawing. Knows nothing of torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Drawing:
    """A figure before it is written.

    Attributes:
        rows: exactly what is drawn, tidy: the figure's CSV.
        save: writes the picture, given the paths of its SVG and its PNG.
        animate: writes the animation, given the path of its GIF; None for a figure without one.
    """

    rows: pandas.DataFrame
    save: Callable[[Path, Path], None]
    animate: Callable[[Path], None] | None = None
