"""From a source to the data that networks see: held-out images, whitening, and what is written for the readers.

What the folders hold, and how it is read, stands in :mod:`rate_distortion.datasets.prepared_data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rate_distortion import datasets, information
from rate_distortion.datasets import prepared_data, whitening
from rate_distortion.datasets.prepared_data import joined
from rate_distortion.storage import files, provenance

SPLITS = ("train", "validation", "test")
CHUNK_IMAGES = 8192
"""Images whitened and written at a time, so that 531,131 of them never stand in memory as floats."""


def prepare(
    folder: str | Path, data: Mapping[str, Any], whitening_settings: Mapping[str, Any], data_folder: str | Path
) -> dict[str, Any]:
    """Read a source, hold out the validation images, fit the whitening and write everything.

    Args:
        folder: where to write.
        data: the study's ``data`` settings.
        whitening_settings: the study's ``whitening`` settings (the arguments of :func:`datasets.whitening.fit`).
        data_folder: where downloads lie.

    Returns:
        the content of ``dataset.json``.

    Raises:
        datasets.DatasetError, ValueError: the source cannot be read, or the settings do not suit it.
    """
    folder = Path(folder)
    raw = _read_splits(data, data_folder)
    fitted_on = joined([raw[split].images for split in data["train_on"].split("+")])
    transform = whitening.fit(fitted_on, **whitening_settings)
    transform.save(folder / "whitening.npz")
    for name, split in raw.items():
        _write_split(folder / name, split, transform)
    record = {
        "dataset": data["dataset"],
        **({"part_of": data["part_of"]} if "part_of" in data else {}),
        "description": datasets.description(data["dataset"], data.get("part_of")),
        "classes": int(max(split.labels.max(initial=0) for split in raw.values())) + 1,
        "image_shape": list(prepared_data.load(folder, "train")[0].shape[1:]),
        "images": {name: len(split.labels) for name, split in raw.items()},
        "train_on": data["train_on"],
        "sources_md5": datasets.checksums(data["dataset"], data_folder, file=data.get("file")),
        "sha256": {key: value for name in SPLITS for key, value in _checksums(folder, name).items()},
    }
    files.write_json(folder / "dataset.json", record)
    return record


def prepare_extra(folder: str | Path, data: Mapping[str, Any], data_folder: str | Path) -> dict[str, Any]:
    """Whiten a source's additional training images with the folder's whitening; writes ``extra/`` and ``extra.json``.

    Args:
        folder: a folder that :func:`prepare` has written.
        data: the study's ``data`` settings, with ``extra_images``.
        data_folder: where downloads lie.

    Returns:
        the content of ``extra.json``.
    """
    folder = Path(folder)
    source, split = ("svhn_extra", "train") if data["dataset"] == "svhn" else (data["dataset"], "extra")
    extra = datasets.load(source, split, count=data["extra_images"], seed=data["seed"], data_folder=data_folder)
    _write_split(folder / "extra", extra, whitening.Whitening.load(folder / "whitening.npz"))
    record = {
        "dataset": source,
        "description": datasets.DESCRIPTIONS[source],
        "images": len(extra),
        "sources_md5": datasets.checksums(source, data_folder),
        "sha256": _checksums(folder, "extra"),
    }
    files.write_json(folder / "extra.json", record)
    return record


def prepare_digit_pair(folder: str | Path, settings: Mapping[str, Any], data_folder: str | Path) -> dict[str, Any]:
    """Read two digits of a source and write their pixels in [0, 1] as ``train``, without whitening (Section 4.1).

    Args:
        folder: where to write ``train/images.npy`` (float32, (N, pixels)), ``train/labels.npy`` and ``dataset.json``.
        settings: the study's ``multilayer_perceptron`` settings; dataset, image_size, digits and train_on are used.
        data_folder: where downloads lie.

    Returns:
        the content of ``dataset.json``, with ``distinct_images`` and ``pixel_entropy_bits``: the sum of the pixels' entropies,
        an upper bound on H(X).
    """
    folder, source = Path(folder), settings["dataset"]
    parts = [
        datasets.load(source, split, image_size=settings.get("image_size"), data_folder=data_folder)
        for split in settings["train_on"].split("+")
    ]
    images, labels = joined([part.images for part in parts]), joined([part.labels for part in parts])
    first, second = settings["digits"]
    pixels, classes = datasets.select_digits(images, labels, (first, second))
    for name, array in (("images", pixels), ("labels", classes)):
        with files.completed(folder / f"train/{name}.npy") as temporary:
            np.save(temporary, array)
    record = {
        "dataset": source,
        "description": f"{first} versus {second} of {datasets.DESCRIPTIONS[source]}",
        "classes": 2,
        "image_shape": list(images.shape[1:]),
        "images": {"train": len(classes)},
        "train_on": "train",
        "distinct_images": len(np.unique(pixels, axis=0)),
        "pixel_entropy_bits": information.independent_pixel_entropy_bits(images[np.isin(labels, (first, second))]),
        "sources_md5": datasets.checksums(source, data_folder),
        "sha256": _checksums(folder, "train"),
    }
    files.write_json(folder / "dataset.json", record)
    return record


def _checksums(folder: Path, split: str) -> dict[str, str]:
    names = [f"{split}/{part}.npy" for part in ("images", "labels")]
    return {name: provenance.file_checksum(folder / name) for name in names}


def _read_splits(data: Mapping[str, Any], data_folder: str | Path) -> dict[str, datasets.LabelledImages]:
    held_out, wanted = data["validation_images"], data.get("train_images")
    source = {key: data[key] for key in ("image_size", "file") if key in data}
    train = datasets.load(
        data["dataset"],
        "train",
        count=None if wanted is None else wanted + held_out,
        seed=data["seed"],
        data_folder=data_folder,
        **source,
    )
    test = datasets.load(
        data["dataset"], "test", count=data.get("test_images"), seed=data["seed"], data_folder=data_folder, **source
    )
    train, validation = datasets.split_validation(train, held_out, data["seed"])
    return {"train": train, "validation": validation, "test": test}


def _write_split(folder: Path, split: datasets.LabelledImages, transform: whitening.Whitening) -> None:
    height, width = split.images.shape[1:3]
    shape = (len(split.labels), transform.mean.size // (height * width), height, width)
    with files.completed(folder / "images.npy") as temporary, temporary.open("wb") as stream:
        # Written, not memory-mapped: a full disk then is an error and not the end of the process (SIGBUS).
        header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for start in range(0, shape[0], CHUNK_IMAGES):
            stream.write(transform(split.images[start : start + CHUNK_IMAGES]).data)
    with files.completed(folder / "labels.npy") as temporary:
        np.save(temporary, split.labels)
