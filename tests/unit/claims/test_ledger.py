"""The ledger: what it names, what it refuses, and what it says cannot be confirmed."""

import copy
import inspect
import math
import re
from importlib import resources

import pytest
import yaml
from claim_records import LEDGER, assessed, printed_cells, table1_paths

from rate_distortion.claims import arithmetic, ledger, measures, verdicts
from rate_distortion.studies import configuration

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
