"""Figure 2: measures with known answers, and seeds that never settle."""

import math
import types

import numpy as np
import pandas
import pytest
from claim_records import LEDGER, assessed, gradient_rows, perceptron_csv

from rate_distortion.analysis.records import MissingError, StudyRecords
from rate_distortion.claims import measures


def test_figure_2_is_measured_as_it_was_made(tmp_path):
    paths = []
    networks = {
        ("relu", "none"): (1000, [-3, -2.5, -1, -0.6]),
        ("tanh", "none"): (3000, [-3, -2.5, -1, -0.6]),
        ("relu", "batch"): (100, [-1, -1.1, -1, -1.1]),
        ("tanh", "batch"): (100, [-1, -1.1, -1, -1.1]),
    }
    for (activation, normalization), made in networks.items():
        for seed in (1, 2):
            rows = gradient_rows(*made)
            paths.append(perceptron_csv(tmp_path, "gradient_snr", activation, normalization, seed, rows))
    records = StudyRecords({"gradient_snr": paths})
    assert 1000 / 1.8 <= measures.gradients.plateau_epoch(records, "relu", "none").high.mean() <= 1000 * 1.8
    assert 100 / 1.8 <= measures.gradients.plateau_epoch(records, "relu", "batch").high.mean() <= 100 * 1.8
    for name in [
        "F2-plateau-rank",
        "F2-plateau-any",
        "F2-distinct",
        "F2-sorted",
        "F2-order",
        "F2-last",
        "F2-bn-collapse",
    ]:
        claim = LEDGER[name]
        parts = measures.MEASURES[claim.measure](records, **claim.arguments)
        assert all((values > 0).all() for values in parts.values()), (name, parts)
    with pytest.raises(MissingError, match="relu units without"):
        measures.gradients.plateau_epoch(StudyRecords({"gradient_snr": paths[2:3]}), "relu", "none")


def test_networks_trained_for_different_lengths_are_compared_over_the_epochs_of_both(monkeypatch):
    """relu settles after the end of tanh, or not at all, and tanh not at all: nothing tells which is the earlier."""
    last, plateau = {"relu": 10_000, "tanh": 4000}, {"relu": [6000, math.nan], "tanh": [math.nan, math.nan]}
    gradients = pandas.DataFrame([{"activation": k, "normalization": "none", "epoch": last[k]} for k in last])
    summaries = {k: pandas.DataFrame({"seed": [1, 2], "plateau_epoch": plateau[k]}) for k in plateau}
    monkeypatch.setattr(
        measures.gradients, "_gradient_summary", lambda _records, activation, _normalization: summaries[activation]
    )
    records = types.SimpleNamespace(gradient_records=gradients)
    (difference,) = measures.gradients.plateau_chains(records, [["relu/none", "tanh/none"]]).values()
    assert list(difference) == [0, 0]
    plateau["tanh"][:] = [1000, 2000]
    summaries["tanh"]["plateau_epoch"] = plateau["tanh"]
    (difference,) = measures.gradients.plateau_chains(records, [["tanh/none", "relu/none"]]).values()
    assert list(difference) == pytest.approx([math.log10(4), math.log10(2)])


def gradient_verdict(folder, corners):
    """The assessment of F2-plateau-relu; a corner beyond 10,000 epochs is never seen."""
    paths = [
        perceptron_csv(folder, "gradient_snr", "relu", "none", seed, gradient_rows(corner, [-3, -2.5]))
        for seed, corner in enumerate(corners, start=1)
    ]
    return assessed([], gradient_snr=paths)["F2-plateau-relu"]


def test_seeds_that_never_settle_are_failures_and_not_missing_data(tmp_path):
    half = gradient_verdict(tmp_path / "half", [1000, 900, 1100, 1050, 950] + [10**12] * 5)
    assert (half.verdict, half.censored, half.measured.n) == ("undecided", 5, 10)
    assert "not reached or not known in 5 of 10 seeds" in half.reason
    assert gradient_verdict(tmp_path / "none", [10**12] * 5).verdict == "not reproduced"
    assert gradient_verdict(tmp_path / "all", [1000, 900, 1100, 1050, 950]).verdict == "reproduced"
    # two that settle late and three that never do against a printed 1,000: they refute it together
    assert gradient_verdict(tmp_path / "late", [5000, 4500] + [10**12] * 3).verdict == "not reproduced"


def test_layers_of_which_half_never_settle_refute_a_printed_100_epochs(tmp_path):
    """Three layers of six settle near 1,000 and three not by 4,000: so does the median one at the mean of the two, or later."""
    corners = [500, 1000, 1300, 10**12, 10**12, 10**12]
    paths = []
    for seed in range(1, 6):
        rows = [
            row | {"layer": layer}
            for layer, corner in enumerate(corners, start=1)
            for row in gradient_rows(corner, [-3])
            if row["epoch"] <= 4000
        ]
        paths.append(perceptron_csv(tmp_path, "gradient_snr", "tanh", "batch", seed, rows))
    found = assessed([], gradient_snr=paths)["F2-plateau-bn-tanh"]
    assert (found.verdict, found.censored) == ("not reproduced", 5)
    assert 2000 < found.measured.mean < 2800


@pytest.mark.parametrize(("corner", "verdict"), [(1000, "reproduced"), (10**12, "not reproduced")])
def test_five_seeds_that_still_move_at_the_end_refute_that_the_ratio_becomes_constant(tmp_path, corner, verdict):
    rng = np.random.default_rng(0)

    def noisy():
        return [
            row | {"mean_norm": row["mean_norm"] * 10 ** rng.normal(0, 0.01)}
            for row in gradient_rows(corner, [-3 + rng.normal(0, 0.1), -2.5])
        ]

    paths = [
        perceptron_csv(tmp_path, "gradient_snr", *network, seed, noisy())
        for network in (("relu", "none"), ("tanh", "none"), ("relu", "batch"), ("tanh", "batch"))
        for seed in range(1, 6)
    ]
    assert assessed([], gradient_snr=paths)["F2-plateau-any"].verdict == verdict
