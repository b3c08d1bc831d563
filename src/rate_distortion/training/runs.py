"""What a run leaves behind: weights, metrics, history, predictions, provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import nn

from rate_distortion import information
from rate_distortion.models import convolutional as models
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.storage import files, provenance
from rate_distortion.training.convolutional import PRECISIONS, RunName, TrainedRun, TrainingSettings, weight_norms

PERMUTATIONS = 999
"""Permuted label tables behind the p-value of the information: the smallest p-value is 0.001."""

RESUME_FILE = "resume.safetensors"
"""Kept in the run's folder while it trains. No rule declares it, since declared outputs are deleted when a job fails."""

OUTPUTS = ("model.safetensors", "history.csv", "predictions.npz", "metrics.json")
"""What a run leaves behind beside its provenance, which lists their checksums."""

FILES = (*OUTPUTS, provenance.RECORD)
"""What :func:`write` leaves."""


class ChangedNetworkError(ValueError):
    """The code of a user's own network is not what a run was trained with; the message names both."""


def write(
    folder: str | Path,
    name: RunName,
    settings: TrainingSettings,
    model: ModelSettings,
    run: TrainedRun,
    data: Mapping[str, Any],
) -> None:
    """Write a finished run's files and then remove its resume file.

    Args:
        folder: the run's folder.
        name, settings, model, run: what was trained and how it ended.
        data: the content of the data folder's ``dataset.json``.
    """
    folder = Path(folder)
    tensors = {key: tensor.cpu().contiguous() for key, tensor in run.model.state_dict().items()}
    files.write_bytes(folder / "model.safetensors", safetensors.torch.save(tensors))
    files.write_rows(folder / "history.csv", run.progress.history)
    files.write_arrays(folder / "predictions.npz", **_predictions(run))
    files.write_json(folder / "metrics.json", metrics(name, settings, model, run))
    circumstances = provenance.record(str(next(run.model.parameters()).device), settings.threads)
    files.write_json(
        folder / provenance.RECORD,
        {
            **circumstances,
            "seed": name.seed,
            "settings": asdict(settings),
            "model": asdict(model),
            "model_factory": models.factory_source(model),
            "data_sha256": data["sha256"],
            "sources_md5": data["sources_md5"],
            "seconds": run.progress.seconds,
            "resumed_from_epochs": list(run.progress.resumed_from_epochs),
            "outputs_sha256": provenance.outputs_sha256(folder / output for output in OUTPUTS),
            "pack": run.pack,
        },
    )
    (folder / RESUME_FILE).unlink(missing_ok=True)


def run_name(folder: str | Path) -> RunName:
    """The run whose folder it is: .../{study}/runs/cnn/{model}/batch{batch_size}/{labels}/seed{seed}."""
    study, _, _, model, batch_size, labels, seed = Path(folder).parts[-7:]
    return RunName(study, model, int(batch_size.removeprefix("batch")), labels, int(seed.removeprefix("seed")))


def load_model(folder: str | Path, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """The trained network of a run's folder in evaluation mode, on the CPU, in the precision it was trained in.

    Raises:
        files.DamagedFileError: a file is not as the training left it.
        ChangedNetworkError: it is a user's own network, and the file that makes it has changed.
        InputError: that file cannot be imported.
    """
    folder = Path(folder)
    provenance_record = files.read_json(folder / provenance.RECORD)
    settings = ModelSettings(**provenance_record["model"])
    _check_factory(folder, settings, provenance_record.get("model_factory"))
    model = models.build(settings, image_shape, classes, torch.Generator())
    weights = provenance.verified(folder / "model.safetensors")
    try:
        model.load_state_dict(safetensors.torch.load_file(weights))
    except safetensors.SafetensorError as error:
        raise files.damaged(weights, error) from error
    return model.to(PRECISIONS[provenance_record["settings"]["precision"]]).eval()


def _check_factory(folder: Path, settings: ModelSettings, recorded: Mapping[str, str] | None) -> None:
    """Weights mean what they did only in the network that they were trained in."""
    now = models.factory_source(settings)
    if recorded and now != recorded:
        raise ChangedNetworkError(
            f"{folder} was trained with {recorded['file']} as it was then (sha256 {recorded['sha256'][:8]}), and the file of "
            f"{settings.factory} is another now ({now['file']}, {now['sha256'][:8]}): bring the old one back, or train again"
        )


def model_settings(folder: str | Path) -> ModelSettings:
    """The settings that the network of a run's folder was trained with, a calibrated weight decay as a number."""
    return ModelSettings(**files.read_json(Path(folder) / provenance.RECORD)["model"])


def metrics(name: RunName, settings: TrainingSettings, model: ModelSettings, run: TrainedRun) -> dict[str, Any]:
    """The numbers of a run: percent, points (signed gap, train minus test), nats and bits.

    ``train_*`` are measured against the labels that were trained on, random or not; test labels are always the original ones.
    """
    test = run.held_out["test"]
    train_information = information.confusion_information(run.train.confusion, permutations=PERMUTATIONS)
    return {
        **asdict(name),
        "train_accuracy": run.train.accuracy_percent,
        "test_accuracy": test.accuracy_percent,
        **{
            f"{split}_{quantity}": value
            for split, result in run.held_out.items()
            if split != "test"
            for quantity, value in (("accuracy", result.accuracy_percent), ("loss", result.loss_nats))
        },
        "generalization_gap": run.train.accuracy_percent - test.accuracy_percent,
        "train_loss": run.train.loss_nats,
        "test_loss": test.loss_nats,
        "loss_gap": test.loss_nats - run.train.loss_nats,
        "prediction_information": test.information_bits,
        "train_prediction_information": train_information.value_bits,
        "train_permutation_p_value": train_information.p_value,
        "train_predicted_classes": int((run.train.confusion.sum(axis=0) > 0).sum()),
        "train_majority_percent": 100.0 * float(run.train.confusion.sum(axis=1).max() / run.train.confusion.sum()),
        "train_images": int(run.train.confusion.sum()),
        "test_images": int(test.confusion.sum()),
        "weight_decay": model.weight_decay,
        "weight_norms": weight_norms(run.model),
        "batch_norm_evaluations": run.batch_norm_evaluations,
        "epochs": settings.epochs,
        "first_fitted_epoch": run.progress.first_fitted_epoch,
        "seconds": run.progress.seconds,
        "images_per_second": run.images_per_second,
    }


def _predictions(run: TrainedRun) -> dict[str, np.ndarray]:
    """Class probabilities of every test image (float32, (N, classes)) and the confusion tables of both splits."""
    return {
        "test_probabilities": run.held_out_logits["test"].double().softmax(1).float().cpu().numpy(),
        "test_confusion": run.held_out["test"].confusion,
        "train_confusion": run.train.confusion,
    }
