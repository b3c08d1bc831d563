"""The peak memory of the largest steps of study paper on a CPU, at SVHN's full size.

    python benchmarks/peak_memory.py

SVHN is not needed: files of its official layout and counts (73,257, 26,032 and 531,131 images of random pixels) are written to
a temporary folder, and torchvision is told their checksums. Every step runs in a process of its own with the study's settings,
except that a training has one epoch and a sweep ten steps, which repeat and keep nothing between them. Takes half an hour
and 12 GB of disk.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import logging
import multiprocessing
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from rate_distortion import studies
from rate_distortion.datasets import preparation, prepared_data, remote
from rate_distortion.datasets.download import md5_of
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.probes import probing
from rate_distortion.storage.job_log import peak_memory_gib
from rate_distortion.training.convolutional import ConvolutionalTrainee, Member, RunName, read_splits
from rate_distortion.training.runs import train_and_write
from rate_distortion.training.settings import TrainingSettings

ROOT = Path(__file__).parents[1]
IMAGES = {"train": 73_257, "test": 26_032, "extra": 531_131}
RUN = RunName("paper", "B+", 128, "original", 1)


def write_stand_in(folder: Path, split: str) -> None:
    """A .mat file of the official layout: X uint8 (32, 32, 3, N), y uint8 (N, 1) from 1 to 10."""
    import scipy.io

    generator = np.random.default_rng(0)
    images = generator.integers(256, size=(32, 32, 3, IMAGES[split]), dtype=np.uint8)
    labels = generator.integers(1, 11, size=(IMAGES[split], 1), dtype=np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(folder / f"{split}_32x32.mat", {"X": images, "y": labels}, do_compression=True)


def accept_stand_ins(folder: Path) -> None:
    """Let torchvision take the stand-ins for the official files, in this process only."""
    from torchvision.datasets import SVHN

    for split, (address, name, _) in SVHN.split_list.items():
        SVHN.split_list[split] = [address, name, md5_of(folder / name)]
        remote.SIZES_BYTES[name] = (folder / name).stat().st_size


def whiten(folder: Path, study: dict[str, Any]) -> None:
    """Rule prepare_data."""
    accept_stand_ins(folder / "svhn")
    preparation.prepare(folder / "prepared", study["data"], study["whitening"], folder)


def whiten_extra(folder: Path, study: dict[str, Any]) -> None:
    """Rule prepare_extra."""
    accept_stand_ins(folder / "svhn")
    preparation.prepare_extra(folder / "prepared", study["data"], folder)


def train_with_more_data(folder: Path, study: dict[str, Any]) -> None:
    """Rule train for B+ on all 604,388 images, one epoch."""
    whole = studies.Study("paper", study)
    settings = TrainingSettings(**whole.training("B+", 128, "original") | {"epochs": 1, "device": "cpu"})
    model = ModelSettings(**whole.model("B+") | {"weight_decay": 0.01})
    data = prepared_data.describe(folder / "prepared", with_extra=True)
    splits = read_splits(folder / "prepared", data, whole.train_on("B+"), settings)
    train_and_write([folder / "run"], ConvolutionalTrainee([Member(RUN, settings, model)], *splits, data))


def probe(folder: Path, study: dict[str, Any]) -> None:
    """Rule probe for that network, ten steps a sweep."""
    settings = {
        "perturbations": {key: value for key, value in study["perturbations"].items() if key != "cells"}
        | {"max_steps": 10},
        "reverse_transmission": study["reverse_transmission"] | {"max_steps": 10},
        "train_on": study["data"]["train_on"],
    }
    probing.probe_run(folder / "run", folder / "prepared", settings, {"device": "cpu", "threads": study["threads"]})


STEPS = (whiten, whiten_extra, train_with_more_data, probe)


def peak_of(step: str, folder: Path, study: dict[str, Any]) -> float:
    """Run a step; the largest resident set of this process in GiB."""
    logging.basicConfig(level=logging.INFO)
    globals()[step](folder, study)
    return peak_memory_gib()


def main(folder: Path) -> None:
    """Write the stand-ins and measure each step in a fresh process."""
    study = studies.merged_study("paper", yaml.safe_load((ROOT / "config.yaml").read_text())["studies"])
    processes = multiprocessing.get_context("spawn")

    def alone(function, *arguments):
        with concurrent.futures.ProcessPoolExecutor(1, processes) as pool:
            return pool.submit(function, *arguments).result()

    for split in IMAGES:
        alone(write_stand_in, folder / "svhn", split)
    print("| step of study paper | peak memory (GiB) |\n| --- | ---: |")
    for step in STEPS:
        print(f"| {step.__doc__.splitlines()[0]} | {alone(peak_of, step.__name__, folder, study):.2f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder without it")
    arguments = parser.parse_args()
    if arguments.folder:
        main(arguments.folder)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
