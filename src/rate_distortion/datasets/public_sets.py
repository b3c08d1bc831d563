"""Fashion-MNIST, KMNIST, EMNIST, USPS and CIFAR-10, read from their official files: grey or RGB, no pickle, nothing unpacked.

CIFAR-10 is its binary version: torchvision's holds pickles, which could run code.
"""

from __future__ import annotations

import bz2
import gzip
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from rate_distortion.datasets import remote
from rate_distortion.datasets.labelled_images import DatasetError, LabelledImages

CIFAR_TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
CIFAR_TEST = ("cifar-10-batches-bin/test_batch.bin",)
USPS_SIDE = 16
DAMAGED = (OSError, EOFError, ValueError, KeyError, zlib.error, zipfile.BadZipFile, tarfile.TarError)


def read(dataset: str, split: str, data_folder: str | Path) -> LabelledImages:
    """A split of one of these data sets, once its files are known to be the official ones.

    Args:
        dataset: fashion_mnist, kmnist, emnist_<split of EMNIST>, usps or cifar10.
        split: train or test.
        data_folder: where the data sets lie.

    Raises:
        DatasetError: a file is missing, or not the official one.
    """
    if missing := remote.missing_files(dataset, data_folder):
        raise remote.missing_error(dataset, missing, data_folder)
    paths = {path.name: path for path in remote.source_paths(dataset, data_folder)}
    try:
        if dataset.startswith("emnist_"):
            return _read_emnist(paths["gzip.zip"], dataset.removeprefix("emnist_"), split)
        if dataset == "usps":
            return _read_usps(paths["usps.bz2" if split == "train" else "usps.t.bz2"])
        if dataset == "cifar10":
            return _read_cifar(paths["cifar-10-binary.tar.gz"], CIFAR_TRAIN if split == "train" else CIFAR_TEST)
        prefix = "train" if split == "train" else "t10k"
        images, labels = (
            _idx(gzip.decompress(paths[f"{prefix}-{part}-ubyte.gz"].read_bytes()))
            for part in ("images-idx3", "labels-idx1")
        )
    except DAMAGED as error:
        raise DatasetError(f"{dataset} in {data_folder} has not the layout of its official files: {error}") from error
    return LabelledImages(images[..., None], labels.astype(np.int64))


def _idx(content: bytes) -> np.ndarray:
    """An array of bytes in the IDX format: two zeros, the type (8: unsigned byte), the number of axes, their lengths."""
    if content[:3] != b"\0\0\x08":
        raise ValueError("a file does not begin as IDX files of bytes do")
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def _read_emnist(archive: Path, kind: str, split: str) -> LabelledImages:
    """EMNIST's images lie on their side, and its letters are numbered from 1."""
    with zipfile.ZipFile(archive) as members:
        images, labels = (
            _idx(gzip.decompress(members.read(f"gzip/emnist-{kind}-{split}-{part}-ubyte.gz")))
            for part in ("images-idx3", "labels-idx1")
        )
    upright = np.ascontiguousarray(images.transpose(0, 2, 1))[..., None]
    return LabelledImages(upright, labels.astype(np.int64) - (kind == "letters"))


def _read_usps(path: Path) -> LabelledImages:
    """Lines of a label from 1 and 256 pairs of position and intensity in [-1, 1]."""
    images, labels = [], []
    with bz2.open(path, "rt", encoding="ascii") as lines:
        for line in lines:
            label, *pixels = line.split()
            labels.append(int(label) - 1)
            images.append([float(pixel.partition(":")[2]) for pixel in pixels])
    intensities = np.array(images, np.float32).reshape(-1, USPS_SIDE, USPS_SIDE, 1)
    return LabelledImages(((intensities + 1) / 2 * 255).astype(np.uint8), np.array(labels, np.int64))


def _read_cifar(archive: Path, members: tuple[str, ...]) -> LabelledImages:
    """Records of a label and 32x32 pixels, first all red, then all green, then all blue."""
    with tarfile.open(archive, "r:gz") as files:
        content = b"".join(files.extractfile(member).read() for member in members)
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    images = np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return LabelledImages(images, records[:, 0].astype(np.int64))
