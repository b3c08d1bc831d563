"""The sources by name: what each is, and how many images its splits have."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from rate_distortion.datasets.labelled_images import DatasetError

DESCRIPTIONS: Mapping[str, str] = {
    "svhn": "SVHN, cropped digits (Netzer et al., 2011)",
    "svhn_extra": "SVHN, the additional easier crops (Netzer et al., 2011)",
    "mnist": "MNIST handwritten digits (LeCun et al., 1998)",
    "digits": "scikit-learn's 8x8 handwritten digits (Alpaydin and Kaynak, 1998)",
    "house_numbers": "procedural street numbers, which stand in for SVHN",
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
    "arrays": "the user's own",
}
"""On which terms each source may be used and passed on."""

DATASETS = tuple(DESCRIPTIONS)
"""Names of the sources."""

SPLIT_SIZES: Mapping[str, Mapping[str, int]] = {
    "svhn": {"train": 73_257, "test": 26_032},
    "svhn_extra": {"train": 531_131},
    "mnist": {"train": 60_000, "test": 10_000},
    "digits": {"train": 1_297, "test": 500},
    "house_numbers": {"train": 73_257, "test": 26_032, "extra": 531_131},
}
"""Images of each split; those of ``arrays`` stand in the user's file."""

NATIVE_SIDES: Mapping[str, int] = {"svhn": 32, "svhn_extra": 32, "mnist": 28, "digits": 28, "house_numbers": 32}
"""Height and width in pixels where no other size is asked for; those of ``arrays`` stand in the user's file."""


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
