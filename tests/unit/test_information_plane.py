"""Rows of the information plane and their summaries."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from rate_distortion import information
from rate_distortion.analysis import information_plane
from rate_distortion.analysis.information_plane import Estimator, PlaneSettings

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 200)
LAYERS = [
    RNG.normal(size=(200, 6)),
    np.maximum(RNG.normal(size=(200, 3)), 0),
    RNG.normal(size=(200, 1)) + 3 * LABELS[:, None],
]
COLUMNS = {
    "layer", "units", "estimator", "input_information_bits", "label_information_bits", "input_ceiling_bits",
    "label_ceiling_bits", "input_floor_bits", "label_floor_bits", "label_floor_standard_deviation_bits", "effective_bins",
    "occupied_states", "samples", "bins", "noise_variance", "reason",
}  # fmt: skip


def rows(layers=LAYERS, estimators=information_plane.ESTIMATORS, labels=LABELS, **keywords):
    return information_plane.plane_rows(layers, labels, estimators, **({"permutations": 20} | keywords))


def records(table, layers=(1, 2)):
    """Records of one estimator from {(seed, labels, epoch): bits by layer}; I(T; Y) is a tenth of I(X; T)."""
    return pd.DataFrame(
        {
            "seed": seed,
            "labels": labels,
            "epoch": epoch,
            "layer": layer,
            "estimator": "pooled_bins",
            "input_information_bits": value,
            "label_information_bits": value / 10,
        }
        for (seed, labels, epoch), bits in table.items()
        for layer, value in zip(layers, bits, strict=True)
    )


def test_every_row_has_the_same_columns_and_every_layer_every_estimator():
    found = rows()
    assert all(set(row) == COLUMNS for row in found)
    names = ["pooled_bins", "per_unit_bins", "distinct_value_bins", "fixed_width_bins"]
    names += ["kernel_0.1_lower", "kernel_0.1_upper", "kernel_0.001_lower", "kernel_0.001_upper"]
    assert [(row["layer"], row["estimator"]) for row in found] == [
        (layer, name) for layer in (1, 2, 3) for name in names
    ]


def test_values_are_those_of_the_information_package():
    main, *_ = rows(estimators=[Estimator("main", bins=10)])
    point = information.plane_point(information.equal_mass_bins(LAYERS[0], 10), LABELS, permutations=20)
    assert main["input_information_bits"] == point.input.value_bits
    assert main["label_information_bits"] == point.label.value_bits
    assert main["label_floor_bits"] == point.label.floor_bits
    assert (main["bins"], main["samples"], main["effective_bins"]) == (10, 200, 10)
    assert main["input_ceiling_bits"] == pytest.approx(np.log2(200))


def test_estimates_lie_between_zero_and_their_ceilings():
    for row in rows():
        assert -1e-9 <= row["input_information_bits"] <= row["input_ceiling_bits"] + 1e-9
        assert row["label_information_bits"] <= row["label_ceiling_bits"] + 1e-9
        assert row["label_ceiling_bits"] <= 1


def test_kernel_rows_are_bounds_around_a_layer():
    lower, upper = rows(LAYERS[:1], [Estimator("k", "kernel", noise_variance=0.5)])
    assert lower["input_information_bits"] < upper["input_information_bits"]
    assert lower["noise_variance"] == upper["noise_variance"] == 0.5
    assert np.isnan([lower["bins"], lower["effective_bins"], lower["label_floor_bits"]]).all()


def test_a_dead_layer_is_a_row_with_a_reason_and_disturbs_no_other():
    alive, dead = rows(), rows([LAYERS[0], np.zeros((200, 3)), LAYERS[2]])
    for row, reference in zip(dead, alive, strict=True):
        if row["layer"] == 2:
            assert row["reason"] == "all activations of the layer are equal"
            assert np.isnan([row["input_information_bits"], row["label_information_bits"]]).all()
            assert row["samples"] == 200
        else:
            assert pd.DataFrame([row]).equals(pd.DataFrame([reference]))
            assert row["reason"] == ""


def test_an_estimator_may_use_fewer_samples_and_other_bins():
    sensitivity = [Estimator(f"{bins}_{n}", bins=bins, samples=n) for bins in (4, 30) for n in (50, 200)]
    found = rows(LAYERS[2:], sensitivity)
    assert [(row["bins"], row["samples"]) for row in found] == [(4, 50), (4, 200), (30, 50), (30, 200)]
    bits = [row["input_information_bits"] for row in found]
    assert bits[0] == pytest.approx(2, abs=0.01)
    assert bits[3] == pytest.approx(np.log2(30), abs=0.02)


def test_fixed_samples_are_different_images_in_an_order_of_their_own():
    images = RNG.normal(size=(50, 4))
    images[10:20] = images[0]
    chosen = information_plane.sample_rows(images, 1000)
    assert len(chosen) == 40
    assert len(np.unique(images[chosen], axis=0)) == 40
    np.testing.assert_array_equal(information_plane.sample_rows(images, 7), chosen[:7])
    assert (np.diff(chosen) < 0).any()


def test_softmax_keeps_apart_what_float32_would_not():
    logits = np.array([[20.0, 0.0], [21.0, 0.0], [1000.0, 0.0]], np.float32)
    probabilities = information_plane.softmax(logits)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert probabilities[0, 0] < probabilities[1, 0]


def test_degree_of_memorization_is_paired_by_seed_with_its_standard_error():
    table = {(1, "original", 5): (3, 2), (1, "random", 5): (5, 5), (2, "original", 5): (3, 2), (2, "random", 5): (4, 4)}
    table |= {(3, "random", 5): (9, 9), (1, "original", 9): (1, np.nan), (1, "random", 9): (4, 4)}
    found = information_plane.degree_of_memorization(records(table)).set_index(["epoch", "layer"])
    assert found.loc[(5, 1), "difference_bits"] == 1.5
    assert found.loc[(5, 1), "standard_error_bits"] == pytest.approx(0.5)
    assert found.loc[(5, 2), "difference_bits"] == 2.5
    assert found.loc[(5, 2), "n"] == 2
    assert found.loc[(9, 1), "difference_bits"] == 3
    assert np.isnan(found.loc[(9, 1), "standard_error_bits"])
    assert (9, 2) not in found.index
    with pytest.raises(ValueError, match="no records with random labels"):
        information_plane.degree_of_memorization(records({(1, "original", 5): (3, 2)}))


def test_compression_is_the_drop_from_the_first_maximum():
    table = {(1, "original", 9): (2, 4), (1, "original", 0): (3, 1), (1, "original", 3): (5, 4)}
    found = information_plane.compression(records(table)).set_index("layer")
    assert found.loc[1, ["maximum_bits", "epoch_of_maximum", "final_bits", "drop_bits"]].tolist() == [5, 3, 2, 3]
    assert found.loc[2, "drop_bits"] == 0
    dead_at_the_end = information_plane.compression(records(table | {(1, "original", 20): (np.nan, 4)}))
    assert dead_at_the_end.set_index("layer").loc[1, "final_bits"] == 2


def test_violations_of_data_processing_are_counted_where_all_layers_are_known():
    table = {
        (1, "original", 0): (3, 2),
        (1, "original", 1): (2, 3),
        (1, "original", 2): (2, 2.5),
        (1, "original", 3): (np.nan, 9),
    }
    found = information_plane.data_processing_violations(records(table)).set_index("coordinate")
    assert found.loc["input", ["epochs", "comparisons", "violations", "largest_rise_bits"]].tolist() == [3, 3, 2, 1]
    assert found.loc["label", "largest_rise_bits"] == pytest.approx(0.1)
    tolerant = information_plane.data_processing_violations(records(table), tolerance_bits=0.6)
    assert tolerant.set_index("coordinate").loc["input", "violations"] == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Estimator("x", "histogram"), "of kind 'histogram'; use one of equal_mass, fixed_width, kernel"),
        (lambda: PlaneSettings(estimators=()), "name at least one"),
        (lambda: PlaneSettings(estimators=(Estimator("x"), Estimator("x", bins=5))), "each by a name of its own"),
        (lambda: PlaneSettings(output="probabilities"), "use softmax or logits"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_module_needs_no_torch():
    code = "import sys; from rate_distortion.analysis import gradient_snr, information_plane; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "src"})
