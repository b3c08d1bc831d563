"""A user's own network is tried with two images before it is trained: what works, what is refused, what is warned of."""

import numpy as np
import pytest
import torch

from rate_distortion.errors import InputError
from rate_distortion.models.convolutional import ModelSettings, build, parameter_groups
from rate_distortion.training import checkpoints, loop, runs
from rate_distortion.training.convolutional import ConvolutionalTrainee, Member, RunName, Split, fresh_model
from rate_distortion.training.settings import TrainingSettings

DATA = {"sha256": {}, "sources_md5": {}, "classes": 5}
SETTINGS = TrainingSettings(epochs=3, learning_rate=0.02, batch_size=16, history_points=2, checkpoint_seconds=0)


def make_split(count):
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.normal(size=(count, 1, 28, 28)).astype(np.float32))
    return Split(images, torch.arange(count) % 5)


SPLIT = make_split(33)
"""33 images in minibatches of 16: one is left over, and joins the 16 before it."""


def trainee(name, **changes):
    settings = TrainingSettings(**vars(SETTINGS) | changes)
    member = Member(RunName("mine", "m", 16, "original", 1), settings, ModelSettings(factory=f"own_networks:{name}"))
    return ConvolutionalTrainee([member], SPLIT, {"test": SPLIT}, DATA)


@pytest.mark.parametrize("name", ["plain", "view", "lazy", "tied", "normalized"])
def test_networks_of_the_tutorials_are_trained_killed_resumed_written_and_loaded(tmp_path, monkeypatch, name):
    (undisturbed,) = loop.fit(trainee(name))
    save = checkpoints.save

    def stop(path, tensors, progress, fingerprint):
        save(path, tensors, progress, fingerprint)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            runs.train_and_write([tmp_path / "run"], trainee(name))
    runs.train_and_write([tmp_path / "run"], trainee(name))
    assert not (tmp_path / "run/resume.safetensors").exists()
    loaded = runs.load_model(tmp_path / "run", (1, 28, 28), 5).state_dict()
    expected = undisturbed.model.state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in expected.items())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dictionary", "in training mode the network returns a dict; it must return the logits alone"),
        ("pair", "in training mode the network returns a tuple; it must return the logits alone"),
        ("pair_in_training", "in training mode the network returns a tuple; it must return the logits alone"),
        ("predictions", r"in training mode the network returns a tensor of torch.int64; it must return the logits"),
        ("too_many", r"returns shape \(2, 10\) for 2 images of 5 classes; it must return logits \(2, 5\)"),
        ("too_few", r"returns shape \(2, 3\) for 2 images of 5 classes; it must return logits \(2, 5\)"),
        ("infinite", "returns numbers that are not finite"),
        ("detached", r"fails in training mode on images of shape \(2, 1, 28, 28\) \(RuntimeError: .*grad"),
        ("colour", r"fails in training mode on images of shape \(2, 1, 28, 28\) \(RuntimeError: .*; mend it"),
        ("lazy_colour", r"fails in evaluation mode on images of shape \(2, 1, 28, 28\) \(RuntimeError: .*; mend it"),
        ("not_a_network", "returned Tensor; it must return a torch.nn.Module"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_sentence_before_any_training(name, message):
    with pytest.raises(InputError, match=rf"model factory 'own_networks:{name}'.*{message}") as refusal:
        trainee(name)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("name", "warned"), [("softmax", True), ("plain", False)])
def test_probabilities_in_the_place_of_logits_are_warned_of(caplog, name, warned):
    trainee(name)
    assert ("looks like probabilities" in caplog.text) == warned


def test_trying_a_network_leaves_its_weights_statistics_and_torchs_generator_as_they_were():
    settings = ModelSettings(factory="own_networks:normalized")
    before = torch.get_rng_state()
    tried = fresh_model(1, settings, SPLIT.images, 5)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(tried[2].running_mean, torch.zeros(16))
    assert tried[2].num_batches_tracked == 0
    assert all(parameter.grad is None for parameter in tried.parameters())
    assert tried.training


def test_only_the_papers_network_has_channels_last():
    """``view`` fails on them, and a user's network ran without them elsewhere."""
    own, papers = (
        fresh_model(1, ModelSettings(factory=factory), SPLIT.images.expand(-1, 3, -1, -1)[:, :channels], 5)
        for factory, channels in (("own_networks:view", 1), (None, 3))
    )
    assert own.conv.weight.is_contiguous()
    assert not papers.conv1.weight.is_contiguous()


def test_batches_of_one_image_are_refused_where_a_network_has_batch_normalization():
    with pytest.raises(InputError, match=r"batch_size is 1, and batch normalization needs .* use at least 2"):
        trainee("normalized", batch_size=1)
    trainee("plain", batch_size=1)
    trainee("normalized", evaluation_batch_size=1)  # which takes averages


def test_torchs_batch_normalization_does_not_decay_either():
    model = build(ModelSettings(factory="own_networks:normalized"), (1, 28, 28), 5, torch.Generator())
    decayed, free = parameter_groups(model, ModelSettings(weight_decay=0.1))
    assert [parameter.shape for parameter in free["params"]] == [(16,), (16,)]
    assert {id(parameter) for parameter in free["params"]} == {id(model[2].weight), id(model[2].bias)}
    assert len(decayed["params"]) == 4


def test_an_error_of_the_users_module_is_told_with_its_place_in_their_file(tmp_path, monkeypatch):
    (tmp_path / "broken_networks.py").write_text("def build(:\n")
    (tmp_path / "failing_networks.py").write_text("def build(image_shape, classes):\n    return 1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    for module, place in (
        ("broken_networks", "broken_networks.py, line 1"),
        ("failing_networks", "failing_networks.py, line 2"),
    ):
        with pytest.raises(InputError) as caught:
            build(ModelSettings(factory=f"{module}:build"), (1, 8, 8), 5, torch.Generator())
        assert place in str(caught.value)
        assert "importlib" not in str(caught.value)
