"""Which files the public data sets consist of, where they lie in the data folder and where they come from.

The layout is torchvision's, and so are the checksums: they are read from torchvision when a file is to be verified, which
takes it seconds to import, while names and paths cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rate_distortion.datasets.catalogue import EMNIST, check_dataset
from rate_distortion.datasets.download import RemoteFile, bring_by_hand, fetch_all
from rate_distortion.datasets.labelled_images import DatasetError

_OF_MNIST = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
FILES = {
    "svhn": ("train_32x32.mat", "test_32x32.mat"),
    "svhn_extra": ("extra_32x32.mat",),
    "mnist": _OF_MNIST,
    "fashion_mnist": _OF_MNIST,
    "kmnist": _OF_MNIST,
    **{f"emnist_{kind}": ("gzip.zip",) for kind in EMNIST},
    "usps": ("usps.bz2", "usps.t.bz2"),
    "cifar10": ("cifar-10-binary.tar.gz",),
}
"""Names of the files of each data set that is downloaded."""

FOLDERS = {
    "svhn": "svhn",
    "svhn_extra": "svhn",
    "mnist": "MNIST/raw",
    "fashion_mnist": "FashionMNIST/raw",
    "kmnist": "KMNIST/raw",
    **{f"emnist_{kind}": "EMNIST/raw" for kind in EMNIST},
    "usps": "usps",
    "cifar10": "cifar10",
}
"""Where the files lie inside the data folder."""

SIZES_BYTES = {
    "svhn": {"train_32x32.mat": 182_040_794, "test_32x32.mat": 64_275_384, "extra_32x32.mat": 1_329_278_602},
    "MNIST/raw": dict(zip(_OF_MNIST, (9_912_422, 28_881, 1_648_877, 4_542), strict=True)),
    "FashionMNIST/raw": dict(zip(_OF_MNIST, (26_421_880, 29_515, 4_422_102, 5_148), strict=True)),
    "KMNIST/raw": dict(zip(_OF_MNIST, (18_165_135, 29_497, 3_041_136, 5_120), strict=True)),
    "EMNIST/raw": {"gzip.zip": 561_753_746},
    "usps": {"usps.bz2": None, "usps.t.bz2": None},  # published nowhere
    "cifar10": {"cifar-10-binary.tar.gz": 170_052_171},
}
"""Folder -> file -> its length; a mirror that announces another one is passed over before anything is downloaded."""

CIFAR10_BINARY_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
"""From https://www.cs.toronto.edu/~kriz/cifar.html; torchvision knows only the checksum of the version with pickles."""

_SVHN_MIRRORS = ("http://ufldl.stanford.edu/housenumbers/",)
DEFAULT_MIRRORS = {
    "svhn": _SVHN_MIRRORS,
    "svhn_extra": _SVHN_MIRRORS,
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
    "fashion_mnist": ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    "kmnist": ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    **{f"emnist_{kind}": ("https://biometrics.nist.gov/cs_links/EMNIST/",) for kind in EMNIST},
    "usps": ("https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/",),
    "cifar10": ("https://www.cs.toronto.edu/~kriz/",),
}
"""The official hosts."""


def source_paths(dataset: str, data_folder: str | Path = "data") -> list[Path]:
    """Paths of the files that a data set is read from, present or not; none for a source that is not downloaded."""
    check_dataset(dataset)
    return [Path(data_folder) / FOLDERS[dataset] / name for name in FILES.get(dataset, ())]


def remote_files(dataset: str) -> list[RemoteFile]:
    """The files of a data set with their checksums; none for a source that is not downloaded."""
    check_dataset(dataset)
    return [remote_file(FOLDERS[dataset], name) for name in FILES.get(dataset, ())]


def remote_file(folder: str, name: str) -> RemoteFile:
    """The file of that name with its checksum; several data sets have files of one name in folders of their own.

    Raises:
        DatasetError: no data set has a file of that name there.
    """
    if name not in SIZES_BYTES.get(folder, {}):
        known = ", ".join(f"{folder}/{name}" for folder, names in SIZES_BYTES.items() for name in names)
        raise DatasetError(f"'{folder}/{name}' is no file of a data set; there are {known}")
    return RemoteFile(name, _md5_by_name(folder)[name], SIZES_BYTES[folder][name])


def mirrors(folder: str, named: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """Where a folder's files come from: the mirrors that a configuration names for a data set in it, or the official host."""
    inside = [dataset for dataset, place in FOLDERS.items() if place == folder]
    return next((named[dataset] for dataset in inside if dataset in named), DEFAULT_MIRRORS[inside[0]])


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
        dataset: any; a source that needs no download is left as it is.
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


def _md5_by_name(folder: str) -> dict[str, str]:
    from torchvision import datasets as torchvision_datasets  # takes seconds

    match folder:
        case "svhn" | "usps":
            listed = {"svhn": torchvision_datasets.SVHN, "usps": torchvision_datasets.USPS}[folder].split_list
            return {name: md5 for _, name, md5 in listed.values()}
        case "EMNIST/raw":
            return {"gzip.zip": torchvision_datasets.EMNIST.md5}
        case "cifar10":
            return {"cifar-10-binary.tar.gz": CIFAR10_BINARY_MD5}
    return dict(getattr(torchvision_datasets, folder.partition("/")[0]).resources)
