"""What README.md and docs/reproduction.md show of recorded studies, made from their results by rule.

``python -m rate_distortion.claims.recorded results/svhn_part/partial results/demo`` records these studies, in this order:
what came of each thesis in ``docs/theses.csv`` and README, the overview of the last one in ``docs/verdicts.csv`` and
reproduction.md. Both tables are written anew from those files.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas

from rate_distortion.claims import ledger, overview
from rate_distortion.claims.assessment import BY_CONSTRUCTION
from rate_distortion.storage import files

BEGIN, END = "<!-- results: begin (make readme) -->", "<!-- results: end -->"
README, REPRODUCTION = Path("README.md"), Path("docs/reproduction.md")
THESES, VERDICTS = Path("docs/theses.csv"), Path("docs/verdicts.csv")


def theses(folder: str | Path) -> pandas.DataFrame:
    """What came of each thesis in a study.

    Args:
        folder: with theses.csv and claims.csv: results/<study>, or results/<study>/partial before it is finished.

    Returns:
        study (its name, "so far" behind it before it is finished), thesis, statement, where, verdict, comparability, orderings
        (claims of the thesis that are orderings, are measured and are not true by construction), holding (those of them that
        came out as the thesis would have them; on few seeds that decides nothing).
    """
    folder = Path(folder)
    found = files.read_table(folder / "theses.csv")
    claims = files.read_table(folder / "claims.csv").set_index("id")
    measured = pandas.to_numeric(claims["measured"], errors="coerce")
    constructed = claims["reason"].fillna("").str.startswith(BY_CONSTRUCTION)
    shown = claims[(claims["kind"] == "ordering") & measured.notna() & ~constructed]
    claimed = [ledger.load()[name] for name in shown.index]
    allowances = np.array([own.allowance for own in claimed])
    against = np.array([own.direction == "contradicts" for own in claimed])
    holds = (measured[shown.index] > -allowances) != against
    name = f"{folder.parent.name} so far" if folder.name == "partial" else folder.name
    rows = found[["thesis", "statement", "where", "verdict", "comparability"]].fillna("")
    by_thesis = holds.groupby(shown["thesis"])
    rows.insert(0, "study", name)
    for column, counts in (("orderings", by_thesis.count()), ("holding", by_thesis.sum())):
        rows[column] = rows["thesis"].map(counts).fillna(0).astype(int)
    return rows


def theses_table(rows: pandas.DataFrame) -> str:
    """README's table from the rows of :func:`theses` of every recorded study: a line per thesis, a column per study."""
    lines = []
    for _, own in rows.groupby("thesis", sort=False):
        first = own.iloc[0]
        words = {f"`{row.study}`".replace(" so far`", "` so far"): _words(row) for row in own.itertuples()}
        lines.append({"what the paper argues": first["statement"], "where": first["where"]} | words)
    return pandas.DataFrame(lines).to_markdown(index=False, disable_numparse=True)


def with_table(page: str, table: str) -> str:
    """A page's text with the table between its two markers replaced.

    Raises:
        ValueError: the markers are not there.
    """
    if BEGIN not in page or END not in page:
        raise ValueError(f"the page lacks the lines {BEGIN} and {END}, between which the table of results stands")
    return re.sub(f"(?s){re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}\n\n{table}\n\n{END}", page, count=1)


def main(*folders: str) -> None:
    """Record these studies, real data first; the last is finished."""
    rows = pandas.concat([theses(folder) for folder in folders], ignore_index=True)
    files.write_text(THESES, rows.to_csv(index=False))
    files.write_text(VERDICTS, files.verified(Path(folders[-1]) / "overview.csv").read_text(encoding="utf-8"))
    # Read back, so that a test of the pages makes the very same tables.
    for page, table in (
        (README, theses_table(overview.read(THESES))),
        (REPRODUCTION, overview.markdown(overview.read(VERDICTS))),
    ):
        files.write_text(page, with_table(page.read_text(encoding="utf-8"), table))


def _words(row: tuple) -> str:
    """A verdict, with what was measured behind it; nothing where the study has nothing on the thesis."""
    if not row.comparability:
        return "—"
    return f"{row.verdict}, {row.holding} of {row.orderings}" if row.orderings else row.verdict


if __name__ == "__main__":
    main(*sys.argv[1:])
