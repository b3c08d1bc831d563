"""A pack from a study's settings to its files: what the workflow's training job calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rate_distortion.analysis.information_plane import ESTIMATORS, Estimator, PlaneSettings
from rate_distortion.datasets import prepared_data
from rate_distortion.models.perceptrons import NetworkSettings
from rate_distortion.storage import files, provenance, run_lock
from rate_distortion.storage.run_lock import RunLocks
from rate_distortion.training import checkpoints
from rate_distortion.training.convolutional import TrainingSettings
from rate_distortion.training.perceptrons import RecordSettings, TrainedNetwork, train, write
from rate_distortion.training.runs import RESUME_FILE


def train_pack(folders: Sequence[str | Path], data_folder: str | Path, study: str, settings: Mapping[str, Any]) -> None:
    """Train the networks of a cell as one pack and write each seed's files.

    Beside what :func:`write` writes there are metrics.json and provenance.json. The resume file of several seeds lies in the
    cell's folder, that of one seed in its own. The folders are owned meanwhile (:mod:`rate_distortion.storage.run_lock`).

    Args:
        folders: one per seed, named ``seed<number>``, all in the folder of one cell.
        data_folder: two digits, as :func:`rate_distortion.datasets.preparation.prepare_digit_pair` writes them.
        study: its name.
        settings: of the cell (:meth:`rate_distortion.studies.Study.perceptron`).

    Raises:
        FolderLockedError: another job may still be at work in one of the folders.
        FolderTakenError: another job has taken one of them over.
    """
    folders = [Path(folder) for folder in folders]
    seeds = [int(folder.name.removeprefix("seed")) for folder in folders]
    data_checksum = prepared_data.describe(data_folder)["sha256"]
    work = checkpoints.fingerprint({"settings": settings, "seeds": seeds, "data": data_checksum})
    with run_lock.owned_together(folders, work) as locks:
        if not locks.work_was_done("model.safetensors", "metrics.json", provenance.RECORD):
            _train_owned(folders, seeds, data_folder, study, settings, locks)


def _train_owned(
    folders: Sequence[Path],
    seeds: Sequence[int],
    data_folder: str | Path,
    study: str,
    settings: Mapping[str, Any],
    locks: RunLocks,
) -> None:
    """Train and write a pack whose folders are this process's."""
    training, network = TrainingSettings(**settings["training"]), NetworkSettings(**settings["network"])
    data, (images, labels) = prepared_data.describe(data_folder), prepared_data.load(data_folder, "train")
    resume_file = (folders[0] if len(folders) == 1 else folders[0].parent) / RESUME_FILE

    trained = train(
        training,
        network,
        record_settings(settings["gradients"], settings["plane"]),
        images,
        labels,
        seeds,
        resume_file=resume_file,
        data_checksum=str(data["sha256"]),
        before_saving=locks.check,
    )
    locks.check()
    identity = {"study": study, **{key: getattr(network, key) for key in ("activation", "normalization")}}
    circumstances = provenance.record(training.device, training.threads) | {
        "settings": asdict(training),
        "network": asdict(network),
        "data_sha256": data["sha256"],
        "sources_md5": data["sources_md5"],
        "seeds_trained_together": seeds,
    }
    for folder, result in zip(folders, trained, strict=True):
        written = write(folder, result)
        files.write_json(folder / "metrics.json", identity | _metrics(result, training, len(labels)))
        own = {
            "seed": result.seed,
            "seconds": result.seconds,
            "resumed_from_epochs": list(result.resumed_from_epochs),
            "outputs_sha256": provenance.outputs_sha256([*written, folder / "metrics.json"]),
        }
        files.write_json(folder / provenance.RECORD, circumstances | own)
    resume_file.unlink(missing_ok=True)


def record_settings(gradients: Mapping[str, Any], plane: Mapping[str, Any]) -> RecordSettings:
    """What is recorded: the paper's estimator, those that answer the objections to it, and its other bins and samples.

    Args:
        gradients, plane: of :meth:`rate_distortion.studies.Study.perceptron`.
    """
    main, *others = (replace(estimator, bins=plane["bins"]) for estimator in ESTIMATORS)
    other_bins = (replace(main, name=f"{main.name}_{bins}", bins=bins) for bins in plane["other_bins"])
    other_samples = (replace(main, name=f"{main.name}_{n}_samples", samples=n) for n in plane["other_samples"])
    estimators: tuple[Estimator, ...] = (main, *others, *other_bins, *other_samples)
    taken = {key: plane[key] for key in ("samples", "points", "other_points", "permutations", "output")}
    return RecordSettings(gradients["points"], gradients["weights"], PlaneSettings(estimators=estimators, **taken))


def _metrics(result: TrainedNetwork, training: TrainingSettings, images: int) -> dict[str, Any]:
    """The end of one seed's training: nats, percent, and its share of the pack's seconds."""
    last = result.history[-1]
    return {
        "labels": training.labels,
        "seed": result.seed,
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "learning_rate": training.learning_rate,
        "train_images": images,
        "train_loss": last["train_loss_nats"],
        "train_accuracy": last["train_accuracy_percent"],
        "seconds": result.seconds,
        "training_seconds": result.training_seconds,
    }
