"""The paper's own arithmetic."""

import math

import pytest
from claim_records import LEDGER

from rate_distortion.claims import arithmetic


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
