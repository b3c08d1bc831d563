"""The statistics behind a verdict, beside statsmodels and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind

from rate_distortion.claims import verdicts

samples = st.lists(st.floats(-5, 5), min_size=5, max_size=8).filter(lambda values: np.std(values) > 0.01)


@settings(max_examples=60, deadline=None)
@given(samples, samples, st.floats(0.1, 5))
def test_equivalence_is_statsmodels_two_one_sided_welch_tests(ours, theirs, margin):
    expected = ttost_ind(np.array(ours), np.array(theirs), -margin, margin, usevar="unequal")
    found = verdicts.equivalence(verdicts.observed(ours), verdicts.sample(theirs), margin)
    assert found.support == pytest.approx(expected[0], abs=1e-9)
    above = stats.ttest_ind(np.array(ours) - margin, theirs, equal_var=False, alternative="greater").pvalue
    below = stats.ttest_ind(np.array(ours) + margin, theirs, equal_var=False, alternative="less").pvalue
    assert found.contradiction == pytest.approx(min(1, 2 * min(above, below)), abs=1e-9)


def test_a_single_run_is_given_the_spread_of_our_own():
    ours = np.array([70.0, 72.0, 74.0, 71.0, 73.0])
    error = ours.std(ddof=1) * math.sqrt(1 + 1 / 5)
    expected = max(stats.t.sf((5 - 0.6) / error, 4), stats.t.sf((5 + 0.6) / error, 4))
    assert verdicts.equivalence_to_one_run(verdicts.sample(ours), 72.6, 5).support == pytest.approx(expected)


def test_a_single_run_of_a_single_draw_spreads_more_than_our_means_over_draws():
    ours, within = verdicts.sample([77.0, 77.4, 77.8, 77.2, 77.6]), verdicts.Spread(9.0, 5 * 99)
    between, single = 0.1 * (1 + 1 / 5), 9 * (1 - 1 / 100)  # the variances of our means, and of a draw around one
    error, freedom = math.sqrt(between + single), (between + single) ** 2 / (between**2 / 4 + single**2 / 495)
    expected = max(stats.t.sf((5 - 0.2) / error, freedom), stats.t.sf((5 + 0.2) / error, freedom))
    assert verdicts.equivalence_to_one_run(ours, 77.6, 5, within, 100).support == pytest.approx(expected, rel=1e-3)


def test_the_printed_one_shot_accuracy_is_one_draw_of_one_seed_and_judged_as_one():
    """Support sets spread four times as much as seeds: leaving them out refutes a single draw far too often."""
    rng, wrong, left_out = np.random.default_rng(7), 0, 0
    for _ in range(400):
        accuracies = rng.normal(0, 1, (6, 1)) + rng.normal(0, 4, (6, 50))
        ours, printed = accuracies[:5], accuracies[5, 0] + 5  # a difference as large as the margin
        within = verdicts.Spread(float(ours.var(axis=1, ddof=1).mean()), 5 * 49)
        means = verdicts.sample(ours.mean(axis=1))
        wrong += verdicts.equivalence_to_one_run(means, printed, 5, within, 50).contradiction <= 0.05
        left_out += verdicts.equivalence_to_one_run(means, printed, 5).contradiction <= 0.05
    assert wrong <= 400 * (0.05 + 3 * math.sqrt(0.05 * 0.95 / 400))
    assert left_out > 400 * 0.15


def test_a_printed_error_of_zero_leaves_our_own():
    ours, printed = [99.9, 99.95, 100, 100, 99.9], verdicts.Sample(100, 0, 5)
    expected = stats.ttest_1samp(ours, 99.5, alternative="greater").pvalue
    assert verdicts.equivalence(verdicts.observed(ours), printed, 0.5).support == pytest.approx(expected)


def test_equal_values_have_the_sign_tests_p_value_and_never_none_at_all():
    printed = verdicts.Sample(100, 0, 5)
    assert verdicts.equivalence(verdicts.observed([100.0] * 5), printed, 0.5) == verdicts.Evidence(1 / 32, 1.0)
    assert verdicts.equivalence(verdicts.observed([99.0] * 5), printed, 0.5) == verdicts.Evidence(1.0, 1 / 32)
    assert verdicts.ordering([verdicts.observed([0.2] * 5)]) == verdicts.Evidence(1 / 32, 1.0)
    assert verdicts.ordering([verdicts.observed([0.0] * 5)]) == verdicts.Evidence(1.0, 1.0)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 1e3), st.integers(5, 10))
def test_equal_values_are_equal_however_they_are_rounded(value, seeds):
    """Their mean may differ from them by 1e-16, which would be evidence of any strength."""
    values = verdicts.observed([value + 0.1 - 0.1] + [value] * (seeds - 1))
    found = verdicts.ordering([values])
    assert min(found.support, found.contradiction) == pytest.approx(0.5**seeds)


def test_a_resolution_stands_in_for_a_spread_that_is_finer():
    error = 0.1 / math.sqrt(12 * 5)
    found = verdicts.equivalence(verdicts.observed([100.0] * 5, resolution=0.1), verdicts.Sample(100, 0, 5), 0.5)
    assert found.support == pytest.approx(stats.t.sf(0.5 / error, 4))


def test_bounds_count_where_they_speak_against_the_conclusion():
    """Values between 1 and 3 around a printed 2: the low bounds must exceed, the high ones must stay below."""
    printed, between = verdicts.Sample(2.0, 0.0, 5), verdicts.observed([1.0] * 5, [3.0] * 5)
    assert verdicts.equivalence(between, printed, 1.0).support == pytest.approx(0.5)
    assert verdicts.equivalence(between, printed, 1.0).contradiction == 1.0
    assert verdicts.equivalence(between, printed, 5.0).support < 0.001
    beyond = verdicts.observed([9.0] * 5, [math.inf] * 5, resolution=0.5)
    assert verdicts.equivalence(beyond, printed, 1.0).contradiction < 0.001


def test_what_is_not_known_supports_nothing_and_refutes_nothing():
    values = verdicts.observed([1.0, 1.1, 1.2, 1.0, math.nan])
    assert verdicts.ordering([values]).support == pytest.approx(stats.binom.sf(3, 5, 0.5))
    assert verdicts.ordering([values]).contradiction == 1.0
    assert (values.bounded, values.shown.mean) == (1, pytest.approx(1.075))


def test_an_ordering_is_as_strong_as_its_weakest_part():
    strong, weak = [3.0, 3.1, 2.9, 3.0, 3.2], [0.3, -0.1, 0.2, 0.4, 0.0]
    found = verdicts.ordering([verdicts.observed(strong), verdicts.observed(weak)])
    assert found.support == pytest.approx(stats.ttest_1samp(weak, 0, alternative="greater").pvalue)
    reverse = verdicts.ordering([verdicts.observed(strong), verdicts.observed(-np.array(strong))])
    assert found.contradiction == pytest.approx(min(1, 2 * stats.ttest_1samp(weak, 0, alternative="less").pvalue))
    assert (reverse.support > 0.5, reverse.contradiction < 0.01) == (True, True)


def test_an_allowance_is_how_far_below_zero_still_counts():
    values = verdicts.observed([-0.3, -0.2, -0.25, -0.3, -0.2])
    assert verdicts.verdict(verdicts.ordering([values])) == "not reproduced"
    assert verdicts.verdict(verdicts.ordering([values], allowance=0.5)) == "reproduced"


@pytest.mark.parametrize("claims", [1, 2, 5, 16])
def test_holm_is_statsmodels(claims):
    for p_values in np.random.default_rng(claims).random((2, claims)) ** 4:
        expected = multipletests(p_values, method="holm")[1]
        found = verdicts.holm(dict(enumerate(p_values)))
        assert [found[i] for i in range(claims)] == pytest.approx(list(expected))


def test_what_is_no_number_is_no_evidence_and_spoils_no_other_p_value():
    found = verdicts.holm({"a": 0.001, "b": math.nan, "c": 0.002})
    assert found == pytest.approx({"a": 0.003, "b": 1.0, "c": 0.004})


@pytest.mark.parametrize(
    ("true_difference", "wrong"),
    [(1.0, verdicts.REPRODUCED), (1.0, verdicts.NOT_REPRODUCED), (0.05, verdicts.NOT_REPRODUCED)],
)
def test_wrong_verdicts_on_numbers_are_as_rare_as_stated(true_difference, wrong):
    rng = np.random.default_rng(3)
    margin = 1.0 if true_difference == 1.0 else 0.05
    found = [
        verdicts.verdict(
            verdicts.equivalence(
                verdicts.observed(rng.normal(true_difference, 0.4, 5)), verdicts.sample(rng.normal(0, 0.4, 5)), margin
            )
        )
        for _ in range(400)
    ]
    assert found.count(wrong) <= 400 * (0.05 + 3 * math.sqrt(0.05 * 0.95 / 400))


def test_a_true_number_and_a_clear_ordering_are_usually_found():
    rng = np.random.default_rng(4)
    number = [
        verdicts.equivalence(verdicts.observed(rng.normal(0, 0.4, 5)), verdicts.sample(rng.normal(0, 0.4, 5)), 1.0)
        for _ in range(200)
    ]
    chain = [verdicts.ordering([verdicts.observed(rng.normal(2, 1, 5)) for _ in range(3)]) for _ in range(200)]
    for evidence in (number, chain):
        assert sum(verdicts.verdict(own) == verdicts.REPRODUCED for own in evidence) > 160
