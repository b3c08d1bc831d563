"""What all tables share: the three forms, means with standard errors, and the printed precision."""

from __future__ import annotations

import itertools
import logging
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas

from rate_distortion.storage import files, provenance

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


ROUNDING = 1e-12
"""A relative standard error below this is what floating point leaves of equal numbers, and counts as zero."""

MOST_DECIMALS = 6
"""Of a number without an error."""


@dataclass(frozen=True)
class Table:
    """A table in its two shapes.

    Attributes:
        tidy: one observation a row.
        shown: the printed layout, every cell a string.
        title: what the table shows.
        notes: lines under the table, such as study, data, seeds and scale.
        header: for a table whose printed header has two rows, (upper, lower) of every column of ``shown``; columns beside one
            another with the same upper part share it.
    """

    tidy: pandas.DataFrame
    shown: pandas.DataFrame
    title: str
    notes: Sequence[str]
    header: Sequence[tuple[str, str]] = ()

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
        notes = "\n".join(f"- {note}" for note in self.notes)
        return f"**{self.title}**\n\n{self.shown.to_markdown(index=False, disable_numparse=True)}\n\n{notes}\n"

    def latex(self) -> str:
        """A ``table`` environment; needs the booktabs package."""
        body = self.shown.map(_latex_text)
        rows = [" & ".join(row) + r" \\" for row in body.to_numpy().tolist()]
        return "\n".join(
            [
                r"\begin{table}",
                rf"\caption{{{_latex_text(self.title)}. {_latex_text(' '.join(self.notes))}}}",
                r"\centering",
                rf"\begin{{tabular}}{{{'l' * len(body.columns)}}}",
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

    def _latex_header(self) -> list[str]:
        """One header row, or two as in the paper: models above, what was measured of each below."""
        if not self.header:
            return [" & ".join(map(_latex_text, self.shown.columns)) + r" \\"]
        upper, rules, first = [], [], 1
        for name, columns in itertools.groupby(self.header, key=lambda pair: pair[0]):
            width = len(list(columns))
            upper.append(rf"\multicolumn{{{width}}}{{c}}{{{_latex_text(name)}}}" if name else " &" * (width - 1))
            rules += [rf"\cmidrule(lr){{{first}-{first + width - 1}}}"] if name else []
            first += width
        lower = [_latex_text(name) for _, name in self.header]
        return [" & ".join(upper) + r" \\", " ".join(rules), " & ".join(lower) + r" \\"]


def to_precision(mean: float, standard_error: float, planned: int | None = None, n: int | None = None) -> str:
    """A mean to the precision of its standard error: one digit of the error, as the paper prints (12.42 ± 0.04; 76 ± 3).

    Without an error (one seed), or with an error of exactly zero, the mean has one decimal, or as many as it takes to show
    that a mean below 0.05 is not zero. Errors of ten and more are rounded to whole tens, their means with them (54.3 with 12
    reads 50 ± 10), and no sign is left on a zero. ``n`` smaller than ``planned`` is said.
    """
    partial = f" ({int(n)} of {planned})" if planned is not None and n is not None and n < planned else ""
    if not math.isfinite(mean):
        return f"missing{partial}"
    if not math.isfinite(standard_error):
        return f"{_rounded(mean, _decimals_without_error(mean))}{partial}"
    noise = abs(standard_error) <= ROUNDING * abs(mean)
    error = 0.0 if noise else _one_digit(abs(standard_error))
    decimals = -math.floor(math.log10(error)) if error else _decimals_without_error(mean)
    return f"{_rounded(mean, decimals)} ± {_rounded(error, decimals)}{partial}"


def _decimals_without_error(mean: float) -> int:
    """One decimal, or enough for one digit of a mean that would otherwise read as zero."""
    if mean == 0 or abs(mean) >= 0.05:
        return 1
    return min(MOST_DECIMALS, -math.floor(math.log10(_one_digit(abs(mean)))))


def _rounded(value: float, decimals: int) -> str:
    """A number with so many decimals (with -1 rounded to tens, and so on), and a zero without a sign."""
    return f"{round(value, decimals) + 0.0:.{max(0, decimals)}f}"


def is_users_own(data: Mapping[str, Any]) -> bool:
    """Whether the images are a user's own, of which the paper's numbers say nothing.

    Args:
        data: the content of ``dataset.json``.
    """
    return data.get("dataset") == "arrays" and "part_of" not in data


def notes(study: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """What every table says of where its numbers come from."""
    images, trained_on = data["images"], data["train_on"].split("+")
    return [
        f"Study {study['name']}: {study['title']}.",
        f"Data: {data['description']}, {sum(images[split] for split in trained_on):,} training and {images['test']:,} "
        f"test images; {study['epochs']} epochs at learning rate {study['learning_rate']}.",
        f"Mean ± standard error of the mean over {len(study['seeds'])} seeds.",
    ]


def batch_size_note(names: Iterable[str]) -> list[str]:
    """What the names of :func:`analysis.records.disambiguate` mean; nothing where no model has several batch sizes."""
    return ["model@n: the model that was trained at batch size n."] if any("@" in name for name in names) else []


def weight_decay_note(runs: pandas.DataFrame) -> list[str]:
    values = runs.drop_duplicates("model").set_index("model")["weight_decay"]
    return ["Weight decay λ: " + ", ".join(f"{model} {value:g}" for model, value in values.items()) + "."]


def or_dash(mean: float, error: float) -> str:
    return "—" if math.isnan(mean) else to_precision(mean, error)


def _one_digit(error: float) -> float:
    """Rounded to one significant digit (0.096 -> 0.1)."""
    return float(f"{error:.0e}")


def _latex_text(text: str) -> str:
    """Text as LaTeX shows it, with pdflatex and without further packages."""
    return "".join(c if c.isascii() or ord(c) in LATEX_TEXT else _plain_letter(c) for c in text).translate(LATEX_TEXT)


def _plain_letter(character: str) -> str:
    """A letter without its accent (é -> e); a question mark for what is no Latin letter."""
    return unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode() or "?"
