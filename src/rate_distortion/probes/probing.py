"""Probe a finished run: its sweeps under every kind of evaluation, and its labels transmitted in reverse, as files."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rate_distortion.datasets import prepared_data
from rate_distortion.models import convolutional
from rate_distortion.probes import gradient_masking, perturbations
from rate_distortion.probes import reverse_transmission as reverse
from rate_distortion.probes.noise_paths import NOISES, SweepSettings
from rate_distortion.storage import files, provenance
from rate_distortion.training import runs
from rate_distortion.training.settings import select_device, set_up_process

log = logging.getLogger(__name__)


def probe_run(
    folder: str | Path, data_folder: str | Path, settings: Mapping[str, Any], machine: Mapping[str, Any]
) -> None:
    """Write ``perturbations/<noise>.csv``, ``perturbations/sweeps.npz`` and ``reverse_transmission.{csv,npz}`` of a run.

    Args:
        folder: a run's folder.
        data_folder: the data it was trained on.
        settings: {"perturbations": ..., "reverse_transmission": ..., "train_on": ...} of the study.
        machine: {"device": ..., "threads": ...}.
    """
    folder = Path(folder)
    set_up_process(machine["threads"])
    model = open_model(folder, data_folder, machine)
    images, labels = test_images(data_folder, settings["perturbations"]["images"], model)
    arrays: dict[str, np.ndarray] = {"labels": labels.cpu().numpy()}
    for noise in NOISES:
        rows: list[dict[str, Any]] = []
        for mode in evaluation_modes(model):
            sweep = perturbations.sweep(model, images, labels, sweep_settings(settings["perturbations"], noise), mode)
            log.info(
                "%s, %s, evaluation %s: %d points to %.1f dB",
                folder,
                noise,
                mode,
                len(sweep.records),
                sweep.records[-1]["snr_db"],
            )
            rows += sweep.records
            arrays |= {
                f"{noise}_{mode}_predictions": sweep.predictions,
                f"{noise}_{mode}_confusion": sweep.confusion,
                f"{noise}_{mode}_first_misclassified_snr_db": sweep.first_misclassified_snr_db,
            }
        files.write_rows(folder / "perturbations" / f"{noise}.csv", rows)
    files.write_arrays(folder / "perturbations" / "sweeps.npz", **arrays)
    _transmit(folder, data_folder, model, settings)


def audit(
    folders: Sequence[Sequence[str | Path]],
    data_folder: str | Path,
    settings: Mapping[str, Any],
    audit_settings: Mapping[str, Any],
    machine: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """The rows of ``attack_audit.csv``: for every cell the network of its first seed, transfer from that of its second.

    Args:
        folders: for each cell the folders of its first two seeds.
        data_folder, machine: as for :func:`probe_run`.
        settings: the study's ``perturbations``.
        audit_settings: the study's ``attack_audit``.
    """
    set_up_process(machine["threads"])
    rows = []
    for target, source in folders:
        identity = files.read_json(provenance.verified(Path(target) / "metrics.json"))
        attacked, other = (open_model(folder, data_folder, machine) for folder in (target, source))
        images, labels = test_images(data_folder, audit_settings["images"], attacked)
        mode = audited_mode(attacked)
        for model in (attacked, other):
            convolutional.set_batch_norm_evaluation(model, mode)
        for noise in ("l2", "linf"):
            result = gradient_masking.audit(
                attacked,
                images,
                labels,
                sweep_settings(settings, noise),
                audit_settings["at_db"],
                source=other,
                starts=audit_settings["starts"],
                evaluation_mode=mode,
            )
            # "noise" of the blind Gaussian attack is its own; "compared_with" is the plain attack beside it.
            rows += [
                {key: identity[key] for key in ("model", "batch_size", "seed")} | {"compared_with": noise} | row
                for row in result
            ]
    return rows


def open_model(folder: str | Path, data_folder: str | Path, machine: Mapping[str, Any]) -> nn.Module:
    """A run's network in evaluation mode on the study's device."""
    data = prepared_data.describe(data_folder)
    model = runs.load_model(folder, tuple(data["image_shape"]), data["classes"])
    return convolutional.placed(model, select_device(machine["device"]))


def test_images(data_folder: str | Path, count: int, model: nn.Module) -> tuple[Tensor, Tensor]:
    """The first ``count`` test images and labels, in the model's precision and on its device."""
    images, labels = (np.array(part[:count]) for part in prepared_data.load(data_folder, "test"))
    weights = next(model.parameters())
    return torch.from_numpy(images).to(weights), torch.from_numpy(labels).to(weights.device)


def evaluation_modes(model: nn.Module) -> Iterator[str]:
    """Every kind of batch-normalization statistics, set one after the other; "none" for a network without any."""
    layers = convolutional.batch_normalizations(model)
    if not layers:
        yield "none"
        return
    chosen = layers[0].evaluation
    for mode in convolutional.BATCH_NORM_EVALUATIONS:
        convolutional.set_batch_norm_evaluation(model, mode)
        yield mode
    convolutional.set_batch_norm_evaluation(model, chosen)


def audited_mode(model: nn.Module) -> str:
    """Fixed population statistics for a network with batch normalization, under which an image is attacked for itself."""
    return "population" if convolutional.batch_normalizations(model) else "none"


def sweep_settings(settings: Mapping[str, Any], noise: str) -> SweepSettings:
    """The path of one noise from the study's ``perturbations``."""
    return SweepSettings(
        noise=noise, **{key: value for key, value in settings.items() if key not in ("cells", "images")}
    )


def _transmit(folder: Path, data_folder: str | Path, model: nn.Module, settings: Mapping[str, Any]) -> None:
    """Every label backwards, under population statistics where there is batch normalization."""
    population, _ = prepared_data.load(data_folder, settings["train_on"].partition("+")[0])
    mean, deviation = reverse.population_statistics(torch.from_numpy(np.array(population)))
    mode = audited_mode(model)
    convolutional.set_batch_norm_evaluation(model, mode)
    classes = prepared_data.describe(data_folder)["classes"]
    transmitted = reverse.transmit(
        model,
        mean.to(next(model.parameters())),
        deviation,
        classes,
        reverse.ReverseSettings(**settings["reverse_transmission"]),
        mode,
    )
    files.write_rows(folder / "reverse_transmission.csv", transmitted.records)
    files.write_arrays(folder / "reverse_transmission.npz", images=transmitted.images, starts=transmitted.starts)
