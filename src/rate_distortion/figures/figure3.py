"""Adapter."""

from __future__ import annotations

from pathlib import Path

from rate_distortion.analysis.records import read_perceptrons
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing
from rate_distortion.figures import perceptrons as perceptron_figures
from rate_distortion.figures import style as figures


def make(records: list[str], data: str, study: dict, plane: dict) -> Drawing:
    """What is drawn, and how."""
    rows = perceptron_figures.figure3_rows(read_perceptrons(records))
    description = prepared_data.describe(Path(data).parent)
    samples = min(plane["samples"], description["distinct_images"])
    shown = (
        f"{plane['activation']}, {samples:,} training images, {plane['bins']} bins of equal mass in each layer; "
        f"mean over {len(study['seeds'])} seeds, standard error at the last epoch"
    )
    panels = {"original": "(a) original labels", "random": "(b) random labels"}
    return Drawing(
        rows,
        lambda svg, png: perceptron_figures.figure3(
            rows, panels, figures.source_line(study, description, shown), svg, png
        ),
    )
