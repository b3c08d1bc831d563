"""SIGKILL at random moments of a training, until it has been killed as often as asked.

    python tests/faults/kill_harness.py --kills 100 --seed 1
    python tests/faults/kill_harness.py --kills 100 --job perceptrons

A training writes a checkpoint after every epoch and then its results. Each time it is killed at a moment drawn from the seed,
nothing that has its final name may be half-written; then it is started again. Whenever it ends, its results must be those of a
training that nobody disturbed, bit for bit. A training that ended before all kills were dealt begins anew in an empty folder.

The trainings are forked from a process that has imported everything, so that a kill hits the training and not the imports.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.storage import files, provenance
from rate_distortion.training import runs
from rate_distortion.training.convolutional import ConvolutionalTrainee, Member, RunName, Split
from rate_distortion.training.settings import TrainingSettings

EPOCHS = 12
STUDY_OF_PERCEPTRONS = {
    "training": {
        "epochs": 60, "learning_rate": 0.05, "batch_size": 16, "labels": "original", "evaluation_batch_size": 100,
        "history_points": 4, "checkpoint_seconds": 0, "precision": "float32", "device": "cpu", "threads": 1,
    },
    "network": {"hidden_widths": [8, 6], "activation": "relu", "normalization": "none"},
    "gradients": {"points": 6, "weights": "moving"},
    "plane": {
        "samples": 48, "points": 4, "other_points": 1, "permutations": 0, "output": "logits", "bins": 5, "other_bins": [],
        "other_samples": [],
    },
}  # fmt: skip


@dataclass
class Tally:
    """What happened: where the killed trainings stood, and how many came to their end."""

    killed_at_epochs: list[int] = field(default_factory=list)
    finished: int = 0


def train_network(folder: Path, images: int = 64) -> None:
    """A small convolutional training with all its files."""
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(rng.integers(0, 4, images))
    split = Split(torch.from_numpy(rng.normal(size=(images, 1, 28, 28)).astype(np.float32)), labels)
    settings = TrainingSettings(EPOCHS, 0.02, 16, history_points=4, checkpoint_seconds=0)
    name, model = RunName("kills", "C", 16, "original", 1), ModelSettings(normalization="batch")
    data = {"sha256": {}, "sources_md5": {}, "classes": 4}
    runs.train_and_write([folder], ConvolutionalTrainee([Member(name, settings, model)], split, {"test": split}, data))


def train_perceptrons(folder: Path) -> None:
    """A pack of two small multilayer perceptrons with all their files."""
    rng, data = np.random.default_rng(0), folder.parent / "digits"
    labels = np.arange(64) % 2
    with files.completed(data / "train/images.npy") as path:
        np.save(path, rng.random((64, 20)).astype(np.float32))
    with files.completed(data / "train/labels.npy") as path:
        np.save(path, labels)
    files.write_json(data / "dataset.json", {"sha256": {}, "sources_md5": {}})
    cell = folder / "kills/runs/mlp/relu/none/original"
    runs.train([cell / f"seed{seed}" for seed in (1, 2)], STUDY_OF_PERCEPTRONS, data_folder=data)


JOBS: dict[str, Callable[[Path], None]] = {"network": train_network, "perceptrons": train_perceptrons}


def deal_kills(job: str, kills: int, seed: int, folder: Path) -> Tally:
    """Kill a job so many times; raises AssertionError when a kill cost anything but time."""
    moments, tally = random.Random(seed), Tally()
    _wait(_start(job, folder / "rehearsal", folder / "modules.json"))
    _import_what_was_imported(folder / "modules.json")
    undisturbed = folder / "undisturbed"
    began = time.monotonic()
    _wait(_start(job, undisturbed))
    duration, expected = time.monotonic() - began, results(undisturbed)
    assert expected, "the undisturbed training left nothing"
    disturbed = folder / "disturbed"
    while len(tally.killed_at_epochs) < kills:
        child, began = _start(job, disturbed), time.monotonic()
        time.sleep(moments.uniform(0, duration))
        os.kill(child, signal.SIGKILL)  # one that has ended is still there until it is waited for
        if _wait(child):
            check_nothing_is_half_written(disturbed)
            tally.killed_at_epochs.append(checkpointed_epoch(disturbed))
            continue
        _check_finished(disturbed, expected)
        tally.finished, duration = tally.finished + 1, min(duration, time.monotonic() - began)
    _wait(_start(job, disturbed))
    _check_finished(disturbed, expected)
    tally.finished += 1
    return tally


def check_nothing_is_half_written(folder: Path) -> None:
    """Whatever has its final name can be read to its end."""
    for path in folder.rglob("*"):
        if path.is_dir() or path.name.startswith("."):
            continue
        match path.suffix:
            case ".json":
                files.read_json(path)
            case ".csv":
                files.read_table(path)
            case ".npz":
                files.read_arrays(path)
            case ".safetensors":
                safetensors.torch.load_file(path)
        provenance.verified(path)


def checkpointed_epoch(folder: Path) -> int:
    """Where the next start will go on; 0 without a checkpoint."""
    for path in folder.rglob("resume*"):
        with safetensors.safe_open(path, framework="pt") as stored:
            return json.loads(stored.metadata()["progress"])["epoch"]
    return 0


def results(folder: Path) -> dict[str, bytes]:
    """The files whose every bit is determined: weights, histories and records, but no times."""
    kinds = ("model.safetensors", "history.csv", "gradient_snr.csv", "information_plane.csv", "predictions.npz")
    return {str(path.relative_to(folder)): path.read_bytes() for kind in kinds for path in folder.rglob(kind)}


def _check_finished(folder: Path, expected: dict[str, bytes]) -> None:
    found = results(folder)
    assert found.keys() == expected.keys(), f"{sorted(found)} instead of {sorted(expected)}"
    changed = [name for name in expected if found[name] != expected[name]]
    assert not changed, f"{changed} differ from those of the undisturbed training"
    check_nothing_is_half_written(folder)
    left_behind = [path for path in folder.rglob("*") if path.name.startswith((".", "resume"))]
    assert not left_behind, f"{left_behind} outlived a finished training"
    shutil.rmtree(folder)


def _start(job: str, folder: Path, modules_file: Path | None = None) -> int:
    """Fork a training; ``modules_file`` is where it says at its end what it had imported."""
    folder.mkdir(parents=True, exist_ok=True)
    child = os.fork()
    if child:
        return child
    try:
        JOBS[job](folder)
        if modules_file:
            files.write_json(modules_file, {"modules": list(sys.modules)})
    except BaseException:
        traceback.print_exc()
        os._exit(3)
    os._exit(0)


def _import_what_was_imported(modules_file: Path) -> None:
    """What a training imports on its way is imported here, once; the networks themselves run in children only."""
    for name in files.read_json(modules_file)["modules"]:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def _wait(child: int) -> bool:
    """Whether the process was killed; one that failed by itself is an error."""
    status = os.waitpid(child, 0)[1]
    killed = os.WIFSIGNALED(status)
    assert killed or os.WEXITSTATUS(status) == 0, "the training failed by itself"
    return killed


def main() -> None:
    """Deal kills and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--job", choices=JOBS, default="network")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = deal_kills(options.job, options.kills, options.seed, Path(folder))
    stood = tally.killed_at_epochs
    print(
        f"{len(stood)} kills at checkpoints of epochs {min(stood)} to {max(stood)}; {tally.finished} trainings came to their "
        "end, each with the bits of an undisturbed one, and no file was ever half-written"
    )


if __name__ == "__main__":
    main()
