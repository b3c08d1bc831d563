"""Whether a part of a study can be compared with the paper: in full, at a reduced budget, or not, since its data are others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rate_distortion.claims.ledger import load
from rate_distortion.studies import CALIBRATED
from rate_distortion.studies.sizes import NETWORKS, source
from rate_distortion.studies.sizes import study_sizes as study_sizes

FULL, REDUCED, OTHER_DATA = "full", "reduced", "other data"
SOURCES = ("dataset", "handwritten_digits", "image_shape", "classes")
"""Sizes that, when they differ, mean other data and not only fewer."""
AT_LEAST = ("images", "epochs", "max_steps", "largest_sigma")
"""Sizes with these suffixes may exceed the paper's."""
AT_MOST = ("lowest_snr_db",)
"""Sizes that may fall short of it; everything else must be equal."""


def counted_sizes(
    sizes: Mapping[str, Mapping[str, Any]],
    descriptions: Sequence[Mapping[str, Any]],
    calibrated: float | None = None,
) -> dict[str, dict[str, Any]]:
    """The sizes of every part with the images that its data folder holds, and the weight decay that was found.

    Args:
        sizes: of :func:`study_sizes`.
        descriptions: contents of the ``dataset.json`` of the study's data folders.
        calibrated: what models with a calibrated weight decay train with; None where it is not known yet.
    """
    return {part: _resolved(_with_data(own, descriptions), calibrated) for part, own in sizes.items()}


def comparability(sizes: Mapping[str, Any], paper: Mapping[str, Any]) -> str:
    """One word for a part of a study.

    Args:
        sizes: what the study has.
        paper: what the ledger says the paper has; nothing stands for claims that need no data.
    """
    if any(sizes.get(key) != paper[key] for key in SOURCES if key in paper):
        return OTHER_DATA
    return FULL if first_deviation(sizes, paper) is None else REDUCED


def first_deviation(sizes: Mapping[str, Any], paper: Mapping[str, Any]) -> str | None:
    """In words, the first setting or size in which a part falls short of the paper; None where it does not.

    Args:
        sizes, paper: as for :func:`comparability`.
    """
    return next(_deviations(sizes, paper), None)


def is_comparable(
    part: str,
    sizes: Mapping[str, Mapping[str, Any]],
    descriptions: Sequence[Mapping[str, Any]],
    calibrated: float | None = None,
) -> bool:
    """Whether a part of a study is comparable in full, for tables beside the claims.

    Args:
        part: its name in the ledger.
        sizes, descriptions, calibrated: as for :func:`counted_sizes`.
    """
    own = counted_sizes(sizes, descriptions, calibrated)[part]
    return comparability(own, load().parts[part].sizes) == FULL


def of_claim(paper: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A part's sizes in the paper with the networks that a claim names; with all of them where it names none.

    Args:
        paper: as for :func:`comparability`.
        arguments: of the claim's measure; a network is its name there, or name@batch size.
    """
    named = {text.rsplit("@", 1)[0] for text in _texts(list(arguments.values()))}
    networks = paper.get(NETWORKS, {})
    chosen = {name: network for name, network in networks.items() if name in named}
    return {**paper, NETWORKS: chosen} if chosen else dict(paper)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def _deviations(sizes: Mapping[str, Any], paper: Mapping[str, Any]) -> Iterator[str]:
    if "part_of" in sizes and "dataset" in paper:
        yield f"a part of {sizes['part_of']} instead of all of it"
    for key, value in paper.items():
        own = sizes.get(key)
        if key == NETWORKS:
            for name in [name for name in value if name in (own or {})]:
                yield from (f"{name}: {words}" for words in _deviations(own[name], value[name]))
        elif not _suffices(key, own, value):
            shown = "unknown" if own is None else own
            yield f"{key.replace('_', ' ')} {shown} instead of {value}"


def _suffices(key: str, own: Any, paper: Any) -> bool:
    if own is None:
        return False
    if key.endswith(AT_LEAST):
        return own >= paper
    return own <= paper if key in AT_MOST else own == paper


def _with_data(sizes: Mapping[str, Any], descriptions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A folder of two digits belongs to the parts that say which digits, every other folder to the parts that do not."""
    pair = "digits" in sizes
    for data in descriptions:
        of_digits = "test" not in data["images"]
        if "train_images" not in sizes and source(data) == sizes.get("dataset") and pair == of_digits:
            return _with_image_counts(sizes, data)
    return dict(sizes)


def _with_image_counts(sizes: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    images = data["images"] | {"extra": sizes.get("extra_images", 0)}
    if "digits" in sizes:
        return {**sizes, "train_images": images["train"]}
    networks = {
        name: network | {"train_images": sum(images[split] for split in network["splits"])}
        for name, network in sizes.get(NETWORKS, {}).items()
    }
    shape = {key: data[key] for key in ("image_shape", "classes")}
    return {**shape, **sizes, "test_images": images["test"], NETWORKS: networks}


def _resolved(sizes: Mapping[str, Any], calibrated: float | None) -> dict[str, Any]:
    """With the weight decay that calibrated networks train with, where it is known."""
    if NETWORKS not in sizes or calibrated is None:
        return dict(sizes)
    found = {
        name: network | ({"weight_decay": calibrated} if network.get("weight_decay") == CALIBRATED else {})
        for name, network in sizes[NETWORKS].items()
    }
    return {**sizes, NETWORKS: found}
