"""Whether a part of a study can be compared with the paper: in full, at a reduced budget, or not, since its data are others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rate_distortion.datasets import catalogue
from rate_distortion.studies import Study

FULL, REDUCED, OTHER_DATA = "full", "reduced", "other data"
AT_LEAST = ("images", "epochs")
"""Sizes whose names end so may exceed the paper's; everything else must be equal."""


def study_sizes(study: Study) -> dict[str, dict[str, Any]]:
    """The parts that a study has, each with the settings that decide on its comparability; images are counted later.

    Args:
        study: a merged study.
    """
    config = study.config
    networks = {
        "dataset": config["data"]["dataset"],
        "whitening": config["whitening"]["method"],
        "components": config["whitening"].get("components"),
        "epochs": config["training"]["epochs"],
        "learning_rate": config["training"]["learning_rate"],
    }
    parts = {part: networks for part in ("table1", "table2", "calibration") if study.cells(part)}
    extended = networks | _additional_data(study)
    if study.cells("further_models"):
        parts["further_models"] = extended
    if study.cells("perturbations"):
        steps = {"reverse_step_size": config["reverse_transmission"]["step_size"]}
        parts["perturbations"] = extended | steps
        swept = config["perturbations"]
        parts["figure5"] = networks | {key: swept[key] for key in ("step_size", "step_growth")}
        parts["figure5"]["swept_images"] = swept["images"]
    if "transfer" in config:
        parts["transfer"] = extended | {"handwritten_digits": config["transfer"]["dataset"]}
    return parts | _bottleneck_sizes(study) | _perceptron_sizes(study) | {"architecture": {}, "arithmetic": {}}


def counted_sizes(
    sizes: Mapping[str, Mapping[str, Any]], descriptions: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The sizes of every part with the images that its data folder holds.

    Args:
        sizes: of :func:`study_sizes`.
        descriptions: contents of the ``dataset.json`` of the study's data folders.
    """
    return {part: _with_image_counts(part, own, descriptions) for part, own in sizes.items()}


def comparability(sizes: Mapping[str, Any], paper: Mapping[str, Any]) -> str:
    """One word for a part of a study.

    Args:
        sizes: what the study has.
        paper: what the ledger says the paper has; nothing stands for claims that need no data.
    """
    sources = [key for key in paper if key in ("dataset", "handwritten_digits")]
    if any(sizes.get(key) != paper[key] for key in sources):
        return OTHER_DATA
    return FULL if all(_suffices(key, sizes.get(key), value) for key, value in paper.items()) else REDUCED


def _with_image_counts(
    part: str, sizes: Mapping[str, Any], descriptions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A folder of two digits belongs to the parts that say which digits, every other folder to the parts that do not."""
    pair = "digits" in sizes
    for data in descriptions:
        if "train_images" not in sizes and data["dataset"] == sizes.get("dataset") and pair == (data["classes"] == 2):
            images, splits = data["images"], data["train_on"].split("+")
            trained = images["train"] if part == "calibration" else sum(images[split] for split in splits)
            return {**sizes, "train_images": trained, **({"test_images": images["test"]} if "test" in images else {})}
    return dict(sizes)


def _suffices(key: str, own: Any, paper: Any) -> bool:
    if own is None:
        return False
    return own >= paper if key.endswith(AT_LEAST) else own == paper


def _additional_data(study: Study) -> dict[str, Any]:
    """How many additional images B+ has, and for how many epochs; a study without B+ has none."""
    if "B+" not in study.config["models"] or "+extra" not in study.train_on("B+"):
        return {}
    training = study.training("B+", 128, "original")
    return {"extra_images": study.config["data"]["extra_images"], "extra_epochs": training["epochs"]}


def _bottleneck_sizes(study: Study) -> dict[str, dict[str, Any]]:
    if "sphere_packing" not in study.config:
        return {}
    settings = study.config["sphere_packing"]
    sizes = {key: settings[key] for key in ("dataset", "epochs", "learning_rate", "batch_size", "weight_decay", "beta")}
    available = catalogue.SPLIT_SIZES.get(settings["dataset"], {}).get("train")
    return {"sphere_packing": sizes | {"train_images": settings.get("train_images", available)}}


def _perceptron_sizes(study: Study) -> dict[str, dict[str, Any]]:
    if not study.perceptron_cells():
        return {}
    settings = study.config["multilayer_perceptron"]
    common = {key: settings[key] for key in ("dataset", "digits", "learning_rate", "batch_size", "epochs")}
    return {
        "gradient_snr": common | {"epochs": settings["gradient_snr"].get("epochs", settings["epochs"])},
        "information_plane": common | {"samples": settings["information_plane"]["samples"]},
    }
