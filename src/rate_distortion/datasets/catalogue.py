"""The sources by name: what each is, and how many images its splits have."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from rate_distortion.datasets.labelled_images import DatasetError

EMNIST: Mapping[str, tuple[int, int, int]] = {
    "balanced": (112_800, 18_800, 47),
    "byclass": (697_932, 116_323, 62),
    "bymerge": (697_932, 116_323, 47),
    "digits": (240_000, 40_000, 10),
    "letters": (124_800, 20_800, 26),
    "mnist": (60_000, 10_000, 10),
}
"""The splits of EMNIST, each a data set: training images, test images, classes."""

DESCRIPTIONS: Mapping[str, str] = {
    "svhn": "SVHN, cropped digits (Netzer et al., 2011)",
    "svhn_extra": "SVHN, the additional easier crops (Netzer et al., 2011)",
    "mnist": "MNIST handwritten digits (LeCun et al., 1998)",
    "digits": "scikit-learn's 8x8 handwritten digits (Alpaydin and Kaynak, 1998)",
    "house_numbers": "procedural street numbers, which stand in for SVHN",
    "fashion_mnist": "Fashion-MNIST, articles of clothing (Xiao et al., 2017)",
    "kmnist": "Kuzushiji-MNIST, cursive Japanese characters (Clanuwat et al., 2018)",
    **{f"emnist_{kind}": f"EMNIST handwritten characters, {kind} (Cohen et al., 2017)" for kind in EMNIST},
    "usps": "USPS handwritten digits (Hull, 1994)",
    "cifar10": "CIFAR-10, small photographs (Krizhevsky, 2009)",
    "arrays": "the user's own images",
}
"""What each source is, in words fit for a caption."""


def description(dataset: str, part_of: str | None = None) -> str:
    """What a source is, in words fit for a caption.

    Args:
        dataset: its name.
        part_of: the data set that a user's file is a part of, if any.
    """
    return f"a part of {DESCRIPTIONS[part_of]}" if part_of else DESCRIPTIONS[dataset]


LICENCES: Mapping[str, str] = {
    "svhn": "for non-commercial use only (http://ufldl.stanford.edu/housenumbers)",
    "svhn_extra": "for non-commercial use only (http://ufldl.stanford.edu/housenumbers)",
    "mnist": "https://creativecommons.org/licenses/by-sa/3.0/",
    "digits": "https://creativecommons.org/licenses/by/4.0/",
    "house_numbers": "https://spdx.org/licenses/MIT",
    "fashion_mnist": "https://spdx.org/licenses/MIT",
    "kmnist": "https://creativecommons.org/licenses/by-sa/4.0/",
    **{f"emnist_{kind}": "https://www.nist.gov/open/license" for kind in EMNIST},
    "usps": "none is stated (https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html)",
    "cifar10": "none is stated (https://www.cs.toronto.edu/~kriz/cifar.html)",
    "arrays": "the user's own",
}
"""Licence of each source."""

DATASETS = tuple(DESCRIPTIONS)
"""Names of the sources."""

SPLIT_SIZES: Mapping[str, Mapping[str, int]] = {
    "svhn": {"train": 73_257, "test": 26_032},
    "svhn_extra": {"train": 531_131},
    "mnist": {"train": 60_000, "test": 10_000},
    "digits": {"train": 1_297, "test": 500},
    "house_numbers": {"train": 73_257, "test": 26_032, "extra": 531_131},
    "fashion_mnist": {"train": 60_000, "test": 10_000},
    "kmnist": {"train": 60_000, "test": 10_000},
    **{f"emnist_{kind}": {"train": train, "test": test} for kind, (train, test, _) in EMNIST.items()},
    "usps": {"train": 7_291, "test": 2_007},
    "cifar10": {"train": 50_000, "test": 10_000},
}
"""Images of each split; those of ``arrays`` stand in the user's file."""

NATIVE_SIDES: Mapping[str, int] = {
    **{"svhn": 32, "svhn_extra": 32, "mnist": 28, "digits": 28, "house_numbers": 32},
    **{"fashion_mnist": 28, "kmnist": 28, "usps": 16, "cifar10": 32},
    **{f"emnist_{kind}": 28 for kind in EMNIST},
}
"""Height and width in pixels where no other size is asked for; those of ``arrays`` stand in the user's file."""


CLASSES: Mapping[str, int] = dict.fromkeys(SPLIT_SIZES, 10) | {
    f"emnist_{kind}": size[2] for kind, size in EMNIST.items()
}
"""Classes of each source; those of ``arrays`` stand in the user's file."""

LAST_OF_EVERY_CLASS: Mapping[str, int] = {"digits": 29, "mnist": 25}
"""The smallest n such that the last n training images contain every class; not known here for ``svhn``."""

RESIZABLE = ("mnist", "digits", "fashion_mnist", "kmnist", "usps", *(f"emnist_{kind}" for kind in EMNIST))
"""Grey sources that can be resized; the others keep their own size."""

OF_THE_PROJECT = ("svhn", "mnist", "digits", "house_numbers")
"""Sources with the shape and the ten classes of the paper's."""


def check_dataset(dataset: str) -> None:
    """Refuse a name that is none; the error lists the names and the closest one."""
    if dataset not in DATASETS:
        raise DatasetError(
            f"there is no data set {dataset!r}; allowed: {listed(DATASETS)}{suggestion(dataset, DATASETS)}"
        )


def listed(names: Iterable[str]) -> str:
    """Names in a sentence."""
    return ", ".join(names)


def suggestion(name: str, allowed: Iterable[str]) -> str:
    """The end of a sentence that asks whether the closest allowed name was meant; empty when none is close."""
    close = difflib.get_close_matches(str(name), list(allowed), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
