"""A run of a model that is trained already: its weights evaluated and recorded as those of a training are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from rate_distortion.errors import InputError
from rate_distortion.models import convolutional
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.models.weights import load_weights
from rate_distortion.storage import files, provenance
from rate_distortion.training import runs
from rate_distortion.training.checkpoints import Progress
from rate_distortion.training.convolutional import (
    RunName,
    Split,
    TrainingSettings,
    finished_run,
    history_row,
    make_deterministic,
)


def record(
    folder: str | Path,
    name: RunName,
    settings: TrainingSettings,
    model: ModelSettings,
    weights: str | Path,
    train: Split,
    held_out: Mapping[str, Split],
    data: Mapping[str, Any],
) -> None:
    """Write the files of a run whose model is trained already, so that everything that opens a run opens this one.

    ``history.csv`` has one row, epoch 0; ``metrics.json`` says 0 epochs; ``provenance.json`` has the name and checksum of the
    file of weights under ``weights``.

    Args:
        folder: the run's folder.
        name, settings, model: as for a training; of the settings, device, precision, threads and the size of an evaluation
            batch are used.
        weights: the file (:func:`rate_distortion.models.weights.read_weights`).
        train: images and original labels that the model is said to have learned.
        held_out: {"test": ...}, and "validation" where the study has it.
        data: the content of the data folder's ``dataset.json``.

    Raises:
        InputError: random labels are asked for, which takes a training; or the weights do not fit the model.
    """
    if name.labels != "original":
        raise InputError(
            f"{name}: the model has weights (models.{name.model}.weights) and is not trained, so that nothing can be said of "
            "random labels or a calibration; leave it out of table2 and calibration, or take weights away to train it"
        )
    make_deterministic(settings.threads, settings.precision)
    started, images = time.perf_counter(), train.images
    network = convolutional.build(model, tuple(images.shape[1:]), data["classes"], torch.Generator())
    load_weights(network, weights)
    network = network.to(images.device, images.dtype).eval()
    untrained = replace(settings, epochs=0)
    rows = [history_row(0, network, train, dict(held_out), untrained)]
    seconds = time.perf_counter() - started
    run = finished_run(network, train, dict(held_out), untrained, Progress(0, rows, seconds, seconds))
    runs.write(folder, name, untrained, model, run, data)
    path = Path(folder) / provenance.RECORD
    source = {"file": Path(weights).name, "sha256": provenance.file_checksum(weights)}
    files.write_json(path, files.read_json(path) | {"weights": source})
