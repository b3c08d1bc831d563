"""The claims of the paper with their verdicts, as cards and counts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import pandas

from rate_distortion.analysis.precision import DASH
from rate_distortion.claims import ledger, wording

VERDICTS = ("reproduced", "not reproduced", "undecided")
COMPARABILITIES = ("full", "reduced", "other data")
ARITHMETIC, ARCHITECTURE, EXPERIMENTS = "the paper's arithmetic", "the architecture", "experiments"
GROUPS = (EXPERIMENTS, ARCHITECTURE, ARITHMETIC)
"""How a claim is checked. Only experiments are evidence for the paper's thesis."""


@dataclass(frozen=True)
class Card:
    """One claim of the paper, as the page shows it.

    Attributes:
        seeds: that the measured value rests on; None where it rests on none, as a calculation does.
        group: one of :data:`GROUPS`.
        part: of a study, that the claim needs.
    """

    id: str
    statement: str
    printed: str
    measured: str
    seeds: int | None
    comparability: str
    verdict: str
    reason: str
    where: str
    part: str
    group: str

    @property
    def of_the_paper(self) -> bool:
        """Whether the paper says it; the others are reference points from its authors' follow-up."""
        return not self.id.startswith(ledger.FOLLOW_UP)

    @property
    def anchor(self) -> str:
        """The name of its place on the page."""
        return "claim-" + "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in self.id)


def cards(rows: pandas.DataFrame | None) -> list[Card]:
    """A card for every row of claims.csv, in its order."""
    return [] if rows is None else [_card(row) for _, row in rows.iterrows()]


def of_parts(every: Iterable[Card], parts: Iterable[str]) -> list[Card]:
    """The cards that need one of the named parts of a study."""
    named = set(parts)
    return [card for card in every if card.part in named]


def counts(every: Iterable[Card]) -> dict[str, int]:
    """How many claims have each verdict; verdicts that nothing has are there with 0."""
    found = dict.fromkeys(VERDICTS, 0)
    for card in every:
        found[card.verdict] = found.get(card.verdict, 0) + 1
    return found


def counts_by_group(every: Iterable[Card]) -> dict[str, dict[str, int]]:
    """The counts of each group that has any claim."""
    listed = list(every)
    own = {group: [card for card in listed if card.group == group] for group in GROUPS}
    return {group: counts(some) for group, some in own.items() if some}


def _card(row: pandas.Series) -> Card:
    kind, part = _text(row.get("kind")), _text(row.get("part"))
    seeds = row.get("n")
    return Card(
        id=_text(row["id"]),
        statement=_text(row["statement"]),
        printed=_printed(row),
        measured=_measured(row),
        seeds=None if seeds is None or pandas.isna(seeds) or not seeds else int(seeds),
        comparability=_text(row.get("comparability")),
        verdict=_text(row.get("verdict")) or "undecided",
        reason=_text(row.get("reason")),
        where=_text(row.get("where")),
        part=part,
        group=ARITHMETIC if kind == "arithmetic" else ARCHITECTURE if part == "architecture" else EXPERIMENTS,
    )


def _printed(row: pandas.Series) -> str:
    """A number with its error and unit, or words as they are; of a claim of the ledger as the ledger has it."""
    with contextlib.suppress(KeyError):
        return wording.printed(ledger.load()[_text(row["id"])])
    text = _text(row.get("printed"))
    if pandas.isna(_number(text)):
        return text or DASH
    return wording.with_unit(
        wording.as_printed(text, _number(row.get("printed_standard_error"))), _text(row.get("unit"))
    )


def _measured(row: pandas.Series) -> str:
    """A number with its error and unit; of an ordering, by how much it holds or fails; words where there is no number."""
    value, error, unit = _number(row.get("measured")), _number(row.get("standard_error")), _text(row.get("unit"))
    if pandas.isna(value):
        without = {"reproduced": "holds, without a number", "not reproduced": "does not hold, without a number"}
        return _text(row.get("measured")) or without.get(_text(row.get("verdict")), "not measured")
    if _text(row.get("kind")) != "ordering":
        return wording.with_unit(wording.measured(value, error), unit)
    holds = "holds by" if value > 0 else "fails by" if value < 0 else "a tie:"
    return f"{holds} {wording.measured(abs(value), error)} ({unit})"


def _number(value: object) -> float:
    return float("nan") if value is None else float(pandas.to_numeric(value, errors="coerce"))


def _text(value: object) -> str:
    return "" if value is None or (isinstance(value, float) and pandas.isna(value)) else str(value)
