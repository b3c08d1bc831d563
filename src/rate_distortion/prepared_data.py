"""Data as the networks see them: a source's splits, whitened, on disk as memory-mappable arrays.

A folder holds ``train``, ``validation`` and ``test``, each with ``images.npy`` (float32, (N, C, H, W)) and ``labels.npy``
(int64, (N,)); ``whitening.npz`` (see :mod:`rate_distortion.whitening`); and ``dataset.json``, which says what the data are.
The three splits share no image.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rate_distortion import datasets, files, provenance, whitening

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
        whitening_settings: the study's ``whitening`` settings (the arguments of :func:`rate_distortion.whitening.fit`).
        data_folder: where downloads lie.

    Returns:
        the content of ``dataset.json``.

    Raises:
        datasets.DatasetError, ValueError: the source cannot be read, or the settings do not suit it.
    """
    folder = Path(folder)
    raw = _read_splits(data, data_folder)
    fitted_on = [raw[split] for split in data["train_on"].split("+")]
    transform = whitening.fit(np.concatenate([split.images for split in fitted_on]), **whitening_settings)
    transform.save(folder / "whitening.npz")
    for name, split in raw.items():
        _write_split(folder / name, split, transform)
    record = {
        "dataset": data["dataset"],
        "description": datasets.DESCRIPTIONS[data["dataset"]],
        "classes": int(max(split.labels.max(initial=0) for split in raw.values())) + 1,
        "image_shape": list(load(folder, "train")[0].shape[1:]),
        "images": {name: len(split.labels) for name, split in raw.items()},
        "train_on": data["train_on"],
        "sources_md5": datasets.checksums(data["dataset"], data_folder, file=data.get("file")),
        "sha256": {
            f"{name}/{part}.npy": provenance.file_checksum(folder / name / f"{part}.npy")
            for name in SPLITS
            for part in ("images", "labels")
        },
    }
    files.write_json(folder / "dataset.json", record)
    return record


def load(folder: str | Path, splits: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of a split, or of several joined by "+"; a single one is memory-mapped read-only."""
    parts = [_load_split(Path(folder) / split) for split in splits.split("+")]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([images for images, _ in parts]), np.concatenate([labels for _, labels in parts])


def describe(folder: str | Path) -> dict[str, Any]:
    """The content of ``dataset.json``."""
    return json.loads((Path(folder) / "dataset.json").read_text(encoding="utf-8"))


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
    with files.completed(folder / "images.npy") as temporary:
        stored = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=shape)
        for start in range(0, len(stored), CHUNK_IMAGES):
            stored[start : start + CHUNK_IMAGES] = transform(split.images[start : start + CHUNK_IMAGES])
        stored.flush()
    with files.completed(folder / "labels.npy") as temporary:
        np.save(temporary, split.labels)


def _load_split(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    labels = np.load(folder / "labels.npy", allow_pickle=False)
    # An empty array cannot be memory-mapped.
    images = np.load(folder / "images.npy", allow_pickle=False, mmap_mode="r" if len(labels) else None)
    return images, labels
