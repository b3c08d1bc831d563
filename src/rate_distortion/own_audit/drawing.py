"""The picture of an audit: Figure 5 of one model, information and accuracy against signal-to-noise ratio."""

from __future__ import annotations

import functools

import numpy as np
import pandas

from rate_distortion.figures import Drawing, figure5, style


def make(curves: pandas.DataFrame, title: str, shown: str) -> Drawing:
    """The picture of an audit's curves (:attr:`rate_distortion.own_audit.Audit.curves`), without the clean points.

    Args:
        curves: the rows to draw.
        title: of the picture.
        shown: the lines under it: what of the model and its images is shown.
    """
    rows = curves[np.isfinite(curves["snr_db"])].assign(panel="", seed=0)
    # One floor only: each kind of noise is recorded at its own ratios, and a line through all of them would jump.
    rows["floor_bits"] = rows["floor_bits"].where(rows["noise"] == "l2")
    panels = [{"panel": "", "title": title, "model": title, "evaluation_mode": "none"}]
    return style.drawing(rows, functools.partial(figure5.draw, rows, panels, f"{shown} {figure5.RISING}"))
