"""SVHN and MNIST as torchvision's dataset classes read them from files that are already there.

torchvision is imported only when one of them is read, since that takes seconds.
"""

from __future__ import annotations

import gzip
import shutil
import zlib
from pathlib import Path

from rate_distortion.datasets import remote
from rate_distortion.datasets.labelled_images import DatasetError, LabelledImages
from rate_distortion.storage import files


def read_svhn(dataset: str, split: str, data_folder: str | Path) -> LabelledImages:
    """One .mat file of the cropped digits of SVHN: RGB, 32x32, label 0 for the digit 0.

    The images are a view of what was read, not a copy: ``extra`` alone is 1.6 GB.

    Args:
        dataset: "svhn" or "svhn_extra".
        split: train, test or extra, as torchvision calls them.
        data_folder: the folder that holds ``svhn/``.

    Raises:
        DatasetError: the file is missing, or not the official one.
    """
    from torchvision.datasets import SVHN

    folder = Path(data_folder) / remote.FOLDERS[dataset]
    file = remote.remote_file(remote.FOLDERS[dataset], f"{split}_32x32.mat")
    if not (folder / file.name).is_file():
        raise remote.missing_error(dataset, [file], data_folder)
    try:
        svhn = SVHN(str(folder), split=split)
    except RuntimeError as error:  # torchvision has verified the checksum
        raise remote.missing_error(dataset, [file], data_folder) from error
    return LabelledImages(svhn.data.transpose(0, 2, 3, 1), svhn.labels)


def read_mnist(split: str, data_folder: str | Path) -> LabelledImages:
    """MNIST: grey, 28x28. The .gz files are verified, and unpacked beside themselves where that is not done yet.

    Args:
        split: train or test.
        data_folder: the folder that holds ``MNIST/raw/``.

    Raises:
        DatasetError: a file is missing, or not the official one.
    """
    from torchvision.datasets import MNIST

    data_folder = Path(data_folder)
    if (data_folder / "MNIST" / "processed").exists():
        raise DatasetError(
            f"{data_folder / 'MNIST' / 'processed'} holds .pt files of an old torchvision, which would be read "
            f"unverified in place of MNIST/raw; remove that folder"
        )
    if missing := remote.missing_files("mnist", data_folder):
        raise remote.missing_error("mnist", missing, data_folder)
    for path in remote.source_paths("mnist", data_folder):
        _unpack(path)
    mnist = MNIST(str(data_folder), train=split == "train")
    return LabelledImages(mnist.data.numpy()[..., None], mnist.targets.numpy())


def _unpack(compressed: Path) -> None:
    """Write ``name.gz`` out as ``name``, unless that is there and has the checksum that the .gz ends with."""
    target = compressed.with_suffix("")
    crc32 = int.from_bytes(compressed.read_bytes()[-8:-4], "little")
    if target.is_file() and zlib.crc32(target.read_bytes()) == crc32:
        return
    with gzip.open(compressed) as source, files.completed(target) as temporary, temporary.open("wb") as stream:
        shutil.copyfileobj(source, stream)
