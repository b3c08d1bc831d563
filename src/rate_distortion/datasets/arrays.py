"""A user's own images: one .npz with ``images``, ``labels`` and optionally ``split``, or a folder of images by class.

Whatever does not fit is refused with one sentence that names the file, the array and how to put it right.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import tokenize
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rate_distortion.datasets import image_folder
from rate_distortion.datasets.labelled_images import CHANNELS, DatasetError, LabelledImages, divide, random_order
from rate_distortion.datasets.resizing import LARGEST_SIDE, SMALLEST_SIDE
from rate_distortion.storage import files

ARRAYS = ("images", "labels", "split")
SPLITS = ("train", "test")
"""Also the meaning of an integer ``split``: 0 is train, 1 is test."""

MOST_IMAGES = 10_000_000
"""An array that claims more is not read: a few bytes can claim anything."""

MOST_CLASSES = 1000
"""A sweep keeps a table of classes by classes at each of its points: 8 MB of counts for 1,000."""

TEST_SHARE = 0.2
"""Share of a file without ``split`` that becomes the test split."""


def read_arrays(path: str | Path, split: str, seed: int) -> LabelledImages:
    """Read a split of a user's file.

    The file holds ``images`` (uint8; (N, side, side) or (N, side, side, 1 or 3); side 8 to 64), ``labels`` (integers of any
    type, signed or not, in any byte order; (N,); 2 to 1,000 classes, every one from 0 to the largest present) and optionally
    ``split`` ((N,), "train" and "test", or 0 and 1; every class has training images). Without ``split``, a fifth of each class
    is the test split, drawn from the seed. The order of the images is drawn too, so that the first of them are a fair sample
    even of a file that is sorted by class.

    Raises:
        DatasetError: the file is missing or damaged, or an array does not fit.
    """
    arrays = _read_npz(Path(path))
    images = _checked_images(arrays["images"], f"images in {path}")
    if (images == images[0]).all():
        raise DatasetError(
            f"the images in {path} are all the same; there is nothing to tell them apart by: bring others"
        )
    return _divided(images, arrays, path, seed)[split]


def check_arrays(path: str | Path, seed: int = 0) -> dict[str, np.ndarray]:
    """Refuse what :func:`read_arrays` would refuse, without reading the pixels, so that it can be asked before any job.

    Returns:
        split -> the labels (n,) that it would return.

    Raises:
        DatasetError: the file is missing or damaged, or an array does not fit.
    """
    path = Path(path)
    arrays = _read_npz(path, ("labels", "split"))
    shape, dtype = _header(path, "images")
    # Labels and their division do not depend on the images' size.
    fits = dtype == np.uint8
    images = np.broadcast_to(np.uint8(0), shape) if fits else _read_npz(path, ("images",))["images"]
    checked = _checked_images(images, f"images in {path}")
    return {split: data.labels for split, data in _divided(checked[:, :1, :1, :1], arrays, path, seed).items()}


def _divided(
    images: np.ndarray, arrays: Mapping[str, np.ndarray], path: str | Path, seed: int
) -> dict[str, LabelledImages]:
    """Train and test split as the file divides them, or as drawn from the seed; either in an order drawn from it."""
    data = LabelledImages(images, _checked_labels(arrays["labels"], len(images), f"labels in {path}"))
    if "split" in arrays:
        names = _split_names(arrays["split"], len(data), f"split in {path}")
        _check_training_classes(data, names, path)
        order = random_order(len(data), seed)
        return {split: data.take(order[names[order] == split]) for split in SPLITS}
    try:
        return dict(zip(SPLITS, divide(data, _test_images(len(data)), seed), strict=True))
    except DatasetError as error:
        raise DatasetError(
            f"{path} has no split and too few images ({len(data)} in {data.classes} classes) to draw one; "
            f"add an array split with 'train' or 'test' for each image"
        ) from error


def _check_training_classes(data: LabelledImages, names: np.ndarray, path: str | Path) -> None:
    absent = np.setdiff1d(data.labels, data.labels[names == "train"])
    if len(absent):
        raise DatasetError(
            f"split in {path} leaves class {absent[0]} without a training image, and no network learns what it is not shown; "
            "put some of its images into train, or take the class out"
        )


def count_images(path: str | Path) -> dict[str, int]:
    """Images in the train and test splits of a user's file, from its labels and split alone."""
    arrays = _read_npz(Path(path), ("labels", "split"))
    total = arrays["labels"].shape[0] if arrays["labels"].ndim else 0
    if "split" in arrays:
        names = _split_names(arrays["split"], total, f"split in {path}")
        return {split: int(np.count_nonzero(names == split)) for split in SPLITS}
    return {"train": total - _test_images(total), "test": _test_images(total)}


def count_classes(path: str | Path) -> int:
    """Number of classes in a user's file, from its labels alone; 0 where they are no whole numbers."""
    labels = _read_npz(Path(path), ("labels",))["labels"]
    return int(labels.max()) + 1 if labels.dtype.kind in "iu" and labels.size else 0


def image_side(path: str | Path) -> int | None:
    """Height in pixels of the images in a user's file, from its header alone; None where it is missing or does not say.

    What is wrong with a file is said when it is read whole.
    """
    try:
        shape, _ = _header(Path(path), "images")
    except DatasetError:
        return None
    return int(shape[1]) if len(shape) in (3, 4) else None


def content(path: str | Path) -> dict[str, str] | None:
    """What tells a user's file from another of its name, whatever its date: the checksums that stand in an .npz.

    Of a folder it is the names, sizes and dates of its files, since reading thousands of images takes long. None where there is
    nothing to be read.
    """
    path = Path(path)
    try:
        if path.is_dir():
            states = [(file.as_posix(), file.stat()) for file in image_folder.sources(path)]
            dated = repr([(name, state.st_size, state.st_mtime_ns) for name, state in states])
            return {"files": hashlib.sha256(dated.encode()).hexdigest()}
        with zipfile.ZipFile(path) as archive:
            return {item.filename: f"{item.CRC:08x}" for item in archive.infolist()}
    except (DatasetError, *files.DAMAGED_ARCHIVE):
        return None


def _test_images(total: int) -> int:
    return max(1, round(TEST_SHARE * total))


def _read_npz(path: Path, names: tuple[str, ...] = ARRAYS) -> Mapping[str, np.ndarray]:
    if path.is_dir():
        return image_folder.read(path, names)
    if not path.is_file():
        raise DatasetError(f"{path} does not exist or is no file; it should be your .npz with images and labels")
    if not zipfile.is_zipfile(path):
        raise DatasetError(f"{path} is no .npz file or is damaged; write it with numpy.savez(path, images=, labels=)")
    try:
        with np.load(path, allow_pickle=False) as archive:
            for name in ("images", "labels"):
                if name not in archive.files:
                    raise DatasetError(_absent(path, name, archive.files))
            for name in set(names) & set(archive.files):
                shape, dtype = _header(path, name)
                # One label or split for each image; an image has a side of at most 64 pixels.
                if math.prod(shape) * dtype.itemsize > MOST_IMAGES * (8 if name != "images" else LARGEST_SIDE**2):
                    raise DatasetError(
                        f"{name} in {path} has shape {shape}; a file holds at most {MOST_IMAGES:,} images"
                    )
            return {name: _read_array(archive, name, path) for name in names if name in archive.files}
    except DatasetError:
        raise
    except files.DAMAGED_ARCHIVE as error:
        raise DatasetError(f"{path} is damaged ({_one_line(error)}); write or copy it again") from error


def _read_array(archive: np.lib.npyio.NpzFile, name: str, path: Path) -> np.ndarray:
    try:
        array = archive[name]
    except (
        ValueError,
        SyntaxError,
        tokenize.TokenError,
    ) as error:  # numpy unpickles no objects, and reads no odd headers
        raise DatasetError(
            f"{name} in {path} is an array of Python objects or damaged; make it one rectangular array of numbers"
        ) from error
    if not isinstance(array, np.ndarray):
        raise DatasetError(f"{name} in {path} is no numpy array; write the file with numpy.savez")
    return array


def _header(path: Path, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an array, from the first bytes of its member of the file."""
    if path.is_dir() and name == "images":
        return image_folder.header(path)
    if not path.is_file():  # opening a pipe would wait for ever
        raise DatasetError(f"{path} does not exist or is no file; it should be your .npz with images and labels")
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(stream)
            return shape, dtype
    except files.DAMAGED_ARCHIVE as error:
        raise DatasetError(
            f"{name} in {path} is no array or damaged ({_one_line(error)}); write or copy the file again"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _absent(path: Path, name: str, present: list[str]) -> str:
    close = difflib.get_close_matches(name, present, n=1)
    hint = f"; is it {close[0]!r}?" if close else ""
    return f"{path} has no array {name!r}; it has {', '.join(map(repr, present)) or 'none'}{hint}"


def _checked_images(images: np.ndarray, where: str) -> np.ndarray:
    """The images as (N, side, side, channels)."""
    if images.dtype != np.uint8:
        raise DatasetError(f"{where} is of type {images.dtype}; it must be uint8{_conversion(images)}")
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4:
        raise DatasetError(
            f"{where} has shape {images.shape}; it must be (N, side, side) for grey or (N, side, side, 3) for RGB images"
        )
    total, height, width, channels = images.shape
    if channels not in CHANNELS and height in CHANNELS and width == channels:
        raise DatasetError(
            f"{where} has shape {images.shape} with the channels first; they must come last: "
            f"images.transpose(0, 2, 3, 1)"
        )
    if channels not in CHANNELS:
        alpha = "; drop transparency with images[..., :3]" if channels == 4 else ""
        raise DatasetError(f"{where} has {channels} channels (shape {images.shape}); allowed are 1 and 3{alpha}")
    if height != width or not SMALLEST_SIDE <= height <= LARGEST_SIDE:
        raise DatasetError(
            f"{where} is {height}x{width} pixels; images must be square with a side of "
            f"{SMALLEST_SIDE} to {LARGEST_SIDE}; crop or resize them"
        )
    if total == 0:
        raise DatasetError(f"{where} is empty; it must hold at least one image per class and split")
    return images


def _conversion(images: np.ndarray) -> str:
    """How to turn images of another type into uint8, as far as their values tell."""
    if images.size == 0 or images.dtype.kind not in "fiub":
        return ""
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        number = int((~np.isfinite(images).reshape(len(images), -1).all(1)).sum())
        return f", and {number:,} of the images hold what is no number (NaN or infinity): mend or remove these first"
    lowest, highest = images.min(), images.max()
    if images.dtype.kind == "b" or (images.dtype.kind == "f" and lowest >= 0 and highest <= 1):
        return "; convert from 0..1 with (images * 255).round().astype(numpy.uint8)"
    if lowest >= 0 and highest <= 255:
        return "; convert with images.round().astype(numpy.uint8)"
    return f" and its values range from {lowest:g} to {highest:g}; bring them to 0..255 first"


def _checked_labels(labels: np.ndarray, images: int, where: str) -> np.ndarray:
    """The labels as int64 (N,)."""
    if labels.ndim != 1:
        flat = "; flatten it with labels.ravel()" if labels.size == images else ""
        if labels.ndim == 2 and len(labels) == images and labels.shape[1] > 1:
            flat = "; if each row marks its class with the largest number (one-hot), use labels.argmax(1)"
        raise DatasetError(f"{where} has shape {labels.shape}; it must be one label per image, ({images},){flat}")
    if labels.dtype.kind not in "iu":
        whole = labels.dtype.kind == "b" or (
            labels.dtype.kind == "f" and bool(np.isfinite(labels).all() and (labels == np.floor(labels)).all())
        )
        remedy = "labels.astype(numpy.int64)" if whole else "numpy.unique(labels, return_inverse=True)[1]"
        raise DatasetError(f"{where} is of type {labels.dtype}; it must be whole numbers from 0: {remedy} makes them")
    if len(labels) != images:
        each, rest = divmod(len(labels), images)
        flat = f"; of one-hot labels that were flattened, labels.reshape({images}, {each}).argmax(1)"
        raise DatasetError(
            f"{where} has {len(labels):,} entries and there are {images:,} images; each needs one"
            f"{flat if each > 1 and not rest else ''}"
        )
    lowest, highest, present = labels.min(), labels.max(), np.unique(labels)
    if lowest < 0:
        raise DatasetError(f"{where} holds {lowest}; classes are numbered 0, 1, 2 and so on without negative numbers")
    if len(present) <= highest:
        absent = int(np.flatnonzero(present != np.arange(len(present)))[0])
        raise DatasetError(
            f"{where} goes up to {highest} and no image has the label {absent}; number the classes without gaps: "
            f"numpy.unique(labels, return_inverse=True)[1]"
        )
    if not 2 <= len(present) <= MOST_CLASSES:
        raise DatasetError(f"{where} has {len(present):,} classes; there must be 2 to {MOST_CLASSES:,}")
    return labels.astype(np.int64, copy=False)


def _split_names(split: np.ndarray, images: int, where: str) -> np.ndarray:
    """The split of each image as text."""
    if split.shape != (images,):
        raise DatasetError(f"{where} has shape {split.shape}; it must name a split for each image, shape ({images},)")
    meanings: dict[object, str] = {name: name for name in SPLITS} | dict(enumerate(SPLITS))
    if split.dtype.kind not in "USiubf":
        raise DatasetError(
            f"{where} is of type {split.dtype}; it must be text, 'train' and 'test', or numbers, 0 and 1"
        )
    values = np.char.decode(split, "ascii", "backslashreplace") if split.dtype.kind == "S" else split
    unknown = [value for value in np.unique(values).tolist() if isinstance(value, bool) or value not in meanings]
    if unknown:
        raise DatasetError(f"{where} holds {unknown[0]!r}; allowed are 'train' and 'test', or 0 (train) and 1 (test)")
    names = np.array([meanings[value] for value in values.tolist()])
    for name in SPLITS:
        if name not in names:
            raise DatasetError(f"{where} puts no image into {name}; both 'train' and 'test' need some")
    return names
