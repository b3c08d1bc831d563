"""Ratios, floor, debiased signal, and the rule that says when a curve is constant."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rate_distortion.analysis import gradient_snr

EPOCHS = np.unique(np.rint(np.geomspace(1, 10_000, 150)))


def corner(epoch, slope=-1.0, level=-0.5, epochs=EPOCHS):
    """log10 ratio that changes by ``slope`` per decade up to an epoch and is constant from there on."""
    return 10 ** (level + slope * np.minimum(np.log10(epochs / epoch), 0))


def minibatch_norms(rng, mean, minibatches, size):
    gradients = mean + rng.normal(size=(minibatches, size))
    return np.linalg.norm(gradients.mean(0)), np.linalg.norm(gradients.std(0, ddof=1))


def test_ratios_by_hand():
    assert gradient_snr.ratio(6.0, 3.0, 4.0) == 0.5
    assert gradient_snr.ratio(6.0, 3.0, 4.0, "saxe") == 2
    assert gradient_snr.ratio(6.0, 3.0, 4.0, "squared") == 4
    np.testing.assert_array_equal(gradient_snr.ratio([1.0, 0.0], [0.0, 2.0], 1.0), [np.nan, 0])
    with pytest.raises(ValueError, match="the ratio is 'snr'; use one of literal, saxe, squared"):
        gradient_snr.ratio(1, 1, 1, "snr")


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_scaling_the_loss_changes_no_ratio_and_scaling_the_weights_only_the_literal_one(mean, deviation, weight, scale):
    for kind in gradient_snr.RATIOS:
        ratio = gradient_snr.ratio(mean, deviation, weight, kind)
        assert gradient_snr.ratio(scale * mean, scale * deviation, weight, kind) == pytest.approx(ratio)
        expected = ratio / scale if kind == "literal" else ratio
        assert gradient_snr.ratio(mean, deviation, scale * weight, kind) == pytest.approx(expected)


def test_pure_noise_lies_at_the_floor_and_has_no_debiased_signal():
    mean, deviation = minibatch_norms(np.random.default_rng(0), 0.0, 124, 100_000)
    for kind in gradient_snr.RATIOS:
        floor = gradient_snr.no_signal_floor(124, 5.0, kind)
        assert gradient_snr.ratio(mean, deviation, 5.0, kind) == pytest.approx(floor, rel=0.02)
    assert gradient_snr.no_signal_floor(124, kind="saxe") == pytest.approx(0.0898, abs=1e-4)
    assert gradient_snr.debiased_signal(mean, deviation, 124) < 0.02 * mean**2


def test_debiased_signal_is_unbiased_where_the_plain_one_is_not():
    rng, true = np.random.default_rng(1), 50 * 0.1**2
    norms = np.array([minibatch_norms(rng, 0.1, 10, 50) for _ in range(4000)])
    estimates = np.array([gradient_snr.debiased_signal(mean, deviation, 10, clip=False) for mean, deviation in norms])
    signals = norms[:, 0] ** 2 - norms[:, 1] ** 2 / 10
    assert signals.mean() == pytest.approx(true, abs=4 * signals.std() / 4000**0.5)
    assert np.square(norms[:, 0]).mean() > 5 * true
    assert (np.isnan(estimates) == (signals < 0)).all()
    assert np.nanmean(estimates) > true
    clipped = gradient_snr.debiased_signal(norms[:, 0], norms[:, 1], 10)
    np.testing.assert_array_equal(clipped, np.maximum(signals, 0))


@pytest.mark.parametrize("epoch", [30, 100, 1000, 3000])
@pytest.mark.parametrize("slope", [-1.0, 0.5])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_plateau_finds_a_corner_within_half_a_window(epoch, slope, noise):
    wobble = 10 ** (noise * np.random.default_rng(epoch).normal(size=len(EPOCHS)))
    found = gradient_snr.plateau(EPOCHS, corner(epoch, slope) * wobble)
    assert epoch / 10**0.25 <= found.epoch <= epoch * 10**0.25
    assert found.level_log10 == pytest.approx(-0.5, abs=0.05)
    assert abs(found.final_slope) < 0.1


def test_plateau_is_robust_to_a_few_wild_records():
    curve = corner(300)
    curve[[30, 70, 90, 115]] *= [5, 0.1, 20, 0.05]
    curve[85], curve[110] = np.nan, 0
    assert 300 / 10**0.25 <= gradient_snr.plateau(EPOCHS, curve).epoch <= 300 * 10**0.25


def test_a_curve_that_is_constant_throughout_starts_at_its_first_epoch():
    assert gradient_snr.plateau(EPOCHS, np.full(len(EPOCHS), 0.3)).epoch == 1


@pytest.mark.parametrize("slope", [-0.3, 0.3])
def test_a_curve_that_still_moves_has_no_plateau(slope):
    found = gradient_snr.plateau(EPOCHS, EPOCHS**slope)
    assert np.isnan([found.epoch, found.level_log10]).all()
    assert found.final_slope == pytest.approx(slope)


def test_a_pause_is_not_a_plateau():
    """Constant from 10 to 300, then falling to 1,000, then constant."""
    decades = np.log10(EPOCHS)
    curve = 10 ** -(np.minimum(decades, 1) + np.clip(decades - np.log10(300), 0, np.log10(1000 / 300)))
    assert 1000 / 10**0.25 <= gradient_snr.plateau(EPOCHS, curve).epoch <= 1000 * 10**0.25


def test_the_slope_within_which_a_curve_counts_as_constant_is_the_stated_one():
    assert gradient_snr.plateau(EPOCHS, EPOCHS**0.09).epoch == 1
    assert np.isnan(gradient_snr.plateau(EPOCHS, EPOCHS**0.11).epoch)
    assert gradient_snr.plateau(EPOCHS, EPOCHS**0.11, slope_per_decade=0.2).epoch == 1


@pytest.mark.parametrize("records", [0, 1, 3])
def test_too_short_a_curve_has_no_plateau(records):
    found = gradient_snr.plateau(np.arange(1, records + 1), np.ones(records))
    assert np.isnan([found.epoch, found.level_log10, found.final_slope]).all()


@pytest.mark.parametrize("epochs", [[0, 1, 2], [1, 3, 2]])
def test_epochs_without_a_logarithm_or_order_are_refused(epochs):
    with pytest.raises(ValueError, match="pass increasing epochs from 1 on"):
        gradient_snr.plateau(epochs, np.ones(3))


def test_layers_are_ordered_as_they_were_made():
    """Early layers fall most, the last one least: no inversion, as the paper describes relu and tanh."""
    ratios = np.stack([corner(300, slope, level) for slope, level in ((-1.0, -3.0), (-0.5, -2.0), (-0.1, -1.0))])
    found = gradient_snr.layer_ordering(EPOCHS, ratios)
    assert found.inversions == 0
    assert found.descending.tolist() == [3, 2, 1]
    np.testing.assert_allclose(found.final_log10, [-3, -2, -1], atol=1e-9)
    np.testing.assert_allclose(found.change, found.final_log10 - found.initial_log10)
    assert found.final_spread == pytest.approx(1)
    reverse = gradient_snr.layer_ordering(EPOCHS, ratios[::-1])
    assert reverse.inversions == 3
    assert reverse.final_spread == pytest.approx(found.final_spread)


def test_layers_that_collapse_have_no_spread_and_a_dead_layer_no_level():
    ratios = np.stack([corner(100, slope) for slope in (-1.0, -0.5)])
    found = gradient_snr.layer_ordering(EPOCHS, ratios)
    assert found.final_spread == pytest.approx(0, abs=1e-9)
    assert found.initial_spread > 0.5
    dead = gradient_snr.layer_ordering(EPOCHS, np.stack([ratios[0], np.full(len(EPOCHS), np.nan)]))
    assert np.isnan(dead.final_log10[1])
    assert dead.final_log10[0] == pytest.approx(-0.5)
    with pytest.raises(ValueError, match="two layers or more"):
        gradient_snr.layer_ordering(EPOCHS, ratios[:1])
