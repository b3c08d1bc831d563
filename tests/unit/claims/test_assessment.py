"""From records to verdicts: numbers, orderings, linked claims, and what is missing."""

import json
import math

import pandas
import pytest
from claim_records import LEDGER, PAPER_SIZES, assessed, printed_cells, table1_paths, write_json

from rate_distortion.analysis.records import StudyRecords
from rate_distortion.claims import assessment, verdicts
from rate_distortion.storage import files, provenance


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
