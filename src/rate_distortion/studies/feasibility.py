"""Whether the data have what a study asks of them, as far as that can be known before the first job.

Sizes stand in the catalogue, or in the header, labels and split of the user's file; no pixel is read and no code imported.
Of a file that is not there, or does not fit, nothing is said here: the job that reads it is never planned.
"""

from __future__ import annotations

import ast
import math
import os
import sys
from collections.abc import Mapping
from typing import Any

from rate_distortion import datasets
from rate_distortion.analysis import channel
from rate_distortion.models import own
from rate_distortion.studies import amounts
from rate_distortion.studies.configuration import StudyError, listed, suggestion
from rate_distortion.studies.study import Study


def check_feasible(study: Study) -> None:
    """Refuse a study that a job would refuse.

    Raises:
        StudyError: more images, principal components, classes or bits per block than there are; a minibatch of one image with
            batch normalization; a network of the user's own whose code is not there.
    """
    path, config = f"studies.{study.name}", study.config
    _check_networks(study)
    _check_image_size(path, config["data"])
    if sizes := _sizes(config["data"]):
        used = _check_splits(f"{path}.data", config["data"], sizes)
        _check_components(study, used)
        _check_capacity_law(study)
        _check_minibatches(study, used)
        for part in ("perturbations", "attack_audit"):
            if part in config:
                _check_count(
                    f"{path}.{part}.images", config[part]["images"], used["test"], "test images, after data.test_images"
                )
    if "transfer" in config:
        _check_transfer(f"{path}.transfer", config["transfer"], config["data"])
    if "multilayer_perceptron" in config:
        _check_perceptrons(f"{path}.multilayer_perceptron", config["multilayer_perceptron"])
    if "sphere_packing" in config:
        _check_bottleneck(f"{path}.sphere_packing", config["sphere_packing"])
    if "figure1" in config["figures"]:
        _check_block_lengths(f"{path}.figures.figure1", config["figures"]["figure1"])


def _sizes(data: Mapping[str, Any]) -> dict[str, int] | None:
    """Images in each split of a source; None where the user's file is not there or does not fit."""
    try:
        if data["dataset"] == "arrays":
            datasets.check_arrays(data["file"])
        sizes = datasets.sizes(data["dataset"], file=data.get("file"))
        if data["dataset"] == "svhn":
            sizes |= {"extra": datasets.sizes("svhn_extra")["train"]}
        return sizes
    except datasets.DatasetError:
        return None


def _check_count(key: str, asked: int, available: int, what: str) -> None:
    if asked > available:
        raise StudyError(f"{key} is {asked:,}, and there are {available:,} {what}; lower it")


def _check_image_size(path: str, data: Mapping[str, Any]) -> None:
    if "image_size" in data and data["dataset"] not in datasets.RESIZABLE:
        raise StudyError(
            f"{path}.data.image_size is {data['image_size']} and {path}.data.dataset is {data['dataset']!r}, which keeps its "
            f"own size; leave it out (it is for {listed(datasets.RESIZABLE)})"
        )


def _check_splits(path: str, data: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, int]:
    """Images in the study's train, validation, test and extra splits, once it is known that the source has them."""
    total, held_out, wanted = sizes["train"], data["validation_images"], data.get("train_images")
    classes = datasets.classes(data["dataset"], file=data.get("file"))
    if wanted is not None:
        _check_count(f"{path}.train_images", wanted, total, f"training images in {data['dataset']}")
        total = wanted + held_out
        if total > sizes["train"]:
            raise StudyError(
                f"{path}.train_images is {wanted:,} and {path}.validation_images is {held_out:,}, together {total:,}, and "
                f"{data['dataset']} has {sizes['train']:,} training images; lower one of them"
            )
    if held_out > total - classes:
        raise StudyError(
            f"{path}.validation_images is {held_out:,}; of {total:,} training images in {classes} classes at most "
            f"{max(total - classes, 0):,} can be held out, so that every class keeps one to train on: lower it"
        )
    if total - held_out < 2:
        raise StudyError(
            f"{path}.train_images leaves {total - held_out} image to train on; two are the least: raise it"
        )
    used = {"train": total - held_out, "validation": held_out, "test": data.get("test_images", sizes["test"])}
    _check_count(f"{path}.test_images", used["test"], sizes["test"], f"test images in {data['dataset']}")
    if "extra_images" in data:
        _check_count(f"{path}.extra_images", data["extra_images"], sizes["extra"], f"extra images of {data['dataset']}")
        used["extra"] = data["extra_images"]
    return used


def _check_components(study: Study, used: Mapping[str, int]) -> None:
    """The rank of N images of D values, of which the mean is removed, is at most N - 1 and at most D."""
    data, path = study.config["data"], f"studies.{study.name}"
    side = datasets.image_side(data["dataset"], image_size=data.get("image_size"), file=data.get("file"))
    if side is None:
        return
    fitted_on = sum(used[split] for split in data["train_on"].split("+"))
    for preprocessing in {study.preprocessing(run.model): None for run in study.runs()}:
        whitening = study.whitening(preprocessing)
        values = side**2 * (1 if whitening["colour"] == "grey" else 3)
        most = min(values, fitted_on - 1)
        if whitening["method"] == "zca" and whitening["components"] > most:
            key = f"{path}.preprocessings.{preprocessing}" if preprocessing else f"{path}.whitening"
            raise StudyError(
                f"{key}.components is {whitening['components']:,}; allowed: 1 to {most:,}, as many as {fitted_on:,} training "
                f"images of {values:,} values each can have at most: lower it"
            )


def _check_capacity_law(study: Study) -> None:
    if study.has("capacity_law"):
        key, asked = f"studies.{study.name}.capacity_law.train_images", study.config["capacity_law"]["train_images"]
        available = amounts.available_images(study, study.cells("capacity_law")[0].model)
        _check_count(key, max(asked), available, "images to train on beside the validation images")


def _check_minibatches(study: Study, used: Mapping[str, int]) -> None:
    """Under batch normalization one image has no statistics but its own: refused for every kind of network."""
    path, config = f"studies.{study.name}", study.config
    evaluation = config["training"]["evaluation_batch_size"]
    for cell in dict.fromkeys((run.model, run.batch_size) for run in study.runs()):
        model, size = cell
        if study.model(model)["normalization"] != "batch" or study.model(model)["factory"] is not None:
            continue
        images = amounts.training_images(study, model)
        _refuse_single(f"the batch size of model {model} of {path}", size, images, "training images")
        for split in ("train", "validation", "test"):
            _refuse_single(f"{path}.training.evaluation_batch_size", evaluation, used[split], f"{split} images")
    for run in study.runs("perturbations"):
        part = config["perturbations"]
        if study.model(run.model)["normalization"] == "batch":
            _refuse_single(f"{path}.perturbations.batch_size", part["batch_size"], part["images"], "perturbed images")


def _refuse_single(key: str, size: int, images: int, what: str) -> None:
    """A single image that is left over joins the batch before it; alone in the only batch it has nothing to join."""
    if min(size, images) == 1:
        raise StudyError(
            f"{key} is {size:,} and there are {images:,} {what}, so that a batch has a single image, of which batch "
            "normalization makes nothing; choose at least 2"
        )


def _check_transfer(path: str, transfer: Mapping[str, Any], source: Mapping[str, Any]) -> None:
    sizes = _sizes(transfer)
    if not sizes:
        return
    name, held_out = transfer["dataset"], transfer["validation_images"]
    _check_count(f"{path}.validation_images", held_out, sizes["train"], f"training images in {name} to take them of")
    if "test_images" in transfer:
        _check_count(f"{path}.test_images", transfer["test_images"], sizes["test"], f"test images in {name}")
    classes = datasets.classes(name, file=transfer.get("file"))
    needed = datasets.last_of_every_class(name, file=transfer.get("file"))
    if held_out < needed:
        raise StudyError(
            f"{path}.validation_images is {held_out:,}; one-shot transfer needs one image of each of {classes:,} classes, and "
            f"the last {needed:,} training images of {name} have them: raise it"
        )
    if _sizes(source) and (own_classes := datasets.classes(source["dataset"], file=source.get("file"))) != classes:
        raise StudyError(
            f"{path}.dataset is {name!r}, which has {classes} classes, and the study's own images have {own_classes}; a "
            "network is transferred to images of the same classes: name another, or set transfer: null"
        )


def _check_perceptrons(path: str, config: Mapping[str, Any]) -> None:
    images = datasets.digit_pair_size(config["dataset"], tuple(config["digits"]), config["train_on"])
    if "batch" in (*config["gradient_snr"]["normalizations"], config["information_plane"]["normalization"]):
        for key in ("batch_size", "evaluation_batch_size"):
            _refuse_single(f"{path}.{key}", config[key], images, "training images")


def _check_bottleneck(path: str, config: Mapping[str, Any]) -> None:
    available = datasets.sizes(config["dataset"])["train"]
    images = config.get("train_images", available)
    _check_count(f"{path}.train_images", images, available, f"training images in {config['dataset']}")
    if set(config["variants"]) != {"none"}:
        _refuse_single(f"{path}.batch_size", config["batch_size"], images, "training images")
        if config["batch_norm_evaluation"] == "batch":
            _refuse_single(f"{path}.evaluation_batch_size", config["evaluation_batch_size"], images, "training images")


def _check_block_lengths(path: str, config: Mapping[str, Any]) -> None:
    """The rates reach twice the capacity, and codes of more bits per block are not computed."""
    capacity = float(channel.capacity_bits(10 ** (config["snr_db"] / 10), 1.0))
    most = math.floor(channel.MOST_BITS_PER_BLOCK / (2 * capacity))
    beyond = [length for length in config["dimensions"] if length > most]
    if beyond:
        raise StudyError(
            f"{path}.dimensions has {listed(beyond)}, and at {path}.snr_db, {config['snr_db']}, at most {most:,} are computed "
            f"({channel.MOST_BITS_PER_BLOCK:,} bits per block at twice the capacity); lower one of them"
        )


def _check_networks(study: Study) -> None:
    """A network of the user's own has a file with that function in it, which is looked at and not run; weights have a file."""
    for model in dict.fromkeys(run.model for run in study.runs()):
        if (weights := study.weights(model)) and not os.path.isfile(weights):
            raise StudyError(
                f"studies.{study.name}.models.{model}.weights is {weights!r}, and there is no such file in {os.getcwd()}; put "
                "it there, or write where it is"
            )
        if (factory := study.model(model)["factory"]) is None:
            continue
        key, (module, _, function) = f"studies.{study.name}.models.{model}.factory", factory.partition(":")
        file = own.source_file(factory)
        if file is None:
            if module.partition(".")[0] in sys.builtin_module_names:
                raise StudyError(f"{key} is {factory!r}, and {module} is a part of Python; name a module of your own")
            raise StudyError(
                f"{key} is {factory!r}, and there is no {module.replace('.', '/')}.py in {os.getcwd()} or on the Python path; "
                "put it there, or write module:function with the right name"
            )
        try:
            names = _names(file.read_bytes())
        except (SyntaxError, ValueError, OSError) as error:
            raise StudyError(f"{key} is {factory!r}, and {file} is not Python: {error}") from error
        if names is not None and function not in names:
            raise StudyError(
                f"{key} is {factory!r}, and {file} defines no {function}; it defines {listed(sorted(names)) or 'nothing'}"
                f"{suggestion(function, names)}"
            )


def _names(source: bytes) -> set[str] | None:
    """What a module defines at its top level; None where that cannot be told from its text."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
        elif not isinstance(node, ast.Expr):
            return None
    return None if "*" in names or "__getattr__" in names else names
