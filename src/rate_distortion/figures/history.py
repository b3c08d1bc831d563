"""Adapter."""

from __future__ import annotations

from pathlib import Path

from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing
from rate_distortion.figures import style as figures
from rate_distortion.storage import files, provenance


def make(histories: list[str], dataset: str, batch_size: int, study: dict) -> Drawing:
    """What is drawn, and how."""
    runs = {}
    for path in map(Path, histories):
        model, size, labels, seed = path.parts[-5:-1]
        runs[model, int(size.removeprefix("batch")), labels, int(seed.removeprefix("seed"))] = files.read_table(
            provenance.verified(path)
        )
    rows, data = figures.history_rows(runs), prepared_data.describe(Path(dataset).parent)
    shown = f"batch size {batch_size}, mean and standard error over {len(study['seeds'])} seeds"
    return Drawing(rows, lambda svg, png: figures.history(rows, figures.source_line(study, data, shown), svg, png))
