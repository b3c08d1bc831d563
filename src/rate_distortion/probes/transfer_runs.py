"""Transfer finished runs to a study's target images, as files.

The folder of a transferred run holds ``zero_shot.csv`` (one row per target), ``one_shot.csv`` (one row per support set) and
``predictions.npz``, which the figure is made from: the :class:`analysis.confidence.Confidence` of the test images as
``zero_shot_*`` and, for every support set, ``one_shot_*``; ``labels``; ``support``, the position of every example among the
validation images; and ``real_svhn_*`` with ``real_svhn_labels`` where SVHN's test images were read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rate_distortion import datasets
from rate_distortion.analysis.confidence import Confidence
from rate_distortion.datasets import LabelledImages, prepared_data
from rate_distortion.datasets.whitening import Whitening
from rate_distortion.probes import probing, transfer
from rate_distortion.probes.transfer import OneShot, Source, TransferError, TransferSettings
from rate_distortion.storage import files
from rate_distortion.training.runs import model_settings
from rate_distortion.training.settings import set_up_process

log = logging.getLogger(__name__)

TARGET_KEYS = ("dataset", "file", "validation_images", "test_images", "target_whitening")
"""Keys of ``transfer`` that choose the target images; the others say how the network is tuned."""

NATIVE_SIDES = {"digits": 8}
"""Sides of sources that would otherwise come resized: the source's side is reached in one interpolation."""

REAL_SVHN = "svhn"
"""Name of the second target in ``zero_shot.csv``: SVHN's test images, read by networks of procedural street numbers."""


class Target(NamedTuple):
    """The images that a network is transferred to: where examples are drawn from, and what is read."""

    name: str
    validation: LabelledImages
    test: LabelledImages


def read_target(settings: Mapping[str, Any], downloads: str | Path = "data") -> Target:
    """The target of a study's ``transfer``: the last images of its training split for validation, and its test split.

    Raises:
        datasets.DatasetError: the target cannot be read.
        TransferError: it has fewer training images than are wanted for validation.
    """
    name, wanted = settings["dataset"], settings["validation_images"]
    source = {"data_folder": downloads, "file": settings.get("file"), "image_size": NATIVE_SIDES.get(name)}
    train = datasets.load(name, "train", **source)
    test = datasets.load(name, "test", count=settings.get("test_images"), **source)
    if wanted > len(train):
        raise TransferError(
            f"transfer.validation_images is {wanted:,}, and {name} has {len(train):,} training images to take the last ones of"
        )
    return Target(name, train.take(slice(len(train) - wanted, None)), test)


def read_street_images(transform: Whitening, downloads: str | Path = "data") -> tuple[Tensor, np.ndarray]:
    """SVHN's test images, preprocessed as the source's own, and their labels."""
    street = datasets.load(REAL_SVHN, "test", data_folder=downloads)
    return torch.from_numpy(transform(street.images)), street.labels


def whitened_by(transform: Whitening) -> Callable[[Tensor], Tensor]:
    """The source's whitening as a preprocessing of images in [0, 1], (N, C, H, W)."""

    def whitened(images: Tensor) -> Tensor:
        values = transform.of_intensities(images.double().flatten(1).numpy())
        return torch.from_numpy(values).to(images).view_as(images)

    return whitened


def open_source(
    run: str | Path, data_folder: str | Path, machine: Mapping[str, Any], preprocess: Callable[[Tensor], Tensor]
) -> Source:
    """The network of a run's folder, with the settings that it was trained with."""
    data = prepared_data.describe(data_folder)
    model = probing.open_model(run, data_folder, machine)
    return Source(model, model_settings(run), tuple(data["image_shape"]), data["classes"], preprocess)


def transfer_runs(
    runs: Mapping[Path, Path],
    data_folder: str | Path,
    settings: Mapping[str, Any],
    machine: Mapping[str, Any],
    *,
    real_svhn: bool = False,
    downloads: str | Path = "data",
) -> None:
    """Transfer every run and write its files.

    Args:
        runs: folder to write -> the run's folder; either name ends in the seed.
        data_folder: the data that the runs were trained on.
        settings: the study's ``transfer`` without its cells: :data:`TARGET_KEYS` and :class:`TransferSettings`.
        machine: {"device": ..., "threads": ...}.
        real_svhn: read SVHN's test images as well.
        downloads: where downloaded files lie.

    Raises:
        datasets.DatasetError, TransferError: the target cannot be read, or does not suit the network.
    """
    set_up_process(machine["threads"])
    transform = Whitening.load(Path(data_folder) / "whitening.npz")
    preprocess = whitened_by(transform) if settings["target_whitening"] == "source" else transfer.as_they_are
    how = TransferSettings(**{key: value for key, value in settings.items() if key not in TARGET_KEYS})
    target = read_target(settings, downloads)
    street = read_street_images(transform, downloads) if real_svhn else None
    for folder, run in runs.items():
        source = open_source(run, data_folder, machine, preprocess)
        transfer.check_classes(source, target.test.labels, target.name)
        images = transfer.to_source_images(target.test.images, source.image_shape)
        zero = {target.name: (*transfer.zero_shot(source, images), target.test.labels)}
        if street:
            zero[REAL_SVHN] = (
                *transfer.zero_shot(replace(source, preprocess=transfer.as_they_are), street[0]),
                street[1],
            )
        seed = int(Path(folder).name.removeprefix("seed"))
        one = transfer.one_shot(source, target.validation, target.test, how, seed)
        circumstances = {"evaluation_mode": probing.audited_mode(source.model)}
        write(folder, target, settings, circumstances, zero, one, how.bins)


def write(
    folder: str | Path,
    target: Target,
    settings: Mapping[str, Any],
    circumstances: Mapping[str, Any],
    zero: Mapping[str, tuple[Confidence, np.ndarray, np.ndarray]],
    one: OneShot,
    bins: int,
) -> None:
    """Write the three files of a transferred run.

    Args:
        folder: where.
        target, settings: what was read, and the study's ``transfer``.
        circumstances: further columns of both tables.
        zero: target -> (what the network says, logarithms of the class probabilities, labels); the study's target and perhaps
            real SVHN.
        one: one-shot transfer to the study's target.
        bins: of the calibration errors.
    """
    folder, rows = Path(folder), []
    for name, (said, log_probabilities, labels) in zero.items():
        whitening = settings["target_whitening"] if name == target.name else "source"
        record = transfer.zero_shot_record(said, log_probabilities, labels, bins)
        rows.append({"target": name, "target_whitening": whitening, **circumstances, **record})
        log.info("%s, zero-shot on %s: %.1f %%", folder, name, record["accuracy_percent"])
    files.write_rows(folder / "zero_shot.csv", rows)
    repeated = {"target": target.name, "target_whitening": settings["target_whitening"], **circumstances}
    records_of_sets = transfer.one_shot_records(one, target.test.labels, bins)
    files.write_rows(folder / "one_shot.csv", [repeated | row for row in records_of_sets])
    arrays = {"labels": target.test.labels, "support": one.support} | _named("one_shot", one.said)
    for name, (said, _, labels) in zero.items():
        shot = "zero_shot" if name == target.name else "real_svhn"
        arrays |= _named(shot, said) | ({} if name == target.name else {"real_svhn_labels": labels})
    files.write_arrays(folder / "predictions.npz", **arrays)


def _named(name: str, said: Confidence) -> dict[str, np.ndarray]:
    return {f"{name}_{part}": values for part, values in said._asdict().items()}
