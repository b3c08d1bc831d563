"""What the rules read and write: paths, input files and settings as functions of a study and plain wildcard values.

Every path is relative to the project's folder. Settings that a function gives are the ``params`` of a rule: a change of any of
them, and of nothing else in the configuration, makes the rule's files again.

Raises, all that take a model, a seed or a variant:
    StudyError: the path names something that the study does not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rate_distortion import datasets
from rate_distortion.models import own as own_network
from rate_distortion.storage import provenance
from rate_distortion.studies.configuration import StudyError
from rate_distortion.studies.runs import Cell, Pack, Run
from rate_distortion.studies.study import CALIBRATED, Study

DOWNLOADS = "data"
"""Folder of downloaded sources."""


def _named(folder: str, names: Mapping[str, str]) -> dict[str, str]:
    return {key: f"{folder}/{name}" for key, name in names.items()}


TRAINED = {
    "metrics": "metrics.json",
    "history": "history.csv",
    "provenance": "provenance.json",
    "model": "model.safetensors",
}
RUN = "results/{study}/runs/cnn/{model}/batch{batch_size}/{labels}/seed{seed}"
RUN_NAMES = TRAINED | {"predictions": "predictions.npz"}
RUN_FILES = _named(RUN, RUN_NAMES)
PROBE_FILES = _named(
    RUN,
    {noise: f"perturbations/{noise}.csv" for noise in ("l2", "linf", "gaussian")}
    | {
        "sweeps": "perturbations/sweeps.npz",
        "reverse_transmission": "reverse_transmission.csv",
        "images": "reverse_transmission.npz",
    },
)
PERCEPTRON = "results/{study}/runs/mlp/{activation}/{normalization}/{labels}/seed{seed}"
PERCEPTRON_FILES = _named(
    PERCEPTRON, TRAINED | {"gradient_snr": "gradient_snr.csv", "information_plane": "information_plane.csv"}
)
BOTTLENECK = "results/{study}/runs/sphere_packing/{variant}/seed{seed}"
BOTTLENECK_FILES = _named(BOTTLENECK, TRAINED | {"geometry": "geometry.csv", "embedding": "embedding.npz"})
TRANSFER = "results/{study}/transfer/{model}/seed{seed}"
TRANSFER_FILES = _named(
    TRANSFER, {"zero_shot": "zero_shot.csv", "one_shot": "one_shot.csv", "predictions": "predictions.npz"}
)
DATA = "results/{study}/data/{dataset}"
IMAGE_FILES = [f"{split}/{part}.npy" for split in ("train", "validation", "test") for part in ("images", "labels")]
DATA_FILES = [*IMAGE_FILES, "whitening.npz", "dataset.json"]
EXTRA_FILES = ["extra/images.npy", "extra/labels.npy", "extra.json"]
PAIR = "results/{study}/data/{digit_pair}"
PAIR_FILES = _named(PAIR, {"images": "train/images.npy", "labels": "train/labels.npy", "description": "dataset.json"})


def results(study: Study, *inside: str) -> list[str]:
    """Paths inside the study's folder as paths of the project."""
    return [f"results/{study.name}/{path}" for path in inside]


def configuration(study: Study) -> dict[str, Any]:
    """The study's settings."""
    return study.config


def threads(study: Study, part: str | None = None) -> int:
    """Processor threads of a training; of a part that has its own, such as "multilayer_perceptron"."""
    return _own_settings(study, part)["threads"]


def gpus(study: Study, part: str | None = None) -> int:
    """Studies that may use a GPU ask for one; studies on the processor ask for none."""
    return int(_own_settings(study, part)["device"] != "cpu")


def _own_settings(study: Study, part: str | None) -> dict[str, Any]:
    return study.config.get(part, study.config) if part else study.config


# Data


def image_side(study: Study) -> int | None:
    """Side in pixels of the study's images; None where the user's file is not there yet."""
    data = study.config["data"]
    return datasets.image_side(data["dataset"], image_size=data.get("image_size"), file=data.get("file"))


def data_folder(study: Study, model: str | None = None) -> str:
    """The prepared data of a model: those of its own preprocessing, or the study's."""
    preprocessing = study.preprocessing(model) if model else None
    return f"results/{study.name}/data/{study.data_name(preprocessing)}"


def study_dataset(study: Study) -> str:
    """What the study's data are, for the notes of a table or figure."""
    return f"{data_folder(study)}/dataset.json"


def digits_dataset(study: Study) -> str:
    """What the two digits of the multilayer perceptrons are."""
    return f"results/{study.name}/data/{study.digit_pair()}/dataset.json"


def study_data(study: Study) -> list[str]:
    """The prepared data without any model's own preprocessing."""
    return [f"{data_folder(study)}/{name}" for name in DATA_FILES]


def run_data(study: Study, model: str) -> list[str]:
    """The prepared data that a model is trained on."""
    extra = EXTRA_FILES if "extra" in study.train_on(model).split("+") else []
    return [f"{data_folder(study, model)}/{name}" for name in (*DATA_FILES, *extra)]


def source_files(study: Study) -> list[str]:
    """The files that a data set is read from: downloads, the user's own file, or none.

    Raises:
        DatasetError: the user's file cannot be used.
    """
    data = study.config["data"]
    if data["dataset"] == "arrays":
        if study.archive is None:  # records from an archive come without the images
            try:
                datasets.check_arrays(data["file"])
            except datasets.DatasetError as error:
                raise datasets.DatasetError(f"studies.{study.name}.data.file: {error}") from error
        return [str(path) for path in datasets.own_files(data["file"])]
    return _downloads(data["dataset"])


def extra_source_files(study: Study, dataset: str) -> list[str]:
    """The files that additional images are read from."""
    return _downloads("svhn_extra") if dataset.startswith("svhn") else []


def whitening_settings(study: Study, dataset: str) -> dict[str, Any]:
    """How the images of a data folder are whitened; its name ends in that of a preprocessing, if it has one."""
    return study.whitening(dataset.partition("-")[2] or None)


def data_settings(study: Study) -> dict[str, Any]:
    """What the images are that the study's convolutional networks learn.

    Of a user's file what is in it, too, so that one in its place is noticed whatever its date. A part of a public data set is
    made by this project and always the same.
    """
    data = study.config["data"]
    replaceable = data["dataset"] == "arrays" and "part_of" not in data and study.archive is None
    return data | ({"content": datasets.own_content(data["file"])} if replaceable else {})


def digit_settings(study: Study) -> dict[str, Any]:
    """What the images of the two digits depend on."""
    settings = study.config.get("multilayer_perceptron", {})
    return {key: settings[key] for key in ("dataset", "image_size", "digits", "train_on") if key in settings}


def digit_source_files(study: Study, digit_pair: str) -> list[str]:
    """The files that two digits are read from."""
    if study.digit_pair() != digit_pair:
        raise StudyError(f"study {study.name} has no digits {digit_pair}; it has {study.digit_pair()}")
    return _downloads(study.config["multilayer_perceptron"]["dataset"])


def network_data(study: Study) -> list[str]:
    """What says the images' shape and the number of classes: the record of a user's data; the paper's data are known."""
    return [study_dataset(study)] if study.config["data"]["dataset"] not in datasets.OF_THE_PROJECT else []


def _downloads(dataset: str) -> list[str]:
    return [str(path) for path in datasets.source_paths(dataset, DOWNLOADS)]


# Convolutional networks


def trained_data(study: Study, model: str, batch_size: int, seed: int) -> list[str]:
    """The data of a run, once its path is known to name something that the study has."""
    study.check_run(model, batch_size, seed)
    return run_data(study, model)


def run_files(study: Study, model: str, batch_size: int, labels: str, seed: int) -> list[str]:
    """What a training leaves of a run."""
    return results(study, *(f"{Run(model, batch_size, labels, seed).folder}/{name}" for name in RUN_NAMES.values()))


def chosen_weight_decay(study: Study, model: str) -> list[str]:
    """The calibration's choice, for the models that train with it."""
    return results(study, "weight_decay.json") if study.model(model)["weight_decay"] == CALIBRATED else []


def run_settings(study: Study, model: str, batch_size: int, labels: str) -> dict[str, Any]:
    """What a training depends on.

    A pack is trained anew as a whole, so the runs of one depend on the settings of all its members.
    """
    cell = Cell(model, batch_size, labels)
    pack = study.pack_of(cell)
    return pack_settings(study, pack) if pack else cell_settings(study, cell)


def pack_settings(study: Study, pack: Pack) -> dict[str, Any]:
    """What the trainings of a pack depend on, by model and labels."""
    return {f"{cell.model}/{cell.labels}": cell_settings(study, cell) for cell in pack.cells}


def cell_settings(study: Study, cell: Cell) -> dict[str, Any]:
    """What the runs of a cell are trained with; of a user's own network or weights the checksum of the file as well."""
    model = study.model(cell.model)
    settings = {"model": model, "training": study.training(*cell), "train_on": study.train_on(cell.model)}
    if images := study.train_images(cell.model):
        settings["train_images"] = images
    code = own_network.checksum(model["factory"]) if model["factory"] else None
    settings |= {"network_sha256": code} if code else {}
    if weights := study.weights(cell.model):
        settings |= {"weights": weights, "weights_sha256": provenance.file_checksum(Path(weights))}
    return settings


def pack_files(study: Study, pack: Pack) -> list[str]:
    """The files of all runs of a pack."""
    return [path for cell in pack.cells for seed in study.config["seeds"] for path in run_files(study, *cell, seed)]


def probe_settings(study: Study, model: str) -> dict[str, Any]:
    """What a probe depends on beside the run itself; which cells the study's figures show is no part of it."""
    if "perturbations" not in study.config:
        raise StudyError(f"study {study.name} has no perturbations; add them to its configuration to probe a run")
    return {
        "perturbations": _without(study.config["perturbations"], "cells"),
        "reverse_transmission": study.config["reverse_transmission"],
        "train_on": study.train_on(model),
        "machine": machine(study),
    }


def audited_networks(study: Study) -> list[str]:
    """The networks whose attacks are audited."""
    return records(study, "attack_audit", kind="model.safetensors")


def calibrated_model(study: Study) -> str:
    """The model whose weight decay is calibrated."""
    if "calibration" not in study.config:
        raise StudyError(f"study {study.name} has no calibration; add it to its configuration")
    return study.config["calibration"]["model"]


def audit_settings(study: Study) -> dict[str, Any]:
    """What the audit of attacks depends on beside the runs."""
    return {
        "audit": study.config["attack_audit"],
        "perturbations": study.config["perturbations"],
        "machine": machine(study),
    }


def run_group(study: Study, model: str, batch_size: int, labels: str) -> str | None:
    """On a cluster the training of a run and its probe are one job; one without a probe is a job of its own."""
    return "run" if Cell(model, batch_size, labels) in study.cells("perturbations") else None


def machine(study: Study) -> dict[str, Any]:
    """Where convolutional networks run: the study's device and threads."""
    return {key: study.config[key] for key in ("device", "threads")}


# Other networks


def perceptron_data(study: Study) -> str:
    """The two digits that the multilayer perceptrons tell apart."""
    if not study.digit_pair():
        raise StudyError(f"study {study.name} has no multilayer_perceptron; add it to its configuration")
    return digits_dataset(study)


def perceptron_files(study: Study) -> list[str]:
    """The files of all seeds of a cell, with the other wildcards left open."""
    seeds = study.config["seeds"]
    return [path.replace("{seed}", str(seed)) for seed in seeds for path in PERCEPTRON_FILES.values()]


def perceptron_settings(study: Study, activation: str, normalization: str, labels: str) -> dict[str, Any]:
    """What the training of a multilayer perceptron depends on."""
    perceptron_data(study)
    return study.perceptron(activation, normalization, labels)


def bottleneck_sources(study: Study, variant: str, seed: int) -> list[str]:
    """The files that a run of figure 6 reads its images from."""
    study.check_bottleneck(variant, seed)
    return _downloads(study.config["sphere_packing"]["dataset"])


def bottleneck_settings(study: Study) -> dict[str, Any]:
    """What every training of figure 6 depends on."""
    return study.bottleneck()


# Transfer


def transfer_settings(study: Study) -> dict[str, Any]:
    """What a transfer depends on beside the run itself; which models are transferred is no part of it."""
    return _without(_transfer(study), "models", "batch_size")


def transferred_run(study: Study, model: str, seed: int) -> list[str]:
    """What a training has left of the network that is transferred."""
    batch_size = _transfer(study)["batch_size"]
    study.check_run(model, batch_size, seed)
    return run_files(study, model, batch_size, "original", seed)


def transfer_data(study: Study, model: str) -> list[str]:
    """What is needed of the images that a transferred network was trained on."""
    return [f"{data_folder(study, model)}/{name}" for name in ("whitening.npz", "dataset.json")]


def transfer_target_files(study: Study) -> list[str]:
    """The files that the target is read from: downloads, the user's own file, or none."""
    settings = _transfer(study)
    return [settings["file"]] if "file" in settings else _downloads(settings["dataset"])


def real_svhn_files(study: Study) -> list[str]:
    """SVHN's test images where they lie in place already, for networks of the procedural images that stand in for SVHN."""
    if study.config["data"]["dataset"] != "house_numbers" or _transfer(study)["dataset"] == "svhn":
        return []
    return [path for path in _downloads("svhn") if "test" in path and Path(path).exists()]


def transfer_files(study: Study, *kinds: str, models: Iterable[str] | None = None) -> list[str]:
    """Files of every seed of the named models (by default: all that the study transfers)."""
    return [
        TRANSFER_FILES[kind].format(study=study.name, model=model, seed=seed)
        for model in models or _transfer(study)["models"]
        for seed in study.config["seeds"]
        for kind in kinds
    ]


def transferred_weight_decay(study: Study) -> list[str]:
    """The calibration's answer, where a transferred network trained with it."""
    return sorted({path for model in _transfer(study)["models"] for path in chosen_weight_decay(study, model)})


def _transfer(study: Study) -> dict[str, Any]:
    if "transfer" not in study.config:
        raise StudyError(f"study {study.name} has no transfer; add it to its configuration")
    return study.config["transfer"]


# Records


def records(study: Study, *parts: str, kind: str = "metrics.json") -> list[str]:
    """One file of every training that the named parts of a study need."""
    return results(study, *(f"{folder}/{kind}" for folder in study.folders(*parts)))


def claim_records(study: Study) -> dict[str, list[str]]:
    """Every record that a claim may rest on, by kind; of parts that the study leaves out there are none.

    A claim is about the paper's networks: those of a user's own have no say in it, whatever they are called.
    """
    digits = [digits_dataset(study)] if study.perceptron_cells() else []
    transferred = [model for model in study.config.get("transfer", {}).get("models", ()) if study.is_papers(model)]
    calibrates = study.has("calibration") and study.is_papers(calibrated_model(study))

    def of_papers(*parts: str, kind: str = "metrics.json") -> list[str]:
        runs = [run for run in study.runs(*parts) if study.is_papers(run.model)]
        return results(study, *(f"{run.folder}/{kind}" for run in runs))

    return {
        "metrics": of_papers("table1", "table2", "further_models", "calibration", "ablations"),
        "weight_decay": results(study, "weight_decay.json") if calibrates else [],
        "sweeps": of_papers("perturbations", kind="perturbations/sweeps.npz"),
        "reverse_transmission": of_papers("perturbations", kind="reverse_transmission.csv"),
        "gradient_snr": records(study, "gradient_snr", kind="gradient_snr.csv"),
        "information_plane": records(study, "information_plane", kind="information_plane.csv"),
        "sphere_packing": records(study, "sphere_packing", kind="geometry.csv"),
        "transfer": transfer_files(study, "zero_shot", "one_shot", models=transferred) if transferred else [],
        "network": results(study, "network.csv") if study.built_in_models() else [],
        "datasets": [study_dataset(study), *digits],
    }


def _without(settings: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in keys}
