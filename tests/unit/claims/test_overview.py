"""The overview: verdicts by table and figure."""

from claim_records import LEDGER, write_json

from rate_distortion.analysis.records import StudyRecords
from rate_distortion.claims import assessment, overview


def test_the_overview_counts_every_claim_of_the_paper_once(tmp_path):
    assessments = assessment.assess(LEDGER, StudyRecords({}), {})
    metrics = [write_json(tmp_path / f"{number}.json", {"seconds": 90}) for number in (1, 2)]
    rows = overview.overview(assessment.table(assessments), "none", {"table1": metrics}).set_index("item")
    arithmetic = sum(claim.kind == "arithmetic" and claim.of_the_paper for claim in LEDGER.claims)
    assert rows.loc["The paper's own arithmetic", "reproduced"] == arithmetic - 1
    assert (
        rows.loc["Table 2: random labels", "reproduced"] == 0
    )  # the share of class 1 is arithmetic, whatever table has it
    counted = rows[["reproduced", "not_reproduced", "undecided"]].to_numpy().sum()
    assert counted == sum(claim.of_the_paper for claim in LEDGER.claims)
    assert rows.loc["Table 1: accuracy and gap", "training_minutes"] == 3.0
    assert rows.loc["Table 1: accuracy and gap", "command"] == "snakemake --cores 2 results/none/tables/table1.md"
    assert rows.loc["Figure 7: transfer", "command"] == ""
