"""What a study need not say: the schema's defaults, and what follows from its models and data.

A value that is written always stands. What is laid here is seen by whoever reads the study, and in results/<study>/config.yaml.
The configuration is not checked yet: whatever has another shape than it should is left for the schema to refuse.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from rate_distortion import datasets
from rate_distortion.studies.study import PIXELS

PARTS: Mapping[str, tuple[str, ...]] = {
    "table1": ("tables", "table1"),
    "table2": ("tables", "table2"),
    "further_models": ("tables", "further_models"),
    "calibration": ("calibration",),
    "capacity_law": ("capacity_law",),
    "perturbations": ("perturbations",),
    "reverse_transmission": ("reverse_transmission",),
    "attack_audit": ("attack_audit",),
    "transfer": ("transfer",),
    "sensitivity": ("sensitivity",),
    "ablations": ("ablations",),
    "multilayer_perceptron": ("multilayer_perceptron",),
    "sphere_packing": ("sphere_packing",),
    "figure1": ("figures", "figure1"),
    "figure4": ("figures", "figure4"),
    "figure5": ("figures", "figure5"),
}
"""What ``parts`` switches on and off, and where its settings stand."""

BATCH_SIZE = 64
"""Default of a study that names no batch size."""

PERTURBED_IMAGES = 256
AUDITED_IMAGES = 64
"""Defaults; all test images where there are fewer."""

VALIDATION_SHARE = 10
"""One in so many training images is held out; one image, for as long as the file that tells their number is not there."""

ONLY_WITH_ZCA = ("components", "epsilon")

LAW_SHARES = (8, 4, 2, 1)
"""The capacity law's numbers of training images: an eighth of all there are, a quarter, half, and all."""


def switched(study: dict[str, Any], parts: Any) -> dict[str, Any]:
    """The study with these parts: those that it lacks are there to be filled with defaults, and the others are gone.

    Reverse transmission goes with perturbations.
    """
    if not isinstance(parts, list):
        return study
    kept = [
        "table1",
        *parts,
        *(["reverse_transmission"] if "perturbations" in parts else []),
    ]  # a list: not yet checked
    switched = copy.deepcopy(study)
    for part, path in PARTS.items():
        if part in kept:
            for key, parent in _parents(switched, path, make=True):
                parent.setdefault(key, {})
        else:
            for key, parent in _parents(switched, path):
                parent.pop(key, None)
    return switched


def without_orphans(study: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The study without parts that it inherits and that show networks probed by perturbations which it does not have.

    Args:
        study: merged.
        own: what the study itself says; a part that it names stays, and is refused with a sentence.
    """
    if "perturbations" in study:
        return study
    study = copy.deepcopy(study)
    for part in ("reverse_transmission", "attack_audit", "figure5"):
        if not any(key in parent for key, parent in _parents(own, PARTS[part])):
            for key, parent in _parents(study, PARTS[part]):
                parent.pop(key, None)
    return study


def with_pixels(study: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What a study extends, without its whitening where the study itself leaves pixels as they are."""
    whitening = own.get("whitening")
    chosen = isinstance(whitening, dict) and whitening.get("method") == PIXELS["method"]
    return {**study, "whitening": dict(PIXELS)} if chosen else dict(study)


def filled(name: str, study: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The study with a value for every key that has a default.

    Args:
        name: the study's, which is also its title where it has none.
        study: merged, not checked.
        schema: of the whole configuration.
    """
    study = {"title": name} | copy.deepcopy(dict(study))
    for part in _mappings(study, "data", "transfer"):
        if "file" in part:
            part.setdefault("dataset", "arrays")
    if "perturbations" in study:
        study.setdefault("reverse_transmission", {})
    whitening = study.setdefault("whitening", {})
    written = set(whitening) if isinstance(whitening, dict) else set(ONLY_WITH_ZCA)
    _fill(study, schema["$defs"]["study"], schema)
    varied = study.get("preprocessings")
    every = [whitening, *(varied.values() if isinstance(varied, dict) else ())]
    if not any(isinstance(own, dict) and own.get("method") == "zca" for own in every):
        for key in set(ONLY_WITH_ZCA) - written:
            del whitening[key]
    _fill_cells(study)
    _fill_amounts(study)
    return study


def _fill(value: dict[str, Any], node: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Lay the defaults of a part of the schema under a mapping and those below it."""
    for key, child in node.get("properties", {}).items():
        if key not in value and "default" in child:
            value[key] = copy.deepcopy(child["default"])
        if isinstance(value.get(key), dict):
            target = schema["$defs"][child["$ref"].rpartition("/")[2]] if "$ref" in child else child
            _fill(value[key], target, schema)


def _fill_cells(study: dict[str, Any]) -> None:
    """Which networks each part shows, where it does not say."""
    tables, models = study["tables"], study.get("models")
    if not isinstance(tables, dict) or not isinstance(models, dict) or not models:
        return
    first = next(iter(models))
    size = study.get("batch_size", _largest(tables.get("table1")) or BATCH_SIZE)
    every = {model: [size] for model in models}
    for parent, key in [(tables, "table1"), *((part, "cells") for part in _mappings(study, "perturbations"))]:
        if parent.get(key, {}) == {}:
            parent[key] = copy.deepcopy(every)
    if tables.get("table2") == {}:
        tables["table2"] = copy.deepcopy(every)
    swept = study["perturbations"].get("cells") if isinstance(study.get("perturbations"), dict) else None
    swept = swept if isinstance(swept, dict) else every
    for part in _mappings(study, "attack_audit"):
        if part.get("cells", {}) == {}:
            part["cells"] = copy.deepcopy(swept)
    for part in _mappings(study, "calibration", "capacity_law"):
        part.setdefault("model", next((name for name in models if not _is_calibrated(name, models)), first))
        part.setdefault("batch_size", size)
    for part in _mappings(study, "transfer", "sensitivity", "ablations"):
        part.setdefault("models", [first])
        part.setdefault("batch_size", size)
    if not isinstance(study["figures"], dict):
        return
    names = [name for name in swept if isinstance(name, str)] or [first]

    def swept_at(model: Any) -> int:
        """The largest batch size that the model's sweeps have; what is no name has none, and is refused later."""
        return (isinstance(model, str) and _largest({model: swept.get(model)})) or size

    for figure in _mappings(study["figures"], "figure4"):
        figure.setdefault("model", names[0])
        figure.setdefault("batch_size", swept_at(figure["model"]))
    for figure in _mappings(study["figures"], "figure5"):
        if "a" not in figure:
            figure |= dict(zip(("a", "b"), names[:2], strict=False)) | figure
        figure.setdefault("batch_size", swept_at(figure["a"]))


def _fill_amounts(study: dict[str, Any]) -> None:
    """How many images are held out, perturbed and learned by smaller trainings, where the study does not say."""
    data = study.get("data")
    if not isinstance(data, dict):
        return
    amounts = (("perturbations", PERTURBED_IMAGES), ("attack_audit", AUDITED_IMAGES))
    open_amounts = [(part, most) for name, most in amounts for part in _mappings(study, name) if "images" not in part]
    laws = _mappings(study, "capacity_law")
    if "validation_images" in data and not open_amounts and not laws:
        return
    sizes = _sizes(data) or {}
    train, test = (_count(data.get(f"{split}_images"), sizes.get(split, 0)) for split in ("train", "test"))
    data.setdefault("validation_images", max(1, train // VALIDATION_SHARE))
    for part, most in open_amounts:
        part["images"] = min(most, test) if sizes else most
    held_out = 0 if "train_images" in data else _count(data["validation_images"], 0)
    for law in laws:
        largest = max(2, train - held_out)
        law.setdefault("train_images", sorted({max(2, largest // share) for share in LAW_SHARES}))
        epochs = max((_count(part.get("epochs"), 1) for part in _mappings(study, "training")), default=1)
        law.setdefault("presentations", largest * epochs)


def _sizes(data: Mapping[str, Any]) -> dict[str, int] | None:
    """Images in the splits of the study's source; None where that is not known, or refused anyway."""
    dataset, file = data.get("dataset"), data.get("file")
    if not isinstance(dataset, str) or (dataset == "arrays") != isinstance(file, str):
        return None
    try:
        return datasets.sizes(dataset, file=file)
    except datasets.DatasetError:
        return None


def _count(asked: Any, available: int) -> int:
    return asked if isinstance(asked, int) and not isinstance(asked, bool) and asked > 0 else available


def _largest(cells: Any) -> int | None:
    """The largest batch size of a table's cells."""
    lists = cells.values() if isinstance(cells, dict) else ()
    sizes = [size for sizes in lists if isinstance(sizes, list) for size in sizes if isinstance(size, int)]
    return max(sizes, default=None)


def _is_calibrated(name: Any, models: Mapping[str, Any]) -> bool:
    """Whether a model, or the first of its bases that says anything of it, has a calibrated weight decay."""
    seen: set[Any] = set()
    while isinstance(name, str) and name not in seen and isinstance(models.get(name), dict):
        seen.add(name)
        if "weight_decay" in models[name]:
            return models[name]["weight_decay"] == "calibrated"
        name = models[name].get("base")
    return False


def _mappings(study: Mapping[str, Any], *parts: str) -> list[dict[str, Any]]:
    """Those of the parts that are there, as mappings."""
    return [study[part] for part in parts if isinstance(study.get(part), dict)]


def _parents(study: Any, path: tuple[str, ...], *, make: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
    """The last key of a path with the mapping that it stands in, if that is one."""
    *above, key = path
    for step in above:
        study = study.setdefault(step, {}) if make else study.get(step, {})
        if not isinstance(study, dict):
            return
    yield key, study
