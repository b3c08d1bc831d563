"""Named sources of images: uint8 images, integer labels, named splits.

:func:`load` reads any of them. Nothing here needs a network except :func:`fetch` and :func:`fetch_dataset`, and importing
this package imports neither torch nor scikit-learn, so that it may be asked for names and sizes at no cost.
"""

from rate_distortion.datasets.arrays import check_arrays
from rate_distortion.datasets.catalogue import DATASETS, DESCRIPTIONS, LICENCES, OF_THE_PROJECT, RESIZABLE, description
from rate_distortion.datasets.digit_pairs import digit_pair_size, select_digits
from rate_distortion.datasets.download import DownloadError, RemoteFile, fetch
from rate_distortion.datasets.labelled_images import DatasetError, LabelledImages, split_validation
from rate_distortion.datasets.remote import (
    DEFAULT_MIRRORS,
    FOLDERS,
    fetch_dataset,
    mirrors,
    missing_files,
    remote_file,
    remote_files,
    source_paths,
)
from rate_distortion.datasets.sources import (
    checksums,
    classes,
    image_side,
    last_of_every_class,
    load,
    own_content,
    own_files,
    sizes,
)

__all__ = [
    "DATASETS",
    "DEFAULT_MIRRORS",
    "DESCRIPTIONS",
    "FOLDERS",
    "LICENCES",
    "OF_THE_PROJECT",
    "RESIZABLE",
    "DatasetError",
    "DownloadError",
    "LabelledImages",
    "RemoteFile",
    "check_arrays",
    "checksums",
    "classes",
    "description",
    "digit_pair_size",
    "fetch",
    "fetch_dataset",
    "image_side",
    "last_of_every_class",
    "load",
    "mirrors",
    "missing_files",
    "own_content",
    "own_files",
    "remote_file",
    "remote_files",
    "select_digits",
    "sizes",
    "source_paths",
    "split_validation",
]
