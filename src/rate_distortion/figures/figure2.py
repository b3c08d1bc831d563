"""Adapter."""

from __future__ import annotations

from pathlib import Path

from rate_distortion.analysis.records import read_perceptrons
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing
from rate_distortion.figures import perceptrons as perceptron_figures
from rate_distortion.figures import style as figures


def make(records: list[str], data: str, study: dict, kind: str, panels: list[dict]) -> Drawing:
    """What is drawn, and how."""
    rows = perceptron_figures.figure2_rows(read_perceptrons(records), kind)
    shown = f"mean and standard error over {len(study['seeds'])} seeds"
    source = figures.source_line(study, prepared_data.describe(Path(data).parent), shown)
    return Drawing(rows, lambda svg, png: perceptron_figures.figure2(rows, panels, kind, source, svg, png))
