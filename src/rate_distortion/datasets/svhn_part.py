"""A part of SVHN as a file that the source ``arrays`` reads (``part_of: svhn``).

python -m rate_distortion.datasets.svhn_part crops.npz data/svhn_part.npz
python -m rate_distortion.datasets.svhn_part --train train_32x32.mat --test test_32x32.mat data/svhn_part.npz

An .npz holds X (N, 32, 32, 3) uint8, y (N,) digits 0 to 9 and split (N,) "train" or "test"; the larger split is trained on,
since a study needs more training images than test images. A .mat file has the official layout, X (32, 32, 3, N) and y with 10
for the digit 0, of any number of images.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from rate_distortion.datasets.arrays import check_arrays
from rate_distortion.datasets.labelled_images import DatasetError
from rate_distortion.storage import files


def from_crops(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a part of SVHN from crops that name their official split.

    Args:
        path: an .npz with ``X``, ``y`` and ``split``.

    Returns:
        ``images`` uint8 (N, 32, 32, 3), ``labels`` int64 (N,) and ``split`` (N,), where "train" is the larger official split.

    Raises:
        DatasetError: the file is missing, damaged or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            absent = [name for name in ("X", "y", "split") if name not in archive.files]
            if absent:
                raise DatasetError(f"{path} has no array {absent[0]!r}; it needs X, y and split")
            images, labels, split = archive["X"], archive["y"], archive["split"].astype(str)
    except files.DAMAGED_ARCHIVE as error:
        raise DatasetError(f"{path} is missing or damaged ({error}); write or copy it again") from error
    names, counts = np.unique(split, return_counts=True)
    larger = names[np.argmax(counts)]
    return {
        "images": images,
        "labels": labels.astype(np.int64),
        "split": np.where(split == larger, "train", "test"),
    }


def from_mat(train: str | Path, test: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a part of SVHN from .mat files of the official layout.

    Args:
        train, test: files with ``X`` uint8 (32, 32, 3, N) and ``y`` (N, 1), where 10 stands for the digit 0.

    Returns:
        as :func:`from_crops`.

    Raises:
        DatasetError: a file is missing, damaged or of another layout.
    """
    from scipy.io import loadmat

    parts = {}
    for name, path in (("train", train), ("test", test)):
        try:
            content = loadmat(path)
            images, labels = content["X"].transpose(3, 0, 1, 2), content["y"].ravel().astype(np.int64) % 10
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DatasetError(
                f"{path} is no .mat file of SVHN's layout ({error}); it needs X (32, 32, 3, N) and y (N, 1)"
            ) from error
        parts[name] = (images, labels)
    return {
        "images": np.concatenate([images for images, _ in parts.values()]),
        "labels": np.concatenate([labels for _, labels in parts.values()]),
        "split": np.repeat(list(parts), [len(labels) for _, labels in parts.values()]),
    }


def main(arguments: list[str] | None = None) -> None:
    """Write the file that the arguments name, and say what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crops", nargs="?", help=".npz with X, y and split")
    parser.add_argument("output", help=".npz to write, as the study's data.file names it")
    parser.add_argument("--train", help=".mat of the training images")
    parser.add_argument("--test", help=".mat of the test images")
    chosen = parser.parse_args(arguments)
    if (chosen.crops is None) == (chosen.train is None) or (chosen.train is None) != (chosen.test is None):
        parser.error("name either one .npz of crops, or --train and --test")
    try:
        arrays = from_crops(chosen.crops) if chosen.crops else from_mat(chosen.train, chosen.test)
        with files.completed(Path(chosen.output)) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, **arrays)
        check_arrays(chosen.output)
    except DatasetError as error:
        sys.exit(str(error))
    counts = ", ".join(f"{np.count_nonzero(arrays['split'] == split):,} {split}" for split in ("train", "test"))
    print(f"{chosen.output}: {counts} images")


if __name__ == "__main__":
    main()
