"""Training: bit-exact repetition and resume, seed streams, records, and what stops it."""

import contextlib
import csv
import hashlib
import importlib
import json
import platform
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from rate_distortion import seeds
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.training import checkpoints, convolutional, loop, runs
from rate_distortion.training.convolutional import ConvolutionalTrainee, Member, RunName, Split
from rate_distortion.training.descent import GradientDescent
from rate_distortion.training.schedule import batches, training_labels
from rate_distortion.training.settings import TrainingError, TrainingSettings, select_device, set_up_process

SETTINGS = TrainingSettings(epochs=3, learning_rate=0.05, batch_size=16, history_points=2, evaluation_batch_size=50)
NAME = RunName("ci", "A", 16, "original", 1)
DATA = {"sha256": {"train/images.npy": "0"}, "sources_md5": {}, "classes": 4}


def make_split(count=90, seed=0, classes=4):
    """Noise images with a bright quadrant that tells the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    images = 0.3 * rng.normal(size=(count, 1, 32, 32)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        image[0, 16 * (label // 2) :, 16 * (label % 2) :][:16, :16] += 1
    return Split(torch.from_numpy(images), torch.from_numpy(labels))


TRAIN, TEST = make_split(), make_split(40, seed=1)


def trainee(settings=SETTINGS, model=None, name=NAME, train=TRAIN, test=TEST):
    return ConvolutionalTrainee([Member(name, settings, model or ModelSettings())], train, {"test": test}, DATA)


def run(settings=SETTINGS, model=None, name=NAME, **keywords):
    return loop.fit(trainee(settings, model, name), **keywords)[0]


def weights(trained):
    return {key: tensor.clone() for key, tensor in trained.model.state_dict().items()}


def assert_same_weights(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_learns_and_evaluates():
    trained = run(replace(SETTINGS, epochs=12))
    assert trained.metrics["train_accuracy"] > 95
    assert trained.metrics["test_accuracy"] > 80
    assert trained.metrics["train_images"] == 90
    history = trained.tables["history"]
    assert [row["epoch"] for row in history] == [0, 1, 12]
    assert history[-1]["train_loss_nats"] < history[0]["train_loss_nats"]


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
from rate_distortion.training import checkpoints
print(checkpoints._checksum(t.weights(t.run())))
"""


def test_a_training_does_not_import_torchs_compiler():
    """It takes seconds, which every job of a study would pay."""
    program = "import sys, test_training as t; t.run(); print('torch._dynamo' in sys.modules)"
    alone = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    assert alone.stdout.strip() == "False"


MY_NETWORKS = """
from torch import nn
def noisy(image_shape, classes):
    return nn.Sequential(nn.Dropout(0.5), nn.Flatten(), nn.Linear(image_shape[1] * image_shape[2], classes))
"""
NOISY = ModelSettings(factory="my_networks:noisy")


@pytest.fixture
def my_networks(tmp_path, monkeypatch):
    """The file of a user's own network with dropout."""
    path = tmp_path / "my_networks.py"
    path.write_text(MY_NETWORKS)
    monkeypatch.syspath_prepend(tmp_path)
    yield path
    sys.modules.pop("my_networks", None)


def import_anew(path, text):
    """As a new process would."""
    path.write_text(text)
    sys.modules.pop("my_networks", None)
    importlib.invalidate_caches()
    shutil.rmtree(path.with_name("__pycache__"), ignore_errors=True)


def test_random_layers_of_a_users_network_draw_from_the_runs_seed(my_networks):
    first = weights(run(model=NOISY))
    torch.rand(3)
    assert_same_weights(first, weights(run(model=NOISY)))
    other = weights(run(model=NOISY, name=replace(NAME, seed=2)))
    assert not torch.equal(first["2.weight"], other["2.weight"])


def test_random_layers_draw_anew_in_every_epoch_and_leave_torchs_own_generator_as_it_was():
    dropout, images, state = torch.nn.Dropout(0.5), torch.ones(100), torch.get_rng_state()
    drawn = []
    for epoch in (1, 2, 1):
        with convolutional.random_layers(1, epoch, torch.device("cpu")):
            drawn.append(dropout(images))
    assert torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_the_papers_network_draws_nothing_and_has_the_bits_that_it_has_without_the_stream(monkeypatch, normalization):
    model = ModelSettings(normalization=normalization)
    seeded = weights(run(model=model))
    monkeypatch.setattr(convolutional, "random_layers", lambda *_: contextlib.nullcontext())
    assert_same_weights(seeded, weights(run(model=model)))


def test_streams_keep_their_numbers():
    """Whoever changes one changes every result."""
    assert seeds.STREAMS[:7] == (
        "initialization", "shuffling", "labels", "evaluation_order", "noise", "support", "rotation"
    )  # fmt: skip
    assert seeds.generator(5, "shuffling", 7).integers(2**60) == np.random.default_rng([1, 7, 5]).integers(2**60)


def test_weights_are_not_loaded_into_a_network_whose_code_has_changed(my_networks, tmp_path):
    trained = run(model=NOISY)
    folder = tmp_path / "run"
    runs.write(folder, trained)
    loaded = runs.load_model(folder, (1, 32, 32), 4)
    assert_same_weights(weights(trained), loaded.state_dict())
    import_anew(my_networks, MY_NETWORKS.replace("nn.Linear(", "nn.ReLU(), nn.Linear("))
    with pytest.raises(
        runs.ChangedNetworkError, match=r"run was trained with my_networks.py as it was then .* train again"
    ):
        runs.load_model(folder, (1, 32, 32), 4)


def test_a_record_has_the_code_that_was_trained_and_not_what_the_file_became_meanwhile(my_networks, tmp_path):
    trained = run(model=NOISY)
    my_networks.write_text(MY_NETWORKS + "# edited while it trained\n")
    runs.write(tmp_path / "run", trained)
    source = json.loads((tmp_path / "run/provenance.json").read_text())["model_factory"]
    assert source == {"file": "my_networks.py", "sha256": hashlib.sha256(MY_NETWORKS.encode()).hexdigest()}


@pytest.mark.usefixtures("my_networks")
@pytest.mark.parametrize(
    "model",
    [ModelSettings(), ModelSettings(normalization="batch"), NOISY],
    ids=["plain", "batch_norm", "dropout"],
)
def test_resumed_run_equals_one_that_was_never_stopped(tmp_path, monkeypatch, model):
    settings = replace(SETTINGS, checkpoint_seconds=0)
    undisturbed = run(settings, model)
    resume_file = tmp_path / "resume.safetensors"
    stop_after_the_second_epoch(monkeypatch, settings, model, resume_file)
    resumed = run(settings, model, resume_file=resume_file)
    assert resumed.provenance["resumed_from_epochs"] == [2]
    assert_same_weights(weights(undisturbed), weights(resumed))
    assert resumed.tables == undisturbed.tables
    assert resumed.metrics["first_fitted_epoch"] == undisturbed.metrics["first_fitted_epoch"]


def test_a_training_is_not_resumed_in_a_network_whose_code_has_changed(my_networks, tmp_path, monkeypatch):
    settings, resume_file = replace(SETTINGS, checkpoint_seconds=0), tmp_path / "resume.safetensors"
    stop_after_the_second_epoch(monkeypatch, settings, NOISY, resume_file)
    import_anew(my_networks, MY_NETWORKS.replace("0.5", "0.1"))
    assert run(settings, NOISY, resume_file=resume_file).provenance["resumed_from_epochs"] == []


def stop_after_the_second_epoch(monkeypatch, settings, model, resume_file):
    """Leave what a training leaves that is killed then."""

    def save(path, tensors, progress, fingerprint):
        original_save(path, tensors, progress, fingerprint)
        if progress.epoch == 2:
            raise KeyboardInterrupt

    original_save = checkpoints.save
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", save)
        with pytest.raises(KeyboardInterrupt):
            run(settings, model, resume_file=resume_file)


@pytest.mark.parametrize("damage", ["truncated", "other settings", "empty", "no checkpoint at all"])
def test_a_damaged_or_foreign_checkpoint_is_not_used(tmp_path, damage, caplog):
    path = tmp_path / "resume.safetensors"
    checkpoints.save(path, {"w": torch.arange(1000.0)}, checkpoints.Progress(2, [], 1.0, 1.0), "mine")
    content = {"truncated": path.read_bytes()[:-100], "empty": b"", "no checkpoint at all": b"{}" * 100}
    path.write_bytes(content.get(damage, path.read_bytes()))
    assert checkpoints.load(path, "other" if damage == "other settings" else "mine") is None
    assert "training starts" in caplog.text


def test_a_checkpoint_with_any_bit_changed_is_not_used(tmp_path):
    """Weights, names, shapes, types, epoch and records: all of it is under the checksum."""
    path = tmp_path / "resume.safetensors"
    tensors = {"w": torch.arange(6.0).reshape(2, 3), "n": torch.tensor(3)}
    checkpoints.save(path, tensors, checkpoints.Progress(12, [{"epoch": 0, "loss": 0.5}], 1.0, 1.0), "mine")
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        found = checkpoints.load(path, "mine")
        if found is not None:  # padding and the spelling of the header mean nothing
            assert found[1].epoch == 12
            assert found[1].history == [{"epoch": 0, "loss": 0.5}]
            assert all(torch.equal(found[0][name], tensor) for name, tensor in tensors.items())


def test_a_network_with_scalar_buffers_can_be_checkpointed(tmp_path):
    """torch's own batch normalization, as a user's network may have it, counts its batches in one."""
    tensors = torch.nn.BatchNorm2d(3).state_dict()
    checkpoints.save(tmp_path / "resume.safetensors", tensors, checkpoints.Progress(1, [], 1.0, 1.0), "mine")
    loaded, _ = checkpoints.load(tmp_path / "resume.safetensors", "mine")
    assert loaded["num_batches_tracked"].shape == ()


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


def test_the_epochs_of_the_papers_histories_stay():
    """Records of other epochs could not be set beside those that exist."""
    settings = replace(SETTINGS, epochs=500, history_points=20)
    expected = [1, 2, 3, 4, 5, 7, 10, 14, 19, 26, 37, 51, 70, 97, 135, 187, 260, 361, 500]
    assert sorted(trainee(settings).recorded) == expected


def test_random_labels_are_one_draw_per_seed_uniform_and_the_same_for_every_model():
    settings = replace(SETTINGS, labels="random")
    original = torch.zeros(20_000, dtype=torch.long)
    first = training_labels(original, settings, 10, seed=1, epoch=1)
    assert torch.equal(first, training_labels(original, settings, 10, seed=1, epoch=8))
    assert not torch.equal(first, training_labels(original, settings, 10, seed=2, epoch=1))
    counts = torch.bincount(first, minlength=10)
    assert (counts - 2000).abs().max() < 5 * (20_000 * 0.1 * 0.9) ** 0.5
    anew = replace(settings, random_labels="per_epoch")
    assert not torch.equal(training_labels(original, anew, 10, 1, 1), training_labels(original, anew, 10, 1, 2))
    assert training_labels(original, SETTINGS, 10, 1, 1) is original


def test_weight_decay_shrinks_the_norms_and_float64_is_honoured():
    free, decayed = run(), run(model=ModelSettings(weight_decay=0.3))
    assert decayed.metrics["weight_norms"]["conv2.weight"] < free.metrics["weight_norms"]["conv2.weight"]
    settings = replace(SETTINGS, precision="float64")
    split = Split.from_arrays(TRAIN.images.numpy(), TRAIN.labels.numpy(), settings)
    (trained,) = loop.fit(trainee(settings, train=split, test=split))
    assert trained.model.conv1.weight.dtype == torch.float64


def test_the_last_short_batch_is_used():
    """18 images in batches of 16 are two steps, so that every image is seen every epoch."""
    split = Split(TRAIN.images[:18], TRAIN.labels[:18])
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(1024, 4))
    descent = GradientDescent([{"params": model.parameters(), "weight_decay": 0.0}], 0.1)
    losses, _ = convolutional.train_epoch(model, descent, split.images, split.labels, torch.arange(18), 16)
    assert len(losses) == 2


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(32, 16, [16, 16]), (34, 16, [16, 16, 2]), (33, 16, [16, 17]), (17, 16, [17]), (1, 16, [1]), (3, 1, [1, 1, 1])],
)
def test_a_last_single_image_joins_the_batch_before_it(count, size, expected):
    parts = batches(torch.arange(2 * count).view(2, count), size, 1)
    assert [part.shape[1] for part in parts] == expected
    assert torch.equal(torch.cat(parts, 1), torch.arange(2 * count).view(2, count))


def test_cuda_where_there_is_none_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="set device: auto or cpu"):
        select_device("cuda")
    assert select_device("auto").type == "cpu"


@pytest.mark.parametrize("evaluation", ["batch", "last", "population", "ema"])
def test_the_end_of_the_history_is_the_result_whichever_statistics_a_model_evaluates_with(evaluation):
    trained = run(model=ModelSettings(normalization="batch", batch_norm_evaluation=evaluation))
    last = trained.tables["history"][-1]
    assert last["epoch"] == SETTINGS.epochs
    assert last["train_loss_nats"] == pytest.approx(trained.metrics["train_loss"])
    assert last["test_loss_nats"] == pytest.approx(trained.metrics["test_loss"])


def test_records_hold_what_is_promised(tmp_path):
    model = ModelSettings(normalization="batch", weight_decay=0.01)
    trained = run(model=model)
    runs.write(tmp_path, trained)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    promised = (
        "train_accuracy test_accuracy generalization_gap train_loss test_loss prediction_information weight_norms epochs "
        "seconds images_per_second seed study model batch_size labels"
    )
    assert set(promised.split()) <= set(metrics)
    assert metrics["generalization_gap"] == pytest.approx(metrics["train_accuracy"] - metrics["test_accuracy"])
    assert 0 <= metrics["prediction_information"] <= 2
    assert metrics["weight_decay"] == 0.01
    decayed = [norm**2 for name, norm in metrics["weight_norms"].items() if not name.startswith("norm")]
    assert metrics["decayed_norm"] == pytest.approx(sum(decayed) ** 0.5), "without scale and shift, which do not decay"
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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than GNU's manages memory here")
def test_memory_that_a_step_frees_is_used_by_the_next():
    set_up_process(1)

    def faults_of_a_step():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for tensor in [torch.empty(2 << 20) for _ in range(4)]:  # 32 MiB in all, 8,192 pages
            tensor.fill_(1)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    assert min(faults_of_a_step() for _ in range(5)) < 100


def test_descent_is_torchs_bit_for_bit():
    torch.manual_seed(0)
    weights, bias, unused = (torch.randn(size, requires_grad=True) for size in ((3, 5), (3,), (2,)))
    copies = [tensor.detach().clone().requires_grad_() for tensor in (weights, bias, unused)]

    def groups(decayed, *free):
        return [{"params": [decayed], "weight_decay": 0.3}, {"params": free, "weight_decay": 0.0}]

    ours = GradientDescent(groups(weights, bias, unused), 0.1)
    theirs = torch.optim.SGD(groups(*copies), lr=0.1)
    for _ in range(5):
        images = torch.randn(4, 5)
        for descent, (matrix, shift) in ((ours, (weights, bias)), (theirs, copies[:2])):
            descent.zero_grad()
            torch.nn.functional.linear(images, matrix, shift).square().sum().backward()
            descent.step()
    assert torch.equal(weights, copies[0])
    assert torch.equal(bias, copies[1])
    assert torch.equal(unused, copies[2])
    assert unused.grad is None
