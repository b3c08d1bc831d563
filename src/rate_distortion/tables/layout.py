"""What all tables share: the three forms, means with standard errors, and the printed precision."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas

from rate_distortion import files


@dataclass(frozen=True)
class Table:
    """A table in its two shapes.

    Attributes:
        tidy: one observation a row.
        shown: the printed layout, every cell a string.
        title: what the table shows.
        notes: lines under the table, such as study, data, seeds and scale.
    """

    tidy: pandas.DataFrame
    shown: pandas.DataFrame
    title: str
    notes: Sequence[str]

    def write(self, csv: str | Path, md: str | Path, tex: str | Path) -> None:
        """Write the three forms."""
        files.write_text(csv, self.tidy.to_csv(index=False, lineterminator="\n"))
        files.write_text(md, self.markdown())
        files.write_text(tex, self.latex())

    def markdown(self) -> str:
        """Title, table and notes."""
        notes = "\n".join(f"- {note}" for note in self.notes)
        return f"**{self.title}**\n\n{self.shown.to_markdown(index=False)}\n\n{notes}\n"

    def latex(self) -> str:
        """A ``table`` environment; needs the booktabs package."""
        body = self.shown.map(_latex_text).rename(columns=_latex_text)
        lines = [" & ".join(row) + r" \\" for row in [list(body.columns), *body.to_numpy().tolist()]]
        return "\n".join(
            [
                r"\begin{table}",
                rf"\caption{{{_latex_text(self.title)}. {_latex_text(' '.join(self.notes))}}}",
                r"\centering",
                rf"\begin{{tabular}}{{{'l' * len(body.columns)}}}",
                r"\toprule",
                lines[0],
                r"\midrule",
                *lines[1:],
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{table}",
                "",
            ]
        )


def read_metrics(paths: Iterable[str | Path]) -> pandas.DataFrame:
    """One row per run from its metrics.json."""
    return pandas.DataFrame([json.loads(Path(path).read_text(encoding="utf-8")) for path in paths])


def read_perceptrons(paths: Iterable[str | Path]) -> pandas.DataFrame:
    """One of the tables that multilayer perceptrons record, of several runs; activation and normalization are in the path."""
    frames = []
    for path in map(Path, paths):
        activation, normalization = path.parts[-5:-3]
        frames.append(pandas.read_csv(path).assign(activation=activation, normalization=normalization))
    return pandas.concat(frames, ignore_index=True)


def summarise(runs: pandas.DataFrame, by: list[str], quantities: Mapping[str, str]) -> pandas.DataFrame:
    """Mean, standard error of the mean (sample standard deviation / sqrt(n)) and n of each quantity, tidy.

    Args:
        runs: one row per run.
        by: the columns that name a cell.
        quantities: column -> name with unit in the result.
    """
    parts = [
        runs.groupby(by, sort=False)[column].agg(mean="mean", standard_error="sem", n="count").assign(quantity=name)
        for column, name in quantities.items()
    ]
    return pandas.concat(parts).reset_index()[[*by, "quantity", "mean", "standard_error", "n"]]


def to_precision(mean: float, standard_error: float, planned: int | None = None, n: int | None = None) -> str:
    """A mean to the precision of its standard error: one digit of the error, as the paper prints (12.42 ± 0.04).

    Without an error (one seed) the mean has one decimal and no error. ``n`` smaller than ``planned`` is said.
    """
    partial = f" ({int(n)} of {planned})" if planned is not None and n is not None and n < planned else ""
    if math.isnan(mean):
        return f"missing{partial}"
    if math.isnan(standard_error):
        return f"{mean:.1f}{partial}"
    decimals = 1 if standard_error == 0 else max(0, -math.floor(math.log10(_one_digit(standard_error))))
    return f"{mean:.{decimals}f} ± {_one_digit(standard_error):.{decimals}f}{partial}"


def notes(study: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """What every table says of where its numbers come from."""
    images, trained_on = data["images"], data["train_on"].split("+")
    return [
        f"Study {study['name']}: {study['title']}.",
        f"Data: {data['description']}, {sum(images[split] for split in trained_on):,} training and {images['test']:,} "
        f"test images; {study['epochs']} epochs at learning rate {study['learning_rate']}.",
        f"Mean ± standard error of the mean over {len(study['seeds'])} seeds.",
    ]


def weight_decay_note(runs: pandas.DataFrame) -> list[str]:
    values = runs.drop_duplicates("model").set_index("model")["weight_decay"]
    return ["Weight decay λ: " + ", ".join(f"{model} {value:g}" for model, value in values.items()) + "."]


def or_dash(mean: float, error: float) -> str:
    return "—" if math.isnan(mean) else to_precision(mean, error)


def _one_digit(error: float) -> float:
    """Rounded to one significant digit (0.096 -> 0.1)."""
    return float(f"{error:.0e}")


def _latex_text(text: str) -> str:
    for plain, escaped in (("\\", r"\textbackslash{}"), ("%", r"\%"), ("_", r"\_"), ("&", r"\&"), ("#", r"\#")):
        text = text.replace(plain, escaped)
    return text.replace("±", r"$\pm$").replace("—", "---")
