"""What figure 6 only shows, in numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas

from rate_distortion.analysis import geometry
from rate_distortion.analysis.precision import DASH, to_precision
from rate_distortion.analysis.records import read_geometries, read_metrics, summarise
from rate_distortion.tables.layout import Cell, Layout, Table, columns, seeds_note

QUANTITIES = {
    "partition_epoch": "partition: first epoch with pure neighbourhoods",
    "purity_at_start": "purity before training",
    "purity_at_second": "purity after one epoch",
    "purity": "purity at the end",
    "power_at_start": "power before training",
    "power_at_second": "power after one epoch",
    "peak_power_epoch": "epoch of the largest power",
    "peak_power": "largest power",
    "power_at_partition": "power at the partition",
    "power": "power at the end",
    "power_after_partition_db": "power, end over partition (dB)",
    "isotropy_at_partition": "isotropy at the partition",
    "isotropy": "isotropy at the end",
    "cluster_radius": "cluster radius at the end",
    "centre_distance": "distance between clusters at the end",
    "within_scatter": "within-cluster scatter at the end",
    "between_scatter": "between-cluster scatter at the end",
    "disc_radius": "radius of the occupied disc at the end",
    "vacant_area": "vacant share of that disc",
    "train_accuracy_percent": "training accuracy (%)",
    "input_information_bits": "bound on I(X; T) (bits)",
    "noise_variance": "variance of the noise",
}
COLUMNS = {"none": "(a)", "batch": "(b)", "batch_without_scale": "(c)"}
FIRST = "none"
MINUS = " minus none"


def sphere_packing(geometries: Iterable[str | Path], metrics: Iterable[str | Path], study: Mapping[str, Any]) -> Table:
    """One row per quantity, one column per variant and per difference to the variant without normalization.

    Differences are taken seed by seed.

    Args:
        geometries: geometry.csv of every run.
        metrics: metrics.json of every run.
        study: name, title, seeds, partition_purity and what else the notes say.

    Returns:
        A table whose tidy form has variant (a name, or "<name> minus none"), quantity, mean, standard_error, n.

    Raises:
        files.DamagedFileError: a file is not as its run left it.
    """
    described = read_metrics(metrics)
    runs = _summaries(geometries, study["partition_purity"]).merge(
        described.rename(
            columns={"train_accuracy": "train_accuracy_percent", "input_information": "input_information_bits"}
        ),
        on=["variant", "seed"],
    )
    compared = pandas.concat([runs, *_differences(runs)], ignore_index=True)
    tidy = summarise(compared, ["variant"], {name: name for name in QUANTITIES})
    return Table(tidy, shown(tidy), "Sphere packing in two units", _notes(study, described))


def shown(tidy: pandas.DataFrame) -> Layout:
    """One row per quantity, one column per variant and per difference."""
    planned = tidy["n"].max()  # a quantity that every seed has, whatever its clusters do
    headings = {variant: _column(variant) for variant in dict.fromkeys(tidy["variant"])}
    rows = [
        {"quantity": Cell(QUANTITIES.get(quantity, quantity.replace("_", " ")))}
        | {
            headings[row.variant]: Cell(_value(row.mean, row.standard_error, row.n, planned))
            for row in own.itertuples()
        }
        for quantity, own in tidy.groupby("quantity", sort=False)
    ]
    return Layout(
        columns("quantity", *headings.values()), rows, dash="in no seed, such as a partition that is not reached"
    )


def _summaries(geometries: Iterable[str | Path], purity: float) -> pandas.DataFrame:
    recorded = read_geometries(geometries)
    return pandas.DataFrame(
        [
            {"variant": variant, "seed": seed} | geometry.summary(own.to_dict("records"), purity)
            for (variant, seed), own in recorded.groupby(["variant", "seed"], sort=False)
        ]
    )


def _differences(runs: pandas.DataFrame) -> list[pandas.DataFrame]:
    """Each variant's quantities less those of the plain one with the same seed."""
    by_variant = {
        variant: part.set_index("seed")[[*QUANTITIES]] for variant, part in runs.groupby("variant", sort=False)
    }
    plain = by_variant.pop(FIRST, None)
    if plain is None:
        return []
    return [(part - plain).reset_index().assign(variant=f"{variant}{MINUS}") for variant, part in by_variant.items()]


def _column(variant: str) -> str:
    name = COLUMNS[variant.removesuffix(MINUS)]
    return f"{name} − {COLUMNS[FIRST]}" if variant.endswith(MINUS) else f"{name} {variant.replace('_', ' ')}"


def _value(mean: float, error: float, n: int, planned: int) -> str:
    """A mean to the precision of its error; three digits where one seed gives none, a dash where no seed has the quantity."""
    if math.isnan(mean):
        return DASH
    if not math.isnan(error):
        return to_precision(mean, error, planned, n)
    shown = f"{mean:,.0f}" if abs(mean) >= 1000 else f"{mean:.3g}"
    return shown if n == planned else f"{shown} ({n} of {planned})"


def _notes(study: Mapping[str, Any], runs: pandas.DataFrame) -> list[str]:
    first = runs.iloc[0]
    return [
        f"Study {study['name']}: {study['title']}.",
        f"Data: {first['dataset']}, {first['train_images']:,} training images; {study['epochs']} epochs of "
        f"{study['optimizer']} at learning rate {study['learning_rate']}, batch size {study['batch_size']}, weight decay "
        f"{study['weight_decay']}, β {study['beta']}.",
        f"{seeds_note(study)}.",
        f"Purity: the share of a point's {geometry.NEIGHBOURS} nearest neighbours with its label. Partition: the first "
        f"recorded epoch at which it is {study['partition_purity']} or more, of {study['points']} log-spaced ones and those of "
        "the figure. Epoch 0 is before the first step, where running averages still leave batch normalization out.",
        "Power: mean squared distance from the origin. Isotropy: short over long axis of a cluster, mean over labels; 1 is a "
        f"circle. Occupied disc: around the origin, with {geometry.HELD_SHARE:.0%} of the points; vacant: without points, at "
        f"{geometry.POINTS_PER_CELL} points a cell if they were spread evenly.",
    ]
