"""The one reader of what a study has recorded, for its tables, its claims and what is made before it is finished.

Nothing is read before it is asked for, and then only as its run left it (:func:`rate_distortion.storage.provenance.verified`).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas

from rate_distortion.analysis import capacity, fault_tolerance, gradient_snr
from rate_distortion.storage import files, provenance

KINDS = (
    "metrics",
    "weight_decay",
    "sweeps",
    "reverse_transmission",
    "gradient_snr",
    "information_plane",
    "network",
    "sphere_packing",
    "transfer",
)


ACCURACY = "accuracy_percent"
"""Column of transferred accuracies."""


class MissingError(ValueError):
    """A claim needs something that the study does not have (yet); the message says what."""


class Embeddings(NamedTuple):
    """Recorded epochs (E,), points (E, N, 2) and labels (N,) of a sphere packing."""

    epochs: np.ndarray
    embedding: np.ndarray
    labels: np.ndarray


class StudyRecords:
    """The records of one study."""

    def __init__(
        self,
        paths: Mapping[str, Iterable[str | Path]],
        *,
        snr_ratio: str = "literal",
        evaluation_modes: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the places of the records; reading one that has changed raises :class:`storage.files.DamagedFileError`.

        Args:
            paths: the files of each of ``KINDS``; a kind may be absent or empty.
            snr_ratio: the kind of ratio in which the study reads its gradients (:data:`analysis.gradient_snr.RATIOS`).
            evaluation_modes: whose batch-normalization statistics a model is evaluated with; "none" for models without any.
        """
        self._paths = {kind: [Path(path) for path in paths.get(kind, ())] for kind in KINDS}
        self._snr_ratio = snr_ratio
        self._evaluation_modes = dict(evaluation_modes or {})

    @functools.cached_property
    def runs(self) -> pandas.DataFrame:
        """One row per convolutional network (:func:`read_runs`)."""
        return read_runs(self._files("metrics", "runs of the paper's networks"))

    def per_seed(self, column: str, model: str, batch_size: int, labels: str) -> pandas.Series:
        """A quantity of a cell, by seed; not a number where a run has no finite one."""
        runs = self.runs
        chosen = (runs["model"] == model) & (runs["batch_size"] == batch_size) & (runs["labels"] == labels)
        if not chosen.any():
            raise MissingError(f"run of model {model} at batch size {batch_size} on {labels} labels")
        values = runs[chosen].set_index("seed")[column].astype(float)
        return values.replace([np.inf, -np.inf], np.nan)

    @functools.cached_property
    def weight_decay(self) -> capacity.Choice:
        """The calibration's choice."""
        return capacity.read_choice(self._files("weight_decay", "weight-decay calibration")[0])

    @functools.cached_property
    def calibration(self) -> pandas.DataFrame:
        """The runs of the calibration's grid: at its batch size, of its model and those derived from it by weight decay."""
        choice, runs = self.weight_decay, self.runs
        derived = runs["model"].str.startswith(f"{choice.model}-decay-")
        same = (runs["model"] == choice.model) & (runs["train_images"] == choice.train_images)
        return runs[(derived | same) & (runs["batch_size"] == choice.batch_size)]

    @functools.cached_property
    def sweeps(self) -> list[fault_tolerance.RecordedSweep]:
        """Every sweep of every probed network."""
        return read_sweeps(path for path in self._files("sweeps", "perturbations") if _is_finished(path.parent.parent))

    def sweeps_of(self, model: str, noise: str) -> dict[int, fault_tolerance.RecordedSweep]:
        """The sweeps of a model under a noise, by seed: with its own statistics, at the largest batch size that was swept."""
        mode = self._evaluation_modes.get(model, "none")
        own = [s for s in self.sweeps if (s.model, s.noise, s.evaluation_mode) == (model, noise, mode)]
        if not own:
            statistics = "" if mode == "none" else f" with {mode} statistics"
            raise MissingError(f"sweep of model {model} under {noise} noise{statistics}")
        largest = max(sweep.batch_size for sweep in own)
        return {sweep.seed: sweep for sweep in own if sweep.batch_size == largest}

    @functools.cached_property
    def reverse_transmission(self) -> pandas.DataFrame:
        """One row per label of every probed network, with its model, batch size and seed."""
        paths = [
            path for path in self._files("reverse_transmission", "reverse transmission") if _is_finished(path.parent)
        ]
        if not paths:
            raise MissingError("reverse transmission")
        return read_reverse_transmissions(paths)

    def transmitted_changes(self, model: str, batch_size: int) -> dict[int, np.ndarray]:
        """By seed, what reverse transmission added to the starting noise for every label, (K, ...)."""
        changes = {}
        for path in self._files("reverse_transmission", "reverse transmission"):
            run = (
                files.read_json(provenance.verified(path.parent / "metrics.json")) if _is_finished(path.parent) else {}
            )
            if (run.get("model"), run.get("batch_size")) == (model, batch_size):
                stored = files.read_arrays(path.with_suffix(".npz"))
                changes[run["seed"]] = stored["images"] - stored["starts"]
        if not changes:
            raise MissingError(f"reverse transmission of model {model} at batch size {batch_size}")
        return changes

    @functools.cached_property
    def gradient_records(self) -> pandas.DataFrame:
        """gradient_snr.csv of every network and seed."""
        return read_perceptrons(self._files("gradient_snr", "gradients of multilayer perceptrons"))

    @functools.cached_property
    def gradient_summary(self) -> pandas.DataFrame:
        """One row per network, seed and layer (:func:`rate_distortion.analysis.gradient_snr.summary`)."""
        return gradient_snr.summary(self.gradient_records, self._snr_ratio)

    @functools.cached_property
    def information_plane(self) -> pandas.DataFrame:
        """information_plane.csv of every seed on both kinds of labels, the paper's estimator alone."""
        records = read_perceptrons(self._files("information_plane", "information plane"))
        return records[records["estimator"] == records["estimator"].iloc[0]]

    @functools.cached_property
    def network(self) -> pandas.DataFrame:
        """The layers of Table 3."""
        return files.read_table(self._files("network", "network of Table 3")[0])

    def sphere_packing(self, variant: str) -> pandas.DataFrame:
        """geometry.csv of a variant's seeds, in the order of epochs."""
        paths = [path for path in self._files("sphere_packing", "sphere packing") if path.parts[-3] == variant]
        if not paths:
            raise MissingError(f"sphere packing of variant {variant}")
        return read_geometries(paths).sort_values(["seed", "epoch"], kind="stable", ignore_index=True)

    def embeddings(self, variant: str) -> dict[int, Embeddings]:
        """The recorded embeddings of a variant's seeds."""
        paths = [path for path in self._files("sphere_packing", "sphere packing") if path.parts[-3] == variant]
        if not paths:
            raise MissingError(f"sphere packing of variant {variant}")
        stored = {int(path.parts[-2].removeprefix("seed")): path.with_name("embedding.npz") for path in paths}
        return {seed: Embeddings(**files.read_arrays(path)) for seed, path in stored.items()}

    def transferred_predictions(self, model: str) -> dict[int, Mapping[str, np.ndarray]]:
        """predictions.npz of a transferred network, by seed."""
        paths = [path for path in self._files("transfer", "transfer to handwritten digits") if path.stem == "one_shot"]
        own = [path for path in paths if path.parts[-3] == model]
        if not own:
            raise MissingError(f"transfer of model {model}")
        return {
            int(path.parts[-2].removeprefix("seed")): files.read_arrays(path.with_name("predictions.npz"))
            for path in own
        }

    def transfer(self, shots: str) -> pandas.DataFrame:
        """zero_shot.csv (of the handwritten digits alone) or one_shot.csv of every transferred network, with model and seed."""
        frames = []
        for path in self._files("transfer", "transfer to handwritten digits"):
            if path.stem == shots:
                rows = _read_table(path)
                own = rows[rows["target"] == rows["target"].iloc[0]]
                frames.append(own.assign(model=path.parts[-3], seed=_seed(path.parent)))
        if not frames:
            raise MissingError(f"{shots} of any network")
        return pandas.concat(frames, ignore_index=True)

    def _files(self, kind: str, words: str) -> Sequence[Path]:
        if not self._paths[kind]:
            raise MissingError(words)
        return self._paths[kind]


def _is_finished(folder: Path) -> bool:
    """True if the run is finished, not only its probes."""
    return (folder / "metrics.json").exists()


def _seed(folder: Path) -> int:
    return int(folder.name.removeprefix("seed"))


def _read_table(path: Path) -> pandas.DataFrame:
    return files.read_table(provenance.verified(path))


def read_metrics(paths: Iterable[str | Path]) -> pandas.DataFrame:
    """One row per run from its metrics.json."""
    return pandas.DataFrame([files.read_json(provenance.verified(path)) for path in paths])


def read_runs(paths: Iterable[str | Path]) -> pandas.DataFrame:
    """One row per convolutional network: its metrics.json, the absolute gap, and the logarithm of the loss gap."""
    return with_gaps(read_metrics(paths))


def with_gaps(runs: pandas.DataFrame) -> pandas.DataFrame:
    """The runs with absolute_gap (points) and log10_loss_gap (of nats)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        log_gap = np.log10(runs["loss_gap"].astype(float))
    return runs.assign(absolute_gap=runs["generalization_gap"].abs(), log10_loss_gap=log_gap)


def read_sweeps(paths: Iterable[str | Path]) -> list[fault_tolerance.RecordedSweep]:
    """Every sweep of the runs whose perturbations/sweeps.npz are named."""
    return [sweep for path in paths for sweep in fault_tolerance.read_run(Path(path).parent.parent)]


def read_reverse_transmissions(paths: Iterable[str | Path]) -> pandas.DataFrame:
    """One row per label of reverse_transmission.csv, with the run's model, batch size and seed from metrics.json beside it."""
    frames = []
    for path in map(Path, paths):
        run = files.read_json(provenance.verified(path.with_name("metrics.json")))
        frames.append(_read_table(path).assign(**{key: run[key] for key in ("model", "batch_size", "seed")}))
    return pandas.concat(frames, ignore_index=True)


def read_geometries(paths: Iterable[str | Path]) -> pandas.DataFrame:
    """geometry.csv of several runs, with the variant and the seed that their paths name."""
    frames = [_read_table(path).assign(variant=path.parts[-3], seed=_seed(path.parent)) for path in map(Path, paths)]
    return pandas.concat(frames, ignore_index=True)


def read_perceptrons(paths: Iterable[str | Path]) -> pandas.DataFrame:
    """One of the tables that multilayer perceptrons record, of several runs; activation and normalization are in the path."""
    frames = []
    for path in map(Path, paths):
        activation, normalization = path.parts[-5:-3]
        frames.append(_read_table(path).assign(activation=activation, normalization=normalization))
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


def read_transfers(folders: Iterable[str | Path], target: str) -> pandas.DataFrame:
    """The records of transferred runs: one row per model, seed, shot (see :data:`SHOTS`) and, for one shot, support set.

    Args:
        folders: of transferred runs; their paths end in transfer/<model>/seed<seed>.
        target: the study's target; another one in ``zero_shot.csv`` is real SVHN.
    """
    frames = []
    for folder in map(Path, folders):
        zero, one = (
            files.read_table(provenance.verified(folder / f"{shot}.csv"), keep_default_na=False)
            for shot in ("zero_shot", "one_shot")
        )
        zero["shot"] = ["zero_shot" if name == target else "real_svhn" for name in zero["target"]]
        before = zero.loc[zero["shot"] == "zero_shot", ACCURACY].iloc[0]
        one = one.assign(shot="one_shot", gain_points=one[ACCURACY] - before)
        both = pandas.concat([zero, one], ignore_index=True)
        frames.append(both.assign(model=folder.parent.name, seed=_seed(folder)))
    return pandas.concat(frames, ignore_index=True)


def disambiguate(models: Iterable[str], batch_sizes: Iterable[int]) -> list[str]:
    """A name for each cell: its model, or model@batch size where that model is there at several batch sizes."""
    cells = list(zip(models, batch_sizes, strict=True))
    sizes = Counter(model for model, _ in set(cells))
    return [f"{model}@{size}" if sizes[model] > 1 else model for model, size in cells]
