"""Transfer: known answers on toys, rotation and resizing against other libraries, and what tuning may touch."""

from __future__ import annotations

import copy
import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as torchvision_functional
from PIL import Image
from torch import nn

from rate_distortion import datasets, tables
from rate_distortion.analysis.confidence import Confidence
from rate_distortion.analysis.records import read_transfers
from rate_distortion.datasets import LabelledImages, preparation, prepared_data, whitening
from rate_distortion.figures import figure7, style
from rate_distortion.models.convolutional import (
    ConvolutionalNetwork,
    ModelSettings,
    batch_normalizations,
    estimate_population_statistics,
    initialize,
    set_batch_norm_evaluation,
)
from rate_distortion.probes import probing, transfer, transfer_runs
from rate_distortion.probes.transfer import OneShot, Source, TransferError, TransferSettings
from rate_distortion.probes.transfer_runs import Target
from rate_distortion.training import loop, runs
from rate_distortion.training.convolutional import ConvolutionalTrainee, Member, RunName, Split
from rate_distortion.training.evaluation import predict
from rate_distortion.training.settings import TrainingSettings

SIDE, CLASSES = 8, 4
UPRIGHT = TransferSettings(support_sets=3, rotation_degrees=0.0, learning_rate=0.5)


def spots(images, seed=0, noise=40):
    """Every class is a bright 2x2 spot in a place of its own, on a noisy background; all classes in turn."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, noise + 1, (images, SIDE, SIDE, 1))
    labels = np.arange(images) % CLASSES
    for image, label in zip(pixels, labels, strict=True):
        image[3:5, 2 * label : 2 * label + 2] += 200
    return LabelledImages(pixels.astype(np.uint8), labels.astype(np.int64))


def source_of(model, **settings):
    return Source(model.eval(), ModelSettings(**settings), (1, SIDE, SIDE), CLASSES, transfer.as_they_are)


def linear(weight=None):
    layer = nn.Linear(SIDE * SIDE, CLASSES)
    nn.init.zeros_(layer.bias)
    with torch.no_grad():
        layer.weight.copy_(torch.zeros(CLASSES, SIDE * SIDE) if weight is None else weight)
    return nn.Sequential(nn.Flatten(), layer)


def perfect():
    """Reads the class off the brightest spot."""
    weight = torch.zeros(CLASSES, SIDE, SIDE)
    for label in range(CLASSES):
        weight[label, 3:5, 2 * label : 2 * label + 2] = 20.0
    return linear(weight.flatten(1))


def convolutional(normalization="none"):
    model = ConvolutionalNetwork((1, 32, 32), CLASSES, normalization=normalization, width=0.1)
    initialize(model, "unit_norm", torch.Generator().manual_seed(0))
    return Source(model.eval(), ModelSettings(), (1, 32, 32), CLASSES, transfer.as_they_are)


def zero_shot(source, data):
    said, log_probabilities = transfer.zero_shot(source, transfer.to_source_images(data.images, source.image_shape))
    return transfer.zero_shot_record(said, log_probabilities, data.labels, bins=10)


def test_a_network_that_is_perfect_on_the_target_is_perfect_zero_shot_and_stays_so():
    source, test = source_of(perfect()), spots(40, seed=1)
    record = zero_shot(source, test)
    assert record["accuracy_percent"] == 100
    assert record["mean_margin_percent"] == pytest.approx(100, abs=1e-6)
    result = transfer.one_shot(source, spots(20), test, UPRIGHT, seed=1)
    assert (result.said.predictions == test.labels).all()


def test_a_constant_network_scores_the_share_of_its_class_with_margin_0():
    record = zero_shot(source_of(linear()), spots(40))
    assert record["accuracy_percent"] == 25
    assert record["mean_margin_percent"] == 0
    assert record["loss_nats"] == pytest.approx(np.log(CLASSES))
    assert record["margin_underconfidence_points"] == pytest.approx(25)


def test_a_loss_has_no_ceiling_and_is_the_same_before_tuning_and_after_tuning_by_nothing():
    source, test = source_of(perfect()), spots(40, seed=1)
    with torch.no_grad():
        source.model[1].weight.mul_(100)
    wrong = LabelledImages(test.images, (test.labels + 1) % CLASSES)
    settings = replace(UPRIGHT, steps=1, learning_rate=1e-9)
    result = transfer.one_shot(source, spots(20), wrong, settings, seed=1)
    before = zero_shot(source, wrong)["loss_nats"]
    assert before > 2000
    assert result.losses_nats == pytest.approx([before] * 3, rel=1e-5)


def test_a_part_that_cannot_be_tuned_is_refused():
    with pytest.raises(TransferError, match="tuned is 'heads'; use all or head"):
        TransferSettings(tuned="heads")


def test_tuning_on_one_example_of_each_class_teaches_a_network_that_knew_nothing():
    source, test = source_of(linear()), spots(80, seed=1)
    rows = transfer.one_shot_records(transfer.one_shot(source, spots(20), test, UPRIGHT, seed=1), test.labels, bins=10)
    assert [row["support_set"] for row in rows] == [0, 1, 2]
    assert min(row["accuracy_percent"] for row in rows) > 95
    assert max(row["loss_nats"] for row in rows) < np.log(CLASSES)


def test_the_source_network_is_left_as_it_is():
    source = convolutional("batch")
    before = copy.deepcopy(source.model.state_dict())
    transfer.one_shot(source, spots(20), spots(20, seed=1), TransferSettings(support_sets=2), seed=1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in source.model.state_dict().items())
    assert {layer.evaluation for layer in batch_normalizations(source.model)} == {"batch"}


def test_a_support_set_is_the_same_alone_and_among_others():
    source, validation, test = convolutional(), spots(40), spots(20, seed=1)
    settings = TransferSettings(support_sets=3, steps=4)
    three = transfer.one_shot(source, validation, test, settings, seed=7)
    alone = transfer.one_shot(source, validation, test, replace(settings, support_sets=1), seed=7)
    np.testing.assert_array_equal(alone.support[0], three.support[0])
    np.testing.assert_array_equal(alone.said.margins[0], three.said.margins[0])
    assert len({row.tobytes() for row in three.said.margins}) == 3
    other = transfer.one_shot(source, validation, test, settings, seed=8)
    assert (other.support != three.support).any()


def test_a_support_set_has_one_image_of_each_class_and_any_of_them():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 5))
    support = transfer.draw_support(labels, 10, 200, seed=1)
    assert (labels[support] == np.arange(10)).all()
    assert set(support.ravel()) == set(range(50))


def test_a_class_without_a_validation_image_is_named():
    with pytest.raises(
        TransferError, match=r"4 validation images have none of class 2, 3.*raise transfer.validation_images"
    ):
        transfer.draw_support(np.array([0, 1, 0, 1]), 4, 1, seed=1)


def test_examples_come_from_the_end_of_the_training_split_and_never_from_the_test_split():
    target = transfer_runs.read_target({"dataset": "digits", "validation_images": 300, "test_images": 400})
    train, test = (datasets.load("digits", split, image_size=8) for split in ("train", "test"))
    np.testing.assert_array_equal(target.validation.images, train.images[-300:])
    np.testing.assert_array_equal(target.test.images, test.images[:400])
    assert target.validation.images.shape[1:] == (8, 8, 1)
    assert not {image.tobytes() for image in target.validation.images} & {
        image.tobytes() for image in target.test.images
    }


def test_more_validation_images_than_there_are_is_refused():
    with pytest.raises(TransferError, match="validation_images is 2,000, and digits has 1,297 training images"):
        transfer_runs.read_target({"dataset": "digits", "validation_images": 2000})


def test_other_classes_than_the_sources_are_refused():
    with pytest.raises(
        TransferError, match=r"the target letters has 26 classes and the source network 4; .*transfer: null"
    ):
        transfer.check_classes(source_of(linear()), np.arange(26), "letters")


def test_rotation_by_0_degrees_is_the_identity_and_by_90_that_of_torch():
    images = torch.rand(3, 2, 9, 9, dtype=torch.float64)
    torch.testing.assert_close(transfer.rotate(images, torch.zeros(3)), images)
    torch.testing.assert_close(transfer.rotate(images, torch.full((3,), 90.0)), torch.rot90(images, 1, (2, 3)))


def test_rotation_is_that_of_torchvision_each_image_by_its_own_angle():
    images = torch.rand(4, 1, 32, 32, dtype=torch.float64)
    degrees = torch.tensor([-10.0, -2.5, 3.0, 10.0])
    bilinear = torchvision_functional.InterpolationMode.BILINEAR
    expected = [
        torchvision_functional.rotate(image, angle, interpolation=bilinear)
        for image, angle in zip(images, degrees.tolist(), strict=True)
    ]
    torch.testing.assert_close(transfer.rotate(images, degrees), torch.stack(expected), atol=1e-5, rtol=0)


def test_angles_are_drawn_anew_for_every_step_within_the_bounds(monkeypatch):
    drawn = []
    monkeypatch.setattr(transfer, "rotate", lambda images, degrees: drawn.append(degrees) or images)
    transfer.one_shot(
        convolutional(), spots(20), spots(4), TransferSettings(support_sets=5, rotation_degrees=10.0), seed=1
    )
    angles = torch.stack(drawn)
    assert angles.shape == (5 * 10, CLASSES)
    assert len(angles.unique()) == angles.numel()
    assert -10 <= angles.min() < -9
    assert 9 < angles.max() <= 10


def test_upsampling_is_pillows_bilinear_and_nothing_else():
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1), dtype=np.uint8)
    upsampled = transfer.to_source_images(images, (1, 32, 32)).numpy()
    for image, expected in zip(upsampled, images, strict=True):
        floats = Image.fromarray(expected[..., 0].astype(np.float32))
        np.testing.assert_allclose(255 * image[0], floats.resize((32, 32), Image.Resampling.BILINEAR), atol=1e-3)
    assert upsampled.dtype == np.float32


def test_colours_are_those_of_the_source_network():
    rgb = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    grey = transfer.to_source_images(rgb, (1, 32, 32))
    np.testing.assert_allclose(grey.flatten(1), whitening.intensities(rgb, "grey"), atol=1e-6)
    repeated = transfer.to_source_images(rgb[..., :1], (3, 32, 32))
    assert repeated.shape == (2, 3, 32, 32)
    assert (repeated == repeated[:, :1]).all()
    kept = transfer.to_source_images(rgb, (3, 32, 32))
    np.testing.assert_allclose(kept.flatten(1), whitening.intensities(rgb, "rgb"), atol=1e-6)


@pytest.mark.parametrize("per_image_mean", [False, True])
def test_the_sources_whitening_of_a_target_is_the_one_of_its_own_images(per_image_mean):
    images = np.random.default_rng(0).integers(0, 256, (60, 12, 12, 3), dtype=np.uint8)
    fitted = whitening.fit(images, components=20, per_image_mean=per_image_mean, output_range="unit_variance")
    shown = transfer_runs.whitened_by(fitted)(transfer.to_source_images(images, (1, 12, 12)))
    np.testing.assert_allclose(shown, fitted(images), atol=1e-4)


def test_what_a_network_is_shown_passes_its_preprocessing_after_rotation():
    seen = []
    doubled = replace(source_of(linear()), preprocess=lambda images: seen.append(images) or 2 * images)
    transfer.one_shot(doubled, spots(8), spots(8), TransferSettings(support_sets=1, steps=2), seed=1)
    assert [len(images) for images in seen] == [8, CLASSES, CLASSES]
    assert max(float(images.max()) for images in seen) <= 1
    assert not torch.equal(seen[1], seen[2])


@pytest.mark.parametrize(("decayed", "bias_decays"), [("weights_and_biases", True), ("weights", False)])
def test_a_step_is_gradient_descent_with_the_weight_decay_of_the_training(decayed, bias_decays):
    model = convolutional().model
    nn.init.ones_(model.dense.bias)
    source = Source(
        model, ModelSettings(weight_decay=0.3, decayed_tensors=decayed), (1, 32, 32), CLASSES, transfer.as_they_are
    )
    batch, labels = torch.rand(CLASSES, 1, 32, 32), torch.arange(CLASSES)
    tuned = transfer.fine_tune(source, [batch], labels, TransferSettings(learning_rate=0.1))
    gradients = torch.autograd.grad(nn.functional.cross_entropy(model(batch), labels), [*model.parameters()])
    for (name, before), gradient, after in zip(model.named_parameters(), gradients, tuned.parameters(), strict=True):
        decay = 0.3 if bias_decays or "bias" not in name else 0.0
        torch.testing.assert_close(after, before - 0.1 * (gradient + decay * before), msg=name)


def test_tuning_the_head_moves_the_last_dense_layer_alone():
    source, settings = convolutional(), TransferSettings(tuned="head")
    tuned = transfer.fine_tune(source, [torch.rand(CLASSES, 1, 32, 32)] * 3, torch.arange(CLASSES), settings)
    moved = {n for n, p in tuned.named_parameters() if not torch.equal(p, source.model.get_parameter(n))}
    assert moved == {"dense.weight", "dense.bias"}


def test_a_network_without_a_dense_layer_has_no_head_to_tune():
    headless = nn.Sequential(nn.Conv2d(1, CLASSES, SIDE), nn.Flatten())
    with pytest.raises(TransferError, match=r"no head to tune .set transfer.tuned: all"):
        transfer.one_shot(source_of(headless), spots(8), spots(8), replace(UPRIGHT, tuned="head"), seed=1)


def test_tuning_that_diverges_says_which_setting_to_lower():
    with pytest.raises(TransferError, match=r"support set 1 at learning rate 1e\+30 .*lower transfer.learning_rate"):
        transfer.one_shot(convolutional(), spots(8), spots(8), TransferSettings(learning_rate=1e30), seed=1)


def test_batch_normalization_keeps_the_statistics_of_the_sources_training_images():
    source = convolutional("batch")
    estimate_population_statistics(source.model, torch.rand(50, 1, 32, 32), 50)
    images = torch.rand(30, 1, 32, 32)
    together, _ = transfer.zero_shot(source, images)
    alone, _ = transfer.zero_shot(source, images[:1])
    assert alone.margins[0] == pytest.approx(together.margins[0], rel=1e-4)
    tuned = transfer.fine_tune(source, [images[:CLASSES]] * 2, torch.arange(CLASSES), TransferSettings())
    for before, after in zip(batch_normalizations(source.model), batch_normalizations(tuned), strict=True):
        assert torch.equal(before.population_mean, after.population_mean)
        assert torch.equal(before.ema_mean, after.ema_mean)
        assert not torch.equal(before.weight, after.weight)


STUDY = {"name": "mine", "title": "Mine", "seeds": [1, 2], "epochs": 2, "learning_rate": 0.05}
SETTINGS = {
    "dataset": "mnist",
    "target_whitening": "none",
    "support_sets": 4,
    "steps": 10,
    "rotation_degrees": 10,
    "learning_rate": 0.01,
    "tuned": "all",
    "bins": 10,
}
SVHN = {
    "dataset": "svhn",
    "description": "SVHN",
    "train_on": "train+validation",
    "images": {"train": 66_000, "validation": 7_257, "test": 26_032},
}
STAND_IN = {**SVHN, "dataset": "house_numbers", "description": "procedural street numbers"}


def said(accuracy_percent, labels, margin=0.5):
    """Predictions of which the given share is right, all with one margin."""
    right = np.arange(len(labels)) < round(accuracy_percent * len(labels) / 100)
    confidence = np.full(len(labels), margin, np.float32)
    return Confidence(
        np.where(right, labels, (labels + 1) % CLASSES).astype(np.int16), confidence, (1 + confidence) / 2
    )


def transferred(folder, zero, one, images=10_000, svhn=None, model="B+"):
    """The files of two seeds with the given accuracies: one zero-shot, and a list over support sets, of each seed."""
    test = spots(images)
    even = np.full((images, CLASSES), 1 / CLASSES)
    folders = []
    for seed, (before, after) in enumerate(zip(zero, one, strict=True), start=1):
        targets = {"mnist": (said(before, test.labels), even, test.labels)}
        if svhn is not None:
            targets["svhn"] = (said(svhn, test.labels[:200]), even[:200], test.labels[:200])
        stacked = Confidence(
            *(np.stack(parts) for parts in zip(*(said(a, test.labels, 0.8) for a in after), strict=True))
        )
        repeated = OneShot(np.zeros((len(after), CLASSES), int), stacked, np.ones(len(after)))
        folders.append(folder / f"transfer/{model}/seed{seed}")
        target = Target("mnist", spots(8), test)
        transfer_runs.write(folders[-1], target, SETTINGS, {"evaluation_mode": "none"}, targets, repeated, 10)
    return folders


def cell(table, shot, quantity="accuracy_percent", model="B+"):
    rows = table.tidy[
        (table.tidy["model"] == model) & (table.tidy["shot"] == shot) & (table.tidy["quantity"] == quantity)
    ]
    return rows.iloc[0]


@pytest.fixture
def of_svhn(tmp_path):
    """The table of a transfer from all of SVHN to MNIST."""
    folders = transferred(tmp_path, [60, 70], [[70, 80, 76, 74], [82, 78, 79, 81]])
    return tables.transfer(read_transfers(folders, "mnist"), STUDY, SVHN, SETTINGS, comparable=True)


def test_table_has_means_over_seeds_and_spread_over_support_sets(of_svhn):
    zero, one, gain = (cell(of_svhn, *key) for key in (("zero_shot",), ("one_shot",), ("one_shot", "gain_points")))
    assert (zero["mean"], zero["standard_error"], zero["n"]) == (pytest.approx(65), pytest.approx(5), 2)
    assert (one["mean"], one["standard_error"], one["support_sets"]) == (pytest.approx(77.5), pytest.approx(2.5), 4)
    within = (np.var([70, 80, 76, 74], ddof=1) + np.var([82, 78, 79, 81], ddof=1)) / 2
    assert one["standard_deviation_over_support_sets"] == pytest.approx(within**0.5)
    assert one["median_over_support_sets"] == pytest.approx(78.5)
    assert gain["mean"] == pytest.approx((15 + 10) / 2)
    assert cell(of_svhn, "zero_shot", "margin_minus_accuracy_points")["mean"] == pytest.approx(50 - 65)


def test_the_papers_number_has_a_percentile_where_the_study_is_comparable_in_full(of_svhn, tmp_path):
    one = cell(of_svhn, "one_shot")
    # 70, 74 and 76 of eight support sets do not exceed 77.6.
    assert (one["printed"], one["percentile_of_printed"]) == (77.6, pytest.approx(100 * 3 / 8))
    assert "77.6 (percentile 38)" in of_svhn.markdown()
    records = read_transfers(transferred(tmp_path / "again", [60, 70], [[70, 80], [82, 78]]), "mnist")
    table = tables.transfer(records, STUDY, STAND_IN, SETTINGS)
    assert np.isnan(cell(table, "one_shot")["percentile_of_printed"])
    assert "other data, images or settings than here" in table.markdown()


def test_a_users_images_have_no_printed_numbers_beside_them(tmp_path):
    records = read_transfers(transferred(tmp_path, [60, 70], [[70, 80], [82, 78]]), "mnist")
    own = tables.transfer(records, STUDY, {**SVHN, "dataset": "arrays"}, SETTINGS)
    assert own.tidy["printed"].isna().all()
    assert "77.6" not in own.markdown()
    assert "atching networks" not in own.markdown()


def test_zero_shot_stands_beside_matching_networks_with_the_caveat(of_svhn):
    assert cell(of_svhn, "one_shot", model="matching networks")["printed"] == 72
    page = of_svhn.markdown()
    assert "| matching networks" in page
    assert "had never seen digits" in page
    assert "real SVHN" not in page


def test_real_svhn_is_a_column_where_it_was_read_and_said_to_be_absent_where_not(tmp_path):
    without, read = (
        tables.transfer(
            read_transfers(transferred(tmp_path / str(svhn), [60, 70], [[70], [80]], svhn=svhn), "mnist"),
            STUDY,
            STAND_IN,
            SETTINGS,
        )
        for svhn in (None, 40)
    )
    assert "test_32x32.mat is not there" in without.markdown()
    assert "zero-shot, real SVHN" not in without.shown.frame().columns
    assert cell(read, "real_svhn")["mean"] == pytest.approx(40)
    assert "zero-shot, real SVHN" in read.shown.frame().columns


def test_figure_7_draws_shares_margins_and_accuracies_of_both_shots(tmp_path):
    folders = transferred(tmp_path, [60, 70], [[70, 80], [82, 78]], images=200, svhn=45)
    rows = figure7.tidy([folder / "predictions.npz" for folder in folders], 10)
    assert list(dict.fromkeys(rows["panel"])) == ["zero_shot", "one_shot", "real_svhn"]
    assert len(rows) == 3 * 11
    whole = rows[rows["bin"] == "all"].set_index("panel")
    assert whole["accuracy"].to_dict() == pytest.approx({"zero_shot": 0.65, "one_shot": 0.775, "real_svhn": 0.45})
    assert whole["accuracy_standard_error"]["zero_shot"] == pytest.approx(0.05)
    assert whole["images"].to_dict() == {"zero_shot": 400, "one_shot": 800, "real_svhn": 400}
    one = rows[(rows["panel"] == "one_shot") & (rows["fraction"] > 0) & (rows["bin"] != "all")]
    # 0.8 in the precision of the files lies just above the edge.
    assert (one["lowest_margin"].item(), one["mean_margin"].item()) == (pytest.approx(0.8), pytest.approx(0.8))
    empty = rows[(rows["panel"] == "zero_shot") & (rows["images"] == 0)]
    assert len(empty) == 9
    assert empty[["mean_margin", "accuracy"]].isna().all(axis=None)
    source = figure7.source_line(rows, STUDY, STAND_IN, SETTINGS)
    assert "not shown" not in source
    style.drawing(rows, functools.partial(figure7.draw, rows, "model B+", source)).save(
        tmp_path / "7.svg", tmp_path / "7.png"
    )
    text = (tmp_path / "7.svg").read_text()
    for word in ("mean margin", "mean accuracy", "gap to the mean margin", "zero-shot, real SVHN"):
        assert word in text


@pytest.fixture
def trained_run(tmp_path):
    """A network of procedural street numbers with its data, as a study leaves them: (its folder, that of the data)."""
    data = {"dataset": "house_numbers", "seed": 0, "train_images": 60, "validation_images": 10, "test_images": 20}
    whitened = {"components": 20}
    record = preparation.prepare(tmp_path / "data", data | {"train_on": "train"}, whitened, tmp_path)
    settings = TrainingSettings(epochs=1, learning_rate=0.05, batch_size=20, history_points=2)
    model, name = (
        ModelSettings(weight_decay=0.2, normalization="batch", width=0.1),
        RunName("mine", "C", 20, "original", 3),
    )
    splits = {
        split: Split.from_arrays(*prepared_data.load(tmp_path / "data", split), settings) for split in ("train", "test")
    }
    trainee = ConvolutionalTrainee([Member(name, settings, model)], splits["train"], {"test": splits["test"]}, record)
    runs.write(tmp_path / "run/seed3", *loop.fit(trainee))
    return tmp_path / "run/seed3", tmp_path / "data"


def test_a_finished_run_is_transferred_to_digits_and_reads_svhn_whitened_as_its_own_images(trained_run, monkeypatch):
    run, data_folder = trained_run
    crops = datasets.load("house_numbers", "test", count=20)  # in the place of SVHN's, whose size and colours they have
    load = datasets.load
    monkeypatch.setattr(datasets, "load", lambda name, *a, **k: crops if name == "svhn" else load(name, *a, **k))
    settings = SETTINGS | {
        "dataset": "digits",
        "validation_images": 100,
        "test_images": 50,
        "support_sets": 2,
        "steps": 2,
    }
    folder = run.parent.parent / "transfer/C/seed3"
    transfer_runs.transfer_runs({folder: run}, data_folder, settings, {"device": "cpu", "threads": 1}, real_svhn=True)
    read = read_transfers([folder], "digits")
    assert read["shot"].tolist() == ["zero_shot", "real_svhn", "one_shot", "one_shot"]
    assert read["target_whitening"].tolist() == ["none", "source", "none", "none"]
    assert set(read["evaluation_mode"]) == {"population"}
    with np.load(folder / "predictions.npz", allow_pickle=False) as stored:
        street, labels = stored["real_svhn_predictions"], stored["real_svhn_labels"]
    model = probing.open_model(run, data_folder, {"device": "cpu", "threads": 1})
    set_batch_norm_evaluation(model, "population")
    images, expected = prepared_data.load(data_folder, "test")
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(street, predict(model, torch.from_numpy(np.array(images))).argmax(1))
