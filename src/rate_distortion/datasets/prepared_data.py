"""Data as the networks see them: a source's splits, whitened, on disk as memory-mappable arrays, for whoever reads them.

A folder holds ``train``, ``validation`` and ``test``, each with ``images.npy`` (float32, (N, C, H, W)) and ``labels.npy``
(int64, (N,)); ``whitening.npz`` (see :mod:`datasets.whitening`); and ``dataset.json``, which says what the data are.
The three splits share no image. :mod:`datasets.preparation` writes the folder. Only that module imports
sources and whitening, which take long; most readers need nothing but ``dataset.json``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rate_distortion.storage import files


def load(folder: str | Path, splits: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of a split, or of several joined by "+"; a single one is memory-mapped read-only."""
    parts = [_load_split(Path(folder) / split) for split in splits.split("+")]
    return joined([images for images, _ in parts]), joined([labels for _, labels in parts])


def first_of_each_class(images: str | Path) -> dict[str, np.ndarray]:
    """The first image of each class of a split: ``images`` (K, C, H, W), ``labels`` (K,) and ``places`` (K,) in the split.

    Args:
        images: the split's ``images.npy``; its labels lie beside it.
    """
    pixels, labels = _load_split(Path(images).parent)
    classes, places = np.unique(labels, return_index=True)
    return {"images": np.array(pixels[places]), "labels": classes, "places": places}


def describe(folder: str | Path, *, with_extra: bool = False) -> dict[str, Any]:
    """The content of ``dataset.json``; with the extra images' count and checksums where a run trains on them."""
    record = files.read_json(Path(folder) / "dataset.json")
    if with_extra:
        extra = files.read_json(Path(folder) / "extra.json")
        record["images"]["extra"] = extra["images"]
        record["sha256"] |= extra["sha256"]
        record["sources_md5"] |= extra["sources_md5"]
    return record


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """One array from several, without a copy where there is only one."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _load_split(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    labels = _load_array(folder / "labels.npy")
    # An empty array cannot be memory-mapped.
    images = _load_array(folder / "images.npy", mmap_mode="r" if len(labels) else None)
    if len(images) != len(labels):
        raise files.damaged(folder / "images.npy", f"it has {len(images)} images, and labels.npy {len(labels)} labels")
    return images, labels


def _load_array(path: Path, **options: Any) -> np.ndarray:
    path = files.verified(path)
    try:
        return np.load(path, allow_pickle=False, **options)
    except (ValueError, EOFError) as error:
        raise files.damaged(path, error) from error
