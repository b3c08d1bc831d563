"""What came of a claim: the record that assessing makes and answers to theses are made from."""

from __future__ import annotations

from dataclasses import dataclass

from rate_distortion.claims.ledger import Claim
from rate_distortion.claims.verdicts import UNDECIDED, Evidence, Sample


@dataclass(frozen=True)
class Assessment:
    """A claim beside what was measured.

    Attributes:
        claim: from the ledger.
        comparability: "full", "reduced" or "other data"; empty where nothing was measured.
        deviation: of a reduced one, the first setting in which it is.
        measured: in the claim's unit; of an ordering the mean difference of its weakest part. None: nothing was measured.
        censored: seeds in which the value was not reached or is not known, and a bound stands for it.
        evidence: p-values, where a test was made.
        verdict, reason: the outcome.
        lacks: of an undecided claim, what would decide it, in words that follow "would decide it:".
    """

    claim: Claim
    comparability: str = ""
    deviation: str = ""
    measured: Sample | None = None
    censored: int = 0
    evidence: Evidence | None = None
    verdict: str = UNDECIDED
    reason: str = ""
    lacks: str = ""
