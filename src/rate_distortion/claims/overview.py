"""One row per table and figure: what came of its claims, at what scale, by which command, at what cost.

``results/<study>/overview.csv`` has the rows of one study. ``python -m rate_distortion.claims.overview`` with that path makes
it the one that README.md shows: it becomes ``docs/verdicts.csv``, and README's table is written anew from that.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas

from rate_distortion.claims import verdicts
from rate_distortion.storage import files, provenance

BEGIN, END = "<!-- results: begin (make readme) -->", "<!-- results: end -->"


@dataclass(frozen=True)
class Item:
    """A table, a figure, or what the text says beside them.

    Attributes:
        name: as README names it.
        prefix: of its claims' ids.
        target: a file inside results/<study> that shows it.
        parts: of a study, whose trainings it needs.
    """

    name: str
    prefix: str
    target: str
    parts: tuple[str, ...] = ()


ITEMS = (
    Item("Table 1: accuracy and gap", "T1-", "tables/table1.md", ("table1",)),
    Item("Table 2: random labels", "T2-", "tables/table2.md", ("table2",)),
    Item("Table 3: architecture", "T3-", "tables/table3.md"),
    Item("Section 4.3: weight decay", "L-", "tables/weight_decay.md", ("calibration",)),
    Item("Section 4.3: more data", "BP-", "tables/further_models.md", ("further_models",)),
    Item("Figure 1: the channel", "F1-", "figures/figure1.svg"),
    Item("Figure 2: gradients", "F2-", "figures/figure2.svg", ("gradient_snr",)),
    Item("Figure 3: information plane", "F3-", "figures/figure3.svg", ("information_plane",)),
    Item("Figure 4: both directions", "F4", "figures/figure4.svg", ("perturbations",)),
    Item("Figure 5: fault tolerance", "F5-", "figures/figure5.svg", ("perturbations",)),
    Item("Figure 6: sphere packing", "F6-", "figures/figure6.svg", ("sphere_packing",)),
    Item("Figure 7: transfer", "F7-", "figures/figure7.svg", ("transfer",)),
    Item("The paper's own arithmetic", "AR-", "claims.md"),
)


def overview(claims: pandas.DataFrame, study: str, records: Mapping[str, Iterable[str | Path]]) -> pandas.DataFrame:
    """One row per item.

    Args:
        claims: content of claims.csv.
        study: its name.
        records: part of a study -> metrics.json of its trainings; a part that is not there is one the study does not have.

    Returns:
        item, study, the number of claims of each verdict, comparability, command, training_minutes (of all trainings the item
        needs, from nothing; empty for none).
    """
    rows = []
    for item in ITEMS:
        own = claims[claims["id"].str.startswith(item.prefix)]
        counts = own["verdict"].value_counts()
        absent = [part for part in item.parts if not list(records.get(part, ()))]
        seconds = [_seconds(path) for part in item.parts for path in records.get(part, ())]
        rows.append(
            {
                "item": item.name,
                "study": study,
                **{name.replace(" ", "_"): int(counts.get(name, 0)) for name in verdicts.VERDICTS},
                "comparability": " and ".join(sorted(own["comparability"].dropna().unique())),
                "command": "" if absent else f"snakemake --cores 2 results/{study}/{item.target}",
                "training_minutes": round(sum(seconds) / 60, 1) if seconds else None,
            }
        )
    return pandas.DataFrame(rows)


def markdown(rows: pandas.DataFrame) -> str:
    """README's table from the rows of :func:`overview`."""
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


def with_table(readme: str, rows: pandas.DataFrame) -> str:
    """README's text with the table between its two markers replaced.

    Raises:
        ValueError: the markers are not there.
    """
    if BEGIN not in readme or END not in readme:
        raise ValueError(f"README.md lacks the lines {BEGIN} and {END}, between which the table of results stands")
    return re.sub(
        f"(?s){re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}\n\n{markdown(rows)}\n\n{END}", readme, count=1
    )


def read(path: str | Path) -> pandas.DataFrame:
    """The rows of an overview.csv or of docs/verdicts.csv."""
    return pandas.read_csv(path, keep_default_na=False, na_values={"training_minutes": [""]})


def _seconds(path: str | Path) -> float:
    return float(files.read_json(provenance.verified(path))["seconds"])


def _verdict_words(row: tuple) -> str:
    counts = {name: getattr(row, name.replace(" ", "_")) for name in verdicts.VERDICTS}
    words = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return words or "nothing printed to judge"


def main(source: str) -> None:
    """Make a study's overview the one that README shows."""
    text = files.verified(source).read_text(encoding="utf-8")
    readme = Path("README.md")
    files.write_text("docs/verdicts.csv", text)
    files.write_text(readme, with_table(readme.read_text(encoding="utf-8"), read("docs/verdicts.csv")))


if __name__ == "__main__":
    main(*sys.argv[1:])
