"""Capacity, codewords and sphere packing against values that are known exactly."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rate_distortion.analysis import channel

POWERS = {"signal_power": 15.0, "noise_variance": 1.0}
"""A capacity of exactly 2 bits."""


class TestCapacity:
    @pytest.mark.parametrize(("ratio", "bits"), [(0, 0), (1, 0.5), (3, 1), (15, 2), (255, 4)])
    def test_known_values(self, ratio, bits):
        assert channel.capacity_bits(ratio * 2.5, 2.5) == pytest.approx(bits, abs=1e-15)

    def test_broadcasts(self):
        assert channel.capacity_bits(np.array([1.0, 3.0]), 1.0) == pytest.approx([0.5, 1.0])

    def test_small_ratios_keep_their_digits(self):
        assert channel.capacity_bits(1e-18, 1.0) == pytest.approx(0.5e-18 / math.log(2))

    @settings(deadline=None)
    @given(st.floats(0, 1e3), st.floats(1e-3, 1e3), st.integers(1, 20))
    def test_codewords_are_the_ratio_of_sphere_volumes(self, power, noise, dimensions):
        """Equation 2 from its geometry: spheres of radius sqrt(n (P + N)) and sqrt(n N)."""
        log_volumes = [0.5 * dimensions * math.log2(dimensions * square) for square in (power + noise, noise)]
        expected = log_volumes[0] - log_volumes[1]
        assert channel.codewords_log2(power, noise, dimensions) == pytest.approx(expected, abs=1e-9)

    def test_number_of_codewords(self):
        assert channel.number_of_codewords(15, 1, 8) == pytest.approx(2.0**16)
        assert math.isinf(channel.number_of_codewords(15, 1, 5000))
        assert channel.codewords_log2(15, 1, 5000) == pytest.approx(10_000)

    @pytest.mark.parametrize(("power", "noise"), [(-1, 1), (math.nan, 1), (1, 0), (1, -1), (1, math.inf)])
    def test_powers_refused(self, power, noise):
        with pytest.raises(ValueError, match=r"signal_power is|noise_variance is"):
            channel.capacity_bits(power, noise)

    @pytest.mark.parametrize("dimensions", [0, -1, 1.5])
    def test_dimensions_refused(self, dimensions):
        with pytest.raises(ValueError, match="dimensions is"):
            channel.codewords_log2(1, 1, dimensions)

    def test_decibels(self):
        assert channel.signal_to_noise_ratio([0, 10, 20, -10]) == pytest.approx([1, 10, 100, 0.1])


class TestSimulation:
    def test_two_codewords_have_the_textbook_error(self):
        """Given two codewords the error is Q(d / (2 sqrt(N))); here its mean over random pairs on the line."""
        result = channel.simulate_sphere_packing([1], [1.0], **POWERS, codebooks=4000, messages=5)
        half_distance = np.sqrt(2 * 15.0) * np.abs(np.random.default_rng(1).normal(size=200_000)) / 2
        expected = stats.norm.sf(half_distance).mean()
        assert result["codewords"] == [2]
        assert result["error_probability"][0] == pytest.approx(expected, abs=4 * result["standard_error"][0])

    def test_agrees_with_the_expectation_over_codes(self):
        """Two routes to one number: decoding drawn codes, and the noncentral chi-square expectation."""
        dimensions, rates = [1, 2, 6], [1.0, 1.5, 2.0, 2.5]
        drawn = channel.simulate_sphere_packing(dimensions, rates, **POWERS, codebooks=60, messages=50)
        expected = channel.random_code_error(dimensions, rates, **POWERS)
        np.testing.assert_array_equal(drawn["codewords"], expected["codewords"])
        errors = np.hypot(drawn["standard_error"], expected["standard_error"])
        deviations = (drawn["error_probability"] - expected["error_probability"]) / errors
        assert np.abs(deviations).max() < 4
        assert np.square(deviations).mean() < 3

    def test_standard_error_is_the_spread_over_repetitions(self):
        runs = [
            channel.simulate_sphere_packing([2], [1.5], **POWERS, codebooks=30, messages=20, seed=seed)
            for seed in range(60)
        ]
        spread = np.std([run["error_probability"][0] for run in runs], ddof=1)
        assert np.mean([run["standard_error"][0] for run in runs]) == pytest.approx(spread, rel=0.3)

    def test_capacity_separates_what_long_codes_can_do(self):
        """Below capacity (2 bits) the error falls with the block length, above it rises to 1."""
        dimensions = [4, 16, 64, 256]
        result = channel.random_code_error(dimensions, [1.8, 2.2], **POWERS, transmissions=4000)
        below, above = result["error_probability"].reshape(4, 2).T
        assert (np.diff(below) < 0).all()
        assert (np.diff(above) > 0).all()
        assert below[-1] < 0.01
        assert above[-1] > 0.95

    def test_columns_are_tidy(self):
        result = channel.simulate_sphere_packing([1, 2], [0.1, 1.6], **POWERS, codebooks=3, messages=7)
        assert {len(column) for column in result.values()} == {4}
        assert result["dimensions"].tolist() == [1, 1, 2, 2]
        assert result["codewords"].tolist() == [2, 3, 2, 9]
        np.testing.assert_allclose(result["rate_bits"], np.log2([2, 3, 2, 9]) / [1, 1, 2, 2])
        assert (result["capacity_bits"] == 2).all()
        assert (result["transmissions"] == 21).all()
        np.testing.assert_allclose(result["errors"] / 21, result["error_probability"])

    def test_a_further_point_leaves_the_others_as_they_are(self):
        settings = {**POWERS, "codebooks": 3, "messages": 10, "seed": 5}
        alone = channel.simulate_sphere_packing([3], [1.5], **settings)
        among = channel.simulate_sphere_packing([2, 3], [1.0, 1.5], **settings)
        assert alone["error_probability"][0] == among["error_probability"][3]

    def test_blocks_do_not_change_the_result(self, monkeypatch):
        settings = {**POWERS, "codebooks": 3, "messages": 50}
        whole = channel.simulate_sphere_packing([4], [1.5], **settings)
        monkeypatch.setattr(channel, "DISTANCES_PER_BLOCK", 100)
        assert channel.simulate_sphere_packing([4], [1.5], **settings)["errors"] == whole["errors"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"dimensions": [12], "rates_bits": [2.0]}, "use random_code_error"),
            ({"dimensions": [2], "rates_bits": [0.0]}, "a rate is 0"),
            ({"dimensions": [2], "rates_bits": [math.nan]}, "a rate is nan"),
            ({"dimensions": [600], "rates_bits": [2.0]}, "1200 bits per block"),
            ({"dimensions": [0], "rates_bits": [1.0]}, "dimensions is 0"),
            ({"dimensions": [], "rates_bits": [1.0]}, "no point"),
            ({"codebooks": 1}, "codebooks is 1"),
            ({"messages": 0}, "messages 0"),
            ({"noise_variance": 0.0}, "noise_variance is"),
        ],
    )
    def test_input_refused(self, arguments, message):
        arguments = {"dimensions": [1], "rates_bits": [1.0], **POWERS, **arguments}
        with pytest.raises(ValueError, match=message):
            channel.simulate_sphere_packing(**arguments)

    def test_expectation_refuses_what_it_cannot_compute(self):
        with pytest.raises(ValueError, match="transmissions is 1"):
            channel.random_code_error([1], [1.0], **POWERS, transmissions=1)
        with pytest.raises(ValueError, match="signal_power is 0"):
            channel.random_code_error([1], [1.0], signal_power=0, noise_variance=1)


class TestNoncentralChiSquare:
    @pytest.mark.parametrize(
        ("bound", "freedom", "noncentrality"), [(2, 4, 5), (3, 16, 17), (6, 64, 70), (17, 256, 270), (900, 3, 800)]
    )
    def test_equals_scipy_where_scipy_reaches(self, bound, freedom, noncentrality):
        value = channel._noncentral_chi_square_below(
            np.array([float(bound)]), freedom, np.array([float(noncentrality)])
        )
        assert value[0] == pytest.approx(stats.ncx2.cdf(bound, freedom, noncentrality), rel=1e-8)

    def test_keeps_its_digits_where_scipy_returns_zero(self):
        """The reference was summed with 40 digits."""
        value = channel._noncentral_chi_square_below(np.array([27.0]), 400, np.array([425.0]))
        assert value[0] == pytest.approx(1.109669249254254857775e-241, rel=1e-9)
