"""The MLP of Section 4.1: packed networks equal plain ones, seeds do not disturb each other, killed runs go on exactly."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.datasets import load_digits
from torch import nn

from rate_distortion import datasets, seeds
from rate_distortion.analysis import information_plane
from rate_distortion.analysis.information_plane import Estimator, PlaneSettings
from rate_distortion.datasets import select_digits
from rate_distortion.models.perceptrons import PerceptronPack, PerceptronSettings, build
from rate_distortion.training import checkpoints, loop
from rate_distortion.training.perceptrons import PerceptronTrainee, RecordSettings
from rate_distortion.training.runs import write
from rate_distortion.training.schedule import batches, log_spaced_epochs
from rate_distortion.training.settings import TrainingError, TrainingSettings

VARIANTS = [
    PerceptronSettings((12, 8), activation, normalization)
    for activation in ("relu", "tanh")
    for normalization in ("none", "batch")
]
SETTINGS = TrainingSettings(epochs=4, learning_rate=0.1, batch_size=30, history_points=3, evaluation_batch_size=50)
PLANE = PlaneSettings(
    samples=60,
    points=3,
    other_points=2,
    permutations=2,
    estimators=(Estimator("bins", bins=5), Estimator("k", "kernel")),
)
RECORDS = RecordSettings(gradient_points=3, plane=PLANE)
NO_RECORDS = RecordSettings(gradient_points=0, plane=replace(PLANE, points=0, other_points=0))


def handwritten():
    pixels, labels = load_digits(return_X_y=True)
    return select_digits(np.rint(pixels * 255 / 16).astype(np.uint8), labels)


IMAGES, LABELS = handwritten()
NETWORK = VARIANTS[0]


def train(settings=SETTINGS, network=NETWORK, records=NO_RECORDS, pack_seeds=(1, 2), images=IMAGES, **keywords):
    return loop.fit(PerceptronTrainee(settings, network, records, images, LABELS, pack_seeds), **keywords)


def plain_loop(network, settings, seed, labels=LABELS, steps=None):
    """One module, autograd and torch.optim.SGD; returns the module and every epoch's list of first-layer gradients."""
    module = build(network, IMAGES.shape[1], 2, seed).to(getattr(torch, settings.precision))
    images, labels = torch.from_numpy(IMAGES).to(getattr(torch, settings.precision)), torch.from_numpy(labels)
    optimizer, gradients, taken = torch.optim.SGD(module.parameters(), lr=settings.learning_rate), [], 0
    for epoch in range(settings.epochs):
        gradients.append([])
        order = torch.from_numpy(seeds.generator(seed, "shuffling", epoch).permutation(len(images)))
        for rows in batches(order, settings.batch_size):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(images[rows]), labels[rows]).backward()
            gradients[-1].append([layer.weight.grad.clone() for layer in module if isinstance(layer, nn.Linear)])
            optimizer.step()
            taken += 1
            if taken == steps:
                return module, gradients
    return module, gradients


def assert_close(module, reference, tolerance):
    assert module.state_dict().keys() == reference.state_dict().keys()
    for name, tensor in reference.state_dict().items():
        assert (module.state_dict()[name] - tensor).abs().max() <= tolerance, name


def assert_same(first, second):
    assert all(torch.equal(tensor, second.state_dict()[name]) for name, tensor in first.state_dict().items())


def rows_of(network):
    return json.dumps(network.tables)


def test_threes_and_sevens_of_scikit_learn():
    assert IMAGES.shape == (362, 64)
    assert IMAGES.dtype == np.float32
    assert (IMAGES.min(), IMAGES.max()) == (0, 1)
    assert np.bincount(LABELS).tolist() == [183, 179]


def test_digits_that_cannot_be_selected_are_named():
    images = np.zeros((4, 8, 8), np.uint8)
    with pytest.raises(ValueError, match=r"digits \[3, 7\] were asked for, and there are images of \[0, 3\]"):
        select_digits(images, np.array([0, 3, 3, 0]))
    with pytest.raises(ValueError, match="pass uint8 images"):
        select_digits(images / 255, np.array([3, 7, 3, 7]))


def test_real_mnist_has_12396_threes_and_sevens(shared_data, tmp_path):
    shutil.copytree(shared_data / "mnist", tmp_path / "MNIST" / "raw", copy_function=shutil.copyfile)
    (tmp_path / "MNIST" / "raw").chmod(0o755)
    mnist = datasets.load("mnist", "train", data_folder=tmp_path)
    images, labels = select_digits(mnist.images, mnist.labels)
    assert images.shape == (12_396, 784)
    assert np.bincount(labels).tolist() == [6131, 6265]


def test_default_network_is_the_one_of_section_4_1():
    module = build(PerceptronSettings(), 784, 2, seed=1)
    assert sum(parameter.numel() for parameter in module.parameters()) == 111_650
    assert sum(isinstance(layer, nn.Linear) for layer in module) == 6
    first = module[0]
    bound = (6 / (784 + 128)) ** 0.5
    assert first.weight.abs().max() <= bound
    assert first.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.01)
    assert not any(layer.bias.any() for layer in module if isinstance(layer, nn.Linear))
    normalized = build(PerceptronSettings(normalization="batch"), 784, 2, seed=1)
    assert [type(layer).__name__ for layer in normalized[:3]] == ["Linear", "ReLU", "BatchNorm1d"]
    assert isinstance(normalized[-1], nn.Linear)


@pytest.mark.parametrize("batch_size", [30, 19])
@pytest.mark.parametrize("network", VARIANTS, ids=str)
def test_packed_networks_equal_a_plain_loop_of_each_over_fifty_steps(network, batch_size):
    """Float64, and another last minibatch in every epoch: 362 images are 12 times 30 and 2 more, or 18 times 19 and 20."""
    settings = replace(SETTINGS, precision="float64", batch_size=batch_size)
    for trained in train(settings, network, pack_seeds=(1, 2, 3)):
        reference, _ = plain_loop(network, settings, trained.metrics["seed"])
        assert_close(trained.model, reference, 1e-10)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("network", VARIANTS, ids=str)
def test_a_seed_is_the_same_alone_and_in_any_pack(network, precision):
    settings = replace(SETTINGS, precision=precision, labels="random")
    alone = train(settings, network, RECORDS, pack_seeds=(2,))[0]
    packed = train(settings, network, RECORDS, pack_seeds=(5, 2, 9))[1]
    tolerance = 1e-10 if precision == "float64" else 1e-5
    assert_close(packed.model, alone.model, tolerance)
    for table, column in (
        ("history", "train_loss_nats"),
        ("gradient_snr", "mean_norm"),
        ("gradient_snr", "deviation_norm"),
    ):
        ours, theirs = ([row[column] for row in trained.tables[table]] for trained in (packed, alone))
        assert ours == pytest.approx(theirs, rel=1e-3 if precision == "float32" else 1e-8)


def test_recording_changes_no_weight():
    for bare, recorded in zip(train(), train(records=RECORDS), strict=True):
        assert_same(bare.model, recorded.model)


def test_random_labels_are_the_ones_of_the_seeds_stream():
    settings = replace(SETTINGS, labels="random", precision="float64")
    drawn = seeds.generator(2, "labels").integers(0, 2, len(LABELS))
    reference, _ = plain_loop(NETWORK, settings, 2, labels=drawn)
    assert_close(train(settings)[1].model, reference, 1e-10)


@pytest.mark.parametrize("weights", ["moving", "frozen"])
def test_gradient_norms_equal_numpy_over_all_minibatch_gradients(weights):
    settings = replace(SETTINGS, precision="float64")
    trained = train(settings, records=replace(RECORDS, gradient_weights=weights, gradient_points=4))[0]
    module, gradients = plain_loop(NETWORK, settings, trained.metrics["seed"])
    if weights == "frozen":  # only the last epoch's weights are at hand
        gradients = [plain_loop_at(module, settings, trained.metrics["seed"])]
    for offset, of_epoch in enumerate(reversed(gradients)):
        for layer in range(3):
            row = trained.tables["gradient_snr"][-3 * (offset + 1) + layer]
            stacked = np.stack([step[layer].numpy() for step in of_epoch])
            assert row["layer"] == layer + 1
            assert row["minibatches"] == len(stacked) == 13
            assert row["mean_norm"] == pytest.approx(np.linalg.norm(stacked.mean(0)), rel=1e-9)
            assert row["deviation_norm"] == pytest.approx(np.linalg.norm(stacked.std(0, ddof=1)), rel=1e-9)
    linear = [layer for layer in module if isinstance(layer, nn.Linear)]
    for row, layer in zip(trained.tables["gradient_snr"][-3:], linear, strict=True):
        assert row["weight_norm"] == pytest.approx(layer.weight.norm().item(), rel=1e-9)


def plain_loop_at(module, settings, seed):
    """Gradients of the last epoch's minibatches at weights that stand still."""
    order, found = seeds.generator(seed, "shuffling", settings.epochs - 1).permutation(len(IMAGES)), []
    for rows in torch.from_numpy(order).split(settings.batch_size):
        module.zero_grad()
        images = torch.from_numpy(IMAGES).double()[rows]
        nn.functional.cross_entropy(module(images), torch.from_numpy(LABELS)[rows]).backward()
        found.append([layer.weight.grad.clone() for layer in module if isinstance(layer, nn.Linear)])
    return found


def test_at_frozen_weights_the_mean_over_an_epoch_is_the_gradient_of_the_whole_set():
    """Drawing without replacement leaves no sampling noise in the mean: why a curve may lie below 1 / sqrt(m)."""
    settings = replace(SETTINGS, batch_size=181, precision="float64")
    trained = train(settings, records=replace(RECORDS, gradient_weights="frozen"))[0]
    nn.functional.cross_entropy(trained.model(torch.from_numpy(IMAGES).double()), torch.from_numpy(LABELS)).backward()
    assert trained.tables["gradient_snr"][-1]["mean_norm"] == pytest.approx(
        trained.model[-1].weight.grad.norm().item(), rel=1e-9
    )


def test_pixels_that_are_always_zero_are_set_aside_without_a_trace():
    idle = np.flatnonzero(~IMAGES.any(axis=0))
    assert len(idle) > 0
    trained, fresh = train()[0], build(NETWORK, 64, 2, seed=1)
    assert torch.equal(trained.model[0].weight[:, idle], fresh[0].weight[:, idle])
    assert not torch.equal(trained.model[0].weight, fresh[0].weight)


def test_a_pack_gives_back_the_modules_it_was_made_of():
    for network in VARIANTS:
        modules = [build(network, 64, 2, seed) for seed in (1, 2)]
        used = torch.arange(64) % 3 > 0
        pack = PerceptronPack(network, modules, used)
        for module, copied in zip(modules, pack.modules(), strict=True):
            assert_same(module, copied)
        norms = [[layer.weight.norm().item() for layer in module if isinstance(layer, nn.Linear)] for module in modules]
        np.testing.assert_allclose(pack.weight_norms().numpy(), norms, rtol=1e-6)


def test_history_is_the_whole_training_set_seen_through_the_module():
    trained = train(replace(SETTINGS, precision="float64"))[1]
    assert [row["epoch"] for row in trained.tables["history"]] == [0, 1, 2, 4]
    logits = trained.model(torch.from_numpy(IMAGES).double())
    loss = nn.functional.cross_entropy(logits, torch.from_numpy(LABELS)).item()
    assert trained.tables["history"][-1]["train_loss_nats"] == pytest.approx(loss, rel=1e-9)
    correct = (logits.argmax(1).numpy() == LABELS).mean()
    assert trained.tables["history"][-1]["train_accuracy_percent"] == pytest.approx(100 * correct)
    assert trained.tables["history"][-1]["train_loss_nats"] < trained.tables["history"][0]["train_loss_nats"]


def test_information_plane_has_its_epochs_layers_and_estimators():
    trained = train(records=RECORDS, network=VARIANTS[1])[0]
    rows = trained.tables["information_plane"]
    found = {epoch: [(r["layer"], r["estimator"]) for r in rows if r["epoch"] == epoch] for epoch in (0, 1, 2, 4)}
    assert len(rows) == sum(map(len, found.values()))
    names = ("bins", "k_lower", "k_upper")
    assert found[0] == found[1] == found[4] == [(layer, name) for layer in (1, 2, 3) for name in names]
    assert found[2] == [(layer, "bins") for layer in (1, 2, 3)]
    assert {row["samples"] for row in rows} == {60}
    assert [row["units"] for row in rows if row["epoch"] == 2] == [12, 8, 2]


@pytest.mark.parametrize("network", VARIANTS, ids=str)
def test_information_plane_is_that_of_the_activations_of_the_module(network):
    settings = replace(SETTINGS, precision="float64", labels="random")
    trained = train(settings, network, RECORDS)[1]
    samples = information_plane.sample_rows(IMAGES, 60)
    hidden, layers = torch.from_numpy(IMAGES[samples]).double(), []
    for module in trained.model:
        hidden = module(hidden)
        if isinstance(module, nn.BatchNorm1d if network.normalization == "batch" else nn.ReLU | nn.Tanh):
            layers.append(hidden.detach().numpy())
    layers.append(torch.softmax(hidden, 1).detach().numpy())
    labels = seeds.generator(2, "labels").integers(0, 2, len(LABELS))[samples]
    expected = information_plane.plane_rows(layers, labels, PLANE.estimators, permutations=2)
    for row, reference in zip(trained.tables["information_plane"][-len(expected) :], expected, strict=True):
        for column in ("layer", "units", "estimator", "samples"):
            assert row[column] == reference[column]
        for column in ("input_information_bits", "label_information_bits", "label_ceiling_bits"):
            assert row[column] == pytest.approx(reference[column], abs=1e-6)


@pytest.mark.parametrize("network", VARIANTS[:2], ids=str)
def test_a_killed_run_ends_with_the_weights_and_records_of_an_undisturbed_one(tmp_path, monkeypatch, network):
    settings, path = replace(SETTINGS, checkpoint_seconds=0), tmp_path / "resume.safetensors"
    undisturbed = train(settings, network, RECORDS)

    def stop(path, tensors, progress, fingerprint):
        save(path, tensors, progress, fingerprint)
        if progress.epoch == 2:
            raise KeyboardInterrupt

    save = checkpoints.save
    monkeypatch.setattr(checkpoints, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        train(settings, network, RECORDS, resume_file=path)
    monkeypatch.setattr(checkpoints, "save", save)
    resumed = train(settings, network, RECORDS, resume_file=path)
    assert [network.provenance["resumed_from_epochs"] for network in resumed] == [[2], [2]]
    for whole, continued in zip(undisturbed, resumed, strict=True):
        assert_same(whole.model, continued.model)
        assert rows_of(whole) == rows_of(continued)


def test_a_checkpoint_of_other_seeds_is_not_used(tmp_path, caplog):
    settings, path = replace(SETTINGS, checkpoint_seconds=0), tmp_path / "resume.safetensors"
    train(settings, resume_file=path)
    assert train(settings, pack_seeds=(1, 3), resume_file=path)[0].provenance["resumed_from_epochs"] == []
    assert "other settings or data" in caplog.text


def test_files_of_one_seed(tmp_path):
    trained = train(records=RECORDS)[1]
    write(tmp_path, trained)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "gradient_snr.csv", "history.csv", "information_plane.csv", "metrics.json", "model.safetensors", "provenance.json",
    ]  # fmt: skip
    module = build(NETWORK, 64, 2, seed=0)
    module.load_state_dict(safetensors.torch.load_file(tmp_path / "model.safetensors"))
    assert_same(module, trained.model)
    for table in ("gradient_snr", "information_plane"):
        with (tmp_path / f"{table}.csv").open() as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == len(trained.tables[table])
        assert {(row["seed"], row["labels"]) for row in rows} == {("2", "original")}


def test_divergence_names_the_seed_and_the_remedy():
    with pytest.raises(
        TrainingError, match=r"loss became nan in epoch 1 of .* seed \d and original labels: lower learning_rate"
    ):
        train(replace(SETTINGS, learning_rate=1e30))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: PerceptronSettings(activation="gelu"), "activation is 'gelu'; use relu or tanh"),
        (lambda: PerceptronSettings(hidden_widths=()), "name at least one width"),
        (lambda: RecordSettings(gradient_weights="still"), "use moving or frozen"),
        (lambda: train(pack_seeds=(1, 1)), "each once"),
        (lambda: train(pack_seeds=()), "name at least one"),
        (lambda: train(images=IMAGES.astype(np.uint8)), "pass finite floating-point images"),
        (lambda: train(images=IMAGES[:10]), "one integer from 0 for each"),
        (lambda: train(replace(SETTINGS, labels="random", random_labels="per_epoch")), "labels that are fixed"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(change, message):
    with pytest.raises(ValueError, match=message):
        change()


@pytest.mark.parametrize(("epochs", "points"), [(10_000, 200), (3000, 200), (10, 200), (100, 5), (7, 1), (1, 3)])
def test_log_spaced_epochs_are_as_many_as_asked_and_hold_both_ends(epochs, points):
    spaced = sorted(log_spaced_epochs(epochs, points))
    assert spaced[0] == 1
    assert spaced[-1] == epochs
    assert min(points, epochs) <= len(spaced) <= max(2, 1.1 * points)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("network", VARIANTS, ids=str)
def test_cuda_equals_the_processor(network):
    settings = replace(SETTINGS, precision="float64")
    for here, there in zip(train(settings, network), train(replace(settings, device="cuda"), network), strict=True):
        assert_close(there.model, here.model, 1e-9)
