"""Images and labels of an .npz file, as a model takes them."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rate_distortion.errors import InputError
from rate_distortion.storage import files

SPLITS = {"train": 0, "test": 1}
"""Names in an array ``split``, and the numbers that may stand for them."""


@dataclass(frozen=True)
class OwnImages:
    """Images as a model takes them.

    Attributes:
        images: float32, (N, C, H, W).
        labels: integers, (N,).
        classes: the largest label of the whole file and one.
        split: what was read: "test", "train" or "all".
        scaling: what was done to the pixels, in words.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: int
    split: str
    scaling: str


def read_images(path: str | Path, split: str | None = None) -> OwnImages:
    """Read an .npz with ``images``, ``labels`` and, if you like, ``split``.

    Args:
        path: the file. ``images`` of type uint8, (N, H, W) or (N, H, W, 1 or 3), are brought to [0, 1]; floats are taken as
            they are, already preprocessed: (N, C, H, W), (N, H, W), or channels last. ``split`` has "train" or "test" (or 0
            or 1) for each image.
        split: "test", "train" or "all"; None reads the test images where the file has a split, and all where it has none.

    Raises:
        InputError: the file or an array cannot be used: which, and what to do.
    """
    arrays = _read(Path(path))
    images, labels = arrays["images"], arrays["labels"]
    if labels.dtype.kind not in "iu" or labels.ndim != 1 or len(labels) != len(images):
        hint = "; of one-hot labels, labels.argmax(1)" if labels.ndim == 2 and len(labels) == len(images) else ""
        raise InputError(
            f"labels in {path} has shape {labels.shape} and type {labels.dtype}; it must be {len(images):,} integers, one per "
            f"image{hint}"
        )
    if not len(labels) or labels.min() < 0:
        raise InputError(f"labels in {path} must number the classes 0, 1, 2 and so on, for at least one image")
    chosen = split or ("test" if "split" in arrays else "all")
    rows = _rows(arrays, chosen, path)
    pixels, scaling = _as_taken(images[rows], path)
    return OwnImages(pixels, labels[rows].astype(np.int64), int(labels.max()) + 1, chosen, scaling)


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file; it should be your .npz with images and labels")
    if not zipfile.is_zipfile(path):
        raise InputError(
            f"{path} is no .npz file or is damaged; write it with numpy.savez(path, images=..., labels=...)"
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            for name in ("images", "labels"):
                if name not in archive.files:
                    raise InputError(
                        f"{path} has no array {name!r}; it has {', '.join(map(repr, archive.files)) or 'none'}"
                    )
            return {name: archive[name] for name in ("images", "labels", "split") if name in archive.files}
    except InputError:
        raise
    except files.DAMAGED_ARCHIVE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path} is damaged or has arrays of Python objects ({reason}); write it again with rectangular arrays"
        ) from error


def _rows(arrays: dict[str, np.ndarray], split: str, path: str | Path) -> np.ndarray:
    count = len(arrays["labels"])
    if split == "all":
        return np.arange(count)
    if "split" not in arrays:
        raise InputError(f"{path} has no array split, so that none of its images is of {split!r}; add one, or take all")
    names = arrays["split"]
    wanted = (names == SPLITS[split]) if names.dtype.kind in "iu" else (names.astype(str) == split)
    if wanted.shape != (count,) or not wanted.any():
        raise InputError(f"split in {path} puts no image into {split!r}; it must have 'train' or 'test' for each image")
    return np.flatnonzero(wanted)


def _as_taken(images: np.ndarray, path: str | Path) -> tuple[np.ndarray, str]:
    """The images as (N, C, H, W) in float32, and what was done to them."""
    if images.dtype == np.uint8:
        pixels, scaling = images.astype(np.float32) / 255, "pixels divided by 255"
    elif images.dtype.kind == "f":
        pixels, scaling = images.astype(np.float32), "pixels as they are in the file"
    else:
        raise InputError(
            f"images in {path} is of type {images.dtype}; it must be uint8, which is divided by 255, or floats, already "
            "preprocessed as for the model's training"
        )
    if not np.isfinite(pixels).all():
        raise InputError(f"images in {path} holds values that are not finite numbers (nan or inf)")
    if pixels.ndim == 3:
        return pixels[:, None], scaling
    if pixels.ndim != 4:
        raise InputError(
            f"images in {path} has shape {images.shape}; it must be (N, H, W), (N, H, W, 3) or, of floats, (N, C, H, W)"
        )
    channels_first = images.dtype != np.uint8 and (pixels.shape[1] in (1, 3) or pixels.shape[3] not in (1, 3))
    return (pixels if channels_first else np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))), scaling
