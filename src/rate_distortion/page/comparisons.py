"""What the paper says of a figure in numbers, and what was measured here."""

from __future__ import annotations

from dataclasses import dataclass

import pandas

from rate_distortion.analysis.records import disambiguate
from rate_distortion.figures.style import NOISE_STYLES
from rate_distortion.page.tables import network
from rate_distortion.tables.layout import to_precision

NOT_MEASURED = "not measured"
NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Comparison:
    """A quantity, as the paper prints it and as it was measured here."""

    what: str
    printed: str
    here: str


def gradient_ratios(rows: pandas.DataFrame | None) -> list[Comparison]:
    """From which epoch on the ratio is constant, by network; the range is over layers.

    Args:
        rows: gradient_snr.csv.
    """
    if rows is None:
        return []
    found, plateaus = [], rows[rows["quantity"] == "plateau_epoch"]
    for (activation, normalization), own in plateaus.groupby(["activation", "normalization"], sort=False):
        known, printed = own["mean"].dropna(), own["printed"].dropna()
        none = f"{len(own) - len(known)} of {len(own)} layers still move" if len(known) < len(own) else ""
        here = f"{known.min():,.0f} to {known.max():,.0f}" if len(known) else ""
        paper = f"about {printed.iloc[0]:,.0f}" if len(printed) else "—"
        measured = "; ".join(filter(None, (here, none)))
        found.append(Comparison(f"{network(activation, normalization)}: constant from epoch", paper, measured))
    return found


def memorization(rows: pandas.DataFrame | None) -> list[Comparison]:
    """How much I(X; T) falls from its largest value to the last epoch, and how much more random labels keep.

    Args:
        rows: information_plane.csv.
    """
    if rows is None:
        return []
    main = rows[rows["estimator"] == rows["estimator"].iloc[0]]
    drops, kept = main[main["quantity"] == "drop_bits"], main[main["quantity"] == "memorization_bits"]
    found = []
    for labels, printed in (("original", "compression"), ("random", "almost none")):
        own = drops.loc[drops["labels"] == labels, "mean"].dropna()
        found.append(Comparison(f"largest drop of I(X; T) in a layer, {labels} labels", printed, _bits(own)))
    found.append(
        Comparison("most that random labels keep more of in a layer", "the degree of memorization", _bits(kept["mean"]))
    )
    return found


def reverse_transmission(rows: pandas.DataFrame | None, model: str | None) -> list[Comparison]:
    """Steps to full confidence of the model that figure 4 shows.

    Args:
        rows: reverse_transmission.csv.
        model: its name; None without figure 4.
    """
    if rows is None or model is None:
        return []
    own = rows[rows["model"] == model]
    here = NOT_MEASURED
    if len(own):
        row = own.iloc[0]
        steps = "full confidence never reached" if pandas.isna(row["mean_steps"]) else _mean(row["mean_steps"], row)
        here = f"{steps} ({row['reached_percent']:.0f} % of labels)"
    return [Comparison(f"{model}: steps to full confidence", "about 100 (B+ on SVHN)", here)]


def fault_tolerance(rows: pandas.DataFrame | None) -> list[Comparison]:
    """The lowest accuracy under each noise, what remains at the end, and nines read as sixes.

    Args:
        rows: fault_tolerance.csv.
    """
    if rows is None:
        return []
    rows = rows.assign(model=disambiguate(rows["model"], rows["batch_size"]))
    found = []
    for noise, printed in (("l2", "0 %"), ("linf", "0 %"), ("gaussian", "about 10 %")):
        own = rows[rows["noise"] == noise]
        here = _by_model(own, "lowest_accuracy_percent", "{:.1f} %")
        found.append(Comparison(f"lowest accuracy, {NOISE_STYLES[noise][1]}", printed, here))
    last = rows[rows["noise"] == "l2"]
    found.append(
        Comparison(
            "information where the L₂ path ends",
            "rises again below 30 dB",
            _by_model(last, "last_information_bits", "{:.2f} bits"),
        )
    )
    if "nine_to_six_percent" in rows:  # not for a user's images, which are no digits
        sixes = _by_model(last, "nine_to_six_percent", "{:.0f} %")
        found.append(Comparison("nines read as sixes, large L₂", "more often than not", sixes))
    return found


def weight_decay(rows: pandas.DataFrame | None) -> list[Comparison]:
    """The smallest sufficient weight decay, and whether it is best on validation images.

    Args:
        rows: weight_decay.csv.
    """
    if rows is None:
        return []
    chosen, best = (rows.loc[rows[column], "weight_decay"].unique() for column in ("chosen", "best_validation"))
    return [
        Comparison("smallest sufficient λ", "about 0.01", f"{chosen[0]:g}" if len(chosen) else "none of the grid"),
        Comparison(
            "λ of the highest accuracy", "the same (test)", f"{best[0]:g} (validation)" if len(best) else NOT_MEASURED
        ),
    ]


def sphere_packing(rows: pandas.DataFrame | None) -> list[Comparison]:
    """When the clusters come apart, and what their power does afterwards.

    Args:
        rows: sphere_packing.csv.
    """
    if rows is None:
        return []
    cells = rows.set_index(["variant", "quantity"])["mean"]
    found = []
    for variant, name, printed in (
        ("none", "(a) no normalization", "about 20"),
        ("batch", "(b) batch normalization", "sooner"),
        ("batch_without_scale", "(c) without scale", "sooner"),
    ):
        epoch = cells.get((variant, "partition_epoch"), float("nan"))
        here = "never" if pandas.isna(epoch) else f"{epoch:,.0f}"
        found.append(Comparison(f"{name}: clusters apart from epoch", printed, here))
    change = cells.get(("none", "power_after_partition_db"), float("nan"))
    here = NOT_MEASURED if pandas.isna(change) else f"{change:+.1f} dB"
    return [*found, Comparison("(a): power, end over partition", "falls", here)]


def transfer(rows: pandas.DataFrame | None) -> list[Comparison]:
    """Accuracy on handwritten digits before and after ten steps on ten images.

    Args:
        rows: transfer.csv.
    """
    if rows is None:
        return []
    accuracy = rows[(rows["quantity"] == "accuracy_percent") & rows["mean"].notna()]
    found = []
    for row in accuracy.itertuples():
        printed = getattr(row, "printed", float("nan"))
        paper = "—" if pandas.isna(printed) else f"{printed:.1f} %"
        here = f"{to_precision(row.mean, row.standard_error)} %"
        found.append(Comparison(f"{row.model}: {row.shot.replace('_', '-')} accuracy", paper, here))
    return found


def _by_model(rows: pandas.DataFrame, column: str, form: str) -> str:
    """One value per model (and batch size, where it has several), under the statistics that it was first evaluated with."""
    first = rows.dropna(subset=column).drop_duplicates("model")
    shown = [f"{row['model']} {form.format(row[column])}".replace(" ", NO_BREAK) for _, row in first.iterrows()]
    return ", ".join(shown) or NOT_MEASURED


def _bits(values: pandas.Series) -> str:
    return NOT_MEASURED if values.dropna().empty else f"{values.max():.2f} bits"


def _mean(value: float, row: pandas.Series) -> str:
    return to_precision(value, row["standard_error"])
