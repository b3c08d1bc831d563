"""What a job asks a cluster for: memory and time, from what it computes.

Each is an estimate with a margin, from the rates of :mod:`rate_distortion.studies.amounts` and the peaks that
``benchmarks/peak_memory.py`` and the logs of finished studies show. A second attempt asks for twice as much, a third for three
times (:func:`resources`), and a training goes on from its checkpoint.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

from rate_distortion import datasets
from rate_distortion.studies import amounts, promises
from rate_distortion.studies.result import Result
from rate_distortion.studies.runs import Cell, Pack
from rate_distortion.studies.study import Study

MEMORY_MARGIN, TIME_MARGIN = 1.25, 3.0
"""Times are of one machine, and other machines are slower; memory differs little."""
START_MINUTES = 8
"""Start-up, reading and evaluation, on a busy file system."""
TORCH_MEGABYTES, PLAIN_MEGABYTES = 1300, 500
"""The largest resident sets with a few thousand images: 1.02 GiB with torch and 0.2 GiB without. A cluster also counts the two
Snakemakes that start a job, 0.1 GiB each."""
IMAGE_COPIES = 2.0
"""5.2 GiB for 604,388 images of 4 kB: what the file holds, and part of it once more as batches and on its way."""
PREPARATION_COPIES, EXTRA_COPIES = 3.5, 1.2
"""1.48 GiB for 99,289 images: pixels, floats and a whitened copy. 2.48 GiB for 531,131 more, which are whitened in chunks."""
BATCH_IMAGE_MEGABYTES = 1.7
"""Activations and gradients of an image in a batch that moves along its gradient: 2.28 GiB for batches of 1,000."""
NETWORK_MEGABYTES = 50
"""Memory for each network of a pack: weights, gradients, momenta, predictions and history."""
PREPARED_IMAGES_PER_SECOND = 500
GPU_IMAGE_STEPS_PER_SECOND = 100_000
"""Assumed and not measured: a tenth of the images that a pack is assumed to take."""
RESAMPLED_PREDICTIONS_PER_SECOND = 40_000
"""Predictions of sweeps behind Figure 5's intervals, by processor time (430,000 in about 10 s)."""
SIMULATED_PRODUCTS_PER_SECOND = 1e10
"""Rate of Figure 1: products of a received word with a codeword, one coordinate each."""


@dataclass(frozen=True)
class Needs:
    """Memory in MB and run time in minutes."""

    megabytes: int
    minutes: int

    @classmethod
    def of(cls, megabytes: float, seconds: float) -> Needs:
        """With the margins, in steps of 100 MB."""
        return cls(100 * ceil(MEMORY_MARGIN * megabytes / 100), START_MINUTES + ceil(TIME_MARGIN * seconds / 60))


def preparation(study: Study, dataset: str) -> Needs:
    """Preparing the images of a data folder, or its extra images."""
    sizes = amounts.split_sizes(study.config["data"])
    preprocessing = dataset.partition("-")[2] or None
    size = _megabytes(study, sum(count for split, count in sizes.items() if split != "extra"), preprocessing)
    extra = _megabytes(study, sizes.get("extra", 0), preprocessing)
    megabytes = PLAIN_MEGABYTES + max(PREPARATION_COPIES * size, EXTRA_COPIES * extra)
    return Needs.of(megabytes, max(sum(sizes.values()), 1) / PREPARED_IMAGES_PER_SECOND)


def digit_pair(study: Study) -> Needs:
    """Taking two digits out of a source, which is read whole."""
    settings = study.config["multilayer_perceptron"]
    images = sum(datasets.sizes(settings["dataset"]).values())
    return Needs.of(PLAIN_MEGABYTES + PREPARATION_COPIES * images * 28**2 * 4e-6, images / PREPARED_IMAGES_PER_SECOND)


def training(study: Study, model: str, batch_size: int, labels: str) -> Needs:
    """Training a convolutional network on one seed."""
    return Needs.of(_training_megabytes(study, model), _training_seconds(study, Cell(model, batch_size, labels)))


def pack(study: Study, pack: Pack) -> Needs:
    """Training a pack, at most as long as its networks one after another."""
    networks = len(pack.cells) * len(study.config["seeds"])
    seconds = sum(_training_seconds(study, cell) for cell in pack.cells) * len(study.config["seeds"])
    megabytes = _training_megabytes(study, pack.cells[0].model) + NETWORK_MEGABYTES * networks
    return Needs.of(megabytes, seconds / TIME_MARGIN)


def perceptron(study: Study, activation: str, normalization: str, labels: str) -> Needs:
    """Training the multilayer perceptrons of all seeds of a cell as one."""
    images = amounts.perceptron_images(study)
    epochs = study.perceptron(activation, normalization, labels)["training"]["epochs"]
    seconds = len(study.config["seeds"]) * epochs * images / amounts.PERCEPTRON_IMAGES_PER_SECOND_PER_THREAD
    return Needs.of(TORCH_MEGABYTES + IMAGE_COPIES * images * 28**2 * 4e-6, seconds)


def bottleneck(study: Study) -> Needs:
    """Training one variant of the information bottleneck on one seed."""
    images = amounts.bottleneck_images(study)
    seconds = (
        study.config["sphere_packing"]["epochs"]
        * amounts.bottleneck_passes(study)
        / amounts.BOTTLENECK_IMAGES_PER_SECOND_PER_THREAD
    )
    return Needs.of(TORCH_MEGABYTES + IMAGE_COPIES * images * 28**2 * 4e-6, seconds)


def probe(study: Study, model: str) -> Needs:
    """Sweeping one network along its paths."""
    return Needs.of(_probe_megabytes(study), amounts.image_steps(study, model) / _image_step_rate(study))


def audit(study: Study) -> Needs:
    """Attacking the audited networks: each attack takes the steps of a path, and there are four beside the random starts."""
    settings, paths = study.config["attack_audit"], study.config["perturbations"]
    attacks = 2 * (4 + settings["starts"]) * len(study.cells("attack_audit"))
    steps = attacks * settings["images"] * paths["max_steps"]
    return Needs.of(_probe_megabytes(study), steps / _image_step_rate(study))


def transfer(study: Study) -> Needs:
    """Transferring one network."""
    settings = study.config["transfer"]
    images = sum(datasets.sizes(settings["dataset"], file=settings.get("file")).values())
    rate = amounts.CPU_TRANSFER_IMAGES_PER_SECOND_PER_THREAD * study.config["threads"]
    return Needs.of(TORCH_MEGABYTES + IMAGE_COPIES * _megabytes(study, images), amounts.transfer_images(study) / rate)


def result(result: Result, study: Study) -> Needs:
    """Making a table or figure that takes more than seconds: resampled sweeps or simulated codes."""
    if result.parts == ("figure1",):
        settings = study.config["figures"]["figure1"]
        products = sum(settings["dimensions"]) * settings["simulated_codewords"] * settings["messages"]
        seconds = settings["rates"] * settings["codebooks"] * products / SIMULATED_PRODUCTS_PER_SECOND
        return Needs.of(PLAIN_MEGABYTES + settings["simulated_codewords"] * max(settings["dimensions"]) * 8e-6, seconds)
    paths, runs = study.config["perturbations"], study.runs("perturbations")
    sweeps = sum(3 * len(study.evaluation_modes(run.model)) for run in runs)
    predictions = sweeps * paths["images"] * paths["points"]
    return Needs.of(PLAIN_MEGABYTES + predictions * 16e-6, predictions / RESAMPLED_PREDICTIONS_PER_SECOND)


def largest(study: Study) -> dict[str, Needs]:
    """Kind of job -> the most that one of them asks for."""
    used = dict.fromkeys(study.data_name(study.preprocessing(run.model)) for run in study.runs())
    asked = {"preparation": [preparation(study, name) for name in used]}
    if study.perceptron_cells():
        asked["digit pair"] = [digit_pair(study)]
    cells = dict.fromkeys(Cell(run.model, run.batch_size, run.labels) for run in study.runs())
    asked["pack of trainings"] = [pack(study, own) for own in study.packs()]
    asked["training"] = [training(study, *cell) for cell in cells if study.pack_of(cell) is None]
    asked["multilayer perceptrons"] = [perceptron(study, *cell) for cell in study.perceptron_cells()]
    asked["information bottleneck"] = [bottleneck(study)] if study.bottleneck_runs() else []
    asked["probe"] = [probe(study, cell.model) for cell in study.cells("perturbations")]
    asked["audit of attacks"] = [audit(study)] if study.has("attack_audit") else []
    asked["transfer"] = [transfer(study)] if study.has("transfer") else []
    asked |= {own.words: [result(own, study)] for own in promises.promised(study) if own.is_job}
    return {
        job: Needs(max(need.megabytes for need in own), max(need.minutes for need in own))
        for job, own in asked.items()
        if own
    }


def _training_megabytes(study: Study, model: str) -> float:
    sizes = amounts.split_sizes(study.config["data"])
    held_out = {"test", "validation"} - set(study.train_on(model).split("+"))
    images = amounts.training_images(study, model) + sum(sizes[split] for split in held_out)
    return TORCH_MEGABYTES + IMAGE_COPIES * _megabytes(study, images, study.preprocessing(model))


def _training_seconds(study: Study, cell: Cell) -> float:
    images = amounts.training_images(study, cell.model) * study.training(*cell)["epochs"]
    if study.config["device"] == "cpu":
        return images / (amounts.CPU_IMAGES_PER_SECOND_PER_THREAD * study.config["threads"])
    return images / cell.batch_size * amounts.GPU_SECONDS_PER_STEP


def _probe_megabytes(study: Study) -> float:
    settings = study.config["perturbations"]
    images, batch = settings["images"], min(settings["images"], settings["batch_size"])
    return TORCH_MEGABYTES + BATCH_IMAGE_MEGABYTES * batch + IMAGE_COPIES * _megabytes(study, images)


def _image_step_rate(study: Study) -> float:
    if study.config["device"] == "cpu":
        return amounts.CPU_IMAGE_STEPS_PER_SECOND_PER_THREAD * study.config["threads"]
    return GPU_IMAGE_STEPS_PER_SECOND


def _megabytes(study: Study, images: int, preprocessing: str | None = None) -> float:
    """Prepared images in a file, float32."""
    return images * amounts.image_values(study, preprocessing) * 4e-6


def resources(need: Callable[[Any], Needs], gpus: Callable[[Any], int] | None = None) -> dict[str, Any]:
    """What a job asks for: memory and time by what it computes, once more with every attempt, and a GPU if its study uses one.

    A cluster may want a GPU asked for in other words than a number (slurm/README.md).

    Args:
        need: wildcards -> what the job needs.
        gpus: wildcards -> the number of GPUs; None for jobs that need none.

    Returns:
        name of a resource -> its amount, as a function of wildcards (and of the attempt).
    """
    ask = {
        "mem_mb": lambda wildcards, attempt: attempt * need(wildcards).megabytes,
        "runtime": lambda wildcards, attempt: f"{attempt * need(wildcards).minutes}m",
    }
    if gpus is None:
        return ask
    gres, gpu_partition = (os.environ.get(f"RATE_DISTORTION_{name}") for name in ("GRES", "GPU_PARTITION"))
    # With a number beside it the same GPU would be asked for twice.
    ask |= {"gpu": 0, "gres": lambda wildcards: gres if gpus(wildcards) else ""} if gres else {"gpu": gpus}
    if gpu_partition:
        other = os.environ.get("RATE_DISTORTION_PARTITION", "")
        ask["slurm_partition"] = lambda wildcards: gpu_partition if gpus(wildcards) else other
    return ask
