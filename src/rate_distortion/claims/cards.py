"""The claims of the paper with their verdicts, as cards and counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas

from rate_distortion.claims.ledger import FOLLOW_UP
from rate_distortion.tables.layout import to_precision

VERDICTS = ("reproduced", "not reproduced", "undecided")
COMPARABILITIES = ("full", "reduced", "other data")


@dataclass(frozen=True)
class Card:
    """One claim of the paper, as the page shows it."""

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

    @property
    def of_the_paper(self) -> bool:
        """Whether the paper says it; the others are reference points from its authors' follow-up."""
        return not self.id.startswith(FOLLOW_UP)

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


def _card(row: pandas.Series) -> Card:
    unit = _text(row.get("unit"))
    seeds = row.get("n")
    return Card(
        id=_text(row["id"]),
        statement=_text(row["statement"]),
        printed=_value(row.get("printed"), row.get("printed_standard_error"), unit),
        measured=_value(row.get("measured"), row.get("standard_error"), unit),
        seeds=None if seeds is None or pandas.isna(seeds) else int(seeds),
        comparability=_text(row.get("comparability")),
        verdict=_text(row.get("verdict")) or "undecided",
        reason=_text(row.get("reason")),
        where=_text(row.get("where")),
        part=_text(row.get("part")),
    )


def _value(value: object, error: object, unit: str) -> str:
    """A number with its error and unit; words as they are; a dash for nothing."""
    number = pandas.to_numeric(value, errors="coerce") if value is not None else float("nan")
    if pandas.isna(number):
        return _text(value) or "—"
    spread = pandas.to_numeric(error, errors="coerce") if error is not None else float("nan")
    shown = f"{number:.6g}" if pandas.isna(spread) else to_precision(float(number), float(spread))
    return shown if unit in ("", "1", "ordering", "yes or no") else f"{shown} {unit}"


def _text(value: object) -> str:
    return "" if value is None or (isinstance(value, float) and pandas.isna(value)) else str(value)
