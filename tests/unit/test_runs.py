"""Every kind of network has one loop and one writer: a new kind is a trainee and an entry."""

import json
import logging
import sys
import types

import numpy as np
import pytest
import torch

from rate_distortion.analysis.information_plane import PlaneSettings
from rate_distortion.errors import InputError
from rate_distortion.models.bottleneck import BottleneckSettings
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.models.perceptrons import PerceptronSettings
from rate_distortion.models.shape import refuse_batches_of_one
from rate_distortion.storage import provenance
from rate_distortion.training import checkpoints, loop, runs
from rate_distortion.training.bottleneck import BottleneckTrainee, BottleneckTrainingSettings
from rate_distortion.training.convolutional import ConvolutionalTrainee, Member, RunName, Split
from rate_distortion.training.packs import PackTrainee
from rate_distortion.training.perceptrons import PerceptronTrainee, RecordSettings
from rate_distortion.training.settings import TrainingError, TrainingSettings

DATA = {"sha256": {"images": "0"}, "sources_md5": {}, "classes": 2}
SETTINGS = TrainingSettings(2, 0.01, 4, history_points=2, device="auto")


def convolutional(batch_norm=False, seeds=(1,), settings=SETTINGS):
    images = torch.from_numpy(np.random.default_rng(0).normal(size=(13, 1, 28, 28)).astype(np.float32))
    split = Split.from_arrays(images.numpy(), np.arange(13) % 2, settings)
    model = ModelSettings(width=0.1, normalization="batch" if batch_norm else "none")
    members = [Member(RunName("mine", "C", 4, "original", seed), settings, model) for seed in seeds]
    return (PackTrainee if len(seeds) > 1 else ConvolutionalTrainee)(members, split, {"test": split}, DATA)


def pack(batch_norm=False, settings=SETTINGS):
    return convolutional(batch_norm, (1, 2), settings)


def perceptrons(batch_norm=False, settings=SETTINGS):
    images = np.random.default_rng(0).random((13, 6)).astype(np.float32)
    network = PerceptronSettings((4,), normalization="batch" if batch_norm else "none")
    records = RecordSettings(2, plane=PlaneSettings(samples=13, points=2, other_points=0, permutations=0))
    return PerceptronTrainee(settings, network, records, images, np.arange(13) % 2, [1, 2], data=DATA, study="mine")


def bottleneck(batch_norm=False, settings=SETTINGS):
    images = np.random.default_rng(0).random((13, 6)).astype(np.float32)
    shared = {key: getattr(settings, key) for key in ("epochs", "learning_rate", "batch_size", "device")}
    shared["evaluation_batch_size"] = settings.evaluation_batch_size
    training = BottleneckTrainingSettings(**shared, points=2, figure_epochs=(), bandwidth_samples=13)
    network = BottleneckSettings("batch" if batch_norm else "none", (4,), (4,), batch_norm_evaluation="batch")
    return BottleneckTrainee(training, network, images, np.arange(13) % 2, 1, data=DATA, study="mine")


TRAINEES = [convolutional, pack, perceptrons, bottleneck]


@pytest.mark.parametrize("make", TRAINEES)
def test_records_of_every_kind_say_which_run_on_which_device_and_the_log_how_long_it_will_take(tmp_path, make, caplog):
    """The device is the one that was used, and not the setting ``auto``."""
    caplog.set_level(logging.INFO)
    trainee = make()
    folders = [tmp_path / f"seed{number}" for number, _ in enumerate(trainee.networks())]
    runs.train_and_write(folders, trainee)
    assert "epoch 2/2" in caplog.text
    assert "left" in caplog.text
    for folder in folders:
        record = json.loads((folder / "provenance.json").read_text())
        metrics = json.loads((folder / "metrics.json").read_text())
        assert record["settings"]["device"] == "auto"
        on_gpu = torch.cuda.is_available()
        assert record["device"].startswith("cuda" if on_gpu else "cpu")
        assert (record["accelerator"] is not None) == on_gpu
        assert record["run"].items() <= metrics.items()
        assert record["run"]["study"] == "mine"
        promised = "seed threads data_sha256 sources_md5 seconds resumed_from_epochs library_sha256 packages finished"
        assert set(promised.split()) <= set(record)
        written = {path.name for path in folder.iterdir()} - {"provenance.json"}
        assert record["outputs_sha256"].keys() == written
        assert all(provenance.verified(folder / name) for name in written)


@pytest.mark.parametrize("make", TRAINEES)
def test_one_rule_for_single_images_under_batch_normalization(make):
    """Thirteen images in batches of four, or of twelve: one is left over and joins the last, in training and evaluation."""
    left_over = TrainingSettings(1, 0.01, 4, history_points=2, evaluation_batch_size=12)
    assert np.isfinite(loop.fit(make(True, settings=left_over))[0].metrics["train_loss"])
    for key in ("batch_size", "evaluation_batch_size"):
        settings = TrainingSettings(**vars(left_over) | {key: 1})
        with pytest.raises(InputError, match=rf"^{key} is 1, and batch normalization needs .* use at least 2$"):
            make(True, settings=settings)
        make(False, settings=settings)


def test_the_rule_can_be_asked_in_planning():
    refuse_batches_of_one(batch_size=2, evaluation_batch_size=1000, images=None)
    with pytest.raises(InputError, match="images is 1, and batch normalization"):
        refuse_batches_of_one(batch_size=2, images=1)


class Toy(loop.Trainee):
    """A weight that grows by one an epoch."""

    def __init__(self, run, settings):
        super().__init__(f"toy {run['name']}", settings, DATA, run=run)
        self.run, self.model, self.images = run, torch.nn.Linear(1, 1, bias=False), torch.zeros(1)
        torch.nn.init.zeros_(self.model.weight)

    def train_epoch(self, epoch):
        with torch.no_grad():
            self.model.weight += self.settings.learning_rate
        return 1 / self.model.weight.detach(), "growing"

    def record(self, epoch):
        self.progress.history.append({"epoch": epoch, "weight": self.model.weight.item()})

    def state(self):
        return self.model.state_dict()

    def load(self, tensors):
        self.model.load_state_dict(tensors)

    def finished(self):
        weight = self.model.weight.item()
        return [self.finished_run(self.run, self.model, {"weight": weight}, {"history": self.progress.history})]


@pytest.fixture
def toys(monkeypatch):
    """A new kind: a module with ``trainees`` and an entry."""
    module = types.ModuleType("rate_distortion.training.toys")
    module.trainees = lambda runs, settings: (
        ([folder], Toy(run, TrainingSettings(**settings))) for folder, run in runs.items()
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(runs.KINDS, "toys", ("toys", ("name", "seed")))


@pytest.mark.usefixtures("toys")
def test_a_new_kind_has_records_a_lock_checkpoints_progress_and_checks_of_its_own_accord(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    folders = [tmp_path / f"mine/runs/toys/one/seed{seed}" for seed in (1, 2)]
    settings = {"epochs": 4, "learning_rate": 1, "batch_size": 1, "checkpoint_seconds": 0}
    save = checkpoints.save

    def stop(path, tensors, progress, fingerprint):
        save(path, tensors, progress, fingerprint)
        assert (folders[0] / "running.lock").exists()
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            runs.train(folders, settings)
    runs.train(folders, settings)
    assert "resuming toy one after epoch 2" in caplog.text
    assert "toy one: epoch 4/4, growing" in caplog.text
    for folder, resumed in zip(folders, ([2], []), strict=True):
        assert {path.name for path in folder.iterdir()} == {
            "history.csv", "metrics.json", "model.safetensors", "provenance.json",
        }  # fmt: skip
        assert (folder / "history.csv").read_text().splitlines() == ["epoch,weight", *(f"{n},{n}.0" for n in range(5))]
        assert json.loads((folder / "provenance.json").read_text())["resumed_from_epochs"] == resumed
    with pytest.raises(TrainingError, match=r"loss became inf in epoch 1 of toy one: lower learning_rate \(now 0\)"):
        runs.train([folders[0].with_name("seed3")], settings | {"learning_rate": 0})


@pytest.mark.parametrize(
    ("path", "run"),
    [
        ("r/s/runs/cnn/A-BN/batch128/random/seed3", {"model": "A-BN", "batch_size": 128, "labels": "random", "seed": 3}),
        ("s/runs/mlp/relu/batch/original/seed1",
         {"activation": "relu", "normalization": "batch", "labels": "original", "seed": 1}),
        ("s/runs/cnn/runs/batch1/original/seed0", {"model": "runs", "batch_size": 1, "labels": "original", "seed": 0}),
        ("s/runs/sphere_packing/none/seed2", {"variant": "none", "seed": 2}),
    ],
)  # fmt: skip
def test_a_folder_says_which_run_it_is(path, run):
    kind = path.split("/runs/")[1].split("/")[0]
    assert runs.run_of(path) == (kind, {"study": "s"} | run)


def test_a_folder_that_is_no_runs_is_refused():
    with pytest.raises(ValueError, match=r"s/tables is no run's folder: .* cnn, mlp, sphere_packing"):
        runs.run_of("s/tables")
