"""Adapter."""

from __future__ import annotations

from pathlib import Path

from rate_distortion.analysis.records import disambiguate
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing
from rate_distortion.figures import style as figures
from rate_distortion.storage import files, provenance


def make(
    examples: str,
    dataset: str,
    predictions: str,
    reverse_transmission: list[str],
    study: dict,
    shown: dict,
) -> Drawing:
    """a reversed run's folder says its model and batch size."""
    data = prepared_data.describe(Path(dataset).parent)
    first = files.read_arrays(examples)
    probabilities = files.read_arrays(provenance.verified(predictions))["test_probabilities"]
    transmitted = {}
    folders = [Path(path).parent for path in reverse_transmission]
    sizes = [int(folder.parts[-3].removeprefix("batch")) for folder in folders]
    names = disambiguate([folder.parts[-4] for folder in folders], sizes)
    for name, folder in zip(names, folders, strict=True):
        reversed_images = files.read_arrays(folder / "reverse_transmission.npz")["images"]
        transmitted[name] = reversed_images, files.read_table(folder / "reverse_transmission.csv")
    drawn = figures.figure4_rows(first, probabilities, transmitted)
    run = f"(a) model {shown['model']}, batch size {shown['batch_size']}; seed {study['seeds'][0]}"
    if data["classes"] > figures.MOST_CLASSES:
        run += f"; the first {figures.MOST_CLASSES} of {data['classes']} classes"
    return Drawing(drawn, lambda svg, png: figures.figure4(drawn, figures.source_line(study, data, run), svg, png))
