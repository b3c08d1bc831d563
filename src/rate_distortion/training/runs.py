"""Train the runs of folders and write what each leaves: the one entrance and the one writer for every kind of network.

A kind is a name under ``runs/`` and a module here whose ``trainees(runs, settings, ...)`` yields folders and the
:class:`rate_distortion.training.loop.Trainee` that is trained for them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from rate_distortion.models import convolutional, factory
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.storage import files, provenance, run_lock
from rate_distortion.training import checkpoints, loop
from rate_distortion.training.loop import FinishedRun, Trainee
from rate_distortion.training.settings import PRECISIONS

KINDS = {
    "cnn": ("packs", ("model", "batch_size", "labels", "seed")),
    "mlp": ("perceptrons", ("activation", "normalization", "labels", "seed")),
    "sphere_packing": ("bottleneck", ("variant", "seed")),
}
"""Name under runs/ -> module, imported only by a job that needs it, and what the folders below stand for."""

NUMBERED = {"batch_size": "batch", "seed": "seed"}
"""Folders that are a word and a number."""

WEIGHTS, METRICS = "model.safetensors", "metrics.json"
RESUME_FILE = "resume.safetensors"
"""Kept in the run's folder while it trains. No rule declares it, since declared outputs are deleted when a job fails."""

PACK_RESUME_FILE = "resume_pack.safetensors"
"""The same for runs that are trained as one, in the folder of the first."""


class ChangedNetworkError(ValueError):
    """The code of a user's own network is not what a run was trained with; the message names both."""


def train(folders: Iterable[str | Path], settings: Mapping[str, Any], **inputs: Any) -> None:
    """Train and write the runs of folders, which are all of one kind; killed trainings go on from their resume files.

    Args:
        folders: .../{study}/runs/{kind}/..., whose last parts say which run it is (:data:`KINDS`).
        settings: as the kind's ``trainees`` take them.
        inputs: what else they take: data_folder, weight_decay, downloads.

    Raises:
        FolderLockedError: another job may still be at work in one of the folders.
        FolderTakenError: another job has taken one of them over.
    """
    described = {Path(folder): run_of(folder) for folder in folders}
    (kind,) = {kind for kind, _ in described.values()}
    module = importlib.import_module(f"rate_distortion.training.{KINDS[kind][0]}")
    runs = {folder: run for folder, (_, run) in described.items()}
    for own, trainee in module.trainees(runs, settings, **inputs):
        train_and_write(own, trainee)


def train_and_write(folders: Sequence[Path], trainee: Trainee) -> None:
    """Train, and write one folder for each network, unless a job that this one waited for has done it."""
    with run_lock.owned_together(folders, trainee.fingerprint) as locks:
        if locks.work_was_done(WEIGHTS, METRICS, provenance.RECORD):
            return
        resume_file = folders[0] / (RESUME_FILE if len(folders) == 1 else PACK_RESUME_FILE)
        finished = loop.fit(trainee, resume_file=resume_file, before_saving=locks.check)
        for folder, run in zip(folders, finished, strict=True):
            write(folder, run)
        resume_file.unlink(missing_ok=True)


def write(folder: str | Path, run: FinishedRun) -> None:
    """Write a finished run: weights, tables, arrays and metrics, and at last provenance.json, which has their checksums."""
    folder = Path(folder)
    files.remove(folder / provenance.RECORD)  # left by a killed start: it would describe other files
    files.write_bytes(folder / WEIGHTS, checkpoints.serialized(run.model.state_dict()))
    tables = {f"{name}.csv": rows for name, rows in run.tables.items() if rows}
    for name, rows in tables.items():
        files.write_rows(folder / name, rows)
    for name, arrays in run.arrays.items():
        files.write_arrays(folder / f"{name}.npz", **arrays)
    files.write_json(folder / METRICS, run.metrics)
    written = (WEIGHTS, *tables, *(f"{name}.npz" for name in run.arrays), METRICS)
    circumstances = provenance.record(run.provenance["device"], run.provenance["settings"]["threads"])
    checksums = provenance.outputs_sha256(folder / name for name in written)
    files.write_json(folder / provenance.RECORD, circumstances | run.provenance | {"outputs_sha256": checksums})


def run_of(folder: str | Path) -> tuple[str, dict[str, Any]]:
    """The kind of a run's folder, and which run it is: study and what the folders stand for."""
    parts = Path(folder).parts
    for kind, (_, keys) in KINDS.items():
        above, own = parts[: -len(keys)], parts[-len(keys) :]
        if above[-2:] == ("runs", kind):
            named = {
                key: int(part.removeprefix(NUMBERED[key])) if key in NUMBERED else part
                for key, part in zip(keys, own, strict=True)
            }
            return kind, {"study": above[-3]} | named
    raise ValueError(
        f"{folder} is no run's folder: it should end in runs/<kind>/..., with a kind of {', '.join(KINDS)}"
    )


def load_model(folder: str | Path, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """The trained convolutional network of a run's folder in evaluation mode, on the CPU, in the precision of its training.

    Raises:
        files.DamagedFileError: a file is not as the training left it.
        ChangedNetworkError: it is a user's own network, and the file that makes it has changed.
        InputError: that file cannot be imported.
    """
    folder = Path(folder)
    provenance_record = files.read_json(folder / provenance.RECORD)
    settings = ModelSettings(**provenance_record["model"])
    _refuse_changed_source(folder, settings, provenance_record.get("model_factory"))
    model = convolutional.build(settings, image_shape, classes, torch.Generator())
    weights = provenance.verified(folder / WEIGHTS)
    try:
        model.load_state_dict(safetensors.torch.load_file(weights))
    except safetensors.SafetensorError as error:
        raise files.damaged(weights, error) from error
    return model.to(PRECISIONS[provenance_record["settings"]["precision"]]).eval()


def model_settings(folder: str | Path) -> ModelSettings:
    """The settings that the network of a run's folder was trained with, a calibrated weight decay as a number."""
    return ModelSettings(**files.read_json(Path(folder) / provenance.RECORD)["model"])


def _refuse_changed_source(folder: Path, settings: ModelSettings, recorded: Mapping[str, str] | None) -> None:
    """Refuse weights whose network source has changed: they mean what they did only in that network."""
    now = factory.source(settings.factory)
    if recorded and now != recorded:
        raise ChangedNetworkError(
            f"{folder} was trained with {recorded['file']} as it was then (sha256 {recorded['sha256'][:8]}), and the file of "
            f"{settings.factory} is another now ({now['file']}, {now['sha256'][:8]}): bring the old one back, or train again"
        )
