"""The estimators read known truths before they are pointed at networks."""

import math
import subprocess
import sys

import infomeasure
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pyitlib.discrete_random_variable import information_mutual
from scipy import integrate, stats
from sklearn.metrics import mutual_info_score

from rate_distortion import information
from rate_distortion.analysis import channel
from rate_distortion.information import pairs

LN2 = math.log(2)
few = settings(max_examples=50, deadline=None)


@st.composite
def code_pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Two code vectors of one length, with few or many states, negative ones included."""
    length, states = draw(st.integers(2, 80)), draw(st.integers(1, 60))
    codes = arrays.arrays(np.int64, length, elements=st.integers(-states, states))
    return draw(codes), draw(codes)


layers = arrays.arrays(
    np.float64,
    st.tuples(st.integers(2, 40), st.integers(1, 4)),
    elements=st.integers(-50, 50).map(lambda value: value / 8),
).filter(lambda values: values.min() < values.max())


class TestDiscrete:
    @few
    @given(code_pairs())
    def test_equals_scikit_learn(self, pair):
        expected = mutual_info_score(*pair) / LN2
        assert information.mutual_information(*pair).value_bits == pytest.approx(expected, abs=1e-12)

    @few
    @given(code_pairs())
    def test_entropy_equals_scipy(self, pair):
        counts = np.unique(pair[0], return_counts=True)[1]
        assert information.entropy(pair[0]).value_bits == pytest.approx(stats.entropy(counts, base=2), abs=1e-12)

    @few
    @given(code_pairs())
    def test_symmetric_and_within_its_limits(self, pair):
        estimate = information.mutual_information(*pair)
        entropies = [information.entropy(codes).value_bits for codes in pair]
        assert 0 <= estimate.value_bits <= estimate.ceiling_bits + 1e-12
        assert estimate.ceiling_bits == pytest.approx(min(entropies), abs=1e-12)
        assert max(entropies) <= math.log2(estimate.samples) + 1e-12
        assert information.mutual_information(*pair[::-1]).value_bits == pytest.approx(estimate.value_bits, abs=1e-12)

    @few
    @given(code_pairs(), st.integers(1, 5))
    def test_processing_a_code_cannot_add_information(self, pair, divisor):
        coarser = pair[0] // divisor
        fine = information.mutual_information(*pair).value_bits
        assert information.mutual_information(coarser, pair[1]).value_bits <= fine + 1e-12

    @few
    @given(code_pairs())
    def test_permutation_p_value_is_a_probability_by_the_add_one_rule(self, pair):
        estimate = information.mutual_information(*pair, permutations=9)
        assert 0.1 <= estimate.p_value <= 1
        assert estimate.p_value * 10 == pytest.approx(round(estimate.p_value * 10))

    def test_a_bijection_reads_log2_n_and_its_floor_is_just_as_high(self):
        codes = np.random.default_rng(0).permutation(2000)
        estimate = information.mutual_information(np.arange(2000), codes, permutations=5)
        assert estimate.value_bits == pytest.approx(math.log2(2000), abs=1e-12)
        assert estimate.floor_bits == pytest.approx(math.log2(2000), abs=1e-12)
        assert estimate.p_value == 1
        assert information.entropy(codes).ceiling_bits == pytest.approx(10.965784284662087)

    def test_a_constant_code_carries_nothing(self):
        codes = np.arange(50) % 7
        assert information.mutual_information(np.zeros(50, int), codes, permutations=10).value_bits == 0
        assert information.entropy(np.zeros(50, int)).value_bits == 0

    @pytest.mark.parametrize("crossover", [0.0, 0.05, 0.11, 0.25, 0.5])
    def test_binary_symmetric_channel(self, crossover):
        """With exact proportions the plug-in estimate is exactly 1 - H(crossover), not only nearly."""
        samples = 20_000
        flipped = round(crossover * samples / 2)
        table = np.array([[samples // 2 - flipped, flipped], [flipped, samples // 2 - flipped]])
        expected = 1 - stats.entropy([crossover, 1 - crossover], base=2)
        assert information.confusion_information(table).value_bits == pytest.approx(expected, abs=1e-12)

    def test_a_known_alphabet_lowers_the_ceiling(self):
        codes = np.arange(100) % 4
        assert information.entropy(codes, possible_states=4).ceiling_bits == 2
        assert information.entropy(codes, possible_states=30**128).ceiling_bits == pytest.approx(math.log2(100))
        with pytest.raises(ValueError, match="possible_states is 3"):
            information.entropy(codes, possible_states=3)


class TestConfusionTable:
    @few
    @given(code_pairs())
    def test_equals_the_codes_it_counts(self, pair):
        rows, columns = (codes - codes.min() for codes in pair)
        table = np.zeros((rows.max() + 1, columns.max() + 1), int)
        np.add.at(table, (rows, columns), 1)
        from_table = information.confusion_information(table)
        from_codes = information.mutual_information(*pair)
        for field in ("value_bits", "ceiling_bits", "miller_madow_bits", "samples", "occupied_states"):
            assert getattr(from_table, field) == pytest.approx(getattr(from_codes, field), abs=1e-12)

    def test_one_predicted_class_carries_nothing(self):
        """The paper's seed at 19.6 % accuracy: every image called a one, "the information is 0 bits in this case"."""
        table = np.zeros((10, 10), int)
        table[:, 1] = np.arange(100, 1100, 100)
        estimate = information.confusion_information(table, permutations=10)
        assert (estimate.value_bits, estimate.floor_bits, estimate.p_value) == (0, 0, 1)

    def test_always_wrong_in_the_same_way_carries_everything(self):
        table = 100 * np.roll(np.eye(10, dtype=int), 1, axis=1)
        estimate = information.confusion_information(table, permutations=99)
        assert estimate.value_bits == pytest.approx(math.log2(10), abs=1e-12)
        assert estimate.p_value == 0.01

    @pytest.mark.parametrize(
        ("table", "message"),
        [
            ([[1.5, 2], [3, 4]], "not whole"),
            ([[-1, 2], [3, 4]], "negative"),
            ([[math.nan, 2], [3, 4]], "pass counts"),
            ([1, 2, 3], "pass a matrix"),
            ([[1, 0], [0, 0]], "at least 2"),
            ([[0, 0], [0, 0]], "counts 0 samples"),
        ],
    )
    def test_refuses_what_is_not_a_table_of_counts(self, table, message):
        with pytest.raises(ValueError, match=message):
            information.confusion_information(np.array(table))


class TestBiasAndFloor:
    def test_corrections_equal_an_independent_library(self):
        generator = np.random.default_rng(0)
        for states, samples in ((2, 50), (7, 200), (40, 100)):
            first = generator.integers(0, states, samples)
            second = (first + generator.integers(0, 3, samples)) % states
            entropy = infomeasure.entropy(first, approach="miller_madow", base=2)
            mutual = infomeasure.mutual_information(first, second, approach="miller_madow", base=2)
            assert information.entropy(first).miller_madow_bits == pytest.approx(entropy, abs=1e-12)
            assert information.mutual_information(first, second).miller_madow_bits == pytest.approx(mutual, abs=1e-12)

    def test_plug_in_equals_an_independent_library(self):
        first, second = np.random.default_rng(0).integers(0, 9, (2, 300))
        expected = float(information_mutual(first, second, base=2))
        assert information.mutual_information(first, second).value_bits == pytest.approx(expected, abs=1e-12)

    def test_miller_madow_removes_nearly_all_bias_when_states_are_few(self):
        """20 equally likely states, 500 samples: the plug-in entropy is low by 19 / 1000 nats = 0.0274 bits on average."""
        generator = np.random.default_rng(0)
        estimates = [information.entropy(generator.integers(0, 20, 500)) for _ in range(400)]
        plug_in = np.mean([estimate.value_bits for estimate in estimates]) - math.log2(20)
        corrected = np.mean([estimate.miller_madow_bits for estimate in estimates]) - math.log2(20)
        assert plug_in == pytest.approx(-19 / 1000 / LN2, abs=0.002)
        assert abs(corrected) < 0.002

    @pytest.mark.parametrize("states", [6, 90])
    def test_floor_is_the_mean_over_shuffles(self, states):
        """Both samplers (random tables, and shuffles where the table is nearly empty) against shuffled scikit-learn."""
        generator = np.random.default_rng(1)
        first, second = generator.integers(0, states, (2, 200))
        shuffled = [mutual_info_score(first, generator.permutation(second)) / LN2 for _ in range(400)]
        estimate = information.mutual_information(first, second, permutations=400)
        assert estimate.permutations == 400
        spread = np.std(shuffled, ddof=1)
        assert estimate.floor_bits == pytest.approx(np.mean(shuffled), abs=5 * spread / math.sqrt(200))
        assert estimate.floor_standard_deviation_bits == pytest.approx(spread, rel=0.2)

    def test_floor_of_few_states_is_the_first_order_formula(self):
        """(K_T - 1)(K_Y - 1) / (2 n) nats, as long as states are far fewer than samples."""
        generator = np.random.default_rng(0)
        estimate = information.mutual_information(
            generator.integers(0, 22, 2000), generator.integers(0, 2, 2000), permutations=1000
        )
        assert estimate.floor_bits == pytest.approx(21 / 4000 / LN2, rel=0.1)

    def test_p_values_are_uniform_without_information(self):
        generator = np.random.default_rng(0)
        pairs = generator.integers(0, 5, (400, 2, 100))
        p_values = [
            information.mutual_information(*pair, permutations=99, seed=seed).p_value for seed, pair in enumerate(pairs)
        ]
        assert stats.kstest(p_values, "uniform").pvalue > 0.001

    def test_seed_decides_the_floor_and_nothing_else(self):
        first, second = np.random.default_rng(0).integers(0, 5, (2, 100))
        estimates = [information.mutual_information(first, second, permutations=20, seed=seed) for seed in (0, 0, 1)]
        assert estimates[0] == estimates[1]
        assert estimates[0].floor_bits != estimates[2].floor_bits
        assert estimates[0].value_bits == estimates[2].value_bits

    def test_without_permutations_there_is_no_floor(self):
        estimate = information.mutual_information(np.arange(10) % 2, np.arange(10) % 3)
        assert math.isnan(estimate.floor_bits)
        assert math.isnan(estimate.p_value)

    @pytest.mark.parametrize("permutations", [-1, 1])
    def test_one_permutation_has_no_spread(self, permutations):
        with pytest.raises(ValueError, match=f"permutations is {permutations}"):
            information.mutual_information(np.arange(10) % 2, np.arange(10) % 3, permutations=permutations)


class TestCodesRefused:
    @pytest.mark.parametrize(
        "codes", [np.array([1]), np.array([]), np.array([0.0, 1.0, np.nan]), np.eye(3, dtype=int), np.array(["a", "b"])]
    )
    def test_not_a_vector_of_integers(self, codes):
        with pytest.raises(ValueError, match="at least two integers"):
            information.entropy(codes)
        with pytest.raises(ValueError, match="second_codes"):
            information.mutual_information(np.arange(3), codes)

    def test_lengths_that_differ(self):
        with pytest.raises(ValueError, match="first_codes has 3 samples and second_codes 4"):
            information.mutual_information(np.arange(3), np.arange(4))


class TestBinning:
    @few
    @given(layers, st.integers(2, 40), st.booleans(), st.booleans())
    def test_codes_survive_any_increasing_map(self, values, bins, per_unit, distinct_values):
        settings = {"per_unit": per_unit, "distinct_values": distinct_values}
        codes = information.equal_mass_bins(values, bins, **settings).codes
        for mapped in (np.exp(values), values**3, 5 * values - 2):
            np.testing.assert_array_equal(information.equal_mass_bins(mapped, bins, **settings).codes, codes)

    @few
    @given(layers, st.integers(2, 40), st.booleans())
    def test_equal_values_share_a_bin_and_order_is_kept(self, values, bins, per_unit):
        codes = information.equal_mass_bins(values, bins, per_unit=per_unit).codes.astype(int)
        columns = zip(values.T, codes.T, strict=True) if per_unit else [(values.ravel(), codes.ravel())]
        for unit_values, unit_codes in columns:
            order = np.argsort(unit_values)
            value_steps, code_steps = np.diff(unit_values[order]), np.diff(unit_codes[order])
            assert (code_steps >= 0).all()
            assert (code_steps[value_steps == 0] == 0).all()

    def test_mass_is_equal_without_ties(self):
        values = np.random.default_rng(0).normal(size=(1000, 7))
        counts = np.bincount(information.equal_mass_bins(values, 30).codes.ravel())
        assert len(counts) == 30
        assert counts.max() - counts.min() <= 1
        per_unit = information.equal_mass_bins(values * np.arange(1, 8), 30, per_unit=True)
        for unit in per_unit.codes.T:
            assert np.ptp(np.bincount(unit, minlength=30)) <= 1

    def test_one_sample_per_bin_tells_all_samples_apart(self):
        values = np.random.default_rng(0).normal(size=500)
        codes = information.equal_mass_bins(values, 500).codes
        assert information.entropy(codes[:, 0]).value_bits == pytest.approx(math.log2(500))

    @pytest.mark.parametrize(("zeros", "effective_bins"), [(0.5, 16), (0.8, 7), (0.95, 3)])
    def test_zeros_of_rectified_units_leave_few_effective_bins(self, zeros, effective_bins):
        values = np.random.default_rng(0).uniform(1, 2, size=12_000)
        values[: round(zeros * len(values))] = 0
        layer = information.equal_mass_bins(values.reshape(2000, 6), 30)
        assert layer.effective_bins == effective_bins
        assert layer.fullest_bin_share == pytest.approx(zeros)
        assert (layer.codes[values.reshape(2000, 6) == 0] == 0).all(), "the zeros have a bin to themselves"
        assert information.equal_mass_bins(values.reshape(2000, 6), 30, distinct_values=True).effective_bins == 30

    def test_pooled_bins_see_scale_and_bins_per_unit_do_not(self):
        values = np.random.default_rng(0).normal(size=(500, 2)) * [1, 1000]
        assert information.equal_mass_bins(values, 30).occupied_bins[0] < 30
        assert information.equal_mass_bins(values, 30, per_unit=True).effective_bins == 30

    def test_a_dead_unit_in_a_live_layer_has_one_bin(self):
        values = np.random.default_rng(0).normal(size=(100, 2))
        values[:, 1] = 0
        for layer in (
            information.equal_mass_bins(values, per_unit=True),
            information.fixed_width_bins(values, per_unit=True),
        ):
            assert layer.occupied_bins[1] == 1

    def test_many_bins_do_not_wrap_around(self):
        values = np.arange(1000.0)
        np.testing.assert_array_equal(information.equal_mass_bins(values, 1000).codes[:, 0], np.arange(1000))

    def test_fixed_width_equals_a_histogram(self):
        values = np.random.default_rng(0).normal(size=(300, 4))
        counts = np.bincount(information.fixed_width_bins(values, 12).codes.ravel(), minlength=12)
        np.testing.assert_array_equal(counts, np.histogram(values, 12)[0])

    def test_values_beyond_the_range_belong_to_the_outermost_bins(self):
        codes = information.fixed_width_bins(np.array([-5.0, -0.99, 0.99, 9.0]), 30, value_range=(-1, 1)).codes[:, 0]
        assert codes.tolist() == [0, 0, 29, 29]

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
    def test_types(self, dtype):
        values = np.arange(60).reshape(20, 3).astype(dtype)
        np.testing.assert_array_equal(np.bincount(information.equal_mass_bins(values, 6).codes.ravel()), [10] * 6)

    @few
    @given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 3)), elements=st.integers(0, 3)))
    def test_row_codes_equal_unique_rows(self, codes):
        ids = information.row_codes(codes)
        expected = np.unique(codes, axis=0, return_inverse=True)[1].ravel()
        np.testing.assert_array_equal(ids[:, None] == ids, expected[:, None] == expected)

    def test_row_codes_refuse_floating_point(self):
        with pytest.raises(ValueError, match="matrix of integers"):
            information.row_codes(np.zeros((3, 2)))

    @pytest.mark.parametrize("estimate", [information.equal_mass_bins, information.fixed_width_bins])
    def test_activations_refused(self, estimate):
        good = np.arange(6.0).reshape(3, 2)
        for bad, message in (
            (np.where(good == 3, np.nan, good), "1 of 6 activations are not finite"),
            (np.where(good == 3, np.inf, good), "not finite"),
            (good[:1], "at least two samples"),
            (good[None], "at least two samples"),
            (good.astype(complex), "real numbers"),
        ):
            with pytest.raises(ValueError, match=message):
                estimate(bad)
        with pytest.raises(information.ConstantInputError, match="dead layer"):
            estimate(np.zeros((10, 2)))
        with pytest.raises(ValueError, match="bins is 1"):
            estimate(good, 1)

    def test_ranges_refused(self):
        values = np.arange(4.0)
        for value_range, per_unit in (((1, 1), False), ((0, math.inf), False), ((0, 1), True)):
            with pytest.raises(ValueError, match="value_range is"):
                information.fixed_width_bins(values, value_range=value_range, per_unit=per_unit)


class TestGaussianChannel:
    """Against 0.5 log2(1 + P / N), the capacity that Gaussian input achieves (Equation 1)."""

    @staticmethod
    def pair(decibels: float, samples: int) -> tuple[np.ndarray, np.ndarray, float]:
        power = float(channel.signal_to_noise_ratio(decibels))
        generator = np.random.default_rng(int(decibels))
        sent = generator.normal(scale=math.sqrt(power), size=samples)
        return sent, sent + generator.normal(size=samples), float(channel.capacity_bits(power, 1.0))

    @pytest.mark.parametrize(
        ("decibels", "deviation_30_bins", "deviation_60_bins"),
        [(0, -0.01, 0.02), (5, -0.03, 0.01), (10, -0.07, -0.02), (15, -0.15, -0.06), (20, -0.30, -0.13)],
    )
    def test_equal_mass_bins(self, decibels, deviation_30_bins, deviation_60_bins):
        """100,000 samples: 30 bins read low by 0.01 bits at 0 dB and by 0.30 bits at 20 dB, because the noise there is
        narrower than a bin; 60 bins halve that, and their plug-in bias shows instead where little information flows.
        """
        sent, received, truth = self.pair(decibels, 100_000)
        for bins, deviation in ((30, deviation_30_bins), (60, deviation_60_bins)):
            codes = (information.equal_mass_bins(values, bins).codes[:, 0] for values in (sent, received))
            assert information.mutual_information(*codes).value_bits - truth == pytest.approx(deviation, abs=0.01)

    @pytest.mark.parametrize("decibels", [0, 5, 10, 15, 20])
    def test_kernel_bounds_enclose_it_at_their_exact_values(self, decibels):
        """For Gaussian input both pairwise bounds have a closed form as n grows. With 2,000 samples they come within 0.1 bits
        of it, and they lie up to 0.31 bits below and 0.74 bits above the truth.
        """
        sent, _, truth = self.pair(decibels, 2000)
        power = float(channel.signal_to_noise_ratio(decibels))
        bounds = information.kernel_information(sent, 1.0)
        assert bounds.input_lower_bits < truth < bounds.input_upper_bits
        for bound, scale in ((bounds.input_lower_bits, 4.0), (bounds.input_upper_bits, 1.0)):
            exact = (0.5 * math.log1p(power / scale) + power / (2 * (power + scale))) / LN2
            assert bound == pytest.approx(exact, abs=0.1)


class TestKernelDensity:
    @staticmethod
    def mixture_entropy_bits(centres: np.ndarray, variance: float) -> float:
        """Entropy of an equal mixture of Gaussians on the line, by numerical integration."""

        def integrand(value: float) -> float:
            density = stats.norm.pdf(value, centres, math.sqrt(variance)).mean()
            return -density * math.log2(density) if density > 0 else 0.0

        margin = 12 * math.sqrt(variance)
        return integrate.quad(integrand, centres.min() - margin, centres.max() + margin, limit=500, points=centres)[0]

    @pytest.mark.parametrize("variance", [0.02, 0.3, 5.0])
    def test_bounds_enclose_the_mixture_entropy(self, variance):
        generator = np.random.default_rng(0)
        labels = np.array([0, 0, 0, 1, 1, 2, 2, 2])
        centres = labels + generator.normal(scale=0.6, size=len(labels))
        noise_bits = 0.5 * math.log2(2 * math.pi * math.e * variance)
        input_bits = self.mixture_entropy_bits(centres, variance) - noise_bits
        conditional_bits = sum(
            (labels == label).mean() * (self.mixture_entropy_bits(centres[labels == label], variance) - noise_bits)
            for label in range(3)
        )
        bounds = information.kernel_information(centres, variance, labels)
        assert bounds.input_lower_bits <= input_bits <= bounds.input_upper_bits
        assert bounds.label_lower_bits <= input_bits - conditional_bits <= bounds.label_upper_bits
        for estimate in (bounds.label_bhattacharyya_bits, bounds.label_kullback_leibler_bits):
            assert bounds.label_lower_bits <= estimate <= bounds.label_upper_bits

    @few
    @given(layers, st.floats(1e-3, 1e3))
    def test_ordered_within_zero_and_log2_n(self, values, variance):
        labels = np.arange(len(values)) % 3
        bounds = information.kernel_information(values, variance, labels)
        assert -1e-9 <= bounds.input_lower_bits <= bounds.input_upper_bits + 1e-9
        assert bounds.input_upper_bits <= bounds.input_ceiling_bits + 1e-9
        assert bounds.label_lower_bits <= bounds.label_upper_bits + 1e-9
        assert bounds.label_upper_bits <= bounds.label_ceiling_bits + 1e-9

    def test_equals_the_formula_written_out(self):
        values = np.random.default_rng(0).normal(size=(1100, 3))
        distances = np.square(values[:, None] - values).sum(-1)
        expected = [-np.log2(np.exp(-distances / scale).mean(axis=1)).mean() for scale in (8 * 0.5, 2 * 0.5)]
        bounds = information.kernel_information(values, 0.5)
        assert [bounds.input_lower_bits, bounds.input_upper_bits] == pytest.approx(expected, abs=1e-10)

    def test_far_apart_reads_log2_n_and_the_label_entropy(self):
        labels = np.arange(64) % 2
        bounds = information.kernel_information(100.0 * np.arange(64), 0.1, labels)
        assert [bounds.input_lower_bits, bounds.input_upper_bits] == pytest.approx([6, 6])
        assert [bounds.label_lower_bits, bounds.label_upper_bits] == pytest.approx([1, 1])

    def test_two_tight_clusters_are_one_bit(self):
        generator = np.random.default_rng(0)
        labels = np.arange(200) % 2
        values = 1000.0 * labels[:, None] + 1e-6 * generator.normal(size=(200, 5))
        bounds = information.kernel_information(values, 1.0, labels)
        assert bounds.input_lower_bits == pytest.approx(1, abs=1e-6)
        assert [bounds.label_lower_bits, bounds.label_upper_bits] == pytest.approx([1, 1], abs=1e-6)

    def test_without_labels_the_label_fields_are_undefined(self):
        bounds = information.kernel_information(np.arange(5.0), 1.0)
        undefined = (bounds.label_lower_bits, bounds.label_upper_bits, bounds.label_kullback_leibler_bits)
        assert all(math.isnan(value) for value in undefined)

    def test_input_refused(self):
        values = np.arange(5.0)
        for variance in (0.0, -1.0, math.nan, math.inf):
            with pytest.raises(ValueError, match="noise_variance is"):
                information.kernel_information(values, variance)
        with pytest.raises(ValueError, match="there are 5 samples"):
            information.kernel_information(values, 1.0, np.arange(4))
        with pytest.raises(information.ConstantInputError):
            information.kernel_information(np.ones(5), 1.0)


class TestInformationPlane:
    def test_a_wide_layer_saturates_at_both_ceilings_and_so_does_its_floor(self):
        generator = np.random.default_rng(0)
        labels = np.arange(500) % 2
        point = information.plane_point(
            information.equal_mass_bins(generator.normal(size=(500, 64))), labels, permutations=5
        )
        assert point.input.value_bits == point.input.ceiling_bits == pytest.approx(math.log2(500))
        assert point.label.value_bits == point.label.ceiling_bits == pytest.approx(1)
        assert point.label.floor_bits == pytest.approx(1)

    def test_a_narrow_layer_has_the_ceiling_of_its_bins(self):
        layer = information.equal_mass_bins(np.random.default_rng(0).normal(size=(500, 1)), 30)
        point = information.plane_point(layer, np.arange(500) % 2)
        assert point.input.ceiling_bits == pytest.approx(math.log2(30))
        assert point.input.occupied_states == 30

    @few
    @given(layers)
    def test_coarser_codes_lie_lower_in_the_plane(self, values):
        labels = np.arange(len(values)) % 3
        layer = information.equal_mass_bins(values, 16)
        fine = information.plane_point(layer, labels)
        states = information.row_codes(layer.codes // 4)
        assert information.entropy(states).value_bits <= fine.input.value_bits + 1e-12
        assert information.mutual_information(states, labels).value_bits <= fine.label.value_bits + 1e-12
        assert fine.label.value_bits <= fine.input.value_bits + 1e-12

    def test_labels_of_another_length(self):
        layer = information.equal_mass_bins(np.arange(10.0))
        with pytest.raises(ValueError, match="10 samples and second_codes 9"):
            information.plane_point(layer, np.arange(9))

    def test_data_processing_violations_are_counted(self):
        bits = np.array([[[3.0, 2.0, 2.5], [1.0, 1.0, 1.0]], [[2.0, 2.2, 2.1], [0.5, 1.5, 2.0]]])
        check = information.data_processing_check(bits)
        assert (check.comparisons, check.violations, check.largest_rise_bits) == (8, 4, 1.0)
        assert information.data_processing_check(bits, tolerance_bits=0.4).violations == 3
        assert information.data_processing_check([3.0, 2.0, 1.0]).largest_rise_bits == 0

    @pytest.mark.parametrize("bits", [[1.0], [[1.0, math.nan]], 1.0, np.empty((0, 3))])
    def test_data_processing_input_refused(self, bits):
        with pytest.raises(ValueError, match="layer_bits"):
            information.data_processing_check(bits)

    def test_independent_pixels_bound_the_image_entropy(self):
        images = np.random.default_rng(0).integers(0, 4, (512, 3, 3)).astype(np.uint8)
        images[:, 0, 0] = 7
        bound = information.independent_pixel_entropy_bits(images)
        assert bound == pytest.approx(sum(stats.entropy(np.bincount(p), base=2) for p in images.reshape(512, -1).T))
        assert 15.8 < bound <= 16
        every_value = np.arange(256, dtype=np.uint8)[:, None]
        assert information.independent_pixel_entropy_bits(every_value) == pytest.approx(8)
        with pytest.raises(ValueError, match="type uint8"):
            information.independent_pixel_entropy_bits(images / 255)


def test_needs_no_torch():
    code = "import sys, rate_distortion.information, rate_distortion.analysis.channel; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "src"}, check=False).returncode == 0


class TestPairInformation:
    def test_counts_stand_for_logarithms_as_grassberger_defines_them(self):
        """G(1) = -gamma - ln 2, G(2) = 2 - gamma - ln 2, G(2n + 1) = G(2n), G(2n + 2) = G(2n) + 2 / (2n + 1), in nats."""
        expected = [0.0, -np.euler_gamma - LN2, 2 - np.euler_gamma - LN2]
        for count in range(3, 40):
            expected.append(expected[-1] if count % 2 else expected[-2] + 2 / (count - 1))
        assert pairs._grassberger_bits(np.arange(40)) * LN2 == pytest.approx(np.array(expected))

    @pytest.mark.parametrize(("samples", "states"), [(60, 5), (80, 40), (3000, 10)])
    def test_chance_is_the_mean_over_random_pairings(self, samples, states):
        rng = np.random.default_rng(0)
        first, second = rng.integers(0, states, samples), rng.binomial(states - 1, 0.3, samples)
        found = [information.pair_information(first, rng.permutation(second)).mean() for _ in range(300)]
        assert np.mean(found) == pytest.approx(0, abs=4 * np.std(found) / math.sqrt(300))

    def test_a_copy_tells_the_whole_entropy_and_a_constant_nothing(self):
        codes = np.repeat(np.arange(4), [10, 20, 5, 1])
        entropy = information.entropy(codes).value_bits
        assert information.pair_information(codes, codes[::-1].max() - codes).mean() == pytest.approx(entropy)
        assert information.pair_information(codes, np.zeros(36, int)).mean() == pytest.approx(0, abs=1e-12)
        assert (information.pair_information(np.arange(5), np.arange(5)) == 0).all(), (
            "chance alone would tell everything"
        )
