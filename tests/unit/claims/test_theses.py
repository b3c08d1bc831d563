"""The answer to every thesis, by rule from its claims."""

import dataclasses

import pandas
from claim_records import LEDGER, assessed, printed_cells, table1_paths

from rate_distortion.claims import assessment, theses


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
