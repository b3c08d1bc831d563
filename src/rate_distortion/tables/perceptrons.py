"""What figures 2 and 3 say in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas

from rate_distortion.analysis import gradient_snr as measured
from rate_distortion.analysis import information_plane as plane_records
from rate_distortion.analysis.records import summarise
from rate_distortion.claims import ledger
from rate_distortion.tables.layout import Table, to_precision

NETWORK = ["activation", "normalization"]
LAYER_QUANTITIES = (
    "plateau_epoch",
    "initial_level_log10",
    "final_level_log10",
    "change_decades",
    "final_rank",
    "final_floor_log10",
    "above_floor_decades",
    "debiased_signal_percent",
)
NETWORK_QUANTITIES = ("initial_spread_decades", "final_spread_decades", "inversions")


def gradient_snr(summary: pandas.DataFrame, kind: str, study: Mapping[str, Any], data: Mapping[str, Any]) -> Table:
    """Figure 2 in numbers: one row per network and layer.

    Args:
        summary: as :func:`rate_distortion.analysis.gradient_snr.summary` returns it.
        kind: the ratio.
        study, data: for the notes.
    """
    planned = len(study["seeds"])
    by_layer = summarise(summary, [*NETWORK, "layer"], {name: name for name in LAYER_QUANTITIES})
    whole = summarise(
        summary.drop_duplicates([*NETWORK, "seed"]), NETWORK, {name: name for name in NETWORK_QUANTITIES}
    ).assign(layer="all")
    tidy = pandas.concat([by_layer, whole], ignore_index=True).assign(seeds_planned=planned)
    tidy["printed"] = [
        _printed_plateau(row.activation, row.normalization) if row.quantity == "plateau_epoch" else float("nan")
        for row in tidy.itertuples()
    ]
    rows = []
    for (activation, normalization, layer), cell in by_layer.groupby([*NETWORK, "layer"], sort=False):
        values = cell.set_index("quantity")
        shown = {
            name: to_precision(values.loc[name, "mean"], values.loc[name, "standard_error"]) for name in values.index
        }
        plateau = values.loc["plateau_epoch"]
        rows.append(
            {
                "network": network_name(activation, normalization),
                "layer": str(layer),
                "plateau from epoch": _plateau(plateau["mean"], plateau["standard_error"], int(plateau["n"]), planned),
                "printed": f"about {_printed_plateau(activation, normalization):,.0f}",
                "final level (log10)": shown["final_level_log10"],
                "change (decades)": shown["change_decades"],
                "above floor (decades)": shown["above_floor_decades"],
                "debiased signal (%)": shown["debiased_signal_percent"],
            }
        )
    return Table(
        tidy,
        pandas.DataFrame(rows),
        "Signal-to-noise ratio of the stochastic gradients by layer",
        [
            *perceptron_notes(study, data),
            *(_ordering(network, summary) for network in summary[NETWORK].drop_duplicates().itertuples(index=False)),
            f"Ratio: {kind}. Plateau: the first epoch from which on the slope of log10 ratio over log10 epoch stays within "
            f"±{measured.SLOPE_PER_DECADE:g} to the end (slopes over {10**measured.HALF_WINDOW_DECADES:.1f}-fold windows to "
            "either side); none: it still moves at the end. Mean over the seeds with a plateau.",
            "Floor: the ratio of independent minibatch gradients with mean zero. Debiased signal: what is left of |mean|² "
            "after the share of such gradients; 0 is none.",
        ],
    )


def information_plane(
    records: pandas.DataFrame, plane: Mapping[str, Any], study: Mapping[str, Any], data: Mapping[str, Any]
) -> Table:
    """Figure 3 in numbers: estimates at the last epoch, degree of memorization, compression, violations, H(X).

    Args:
        records: information_plane.csv of every seed, on original and on random labels.
        plane: the study's information_plane settings.
        study, data: for the notes; data has pixel_entropy_bits.

    Returns:
        A table whose tidy form has labels ("original", "random", or "random minus original"), estimator, layer ("all" for
        quantities of the whole network, "input" for H(X)), quantity, mean, standard_error, n.
    """
    tidy = pandas.concat(
        [
            _at_the_end(records),
            _memorization(records),
            _compression(records),
            _violations(records),
            _input_entropy(data),
        ],
        ignore_index=True,
    )
    return Table(
        tidy,
        _plane_shown(tidy),
        "Information plane at the last epoch, and the degree of memorization",
        [
            *perceptron_notes(study, data),
            f"{plane['activation']}{' + batch norm' if plane['normalization'] == 'batch' else ''}; the first estimator is the "
            f"paper's: {plane['bins']} bins of equal mass over each layer. Floor: I(T; Y) of labels paired at random.",
            f"Ceilings: I(X; T) {records['input_ceiling_bits'].max():.2f} bits (log2 of the {records['samples'].max():,} "
            f"samples), I(T; Y) {records['label_ceiling_bits'].max():.2f} bits.",
            "Memorization: I(X; T) on random labels less that on the original ones, paired over seeds; drop: from the largest "
            "I(X; T) over epochs to the last.",
            *_violation_notes(tidy),
            f"H(X) is at most {data['pixel_entropy_bits']:,.1f} bits, the sum of the pixels' entropies over "
            f"{data['images']['train']:,} images.",
        ],
    )


def network_name(activation: str, normalization: str) -> str:
    """A network in words."""
    return activation + (" + batch norm" if normalization == "batch" else "")


def perceptron_notes(study: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """Where the numbers of a multilayer perceptron come from."""
    own = study["figure2_epochs"]
    only_figure2 = f" ({own:,} for networks that only figure 2 shows)" if own != study["epochs"] else ""
    return [
        f"Study {study['name']}: {study['title']}.",
        f"Data: {data['description']}, {data['images']['train']:,} training images; hidden layers of "
        f"{', '.join(map(str, study['hidden_widths']))} units, {study['epochs']:,} epochs{only_figure2} at learning rate "
        f"{study['learning_rate']}, batch size {study['batch_size']}.",
        f"Mean ± standard error of the mean over {len(study['seeds'])} seeds.",
    ]


def _printed_plateau(activation: str, normalization: str) -> float:
    """Section 4.1: epochs until the ratio is constant."""
    return ledger.load().printed("plateau_epoch", activation=activation, normalization=normalization)[0]


def _plateau(mean: float, error: float, n: int, planned: int) -> str:
    if n == 0:
        return "none"
    seeds = f" ({n} of {planned})" if n < planned else ""
    return f"{mean:,.0f}{'' if pandas.isna(error) else f' ± {error:,.0f}'}{seeds}"


def _ordering(network: Any, summary: pandas.DataFrame) -> str:
    """How the layers of one network lie to each other, in one sentence."""
    own = summary[(summary["activation"] == network.activation) & (summary["normalization"] == network.normalization)]
    levels = own.groupby("layer")["final_level_log10"].mean().sort_values(ascending=False, kind="stable")
    seeds = own.drop_duplicates("seed")
    pairs = len(levels) * (len(levels) - 1) // 2
    return (
        f"{network_name(network.activation, network.normalization)}: layers by falling final level "
        f"{', '.join(map(str, levels.index))}; spread over layers (standard deviation) "
        f"{seeds['initial_spread_decades'].mean():.2f} decades at the beginning, {seeds['final_spread_decades'].mean():.2f} "
        f"at the end; the deeper layer changes more in {seeds['inversions'].mean():.1f} of {pairs} pairs."
    )


PLANE_BY = ["labels", "estimator", "layer"]
BOTH = "random minus original"


def _at_the_end(records: pandas.DataFrame) -> pandas.DataFrame:
    """Every estimate at the last epoch; all estimators are applied there."""
    last = records[records["epoch"] == records["epoch"].max()]
    names = ("input_information_bits", "label_information_bits", "label_floor_bits", "effective_bins")
    return summarise(last, PLANE_BY, {name: name for name in names})


def _memorization(records: pandas.DataFrame) -> pandas.DataFrame:
    found = plane_records.degree_of_memorization(records[records["epoch"] == records["epoch"].max()])
    found = found.rename(columns={"difference_bits": "mean", "standard_error_bits": "standard_error"})
    return found.assign(labels=BOTH, quantity="memorization_bits")[
        [*PLANE_BY, "quantity", "mean", "standard_error", "n"]
    ]


def _compression(records: pandas.DataFrame) -> pandas.DataFrame:
    """Of the main estimator, which alone follows the course."""
    main = records[records["estimator"] == records["estimator"].iloc[0]]
    names = ("maximum_bits", "epoch_of_maximum", "drop_bits")
    return summarise(plane_records.compression(main), PLANE_BY, {name: name for name in names})


def _violations(records: pandas.DataFrame) -> pandas.DataFrame:
    found = plane_records.data_processing_violations(records)
    found = found.assign(layer="all", share=100 * found["violations"] / found["comparisons"])
    parts = []
    for coordinate, own in found.groupby("coordinate", sort=False):
        quantities = {
            "share": f"{coordinate}_processing_violations_percent",
            "largest_rise_bits": f"{coordinate}_largest_rise_bits",
        }
        parts.append(summarise(own, PLANE_BY, quantities))
    return pandas.concat(parts, ignore_index=True)


def _input_entropy(data: Mapping[str, Any]) -> pandas.DataFrame:
    row = {
        "labels": "any",
        "estimator": "independent_pixels",
        "layer": "input",
        "quantity": "input_entropy_upper_bound_bits",
    }
    return pandas.DataFrame([row | {"mean": data["pixel_entropy_bits"], "standard_error": float("nan"), "n": 1}])


def _violation_notes(tidy: pandas.DataFrame) -> list[str]:
    """How often information seems to grow with depth, by estimator, averaged over both kinds of labels."""
    notes, order = [], tidy["estimator"].unique()
    for coordinate, name in (("input", "I(X; T)"), ("label", "I(T; Y)")):
        own = tidy[tidy["quantity"] == f"{coordinate}_processing_violations_percent"]
        shares = own.groupby("estimator", sort=False)["mean"].mean()
        shares = shares.reindex([estimator for estimator in order if estimator in shares.index])
        listed = ", ".join(f"{_words(estimator)} {share:.0f} %" for estimator, share in shares.items())
        notes.append(f"Data processing: {name} reads higher in the next layer in this share of comparisons: {listed}.")
    return notes


def _plane_shown(tidy: pandas.DataFrame) -> pandas.DataFrame:
    """One row per estimator and layer, original and random labels side by side."""
    cells = tidy.assign(layer=tidy["layer"].astype(str)).set_index([*PLANE_BY, "quantity"])[["mean", "standard_error"]]
    ends = tidy[tidy["quantity"] == "input_information_bits"].drop_duplicates(["estimator", "layer"])
    order = {estimator: place for place, estimator in enumerate(ends["estimator"].unique())}
    ends = ends.assign(place=ends["estimator"].map(order)).sort_values(["place", "layer"], kind="stable")
    columns = {
        "I(X; T) original": ("original", "input_information_bits"),
        "I(X; T) random": ("random", "input_information_bits"),
        "memorization": (BOTH, "memorization_bits"),
        "drop original": ("original", "drop_bits"),
        "drop random": ("random", "drop_bits"),
        "I(T; Y) original": ("original", "label_information_bits"),
        "I(T; Y) random": ("random", "label_information_bits"),
        "floor random": ("random", "label_floor_bits"),
    }
    rows = []
    for end in ends.itertuples():
        row = {"estimator": _words(end.estimator), "layer": str(end.layer)}
        for heading, (labels, quantity) in columns.items():
            key = (labels, end.estimator, str(end.layer), quantity)
            row[heading] = _bits(*cells.loc[key]) if key in cells.index else "—"
        rows.append(row)
    return pandas.DataFrame(rows)


def _bits(mean: float, error: float) -> str:
    """Bits to the precision of their error, and to two decimals without one."""
    if pandas.isna(mean):
        return "—"
    return f"{mean:.2f}" if pandas.isna(error) or error < 0.005 else to_precision(mean, error)


def _words(estimator: str) -> str:
    return estimator.replace("_", " ")
