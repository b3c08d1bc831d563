"""One row per table and figure: what came of its claims, at what scale, by which command, at what cost.

``results/<study>/overview.csv`` has the rows of one study; ``docs/verdicts.csv`` those of the recorded one
(:mod:`rate_distortion.claims.recorded`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas

from rate_distortion.claims import verdicts
from rate_distortion.claims.ledger import FOLLOW_UP
from rate_distortion.storage import files, provenance
from rate_distortion.studies.results import RESULTS


@dataclass(frozen=True)
class Item:
    """A table or figure with claims, or what stands beside them.

    Attributes:
        key: its name in the catalogue.
        name: as docs/reproduction.md names it.
        prefix: of its claims' ids.
        target: a file inside results/<study> that shows it.
    """

    key: str
    name: str
    prefix: str
    target: str

    def has(self, claim: str, rests_on: str) -> bool:
        """Whether a claim belongs here: by the prefix of its id, and arithmetic apart from what experiments decide."""
        if rests_on == "arithmetic":
            return self is ARITHMETIC and not claim.startswith(FOLLOW_UP)
        return claim.startswith(self.prefix)


ARITHMETIC = Item("claims", "The paper's own arithmetic", "AR-", "claims.md")
ITEMS = (
    *(
        Item(own.name, own.claims.heading, own.claims.prefix, f"{own.place}.{'md' if own.kind == 'table' else 'svg'}")
        for own in RESULTS
        if own.claims
    ),
    ARITHMETIC,
)
"""In the order of the page."""


def overview(claims: pandas.DataFrame, study: str, records: Mapping[str, Iterable[str | Path]]) -> pandas.DataFrame:
    """One row per item.

    Args:
        claims: content of claims.csv.
        study: its name.
        records: table or figure -> metrics.json of the trainings that it rests on; the study leaves out what is not there.

    Returns:
        item, study, the number of claims of each verdict, comparability, command, training_minutes (of all trainings the item
        needs, from nothing; empty for none).
    """
    rows = []
    for item in ITEMS:
        own = claims[[item.has(*claim) for claim in zip(claims["id"], claims["rests_on"], strict=True)]]
        counts = own["verdict"].value_counts()
        seconds = [_seconds(path) for path in records.get(item.key, ())]
        promised = item.key in records or item.key == "claims"
        rows.append(
            {
                "item": item.name,
                "study": study,
                **{name.replace(" ", "_"): int(counts.get(name, 0)) for name in verdicts.VERDICTS},
                "comparability": " and ".join(sorted(own["comparability"].dropna().unique())),
                "command": f"snakemake --cores 2 results/{study}/{item.target}" if promised else "",
                "training_minutes": round(sum(seconds) / 60, 1) if seconds else None,
            }
        )
    return pandas.DataFrame(rows)


def markdown(rows: pandas.DataFrame) -> str:
    """The table of docs/reproduction.md from the rows of :func:`overview`."""
    shown = pandas.DataFrame(
        {
            "what": rows["item"],
            "verdicts": [_verdict_words(row) for row in rows.itertuples()],
            "scale": rows["comparability"].replace("", "—").fillna("—"),
            "command": [f"`{command}`" if isinstance(command, str) and command else "—" for command in rows["command"]],
            "training (minutes)": ["—" if pandas.isna(value) else f"{value:g}" for value in rows["training_minutes"]],
        }
    )
    return shown.to_markdown(index=False, disable_numparse=True)


def read(path: str | Path) -> pandas.DataFrame:
    """The rows of an overview.csv, or of docs/verdicts.csv or docs/theses.csv."""
    return pandas.read_csv(path, keep_default_na=False, na_values={"training_minutes": [""]})


def _seconds(path: str | Path) -> float:
    return float(files.read_json(provenance.verified(path))["seconds"])


def _verdict_words(row: tuple) -> str:
    counts = {name: getattr(row, name.replace(" ", "_")) for name in verdicts.VERDICTS}
    words = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return words or "nothing printed to judge"
