"""From a label back to an image: step counts known from geometry, the units of a step, and what a record says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from rate_distortion.models import convolutional
from rate_distortion.probes.reverse_transmission import ReverseSettings, population_statistics, transmit


def prototypes(scale: float = 1.0) -> nn.Module:
    """Four classes whose logits are ``scale`` times the four pixels."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 4, bias=False, dtype=torch.float64))
    with torch.no_grad():
        model[1].weight.copy_(scale * torch.eye(4))
    return model


MEAN = torch.zeros(1, 2, 2, dtype=torch.float64)


@pytest.mark.parametrize("standard_deviation", [1.0, 0.05])
@pytest.mark.parametrize("direction", ["l2", "sign"])
def test_steps_to_confidence_are_known_for_a_symmetric_model(direction, standard_deviation):
    # From the exact mean, logit y rises by step a and the three others fall alike by step b. The label's log-odds are then
    # steps * (a + b) - log 3, and p >= 0.9995 needs log-odds of log(0.9995 / 0.0005).
    settings = ReverseSettings(direction, step_unit="standard_deviation", sigma=0.0)
    result = transmit(prototypes(1 / standard_deviation), MEAN, standard_deviation, 4, settings)
    up, down = (math.sqrt(3 / 4), math.sqrt(1 / 12)) if direction == "l2" else (1.0, 1.0)
    expected = math.ceil((math.log(0.9995 / 0.0005) + math.log(3)) / (0.01 * (up + down)))
    assert [row["steps"] for row in result.records] == [expected] * 4
    assert all(
        row["reached"] and row["predicted"] == row["label"] and row["confidence"] >= 0.9995 for row in result.records
    )
    length = expected * (1.0 if direction == "l2" else 2.0) * 0.01
    assert [row["distance"] for row in result.records] == pytest.approx([length] * 4)


def test_raw_gradient_does_not_depend_on_the_unit_of_the_pixels():
    large, small = (
        transmit(
            prototypes(1 / unit),
            MEAN,
            unit,
            4,
            ReverseSettings("raw", step_size=0.5, step_unit="standard_deviation", sigma=0.2, max_steps=400),
        )
        for unit in (1.0, 1 / 64)
    )
    assert [row["steps"] for row in large.records] == [row["steps"] for row in small.records]
    assert large.images == pytest.approx(small.images * 64, rel=1e-9)


@pytest.mark.parametrize("direction", ["l2", "sign", "raw"])
def test_steps_are_in_the_images_unit_unless_asked_otherwise(direction):
    in_images, in_deviations = (
        transmit(prototypes(), MEAN, 0.5, 4, ReverseSettings(direction, step_unit=unit, sigma=0.0, max_steps=1))
        for unit in ("image", "standard_deviation")
    )
    factor = 0.25 if direction == "raw" else 0.5
    np.testing.assert_allclose(in_deviations.images, factor * in_images.images, atol=1e-12)


def test_one_raw_step_is_the_cross_entropy_gradient():
    result = transmit(prototypes(), MEAN, 1.0, 4, ReverseSettings("raw", step_size=1.0, sigma=0.0, max_steps=1))
    torch.testing.assert_close(
        torch.from_numpy(result.images).reshape(4, 4), torch.eye(4, dtype=torch.float64) - 0.25, rtol=0, atol=1e-12
    )


def test_starts_are_faint_noise_around_the_mean():
    mean = torch.full((1, 64, 64), 3.0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4096, 10))
    result = transmit(model, mean, 2.0, 10, ReverseSettings(sigma=0.1, max_steps=1, seed=4))
    assert result.starts.mean() == pytest.approx(3.0, abs=0.01)
    assert result.starts.std() == pytest.approx(0.2, rel=0.02)
    again, other = (transmit(model, mean, 2.0, 10, ReverseSettings(max_steps=1, seed=seed)).starts for seed in (4, 5))
    assert (again == result.starts).all()
    assert (other != result.starts).any()
    assert np.abs(np.corrcoef(result.starts.reshape(10, -1))[~np.eye(10, dtype=bool)]).max() < 0.1, "drawn per label"


def test_an_unreachable_confidence_is_capped_and_said():
    model = prototypes()
    with torch.no_grad():
        model[1].weight[2].zero_()  # logit 2 is constant, but the others can still fall
        model[1].weight[3] = model[1].weight[0]  # labels 0 and 3 cannot be told apart
    result = transmit(model, MEAN, 1.0, 4, ReverseSettings(max_steps=300, step_size=0.1))
    assert [row["reached"] for row in result.records] == [False, True, True, False]
    assert [row["steps"] for row in result.records if not row["reached"]] == [300, 300]
    assert all(row["confidence"] <= 0.5 + 1e-9 for row in result.records if not row["reached"])


def test_a_finished_image_waits_for_the_others():
    model = prototypes()
    with torch.no_grad():
        model[1].weight[1] *= 10
    fast = transmit(model, MEAN, 1.0, 4, ReverseSettings(sigma=0.0))
    steps = [row["steps"] for row in fast.records]
    assert steps[1] < min(steps[0], steps[2])
    assert fast.records[1]["distance"] == pytest.approx(0.01 * steps[1], rel=1e-3)


def test_paper_network_is_left_as_found_and_reaches_every_label():
    settings = convolutional.ModelSettings(normalization="batch", batch_norm_evaluation="population")
    model = convolutional.build(settings, (1, 32, 32), 10, torch.Generator().manual_seed(0))
    images = torch.randn(64, 1, 32, 32, generator=torch.Generator().manual_seed(1)) + 0.5
    convolutional.estimate_population_statistics(model, images, 32)
    model.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    mean, standard_deviation = population_statistics(images)
    assert mean.shape == (1, 32, 32)
    assert standard_deviation == pytest.approx(float((images - images.mean(0)).std()), rel=1e-4)
    result = transmit(model, mean, standard_deviation, 10, ReverseSettings(step_size=0.1), "population")
    assert all(row["reached"] for row in result.records)
    assert {row["evaluation_mode"] for row in result.records} == {"population"}
    assert result.images.shape == (10, 1, 32, 32)
    predicted = model(torch.from_numpy(result.images)).softmax(1)
    assert predicted.argmax(1).tolist() == list(range(10))
    assert predicted.diagonal().detach().numpy() == pytest.approx([r["confidence"] for r in result.records], abs=1e-5)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"direction": "L2"}, "direction is L2: use one of l2, sign, raw"),
        ({"step_size": -1.0}, "step_size is -1.0: use a number above zero"),
        ({"confidence": 1.0}, "confidence is 1.0: use a probability between 0 and 1"),
        ({"max_steps": 0}, "max_steps is 0: use 1 or more"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ReverseSettings(**change)


def test_data_that_cannot_be_used_are_refused():
    with pytest.raises(ValueError, match=r"standard_deviation is 0\.0: use a number above zero"):
        transmit(prototypes(), MEAN, 0.0, 4)
    with pytest.raises(ValueError, match=r"images is torch\.float32: the weights are torch\.float64"):
        transmit(prototypes(), MEAN.float(), 1.0, 4)
    with pytest.raises(ValueError, match="labels is 4: the model has 4 classes"):
        transmit(prototypes(), MEAN, 1.0, 5)
