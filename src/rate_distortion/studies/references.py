"""What one part of a study names and another must have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rate_distortion.studies.configuration import StudyError, listed, suggestion
from rate_distortion.studies.runs import FIGURE5_PANELS, Cell
from rate_distortion.studies.study import CALIBRATED, MODEL_DEFAULTS, OF_THE_BUILT_IN_NETWORK, Study


def check_references(study: Study) -> None:
    """Names that one part of a study uses and another must have."""
    config, path = study.config, f"studies.{study.name}"
    named = [(f"{path}.tables.{table}", model) for table, cells in config["tables"].items() for model in cells]
    named += [(f"{path}.figures.figure4.model", cell.model) for cell in study.cells("figure4")]
    for part in ("perturbations", "attack_audit"):
        named += [(f"{path}.{part}.cells", model) for model in config.get(part, {}).get("cells", {})]
    for part in ("calibration", "capacity_law"):
        if part in config:
            named.append((f"{path}.{part}.model", config[part]["model"]))
    for part in ("transfer", "sensitivity", "ablations"):
        named += [(f"{path}.{part}.models", model) for model in config.get(part, {}).get("models", [])]
    for key, model in named:
        _check_name(key, "model", model, config["models"])
    if "figure5" in config["figures"]:
        _check_figure5(study)
    preprocessings = config.get("preprocessings", {})
    variations = [
        ("models", config["models"]),
        *((f"{p}.choices", config.get(p, {}).get("choices", {})) for p in ("sensitivity", "ablations")),
    ]
    for part, entries in variations:
        for name, entry in entries.items():
            if "preprocessing" in entry:
                _check_name(
                    f"{path}.{part}.{name}.preprocessing", "preprocessing", entry["preprocessing"], preprocessings
                )
    for model in config["models"]:
        _check_model(study, model)
    _check_trained(study)
    data = config["data"]
    if "dataset" not in data:
        raise StudyError(
            f"{path}.data names no images; set {path}.data.file to your own .npz or folder of images, or {path}.data.dataset "
            "to the name of a source (svhn, mnist, house_numbers, ...)"
        )
    for part in ("data", "transfer"):
        _check_file(f"{path}.{part}", config.get(part, {}))
    _check_part_of(f"{path}.data", data)
    if "sphere_packing" in config:
        _check_bottleneck(path, config["sphere_packing"])
    if "perturbations" in config:
        _check_paths(path, config["perturbations"], config.get("attack_audit", {}).get("at_db", []))
    if "reverse_transmission" in config and "perturbations" not in config:
        raise StudyError(
            f"{path}.reverse_transmission is set and {path}.perturbations is not, whose networks it looks at; set "
            "perturbations: {} or leave both out"
        )
    if "attack_audit" in config and len(config["seeds"]) < 2:
        raise StudyError(
            f"{path}.attack_audit needs two seeds at least, one network to attack and one to transfer from, and {path}.seeds "
            f"is {config['seeds']}; add a seed or set attack_audit: null"
        )
    if "attack_audit" in config and "perturbations" not in config:
        raise StudyError(
            f"{path}.attack_audit needs {path}.perturbations for its steps; set both or attack_audit: null"
        )
    for part in ("calibration", "capacity_law"):
        if part in config and data["validation_images"] < 1:
            raise StudyError(
                f"{path}.data.validation_images is 0, and {path}.{part} compares validation accuracies; hold some images out"
            )
    if "capacity_law" in config and 0 not in (decays := config["capacity_law"]["weight_decays"]):
        raise StudyError(
            f"{path}.capacity_law.weight_decays is {decays}, and what weight decay costs is measured against none; add 0"
        )
    if "extra_images" in data and data["dataset"] not in EXTRA_DATASETS:
        raise StudyError(
            f"{path}.data.extra_images is set and {path}.data.dataset is {data['dataset']!r}, which has no extra images; "
            f"they exist for {listed(EXTRA_DATASETS)}"
        )


def _check_file(path: str, part: Mapping[str, Any]) -> None:
    """A user's own images have a file, and no other source has."""
    if (part.get("dataset") == "arrays") != ("file" in part):
        raise StudyError(
            f"{path}.file {'is set' if 'file' in part else 'is missing'} and {path}.dataset is "
            f"{part['dataset']!r}; a file goes with dataset: arrays and only with it"
        )


def _check_part_of(path: str, part: Mapping[str, Any]) -> None:
    """Only a user's file can be a part of another data set."""
    if "part_of" in part and part["dataset"] != "arrays":
        raise StudyError(
            f"{path}.part_of is {part['part_of']!r} and {path}.dataset is {part['dataset']!r}; only a file of your own "
            "(dataset: arrays) can be a part of another data set: leave part_of out"
        )


def _check_figure5(study: Study) -> None:
    """Figure 5 is drawn from sweeps, so its models must be among those that are swept."""
    shown, swept = study.config["figures"]["figure5"], study.cells("perturbations")
    for panel in FIGURE5_PANELS:
        if panel in shown and Cell(shown[panel], shown["batch_size"], "original") not in swept:
            cells = listed(f"{cell.model} at {cell.batch_size}" for cell in swept) or "nothing"
            raise StudyError(
                f"studies.{study.name}.figures.figure5.{panel} is {shown[panel]!r} at batch size {shown['batch_size']}, "
                f"which perturbations.cells does not sweep; it sweeps {cells}"
            )


def _check_paths(path: str, perturbations: Mapping[str, Any], at_db: Iterable[float]) -> None:
    """A path has a beginning before its end, and the ratios that attacks are compared at lie on it."""
    smallest, largest = perturbations["smallest_sigma"], perturbations["largest_sigma"]
    if largest <= smallest:
        raise StudyError(
            f"{path}.perturbations.largest_sigma is {largest}, and {path}.perturbations.smallest_sigma is {smallest}; "
            "the largest must be above the smallest"
        )
    lowest = perturbations["lowest_snr_db"]
    beyond = [ratio for ratio in at_db if ratio < lowest]
    if beyond:
        raise StudyError(
            f"{path}.attack_audit.at_db has {listed(beyond)}, and paths end at {path}.perturbations.lowest_snr_db, {lowest}; "
            "compare at that ratio or above, or lower it"
        )


def _check_bottleneck(path: str, config: Mapping[str, Any]) -> None:
    beyond = [epoch for epoch in config["figure_epochs"] if epoch > config["epochs"]]
    if beyond:
        raise StudyError(
            f"{path}.sphere_packing.figure_epochs names {listed(beyond)}, and {path}.sphere_packing.epochs is "
            f"{config['epochs']}; show epochs up to that one"
        )


def _check_model(study: Study, model: str) -> None:
    config, path = study.config, f"studies.{study.name}"
    settings = study.model(model)
    for key in OF_THE_BUILT_IN_NETWORK:
        if settings["factory"] is not None and settings[key] != MODEL_DEFAULTS[key]:
            raise StudyError(
                f"{path}.models.{model}.{key} is {settings[key]!r}, and the model is your own network "
                f"({settings['factory']}), which does not have it; leave {key} out, or build it into a network of its own"
            )
    if study.model(model)["weight_decay"] == CALIBRATED:
        if "calibration" not in config:
            raise StudyError(f"{path}.models.{model}.weight_decay is calibrated, but {path} has no calibration")
        if study.model(config["calibration"]["model"])["weight_decay"] == CALIBRATED:
            raise StudyError(
                f"{path}.calibration.model is {config['calibration']['model']}, whose weight decay is itself calibrated"
            )
    if "+extra" in study.train_on(model) and "extra_images" not in config["data"]:
        raise StudyError(f"{path}.models.{model}.data is train+extra, but {path}.data.extra_images is not set")


def _check_trained(study: Study) -> None:
    """Models that are trained already are in no part that takes a training."""
    config = study.config
    for part in ("calibration", "capacity_law", "sensitivity", "ablations"):
        names = config.get(part, {}).get("models", [config[part]["model"]] if "model" in config.get(part, {}) else [])
        _refuse_weights(study, part, names)
    _refuse_weights(study, "tables.table2", config["tables"].get("table2", {}))


def _refuse_weights(study: Study, part: str, models: Iterable[str]) -> None:
    for model in models:
        if model in study.config["models"] and (weights := study.weights(model)):
            raise StudyError(
                f"studies.{study.name}.{part} names {model}, whose models.{model}.weights is {weights!r}; it is not trained, "
                f"which {part} takes: leave {part} out, or take weights away"
            )


EXTRA_DATASETS = ("svhn", "house_numbers")


def _check_name(key: str, kind: str, name: str, allowed: Iterable[str]) -> None:
    if name not in allowed:
        raise StudyError(
            f"{key} names the {kind} {name!r}, which does not exist; allowed: {listed(allowed)}{suggestion(name, allowed)}"
        )
