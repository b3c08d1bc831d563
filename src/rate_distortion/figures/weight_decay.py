"""Adapter."""

from __future__ import annotations

from pathlib import Path

from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing
from rate_distortion.figures import style as figures
from rate_distortion.storage import files


def make(table: str, dataset: str, calibration: dict, study: dict) -> Drawing:
    """What is drawn, and how."""
    rows, data = files.read_table(table), prepared_data.describe(Path(dataset).parent)
    shown = f"model {calibration['model']}, batch size {calibration['batch_size']}, {len(study['seeds'])} seeds"
    return Drawing(rows, lambda svg, png: figures.weight_decay(rows, figures.source_line(study, data, shown), svg, png))
