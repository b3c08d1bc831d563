"""What the paper says of a figure, in the words and numbers of the ledger, and what was measured here."""

from __future__ import annotations

from dataclasses import dataclass

import pandas

from rate_distortion.analysis.precision import DASH, to_precision, with_minus
from rate_distortion.analysis.records import disambiguate
from rate_distortion.claims import ledger, wording
from rate_distortion.tables.fault_tolerance import NOISE_NAMES
from rate_distortion.tables.perceptrons import network_name
from rate_distortion.tables.reverse_transmission import NEVER

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
        none = f"not in {len(own) - len(known)} of {len(own)} layers" if len(known) < len(own) else ""
        in_part = int((own["n"].between(1, own["seeds_planned"] - 1)).sum()) if "seeds_planned" in own else 0
        here = " to ".join(dict.fromkeys(f"{epoch:,.0f}" for epoch in (known.min(), known.max()))) if len(known) else ""
        paper = f"about {printed.iloc[0]:,.0f}" if len(printed) else DASH
        some = f"not in every seed in {in_part} of {len(own)} layers" if in_part else ""
        measured = "; ".join(filter(None, (here, none, some)))
        found.append(Comparison(f"{network_name(activation, normalization)}: constant from epoch", paper, measured))
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
    for labels, claim in (("original", "F3-compress"), ("random", "F3-nocompress")):
        own = drops.loc[drops["labels"] == labels, "mean"].dropna()
        found.append(Comparison(f"largest drop of I(X; T) in a layer, {labels} labels", _printed(claim), _bits(own)))
    more = "most that random labels keep more of I(X; T) in a layer"
    return [*found, Comparison(more, _printed("F3-memo"), _bits(kept["mean"]))]


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
        steps = NEVER if pandas.isna(row["mean_steps"]) else to_precision(row["mean_steps"], row["standard_error"])
        here = f"{steps} ({row['reached_percent']:.0f} % of labels)"
    return [Comparison(f"{model}: steps to full confidence", f"{_printed('F4b-steps')} (B+ on SVHN)", here)]


def fault_tolerance(rows: pandas.DataFrame | None) -> list[Comparison]:
    """The lowest accuracy under each noise, what remains at the end, and nines read as sixes.

    Args:
        rows: fault_tolerance.csv.
    """
    if rows is None:
        return []
    rows = rows.assign(model=disambiguate(rows["model"], rows["batch_size"]))
    found = []
    for noise, claim in (("l2", "F5-acc0-B-l2"), ("linf", "F5-acc0-B-linf"), ("gaussian", "F5-gauss-B")):
        own = rows[rows["noise"] == noise]
        here = _by_model(own, "lowest_accuracy_percent", "{:.1f} %")
        found.append(Comparison(f"lowest accuracy, {NOISE_NAMES[noise]}", _printed(claim), here))
    last = rows[rows["noise"] == "l2"]
    found.append(
        Comparison(
            "information where the L₂ path ends",
            _printed("F5-plateau"),
            _by_model(last, "last_information_bits", "{:.2f} bits"),
        )
    )
    if "nine_to_six_percent" in rows:  # not for a user's images, which are no digits
        sixes = _by_model(last, "nine_to_six_percent", "{:.0f} %")
        found.append(Comparison("nines read as sixes, large L₂", _printed("F5-9to6"), sixes))
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
        Comparison(
            "smallest sufficient λ", _printed("L-crit"), f"{chosen[0]:g}" if len(chosen) else "none of the grid"
        ),
        Comparison(
            "λ of the highest accuracy", _printed("L-best"), f"{best[0]:g} (validation)" if len(best) else NOT_MEASURED
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
        ("none", "(a) no normalization", _printed("F6-partition")),
        ("batch", "(b) batch normalization", _printed("F6-early")),
        ("batch_without_scale", "(c) without scale", DASH),
    ):
        epoch = cells.get((variant, "partition_epoch"), float("nan"))
        here = "never" if pandas.isna(epoch) else f"{epoch:,.0f}"
        found.append(Comparison(f"{name}: clusters apart from epoch", printed, here))
    change = cells.get(("none", "power_after_partition_db"), float("nan"))
    here = NOT_MEASURED if pandas.isna(change) else with_minus(f"{change:+.1f} dB")
    return [*found, Comparison("(a): power, end over partition", _printed("F6-power"), here)]


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
        paper = DASH if pandas.isna(printed) else f"{printed:.1f} %"
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


def _printed(claim: str) -> str:
    return wording.printed(ledger.load()[claim])
