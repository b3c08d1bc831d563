"""Claims: the ledger, the statistics behind a verdict, and known answers from records made to have them."""

import copy
import dataclasses
import functools
import inspect
import json
import math
import re
import types
from importlib import resources
from pathlib import Path

import numpy as np
import pandas
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind

from rate_distortion import information, studies
from rate_distortion.analysis.records import MissingError, StudyRecords
from rate_distortion.claims import arithmetic, assessment, comparability, ledger, measures, overview, theses, verdicts
from rate_distortion.storage import files, provenance
from rate_distortion.studies import configuration

ROOT = Path(__file__).parents[2]
LEDGER = ledger.load()

FLOOR = """
T1-A128-test T1-A64-test T1-A32-test T1-B128-test T1-B64-test T1-B32-test T1-C128-test T1-C64-test T1-C32-test
T1-A128-gap T1-A64-gap T1-A32-gap T1-B128-gap T1-B64-gap T1-B32-gap T1-C128-gap T1-C64-gap T1-C32-gap T1-A-train
T1-rank-test T1-rank-gap T1-lbgg-A T1-lbgg-B T1-lbgg-C T1-lossgap
T2-A128-train T2-A128-gap T2-A32-train T2-A32-gap T2-B128-train T2-B128-gap T2-C128-train T2-C128-gap T2-C32-train T2-C32-gap
T2-B-collapse T2-class1 T2-lbgg-C T2-C-B T2-lbgg-A L-crit L-best BP-test BP-gap
F2-plateau-relu F2-plateau-tanh F2-plateau-bn F2-order F2-bn-collapse F3-compress F3-nocompress F3-memo F4b-steps
F5-acc0-B-l2 F5-acc0-B-linf F5-acc0-C-l2 F5-acc0-C-linf F5-gauss-B F5-gauss-C F5-bn F5-plateau F5-residual F5-linf F5-9to6
F6-partition F6-power F6-bn F7-zero F7-one F7-cal0 F7-cal1 T3-Conv1 T3-Conv2 T3-Conv3 T3-Fc T3-Total
S-HY S-floor S-clean-decay S-clean-no-decay
"""
"""The list of machine-checkable claims that the project began with."""

PAPER_SIZES = {part: dict(own.sizes) for part, own in LEDGER.parts.items() if part != "follow_up"}
"""A study that is comparable in full."""


# The ledger.


def test_the_ledger_covers_the_floor():
    assert set(FLOOR.split()) <= {claim.id for claim in LEDGER.claims}


def test_every_claim_has_a_measure_that_takes_its_arguments():
    for claim in LEDGER.claims:
        if claim.kind == "arithmetic":
            inspect.signature(arithmetic.CALCULATIONS[claim.measure]).bind(LEDGER, **claim.arguments)
        else:
            inspect.signature(measures.MEASURES[claim.measure]).bind(None, **claim.arguments)


def test_every_measure_is_used():
    used = {claim.measure for claim in LEDGER.claims}
    assert used == set(measures.MEASURES) | set(arithmetic.CALCULATIONS)


def ledger_files():
    return [
        yaml.safe_load((resources.files("rate_distortion") / name).read_text())
        for name in ("claims.yaml", "claims.schema.yaml")
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"margn": "gap"}, "margn"),
        ({"margin": "generous"}, "has the margin 'generous'"),
        ({"part": "table9"}, "has the part 'table9'"),
        ({"linked_to": ["T1-B128"]}, "is linked to 'T1-B128'"),
        ({"id": "T1-A64-test"}, "stands there 2 times"),
        ({"printed": "86"}, "is '86'"),
    ],
)
def test_a_ledger_that_contradicts_itself_is_refused(change, message):
    content, schema = ledger_files()
    content = copy.deepcopy(content)
    content["claims"][0] |= change
    with pytest.raises((configuration.StudyError, ledger.LedgerError), match=re.escape(message)):
        ledger.parse(content, schema)


def test_printed_numbers_are_found_by_what_they_measure():
    cell = {"model": "C", "batch_size": 128, "labels": "original"}
    assert LEDGER.printed("run_quantity", quantity="generalization_gap", **cell) == (12.42, 0.04)
    assert all(map(math.isnan, LEDGER.printed_or_nan("run_quantity", quantity="seconds", **cell)))


# The statistics.

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


# Records made to fall into each verdict.


def write_json(path, record):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))
    return path


def table1_paths(folder, cells, seeds=5, spread=0.1):
    """metrics.json of runs whose test accuracy and gap have given means, and the same spread over seeds."""
    rng, paths = np.random.default_rng(0), []
    for (model, size), (test, gap) in cells.items():
        noise = rng.normal(0, spread, (2, seeds))
        noise -= noise.mean(axis=1, keepdims=True)
        for seed in range(1, seeds + 1):
            accuracy, distance = test + noise[0, seed - 1], gap + (noise[1, seed - 1] if model != "A" else 0)
            train = 100.0 if model == "A" else accuracy + distance
            record = {
                "model": model,
                "batch_size": size,
                "labels": "original",
                "seed": seed,
                "test_accuracy": accuracy,
                "train_accuracy": train,
                "generalization_gap": train - accuracy,
                "loss_gap": {"A": 1.0, "B": 0.1, "C": 0.5}[model] * (1 + noise[0, seed - 1] / 100),
                "epochs": 500,
                "first_fitted_epoch": 20,
            }
            paths.append(write_json(folder / f"{model}{size}/{seed}/metrics.json", record))
    return paths


def printed_cells():
    cells = {}
    for model in "ABC":
        for size in (128, 64, 32):
            cells[model, size] = tuple(LEDGER[f"T1-{model}{size}-{what}"].printed for what in ("test", "gap"))
    return cells


def assessed(paths, sizes=PAPER_SIZES, **kinds):
    found = assessment.assess(LEDGER, StudyRecords({"metrics": paths} | kinds), sizes)
    return {own.claim.id: own for own in found}


def test_records_that_equal_the_printed_ones_reproduce_numbers_and_orderings(tmp_path):
    found = assessed(table1_paths(tmp_path, printed_cells()))
    for name in ("T1-A128-test", "T1-B32-gap", "T1-A-train", "T1-rank-test", "T1-rank-gap", "T1-lossgap", "T1-fitting"):
        assert found[name].verdict == "reproduced", found[name]
    assert found["T1-lbgg-C-some"].measured.mean == pytest.approx(3.42)
    assert "Holm, 18 claims" in found["T1-B32-gap"].reason


def test_records_far_from_the_printed_ones_do_not_reproduce_them(tmp_path):
    cells = {key: (test - 5, gap + 5) for key, (test, gap) in printed_cells().items()}
    cells["B", 64] = (70.0, 20.0)
    found = assessed(table1_paths(tmp_path, cells))
    for name in ("T1-A128-test", "T1-A128-gap", "T1-B64-gap", "T1-rank-test", "T1-rank-gap"):
        assert found[name].verdict == "not reproduced", found[name]
    assert found["T1-rank-gap"].reason.startswith("weakest part (B@64 < C@64)")


def test_records_near_the_margin_leave_the_number_undecided(tmp_path):
    cells = {key: (test - 0.9, gap + 0.9) for key, (test, gap) in printed_cells().items()}
    assert assessed(table1_paths(tmp_path, cells))["T1-B128-test"].verdict == "undecided"


def test_fewer_than_five_seeds_decide_nothing(tmp_path):
    found = assessed(table1_paths(tmp_path, printed_cells(), seeds=4))
    for name in ("T1-B128-test", "T1-rank-gap"):
        assert found[name].verdict == "undecided"
        assert found[name].reason == "4 seeds; fewer than 5 decide nothing"
        assert found[name].measured.n == 4


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"dataset": "house_numbers"}, "other data"), ({"networks": {name: {"epochs": 20} for name in "AB"}}, "reduced")],
)
def test_numbers_are_judged_at_the_papers_size_only_and_orderings_anywhere(tmp_path, changes, word):
    sizes = PAPER_SIZES | {"table1": PAPER_SIZES["table1"] | changes}
    found = assessed(table1_paths(tmp_path, printed_cells()), sizes)
    number, ordering = found["T1-B128-test"], found["T1-rank-gap"]
    assert (number.verdict, number.comparability, ordering.verdict) == ("undecided", word, "reproduced")
    assert number.reason.startswith("compared at the paper's data and size only")
    # an ordering about the size itself
    assert found["T1-fitting"].reason.startswith("compared at the paper's data and size only")


def test_a_linked_claim_has_the_verdict_of_the_claims_it_is_in_disguise(tmp_path):
    cells = printed_cells()
    cells["A", 64] = (80.0, 20.0)
    found = assessed(table1_paths(tmp_path, cells))
    assert found["T1-A64-test"].verdict == found["T1-A64-gap"].verdict == "not reproduced"
    assert found["T1-A128-gap"].verdict == "reproduced"
    assert "T1-A128-test and T1-A128-train" in found["T1-A128-gap"].reason
    assert verdicts.joint_verdict(["reproduced", "undecided"]) == "undecided"


def test_what_a_study_does_not_have_stays_undecided_and_says_so(tmp_path):
    paths = table1_paths(tmp_path, {key: value for key, value in printed_cells().items() if key[1] == 128})
    sizes = {part: own for part, own in PAPER_SIZES.items() if part != "sphere_packing"}
    found = assessed(paths, sizes)
    assert found["F6-power"].reason == "the study has no sphere packing"
    assert found["T1-C64-test"].reason == "the study has no run of model C at batch size 64 on original labels"
    assert {found[name].verdict for name in ("F6-power", "T1-C64-test")} == {"undecided"}
    row = assessment.table(list(found.values())).set_index("id").loc["F6-power"]
    assert math.isnan(row["measured"])
    assert row["comparability"] == ""


def test_the_table_has_its_columns_in_order_and_one_row_per_claim(tmp_path):
    assessments = assessment.assess(LEDGER, StudyRecords({}), {})
    paths = [tmp_path / name for name in ("claims.csv", "claims.md", "theses.csv")]
    assessment.write(assessments, {"name": "none", "title": "nothing"}, *paths)
    table = pandas.read_csv(tmp_path / "claims.csv")
    assert list(table.columns[:9]) == (
        ["id", "statement", "printed", "measured", "standard_error", "n", "comparability", "verdict", "reason"]
    )
    assert list(table["id"]) == [claim.id for claim in LEDGER.claims]
    text = (tmp_path / "claims.md").read_text()
    assert "## Table 2: random labels\n\n| claim" in text
    assert "## Beside the paper" in text
    assert "10.20 ± 0.03 %" in text


def test_counts_of_parameters_are_compared_as_printed(tmp_path):
    header = "block,kernel_parameters,bias_parameters\n"
    rows = "Conv1,2048,32\nConv2,73728,64\nConv3,102400,64\nFc,2560,{}\n"
    for biases, verdict in ((10, "reproduced"), (100, "not reproduced")):
        path = tmp_path / f"network{biases}.csv"
        path.write_text(header + rows.format(biases))
        found = assessed([], network=[path])
        assert (found["T3-Conv2"].verdict, found["T3-Total"].verdict) == ("reproduced", verdict)


# Comparability.


STREET = {"dataset": "svhn", "classes": 10, "image_shape": [1, 32, 32], "train_on": "train+validation"}
STREET["images"] = {"train": 66_000, "validation": 7_257, "test": 26_032}
PAIR = {"dataset": "mnist", "classes": 2, "train_on": "train", "images": {"train": 12_396}}


@functools.cache
def read_yaml(path):
    return yaml.safe_load((ROOT / path).read_text())


def loaded_studies(change=None):
    """The configured studies; or paper alone, and the same with a change: a patch to merge."""
    config, schema = read_yaml("config.yaml"), read_yaml("workflow/schemas/config.schema.yaml")
    if change is None:
        return studies.load(config, schema)
    both = {"paper": config["studies"]["paper"], "changed": {"extends": "paper", **change}}
    return studies.load({**config, "study": "paper", "studies": both}, schema)


def words_of(study, calibrated=None):
    sizes = comparability.counted_sizes(comparability.study_sizes(study), [STREET, PAIR], calibrated)
    return {part: comparability.comparability(own, LEDGER.parts[part].sizes) for part, own in sizes.items()}


def test_the_studies_are_as_comparable_as_they_are():
    loaded = loaded_studies()
    words = words_of(loaded["paper"])
    assert {part for part, word in words.items() if word != "full"} == {"follow_up"}, words
    assert words.keys() >= {"table1", "table2", "calibration", "further_models", "figure5", "gradient_snr"}
    for part, word in words_of(loaded["demo"]).items():
        if part not in ("architecture", "arithmetic"):
            assert word == "other data", part


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"models": {"B": {"epochs": 60}}}, "table1 table2 further_models figure5 perturbations"),
        (
            {"models": {"A": {"learning_rate": 0.1}, "B": {"learning_rate": 0.01}}},
            "table1 table2 further_models calibration figure5",
        ),
        ({"models": {"C": {"width": 0.25}}}, "table1 table2 figure5"),
        ({"models": {"B": {"preprocessing": "grey"}}}, "table1 table2 further_models perturbations figure5 transfer"),
        ({"models": {"C": {"preprocessing": "rgb"}}}, "table1 table2 figure5"),
        (
            {"models": {"A": {"data": "train+extra"}, "B": {"data": "train"}}},
            "table1 table2 further_models calibration figure5",
        ),
        ({"models": {"B": {"weight_decay": 0.1}}}, "table1 table2 further_models perturbations figure5 transfer"),
        ({"models": {"B+": {"factory": "my:network"}}}, "further_models perturbations transfer"),
        ({"models": {"A-BN": {"normalization": "none"}}}, "further_models"),
        ({"models": {"B+": {"epochs": 5}}}, "further_models perturbations transfer"),
        ({"models": {"mine": {"base": "B", "epochs": 3}}, "tables": {"table1": {"mine": [128]}}}, ""),
        # what the paper leaves open: another reading than the documented default is not comparable in full
        (
            {"models": {"B": {"decayed_tensors": "weights"}}},
            "table1 table2 further_models perturbations figure5 transfer",
        ),
        ({"models": {"C": {"initialization": "he_normal"}}}, "table1 table2 figure5"),
        ({"models": {"C": {"batch_norm_evaluation": "population"}}}, "table1 table2 figure5"),
        ({"models": {"B+": {"preprocessing": "minmax"}}}, "further_models perturbations transfer"),
        (
            {"training": {"random_labels": "per_epoch"}},
            "table1 table2 further_models calibration perturbations figure5 transfer",
        ),
        ({"reverse_transmission": {"step_unit": "standard_deviation"}}, "perturbations"),
        ({"transfer": {"tuned": "head"}}, "transfer"),
        ({"sphere_packing": {"optimizer": "adam"}}, "sphere_packing"),
        ({"sphere_packing": {"information_samples": "minibatch"}}, "sphere_packing"),
        ({"multilayer_perceptron": {"hidden_widths": [7, 7, 7, 7, 7]}}, "gradient_snr information_plane"),
        ({"data": {"train_on": "train"}}, "table1 table2 further_models perturbations figure5 transfer"),
        ({"data": {"extra_images": 1000}}, "further_models perturbations transfer"),
        ({"calibration": {"batch_size": 32}}, "calibration"),
        ({"transfer": {"target_whitening": "source"}}, "transfer"),
        ({"transfer": {"test_images": 100}}, "transfer"),
        ({"transfer": {"steps": 1}}, "transfer"),
        ({"transfer": {"rotation_degrees": 45}}, "transfer"),
        ({"reverse_transmission": {"confidence": 0.9}}, "perturbations"),
        ({"perturbations": {"lowest_snr_db": 20}, "attack_audit": {"at_db": [20]}}, "figure5"),
        ({"perturbations": {"lowest_snr_db": 0.5}}, ""),
        ({"perturbations": {"max_steps": 10}}, "figure5"),
        ({"sphere_packing": {"encoder_widths": [64, 32]}}, "sphere_packing"),
        ({"sphere_packing": {"decoder_widths": [10]}}, "sphere_packing"),
        ({"sphere_packing": {"batch_norm_momentum": 0.5}}, "sphere_packing"),
        ({"sphere_packing": {"noise_log_variance": 0}}, "sphere_packing"),
        ({"sphere_packing": {"image_size": 14}}, "sphere_packing"),
        ({"multilayer_perceptron": {"hidden_widths": [20]}}, "gradient_snr information_plane"),
        ({"multilayer_perceptron": {"gradient_snr": {"epochs": 100}}}, "gradient_snr"),
        ({"multilayer_perceptron": {"gradient_snr": {"ratio": "saxe"}}}, "gradient_snr"),
        ({"multilayer_perceptron": {"information_plane": {"bins": 10}}}, "information_plane"),
        ({"multilayer_perceptron": {"information_plane": {"activation": "tanh"}}}, "information_plane"),
    ],
)
def test_what_the_networks_of_a_part_train_with_decides_on_its_comparability(change, parts):
    words = words_of(loaded_studies(change=change)["changed"])
    assert {part for part, word in words.items() if word == "reduced"} - {"follow_up"} == set(parts.split()), words
    assert "other data" not in words.values()


@pytest.mark.parametrize(("found", "word"), [(0.01, "full"), (0.03, "reduced"), (None, "reduced")])
def test_a_calibrated_weight_decay_is_compared_once_it_is_found(found, word):
    study = loaded_studies(change={"models": {"B": {"weight_decay": "calibrated"}}})["changed"]
    assert words_of(study, found)["table1"] == word


def test_reference_points_of_the_follow_up_are_shown_and_neither_judged_nor_counted(tmp_path):
    sizes = comparability.counted_sizes(comparability.study_sizes(loaded_studies()["paper"]), [STREET, PAIR])
    run = {"model": "B+", "batch_size": 128, "labels": "original", "loss_gap": 1.0, "generalization_gap": 4.5}
    run |= {"test_accuracy": 90.4}
    paths = [
        write_json(tmp_path / f"{seed}/metrics.json", run | {"seed": seed, "prediction_information": 2.4 + seed / 100})
        for seed in range(1, 6)
    ]
    found = assessed(paths, sizes)
    clean = found["S-clean-decay"]
    assert (clean.measured.mean, clean.verdict) == (pytest.approx(2.43), "undecided")
    reason = "this is reduced (B+: whitening zca instead of per-pixel standard deviation)"
    assert clean.reason == f"compared at the follow-up's data and size only; {reason}"
    words = assessment.counted(list(found.values()))
    counted = [claim for claim in LEDGER.claims if claim.of_the_paper and claim.rests_on == "experiments"]
    assert words.startswith(f"{len(counted)} claims for experiments: ")
    assert "Apart from these, counts of parameters: 5 undecided; the paper's own arithmetic: 14 reproduced" in words
    assert words.endswith("(4 reference points from its authors' follow-up are not counted)")
    text = (ROOT / "docs/methods.md").read_text()
    assert f"{sum(claim.of_the_paper for claim in LEDGER.claims)} claims with what is measured" in text


def test_a_reduced_part_says_in_what(tmp_path):
    study = loaded_studies(change={"models": {"B": {"epochs": 20}}})["changed"]
    sizes = comparability.counted_sizes(comparability.study_sizes(study), [STREET, PAIR])
    reason = assessed(table1_paths(tmp_path, printed_cells()), sizes)["T1-B128-test"].reason
    assert reason.endswith("this is reduced (B: epochs 20 instead of 500)")


def test_images_of_another_shape_or_of_other_classes_say_nothing_of_table_3(tmp_path):
    change = {"data": {"dataset": "arrays", "file": "own.npz", "extra_images": None}, "transfer": None}
    change["models"] = {"B+": None, "A+": None}
    change["tables"] = {"further_models": None}
    change["perturbations"] = {"cells": {"B+": None}}
    change["figures"] = {"figure4": None}
    study = loaded_studies(change=change)["changed"]
    own = {"dataset": "arrays", "classes": 2, "image_shape": [1, 28, 28], "train_on": "train"}
    own["images"] = {"train": 400, "validation": 50, "test": 100}
    sizes = comparability.counted_sizes(comparability.study_sizes(study), [own])
    assert sizes["table1"]["networks"]["A"]["train_images"] == 450
    path = tmp_path / "network.csv"
    rows = "".join(f"{block},512,2\n" for block in ("Conv1", "Conv2", "Conv3", "Fc"))
    path.write_text(f"block,kernel_parameters,bias_parameters\n{rows}")
    fc = assessed([], sizes, network=[path])["T3-Fc"]
    assert (fc.comparability, fc.verdict) == ("other data", "undecided")


# Measures with known answers.


def test_the_calibration_gives_the_smallest_sufficient_weight_decay_by_seed(tmp_path):
    paths = []
    for seed in range(1, 6):
        for value, fits, accuracy in ((0.001, True, 80.0), (0.01, seed == 1, 85.0), (0.03, False, 84.0)):
            for labels in ("original", "random"):
                record = {
                    "model": f"A-decay-{value:g}",
                    "batch_size": 128,
                    "labels": labels,
                    "seed": seed,
                    "weight_decay": value,
                    "train_accuracy": 50.0 if fits else 10.2,
                    "test_accuracy": accuracy,
                    "train_majority_percent": 10.2,
                    "train_images": 66_000,
                    "generalization_gap": 0.0,
                    "loss_gap": 1.0,
                }
                paths.append(write_json(tmp_path / f"{value}{labels}{seed}/metrics.json", record))
    choice = dict.fromkeys(
        (
            "best_validation_weight_decay",
            "same",
            "test_accuracy_percent",
            "test_standard_error",
            "seeds",
            "epochs",
            "steps",
        )
    )
    choice |= {"weight_decay": 0.03, "batch_size": 128, "train_images": 66_000, "model": "A"}
    records = StudyRecords({"metrics": paths, "weight_decay": [write_json(tmp_path / "weight_decay.json", choice)]})
    found = measures.capacity.sufficient_weight_decay(records)
    assert found.high.to_dict() == {1: 0.03, 2: 0.01, 3: 0.01, 4: 0.01, 5: 0.01}
    assert found.low.to_dict() == {1: 0.01, 2: 0.001, 3: 0.001, 4: 0.001, 5: 0.001}
    parts = measures.capacity.best_weight_decay(records, quantity="test_accuracy")
    assert {name: values.mean() for name, values in parts.items()} == {
        "better than 0.001": 4.0,
        "better than 0.01": -1.0,
    }


def perceptron_csv(folder, name, activation, normalization, seed, rows):
    path = folder / f"mlp/{activation}/{normalization}/original/seed{seed}/{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    pandas.DataFrame(rows).assign(seed=seed).to_csv(path, index=False)
    return path


def gradient_rows(corner, final_levels):
    """Layers whose ratio falls from 1 to a level (log10) until a corner and is constant after it."""
    epochs = np.unique(np.geomspace(1, 10_000, 60).astype(int))
    share = np.minimum(np.log10(epochs) / np.log10(corner), 1)
    return [
        {
            "epoch": epoch,
            "layer": layer,
            "mean_norm": 10 ** (level * part),
            "deviation_norm": 1.0 + (len(final_levels) - layer),
        }
        | {"weight_norm": 1.0, "minibatches": 124}
        for layer, level in enumerate(final_levels, start=1)
        for epoch, part in zip(epochs, share, strict=True)
    ]


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
        lows = {part: values.low if name == "F2-plateau-any" else values for part, values in parts.items()}
        assert all((values > 0).all() for values in lows.values()), (name, parts)
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


def test_figure_3_is_measured_as_it_was_made(tmp_path):
    def rows(labels, hidden, output):
        return [
            {"labels": labels, "estimator": estimator, "layer": layer, "epoch": epoch}
            | {"input_information_bits": bits, "label_information_bits": told}
            for estimator in ("pooled_bins", "other")
            for epoch, bits, told in zip((0, 10, 100, 1000), hidden, output, strict=True)
            for layer in (1, 2, 3)
        ]

    paths = []
    for labels, made in {
        "original": ([10, 10.9, 9.5, 8.9], [0.0, 0.9, 1.0, 1.0]),
        "random": ([10, 10.9, 10.9, 10.9], [0.0, 0.0, 0.1, 0.8]),
    }.items():
        frame = pandas.DataFrame(rows(labels, *made)).assign(seed=1)
        path = tmp_path / f"mlp/relu/none/{labels}/seed1/information_plane.csv"
        path.parent.mkdir(parents=True)
        frame.to_csv(path, index=False)
        paths.append(path)
    records = StudyRecords({"information_plane": paths})
    found = {
        name: measures.MEASURES[LEDGER[name].measure](records, **LEDGER[name].arguments)
        for name in ("F3-compress", "F3-nocompress", "F3-rise", "F3-monotonic", "F3-memo")
    }
    values = {f"{name}: {part}": series.loc[1] for name, parts in found.items() for part, series in parts.items()}
    assert values["F3-compress: drop above 0.1 bits"] == pytest.approx(1.9)
    assert values["F3-nocompress: drop below 0.1 bits"] == pytest.approx(0.1)
    assert values["F3-memo: random above original"] == pytest.approx(2.0)
    assert values["F3-rise: rises"] == pytest.approx(0.8)
    assert values["F3-monotonic: no fall"] == pytest.approx(0.08)
    assert values["F3-rise: later than on original labels"] == pytest.approx(math.log10(1001 / 11))


def sweep_run(folder, model, curves, seed=1):
    """A run's folder with sweeps whose information follows given curves: noise -> (ratios in dB, bits)."""
    run = folder / f"{model}/batch128/original/seed{seed}"
    write_json(run / "metrics.json", {"model": model, "batch_size": 128, "seed": seed})
    labels = np.repeat(np.arange(10), 10)
    arrays = {"labels": labels}
    (run / "perturbations").mkdir()
    for noise, (ratios, bits) in curves.items():
        frame = pandas.DataFrame(
            {"snr_db": ratios, "information_bits": bits, "floor_bits": 0.0, "evaluation_mode": "none"}
        )
        frame.assign(accuracy_percent=30 * np.array(bits)).to_csv(run / f"perturbations/{noise}.csv", index=False)
        sixes = np.where((labels == 9) & (np.arange(100) < 97), 6, labels)
        arrays[f"{noise}_none_predictions"] = np.tile(sixes, (len(bits), 1))
    np.savez(run / "perturbations/sweeps.npz", **arrays)
    return run / "perturbations/sweeps.npz"


def test_figure_5_is_measured_as_it_was_made(tmp_path):
    ratios = [np.inf, 60, 45, 30, 20, 10, 5, 1]
    curves = {
        "B": {
            "l2": (ratios, [3.0, 3.0, 2.5, 0.6, 0.5, 0.5, 0.6, 0.9]),
            "linf": (ratios, [3.0, 3.0, 2.9, 0.6, 0.45, 0.5, 0.6, 0.9]),
            "gaussian": (ratios, [3.0, 3.0, 3.0, 3.0, 3.0, 2.0, 1.0, 0.1]),
        }
    }
    curves["C"] = {noise: (ratios, [0.8 * value for value in bits]) for noise, (_, bits) in curves["B"].items()}
    paths = [sweep_run(tmp_path, model, own) for model, own in curves.items()]
    records = StudyRecords({"sweeps": paths})
    for name in ("F5-bn", "F5-plateau", "F5-residual", "F5-linf"):
        parts = measures.MEASURES[LEDGER[name].measure](records, **LEDGER[name].arguments)
        lows = [values.low if name == "F5-linf" else values for values in parts.values()]
        assert all(values.loc[1] > 0 for values in lows), (name, parts)
    assert measures.noise.read_as(records, "B", ["l2"], 9, 6, 50)["l2"].loc[1] == pytest.approx(20)
    assert measures.noise.lowest_accuracy(records, "B", "l2").loc[1] == pytest.approx(15)
    assert measures.noise.last_accuracy(records, "B", "gaussian").loc[1] == pytest.approx(3)
    with pytest.raises(MissingError, match="sweep of model A under l2"):
        measures.noise.lowest_accuracy(records, "A", "l2")


PLATEAU_RATIOS = np.array([np.inf, 60, 45, *np.linspace(30, 1, 24)])


def rises(curves):
    """The evidence that information rises again, from one curve per seed below 30 dB."""
    sweeps = {
        seed: types.SimpleNamespace(
            records=pandas.DataFrame(
                {"snr_db": PLATEAU_RATIOS, "information_bits": [3.0, 3.0, 2.0, *curve], "floor_bits": 0.0}
            ),
            labels=np.arange(10).repeat(10),
        )
        for seed, curve in enumerate(curves)
    }
    records = types.SimpleNamespace(sweeps_of=lambda _model, _noise: sweeps)
    parts = measures.noise.plateau_of_information(records, "B", ["l2"], 30, 0.2)
    return verdicts.ordering([verdicts.observed(parts["l2: rises"])])


@pytest.mark.parametrize("smoothness", [0.0, 0.9])
def test_noise_on_a_plateau_without_a_rise_is_rarely_called_one(smoothness):
    rng, curves = np.random.default_rng(5), 24
    found = []
    for _ in range(400):
        noise = rng.normal(0, 0.03, (5, curves))
        for point in range(1, curves):
            noise[:, point] = smoothness * noise[:, point - 1] + math.sqrt(1 - smoothness**2) * noise[:, point]
        found.append(verdicts.verdict(rises(0.5 + noise)))
    allowed = 400 * (0.05 + 3 * math.sqrt(0.05 * 0.95 / 400))
    assert found.count("reproduced") <= allowed
    assert found.count("not reproduced") <= allowed


def test_a_rise_is_found_and_a_steady_fall_refuted():
    rng, shape = np.random.default_rng(6), np.linspace(-1, 1, 24).clip(0)
    noise = rng.normal(0, 0.03, (5, 24))
    assert verdicts.verdict(rises(0.5 + 0.2 * shape + noise)) == "reproduced"
    assert verdicts.verdict(rises(0.9 - 0.2 * shape + noise)) == "not reproduced"


def transmission_run(folder, model, seed, steps, images=None):
    """A run's folder with the steps that two labels took (None: not in 5,000), and what was transmitted."""
    run = folder / f"{model}/seed{seed}"
    write_json(run / "metrics.json", {"model": model, "batch_size": 128, "seed": seed})
    reached = [own is not None for own in steps]
    rows = {"label": range(len(steps)), "steps": [5000 if own is None else own for own in steps], "reached": reached}
    pandas.DataFrame(rows).to_csv(run / "reverse_transmission.csv", index=False)
    images = np.eye(len(steps)) if images is None else images
    np.savez(run / "reverse_transmission.npz", images=images, starts=np.zeros_like(images))
    return run / "reverse_transmission.csv"


def test_a_label_that_never_reaches_confidence_is_a_bound_and_not_left_out(tmp_path):
    paths = [transmission_run(tmp_path, "B+", 1, [90, 110]), transmission_run(tmp_path, "B+", 2, [90, None])]
    found = measures.noise.steps_to_confidence(StudyRecords({"reverse_transmission": paths}), "B+", 128)
    assert (found.low.to_dict(), found.high.to_dict()) == ({1: 100.0, 2: 2545.0}, {1: 100.0, 2: math.inf})


def test_transmitted_images_are_compared_label_by_label(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(3, 1, 8, 8))
    paths = [
        transmission_run(tmp_path, "B", 1, [90] * 3, images),
        transmission_run(tmp_path, "B+", 1, [90] * 3, 2 * images),
    ]
    records = StudyRecords({"reverse_transmission": paths})
    assert measures.noise.alike(records, "B", "B+", 128)["B like B+"].loc[1] > 0.5
    transmission_run(tmp_path, "B+", 1, [90] * 3, images[::-1])
    assert measures.noise.alike(records, "B", "B+", 128)["B like B+"].loc[1] < 0


def packing_run(folder, variant, seed, means, rows):
    """geometry.csv and embedding.npz of clusters with given means (epochs, classes, 2) and 20 points each."""
    run = folder / f"{variant}/seed{seed}"
    run.mkdir(parents=True)
    labels = np.repeat(np.arange(means.shape[1]), 20)
    noise = 0.1 * np.random.default_rng(seed).normal(size=(len(means), len(labels), 2))
    embedding = means[:, labels] + noise
    np.savez(run / "embedding.npz", epochs=np.array(rows["epoch"]), embedding=embedding, labels=labels)
    pandas.DataFrame(rows).to_csv(run / "geometry.csv", index=False)
    return run / "geometry.csv"


def ring(radius, classes=10):
    angles = 2 * np.pi * np.arange(classes) / classes
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def line(length, classes=10):
    return np.stack([np.linspace(-length / 2, length / 2, classes), np.zeros(classes)], axis=1)


def test_figure_6_is_measured_as_it_was_made(tmp_path):
    made = {"none": (1.0, [0.2, 0.5, 0.95, 0.99], line), "batch": (3.0, [0.3, 0.8, 0.95, 0.96], line)}
    made["batch_without_scale"] = (2.5, made["batch"][1], ring)
    paths = []
    for number, (variant, (size, purity, shape)) in enumerate(made.items()):
        means = np.stack([shape(radius) for radius in ((1, 9, 16, 4) if variant == "none" else (1, 2, 3, 4))])
        rows = {"epoch": [0, 1, 20, 500], "purity": purity, "power": [1.0, 9.0 + number, 16.0, 4.0 + 3 * number]}
        rows |= {"cluster_radius": size, "centre_distance": 2 * size, "isotropy": [0.2, 0.3, 0.5, 0.6 - number / 5]}
        paths.append(packing_run(tmp_path, variant, 1, means, rows))
    records = StudyRecords({"sphere_packing": paths})
    partition, spreading = (
        measures.packing.partition_epoch(records, "none", 0.9),
        measures.packing.spreading_epochs(records, "none"),
    )
    assert (partition.low.loc[1], partition.high.loc[1]) == (1.0, 20.0)
    assert (spreading.low.loc[1], spreading.high.loc[1]) == (1.0, 500.0)
    falling = measures.packing.falling_power(records, "none", 0.9)["power at the end below that at the partition"]
    assert (falling.low.loc[1], falling.high.loc[1]) == (0.75, 0.75)
    larger = measures.packing.larger_clusters(records, "none", ["batch", "batch_without_scale"])
    assert larger["batch: clusters"].loc[1] == pytest.approx(math.log10(3))
    for quantity, difference in (("purity", 0.3), ("power", 1.0)):
        early = measures.packing.at_the_start(records, quantity, "none", "batch")
        assert early["batch above none"].loc[1] == pytest.approx(difference)
    rounder = measures.packing.rounder_clusters(records, "none", 0.9)["rounder at the end than at the partition"]
    assert rounder.loc[1] == pytest.approx(0.1)
    # the arrangement counts, not the clusters' own shapes: the ring's clusters are the least isotropic here
    circular = measures.packing.circular_arrangement(records, "batch", "batch_without_scale")
    assert circular["batch_without_scale above batch"].loc[1] == pytest.approx(1 - 0.43, abs=0.03)
    assert measures.packing.stationary(records, "none", "batch")["batch moves less than none"].loc[1] > 0.5
    transition = measures.packing.less_transition(records, "none", "batch")["batch falls less than none"]
    assert transition.loc[1] == pytest.approx(math.log10(7 / 4))
    inside = measures.packing.inside_axes(records, ["none", "batch_without_scale"], 2.5, 99)
    assert (inside["none"].loc[1], inside["batch_without_scale"].loc[1]) == (1.0, -99.0)


def test_a_network_that_never_parts_its_classes_counts_against_the_phase_transition(tmp_path):
    rows = {"epoch": [0, 1], "purity": [0.1, 0.2], "power": [1.0, 2.0], "isotropy": 0.5}
    records = StudyRecords({"sphere_packing": [packing_run(tmp_path, "none", 1, np.stack([line(1), line(2)]), rows)]})
    partition = measures.packing.partition_epoch(records, "none", 0.9)
    assert (partition.low.loc[1], partition.high.loc[1]) == (1.0, math.inf)
    falling = measures.packing.falling_power(records, "none", 0.9)["power at the end below that at the partition"]
    assert (falling.low.loc[1], falling.high.loc[1]) == (-math.inf, 0.0)


def test_figure_7_is_measured_as_it_was_made(tmp_path):
    columns = ("accuracy_percent", "margin_minus_accuracy_points", "margin_overconfidence_points")
    folder = tmp_path / "transfer/B+/seed3"
    folder.mkdir(parents=True)
    zero = [{"target": "mnist"} | dict(zip(columns, (72.6, 0.0, 2.0), strict=True)), {"target": "svhn"}]
    one = [{"target": "mnist"} | dict(zip(columns, (value, -3.0, 1.0), strict=True)) for value in (76.0, 79.2)]
    for name, rows in (("zero_shot", zero), ("one_shot", one)):
        pandas.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
    records = StudyRecords({"transfer": [folder / "zero_shot.csv", folder / "one_shot.csv"]})
    zero, one = (measures.transfer.transfer_accuracy(records, "B+", shots) for shots in ("zero_shot", "one_shot"))
    assert (zero.means.to_dict(), zero.within.variance, zero.draws) == ({3: 72.6}, 0, 1)
    assert one.means.loc[3] == pytest.approx(77.6)
    assert (one.within.variance, one.within.freedom, one.draws) == (pytest.approx(np.var([76, 79.2], ddof=1)), 1, 2)
    assert measures.transfer.transfer_gain(records, "B+")["one shot above zero shot"].loc[3] == pytest.approx(5.0)
    assert measures.transfer.margin_minus_accuracy(records, "B+", "zero_shot").loc[3] == 0
    assert {name: values.loc[3] for name, values in measures.transfer.one_shot_calibration(records, "B+").items()} == {
        "margin below accuracy": 3.0,
        "less over-confidence": 1.0,
    }
    assert measures.transfer.wider_gap(records, "B+")["one shot above zero shot"].loc[3] == pytest.approx(3.0)
    arrays = {"labels": np.array([0, 1, 1]), "one_shot_predictions": np.array([[0, 1, 0]] * 2)}
    np.savez(folder / "predictions.npz", **arrays, one_shot_margins=np.array([[0.1, 0.2, 0.9]] * 2))
    small = measures.transfer.small_margins(records, "B+", "one_shot", 0.3)["margins below 0.3"]
    assert small.loc[3] == pytest.approx(100 * (1 - 0.15))


@pytest.mark.parametrize(
    ("kind", "name", "read"),
    [
        ("metrics", "cnn/A/batch128/original/seed1/metrics.json", lambda records: records.runs),
        ("gradient_snr", "mlp/relu/none/original/seed1/gradient_snr.csv", lambda records: records.gradient_records),
        ("information_plane", "mlp/relu/none/random/seed1/information_plane.csv", lambda r: r.information_plane),
        ("sphere_packing", "sphere_packing/none/seed1/geometry.csv", lambda records: records.sphere_packing("none")),
        ("reverse_transmission", "cnn/A/batch128/original/seed1/metrics.json", lambda r: r.reverse_transmission),
    ],
)
def test_a_record_that_is_not_as_its_run_left_it_is_refused(tmp_path, kind, name, read):
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    run = {"model": "A", "batch_size": 128, "labels": "original", "seed": 1, "loss_gap": 1.0, "generalization_gap": 1.0}
    rows = "epoch,estimator,seed\n1,a,1\n"
    path.write_text(json.dumps(run) if path.suffix == ".json" else rows)
    write_json(path.with_name("provenance.json"), {"outputs_sha256": {path.name: provenance.file_checksum(path)}})
    other = path.with_name("reverse_transmission.csv")
    other.write_text("label,steps,reached\n0,90,True\n")
    files_of_kind = {kind: [other if kind == "reverse_transmission" else path]}
    assert len(read(StudyRecords(files_of_kind))) == 1
    path.write_text(path.read_text().replace("1", "2", 1))
    with pytest.raises(files.DamagedFileError, match="its checksum is not the one"):
        read(StudyRecords(files_of_kind))


# What a sceptic asks of a verdict: records made so that a careless rule would go wrong, through the whole assessment.


def run_record(model, size, labels, seed, **own):
    """metrics.json with everything that claims read, of a network that has nothing remarkable."""
    record = {
        "model": model,
        "batch_size": size,
        "labels": labels,
        "seed": seed,
        "epochs": 500,
        "first_fitted_epoch": 20,
    }
    record |= {"test_accuracy": 88.0, "train_accuracy": 93.0, "generalization_gap": 5.0, "loss_gap": 0.1}
    record |= {"train_majority_percent": 10.2, "train_images": 73_257, "train_prediction_information": 0.0}
    return record | {"train_predicted_classes": 1, "weight_decay": 0.01} | own


def written(folder, records):
    return [write_json(folder / f"{number}/metrics.json", record) for number, record in enumerate(records)]


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


def calibration_paths(folder, smallest, grid=(0.003, 0.005, 0.007, 0.01, 0.02, 0.03)):
    """A calibration whose seeds fit random labels below the given weight decays (None: with every one of the grid)."""
    records = [
        run_record(f"A-decay-{value:g}", 128, labels, seed, weight_decay=value, train_images=66_000)
        | {"train_accuracy": 50.0 if own is None or value < own else 10.2}
        for seed, own in enumerate(smallest, start=1)
        for value in grid
        for labels in ("original", "random")
    ]
    keys = (
        "best_validation_weight_decay",
        "same",
        "test_accuracy_percent",
        "test_standard_error",
        "seeds",
        "epochs",
        "steps",
    )
    choice = dict.fromkeys(keys)
    choice |= {"weight_decay": 0.01, "batch_size": 128, "train_images": 66_000, "model": "A"}
    chosen = write_json(folder / "weight_decay.json", choice)
    return {"paths": written(folder, records), "weight_decay": [chosen]}


@pytest.mark.parametrize(
    ("smallest", "verdict"),
    [
        ([0.01] * 5, "reproduced"),  # between 0.007 and 0.01
        ([0.02] * 5, "undecided"),  # between 0.01 and 0.02, the printed value and its double
        ([0.005] * 5, "undecided"),  # between 0.003 and 0.005, the half of the printed value
        ([0.03, 0.03, 0.03, 0.03, None], "undecided"),  # between 0.02 and 0.03, and beyond
        (
            [None] * 5,
            "undecided",
        ),  # beyond 0.03: the grid does not say how far; at its end the margin is not left behind
        ([0.01] * 5 + [None] * 5, "undecided"),
    ],
)
def test_a_grid_tells_between_which_values_an_answer_lies(tmp_path, smallest, verdict):
    found = assessed(**calibration_paths(tmp_path, smallest))["L-crit"]
    assert found.verdict == ("not reproduced" if smallest == [None] * 5 else verdict), found
    assert found.evidence.support > 0
    assert found.evidence.contradiction > 0


def test_a_negative_loss_gap_is_a_ratio_beyond_any_number(tmp_path):
    def found(name, gaps):
        records = [run_record("A", 128, "original", seed, loss_gap=1.0) for seed, _ in enumerate(gaps)]
        records += [run_record("B", 128, "original", seed, loss_gap=gap) for seed, gap in enumerate(gaps)]
        return assessed(written(tmp_path / name, records))["T1-lossgap"]

    assert found("near", [0.1, 0.11, 0.09, 0.1, 0.12]).verdict == "reproduced"
    half = found("half", [0.1, 0.11, 0.09, 0.1, 0.12] + [-0.1] * 5)
    assert (half.verdict, half.censored) == ("undecided", 5)
    assert found("all", [-0.1] * 5).verdict == "not reproduced"


def test_labels_that_never_reach_confidence_count_against_the_printed_steps(tmp_path):
    def found(name, steps):
        paths = [transmission_run(tmp_path / name, "B+", seed, own) for seed, own in enumerate(steps)]
        return assessed([], reverse_transmission=paths)["F4b-steps"]

    near = [[90, 110], [95, 100], [100, 120], [80, 100], [99, 101]]
    assert found("near", near).verdict == "reproduced"
    assert found("half", near + [[100, None]] * 5).verdict == "undecided"
    assert found("all", [[None, None]] * 5).verdict == "not reproduced"


def test_a_gap_is_linked_to_the_training_accuracy_of_its_own_batch_size(tmp_path):
    paths = table1_paths(tmp_path, printed_cells())
    for path in paths:
        record = json.loads(path.read_text())
        if (record["model"], record["batch_size"]) == ("A", 32):
            write_json(path, record | {"train_accuracy": 97.0, "generalization_gap": 97.0 - record["test_accuracy"]})
    found = assessed(paths)
    assert found["T1-A128-gap"].verdict == "reproduced"
    assert {found[name].verdict for name in ("T1-A32-gap", "T1-A32-train", "T1-A-train")} == {"not reproduced"}


def tolerance_paths(folder, curves, seeds=5, images=256, permutations=20):
    """Sweeps of networks whose share of guessed labels at every ratio is given: model -> noise -> (share, classes guessed)."""
    ratios, paths = np.array([np.inf, 60, 50, 40, 30, 20, 10, 5, 2.0, 1.0]), []
    for number, (model, noises) in enumerate(curves.items()):
        for seed in range(1, seeds + 1):
            rng = np.random.default_rng([number, seed])
            run = folder / f"{model}/batch128/original/seed{seed}"
            write_json(run / "metrics.json", {"model": model, "batch_size": 128, "seed": seed})
            (run / "perturbations").mkdir()
            labels = np.random.default_rng(0).integers(0, 10, images)
            arrays = {"labels": labels}
            for noise, (share, classes) in noises.items():
                predictions, rows = [], []
                for ratio in ratios:
                    guessed = rng.random(images) < share(ratio)
                    predictions.append(np.where(guessed, rng.integers(0, classes, images), labels))
                    table = np.zeros((10, 10), np.int64)
                    np.add.at(table, (labels, predictions[-1]), 1)
                    bits = information.confusion_information(table, permutations=permutations, seed=seed)
                    accuracy = 100 * (predictions[-1] == labels).mean()
                    rows.append({"snr_db": ratio, "accuracy_percent": accuracy, "evaluation_mode": "none"})
                    rows[-1] |= {"information_bits": bits.value_bits, "floor_bits": bits.floor_bits}
                pandas.DataFrame(rows).to_csv(run / f"perturbations/{noise}.csv", index=False)
                arrays[f"{noise}_none_predictions"] = np.array(predictions, np.int16)
            np.savez(run / "perturbations/sweeps.npz", **arrays)
            paths.append(run / "perturbations/sweeps.npz")
    return paths


NOISES = ("l2", "linf", "gaussian")


def fading(half_at, least):
    """A share of guesses that grows from the least to 1 around a ratio."""
    return lambda ratio: float(np.clip((half_at + 15 - ratio) / 30, least, 1))


def test_less_information_at_the_same_ratio_means_at_every_ratio(tmp_path):
    def found(name, of_b, of_c):
        curves = {model: dict.fromkeys(NOISES, (own, 10)) for model, own in (("B", of_b), ("C", of_c))}
        return assessed([], sweeps=tolerance_paths(tmp_path / name, curves, images=4000))["F5-bn"]

    below = found("below", fading(15, 0.1), fading(35, 0.12))
    assert below.verdict == "reproduced", below
    # C is the better one at every ratio below 30 dB, and B by more above: B's area is the larger one
    crossed = found("crossed", lambda ratio: 0.05 if ratio > 30 else 1.0, lambda ratio: 0.8 if ratio > 30 else 0.3)
    assert crossed.verdict == "not reproduced", crossed


def test_predictions_that_tell_nothing_have_no_information_to_compare(tmp_path):
    """B guesses two classes and C ten: plug-in information would be larger for C, and under attack than under noise."""
    guesses = {"B": {"l2": 2, "linf": 2, "gaussian": 1}, "C": {"l2": 10, "linf": 10, "gaussian": 1}}
    curves = {
        model: {noise: (lambda _: 1.0, classes) for noise, classes in noises.items()}
        for model, noises in guesses.items()
    }
    found = assessed([], sweeps=tolerance_paths(tmp_path, curves))
    assert {found[name].verdict for name in ("F5-bn", "F5-residual")} == {"undecided"}, found["F5-bn"]


def test_round_clusters_on_a_line_are_arranged_less_circularly_than_elongated_ones_on_a_ring(tmp_path):
    rows = {"epoch": [0, 500], "purity": 0.99, "power": 1.0, "cluster_radius": 1.0, "centre_distance": 1.0}
    paths = [
        packing_run(tmp_path, variant, seed, np.stack([shape(1), shape(3)]), rows | {"isotropy": isotropy})
        for variant, shape, isotropy in (("batch", ring, 0.2), ("batch_without_scale", line, 0.9))
        for seed in range(1, 6)
    ]
    assert assessed([], sphere_packing=paths)["F6-circular"].verdict == "not reproduced"


def test_a_gap_that_grows_with_more_data_does_not_reproduce_one_that_shrinks(tmp_path):
    rng, records = np.random.default_rng(0), []
    for seed in range(1, 6):
        gap = 5.0 + rng.normal(0, 0.05)
        records.append(run_record("B", 128, "original", seed, generalization_gap=gap))
        records.append(run_record("B+", 128, "original", seed, generalization_gap=gap + 0.4 + rng.normal(0, 0.05)))
    assert assessed(written(tmp_path, records))["BP-gap"].verdict == "not reproduced"


def test_how_c_compares_with_a_does_not_decide_whether_b_is_best(tmp_path):
    cells = {key: (test, gap) for key, (test, gap) in printed_cells().items()}
    cells |= {
        ("A", 128): (87.8, 12.2),
        ("C", 64): (87.0, 9.0),
        ("C", 32): (86.9, 9.0),
    }  # A above C, C above A, C above A
    cells |= {("B", size): (89.0, 4.0) for size in (128, 64, 32)}
    assert assessed(table1_paths(tmp_path, cells))["T1-rank-test"].verdict == "reproduced"


def confirmed_at_best(claim):
    """The p-value for a number that is the printed one, of seeds without end: what the printed error alone leaves."""
    if not claim.printed_standard_error:
        return 0.0
    exactly, printed = (
        verdicts.observed([claim.printed] * 5),
        verdicts.Sample(claim.printed, claim.printed_standard_error, 5),
    )
    return verdicts.equivalence(exactly, printed, claim.margin.value).support


def test_the_ledger_names_the_numbers_that_no_study_can_confirm(tmp_path):
    never = set()
    for family in {claim.family for claim in LEDGER.claims}:
        own = [
            claim for claim in LEDGER.claims if (claim.family, claim.kind) == (family, "number") and not claim.linked_to
        ]
        adjusted = verdicts.holm({claim.id: confirmed_at_best(claim) for claim in own if claim.margin})
        never |= {name for name, p_value in adjusted.items() if p_value > verdicts.LEVEL}
    assert never == {claim.id for claim in LEDGER.claims if claim.cannot_be_confirmed}
    found = assessed(table1_paths(tmp_path, printed_cells()))["T1-C64-test"]
    assert (found.verdict, found.lacks) == ("undecided", "a smaller printed error")
    assert found.reason.startswith("cannot be decided from what is printed: ± 0.5")


def test_what_a_calibration_makes_true_is_not_judged(tmp_path):
    records = [
        run_record(model, 128, "random", seed, train_accuracy=accuracy + seed / 100, generalization_gap=0.0)
        for model, accuracy in (("A", 90.0), ("B", 10.2), ("C", 67.0))
        for seed in range(1, 6)
    ]
    for calibrated in (False, True):
        networks = {name: dict(own) for name, own in PAPER_SIZES["table2"]["networks"].items()}
        networks["B"]["calibrated"] = calibrated
        sizes = PAPER_SIZES | {"table2": PAPER_SIZES["table2"] | {"networks": networks}}
        found = assessed(written(tmp_path / str(calibrated), records), sizes)
        for name in ("T2-B-collapse", "T2-decay"):
            assert found[name].verdict == ("undecided" if calibrated else "reproduced"), found[name]
            assert found[name].reason.startswith("by construction") == calibrated
        assert found["T2-restored"].verdict == "reproduced"


def test_a_study_says_that_its_weight_decay_was_calibrated():
    sizes = comparability.study_sizes(loaded_studies()["demo"])["table2"]["networks"]
    assert {name: own["calibrated"] for name, own in sizes.items() if name in "ABC"} == {
        "A": False,
        "B": True,
        "C": True,
    }


WITHOUT_EFFECT = {"seeds", "seed", "threads", "validation_images", "weight_decays", "epochs", "smallest_sigma", "cells"}
"""Silent choices that change no number in expectation, or that another rule looks at: epochs of B+, ends of paths."""
RENAMED = {"batch_size": "attacked_together", "learning_rate": "tuning_rate"}


def test_every_choice_where_the_paper_is_silent_counts_for_comparability():
    """config.yaml marks them; each is among what the ledger compares, or changes nothing."""
    silent = re.findall(r"^ +(\w+): .*# .*silent: see", (ROOT / "config.yaml").read_text(), re.MULTILINE)
    compared = set()
    for part in LEDGER.parts.values():
        for sizes in (part.sizes, *part.sizes.get("networks", {}).values()):
            compared |= set(sizes)
    missing = {key for key in silent if RENAMED.get(key, key) not in compared} - WITHOUT_EFFECT
    assert not missing - {"A-BN", "B+", "A", "figure5", "max_steps", "largest_sigma"}, missing


# The answer to every thesis.


def test_a_thesis_is_answered_by_its_claims(tmp_path):
    cells = printed_cells()
    cells["B", 64] = (84.0, 5.5)  # B is not the best there, and its gap is the narrowest
    found = assessed(table1_paths(tmp_path, cells))
    answers = {own.thesis: own for own in theses.answers(LEDGER, list(found.values()))}
    gap = answers["gap"]
    assert gap.verdict == "mixed"
    assert {"T1-rank-gap", "T1-lossgap-rank"} <= {own.claim.id for own in gap.supports}
    assert [own.claim.id for own in gap.contradicts] == ["T1-rank-test"]
    assert (gap.comparability, answers["memorization"].verdict) == ("full", "undecided")
    assert "information plane" in answers["memorization"].would_decide
    assert (
        theses.sentence(list(answers.values()))
        == "Of the paper's 9 theses: 0 supported, 0 supported in part, 1 mixed, 0 contradicted, 8 undecided."
    )


def test_a_refuted_claim_contradicts_its_thesis_and_the_other_way_round():
    supporting, opposing = (
        dataclasses.replace(LEDGER["F5-bn"], id=f"X-{direction}", direction=direction)
        for direction in ("supports", "contradicts")
    )
    for verdict, effect in (("reproduced", "supported"), ("not reproduced", "contradicted")):
        own = [assessment.Assessment(supporting, "other data", verdict=verdict)]
        answers = {each.thesis: each for each in theses.answers(LEDGER, own)}
        assert answers["normalization"].verdict == effect
        assert "the same at the paper's data and size" in answers["normalization"].would_decide
        own = [assessment.Assessment(opposing, "full", verdict=verdict)]
        answers = {each.thesis: each for each in theses.answers(LEDGER, own)}
        assert answers["normalization"].verdict == {"supported": "contradicted", "contradicted": "supported"}[effect]


def test_a_thesis_is_supported_in_part_while_some_of_its_core_is_undecided_and_not_at_all_without_it():
    def answer(**decided):
        own = [
            assessment.Assessment(claim, "full", verdict=decided.get(claim.id.replace("-", "_"), "undecided"))
            for claim in LEDGER.claims
            if claim.thesis == "memorization"
        ]
        return {each.thesis: each.verdict for each in theses.answers(LEDGER, own)}["memorization"]

    assert answer(F3_compress="reproduced", F3_nocompress="reproduced", F3_memo="reproduced") == "supported"
    assert answer(F3_compress="reproduced", F3_memo="reproduced") == "supported in part"
    assert answer(F3_rise="reproduced") == "undecided"
    assert answer(F3_memo="not reproduced") == "contradicted"
    assert answer(F3_memo="reproduced", F3_monotonic="not reproduced") == "mixed"


def test_the_answer_opens_the_claims_and_has_a_table_of_its_own(tmp_path):
    found = list(assessed(table1_paths(tmp_path, printed_cells())).values())
    paths = [tmp_path / name for name in ("claims.csv", "claims.md", "theses.csv")]
    assessment.write(found, {"name": "mine", "title": "Mine"}, *paths)
    text, rows = paths[1].read_text(), pandas.read_csv(paths[2]).set_index("thesis")
    assert text.index("## Does the paper hold?") < text.index("## Claim by claim") < text.index("## Table 1")
    assert list(rows.index) == list(LEDGER.theses)
    assert rows.loc["gap", "verdict"] == "supported"
    assert "T1-rank-gap" in rows.loc["gap", "supports"].split()


def test_what_no_record_can_judge_says_what_it_would_need():
    found = assessed([])["F5-prolonged"]
    assert found.verdict == "undecided"
    assert found.reason.startswith("cannot be judged from what is recorded; it would need sweeps of noise")


# The paper's own arithmetic.


@pytest.mark.parametrize(
    ("claim", "value", "holds"),
    [
        ("AR-train-A", 100.0, True),
        ("AR-train-B", 92.97, True),
        ("AR-lbgg", 3.42, True),
        ("AR-T2-test", 10.0, True),
        ("AR-T2-B-absolute", -9.4, True),
        ("AR-lbgg-A-sign", -3.0, False),
        ("AR-lbgg-C", 25.0, True),
        ("AR-C-B", 54.0, True),
        ("AR-zero-bits", 0.0, True),
        ("AR-pixel-bits", 8.0, True),
        ("T2-class1", 19.587, True),
        ("S-HY", 3.2065, True),
        ("S-floor", 0.152, True),
    ],
)
def test_the_papers_arithmetic(claim, value, holds):
    finding = arithmetic.CALCULATIONS[LEDGER[claim].measure](LEDGER)
    assert finding.value == pytest.approx(value, abs=0.005)
    assert finding.holds is holds


def test_a_constant_predictor_scores_what_the_paper_prints():
    mean, deviation, low, high = arithmetic.constant_predictor_percent()
    assert mean == pytest.approx(10.18, abs=0.005)
    assert deviation == pytest.approx(0.057, abs=0.003)
    assert low < 10.20 < high
    # Normal approximation: the largest of ten nearly independent shares, mean 1.54 standard deviations above a tenth.
    assert mean == pytest.approx(10 + 1.539 * 100 * math.sqrt(0.1 * 0.9 / 73_257) * math.sqrt(10 / 9), abs=0.01)


# The overview.


def test_the_overview_counts_every_claim_of_the_paper_once(tmp_path):
    assessments = assessment.assess(LEDGER, StudyRecords({}), {})
    metrics = [write_json(tmp_path / f"{number}.json", {"seconds": 90}) for number in (1, 2)]
    rows = overview.overview(assessment.table(assessments), "none", {"table1": metrics}).set_index("item")
    counted = rows[["reproduced", "not_reproduced", "undecided"]].to_numpy().sum()
    assert counted == sum(claim.of_the_paper for claim in LEDGER.claims)
    assert rows.loc["Table 1: accuracy and gap", "training_minutes"] == 3.0
    assert rows.loc["Table 1: accuracy and gap", "command"] == "snakemake --cores 2 results/none/tables/table1.md"
    assert rows.loc["Figure 7: transfer", "command"] == ""
