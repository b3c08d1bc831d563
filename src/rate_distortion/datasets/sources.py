"""Reading a split of a source, and asking a source for its sizes and the checksums of its files."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from rate_distortion.datasets import arrays, handwritten_digits, image_folder, remote
from rate_distortion.datasets.catalogue import (
    CLASSES,
    LAST_OF_EVERY_CLASS,
    NATIVE_SIDES,
    RESIZABLE,
    SPLIT_SIZES,
    check_dataset,
    listed,
    suggestion,
)
from rate_distortion.datasets.download import md5_of
from rate_distortion.datasets.labelled_images import DatasetError, LabelledImages
from rate_distortion.datasets.resizing import resize

log = logging.getLogger(__name__)


def load(
    dataset: str,
    split: str,
    *,
    count: int | None = None,
    seed: int = 0,
    data_folder: str | Path = "data",
    image_size: int | None = None,
    file: str | Path | None = None,
    processes: int = 1,
) -> LabelledImages:
    """Read a split of a source. Nothing is downloaded: see :func:`rate_distortion.datasets.fetch_dataset`.

    Args:
        dataset: a name of ``DATASETS``.
        split: train or test; svhn_extra has train only, house_numbers also has extra.
        count: only the first so many images; None for all.
        seed: of procedural images, and of the order of a user's file and its division where it has none; the others ignore it.
        data_folder: where downloads lie.
        image_size: side in pixels to which grey sources (:data:`RESIZABLE`) are resized; None for their own (digits: 28).
        file: the .npz of ``arrays`` or its folder of images by class (see :mod:`rate_distortion.datasets.arrays`), and of no
            other source.
        processes: that draw house_numbers; the images do not depend on it.

    Raises:
        DatasetError: there is no such source, split or number of images, a file is missing, or an array does not fit.
    """
    _check_source(dataset, file)
    allowed = arrays.SPLITS if dataset == "arrays" else SPLIT_SIZES[dataset]
    if split not in allowed:
        raise DatasetError(f"{dataset} has no split {split!r}; allowed: {listed(allowed)}{suggestion(split, allowed)}")
    if image_size is not None and dataset not in RESIZABLE:
        raise DatasetError(f"image_size is for {listed(RESIZABLE)}; {dataset} keeps its own size, leave it out")
    if count is not None and count < 1:
        raise DatasetError(f"count is {count}; it must be at least 1, or None for all images of the split")
    if dataset == "house_numbers":
        return _draw_house_numbers(split, count, seed, processes)
    match dataset:
        case "digits":
            data = handwritten_digits.read_digits(split, image_size or handwritten_digits.DEFAULT_SIDE)
        case "arrays":
            data = arrays.read_arrays(file, split, seed)
        case _:
            data = _read_downloaded(dataset, split, data_folder)
    first = _first(data, count, f"{dataset} {split}")
    return resize(first, image_size) if image_size else first


def sizes(dataset: str, *, file: str | Path | None = None) -> dict[str, int]:
    """Images in each split of a source, present or not; of ``arrays``, as counted in the user's file.

    Raises:
        DatasetError: there is no such source, or the user's file does not fit.
    """
    _check_source(dataset, file)
    return arrays.count_images(file) if dataset == "arrays" else dict(SPLIT_SIZES[dataset])


def image_side(dataset: str, *, image_size: int | None = None, file: str | Path | None = None) -> int | None:
    """Height and width in pixels of a source's images, without reading one; None for a user's file that does not say.

    Args:
        dataset, image_size, file: as for :func:`load`.
    """
    _check_source(dataset, file)
    return arrays.image_side(file) if dataset == "arrays" else image_size or NATIVE_SIDES[dataset]


def last_of_every_class(dataset: str, *, file: str | Path | None = None) -> int:
    """The smallest n such that the last n training images contain every class; where that is not known, the number of classes.

    Raises:
        DatasetError: there is no such source, or the user's file does not fit.
    """
    _check_source(dataset, file)
    if dataset != "arrays":
        return LAST_OF_EVERY_CLASS.get(dataset, CLASSES[dataset])
    backwards = arrays.check_arrays(file)["train"][::-1]
    return int(np.unique(backwards, return_index=True)[1].max()) + 1


def classes(dataset: str, *, file: str | Path | None = None) -> int:
    """Number of classes of a source; of ``arrays``, as counted in the user's file."""
    _check_source(dataset, file)
    return arrays.count_classes(file) if dataset == "arrays" else CLASSES[dataset]


def checksums(
    dataset: str, data_folder: str | Path = "data", *, file: str | Path | None = None
) -> dict[str, str | None]:
    """MD5 of each file that a source is read from, computed now; None for one that is absent.

    Procedural images come from no file: their seed and the library's hash identify them.
    """
    _check_source(dataset, file)
    if dataset == "arrays":
        if Path(file).is_dir():
            return {Path(file).name: image_folder.checksum(Path(file))}
        paths = [Path(file)]
    elif dataset == "digits":
        paths = [handwritten_digits.bundled_file()]
    else:
        paths = remote.source_paths(dataset, data_folder)
    return {path.name: md5_of(path) if path.is_file() else None for path in paths}


def own_files(file: str | Path) -> list[Path]:
    """The files that ``arrays`` reads: the user's .npz, or every image of the user's folder."""
    return image_folder.sources(Path(file)) if Path(file).is_dir() else [Path(file)]


def own_content(file: str | Path) -> dict[str, str] | None:
    """What tells a user's file or folder from another of its name, whatever its date; None where it cannot be read."""
    return arrays.content(file)


def _check_source(dataset: str, file: str | Path | None) -> None:
    check_dataset(dataset)
    if dataset == "arrays" and file is None:
        raise DatasetError("arrays needs file, the path of your .npz with images and labels")
    if dataset != "arrays" and file is not None:
        raise DatasetError(f"file is {str(file)!r}, and only arrays reads a file; with {dataset} leave it out")


def _read_downloaded(dataset: str, split: str, data_folder: str | Path) -> LabelledImages:
    from rate_distortion.datasets import public_sets, torchvision_readers

    if dataset == "mnist":
        return torchvision_readers.read_mnist(split, data_folder)
    if dataset not in ("svhn", "svhn_extra"):
        return public_sets.read(dataset, split, data_folder)
    return torchvision_readers.read_svhn(dataset, "extra" if dataset == "svhn_extra" else split, data_folder)


def _draw_house_numbers(split: str, count: int | None, seed: int, processes: int) -> LabelledImages:
    from rate_distortion.datasets import house_numbers

    available = SPLIT_SIZES["house_numbers"][split]
    _check_count(count, available, f"house_numbers {split}")
    return LabelledImages(
        *house_numbers.generate(split, available if count is None else count, seed, processes=processes)
    )


def _first(data: LabelledImages, count: int | None, name: str) -> LabelledImages:
    _check_count(count, len(data), name)
    if count is None or count == len(data):
        return data
    first = data.take(slice(count))
    shown, present = len(np.unique(first.labels)), len(np.unique(data.labels))
    if shown < present:
        log.warning("the first %d images of %s show %d of its %d classes", count, name, shown, present)
    return first


def _check_count(count: int | None, available: int, name: str) -> None:
    if count is not None and count > available:
        raise DatasetError(f"{count:,} images of {name} are asked for and it has {available:,}")
