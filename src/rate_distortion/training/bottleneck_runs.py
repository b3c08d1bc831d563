"""Runs from a study's settings to their files: what the workflow's training job calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch

from rate_distortion import datasets
from rate_distortion.analysis import geometry
from rate_distortion.models.bottleneck import NetworkSettings
from rate_distortion.storage import files, provenance, run_lock
from rate_distortion.storage.run_lock import RunLock
from rate_distortion.training import checkpoints
from rate_distortion.training.bottleneck import BottleneckSettings, TrainedBottleneck, train
from rate_distortion.training.runs import RESUME_FILE

OUTPUTS = ("model.safetensors", "history.csv", "geometry.csv", "embedding.npz", "metrics.json")
"""What a run leaves behind beside its provenance, which lists their checksums."""


def train_runs(folders: Sequence[str | Path], study: str, settings: Mapping[str, Any], data_folder: str | Path) -> None:
    """Train the run of every folder one after another and write its files; a killed one goes on from its resume file.

    Args:
        folders: each ends in the run's variant and seed, ``<variant>/seed<number>``.
        study: its name.
        settings: of :meth:`rate_distortion.studies.Study.bottleneck`.
        data_folder: where downloads lie.
    """
    training = BottleneckSettings(**settings["training"])
    images, labels = load_images(settings["data"], data_folder)
    data = describe_images(settings["data"], data_folder, images)
    for folder in map(Path, folders):
        network = NetworkSettings(variant=folder.parent.name, **settings["network"])
        work = checkpoints.fingerprint({"settings": asdict(training), "network": asdict(network), "data": data})
        with run_lock.owned(folder, work) as lock:
            if not lock.work_was_done(*OUTPUTS, provenance.RECORD):
                _train_run(folder, study, training, network, images, labels, data, lock)


def _train_run(
    folder: Path,
    study: str,
    training: BottleneckSettings,
    network: NetworkSettings,
    images: np.ndarray,
    labels: np.ndarray,
    data: Mapping[str, Any],
    lock: RunLock,
) -> None:
    """Train and write a run whose folder is this process's."""
    identity = {"study": study, "variant": network.variant, "seed": int(folder.name.removeprefix("seed"))}
    result = train(
        training,
        network,
        images,
        labels,
        identity["seed"],
        resume_file=folder / RESUME_FILE,
        data_checksum=data["pixels_sha256"],
        before_saving=lock.check,
    )
    lock.check()
    write(folder, result, labels)
    files.write_json(folder / "metrics.json", identity | _metrics(result, training, data))
    circumstances = provenance.record(training.device, training.threads) | {
        **identity,
        "settings": asdict(training),
        "network": asdict(network),
        "data": data,
        "data_sha256": {"pixels": data["pixels_sha256"]},
        "sources_md5": data["sources_md5"],
        "seconds": result.seconds,
        "resumed_from_epochs": list(result.resumed_from_epochs),
        "outputs_sha256": provenance.outputs_sha256(folder / output for output in OUTPUTS),
    }
    files.write_json(folder / provenance.RECORD, circumstances)
    (folder / RESUME_FILE).unlink(missing_ok=True)


def load_images(data: Mapping[str, Any], data_folder: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Training images, flat, float32 from ``pixel_minimum`` to 1, (N, pixels), and int64 labels (N,).

    Args:
        data: dataset, pixel_minimum, and where they are set image_size and train_images.
        data_folder: where downloads lie.
    """
    loaded = datasets.load(
        data["dataset"],
        "train",
        count=data.get("train_images"),
        image_size=data.get("image_size"),
        data_folder=data_folder,
    )
    pixels = loaded.images.reshape(len(loaded), -1).astype(np.float32)
    low = data["pixel_minimum"]
    return pixels * np.float32((1 - low) / 255) + np.float32(low), loaded.labels


def describe_images(data: Mapping[str, Any], data_folder: str | Path, images: np.ndarray) -> dict[str, Any]:
    """What the images are and where they come from, for the records of a run."""
    return {
        **data,
        "description": datasets.DESCRIPTIONS[data["dataset"]],
        "images": len(images),
        "pixels": images.shape[1],
        "pixels_sha256": provenance.array_checksum(images),
        "sources_md5": datasets.checksums(data["dataset"], data_folder),
    }


def write(folder: str | Path, result: TrainedBottleneck, labels: np.ndarray) -> None:
    """Write a run's model.safetensors, history.csv, geometry.csv and embedding.npz (epochs, embedding (E, N, 2), labels)."""
    folder = Path(folder)
    files.write_bytes(folder / "model.safetensors", safetensors.torch.save(result.module.state_dict()))
    files.write_rows(folder / "history.csv", result.history)
    epochs, embedding = np.array([*result.embeddings]), np.stack([*result.embeddings.values()])
    files.write_rows(folder / "geometry.csv", geometry.history(epochs, embedding, labels))
    files.write_arrays(folder / "embedding.npz", epochs=epochs, embedding=embedding, labels=labels.astype(np.uint8))


def _metrics(result: TrainedBottleneck, training: BottleneckSettings, data: Mapping[str, Any]) -> dict[str, Any]:
    """The end of a training; loss, information and accuracy are means over the steps of the last epoch."""
    last = result.history[-1]
    return {
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "learning_rate": training.learning_rate,
        "dataset": data["description"],
        "train_images": data["images"],
        "train_loss": last["loss_nats"],
        "train_cross_entropy": last["cross_entropy_nats"],
        "train_accuracy": last["train_accuracy_percent"],
        "input_information": last["information_bits"],
        "noise_variance": last["noise_variance"],
        "seconds": result.seconds,
        "training_seconds": result.training_seconds,
    }
