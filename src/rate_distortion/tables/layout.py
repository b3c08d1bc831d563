"""What all tables share: one layout for Markdown, LaTeX and HTML, and the notes below it."""

from __future__ import annotations

import itertools
import logging
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas

from rate_distortion.analysis.precision import DASH, to_precision, with_minus
from rate_distortion.datasets import catalogue
from rate_distortion.storage import files, provenance
from rate_distortion.studies.shown import trained

log = logging.getLogger(__name__)

LATEX_TEXT = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        **{character: rf"\{character}" for character in "%_&#${}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": "$<$",
        ">": "$>$",
        "|": "$|$",
        "—": "---",
        "–": "--",
        **{
            character: f"${command}$"
            for character, command in {
                "±": r"\pm",
                "×": r"\times",
                "·": r"\cdot",
                "−": "-",
                "≥": r"\geq",
                "≤": r"\leq",
                "∞": r"\infty",
                "β": r"\beta",
                "λ": r"\lambda",
                "σ": r"\sigma",
                "₂": "_2",
                "²": "^2",
            }.items()
        },
    }
)
"""Characters that LaTeX reads as commands or does not have, and what stands for them."""

TAG, NO_TAG = re.compile(r"<(?=[A-Za-z/!?])"), "&lt;"
"""The start of an HTML tag, and what Markdown gets in its place: titles in an archive are somebody else's words."""


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        text: what was measured, or words.
        printed: what the paper prints of it; empty where it prints nothing.
        partial: whether it rests on fewer seeds than planned.
    """

    text: str
    printed: str = ""
    partial: bool = False

    @property
    def is_words(self) -> bool:
        """Whether it has no number, nor the dash that stands for one."""
        return self.text != DASH and not any(map(str.isdigit, self.text))


NOTHING = Cell(DASH)


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        heading: its own.
        group: a heading above it, which it shares with its neighbours of the same group.
        printed_of: of a column that shows what the paper prints, the key of the column with what was measured. HTML sets the
            two numbers above each other and needs no such column.
    """

    heading: str
    group: str = ""
    printed_of: str = ""

    @property
    def key(self) -> str:
        """Its name among the columns, which is its heading in one line."""
        return f"{self.group} {self.heading}".strip()


@dataclass(frozen=True)
class Layout:
    """A table as it is printed, from which Markdown, LaTeX and HTML are made.

    Attributes:
        columns: from left to right; those that name a row come first.
        rows: key of a column -> cell; a column that a row lacks has a dash.
        names: how many of the columns name a row.
        grouped: whether the first column names groups of rows.
        printed_rows: whether what the paper prints has a row of its own below each row in Markdown and LaTeX.
        dash: what a dash means, where it is not simply a number that was not measured or printed.
    """

    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Cell]]
    names: int = 1
    grouped: bool = False
    printed_rows: bool = False
    dash: str = ""

    @property
    def headings(self) -> list[str]:
        """Of Markdown and LaTeX, in one line."""
        return [column.key for column in self.columns]

    def dash_note(self) -> list[str]:
        """What a dash means; nothing where there is none."""
        if not any(DASH in text.split() for line in self.lines() for text in line):
            return []
        return [
            f"{DASH}: {self.dash or 'not measured' + (', or not printed in the paper' if self.has_printed else '')}."
        ]

    def lines(self) -> list[list[str]]:
        """The rows of Markdown and LaTeX."""
        found = []
        for row in self.rows:
            found.append([self._text(row, column) for column in self.columns])
            if self.printed_rows and any(cell.printed for cell in row.values()):
                first, *others = self.columns
                theirs = [row.get(column.key, NOTHING).printed or DASH for column in others]
                found.append([f"{row[first.key].text}, printed", *map(with_minus, theirs)])
        return found

    def frame(self) -> pandas.DataFrame:
        """The rows of Markdown by heading."""
        return pandas.DataFrame(self.lines(), columns=self.headings)

    def _text(self, row: Mapping[str, Cell], column: Column) -> str:
        if column.printed_of:
            return with_minus(row.get(column.printed_of, NOTHING).printed or DASH)
        return with_minus(row.get(column.key, NOTHING).text)

    @property
    def measured(self) -> list[Column]:
        """The columns of HTML, which shows what the paper prints below what was measured."""
        return [column for column in self.columns if not column.printed_of]

    def cells(self, row: Mapping[str, Cell]) -> list[Cell]:
        """A row of HTML."""
        found = [row.get(column.key, NOTHING) for column in self.measured]
        return [replace(cell, text=with_minus(cell.text), printed=with_minus(cell.printed)) for cell in found]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """The upper headings of HTML and how many columns each spans."""
        shown = self.measured[1:] if self.grouped else self.measured
        return [(name, len(list(own))) for name, own in itertools.groupby(shown, key=lambda column: column.group)]

    def bodies(self) -> list[tuple[str, list[list[Cell]]]]:
        """The rows of HTML by group: what the first column says of neighbours that share it, and their other cells."""
        rows = [self.cells(row) for row in self.rows]
        if not self.grouped:
            return [("", rows)]
        return [(name, [row[1:] for row in own]) for name, own in itertools.groupby(rows, key=lambda row: row[0].text)]

    def of_finished_seeds(self) -> Layout:
        """The layout with every number marked as resting on fewer seeds than planned."""
        named = {column.key for column in self.columns[: self.names]}

        def marked(key: str, cell: Cell) -> Cell:
            return replace(cell, partial=key not in named and cell.text != DASH and not cell.is_words)

        return replace(self, rows=[{key: marked(key, cell) for key, cell in row.items()} for row in self.rows])

    def without_printed(self) -> Layout:
        """The layout with what was measured alone."""
        rows = [{key: replace(cell, printed="") for key, cell in row.items()} for row in self.rows]
        return replace(self, columns=self.measured, rows=rows)

    @property
    def has_printed(self) -> bool:
        """Whether the paper prints any of its numbers."""
        return any(cell.printed for row in self.rows for cell in row.values())

    @property
    def partial_cells(self) -> int:
        """How many cells rest on fewer seeds than planned."""
        return sum(cell.partial for row in self.rows for cell in row.values())


def columns(*headings: str) -> list[Column]:
    """Columns without groups."""
    return [Column(heading) for heading in headings]


def measured(row: Any, planned: float | None = None) -> Cell:
    """A mean with its standard error, and what the paper prints of it.

    Args:
        row: has mean, standard_error and, where they are known, n, printed_mean and printed_standard_error.
        planned: how many seeds the mean should rest on; None where they are not counted cell by cell.
    """
    n = getattr(row, "n", None)
    text = to_precision(row.mean, row.standard_error, None if planned is None else int(planned), n)
    theirs = getattr(row, "printed_mean", None)
    return Cell(
        text,
        "" if theirs is None or pandas.isna(theirs) else to_precision(theirs, row.printed_standard_error),
        partial=planned is not None and n is not None and n < planned,
    )


def counted_seeds(row: Any) -> float:
    """Of how many seeds a cell might have a value: those that have finished, where a table rests on them, or the planned."""
    return getattr(row, "seeds_finished", row.seeds_planned)


def plain(tidy: pandas.DataFrame) -> Layout:
    """The layout of a table that has none of its own: its tidy form as it is."""
    return Layout(
        columns(*(str(name).replace("_", " ") for name in tidy)),
        [
            {str(name).replace("_", " "): _plain(value) for name, value in row.items()}
            for row in tidy.to_dict("records")
        ],
        dash="not known",
    )


def _plain(value: Any) -> Cell:
    if isinstance(value, float):
        return NOTHING if pandas.isna(value) else Cell(f"{value:.4g}")
    return Cell(str(value))


@dataclass(frozen=True)
class Table:
    """A table in its two shapes.

    Attributes:
        tidy: one observation a row.
        shown: the printed layout.
        title: what the table shows.
        notes: lines under the table, such as study, data, seeds and scale.
    """

    tidy: pandas.DataFrame
    shown: Layout
    title: str
    notes: Sequence[str] = field(default=())

    def with_provenance(self, records: Iterable[str | Path]) -> Table:
        """The table with a warning below it when its runs were made by different code or on different hardware.

        The tidy form has no such column: what a run was made with stands in the run's own record.

        Args:
            records: the ``provenance.json`` of each run in the table.
        """
        warnings = provenance.mixed(records)
        for warning in warnings:
            log.warning("%s: %s", self.title, warning)
        return replace(self, notes=[*self.notes, *warnings])

    def of_finished_seeds(self, finished: int, planned: int) -> Table:
        """The table with a note and two columns that say how many of the planned seeds it rests on; itself if on all.

        Args:
            finished: seeds that every cell rests on.
            planned: seeds of the study.
        """
        if finished == planned:
            return self
        tidy = self.tidy.assign(seeds_finished=finished, seeds_planned=planned)
        return replace(self, tidy=tidy, notes=[*self.notes, f"From {finished} of {planned} seeds."])

    def write(self, csv: str | Path, md: str | Path, tex: str | Path) -> None:
        """Write the three forms."""
        files.write_text(csv, self.tidy.to_csv(index=False, lineterminator="\n"))
        files.write_text(md, self.markdown())
        files.write_text(tex, self.latex())

    def markdown(self) -> str:
        """Title, table and notes."""
        lines = self.shown.frame().to_markdown(index=False, disable_numparse=True)
        notes = "\n".join(f"- {note}" for note in self._all_notes())
        return TAG.sub(NO_TAG, f"**{self.title}**\n\n{lines}\n\n{notes}\n")

    def latex(self) -> str:
        """A ``table`` environment; needs the booktabs package."""
        rows = [" & ".join(map(_latex_text, line)) + r" \\" for line in self.shown.lines()]
        return "\n".join(
            [
                r"\begin{table}",
                rf"\caption{{{_latex_text(self.title)}. {_latex_text(' '.join(self._all_notes()))}}}",
                r"\centering",
                rf"\begin{{tabular}}{{{'l' * len(self.shown.columns)}}}",
                r"\toprule",
                *self._latex_header(),
                r"\midrule",
                *rows,
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{table}",
                "",
            ]
        )

    def _all_notes(self) -> list[str]:
        return [with_minus(note) for note in (*self.notes, *self.shown.dash_note())]

    def _latex_header(self) -> list[str]:
        """One header row, or two as in the paper: models above, what was measured of each below."""
        headings = self.shown.columns
        if not any(column.group for column in headings):
            return [" & ".join(_latex_text(column.heading) for column in headings) + r" \\"]
        upper, rules, first = [], [], 1
        for name, own in itertools.groupby(headings, key=lambda column: column.group):
            width = len(list(own))
            upper.append(rf"\multicolumn{{{width}}}{{c}}{{{_latex_text(name)}}}" if name else " &" * (width - 1))
            rules += [rf"\cmidrule(lr){{{first}-{first + width - 1}}}"] if name else []
            first += width
        lower = [_latex_text(column.heading) for column in headings]
        return [" & ".join(upper) + r" \\", " ".join(rules), " & ".join(lower) + r" \\"]


def read_notes(markdown: str) -> tuple[str, list[str]]:
    """Title and notes of a table, from its Markdown."""
    first, *others = markdown.replace(NO_TAG, "<").splitlines()
    return first.strip("*"), [line.removeprefix("- ") for line in others if line.startswith("- ")]


def is_users_own(data: Mapping[str, Any]) -> bool:
    """Whether the images are a user's own, of which the paper's numbers say nothing.

    Args:
        data: the content of ``dataset.json``.
    """
    return data.get("dataset") not in (None, *catalogue.OF_THE_PROJECT) and "part_of" not in data


def notes(study: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """What every table says of where its numbers come from."""
    images, trained_on = data["images"], study.get("train_on", data["train_on"]).split("+")
    return [
        f"Study {study['name']}: {study['title']}.",
        f"Data: {data['description']}, {sum(images[split] for split in trained_on):,} training and {images['test']:,} "
        f"test images; {trained(study)}.",
        f"{seeds_note(study)}.",
    ]


def seeds_note(study: Mapping[str, Any]) -> str:
    """What stands behind ±."""
    seeds = len(study["seeds"])
    return f"Mean ± standard error of the mean over {seeds} seeds" if seeds > 1 else "One seed, so no standard error"


def batch_size_note(names: Iterable[str]) -> list[str]:
    """What the names of :func:`analysis.records.disambiguate` mean; nothing where no model has several batch sizes."""
    return ["model@n: the model that was trained at batch size n."] if any("@" in name for name in names) else []


def weight_decay_note(runs: pandas.DataFrame, study: Mapping[str, Any]) -> list[str]:
    """The weight decay of every network that is trained here; of given weights it is not known."""
    trained_here = runs[~runs["model"].isin(study.get("given_weights", ()))]
    if trained_here.empty:
        return []
    values = trained_here.drop_duplicates("model").set_index("model")["weight_decay"]
    return ["Weight decay λ: " + ", ".join(f"{model} {value:g}" for model, value in values.items()) + "."]


def _latex_text(text: str) -> str:
    """Text as LaTeX shows it, with pdflatex and without further packages."""
    return "".join(c if c.isascii() or ord(c) in LATEX_TEXT else _plain_letter(c) for c in text).translate(LATEX_TEXT)


def _plain_letter(character: str) -> str:
    """A letter without its accent (é -> e); a question mark for what is no Latin letter."""
    return unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode() or "?"
