"""Margins and reliability: known answers, agreement with scikit-learn, and what must hold of any confidences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.calibration import calibration_curve

from rate_distortion.analysis.confidence import confidence, reliability, summary

SHARES = st.floats(0, 1)
PAIRS = st.lists(st.tuples(SHARES, st.booleans()), min_size=1, max_size=60)


def columns(pairs):
    confidences, right = zip(*pairs, strict=True)
    return np.array(confidences), np.array(right)


def simulated(images, seed=0, accuracy=lambda margins: margins):
    """Confidences, and predictions that are right with a probability that depends on them."""
    rng = np.random.default_rng(seed)
    margins = rng.beta(2, 1, images)
    return margins, rng.random(images) < accuracy(margins)


def test_the_papers_example_is_15_percent_confidence_in_class_7():
    said = confidence([[0, 0.4, 0, 0.05, 0, 0, 0, 0.55, 0, 0]])
    assert said.predictions == [7]
    assert said.margins == pytest.approx([0.15])
    assert said.top_probabilities == pytest.approx([0.55])


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [([[1.0]], "two classes at least"), ([[2.0, -1.0]], "softmax and not logits"), ([[0.5, np.nan]], "softmax")],
)
def test_what_is_no_distribution_over_classes_is_refused(probabilities, message):
    with pytest.raises(ValueError, match=message):
        confidence(probabilities)


def test_known_answer():
    curve = reliability([0.05, 0.15, 0.15, 0.95, 1.0], [False, True, False, True, True])
    assert curve.counts.tolist() == [1, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert curve.accuracy[[0, 1, 9]].tolist() == [0, 0.5, 1]
    assert curve.mean_confidence[[0, 1, 9]] == pytest.approx([0.05, 0.15, 0.975])
    assert curve.overconfidence == pytest.approx(0.05 / 5)
    assert curve.underconfidence == pytest.approx((2 * 0.35 + 2 * 0.025) / 5)
    assert curve.expected_calibration_error == pytest.approx(0.8 / 5)


def test_exactly_one_belongs_to_the_last_bin_and_empty_bins_are_empty():
    curve = reliability(np.ones(4), [True, True, True, False], bins=20)
    assert (len(curve.counts), curve.counts[-1], curve.fractions[-1]) == (20, 4, 1)
    assert np.isnan(curve.accuracy[:-1]).all()
    assert np.isnan(curve.mean_confidence[:-1]).all()
    assert np.isnan(curve.gaps[:-1]).all()
    assert curve.expected_calibration_error == pytest.approx(0.25)


def test_a_value_on_an_edge_belongs_to_the_bin_below_and_zero_to_the_first():
    assert reliability([0.0, 0.5, 1.0], [True] * 3, bins=2).counts.tolist() == [2, 1]


@given(PAIRS, st.sampled_from([1, 10, 15, 20]))
def test_curve_is_that_of_scikit_learn(pairs, bins):
    confidences, right = columns(pairs)
    curve = reliability(confidences, right, bins)
    accuracy, mean_confidence = calibration_curve(right.astype(int), confidences, n_bins=bins, pos_label=1)
    np.testing.assert_allclose(curve.accuracy[curve.counts > 0], accuracy)
    np.testing.assert_allclose(curve.mean_confidence[curve.counts > 0], mean_confidence)


@given(PAIRS, st.integers(1, 25))
def test_errors_add_up_whatever_the_confidences(pairs, bins):
    confidences, right = columns(pairs)
    curve = reliability(confidences, right, bins)
    difference = confidences.mean() - right.mean()
    assert curve.counts.sum() == len(pairs)
    assert curve.overconfidence >= 0
    assert curve.underconfidence >= 0
    assert curve.overconfidence - curve.underconfidence == pytest.approx(difference, abs=1e-12)
    assert abs(difference) - 1e-12 <= curve.expected_calibration_error <= 1 + 1e-12
    assert reliability(confidences, right, 1).expected_calibration_error == pytest.approx(abs(difference), abs=1e-12)


@given(arrays(np.float64, (5, 4), elements=st.floats(0.01, 1)))
def test_a_margin_never_exceeds_the_largest_probability(weights):
    said = confidence(weights / weights.sum(1, keepdims=True))
    assert (said.margins <= said.top_probabilities).all()
    assert (said.margins >= 0).all()


def test_the_standard_error_is_that_of_repeated_test_sets():
    def overconfident(margins):
        return 0.7 * margins

    curves = [reliability(*simulated(400, seed, overconfident)) for seed in range(400)]
    errors = np.array([curve.expected_calibration_error for curve in curves])
    claimed = np.mean([curve.expected_calibration_error_standard_error for curve in curves])
    assert claimed == pytest.approx(errors.std(ddof=1), rel=0.15)


def test_the_standard_error_is_that_of_the_mean_signed_gap():
    margins, right = simulated(300, 3, lambda margins: margins**2)
    curve = reliability(margins, right)
    which = np.clip(np.ceil(margins * 10).astype(int) - 1, 0, 9)
    signed = np.sign(curve.gaps)[which] * (margins - right)
    assert signed.mean() == pytest.approx(curve.expected_calibration_error)
    claimed = curve.expected_calibration_error_standard_error
    assert claimed == pytest.approx(signed.std(ddof=1) / np.sqrt(300), rel=1e-9)


def test_one_image_has_no_standard_error():
    assert np.isnan(reliability([0.4], [True]).expected_calibration_error_standard_error)


def test_a_calibrated_network_has_the_error_of_the_floor_and_a_large_test_set_none():
    errors = [reliability(*simulated(300, seed)).expected_calibration_error for seed in range(300)]
    floor = reliability(*simulated(300)).calibration_error_floor
    assert floor == pytest.approx(np.mean(errors), rel=0.1)
    assert reliability(*simulated(300_000)).expected_calibration_error < 0.005


def test_a_perfect_network_and_a_constant_one():
    labels = np.arange(10)
    perfect = summary(confidence(np.eye(10)), labels)
    assert (perfect["accuracy_percent"], perfect["mean_margin_percent"]) == (100, 100)
    assert perfect["margin_calibration_error_points"] == 0
    constant = summary(confidence(np.full((10, 10), 0.1)), labels)
    assert (constant["accuracy_percent"], constant["mean_margin_percent"]) == (pytest.approx(10), 0)
    # By its margin it knows less than it shows, by its largest probability exactly as much.
    assert constant["margin_underconfidence_points"] == pytest.approx(10)
    assert constant["top_probability_calibration_error_points"] == pytest.approx(0, abs=1e-12)


def test_a_mean_margin_equal_to_accuracy_is_over_confidence_by_the_largest_probability():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(10, 0.2), 5000)
    said = confidence(probabilities)
    labels = np.where(rng.random(5000) < said.margins, said.predictions, (said.predictions + 1) % 10)
    record = summary(said, labels)
    assert abs(record["margin_minus_accuracy_points"]) < 2
    assert record["top_probability_overconfidence_points"] > 5


@pytest.mark.parametrize(
    ("confidences", "right", "bins", "message"),
    [
        ([], [], 10, "N at least 1"),
        ([0.1], [True, False], 10, "both are"),
        ([0.1], [True], 0, "bins is 0; it must be at least 1"),
        ([1.1], [True], 10, r"reach from 1.1 to 1.1; they must be in \[0, 1\]"),
        ([np.nan], [True], 10, "must be in"),
    ],
)
def test_unsuitable_input_is_refused_in_one_sentence(confidences, right, bins, message):
    with pytest.raises(ValueError, match=message):
        reliability(confidences, right, bins)
