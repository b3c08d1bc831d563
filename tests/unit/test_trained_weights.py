"""Weights from elsewhere: what is read and what is refused, and a study's run made of them without training."""

from __future__ import annotations

import collections
import csv
import json
import re
from dataclasses import asdict

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from rate_distortion.datasets import prepared_data
from rate_distortion.errors import InputError
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.models.weights import load_weights, read_weights
from rate_distortion.probes import probing
from rate_distortion.storage import provenance
from rate_distortion.training import runs
from rate_distortion.training.convolutional import Member, RunName, read_splits
from rate_distortion.training.settings import TrainingSettings
from rate_distortion.training.trained_weights import TrainedTrainee

NETWORK = """
from torch import nn

def build(image_shape, classes):
    channels, height, width = image_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, classes))
"""


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3))


@pytest.mark.parametrize(
    "content",
    [
        lambda state: state,
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {f"_orig_mod.module.{name}": tensor for name, tensor in state.items()},
        lambda state: {"epoch": 3, "model_state_dict": collections.OrderedDict(state), "optimizer": {"lr": 0.1}},
    ],
    ids=["plain", "data parallel", "compiled", "checkpoint"],
)
def test_state_dicts_are_read_and_fit(tmp_path, content):
    model, other = network(), network()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    torch.save(content(model.state_dict()), tmp_path / "my.pt")
    load_weights(other, tmp_path / "my.pt")
    assert all(torch.equal(other.state_dict()[name], tensor) for name, tensor in model.state_dict().items())


def test_a_prefix_that_is_the_models_own_stays(tmp_path):
    model = nn.ModuleDict({"module": nn.Linear(2, 2)})
    torch.save(model.state_dict(), tmp_path / "my.pt")
    load_weights(model, tmp_path / "my.pt")


def test_safetensors_and_tied_weights(tmp_path):
    tied = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    tied[1].weight = tied[0].weight
    safetensors.torch.save_model(tied, tmp_path / "my.safetensors")
    other = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    other[1].weight = other[0].weight
    load_weights(other, tmp_path / "my.safetensors")
    torch.testing.assert_close(other(torch.eye(4)), tied(torch.eye(4)))


class Evil:
    def __reduce__(self):
        return open, ("was run", "w")


def test_what_does_not_fit_is_named_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({**network().state_dict(), "head.bias": torch.zeros(3)} | {"x": torch.zeros(1)}, "more.pt")
    torch.save({name: tensor for name, tensor in network().state_dict().items() if "1." not in name}, "less.pt")
    torch.save({**network().state_dict(), "3.bias": torch.zeros(5)}, "classes.pt")
    torch.save(network(), "whole.pt")
    torch.save({"code": Evil()}, "evil.pt")
    torch.save({"accuracy": 0.9}, "numbers.pt")
    for name in ("text.pt", "text.safetensors"):
        (tmp_path / name).write_text("no weights at all")
    for name, message in (
        ("more.pt", "the weights in more.pt do not fit the model: the file has 'head.bias', 'x'; name the model"),
        ("less.pt", "do not fit the model: the file lacks '1.weight', '1.bias'; name the model"),
        ("classes.pt", "3.bias has shape (5,) in the file and (3,) in the model"),
        ("whole.pt", "whole.pt holds Python objects beside tensors"),
        ("evil.pt", "evil.pt holds Python objects beside tensors"),
        ("numbers.pt", "numbers.pt holds no state dict"),
        ("text.pt", "text.pt"),
        ("text.safetensors", "text.safetensors is no safetensors file or is damaged"),
        ("absent.pt", "absent.pt does not exist"),
    ):
        with pytest.raises(InputError, match=re.escape(message)) as caught:
            load_weights(network(), name)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "was run").exists()
    assert set(read_weights("more.pt")) == {*network().state_dict(), "head.bias", "x"}


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """Prepared data of three classes, and the network's module, where a study would have them."""
    rng = np.random.default_rng(0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_networks_of_weights.py").write_text(NETWORK)
    folder = tmp_path / "data"
    for split, count in (("train", 40), ("validation", 0), ("test", 20)):
        (folder / split).mkdir(parents=True)
        np.save(folder / split / "images.npy", rng.standard_normal((count, 1, 4, 4), dtype=np.float32))
        np.save(folder / split / "labels.npy", rng.integers(0, 3, count))
    described = {
        "image_shape": [1, 4, 4],
        "classes": 3,
        "images": {"train": 40, "validation": 0, "test": 20},
        "sha256": {},
        "sources_md5": {},
    }
    (folder / "dataset.json").write_text(json.dumps(described))
    return folder


def test_a_run_of_trained_weights_is_as_one_that_was_trained(data_folder, tmp_path):
    torch.manual_seed(1)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    safetensors.torch.save_file(model.state_dict(), tmp_path / "my.safetensors")
    folder = tmp_path / "results/mine/runs/cnn/mine/batch64/original/seed1"
    settings = TrainingSettings(20, 0.05, 64)
    train, held_out = read_splits(data_folder, prepared_data.describe(data_folder), "train", settings)
    own = asdict(ModelSettings(factory="my_networks_of_weights:build"))
    asked = {"model": own, "training": asdict(settings), "train_on": "train", "weights": "my.safetensors"}
    runs.train([folder], asked, data_folder=data_folder)

    metrics = json.loads(provenance.verified(folder / "metrics.json").read_text())
    for split, (images, labels) in (("train", (train.images, train.labels)), ("test", vars(held_out["test"]).values())):
        accuracy = 100.0 * float((model(images).argmax(1) == labels).double().mean())
        assert metrics[f"{split}_accuracy"] == pytest.approx(accuracy)
    assert metrics["epochs"] == 0
    with (folder / "history.csv").open() as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["0"]
    record = json.loads((folder / "provenance.json").read_text())
    assert record["weights"] == {
        "file": "my.safetensors",
        "sha256": provenance.file_checksum(tmp_path / "my.safetensors"),
    }
    # What looks at a trained network finds this one.
    opened = probing.open_model(folder, data_folder, {"device": "cpu"})
    torch.testing.assert_close(opened(train.images), model(train.images))
    with np.load(folder / "predictions.npz") as stored:
        expected = model(held_out["test"].images).softmax(1).detach().numpy()
        np.testing.assert_allclose(stored["test_probabilities"], expected, atol=1e-6)


def test_random_labels_need_a_training(data_folder, tmp_path):
    settings, data = TrainingSettings(20, 0.05, 64), prepared_data.describe(data_folder)
    train, held_out = read_splits(data_folder, data, "train", settings)
    member = Member(RunName("mine", "mine", 64, "random", 1), settings, ModelSettings())
    with pytest.raises(InputError, match=r"has weights .* leave it out of table2 and calibration"):
        TrainedTrainee(member, "my.pt", train, held_out, data)
