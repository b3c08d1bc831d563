"""Training: bit-exact repetition and resume, seed streams, records, and what stops it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from rate_distortion import checkpoints, records, training
from rate_distortion.models import ModelSettings
from rate_distortion.training import RunName, Split, TrainingError, TrainingSettings, train

SETTINGS = TrainingSettings(epochs=3, learning_rate=0.05, batch_size=16, history_points=2, evaluation_batch_size=50)
NAME = RunName("ci", "A", 16, "original", 1)
DATA = {"sha256": {"train/images.npy": "0"}, "sources_md5": {}}


def make_split(count=90, seed=0, classes=4):
    """Noise images with a bright quadrant that tells the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    images = 0.3 * rng.normal(size=(count, 1, 32, 32)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        image[0, 16 * (label // 2) :, 16 * (label % 2) :][:16, :16] += 1
    return Split(torch.from_numpy(images), torch.from_numpy(labels))


TRAIN, TEST = make_split(), make_split(40, seed=1)


def run(settings=SETTINGS, model=None, name=NAME, **keywords):
    return train(name, settings, model or ModelSettings(), TRAIN, {"test": TEST}, 4, **keywords)


def weights(trained):
    return {key: tensor.clone() for key, tensor in trained.model.state_dict().items()}


def assert_same_weights(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_learns_and_evaluates():
    trained = run(replace(SETTINGS, epochs=12))
    assert trained.train.accuracy_percent > 95
    assert trained.held_out["test"].accuracy_percent > 80
    assert trained.train.confusion.sum() == 90
    assert [row["epoch"] for row in trained.progress.history] == [0, 1, 12]
    assert trained.progress.history[-1]["train_loss_nats"] < trained.progress.history[0]["train_loss_nats"]


def test_same_seed_gives_the_same_weights_bit_for_bit_and_another_seed_does_not():
    first, again = weights(run()), weights(run())
    assert_same_weights(first, again)
    other = weights(run(name=replace(NAME, seed=2)))
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_several_seeds_in_one_process_equal_each_seed_alone():
    run(name=replace(NAME, seed=2))
    after_another = weights(run())
    alone = subprocess.run(
        [sys.executable, "-c", ALONE], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    assert alone.stdout.strip() == checkpoints._checksum(after_another)


ALONE = """
import test_training as t
from rate_distortion import checkpoints
print(checkpoints._checksum(t.weights(t.run())))
"""


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_resumed_run_equals_one_that_was_never_stopped(tmp_path, monkeypatch, normalization):
    model, settings = ModelSettings(normalization=normalization), replace(SETTINGS, checkpoint_seconds=0)
    undisturbed = run(settings, model)

    def stop_after_the_second_checkpoint(path, tensors, progress, fingerprint):
        original_save(path, tensors, progress, fingerprint)
        if progress.epoch == 2:
            raise KeyboardInterrupt

    original_save = checkpoints.save
    monkeypatch.setattr(checkpoints, "save", stop_after_the_second_checkpoint)
    with pytest.raises(KeyboardInterrupt):
        run(settings, model, resume_file=tmp_path / "resume.safetensors")
    monkeypatch.setattr(checkpoints, "save", original_save)
    resumed = run(settings, model, resume_file=tmp_path / "resume.safetensors")
    assert resumed.progress.resumed_from_epochs == (2,)
    assert_same_weights(weights(undisturbed), weights(resumed))
    assert [row["epoch"] for row in resumed.progress.history] == [row["epoch"] for row in undisturbed.progress.history]
    assert resumed.progress.history[-1] == undisturbed.progress.history[-1]


KILLED = """
import sys, test_training as t
from dataclasses import replace
from pathlib import Path
from rate_distortion import records
folder = Path(sys.argv[1])
settings = replace(t.SETTINGS, epochs=25, checkpoint_seconds=0)
folder.mkdir(exist_ok=True)
print("begins", flush=True)
trained = t.run(settings, resume_file=folder / records.RESUME_FILE)
records.write(folder, t.NAME, settings, t.ModelSettings(), trained, t.DATA)
"""


def test_sigkill_at_any_moment_ends_with_the_weights_of_an_undisturbed_run(tmp_path):
    """Three kills at seeded random moments, then a run to the end."""
    rng, folder, kills = np.random.default_rng(0), tmp_path / "killed", 0
    command = [sys.executable, "-c", KILLED, str(folder)]
    for _ in range(3):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=Path(__file__).parent
        )
        process.stdout.readline()
        time.sleep(rng.uniform(0.1, 1.0))
        kills += process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not (folder / "metrics.json").exists() or json.loads((folder / "metrics.json").read_text())
    assert kills >= 1
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parent)
    subprocess.run([*command[:-1], str(tmp_path / "whole")], check=True, capture_output=True, cwd=Path(__file__).parent)
    killed, whole = (safetensors.torch.load_file(tmp_path / name / "model.safetensors") for name in ("killed", "whole"))
    assert_same_weights(killed, whole)
    assert not list(folder.glob(".*")) or all(path.name.startswith(".resume") for path in folder.glob(".*"))
    assert not (folder / records.RESUME_FILE).exists()


@pytest.mark.parametrize("damage", ["truncated", "flipped", "other settings", "empty"])
def test_a_damaged_or_foreign_checkpoint_is_not_used(tmp_path, damage, caplog):
    path = tmp_path / "resume.safetensors"
    checkpoints.save(path, {"w": torch.arange(1000.0)}, checkpoints.Progress(2, [], 1.0, 1.0), "mine")
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[:-100]
    elif damage == "flipped":
        content[-100] ^= 1
    elif damage == "empty":
        content = bytearray()
    path.write_bytes(content)
    assert checkpoints.load(path, "other" if damage == "other settings" else "mine") is None
    assert "training starts" in caplog.text


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    path = tmp_path / "resume.safetensors"
    checkpoints.save(path, {"w": torch.arange(5.0)}, checkpoints.Progress(2, [{"epoch": 0}], 1.5, 1.0), "mine")
    tensors, progress = checkpoints.load(path, "mine")
    assert torch.equal(tensors["w"], torch.arange(5.0))
    assert (progress.epoch, progress.history, progress.seconds) == (2, [{"epoch": 0}], 1.5)


def test_a_loss_that_is_not_finite_names_the_run():
    with pytest.raises(
        TrainingError,
        match=r"(nan|inf) in epoch \d+, minibatch \d+, of model A, batch size 16, original labels, seed 1 .*learning_rate",
    ):
        run(replace(SETTINGS, learning_rate=1e6))


def test_random_labels_are_one_draw_per_seed_uniform_and_the_same_for_every_model():
    settings = replace(SETTINGS, labels="random")
    original = torch.zeros(20_000, dtype=torch.long)
    first = training.training_labels(original, settings, 10, seed=1, epoch=0)
    assert torch.equal(first, training.training_labels(original, settings, 10, seed=1, epoch=7))
    assert not torch.equal(first, training.training_labels(original, settings, 10, seed=2, epoch=0))
    counts = torch.bincount(first, minlength=10)
    assert (counts - 2000).abs().max() < 5 * (20_000 * 0.1 * 0.9) ** 0.5
    anew = replace(settings, random_labels="per_epoch")
    assert not torch.equal(
        training.training_labels(original, anew, 10, 1, 0), training.training_labels(original, anew, 10, 1, 1)
    )
    assert training.training_labels(original, SETTINGS, 10, 1, 0) is original


def test_weight_decay_shrinks_the_norms_and_float64_is_honoured():
    free, decayed = run(), run(model=ModelSettings(weight_decay=0.3))
    assert training.weight_norms(decayed.model)["conv2.weight"] < training.weight_norms(free.model)["conv2.weight"]
    settings = replace(SETTINGS, precision="float64")
    split = Split.from_arrays(TRAIN.images.numpy(), TRAIN.labels.numpy(), settings)
    trained = train(NAME, settings, ModelSettings(), split, {"test": split}, 4)
    assert trained.model.conv1.weight.dtype == torch.float64


def test_the_last_short_batch_is_used():
    """17 images in batches of 16 are two steps, so that every image is seen every epoch."""
    split = Split(TRAIN.images[:17], TRAIN.labels[:17])
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(1024, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses, _ = training.train_epoch(model, optimizer, split.images, split.labels, torch.arange(17), 16)
    assert len(losses) == 2


def test_cuda_where_there_is_none_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="set device: auto or cpu"):
        training.select_device("cuda")
    assert training.select_device("auto").type == "cpu"


def test_records_hold_what_is_promised(tmp_path):
    model = ModelSettings(normalization="batch", weight_decay=0.01)
    trained = run(model=model)
    records.write(tmp_path, NAME, SETTINGS, model, trained, DATA)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    promised = (
        "train_accuracy test_accuracy generalization_gap train_loss test_loss prediction_information weight_norms epochs "
        "seconds images_per_second seed study model batch_size labels"
    )
    assert set(promised.split()) <= set(metrics)
    assert metrics["generalization_gap"] == pytest.approx(metrics["train_accuracy"] - metrics["test_accuracy"])
    assert 0 <= metrics["prediction_information"] <= 2
    assert metrics["weight_decay"] == 0.01
    assert metrics["train_majority_percent"] == pytest.approx(100 * TRAIN.labels.bincount().max().item() / 90)
    assert metrics["batch_norm_evaluations"].keys() == {"batch", "last", "population", "ema"}
    assert metrics["batch_norm_evaluations"]["batch"]["test_accuracy"] == metrics["test_accuracy"]
    with (tmp_path / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["0", "1", "3"]
    assert float(rows[-1]["test_accuracy_percent"]) == pytest.approx(metrics["test_accuracy"])
    assert {"train_loss_nats", "test_loss_nats", "weight_norm_conv1.weight"} <= set(rows[0])
    with np.load(tmp_path / "predictions.npz", allow_pickle=False) as stored:
        predicted = stored["test_probabilities"].argmax(1)
        np.testing.assert_allclose(stored["test_probabilities"].sum(1), 1, rtol=1e-5)
    assert 100 * (predicted == TEST.labels.numpy()).mean() == pytest.approx(metrics["test_accuracy"])
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    assert {"library_sha256", "packages", "threads", "data_sha256", "seed", "processor"} <= set(provenance)
    assert_same_weights(safetensors.torch.load_file(tmp_path / "model.safetensors"), weights(trained))


def test_a_full_disk_leaves_the_old_file_and_no_temporary_one(tmp_path, monkeypatch):
    from rate_distortion import files

    files.write_text(tmp_path / "metrics.json", "old")

    def no_space(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        files.write_text(tmp_path / "metrics.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]
    assert (tmp_path / "metrics.json").read_text() == "old"
