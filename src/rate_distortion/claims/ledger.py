"""The ledger: what the paper prints, from claims.yaml, checked against its closed schema."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import yaml

from rate_distortion.studies import configuration

PAPER_SEEDS = 5
"""Seeds behind each of the paper's means (Table 1)."""

FOLLOW_UP = "S-"
"""How the ids of reference points from the authors' follow-up begin, which the paper does not print."""


class LedgerError(ValueError):
    """The ledger contradicts itself; the message says where."""


@dataclass(frozen=True)
class Margin:
    """How far a measured value may lie from the printed one, set in advance.

    Attributes:
        value: in the claim's unit; in decades for a claim on a logarithmic scale.
        reason: why this much.
    """

    value: float
    reason: str


@dataclass(frozen=True)
class Part:
    """A part of a study.

    Attributes:
        description: in words that follow "the study has no".
        sizes: the paper's; see :mod:`rate_distortion.claims.comparability`.
    """

    description: str
    sizes: Mapping[str, Any]


@dataclass(frozen=True)
class Thesis:
    """Something that the paper argues, on which several claims bear.

    Attributes:
        statement: one sentence.
        where: in the paper.
    """

    statement: str
    where: str


@dataclass(frozen=True)
class Claim:
    """One printed number or ordering; claims.schema.yaml explains the attributes."""

    id: str
    kind: str
    statement: str
    printed: float | str
    unit: str
    where: str
    part: str
    family: str
    measure: str
    arguments: Mapping[str, Any]
    printed_standard_error: float | None = None
    printed_as: str | None = None
    margin: Margin | None = None
    scale: str = "linear"
    resolution: float = 0.0
    thesis: str | None = None
    core: bool = False
    direction: str = "supports"
    by_construction: tuple[str, ...] = field(default=())
    cannot_be_confirmed: bool = False
    full_size_only: bool = False
    linked_to: tuple[str, ...] = field(default=())

    @property
    def of_the_paper(self) -> bool:
        """Whether the paper prints it, and it counts; the others are reference points."""
        return not self.id.startswith(FOLLOW_UP)

    @property
    def allowance(self) -> float:
        """How far below zero the differences of an ordering may lie, in its unit."""
        return self.margin.value if self.margin else 0.0

    @property
    def rests_on(self) -> str:
        """What a verdict on it rests on: "experiments", "architecture" (counts of parameters) or "arithmetic"."""
        return (
            self.kind if self.kind == "arithmetic" else "architecture" if self.printed_as == "exact" else "experiments"
        )


@dataclass(frozen=True)
class Ledger:
    """All claims in the paper's order, the theses that they bear on, and the parts of a study that they need."""

    claims: tuple[Claim, ...]
    parts: Mapping[str, Part]
    theses: Mapping[str, Thesis]

    def __getitem__(self, claim_id: str) -> Claim:
        """The claim of an id."""
        for claim in self.claims:
            if claim.id == claim_id:
                return claim
        raise KeyError(f"the ledger has no claim {claim_id!r}")

    def printed(self, measure: str, **arguments: Any) -> tuple[float, float | None]:
        """The printed number and its standard error of the claim that has a measure with exactly these arguments.

        Raises:
            KeyError: there is no such claim.
        """
        for claim in self.claims:
            if claim.measure == measure and dict(claim.arguments) == arguments:
                return claim.printed, claim.printed_standard_error
        raise KeyError(f"the ledger has no claim about {measure} with {arguments}")

    def printed_or_nan(self, measure: str, **arguments: Any) -> tuple[float, float]:
        """As :meth:`printed`, with not a number for what the paper does not print."""
        try:
            value, error = self.printed(measure, **arguments)
        except KeyError:
            return math.nan, math.nan
        return float(value), math.nan if error is None else float(error)


@functools.cache
def load() -> Ledger:
    """The project's ledger."""
    return parse(_packaged("claims.yaml"), _packaged("claims.schema.yaml"))


def parse(content: Mapping[str, Any], schema: Mapping[str, Any]) -> Ledger:
    """Check a ledger's content and give it its types.

    Raises:
        configuration.StudyError: it violates the schema.
        LedgerError: an id stands there twice, or a margin, part, thesis or linked claim does not exist.
    """
    configuration.validate(content, schema, content)
    margins = {name: Margin(**entry) for name, entry in content["margins"].items()}
    parts = {name: Part(**entry) for name, entry in content["parts"].items()}
    theses = {name: Thesis(**entry) for name, entry in content["theses"].items()}
    ledger = Ledger(tuple(_claim(entry, margins) for entry in content["claims"]), parts, theses)
    ids = Counter(claim.id for claim in ledger.claims)
    for claim in ledger.claims:
        if ids[claim.id] > 1:
            raise LedgerError(f"claim {claim.id} stands there {ids[claim.id]} times; every id may stand there once")
        if claim.part not in parts:
            raise LedgerError(f"claim {claim.id} has the part {claim.part!r}; allowed: {', '.join(parts)}")
        if claim.thesis is not None and claim.thesis not in theses:
            raise LedgerError(f"claim {claim.id} has the thesis {claim.thesis!r}; allowed: {', '.join(theses)}")
        for linked in claim.linked_to:
            if linked not in ids or ledger[linked].linked_to:
                raise LedgerError(f"claim {claim.id} is linked to {linked!r}; name a claim that is not linked itself")
    return ledger


def _claim(entry: Mapping[str, Any], margins: Mapping[str, Margin]) -> Claim:
    entry, measure = dict(entry), dict(entry["measure"])
    if (name := entry.get("margin")) is not None:
        if name not in margins:
            raise LedgerError(f"claim {entry['id']} has the margin {name!r}; allowed: {', '.join(margins)}")
        entry["margin"] = margins[name]
    entry |= {key: tuple(entry.get(key, ())) for key in ("linked_to", "by_construction")}
    return Claim(**(entry | {"measure": measure.pop("name"), "arguments": measure}))


def _packaged(name: str) -> Any:
    text = resources.files("rate_distortion").joinpath(name).read_text(encoding="utf-8")
    # safe_load with the C parser where there is one: ten times faster, and every table reads the ledger.
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text).get_single_data()
