"""The study's tables as the page prints them: what was measured, and under it what the paper prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas

from rate_distortion.analysis.records import disambiguate
from rate_distortion.claims import ledger
from rate_distortion.figures.style import NOISE_STYLES
from rate_distortion.tables.layout import to_precision


@dataclass(frozen=True)
class Cell:
    """A cell: a value, the paper's beside it, and whether seeds are missing from it."""

    text: str
    printed: str = ""
    partial: bool = False


@dataclass(frozen=True)
class PageTable:
    """A table to print: a heading row (and above it one of groups), a header in each row, cells.

    Attributes:
        title: what it shows.
        columns: headings, that of the row headers first.
        rows: (row header, cells).
        groups: (heading, number of columns) above the columns after the first.
        notes: lines under it.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    groups: Sequence[tuple[str, int]] = ()
    notes: Sequence[str] = field(default=())

    @property
    def has_printed(self) -> bool:
        """Whether the paper prints any of its numbers."""
        return any(cell.printed for _, cells in self.rows for cell in cells)


def accuracies(
    rows: pandas.DataFrame | None,
    cells: Mapping[str, Sequence[int]],
    quantities: Mapping[str, str],
    title: str,
    seeds: int,
    notes: Sequence[str] = (),
) -> PageTable | None:
    """Tables 1 and 2: batch sizes in rows, models in columns; None without rows.

    Args:
        rows: table1.csv or table2.csv.
        cells: model -> batch sizes, as the study plans them.
        quantities: quantity -> heading.
        title: of the table.
        seeds: that the study plans.
        notes: lines under the table.
    """
    if rows is None:
        return None
    lookup = rows.set_index(["model", "batch_size", "quantity"])
    sizes = list(dict.fromkeys(size for own in cells.values() for size in own))

    def cell(model: str, size: int, quantity: str) -> Cell:
        if (model, size, quantity) in lookup.index:
            return _mean(lookup.loc[(model, size, quantity)])
        return Cell(f"0 of {seeds} seeds", partial=True) if size in cells[model] else Cell("—")

    return PageTable(
        title,
        ["batch size", *(heading for _ in cells for heading in quantities.values())],
        [(str(size), [cell(model, size, name) for model in cells for name in quantities]) for size in sizes],
        [(model, len(quantities)) for model in cells],
        notes,
    )


def collapsed(rows: pandas.DataFrame | None) -> list[str]:
    """In how many seeds networks trained on random labels ended as constant predictors, as a note."""
    if rows is None or "collapsed_seeds" not in rows:
        return []
    cells = rows.drop_duplicates(["model", "batch_size"]).itertuples()
    counts = "; ".join(f"{row.model} at {row.batch_size}: {row.collapsed_seeds} of {row.n}" for row in cells)
    return [f"Seeds that collapsed to a constant predictor: {counts}."]


def further_models(rows: pandas.DataFrame | None) -> PageTable | None:
    """Models beside Table 1."""
    if rows is None:
        return None
    keys = ["model", "batch_size", "train_images", "epochs", "weight_decay"]
    quantities = {
        "train_accuracy_percent": "train (%)",
        "test_accuracy_percent": "test (%)",
        "generalization_gap_points": "gap (points)",
    }
    lines = []
    for (model, size, images, epochs, decay), own in rows.groupby(keys, sort=False):
        by_name = own.set_index("quantity")
        numbers = [_mean(by_name.loc[name]) if name in by_name.index else Cell("—") for name in quantities]
        lines.append((model, [Cell(str(size)), Cell(f"{images:,}"), Cell(f"{epochs:,}"), Cell(f"{decay:g}"), *numbers]))
    headings = ["model", "batch size", "training images", "epochs", "λ", *quantities.values()]
    return PageTable("Models beside Table 1: more data, batch normalization alone", headings, lines)


def differences(rows: pandas.DataFrame | None) -> PageTable | None:
    """What the paper states as differences."""
    if rows is None:
        return None
    lines = [
        (
            row["statement"],
            [replace(_mean(row), printed=""), _dash_or(row["printed_mean"], row["printed_standard_error"])],
        )
        for _, row in rows.iterrows()
    ]
    return PageTable(
        "Differences that the paper states in words, paired over seeds", ["difference", "here", "paper"], lines
    )


def weight_decays(rows: pandas.DataFrame | None) -> PageTable | None:
    """The calibration by weight decay."""
    if rows is None:
        return None
    quantities = {
        "random_label_train_accuracy_percent": "train, random labels (%)",
        "random_label_chance_bound_percent": "chance bound (%)",
        "train_accuracy_percent": "train (%)",
        "validation_accuracy_percent": "validation (%)",
    }
    lines = []
    for value, own in rows.groupby("weight_decay"):
        by_name, first = own.set_index("quantity"), own.iloc[0]
        random = by_name.loc["random_label_train_accuracy_percent"]
        marks = {"smallest sufficient": first["chosen"], "best validation": first["best_validation"]}
        numbers = [_mean(by_name.loc[name]) if name in by_name.index else Cell("—") for name in quantities]
        lines.append(
            (
                f"{value:g}",
                [
                    *numbers,
                    Cell(f"{int(first['fitting_seeds'])} of {int(random['n'])}"),
                    Cell(", ".join(name for name, true in marks.items() if true)),
                ],
            )
        )
    headings = ["λ", *quantities.values(), "seeds that fit random labels", "choice"]
    table = PageTable("Weight decay, and whether random labels are still fitted", headings, lines)
    return _of_finished_seeds(table, rows, words=("choice",))


def fault_tolerance(rows: pandas.DataFrame | None) -> PageTable | None:
    """Areas under the curves of figure 5, and what is left at their ends."""
    if rows is None:
        return None
    digits = "nine_to_six_percent" in rows  # not for a user's images
    lines = []
    for row in rows.assign(model=disambiguate(rows["model"], rows["batch_size"])).itertuples():
        statistics = "" if row.evaluation_mode == "none" else f", {row.evaluation_mode} statistics"
        lines.append(
            (
                f"{row.model}{statistics}",
                [
                    Cell(_noise(row.noise)),
                    Cell(_interval(row.area_bits_db, row.area_low_bits_db, row.area_high_bits_db)),
                    _number(row.clean_information_bits, ".2f"),
                    _number(row.half_information_snr_db, ".0f"),
                    _number(row.lowest_accuracy_percent, ".1f"),
                    _number(row.last_information_bits, ".2f"),
                    *([_number(row.nine_to_six_percent, ".0f")] if digits else []),
                ],
            )
        )
    headings = [
        "model",
        "noise",
        "area, 95 % interval (bits dB)",
        "clean (bits)",
        "half at (dB)",
        "lowest accuracy (%)",
        "at the end (bits)",
        *(["9 read as 6 (%)"] if digits else []),
    ]
    table = PageTable("Information under unbounded noise", headings, lines)
    return _of_finished_seeds(table, rows, words=("noise",))


def reverse_transmission(rows: pandas.DataFrame | None) -> PageTable | None:
    """Steps from a label back to full confidence."""
    if rows is None:
        return None
    lines = [
        (
            row.model,
            [
                Cell("—" if pandas.isna(row.mean_steps) else to_precision(row.mean_steps, row.standard_error)),
                Cell(
                    "—" if pandas.isna(row.smallest_steps) else f"{row.smallest_steps:.0f} to {row.largest_steps:.0f}"
                ),
                _number(row.reached_percent, ".0f"),
            ],
        )
        for row in rows.itertuples()
    ]
    headings = ["model", "steps to full confidence", "range", "labels that reached it (%)"]
    return _of_finished_seeds(PageTable("Reverse transmission, from a label to an image", headings, lines), rows)


def attack_audit(rows: pandas.DataFrame | None) -> PageTable | None:
    """Accuracy under attacks that gradient masking would not stop, beside the plain attack."""
    if rows is None:
        return None
    by = ["model", "evaluation_mode", "compared_with", "attack", "snr_db"]
    rows = rows.assign(model=disambiguate(rows["model"], rows["batch_size"]))
    means = rows.groupby(by, sort=False)[["accuracy_percent", "stronger_than_plain_points"]].min().reset_index()
    ratios = sorted(means["snr_db"].unique(), reverse=True)
    lines = []
    for (model, mode, noise, attack), own in means.groupby(by[:-1], sort=False):
        statistics = "" if mode == "none" else f", {mode} statistics"
        by_ratio = own.set_index("snr_db")["accuracy_percent"]
        numbers = [_number(by_ratio.get(ratio, float("nan")), ".1f") for ratio in ratios]
        lines.append((f"{model}{statistics}", [Cell(_noise(noise)), Cell(_words(attack)), *numbers]))
    headings = ["model", "noise", "attack", *(f"accuracy at {ratio:g} dB (%)" for ratio in ratios)]
    return PageTable("Attacks that gradient masking would not stop; the strongest of their starts", headings, lines)


def architecture(rows: pandas.DataFrame | None) -> PageTable | None:
    """Table 3."""
    if rows is None:
        return None
    lines = []
    for row in rows.itertuples():
        sizes = (row.height, row.width, row.input_channels, row.output_channels, row.stride)
        count = Cell(f"{row.kernel_parameters:,}", _printed_parameters(row.block))
        lines.append((row.block, [*(Cell(str(size)) for size in sizes), count]))
    total = int((rows["kernel_parameters"] + rows["bias_parameters"]).sum())
    lines.append(("Total", [*[Cell("")] * 5, Cell(f"{total:,}", _printed_parameters("Total"))]))
    note = f"Rows count weights; the total counts the {int(rows['bias_parameters'].sum())} biases as well."
    headings = ["block", "h", "w", "c in", "c out", "stride", "parameters"]
    return PageTable("The network, counted from the one that the study trains", headings, lines, notes=[note])


def gradient_ratios(rows: pandas.DataFrame | None) -> PageTable | None:
    """Figure 2 in numbers."""
    if rows is None:
        return None
    lines = []
    by_layer = rows[rows["layer"].astype(str) != "all"]
    for (activation, normalization, layer), own in by_layer.groupby(
        ["activation", "normalization", "layer"], sort=False
    ):
        values = own.set_index("quantity")
        plateau = values.loc["plateau_epoch"]
        seeds = _seeds(plateau)
        missing = "" if plateau["n"] == seeds else f" ({plateau['n']:.0f} of {seeds:.0f})"
        reached = "none" if plateau["n"] == 0 else f"{plateau['mean']:,.0f}{missing}"
        lines.append(
            (
                f"{network(activation, normalization)}, layer {layer}",
                [
                    Cell(reached, "" if pandas.isna(plateau["printed"]) else f"about {plateau['printed']:,.0f}"),
                    _mean(values.loc["final_level_log10"]),
                    _mean(values.loc["change_decades"]),
                    _mean(values.loc["above_floor_decades"]),
                ],
            )
        )
    headings = [
        "network, layer",
        "constant from epoch",
        "final level (log10)",
        "change (decades)",
        "above floor (decades)",
    ]
    return _of_finished_seeds(PageTable("Plateaus and levels of the ratio", headings, lines), rows)


def information_plane(rows: pandas.DataFrame | None) -> PageTable | None:
    """Figure 3 in numbers: the estimator of the paper at the last epoch, by layer."""
    if rows is None:
        return None
    main = rows[(rows["estimator"] == rows["estimator"].iloc[0]) & ~rows["layer"].astype(str).isin(["all", "input"])]
    values = main.assign(layer=main["layer"].astype(str)).set_index(["labels", "layer", "quantity"])
    columns = {
        "I(X; T), original": ("original", "input_information_bits"),
        "I(X; T), random": ("random", "input_information_bits"),
        "memorization": ("random minus original", "memorization_bits"),
        "drop, original": ("original", "drop_bits"),
        "drop, random": ("random", "drop_bits"),
        "I(T; Y), original": ("original", "label_information_bits"),
        "I(T; Y), random": ("random", "label_information_bits"),
    }
    lines = []
    for layer in dict.fromkeys(values.index.get_level_values("layer")):
        keys = [(labels, layer, quantity) for labels, quantity in columns.values()]
        numbers = [_bits(values.loc[key]) if key in values.index else Cell("—") for key in keys]
        lines.append((f"layer {layer}", numbers))
    note = "Memorization: I(X; T) on random labels less that on the original ones. Drop: from its largest value to its last."
    title = "Bits at the last epoch, and the degree of memorization"
    return _of_finished_seeds(PageTable(title, ["layer", *columns], lines, notes=[note]), rows)


def variations(rows: pandas.DataFrame | None, title: str) -> PageTable | None:
    """Sensitivity or ablations: one choice varied at a time."""
    if rows is None:
        return None
    quantities = {
        ("original", "train_accuracy_percent"): "train (%)",
        ("original", "test_accuracy_percent"): "test (%)",
        ("original", "generalization_gap_points"): "gap (points)",
        ("random", "train_accuracy_percent"): "random labels: train (%)",
    }
    lines = []
    for (choice, model), own in rows.groupby(["choice", "model"], sort=False):
        values = own.set_index(["labels", "quantity"])
        numbers = [_mean(values.loc[key]) if key in values.index else Cell("—") for key in quantities]
        lines.append((_words(choice), [Cell(model), *numbers]))
    table = PageTable(title, ["choice", "model", *quantities.values()], lines)
    return _of_finished_seeds(table, rows, words=("model",))


def by_column(rows: pandas.DataFrame | None, title: str, column: str, model: str | None = None) -> PageTable | None:
    """Quantities in rows, and what another column names in columns: sphere packing by variant, transfer by shot.

    Args:
        rows: sphere_packing.csv or transfer.csv.
        title: of the table.
        column: "variant" or "shot".
        model: the column whose value stands before a quantity, if any.
    """
    if rows is None:
        return None
    rows = rows.assign(key=rows[model].astype(str) + ": " if model else "")
    names = list(dict.fromkeys(rows[column]))
    cells = {(row["key"], row["quantity"], row[column]): _judged(row) for _, row in rows.iterrows()}
    lines = [
        (key + _quantity(quantity), [cells.get((key, quantity, name), Cell("—")) for name in names])
        for key, quantity in dict.fromkeys(zip(rows["key"], rows["quantity"], strict=True))
    ]
    return _of_finished_seeds(PageTable(title, ["quantity", *map(_words, names)], lines), rows)


def network(activation: str, normalization: str) -> str:
    """A multilayer perceptron in words."""
    return activation + (" with batch normalization" if normalization == "batch" else "")


def partial_cells(tables: Iterable[PageTable | None]) -> int:
    """Cells that rest on fewer seeds than planned."""
    return sum(cell.partial for table in tables if table for _, cells in table.rows for cell in cells)


def _mean(row: pandas.Series) -> Cell:
    """A mean with its error, the paper's under it, and the number of seeds where some are missing."""
    planned, n = _seeds(row), row.get("n")
    short = planned is not None and n is not None and n < planned
    text = "—" if pandas.isna(row["mean"]) and not short else to_precision(row["mean"], row["standard_error"])
    printed = row.get("printed_mean")
    theirs = "" if printed is None or pandas.isna(printed) else to_precision(printed, row["printed_standard_error"])
    return Cell(f"{text} ({n:.0f} of {planned:.0f} seeds)" if short else text, theirs, partial=bool(short))


def _seeds(row: pandas.Series) -> float | None:
    """Of how many seeds a cell might have a value: those that have finished, where a table rests on them, or the planned."""
    return row.get("seeds_finished", row.get("seeds_planned"))


def _of_finished_seeds(table: PageTable, rows: pandas.DataFrame, words: Sequence[str] = ()) -> PageTable:
    """The table with a note, and its numbers marked, where it rests on fewer seeds than planned.

    Args:
        table: as of a finished study.
        rows: what it is made of; where seeds are missing it has seeds_finished and seeds_planned.
        words: headings of the columns that hold no numbers.
    """
    if "seeds_finished" not in rows:
        return table
    first = rows.iloc[0]
    note = f"From {first['seeds_finished']:.0f} of {first['seeds_planned']:.0f} seeds."

    def marked(heading: str, cell: Cell) -> Cell:
        return replace(cell, partial=cell.partial or (heading not in words and cell.text not in ("", "—")))

    lines = [(name, list(map(marked, table.columns[1:], cells))) for name, cells in table.rows]
    return replace(table, rows=lines, notes=[*table.notes, note])


def _judged(row: pandas.Series) -> Cell:
    """A mean, and under it a printed number that has no error."""
    printed = row.get("printed")
    theirs = "" if printed is None or pandas.isna(printed) else f"{printed:g}"
    return Cell("—" if pandas.isna(row["mean"]) else to_precision(row["mean"], row["standard_error"]), theirs)


def _bits(row: pandas.Series) -> Cell:
    if pandas.isna(row["mean"]) or pandas.isna(row["standard_error"]) or row["standard_error"] < 0.005:
        return _number(row["mean"], ".2f")
    return Cell(to_precision(row["mean"], row["standard_error"]))


def _number(value: Any, form: str) -> Cell:
    return Cell("—" if value is None or pandas.isna(value) else format(value, form))


def _dash_or(mean: float, error: float) -> Cell:
    return Cell("—" if pandas.isna(mean) else to_precision(mean, error))


def _interval(value: float, low: float, high: float) -> str:
    return "—" if pandas.isna(value) else f"{value:.1f} ({low:.1f} to {high:.1f})"


def _noise(name: str) -> str:
    return NOISE_STYLES.get(name, ("", name))[1]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _quantity(name: str) -> str:
    """A quantity's name with its unit in brackets."""
    for suffix, unit in (("_percent", "%"), ("_points", "points"), ("_bits", "bits"), ("_nats", "nats"), ("_db", "dB")):
        if name.endswith(suffix):
            return f"{_words(name.removesuffix(suffix))} ({unit})"
    return _words(name)


def _printed_parameters(block: str) -> str:
    printed = ledger.load().printed_or_nan("parameters", block=block)[0]
    return "" if pandas.isna(printed) else f"{printed:.1f}k"
