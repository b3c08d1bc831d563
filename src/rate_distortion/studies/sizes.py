"""The settings of a study that decide on whether it can be compared with the paper, by part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rate_distortion.datasets import catalogue
from rate_distortion.studies.study import CALIBRATED, Study

NETWORKS = "networks"
"""Key of a part's networks, by name; one that the study does not have gives no records, and is not compared."""
BUILT_IN = "Table 3"
IMAGES_OF_TABLE_3 = {"image_shape": [1, 32, 32], "classes": 10}


def study_sizes(study: Study) -> dict[str, dict[str, Any]]:
    """The parts that a study has, each with the settings that decide on its comparability; images are counted later.

    Settings of a network are those that it trains with, its own ones included.

    Args:
        study: a merged study.
    """
    config = study.config
    models = dict.fromkeys(run.model for run in study.runs())
    images = {"dataset": source(config["data"]), "extra_images": config["data"].get("extra_images", 0)}
    images |= _chosen(config["data"], "part_of") if "part_of" in config["data"] else {}
    runs = images | {NETWORKS: {model: _network(study, model) for model in models}}
    parts = {part: runs for part in ("table1", "table2", "further_models") if study.cells(part)}
    if study.cells("further_models"):
        parts["follow_up"] = runs
    if study.cells("calibration"):
        parts["calibration"] = images | _grid(study)
    if study.cells("ablations"):
        parts["ablations"] = runs
    if study.cells("perturbations"):
        parts["perturbations"] = runs | {"step_unit": "image"} | config.get("reverse_transmission", {})
        parts["figure5"] = runs | _swept(config["perturbations"])
    if "transfer" in config:
        parts["transfer"] = runs | _target(config["transfer"])
    data = {"dataset": "arrays"} if source(config["data"]) == "arrays" else IMAGES_OF_TABLE_3
    return parts | _bottleneck_sizes(study) | _perceptron_sizes(study) | {"architecture": data, "arithmetic": {}}


def _network(study: Study, model: str) -> dict[str, Any]:
    """What a convolutional network trains with and is evaluated with. No batch size: cells name theirs."""
    network, training = study.model(model), study.training(model, 1, "original")
    whitening = study.whitening(study.preprocessing(model))
    splits = study.train_on(model).split("+")
    return {
        "network": network["factory"] or BUILT_IN,
        "whitening": whitening["method"],
        **{key: whitening.get(key) for key in ("colour", "components", "per_image_mean", "epsilon", "output_range")},
        **_chosen(training, "epochs learning_rate evaluation_batch_size random_labels precision"),
        **_chosen(network, "weight_decay normalization width initialization decayed_tensors batch_norm_evaluation"),
        "calibrated": network["weight_decay"] == CALIBRATED,
        "data": "train+extra" if "extra" in splits else "train",
        "splits": splits,
    }


def _grid(study: Study) -> dict[str, Any]:
    """The networks of a calibration, which differ in their weight decay alone."""
    settings = study.config["calibration"]
    network = _network(study, study.calibration_model(settings["weight_decays"][0]))
    network.pop("weight_decay")
    return {"batch_size": settings["batch_size"], NETWORKS: {"grid": network}}


def _swept(settings: Mapping[str, Any]) -> dict[str, Any]:
    keys = "step_size step_growth max_steps lowest_snr_db largest_sigma"
    return {"swept_images": settings["images"], "attacked_together": settings["batch_size"]} | _chosen(settings, keys)


def _target(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a transfer reads, and how examples are tuned on."""
    available = catalogue.SPLIT_SIZES.get(settings["dataset"], {}).get("test")
    chosen = _chosen(settings, "target_whitening steps rotation_degrees validation_images tuned bins")
    return {
        "handwritten_digits": settings["dataset"],
        "read_images": settings.get("test_images", available),
        "tuning_rate": settings["learning_rate"],
        **chosen,
    }


def _bottleneck_sizes(study: Study) -> dict[str, dict[str, Any]]:
    if "sphere_packing" not in study.config:
        return {}
    settings = study.config["sphere_packing"]
    keys = (
        "dataset encoder_widths decoder_widths epochs learning_rate batch_size weight_decay beta batch_norm_epsilon "
        "batch_norm_momentum batch_norm_evaluation noise_log_variance train_noise kernel_log_variance fit_kernels "
        "information_samples bandwidth_samples bandwidth_dimension pixel_minimum activation optimizer decay_convention "
        "noisy_embedding precision"
    )
    available = catalogue.SPLIT_SIZES.get(settings["dataset"], {}).get("train")
    images = {"train_images": settings.get("train_images", available), "image_size": _side(settings)}
    return {"sphere_packing": _chosen(settings, keys) | images}


def _perceptron_sizes(study: Study) -> dict[str, dict[str, Any]]:
    if not study.perceptron_cells():
        return {}
    settings = study.config["multilayer_perceptron"]
    common = _chosen(settings, "dataset digits train_on") | {"image_size": _side(settings)}
    gradients, plane = settings["gradient_snr"], settings["information_plane"]
    shown = {f"{cell.activation}/{cell.normalization}": cell for cell in study.perceptron_cells("gradient_snr")}
    network = _perceptron(study, study.perceptron_cells("information_plane")[0])
    return {
        "gradient_snr": common
        | _chosen(gradients, "ratio weights")
        | {NETWORKS: {name: _perceptron(study, cell) for name, cell in shown.items()}},
        "information_plane": common | network | _chosen(plane, "activation normalization samples bins output"),
    }


def _perceptron(study: Study, cell: tuple[str, str, str]) -> dict[str, Any]:
    trained = study.perceptron(*cell)
    widths = trained["network"]["hidden_widths"]
    keys = "epochs learning_rate batch_size evaluation_batch_size precision"
    return {"layers": len(widths) + 1, "hidden_widths": widths} | _chosen(trained["training"], keys)


def _side(settings: Mapping[str, Any]) -> int:
    """Side in pixels of a part's digits."""
    return settings.get("image_size", catalogue.NATIVE_SIDES[settings["dataset"]])


def _chosen(settings: Mapping[str, Any], keys: str) -> dict[str, Any]:
    return {key: settings[key] for key in keys.split()}


def source(data: Mapping[str, Any]) -> str:
    """The data set that images come from: a user's file may be a part of one."""
    return data.get("part_of", data["dataset"])
