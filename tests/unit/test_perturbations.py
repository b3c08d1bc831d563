"""Unbounded noise: known answers on linear models, agreement with foolbox and ART, and what a record must hold."""

from __future__ import annotations

import contextlib
import copy
import functools
import itertools
import math
import warnings
from dataclasses import replace

import foolbox
import numpy as np
import pytest
import torch
from art.attacks.evasion import ProjectedGradientDescent
from art.estimators.classification import PyTorchClassifier
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.metrics import mutual_info_score
from torch import nn

from rate_distortion.analysis import signal_to_noise
from rate_distortion.errors import InputError
from rate_distortion.models import convolutional
from rate_distortion.probes import gradient_masking
from rate_distortion.probes.input_gradients import fixed_batches, input_gradient, logit_margin
from rate_distortion.probes.noise_paths import SweepSettings, gradient_path, predict
from rate_distortion.probes.perturbations import record, recorded_steps, sweep
from rate_distortion.training import evaluation

COLUMNS = {
    *(
        "step",
        "step_size",
        "snr_db",
        "plain_snr_db",
        "snr_without_dc_db",
        "accuracy_percent",
        "information_bits",
        "floor_bits",
    ),
    *("miller_madow_bits", "zero_gradient_images", "evaluation_mode", "noise", "images"),
}
TO_THE_END = SweepSettings("l2", step_size=0.02, step_growth=1.1, max_steps=200, lowest_snr_db=1.0, points=20)


@functools.cache
def fitted(seed: int) -> nn.Module:
    """A small convolutional network in double precision, fitted to scikit-learn's digits."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 24), nn.ReLU(), nn.Linear(24, 10))
    model = model.double()
    images, labels = digits()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    return model.eval()


@functools.cache
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """All 1,797 digits, (N, 1, 8, 8) in double precision with zero mean and unit variance, and their labels."""
    pixels, labels = load_digits(return_X_y=True)
    return torch.from_numpy((pixels - pixels.mean()) / pixels.std()).reshape(-1, 1, 8, 8), torch.from_numpy(labels)


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return fitted(seed=0)


@pytest.fixture(scope="module")
def unsure(model) -> nn.Module:
    """The same network with smaller logits.

    Even in double precision the label's share of a cross-entropy gradient is wrong by 1e-16 / (1 - p), which would hide how
    closely two implementations agree; here 1 - p is not small.
    """
    unsure = copy.deepcopy(model)
    with torch.no_grad():
        unsure[-1].weight.mul_(0.1)
        unsure[-1].bias.mul_(0.1)
    return unsure


@pytest.fixture(scope="module")
def some() -> tuple[torch.Tensor, torch.Tensor]:
    """The first 150 digits."""
    images, labels = digits()
    return images[:150], labels[:150]


def linear(weights: torch.Tensor, bias: float) -> nn.Module:
    """Two classes whose logits differ by w.x + b."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(len(weights), 2, dtype=weights.dtype))
    with torch.no_grad():
        model[1].weight.copy_(torch.stack([torch.zeros_like(weights), weights]))
        model[1].bias.copy_(torch.tensor([0.0, bias]))
    return model


# Known answers


@pytest.mark.parametrize(("noise", "order"), [("l2", 2), ("linf", 1)])
def test_linear_model_flips_at_the_step_that_geometry_says(noise, order):
    generator = torch.Generator().manual_seed(3)
    weights = torch.randn(12, generator=generator, dtype=torch.float64)
    images = torch.randn(40, 12, generator=generator, dtype=torch.float64)
    model = linear(weights, 0.2)
    margins = images @ weights + 0.2
    labels = (margins > 0).long()
    # The distance to the boundary in the norm of the step is |w.x + b| over the dual norm of w.
    expected = torch.ceil(margins.abs() / (0.01 * weights.norm(p=order))).int().tolist()
    predictions = [
        point.logits.argmax(1) for point in _path(model, images, labels, SweepSettings(noise), max(expected))
    ]
    wrong = torch.stack(predictions) != labels
    assert [int(column.nonzero()[0]) for column in wrong.T] == expected
    assert (wrong.sum(0) == torch.tensor([max(expected) - step + 1 for step in expected])).all(), (
        "the path never turns back"
    )


def test_linear_model_on_the_boundary_exactly():
    # 0.5 / 2^-4 = 8 steps without any rounding: the logits are then equal, which argmax gives to class 0.
    model = linear(torch.tensor([1.0, 0.0], dtype=torch.float64), 0.0)
    images, labels = torch.tensor([[0.5, 0.0], [-0.5, 0.0]], dtype=torch.float64), torch.tensor([1, 0])
    points = _path(model, images, labels, SweepSettings("l2", step_size=2**-4), 9)
    assert points[8].logits.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert [int((torch.stack([p.logits.argmax(1) for p in points]) != labels)[:, i].nonzero()[0]) for i in (0, 1)] == [
        8,
        9,
    ]


@pytest.mark.parametrize("gradient", ["per_image", "authors"])
def test_saturated_images_move_at_full_speed_only_without_the_artefact(gradient):
    # Margin 200: the cross-entropy's gradient is exactly zero in single precision, its direction is not.
    model, images = linear(torch.tensor([3.0, 4.0]), 0.0), torch.tensor([[24.0, 32.0]])
    settings = SweepSettings("l2", gradient=gradient)
    points = _path(model, images, torch.tensor([1]), settings, 1)
    if gradient == "authors":
        assert len(points) == 1, "nothing can move"
    else:
        torch.testing.assert_close(points[1].images - images, torch.tensor([[-0.006, -0.008]]), atol=4e-6, rtol=0)
    result = sweep(model, images.repeat(2, 1), torch.tensor([1, 1]), replace(settings, max_steps=2))
    assert result.records[0]["saturated_images"] == 2
    assert result.records[0]["zero_gradient_images"] == (2 if gradient == "authors" else 0)


def test_authors_mode_shortens_the_step_below_a_gradient_of_one_millionth_per_image():
    weights = torch.tensor([3.0, 4.0], dtype=torch.float64)
    images = torch.stack([weights * 18 / 25, weights * 0.0, *[weights * 0.1] * 8])
    labels = torch.tensor([1, 0, *[1] * 8])
    model = linear(weights, 0.0)
    before, after = _path(model, images, labels, SweepSettings("l2", gradient="authors"), 1)
    own_gradient = 5.0 / (1.0 + math.exp(18.0))  # |w| times the probability of the other class
    assert own_gradient < 10 * 1e-6
    lengths = (after.images - images).norm(dim=1)
    assert lengths[0].item() == pytest.approx(0.01 * own_gradient / (10 * 1e-6), rel=1e-9)
    assert lengths[1:].numpy() == pytest.approx(0.01)
    assert before.clamped.tolist() == [True] + [False] * 9
    per_image = _path(model, images, labels, SweepSettings("l2"), 1)[1]
    assert (per_image.images - images).norm(dim=1).numpy() == pytest.approx(0.01)


def test_images_with_exactly_zero_gradient_are_counted_and_stay():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(2))
        model[0].bias.zero_()
    images = torch.tensor([[-1.0, -1.0], [-3.0, -0.5], [1.0, 2.0]])  # the first two are where every unit is dead
    result = sweep(model, images, torch.tensor([0, 1, 0]), SweepSettings("l2", max_steps=5))
    assert result.column("zero_gradient_images").tolist()[0] == 2
    points = _path(model, images, torch.tensor([0, 1, 0]), SweepSettings("linf"), 3)
    assert torch.equal(points[-1].images[:2], images[:2])
    assert not torch.equal(points[-1].images[2], images[2])
    stuck = sweep(model, images[:2], torch.tensor([0, 1]), SweepSettings("l2", step_growth=2.0, max_steps=5000))
    assert [row["step"] for row in stuck.records] == [0], "a path on which nothing can move ends at once"


def test_gradient_of_the_cross_entropy_has_the_direction_used(unsure, some):
    images, labels = some
    ours = _path(unsure, images, labels, SweepSettings("l2", step_size=1.0), 1)[1].images - images
    inputs = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(unsure(inputs), labels, reduction="sum"), inputs)
    torch.testing.assert_close(ours, gradient / gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1), atol=1e-12, rtol=0)


# Other libraries


@pytest.mark.parametrize(("noise", "attack"), [("l2", "L2BasicIterativeAttack"), ("linf", "LinfBasicIterativeAttack")])
def test_three_hundred_steps_equal_foolbox(unsure, some, noise, attack):
    images, labels = (tensor[:100] for tensor in some)
    theirs = getattr(foolbox.attacks, attack)(abs_stepsize=0.01, steps=300, random_start=False)
    wrapped = foolbox.PyTorchModel(unsure, bounds=(-1e9, 1e9), device="cpu")
    final = theirs.run(wrapped, images, foolbox.criteria.Misclassification(labels), epsilon=np.inf)
    ours = _path(unsure, images, labels, SweepSettings(noise), 300)[-1].images
    assert (ours - final).abs().max().item() < 1e-12


@pytest.mark.parametrize(("noise", "norm", "step_size"), [("l2", 2, 0.05), ("linf", np.inf, 0.01)])
def test_accuracy_at_equal_ratio_agrees_with_art(model, some, noise, norm, step_size):
    images, labels = some[0].float(), some[1]
    single = copy.deepcopy(model).float()
    result = sweep(single, images, labels, SweepSettings(noise, step_size=step_size, max_steps=60, points=50))
    classifier = PyTorchClassifier(single, nn.CrossEntropyLoss(reduction="sum"), input_shape=(1, 8, 8), nb_classes=10)
    for steps in (5, 20, 45):
        attack = ProjectedGradientDescent(
            classifier, norm=norm, eps=np.inf, eps_step=step_size, max_iter=steps, batch_size=150, verbose=False
        )
        theirs = torch.from_numpy(attack.generate(images.numpy(), labels.numpy()))
        ratios = signal_to_noise.one_plus_db(images.flatten(1).norm(dim=1), (theirs - images).flatten(1).norm(dim=1))
        ours = signal_to_noise.interpolate_to_db(
            result.column("snr_db"), result.column("accuracy_percent"), [signal_to_noise.mean_db(ratios)]
        )
        share = (single(theirs).argmax(1) == labels).double().mean().item()
        binomial_error = 100 * math.sqrt(max(share * (1 - share), 0.01) / len(labels))
        assert abs(ours[0] - 100 * share) < 2 * binomial_error


def test_gap_to_a_minimum_norm_attack(model, some, record_property):
    # A fixed-step path follows the gradient, not the shortest way: it can only find larger distortions, but not by much.
    images, labels = some
    result = sweep(model, images, labels, SweepSettings("l2", step_size=0.02, max_steps=600))
    minimum = foolbox.attacks.DDNAttack(init_epsilon=1.0, steps=200).run(
        foolbox.PyTorchModel(model, bounds=(-1e9, 1e9), device="cpu"),
        images,
        foolbox.criteria.Misclassification(labels),
    )
    right = np.isfinite(result.first_misclassified_snr_db)
    signal = images.flatten(1).norm(dim=1).numpy()
    ours = signal * signal_to_noise.noise_amplitude(result.first_misclassified_snr_db)
    theirs = (minimum - images).flatten(1).norm(dim=1).numpy()
    ratio = float(np.median(ours[right] / theirs[right]))
    record_property("median distortion relative to DDN", ratio)
    assert right.mean() > 0.9
    assert 1.0 - 0.02 < ratio < 1.25


def test_information_is_scikit_learns(model, some):
    images, labels = some
    result = sweep(model, images, labels, TO_THE_END)
    for predictions, bits in zip(result.predictions, result.column("information_bits"), strict=True):
        assert bits == pytest.approx(mutual_info_score(labels, predictions) / math.log(2), abs=1e-12)


# What a sweep promises


@pytest.mark.parametrize("noise", ["l2", "linf", "gaussian"])
def test_record_of_a_whole_path(model, some, noise):
    images, labels = some
    result = sweep(model, images, labels, replace(TO_THE_END, noise=noise, step_growth=1.15, points=20))
    ratios, accuracy = result.column("snr_db"), result.column("accuracy_percent")
    assert set(result.records[0]) >= COLUMNS
    assert 15 <= len(ratios) <= 30
    assert result.records[0]["step"] == 0
    assert ratios[0] == math.inf
    assert (np.diff(ratios) < 0).all()
    assert (result.column("plain_snr_db")[1:] < ratios[1:]).all()
    assert result.confusion.shape == (len(ratios), 10, 10)
    assert result.confusion.dtype == np.int64
    assert (result.confusion.sum(2) == np.bincount(labels)).all(), "rows are labels"
    assert np.trace(result.confusion, axis1=1, axis2=2) / 1.5 == pytest.approx(accuracy)
    assert (result.predictions == labels.numpy()).mean(1) * 100 == pytest.approx(accuracy)
    if noise == "gaussian":
        assert accuracy[-1] > 5
    else:
        assert ratios[-2] >= 1.0 > ratios[-1], "ends at the first step below the lowest ratio"
        assert accuracy[-1] == 0
        assert result.column("information_bits")[-1] > result.column("floor_bits")[-1] + 0.1, "wrong is not random"


def test_huge_gaussian_noise_leaves_no_information(model):
    images, labels = digits()
    settings = SweepSettings("gaussian", smallest_sigma=0.01, largest_sigma=1e4, points=5, permutations=200)
    last = sweep(model, images, labels, settings).records[-1]
    assert last["snr_db"] < 0.01
    assert abs(last["information_bits"] - last["floor_bits"]) < 4 * last["floor_standard_deviation_bits"]
    assert last["accuracy_percent"] == pytest.approx(10.0, abs=3.0)


def test_gaussian_noise_has_the_stated_standard_deviation(model, some):
    images, labels = some
    settings = SweepSettings("gaussian", smallest_sigma=0.1, largest_sigma=0.2, points=3)
    result = sweep(model, images, labels, settings)
    assert result.column("step_size") == pytest.approx([0.0, 0.1, 0.2])
    expected = 20 * np.log10(images.flatten(1).norm(dim=1).numpy() / (0.2 * 8)).mean()
    assert result.records[-1]["plain_snr_db"] == pytest.approx(expected, abs=0.1)


def test_removing_the_mean_makes_the_ratio_blind_to_brightness(some):
    images, labels = some
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10).double())
    settings = SweepSettings("gaussian", points=4, permutations=0)
    dark, bright = (sweep(model, images + offset, labels, settings) for offset in (0.0, 5.0))
    assert dark.column("snr_without_dc_db")[1:] == pytest.approx(bright.column("snr_without_dc_db")[1:], abs=1e-9)
    assert (bright.column("snr_db")[1:] > dark.column("snr_db")[1:] + 0.1).all()


@pytest.mark.parametrize("noise", ["l2", "linf", "gaussian"])
def test_batch_size_changes_nothing_without_batch_statistics(model, some, noise):
    images, labels = (tensor[:60] for tensor in some)
    settings = replace(TO_THE_END, noise=noise, max_steps=25)
    whole, sevens = (sweep(model, images, labels, replace(settings, batch_size=size)) for size in (60, 7))
    assert (whole.predictions == sevens.predictions).all()
    assert whole.column("snr_db") == pytest.approx(sevens.column("snr_db"), rel=1e-12)
    assert whole.first_misclassified_snr_db == pytest.approx(sevens.first_misclassified_snr_db, rel=1e-12)


def test_first_misclassification(model, some):
    images, labels = some
    settings = SweepSettings("l2", step_size=0.05, max_steps=30, points=100)
    result = sweep(model, images, labels, settings)
    points = _path(model, images, labels, settings, 30)
    wrong = torch.stack([point.logits.argmax(1) != labels for point in points]).numpy()
    first = result.first_misclassified_snr_db
    assert (np.isposinf(first) == wrong[0]).all()
    assert (np.isneginf(first) == ~wrong.any(0)).all()
    between = np.isfinite(first)
    assert between.sum() > 20
    steps = wrong.argmax(0)[between]
    noise = np.array([(points[s].images - images)[i].norm() for s, i in zip(steps, between.nonzero()[0], strict=True)])
    assert first[between] == pytest.approx(20 * np.log10(1 + images.flatten(1).norm(dim=1).numpy()[between] / noise))


def test_batch_statistics_start_from_the_reported_accuracy_and_give_no_distance_per_image():
    images = torch.randn(60, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    settings = convolutional.ModelSettings(normalization="batch")
    model = convolutional.build(settings, (1, 32, 32), 10, torch.Generator().manual_seed(0)).eval()
    labels = torch.arange(60) % 10
    result = sweep(model, images, labels, SweepSettings("l2", max_steps=2, batch_size=25), evaluation_mode="batch")
    reported = evaluation.predict(model, images, batch_size=25).argmax(1)
    assert (result.predictions[0] == reported.numpy()).all()
    assert np.isnan(result.first_misclassified_snr_db).all()
    assert result.records[0]["evaluation_mode"] == "batch"


def test_model_is_left_as_it_was_found():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 10))
    model[0].bias.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images, labels = torch.randn(20, 1, 8, 8), torch.arange(20) % 10
    for training, noise in itertools.product((True, False), ("l2", "gaussian")):
        model.train(training)
        with pytest.warns(UserWarning, match="training mode") if training else contextlib.nullcontext():
            sweep(model, images, labels, SweepSettings(noise, max_steps=3, points=4), evaluation_mode="batch")
        assert model.training is training
        assert [p.requires_grad for p in model.parameters()] == [True, False, True, True, True, True]
        assert all(p.grad is None for p in model.parameters())
        assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.BatchNorm1d(64)])
def test_a_model_in_training_mode_is_warned_of_where_the_mode_matters(layer, some):
    images, labels = some
    settings = SweepSettings("gaussian", points=3, permutations=0)
    plain, noisy = nn.Linear(64, 10), nn.Sequential(layer, nn.Linear(64, 10)).double()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sweep(nn.Sequential(nn.Flatten(), plain.double()), images, labels, settings)
        sweep(noisy.eval(), images.flatten(1), labels, settings)
        noisy[0].train()  # asked for by the user, layer by layer
        sweep(noisy, images.flatten(1), labels, settings)
    with pytest.warns(UserWarning, match=r"call model.eval\(\) first"):
        sweep(noisy.train(), images.flatten(1), labels, settings)


def test_numpy_arrays_are_taken_where_tensors_are(some):
    images, labels = some
    single = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
    settings = SweepSettings("l2", max_steps=3)
    expected = sweep(single, images.float(), labels, settings)
    for own_images, own_labels in (
        (images.numpy(), labels.numpy().astype(np.uint8)),  # numpy's floats are doubles unless one asks
        (images.float().numpy(), labels.numpy().astype(np.int32)),
    ):
        result = sweep(single, own_images, own_labels, settings)
        assert result.records == expected.records
    rows = gradient_masking.audit(single, images.numpy(), labels.numpy(), settings, [50], starts=1)
    assert len(rows) == 5
    one_hot = np.eye(10, dtype=int)[labels.numpy()]
    for own_images, own_labels, message in (
        (np.zeros((150, 1, 8, 8), np.uint8), labels.numpy(), "images is uint8: pass floats"),
        (images.float(), one_hot, r"labels is \(150, 10\) .*argmax\(1\)"),
        (images.float(), labels.numpy() + 0.0, r"labels is \(150,\) float64: pass 150 integers"),
    ):
        with pytest.raises(InputError, match=message):
            sweep(single, own_images, own_labels, settings)


class Pair(nn.Module):
    def forward(self, images):
        return images.flatten(1), images


def test_what_is_no_logits_is_refused_with_one_sentence(some):
    images, labels = some
    with pytest.raises(InputError, match="logits is a tuple: the model must return the logits alone"):
        sweep(Pair().eval(), images, labels, SweepSettings("l2"))


def test_works_inside_no_grad_and_after_a_failure(model, some):
    images, labels = some
    with torch.no_grad():
        assert len(sweep(model, images, labels, SweepSettings("l2", max_steps=2)).records) == 3
    with pytest.raises(ZeroDivisionError):
        input_gradient(model, images, labels, lambda logits, labels: 1 / 0)
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise": "L2"}, "noise is L2: use one of l2, linf, gaussian"),
        ({"step_size": 0.0}, "step_size is 0.0: use a number above zero"),
        ({"step_growth": 0.5}, "step_growth is 0.5: use 1"),
        ({"gradient": "authors", "loss": "margin"}, "loss is margin: with gradient authors use cross_entropy"),
        ({"lowest_snr_db": 0.0}, "lowest_snr_db is 0.0: .* more than 0 dB"),
        ({"largest_sigma": 1e-4}, "largest_sigma is 0.0001: use more than smallest_sigma"),
        ({"points": 2}, "points is 2: use 3 or more"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        SweepSettings(**{"noise": "l2", **change})


def test_data_that_cannot_be_used_are_refused(model, some):
    images, labels = some
    for arguments, message in (
        ((model, images.float(), labels), "images is torch.float32: the weights are torch.float64"),
        ((model, images, labels[:5]), "labels is .5,. torch.int64: pass 150 integers"),
        ((model, images, labels + 1), "labels is 10: the model has 10 classes"),
        ((model, images, labels - 1), "labels is -1: number the classes from 0 on"),
        ((model, images * torch.nan, labels), "images is nan or inf"),
        ((nn.Sequential(nn.Flatten(), nn.Linear(64, 1).double()), images, labels), r"logits is \(150, 1\)"),
    ):
        for noise in ("l2", "gaussian"):
            with pytest.raises(ValueError, match=message):
                sweep(*arguments, SweepSettings(noise))
    with pytest.raises(ValueError, match="evaluation_mode is Batch: use one of none, last, population, ema, batch"):
        sweep(model, images, labels, SweepSettings("l2"), evaluation_mode="Batch")


@given(
    growth=st.floats(1.0, 1.5),
    points=st.integers(3, 80),
    max_steps=st.integers(1, 5000),
    noise=st.sampled_from(["l2", "linf"]),
)
def test_recorded_steps_are_spread_over_the_whole_path(growth, points, max_steps, noise):
    settings = SweepSettings(noise, step_growth=growth, points=points, max_steps=max_steps)
    steps = sorted(recorded_steps(settings, torch.ones(2, 1, 32, 32)))
    assert steps[:2] == [0, 1]
    assert steps[-1] <= max_steps
    reach = 32 * float(signal_to_noise.noise_amplitude(1.0)) / (32 if noise == "linf" else 1)
    lengths = np.cumsum(0.01 * growth ** np.minimum(np.arange(steps[-1]), 1700))
    assert sum(lengths[step - 1] <= reach for step in steps[1:]) <= points


# Gradient masking


def test_hidden_gradients_are_found_out(some):
    """Logits rounded to a staircase have no gradients, and so seem robust; the model below the rounding leads the way."""

    class Staircase(nn.Module):
        def __init__(self, inner: nn.Module):
            super().__init__()
            self.inner = inner

        def forward(self, images):
            logits = self.inner(images)
            return torch.round(logits * 4) / 4

    images, labels = some
    inner = fitted(seed=0)
    settings = SweepSettings("l2", step_size=0.1, step_growth=1.15, max_steps=40, points=20)
    rows = gradient_masking.audit(Staircase(inner), images, labels, settings, [10.0, 20.0], source=inner, starts=1)
    plain = next(row for row in rows if row["attack"] == "plain")
    transfer = next(row for row in rows if row["attack"] == "transfer" and row["snr_db"] == 10.0)
    assert plain["zero_gradient_images"] == len(images)
    assert transfer["accuracy_percent"] < 20


def test_audit_of_an_honest_model(model, some):
    images, labels = some
    settings = SweepSettings("l2", step_size=0.1, step_growth=1.15, max_steps=40, points=30)
    rows = gradient_masking.audit(model, images, labels, settings, [5.0, 15.0], source=fitted(seed=1), starts=2)
    attacks = [(row["attack"], row["start"]) for row in rows[::2]]
    assert attacks == [
        *(("plain", 0), ("authors", 0), ("margin_loss", 0), ("gaussian", 0)),
        *(("random_start", 0), ("random_start", 1), ("transfer", 0)),
    ]
    by_attack = {(row["attack"], row["start"], row["snr_db"]): row for row in rows}
    plain, margin = by_attack["plain", 0, 15.0], by_attack["margin_loss", 0, 15.0]
    assert plain["stronger_than_plain_points"] == 0
    assert by_attack["gaussian", 0, 15.0]["stronger_than_plain_points"] < -20, "blind noise is the weakest"
    assert by_attack["transfer", 0, 15.0]["stronger_than_plain_points"] < 0, "another model's way is longer"
    assert abs(margin["stronger_than_plain_points"]) < 10
    assert all(by_attack["random_start", start, 15.0]["stronger_than_plain_points"] < 5 for start in (0, 1))


def test_authors_mode_looks_stronger_at_equal_mean_ratio_but_fools_no_image_earlier(model, some):
    images, labels = some
    settings = SweepSettings("l2", step_size=0.1, step_growth=1.15, max_steps=60, points=30)
    rows = gradient_masking.audit(model, images, labels, settings, [20.0], starts=0)
    plain, authors = rows[:2]
    assert authors["clamped_images"] > plain["clamped_images"] == 0
    assert authors["stronger_than_plain_points"] > 20
    medians = [row["median_first_misclassified_snr_db"] for row in (plain, authors)]
    assert medians[1] <= medians[0] + 0.3


def test_transfer_to_itself_is_the_sweep_itself(model, some):
    images, labels = some
    settings = replace(TO_THE_END, max_steps=10)
    direct = sweep(model, images, labels, settings)
    transferred = gradient_masking.transferred_sweep(model, model, images, labels, settings)
    assert direct.records == transferred.records


def test_random_starts_begin_at_their_ratio(model, some):
    images, labels = some
    settings = SweepSettings("linf", max_steps=3, random_start_snr_db=25.0, points=50)
    one, other = (sweep(model, images, labels, replace(settings, seed=seed)) for seed in (0, 1))
    assert one.records[0]["snr_db"] == math.inf
    assert one.records[1]["snr_db"] == pytest.approx(25.0)
    assert (one.column("snr_db")[2:] != other.column("snr_db")[2:]).all()


def test_record_takes_any_path(model, some):
    images, labels = some
    settings = SweepSettings("l2", loss="margin", max_steps=4)
    path = list(_path(model, images, labels, settings, 4))
    assert record(path, images, labels, settings).records == sweep(model, images, labels, settings).records
    again = predict(model, path[3].images, labels, fixed_batches(150, 150))
    torch.testing.assert_close(again, path[3].logits, rtol=0, atol=1e-9)
    assert ((logit_margin(again, labels) > 0) == (again.argmax(1) != labels)).all()


# Decibels


@pytest.mark.parametrize(
    ("with_one", "plain"), [(30, 29.7), (20, 19.1), (10, 6.7), (6.0206, 0.0), (3, -7.7), (1, -18.3)]
)
def test_ratio_with_and_without_one_plus(with_one, plain):
    noise = signal_to_noise.noise_amplitude(with_one)
    assert signal_to_noise.one_plus_db(1.0, noise) == pytest.approx(with_one)
    assert signal_to_noise.plain_db(1.0, noise) == pytest.approx(plain, abs=0.05)
    assert signal_to_noise.plain_of_one_plus_db(with_one) == pytest.approx(plain, abs=0.05)


@pytest.mark.parametrize(("norm", "l2", "linf"), [(32, 70.1, 40.1), (20, 66.0, 36.1), (15.7, 63.9, 34.0)])
def test_first_step_of_one_hundredth(norm, l2, linf):
    assert signal_to_noise.one_plus_db(norm, 0.01) == pytest.approx(l2, abs=0.1)
    assert signal_to_noise.one_plus_db(norm, 0.32) == pytest.approx(linf, abs=0.1)


def test_mean_leaves_out_what_is_not_finite():
    assert signal_to_noise.mean_db([10.0, math.inf, 20.0]) == 15.0
    assert signal_to_noise.mean_db([math.inf, math.inf]) == math.inf
    assert signal_to_noise.plain_db(0.0, 1.0) == -math.inf
    assert signal_to_noise.one_plus_db([0.0, 0.0], [1.0, 0.0]).tolist() == [0.0, math.inf]


@given(st.lists(st.floats(0.5, 80), min_size=2, max_size=12, unique=True), st.data())
def test_interpolation_passes_through_the_points_and_does_not_extrapolate(ratios, data):
    values = data.draw(st.lists(st.floats(0, 3.3), min_size=len(ratios), max_size=len(ratios)))
    at = [*ratios, min(ratios) / 2, 2 * max(ratios)]
    back = signal_to_noise.interpolate_to_db([math.inf, *ratios], [3.0, *values], at)
    assert back[: len(ratios)] == pytest.approx(values, abs=1e-6)
    assert math.isnan(back[-2])
    assert (
        min(values[int(np.argmax(ratios))], 3.0) - 1e-9 <= back[-1] <= max(values[int(np.argmax(ratios))], 3.0) + 1e-9
    )


def test_area_under_a_curve():
    ratios = [math.inf, 40.0, 20.0, 10.0, 2.0]
    assert signal_to_noise.area_under_curve(ratios, [2.5] * 5, 5.0, 45.0) == pytest.approx(100.0)
    assert math.isnan(signal_to_noise.area_under_curve(ratios, [2.5] * 5, 1.0, 45.0)), "the curve ends at 2 dB"
    dense = np.linspace(1, 60, 2000)
    assert signal_to_noise.area_under_curve(dense, dense / 20, 2.0, 50.0) == pytest.approx(
        (50**2 - 2**2) / 40, rel=1e-4
    )
    for low, high in ((0.0, 10.0), (10.0, 10.0), (5.0, math.inf)):
        with pytest.raises(ValueError, match="take 0 < low_db < high_db"):
            signal_to_noise.area_under_curve(dense, dense, low, high)
    with pytest.raises(ValueError, match="above zero"):
        signal_to_noise.interpolate_to_db(ratios, [2.5] * 5, [-1.0])


def test_a_path_that_never_left_the_clean_images_says_nothing_elsewhere():
    assert np.isnan(signal_to_noise.interpolate_to_db([math.inf], [3.0], [10.0, 60.0])).all()
    assert signal_to_noise.interpolate_to_db([math.inf], [3.0], [math.inf]).tolist() == [3.0]


def _path(model, images, labels, settings, steps):
    return list(itertools.islice(gradient_path(model, images, labels, settings), steps + 1))
