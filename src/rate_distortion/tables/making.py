"""The tables from the files of their runs: of all, or of those there are so far.

Every function takes the paths of its records by kind, the ``dataset.json`` of the images (where the table describes them) and
what the notes say of the study, and returns the table. Its attribute ``shown`` is the table's layout, for the page, which has
the tidy form alone; a table without one is shown as its tidy form.

Raises, all of them:
    files.DamagedFileError: a file is not as its run left it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas

from rate_distortion import tables
from rate_distortion.analysis import capacity
from rate_distortion.analysis import fault_tolerance as recorded_sweeps
from rate_distortion.analysis import gradient_snr as ratios
from rate_distortion.analysis.records import (
    read_perceptrons,
    read_reverse_transmissions,
    read_runs,
    read_sweeps,
    read_transfers,
)
from rate_distortion.claims import comparability
from rate_distortion.datasets import prepared_data
from rate_distortion.storage import files
from rate_distortion.tables import Table, accuracy, architecture
from rate_distortion.tables.attack_audit import shown as attack_audit_layout
from rate_distortion.tables.capacity_law import shown as capacity_law_layout
from rate_distortion.tables.differences import shown as differences_layout
from rate_distortion.tables.fault_tolerance import shown as fault_tolerance_layout
from rate_distortion.tables.gradient_snr import shown as gradient_snr_layout
from rate_distortion.tables.information_plane import shown as information_plane_layout
from rate_distortion.tables.layout import Layout
from rate_distortion.tables.reverse_transmission import shown as reverse_transmission_layout
from rate_distortion.tables.sphere_packing import shown as sphere_packing_layout
from rate_distortion.tables.transfer import shown as transfer_layout
from rate_distortion.tables.variations import shown as variations_layout
from rate_distortion.tables.weight_decay import shown as weight_decay_layout

Paths = Iterable[str | Path]
Study = Mapping[str, Any]


def laid_out_by(shown: Callable[[pandas.DataFrame], Layout]) -> Callable[[Callable], Callable]:
    """Name a table's layout beside the function that makes the table."""

    def named(make: Callable) -> Callable:
        make.shown = shown
        return make

    return named


@laid_out_by(accuracy.shown)
def accuracies(metrics: Paths, dataset: str, study: Study, table: str, cells: Mapping[str, list[int]]) -> Table:
    """Table 1 or 2, or further models: metrics.json of the runs there are."""
    make = {"table1": tables.table1, "table2": tables.table2, "further_models": tables.further_models}
    return make[table](read_runs(metrics), cells, study, _described(dataset))


@laid_out_by(differences_layout)
def differences(metrics: Paths, dataset: str, study: Study, cells: list[list[Any]]) -> Table:
    """The differences that the paper states, between those of the planned cells whose runs there are."""
    return tables.differences(read_runs(metrics), cells, study, _described(dataset))


@laid_out_by(weight_decay_layout)
def weight_decay(metrics: Paths, dataset: str, study: Study, model: str) -> Table:
    """The calibration, with the choice that these runs lead to."""
    runs = read_runs(metrics)
    return tables.weight_decay(runs, capacity.choose_weight_decay(runs, model), study, _described(dataset))


@laid_out_by(capacity_law_layout)
def capacity_law(metrics: Paths, dataset: str, study: Study, model: str, batch_size: int) -> Table:
    """The smallest sufficient weight decay by number of images."""
    return tables.capacity_law(read_runs(metrics), model, batch_size, study, _described(dataset))


@laid_out_by(variations_layout)
def variations(
    metrics: Paths, dataset: str, study: Study, part: str, choices: Mapping[str, Any], names: Mapping[str, Any]
) -> Table:
    """A sensitivity analysis or ablations."""
    return tables.variations(part, read_runs(metrics), choices, names, study, _described(dataset))


@laid_out_by(fault_tolerance_layout)
def fault_tolerance(sweeps: Paths, dataset: str, study: Study) -> Table:
    """Information under noise, from perturbations/sweeps.npz and what lies beside it."""
    return tables.fault_tolerance(recorded_sweeps.summary(read_sweeps(sweeps)), study, _described(dataset))


@laid_out_by(reverse_transmission_layout)
def reverse_transmission(records: Paths, dataset: str, study: Study) -> Table:
    """Steps to full confidence, from reverse_transmission.csv and the metrics.json beside it."""
    return tables.reverse_transmission(read_reverse_transmissions(records), study, _described(dataset))


@laid_out_by(transfer_layout)
def transfer(
    one_shot: Paths,
    dataset: str,
    study: Study,
    settings: Mapping[str, Any],
    sizes: Mapping[str, Any],
    choice: Iterable[str] = (),
) -> Table:
    """Zero- and one-shot transfer, from one_shot.csv and the zero_shot.csv beside it.

    Args:
        settings: the study's ``transfer``.
        sizes: what decides on comparability (:func:`rate_distortion.claims.comparability.study_sizes`).
        choice: the calibration's weight_decay.json, where a network trained with it.
    """
    data = _described(dataset)
    calibrated = [capacity.read_choice(path).weight_decay for path in choice]
    comparable = comparability.is_comparable("transfer", sizes, [data], *calibrated)
    transferred = read_transfers([Path(path).parent for path in one_shot], settings["dataset"])
    return tables.transfer(transferred, study, data, settings, comparable=comparable)


@laid_out_by(gradient_snr_layout)
def gradient_snr(records: Paths, dataset: str, study: Study, kind: str) -> Table:
    """Figure 2 in numbers, from gradient_snr.csv."""
    summary = ratios.summary(read_perceptrons(records), kind)
    return tables.gradient_snr(summary, kind, study, _described(dataset))


@laid_out_by(information_plane_layout)
def information_plane(records: Paths, dataset: str, study: Study, plane: Mapping[str, Any]) -> Table:
    """Figure 3 in numbers, from information_plane.csv."""
    return tables.information_plane(read_perceptrons(records), plane, study, _described(dataset))


@laid_out_by(sphere_packing_layout)
def sphere_packing(geometries: Paths, metrics: Paths, study: Study) -> Table:
    """Figure 6 in numbers, from geometry.csv and metrics.json."""
    return tables.sphere_packing(geometries, metrics, study)


@laid_out_by(architecture.shown)
def table3(network: Paths) -> Table:
    """The network of Table 3, from network.csv."""
    (path,) = network
    return tables.table3(files.read_table(path))


@laid_out_by(attack_audit_layout)
def attack_audit(rows: Iterable[Mapping[str, Any]], dataset: str, study: Study) -> Table:
    """The audit of attacks, from the rows of the job that attacks."""
    return tables.attack_audit(pandas.DataFrame(rows), study, _described(dataset))


table1 = table2 = further_models = accuracies
sensitivity = ablations = variations
"""The names of the catalogue (:data:`rate_distortion.studies.results.RESULTS`)."""


def _described(dataset: str | Path) -> dict[str, Any]:
    return prepared_data.describe(Path(dataset).parent)
