"""Adapter."""

from __future__ import annotations

from pathlib import Path

import pandas

from rate_distortion.analysis import fault_tolerance
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing
from rate_distortion.figures import style as figures


def make(sweeps: list[str], dataset: str, panels: list[dict], study: dict) -> Drawing:
    """a panel is {panel, title, model, evaluation_mode}."""
    recorded = [sweep for path in sweeps for sweep in fault_tolerance.read_run(Path(path).parent.parent)]
    curves = fault_tolerance.curves(recorded)
    parts = [
        curves[(curves["model"] == panel["model"]) & (curves["evaluation_mode"] == panel["evaluation_mode"])].assign(
            panel=panel["panel"]
        )
        for panel in panels
    ]
    rows, data = pandas.concat(parts), prepared_data.describe(Path(dataset).parent)
    shown = f"{len(recorded[0].labels):,} test images, mean and standard error over {len(study['seeds'])} seeds"
    titles = {panel["panel"]: panel["title"] for panel in panels}
    return Drawing(
        rows, lambda svg, png: figures.figure5(rows, titles, figures.source_line(study, data, shown), svg, png)
    )
