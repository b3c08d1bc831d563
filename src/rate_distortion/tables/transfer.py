"""Zero- and one-shot transfer with its calibration as a table (Appendix C)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas

from rate_distortion import datasets
from rate_distortion.analysis.precision import DASH, to_precision
from rate_distortion.claims import ledger
from rate_distortion.tables.layout import Cell, Column, Layout, Table, columns, is_users_own, seeds_note

ACCURACY = "accuracy_percent"
QUANTITIES = {
    ACCURACY: "accuracy (%)",
    "gain_points": "gain by tuning (points)",
    "loss_nats": "loss (nats)",
    "mean_margin_percent": "mean margin (%)",
    "margin_minus_accuracy_points": "mean margin less accuracy (points)",
    "margin_calibration_error_points": "calibration error by margin (points)",
    "margin_calibration_error_floor_points": "the same, if perfectly calibrated",
    "margin_overconfidence_points": "over-confidence by margin (points)",
    "margin_underconfidence_points": "under-confidence by margin (points)",
    "mean_top_probability_percent": "mean top probability (%)",
    "top_probability_minus_accuracy_points": "mean top probability less accuracy (points)",
    "top_probability_calibration_error_points": "calibration error by top probability (points)",
    "top_probability_calibration_error_floor_points": "the same, if perfectly calibrated",
    "top_probability_overconfidence_points": "over-confidence by top probability (points)",
    "top_probability_underconfidence_points": "under-confidence by top probability (points)",
}
"""Column -> how the table calls it, in its order."""

SHOTS = {"zero_shot": "zero-shot", "one_shot": "one-shot", "real_svhn": "zero-shot, real SVHN"}
MATCHING_NETWORKS = "matching networks"
SPREAD = "support sets, 5th to 95th percentile"


def transfer(
    records: pandas.DataFrame,
    study: Mapping[str, Any],
    data: Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    comparable: bool = False,
) -> Table:
    """Mean and standard error over seeds of every quantity, and its spread over support sets.

    Args:
        records: as :func:`read_transfers` returns them.
        study, data: for the notes.
        settings: the study's ``transfer``.
        comparable: whether this part of the study is comparable with the paper in full, so that the printed number has a
            percentile among support sets (:func:`rate_distortion.claims.comparability.is_comparable`).
    """
    own = is_users_own(data) or is_users_own(settings)
    tidy = _tidy(records, comparable, _nothing if own else printed)
    return Table(
        tidy,
        shown(tidy),
        f"Transfer to {datasets.DESCRIPTIONS[settings['dataset']]}, and how well confidence says accuracy",
        _notes(records, study, data, settings, comparable),
    )


def printed(model: str, shot: str) -> float | None:
    """What Appendix C prints of a model, or quotes of matching networks, in percent; None where it prints nothing."""
    if (model, shot) == (MATCHING_NETWORKS, "one_shot"):
        return ledger.load()["F7-72"].arguments["percent"]
    value, _ = ledger.load().printed_or_nan("transfer_accuracy", model=model, shots=shot)
    return None if math.isnan(value) else value


def _nothing(model: str, shot: str) -> None:
    """What the paper prints of a user's own images."""


def _tidy(
    records: pandas.DataFrame, comparable: bool, from_paper: Callable[[str, str], float | None]
) -> pandas.DataFrame:
    rows = []
    for (model, shot), own in records.groupby(["model", "shot"], sort=False):
        for quantity in QUANTITIES:
            values = own[["seed", quantity]].dropna()
            if len(values):
                theirs = from_paper(model, shot) if quantity == ACCURACY else None
                rows.append({"model": model, "shot": shot, "quantity": quantity} | _summary(values, theirs, comparable))
    if quoted := from_paper(MATCHING_NETWORKS, "one_shot"):
        rows.append({"model": MATCHING_NETWORKS, "shot": "one_shot", "quantity": ACCURACY, "printed": quoted, "n": 0})
    return pandas.DataFrame(rows)


def _summary(values: pandas.DataFrame, printed: float | None, comparable: bool) -> dict[str, float]:
    """Over seeds, and within a seed over support sets (of zero shots there is one).

    ``percentile_of_printed`` is the share of all support sets that the printed number is at least as large as, in percent.
    """
    value = values.columns[-1]
    by_seed = values.groupby("seed")[value]
    repeated = bool((by_seed.size() > 1).any())
    low, median, high = values[value].quantile([0.05, 0.5, 0.95])
    within = by_seed.var().mean() ** 0.5
    percentile = 100.0 * (values[value] <= printed).mean() if repeated and comparable and printed is not None else None
    return {
        "mean": by_seed.mean().mean(),
        "standard_error": by_seed.mean().sem(),
        "n": by_seed.ngroups,
        "support_sets": int(by_seed.size().max()) if repeated else 0,
        "standard_deviation_over_support_sets": within if repeated else None,
        "percentile_5_over_support_sets": low if repeated else None,
        "median_over_support_sets": median if repeated else None,
        "percentile_95_over_support_sets": high if repeated else None,
        "printed": printed,
        "percentile_of_printed": percentile,
    }


def shown(tidy: pandas.DataFrame) -> Layout:
    """One row per model and quantity, one column per kind of transfer."""
    cells = {(row.model, row.shot, row.quantity): row for row in tidy.itertuples()}
    transferred = tidy[tidy["n"] > 0]
    shots = [shot for shot in SHOTS if shot in set(transferred["shot"])]
    models = list(dict.fromkeys(transferred["model"]))
    rows = [_row(cells, model, quantity, shots) for model in models for quantity in QUANTITIES]
    if (quoted := cells.get((MATCHING_NETWORKS, "one_shot", ACCURACY))) is not None:
        printed_alone = Cell(DASH, f"{quoted.printed:.0f}")
        rows.append(
            {"model": Cell(MATCHING_NETWORKS), "quantity": Cell(QUANTITIES[ACCURACY]), "one-shot": printed_alone}
        )
    theirs = [
        Column(f"paper, {SHOTS[shot]}", printed_of=SHOTS[shot])
        for shot in ("zero_shot", "one_shot")
        if tidy["printed"].notna().any()
    ]
    named = columns("model", "quantity", *(SHOTS[shot] for shot in shots))
    spread = columns(SPREAD) if any(SPREAD in row for row in rows) else []
    return Layout([*named, *spread, *theirs], rows, names=2, grouped=True)


def _row(cells: Mapping[tuple[str, str, str], Any], model: str, quantity: str, shots: list[str]) -> dict[str, Cell]:
    row = {"model": Cell(model), "quantity": Cell(QUANTITIES[quantity])}
    for shot in shots:
        if (found := cells.get((model, shot, quantity))) is not None:
            row[SHOTS[shot]] = Cell(to_precision(found.mean, found.standard_error), _printed_cell(found))
    one = cells.get((model, "one_shot", quantity))
    if one is not None and one.support_sets:
        low, high = one.percentile_5_over_support_sets, one.percentile_95_over_support_sets
        digits = 2 if quantity == "loss_nats" else 1
        row[SPREAD] = Cell(f"{low:.{digits}f} to {high:.{digits}f}")
    return row


def _printed_cell(row: Any) -> str:
    """The paper's number, with its percentile among our support sets where there is one."""
    if pandas.isna(row.printed):
        return ""
    if pandas.isna(row.percentile_of_printed):
        return f"{row.printed:.1f}"
    return f"{row.printed:.1f} (percentile {row.percentile_of_printed:.0f})"


def _notes(
    records: pandas.DataFrame,
    study: Mapping[str, Any],
    data: Mapping[str, Any],
    settings: Mapping[str, Any],
    comparable: bool,
) -> list[str]:
    one = records[records["shot"] == "one_shot"]
    sets = one["support_set"].nunique()
    whitening = "whitened as the source's" if settings["target_whitening"] == "source" else "not whitened"
    lines = [
        f"Study {study['name']}: {study['title']}.",
        f"Source: {data['description']}. Target: {datasets.DESCRIPTIONS[settings['dataset']]}, "
        f"{int(one['images'].iloc[0]):,} test images, bilinear to the source's side, in [0, 1], {whitening}.",
        f"One-shot: {sets} support sets a seed, one validation image per class, {settings['steps']} steps at learning rate "
        f"{settings['learning_rate']:g}, rotations up to {settings['rotation_degrees']:g}°, tuned: {settings['tuned']}.",
        f"{seeds_note(study)}; calibration errors over {settings['bins']} bins.",
        "Over- and under-confidence add up to the calibration error, and their difference is the mean margin (top probability) "
        "less accuracy. A finite test set gives a perfectly calibrated network an error, too.",
    ]
    own = is_users_own(data) or is_users_own(settings)
    if not own:
        lines.append(
            "Matching networks: as quoted by the paper, which sets its zero-shot accuracy beside it. That network had never "
            "seen digits; the source network here was trained on all ten, so that the two numbers answer different questions."
        )
    if not (own or comparable):
        lines.append(
            "The paper's numbers are from SVHN, extra images included, to MNIST as it is: other data, images or settings "
            "than here."
        )
    if "real_svhn" in set(records["shot"]):
        lines.append(
            f"Real SVHN: its {ledger.load().parts['transfer'].sizes['test_images']:,} test images, whitened as the source's, "
            "read by networks that never saw one."
        )
    elif data["dataset"] == "house_numbers":
        lines.append("Transfer to real SVHN is not shown: data/svhn/test_32x32.mat is not there.")
    return lines
