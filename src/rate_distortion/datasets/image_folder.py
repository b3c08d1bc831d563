"""A user's own images as files: one folder for each class, or ``train`` and ``test`` with one for each class in both.

The layout is that of ``torchvision.datasets.ImageFolder``; classes are numbered in the order of their names.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rate_distortion.datasets.labelled_images import DatasetError
from rate_distortion.datasets.resizing import LARGEST_SIDE

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
MODES = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB"}
"""How Pillow calls the kinds of pixels that are taken, and what is made of them."""

MOST_LOOKED_AT = 1000
"""Images whose size is asked for before any job."""


class Entry(NamedTuple):
    """An image file, the number of its class, and its split where the folder has splits."""

    file: Path
    label: int
    split: str | None


def entries(folder: Path) -> list[Entry]:
    """Every image of a folder, in the order of their names.

    Raises:
        DatasetError: the folder has not one of the two layouts.
    """
    splits = ["train", "test"] if (folder / "train").is_dir() and (folder / "test").is_dir() else [None]
    bases = {split: folder / split if split else folder for split in splits}
    classes = sorted({inner.name for base in bases.values() for inner in base.iterdir() if _is_class(inner)})
    if len(classes) < 2:
        raise DatasetError(
            f"{folder} has {len(classes)} folders with images; it must have one for each class, at least two, directly or in "
            "train/ and test/"
        )
    return [
        Entry(file, label, split)
        for split, base in bases.items()
        for label, name in enumerate(classes)
        for file in sorted((base / name).glob("*"))
        if file.suffix.lower() in EXTENSIONS
    ]


def read(folder: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Those of ``images``, ``labels`` and ``split`` that are asked for and that the folder has, as an .npz would hold them.

    Raises:
        DatasetError: a file is no image, or of another size than the first.
    """
    found = entries(folder)
    arrays = {"labels": np.array([entry.label for entry in found], np.int64)}
    if found[0].split:
        arrays["split"] = np.array([entry.split for entry in found])
    if "images" in names:
        arrays["images"] = _pixels([entry.file for entry in found])
    return {name: array for name, array in arrays.items() if name in names}


def header(folder: Path) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the images, from the first of them; as many as are looked at before any job have its size."""
    files = [entry.file for entry in entries(folder)]
    kinds = {_kind(file) for file in files[:MOST_LOOKED_AT]}
    side = _side(files[:MOST_LOOKED_AT])
    return (len(files), side, side, 3 if "RGB" in kinds else 1), np.dtype(np.uint8)


def sources(folder: Path) -> list[Path]:
    """The files that the images are read from."""
    return [entry.file for entry in entries(folder)]


def checksum(folder: Path) -> str:
    """MD5 of all names and contents, in order."""
    digest = hashlib.md5(usedforsecurity=False)
    for file in sources(folder):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.md5(file.read_bytes(), usedforsecurity=False).digest())
    return digest.hexdigest()


def _is_class(folder: Path) -> bool:
    return folder.is_dir() and any(file.suffix.lower() in EXTENSIONS for file in folder.iterdir())


def _pixels(files: list[Path]) -> np.ndarray:
    side = _side(files)
    mode = "RGB" if "RGB" in {_kind(file) for file in files} else "L"
    pixels = np.empty((len(files), side, side, len(mode)), np.uint8)
    for target, file in zip(pixels, files, strict=True):
        with _opened(file) as image:
            try:
                target[...] = np.asarray(image.convert(mode)).reshape(target.shape)
            except (OSError, SyntaxError, ValueError) as error:
                raise DatasetError(f"{file} is damaged ({error}); write or copy it again, or take it away") from error
    return pixels


def _side(files: list[Path]) -> int:
    """The side of all images."""
    sizes = {}
    for file in files:
        with _opened(file) as image:
            sizes.setdefault(image.size, file)
    (width, height), first = next(iter(sizes.items()))
    if len(sizes) > 1:
        (other_width, other_height), other = list(sizes.items())[1]
        raise DatasetError(
            f"{other} is {other_width}x{other_height} pixels, and {first} {width}x{height}; all images must have one size: "
            "crop or resize them"
        )
    if width != height or width > LARGEST_SIDE:
        raise DatasetError(
            f"{first} is {width}x{height} pixels; images must be square with a side of at most {LARGEST_SIDE}: crop or resize "
            "them"
        )
    return width


def _kind(file: Path) -> str:
    with _opened(file) as image:
        if image.mode not in MODES:
            raise DatasetError(
                f"{file} has pixels of kind {image.mode}; allowed are grey (L) and RGB with 8 bits: convert it, without "
                "transparency"
            )
        return MODES[image.mode]


def _opened(file: Path):
    from PIL import Image

    try:
        return Image.open(file)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(f"{file} is no image or damaged ({error}); take it away") from error
