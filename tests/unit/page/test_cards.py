"""Claims as cards and counts."""

from __future__ import annotations

import pandas
import pytest

from rate_distortion.claims import cards as ledger


def card(**row):
    defaults = {"id": "not-in-the-ledger", "statement": "x", "printed": "1", "unit": "points", "verdict": "undecided"}
    return ledger.cards(pandas.DataFrame([defaults | row]))[0]


@pytest.mark.parametrize(
    ("row", "printed", "measured", "seeds"),
    [
        ({"printed": "12.42", "printed_standard_error": 0.04}, "12.42 ± 0.04 points", "not measured", None),
        ({"printed": "B < C", "measured": "B < C < A", "unit": ""}, "B < C", "B < C < A", None),
        ({"printed": "2.0", "measured": 2.048, "standard_error": 0.0, "n": 0, "unit": "thousands"},
         "2.0 thousand", "2.048 thousand", None),
        ({"measured": 1.0, "standard_error": 0.0, "n": 5, "unit": "decades"}, "1 decade", "1 decade", 5),
        ({"printed": "M", "measured": 1.65358e-15, "unit": "relative difference"}, "M", "1.7 × 10⁻¹⁵", None),
        ({"printed": "none", "measured": -0.07, "standard_error": 0.07, "n": 2, "unit": "bits below 0.1",
          "kind": "ordering"}, "none", "fails by 0.07 ± 0.07 (bits below 0.1)", 2),
        ({"printed": "B", "verdict": "reproduced", "kind": "arithmetic"}, "B", "holds, without a number", None),
        ({"id": "F4b-steps", "printed": "100", "unit": "steps"}, "about 100 steps", "not measured", None),
        ({"id": "L-crit", "printed": "0.01", "measured": 0.1, "n": 5}, "about 0.01", "0.1 points", 5),
    ],
)  # fmt: skip
def test_a_card_reads_as_one_would_say_it(row, printed, measured, seeds):
    shown = card(**row)
    assert (shown.printed, shown.measured, shown.seeds) == (printed, measured, seeds)


def test_claims_are_counted_apart_by_what_they_are_checked_with():
    rows = pandas.DataFrame(
        {
            "id": ["A-1", "A-2", "A-3"],
            "statement": "x",
            "verdict": ["reproduced", "not reproduced", "undecided"],
            "kind": ["arithmetic", "number", "number"],
            "part": ["arithmetic", "architecture", "table1"],
        }
    )
    found = ledger.counts_by_group(ledger.cards(rows))
    assert {group: max(counts, key=counts.get) for group, counts in found.items()} == {
        "experiments": "undecided",
        "the architecture": "not reproduced",
        "the paper's arithmetic": "reproduced",
    }
