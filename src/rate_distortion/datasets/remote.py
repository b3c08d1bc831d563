"""Which files the public data sets consist of, where they lie in the data folder and where they come from.

The layout is torchvision's, and so are the checksums: they are read from torchvision when a file is to be verified, which
takes it seconds to import, while names and paths cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rate_distortion.datasets.catalogue import check_dataset
from rate_distortion.datasets.download import RemoteFile, bring_by_hand, fetch_all
from rate_distortion.datasets.labelled_images import DatasetError

FILES = {
    "svhn": ("train_32x32.mat", "test_32x32.mat"),
    "svhn_extra": ("extra_32x32.mat",),
    "mnist": (
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ),
}
"""Names of the files of each data set that is downloaded."""

FOLDERS = {"svhn": "svhn", "svhn_extra": "svhn", "mnist": "MNIST/raw"}
"""Where the files lie inside the data folder."""

SIZES_BYTES = {
    "train_32x32.mat": 182_040_794,
    "test_32x32.mat": 64_275_384,
    "extra_32x32.mat": 1_329_278_602,
    "train-images-idx3-ubyte.gz": 9_912_422,
    "train-labels-idx1-ubyte.gz": 28_881,
    "t10k-images-idx3-ubyte.gz": 1_648_877,
    "t10k-labels-idx1-ubyte.gz": 4_542,
}
"""Lengths of the files; a mirror that announces another one is passed over before anything is downloaded."""

_SVHN_MIRRORS = ("http://ufldl.stanford.edu/housenumbers/",)
DEFAULT_MIRRORS = {
    "svhn": _SVHN_MIRRORS,
    "svhn_extra": _SVHN_MIRRORS,
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
}
"""The official hosts."""


def source_paths(dataset: str, data_folder: str | Path = "data") -> list[Path]:
    """Paths of the files that a data set is read from, present or not; none for a source that is not downloaded."""
    check_dataset(dataset)
    return [Path(data_folder) / FOLDERS[dataset] / name for name in FILES.get(dataset, ())]


def remote_files(dataset: str) -> list[RemoteFile]:
    """The files of a data set with their checksums; none for a source that is not downloaded."""
    check_dataset(dataset)
    return [remote_file(name) for name in FILES.get(dataset, ())]


def remote_file(name: str) -> RemoteFile:
    """The file of that name with its checksum.

    Raises:
        DatasetError: no data set has a file of that name.
    """
    if name not in SIZES_BYTES:
        raise DatasetError(f"{name!r} is no file of a data set; there are {', '.join(SIZES_BYTES)}")
    return RemoteFile(name, _md5_by_name()[name], SIZES_BYTES[name])


def missing_files(dataset: str, data_folder: str | Path = "data") -> list[RemoteFile]:
    """The files of a data set that are absent from the data folder or not the right ones (checksums are computed)."""
    return [file for file in remote_files(dataset) if not file.is_in(Path(data_folder) / FOLDERS[dataset])]


def fetch_dataset(
    dataset: str,
    data_folder: str | Path = "data",
    mirrors: Sequence[str] | None = None,
    *,
    timeout_seconds: float = 30,
) -> list[Path]:
    """Download what is missing of a data set into the data folder; see :func:`rate_distortion.datasets.fetch`.

    Args:
        dataset: svhn, svhn_extra or mnist; any other source needs no download, and nothing happens.
        data_folder: where the data sets lie.
        mirrors: addresses to try in turn; None for the official hosts.

    Returns:
        the paths of all the data set's files.

    Raises:
        DownloadError: a file could not be had; the message names every missing file, its checksum and its place.
        DatasetError: there is no such source.
    """
    check_dataset(dataset)
    if dataset not in FILES:
        return []
    return fetch_all(
        remote_files(dataset),
        Path(data_folder) / FOLDERS[dataset],
        DEFAULT_MIRRORS[dataset] if mirrors is None else mirrors,
        timeout_seconds=timeout_seconds,
    )


def missing_error(dataset: str, files: Sequence[RemoteFile], data_folder: str | Path) -> DatasetError:
    """The error for a data set that is to be read and is not there."""
    names = ", ".join(file.name for file in files)
    return DatasetError(
        f"{dataset} is not complete in {Path(data_folder) / FOLDERS[dataset]}, missing or not the right file: {names}; "
        f"rate_distortion.datasets.fetch_dataset({dataset!r}) downloads what is missing\n"
        f"{bring_by_hand(files, Path(data_folder) / FOLDERS[dataset])}"
    )


def _md5_by_name() -> dict[str, str]:
    from torchvision.datasets import MNIST, SVHN  # takes seconds

    return {name: md5 for _, name, md5 in SVHN.split_list.values()} | dict(MNIST.resources)
