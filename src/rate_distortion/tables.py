"""The paper's tables: tidy CSV for machines, Markdown and LaTeX as printed for people.

Every mean comes with its standard error and the number of seeds, and is shown to the precision of that error, as in the paper.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas

from rate_distortion import files, printed

TABLE1_QUANTITIES = {"test_accuracy": "test_accuracy_percent", "generalization_gap": "generalization_gap_points"}


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
    """One row per run from its metrics.json; nested entries are left out."""
    records = [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]
    return pandas.DataFrame([{k: v for k, v in record.items() if not isinstance(v, dict)} for record in records])


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
    partial = f" ({n} of {planned})" if planned is not None and n is not None and n < planned else ""
    if math.isnan(mean):
        return f"missing{partial}"
    if math.isnan(standard_error):
        return f"{mean:.1f}{partial}"
    decimals = 1 if standard_error == 0 else max(0, -math.floor(math.log10(_one_digit(standard_error))))
    return f"{mean:.{decimals}f} ± {_one_digit(standard_error):.{decimals}f}{partial}"


def table1(
    runs: pandas.DataFrame, cells: Mapping[str, Sequence[int]], study: Mapping[str, Any], data: Mapping[str, Any]
) -> Table:
    """Table 1: test accuracy (percent) and signed generalization gap (points), batch sizes in rows, models in columns.

    Args:
        runs: one row per run (:func:`read_metrics`).
        cells: model -> batch sizes, in the order to print.
        study, data: what the notes say of the study and its data.
    """
    seeds = len(study["seeds"])
    tidy = summarise(runs, ["model", "batch_size"], TABLE1_QUANTITIES).assign(seeds_planned=seeds)
    tidy[["printed_mean", "printed_standard_error"]] = [
        _printed_table1(row.model, row.batch_size, row.quantity) for row in tidy.itertuples()
    ]
    lookup = tidy.set_index(["model", "batch_size", "quantity"])
    headings = {"test_accuracy_percent": "test (%)", "generalization_gap_points": "gap (points)"}
    rows = []
    for size in dict.fromkeys(size for sizes in cells.values() for size in sizes):
        ours, paper = {"batch size": str(size)}, {"batch size": f"{size}, printed"}
        for model, quantity in ((m, q) for m in cells for q in headings):
            column, key = f"{model} {headings[quantity]}", (model, size, quantity)
            cell = lookup.loc[key] if key in lookup.index else None
            ours[column] = "—" if cell is None else to_precision(cell["mean"], cell["standard_error"], seeds, cell["n"])
            mean, error = _printed_table1(*key)
            paper[column] = "—" if math.isnan(mean) else to_precision(mean, error)
        rows += [ours, paper]
    return Table(
        tidy,
        pandas.DataFrame(rows),
        "Test accuracy and generalization gap (train minus test accuracy) by model and batch size",
        [*notes(study, data), "Rows marked printed are Table 1 of the paper: SVHN, 500 epochs, 5 seeds."],
    )


def table3(network: pandas.DataFrame) -> Table:
    """Table 3: the architecture; the rows count weights as printed, the total counts biases too.

    Args:
        network: one row per layer (:class:`rate_distortion.models.LayerRow`).
    """
    total = int((network["kernel_parameters"] + network["bias_parameters"]).sum())
    rows = [
        {
            "block": row.block,
            "h": str(row.height),
            "w": str(row.width),
            "c_in": str(row.input_channels),
            "c_out": str(row.output_channels),
            "s": str(row.stride),
            "params": _thousands(row.kernel_parameters),
            "printed": printed.TABLE3[row.block],
        }
        for row in network.itertuples()
    ]
    empty = dict.fromkeys(("h", "w", "c_in", "c_out", "s"), "—")
    rows.append({"block": "Total", **empty, "params": _thousands(total), "printed": printed.TABLE3["Total"]})
    return Table(
        network,
        pandas.DataFrame(rows),
        "Basic fully-convolutional CNN architecture",
        [
            "h, w, c_in, c_out, s: kernel height and width, input and output channels, stride.",
            f"Rows count weights; the total counts the {int(network['bias_parameters'].sum())} biases as well: {total:,}.",
        ],
    )


def notes(study: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """What every table says of where its numbers come from."""
    images, trained_on = data["images"], data["train_on"].split("+")
    return [
        f"Study {study['name']}: {study['title']}.",
        f"Data: {data['description']}, {sum(images[split] for split in trained_on):,} training and {images['test']:,} "
        f"test images; {study['epochs']} epochs at learning rate {study['learning_rate']}.",
        f"Mean ± standard error of the mean over {len(study['seeds'])} seeds.",
    ]


def _printed_table1(model: str, batch_size: int, quantity: str) -> tuple[float, float]:
    cell = printed.TABLE1.get(model, {}).get(batch_size)
    if cell is None:
        return math.nan, math.nan
    return cell[list(TABLE1_QUANTITIES.values()).index(quantity)]


def _one_digit(error: float) -> float:
    """Rounded to one significant digit (0.096 -> 0.1)."""
    return float(f"{error:.0e}")


def _thousands(count: int) -> str:
    return f"{count / 1000:.1f}k"


def _latex_text(text: str) -> str:
    for plain, escaped in (("\\", r"\textbackslash{}"), ("%", r"\%"), ("_", r"\_"), ("&", r"\&"), ("#", r"\#")):
        text = text.replace(plain, escaped)
    return text.replace("±", r"$\pm$").replace("—", "---")
