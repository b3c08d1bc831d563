"""Fault tolerance in numbers: curves of information against signal-to-noise ratio, summarised with their uncertainty.

A sweep (:mod:`probes.perturbations`) leaves a table of its recorded points and the predictions behind them. Here the
sweeps of several seeds become curves at common ratios (Figure 5) and one scalar per model and noise: the area under the
information curve, with an interval from resampling seeds and images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from rate_distortion import information
from rate_distortion.analysis import signal_to_noise as snr
from rate_distortion.storage import files, provenance

AREA_LOW_DB, AREA_HIGH_DB = 3.0, 60.0
"""The interval of the area: from nearly as much noise as signal to a noise that changes nothing."""

REPLICATES = 200
CELLS_PER_BLOCK = 2**21
"""Resampled tables of so many cells are counted at once: 16 MB."""
GRID_DB = np.concatenate([np.arange(1.0, 20.0, 0.5), np.arange(20.0, 66.0, 1.0)])


@dataclass(frozen=True)
class RecordedSweep:
    """One sweep of one run, as it lies on disk.

    Attributes:
        model, batch_size, seed, noise, evaluation_mode: what it is of.
        records: one row per recorded point (perturbations/<noise>.csv).
        predictions: predicted classes, (points, N).
        labels: (N,).
    """

    model: str
    batch_size: int
    seed: int
    noise: str
    evaluation_mode: str
    records: pandas.DataFrame
    predictions: np.ndarray
    labels: np.ndarray

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(max(self.labels.max(), self.predictions.max())) + 1


def read_run(folder: str | Path) -> Iterator[RecordedSweep]:
    """Every sweep of a run's folder, one per noise and kind of batch-normalization statistics."""
    folder = Path(folder)
    metrics = files.read_json(provenance.verified(folder / "metrics.json"))
    arrays = files.read_arrays(folder / "perturbations" / "sweeps.npz")
    for path in sorted((folder / "perturbations").glob("*.csv")):
        table = files.read_table(path, keep_default_na=False, na_values=[""])
        for mode, records in table.groupby("evaluation_mode", sort=False):
            yield RecordedSweep(
                model=metrics["model"],
                batch_size=metrics["batch_size"],
                seed=metrics["seed"],
                noise=path.stem,
                evaluation_mode=str(mode),
                records=records.reset_index(drop=True),
                predictions=arrays[f"{path.stem}_{mode}_predictions"],
                labels=arrays["labels"],
            )


def curves(sweeps: Sequence[RecordedSweep], at_db: np.ndarray = GRID_DB) -> pandas.DataFrame:
    """Information, accuracy and floor of every sweep at common ratios, tidy; ratios that a sweep did not reach are left out."""
    frames = []
    for sweep in sweeps:
        values = {
            column: snr.interpolate_to_db(sweep.records["snr_db"], sweep.records[column], at_db)
            for column in ("information_bits", "floor_bits", "accuracy_percent")
        }
        identity = {
            "model": sweep.model,
            "batch_size": sweep.batch_size,
            "seed": sweep.seed,
            "noise": sweep.noise,
            "evaluation_mode": sweep.evaluation_mode,
        }
        frames.append(pandas.DataFrame({**identity, "snr_db": at_db, **values}).dropna(subset="information_bits"))
    return pandas.concat(frames, ignore_index=True)


def summary(sweeps: Sequence[RecordedSweep], seed: int = 0) -> pandas.DataFrame:
    """One row per model, noise and evaluation mode.

    Columns: ``area_bits_db`` (under the information curve from 3 to 60 dB, mean over seeds) with ``area_low_bits_db`` and
    ``area_high_bits_db`` (95 percent interval from resampling seeds and, within them, images), ``mean_information_bits`` (the
    area divided by the interval's length), ``clean_information_bits``, ``half_information_snr_db`` (where the mean curve first
    falls to half of that), ``lowest_accuracy_percent``, ``last_information_bits``, ``last_snr_db`` and
    ``nine_to_six_percent`` (share of nines read as sixes at the last point).
    """
    rows = []
    for key, group in _grouped(sweeps).items():
        areas = [area(sweep.records["snr_db"], sweep.records["information_bits"]) for sweep in group]
        low, high = area_interval(group, seed)
        last = [sweep.records.iloc[-1] for sweep in group]
        rows.append(
            {
                **dict(zip(("model", "batch_size", "noise", "evaluation_mode"), key, strict=True)),
                "area_bits_db": np.mean(areas),
                "area_low_bits_db": low,
                "area_high_bits_db": high,
                "mean_information_bits": np.mean(areas) / (AREA_HIGH_DB - AREA_LOW_DB),
                "clean_information_bits": np.mean([sweep.records["information_bits"].iloc[0] for sweep in group]),
                "half_information_snr_db": half_information_db(group),
                "lowest_accuracy_percent": np.mean([sweep.records["accuracy_percent"].min() for sweep in group]),
                "last_snr_db": np.mean([row["snr_db"] for row in last]),
                "last_information_bits": np.mean([row["information_bits"] for row in last]),
                "last_floor_bits": np.mean([row["floor_bits"] for row in last]),
                "nine_to_six_percent": np.mean([read_as_percent(sweep, 9, 6) for sweep in group]),
                "seeds": len(group),
                "images": len(group[0].labels),
            }
        )
    return pandas.DataFrame(rows)


def area_interval(sweeps: Sequence[RecordedSweep], seed: int = 0, replicates: int = REPLICATES) -> tuple[float, float]:
    """95 percent bootstrap interval of the mean area: seeds are drawn with replacement, then images within each.

    The interval is the basic one, twice the estimate less the quantiles of the resampled areas: plug-in information grows when
    fewer different images are drawn, so the resampled areas themselves lie too high. With one seed it covers the images only.
    """
    rng = np.random.default_rng(seed)
    tables = [_codes(sweep) for sweep in sweeps]
    means = []
    for _ in range(replicates):
        drawn = rng.integers(0, len(sweeps), len(sweeps))
        means.append(np.mean([_resampled_area(sweeps[i], tables[i], rng) for i in drawn]))
    if np.isnan(means).any():
        return np.nan, np.nan
    estimate = np.mean([area(sweep.records["snr_db"], sweep.records["information_bits"]) for sweep in sweeps])
    high, low = 2 * estimate - np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _grouped(sweeps: Sequence[RecordedSweep]) -> Mapping[tuple, list[RecordedSweep]]:
    groups: dict[tuple, list[RecordedSweep]] = {}
    for sweep in sweeps:
        groups.setdefault((sweep.model, sweep.batch_size, sweep.noise, sweep.evaluation_mode), []).append(sweep)
    return groups


def area(snr_db: Any, values: Any) -> float:
    """Area under a curve over the interval that all areas here have, in the values' unit times dB; NaN outside the curve."""
    return snr.area_under_curve(snr_db, values, AREA_LOW_DB, AREA_HIGH_DB)


def _codes(sweep: RecordedSweep) -> np.ndarray:
    """label * K + prediction of every point and image, (points, N)."""
    return sweep.labels[None, :] * sweep.classes + sweep.predictions.astype(np.int64)


def _resampled_area(sweep: RecordedSweep, codes: np.ndarray, rng: np.random.Generator) -> float:
    images = rng.integers(0, codes.shape[1], codes.shape[1])
    weights = np.bincount(images, minlength=codes.shape[1])
    most = max(1, CELLS_PER_BLOCK // sweep.classes**2)
    blocks = (codes[start : start + most] for start in range(0, len(codes), most))
    bits = np.concatenate([_weighted_information_bits(block, weights, sweep.classes) for block in blocks])
    return area(sweep.records["snr_db"], bits)


def _weighted_information_bits(codes: np.ndarray, weights: np.ndarray, classes: int) -> np.ndarray:
    """The information at every point (points,) of codes (points, N), of which image i counts ``weights[i]`` times."""
    cells = classes**2
    numbered = codes + cells * np.arange(len(codes))[:, None]
    counts = np.bincount(numbered.ravel(), np.tile(weights, len(codes)), len(codes) * cells)
    return information.confusion_informations_bits(counts.reshape(-1, classes, classes))


def half_information_db(sweeps: Sequence[RecordedSweep]) -> float:
    """The highest ratio at which the mean curve is at most half of the clean information; NaN when it never is."""
    at = GRID_DB[::-1]
    mean = np.mean(
        [snr.interpolate_to_db(sweep.records["snr_db"], sweep.records["information_bits"], at) for sweep in sweeps],
        axis=0,
    )
    clean = np.mean([sweep.records["information_bits"].iloc[0] for sweep in sweeps])
    below = np.flatnonzero(mean <= clean / 2)
    return float(at[below[0]]) if below.size else np.nan


def read_as_percent(sweep: RecordedSweep, label: int, prediction: int) -> float:
    """Percent of a label's images that are read as another class at the last point; NaN without such images."""
    chosen = sweep.predictions[-1][sweep.labels == label]
    return 100.0 * float(np.mean(chosen == prediction)) if chosen.size else np.nan
