"""The answer to "does the paper hold?": a verdict on each thesis, by rule from the verdicts on the claims that bear on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas

from rate_distortion.claims.comparability import FULL, OTHER_DATA, REDUCED
from rate_distortion.claims.ledger import Ledger
from rate_distortion.claims.outcomes import Assessment
from rate_distortion.claims.verdicts import NOT_REPRODUCED, UNDECIDED

SUPPORTED, IN_PART, MIXED, CONTRADICTED = "supported", "supported in part", "mixed", "contradicted"
ANSWERS = (SUPPORTED, IN_PART, MIXED, CONTRADICTED, UNDECIDED)
MOST_LISTED = 4
"""A thesis lists at most this many claims on either side, and this many things that would decide it."""
PAPER_SIZE = "the paper's data and size"
COLUMNS = (
    "thesis",
    "statement",
    "verdict",
    "supports",
    "contradicts",
    "undecided",
    "comparability",
    "would_decide",
    "where",
)


@dataclass(frozen=True)
class Answer:
    """What a study says to a thesis.

    Attributes:
        thesis, statement, where: from the ledger.
        supports, contradicts, undecided: the claims that do so.
        comparability: of the data behind the claims that decide, or where none does, behind all that were measured.
        would_decide: what the undecided claims lack, and what else the answer needs.
    """

    thesis: str
    statement: str
    where: str
    supports: tuple[Assessment, ...]
    contradicts: tuple[Assessment, ...]
    undecided: tuple[Assessment, ...]
    comparability: str
    would_decide: str

    @property
    def verdict(self) -> str:
        """By the claims that are its core, unless another one speaks against them.

        Supported where all of the core is, in part where the rest of the core is undecided; contradicted where one of the core
        is and nothing supports it; mixed where there is something on either side; undecided where all of the core is.
        """
        if not any(own.claim.core for own in (*self.supports, *self.contradicts)):
            return UNDECIDED
        if self.supports and self.contradicts:
            return MIXED
        if self.contradicts:
            return CONTRADICTED
        return IN_PART if any(own.claim.core for own in self.undecided) else SUPPORTED


def answers(ledger: Ledger, assessments: Sequence[Assessment]) -> list[Answer]:
    """An answer to every thesis, in the ledger's order.

    A claim that holds supports its thesis, and one that is refuted contradicts it (the other way round where the ledger says
    so); arithmetic and counts of parameters bear on none.
    """
    found = []
    for name, thesis in ledger.theses.items():
        own = [each for each in assessments if each.claim.thesis == name]
        effects = {id(each): _effect(each) for each in own}
        groups = {
            effect: tuple(each for each in own if effects[id(each)] == effect)
            for effect in ("supports", "contradicts", UNDECIDED)
        }
        decided = (*groups["supports"], *groups["contradicts"])
        words = {each.comparability for each in (decided or own)} - {""}
        compared = [word for word in (FULL, REDUCED, OTHER_DATA) if word in words]
        found.append(
            Answer(
                thesis=name,
                statement=thesis.statement,
                where=thesis.where,
                supports=groups["supports"],
                contradicts=groups["contradicts"],
                undecided=groups[UNDECIDED],
                comparability=" and ".join(compared),
                would_decide=_would_decide(groups[UNDECIDED], again=bool(decided) and compared != [FULL]),
            )
        )
    return found


def table(found: Sequence[Answer]) -> pandas.DataFrame:
    """One row per thesis: the content of theses.csv. Claims are named by their ids, separated by blanks."""
    rows = [
        {
            "thesis": own.thesis,
            "statement": own.statement,
            "verdict": own.verdict,
            **{key: " ".join(each.claim.id for each in getattr(own, key)) for key in COLUMNS[3:6]},
            "comparability": own.comparability,
            "would_decide": own.would_decide,
            "where": own.where,
        }
        for own in found
    ]
    return pandas.DataFrame(rows, columns=COLUMNS)


def markdown(found: Sequence[Answer]) -> str:
    """The answer for people: a sentence, and a row per thesis."""
    rows = [
        {
            "": number,
            "thesis": own.statement,
            "in this study": own.verdict,
            "what supports it": _listed(own.supports),
            "what contradicts it": _listed(own.contradicts),
            "data": own.comparability or "—",
            "what would decide it": own.would_decide or "—",
        }
        for number, own in enumerate(found, start=1)
    ]
    return f"{sentence(found)}\n\n{pandas.DataFrame(rows).to_markdown(index=False, disable_numparse=True)}"


def sentence(found: Sequence[Answer]) -> str:
    """How many theses have which verdict, and whether that says anything of the paper's own networks."""
    counts = Counter(own.verdict for own in found)
    words = ", ".join(f"{counts[name]} {name}" for name in ANSWERS)
    decided = [own.comparability for own in found if own.verdict != UNDECIDED]
    if decided and all(word == OTHER_DATA for word in decided):
        words += (
            ". The data are not the paper's: this says whether its effects appear on them, not whether its numbers hold"
        )
    elif any(word != FULL for word in decided):
        words += ". Where the data or sizes are not the paper's, this says whether its effects appear there"
    return f"Of the paper's {len(found)} theses: {words}."


def _effect(own: Assessment) -> str:
    if own.verdict == UNDECIDED:
        return UNDECIDED
    opposite = {"supports": "contradicts", "contradicts": "supports"}
    return opposite[own.claim.direction] if own.verdict == NOT_REPRODUCED else own.claim.direction


def _would_decide(undecided: Sequence[Assessment], again: bool) -> str:
    """What is lacking, the most frequent first; ``again``: the verdict rests on other data or sizes."""
    lacking = Counter(own.lacks for own in undecided if own.lacks).most_common()
    words = [f"the same at {PAPER_SIZE}"] if again and PAPER_SIZE not in dict(lacking) else []
    words += [f"{what} ({count} claims)" if count > 1 else what for what, count in lacking[:MOST_LISTED]]
    return "; ".join(words) + (f"; and {len(lacking) - MOST_LISTED} more" if len(lacking) > MOST_LISTED else "")


def _listed(claims: Sequence[Assessment]) -> str:
    words = "; ".join(f"{own.claim.statement} ({own.claim.id})" for own in claims[:MOST_LISTED])
    further = ", ".join(own.claim.id for own in claims[MOST_LISTED:])
    return (words + (f"; and {further}" if further else "")) or "—"
