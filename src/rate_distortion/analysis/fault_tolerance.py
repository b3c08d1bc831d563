"""Fault tolerance in numbers: curves of information against signal-to-noise ratio, summarised with their uncertainty.

A sweep (:mod:`probes.perturbations`) leaves a table of its recorded points and the predictions behind them. Here the
sweeps of several seeds become curves at common ratios (Figure 5) and one scalar per model and noise: the area under the
information curve, corrected for few images and chance, with an interval of that same estimate.
"""

from __future__ import annotations

import functools
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

CONFIDENCE = 0.95
"""Level of the area's interval."""
GRID_DB = np.concatenate([np.arange(1.0, 20.0, 0.5), np.arange(20.0, 66.0, 1.0)])


@dataclass(frozen=True, eq=False)
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
    def corrected_bits(self) -> np.ndarray:
        """Information at every point, corrected for few images and chance (:func:`information.pair_information`), (points,).

        It is 0 bits on average where predictions tell nothing, H(Y) where they tell everything, and may fall below 0 by chance.
        """
        return self._information[0]

    @property
    def areas_of_images(self) -> np.ndarray:
        """What every image adds to the area (:func:`area`), in bits dB (N,); the mean is the area."""
        return self._information[1]

    @functools.cached_property
    def _information(self) -> tuple[np.ndarray, np.ndarray]:
        """The two above, of what every image adds to the information of every point (points, N), which is not kept."""
        added = np.array([information.pair_information(self.labels, predicted) for predicted in self.predictions])
        return added.mean(axis=1), _area_weights(self.records["snr_db"].to_numpy(dtype=np.float64)) @ added


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


def summary(sweeps: Sequence[RecordedSweep]) -> pandas.DataFrame:
    """One row per model, noise and evaluation mode; all information is corrected (:attr:`RecordedSweep.corrected_bits`).

    Columns: ``area_bits_db`` (under the information curve from 3 to 60 dB, mean over seeds) with ``area_low_bits_db`` and
    ``area_high_bits_db`` (:func:`area_interval`), ``mean_information_bits`` (the area divided by the interval's length),
    ``clean_information_bits``, ``half_information_snr_db`` (where the mean curve first falls to half of that; in
    ``half_information_plain_snr_db`` without the "1 +"),
    ``lowest_accuracy_percent``, ``last_information_bits``, ``last_snr_db`` and ``nine_to_six_percent`` (share of nines read as
    sixes at the last point). No information is below 0 or above the labels' entropy: beyond, it is cut.
    """
    rows = []
    for key, group in _grouped(sweeps).items():
        bits = [sweep.corrected_bits for sweep in group]
        estimate, low, high = area_interval(group)
        last = [sweep.records.iloc[-1] for sweep in group]
        rows.append(
            {
                **dict(zip(("model", "batch_size", "noise", "evaluation_mode"), key, strict=True)),
                "area_bits_db": estimate,
                "area_low_bits_db": low,
                "area_high_bits_db": high,
                "mean_information_bits": estimate / (AREA_HIGH_DB - AREA_LOW_DB),
                "clean_information_bits": max(0.0, np.mean([own[0] for own in bits])),
                "half_information_snr_db": (half := half_information_db(group)),
                "half_information_plain_snr_db": float(snr.plain_of_one_plus_db(half)),
                "lowest_accuracy_percent": np.mean([sweep.records["accuracy_percent"].min() for sweep in group]),
                "last_snr_db": np.mean([row["snr_db"] for row in last]),
                "last_information_bits": max(0.0, np.mean([own[-1] for own in bits])),
                "nine_to_six_percent": np.mean([read_as_percent(sweep, 9, 6) for sweep in group]),
                "seeds": len(group),
                "images": len(group[0].labels),
            }
        )
    return pandas.DataFrame(rows)


def area_interval(sweeps: Sequence[RecordedSweep]) -> tuple[float, float, float]:
    """The mean area over seeds, of corrected information, and its 95 percent interval, in bits dB.

    The area is a mean over what single images add to it. So its error from the images at hand is the standard error of that
    mean, over seeds first, since all seeds see the same images. To it comes the error of the mean over seeds, and the
    quantile is that of t with Satterthwaite's degrees of freedom. With one seed the interval covers the images only; with
    two it is wide, as it must be. Estimate and interval are cut to what is possible: 0 to the labels' entropy times the 57
    dB. Not a number where a path does not reach over the whole interval. How often it holds the true area: docs/methods.md.

    Args:
        sweeps: the seeds of one model and noise, of the same images.
    """
    from scipy.stats import t  # takes long to import, and figures do not need it

    added = np.array([sweep.areas_of_images for sweep in sweeps])
    if np.isnan(added).any():
        return np.nan, np.nan, np.nan
    most = information.entropy(sweeps[0].labels).value_bits * (AREA_HIGH_DB - AREA_LOW_DB)
    areas, of_images = added.mean(axis=1), added.mean(axis=0)
    parts = [(of_images.var(ddof=1) / len(of_images), len(of_images) - 1)]
    if len(sweeps) > 1:
        parts.append((areas.var(ddof=1) / len(areas), len(areas) - 1))
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return (float(np.clip(areas.mean(), 0, most)),) * 3
    freedom = variance**2 / sum(part**2 / own for part, own in parts)
    reach = np.sqrt(variance) * t.ppf((1 + CONFIDENCE) / 2, freedom)
    return tuple(float(np.clip(areas.mean() + sign * reach, 0, most)) for sign in (0, -1, 1))


def _grouped(sweeps: Sequence[RecordedSweep]) -> Mapping[tuple, list[RecordedSweep]]:
    groups: dict[tuple, list[RecordedSweep]] = {}
    for sweep in sweeps:
        groups.setdefault((sweep.model, sweep.batch_size, sweep.noise, sweep.evaluation_mode), []).append(sweep)
    return groups


def area(snr_db: Any, values: Any) -> float:
    """Area under a curve over the interval that all areas here have, in the values' unit times dB; NaN outside the curve."""
    return snr.area_under_curve(snr_db, values, AREA_LOW_DB, AREA_HIGH_DB)


def _area_weights(snr_db: np.ndarray) -> np.ndarray:
    """What a curve's recorded values count in its area (points,), since the area is linear in them."""
    return np.array([area(snr_db, unit) for unit in np.eye(len(snr_db))])


def half_information_db(sweeps: Sequence[RecordedSweep]) -> float:
    """The highest ratio at which the mean curve is at most half of the clean information; NaN without such a ratio."""
    at = GRID_DB[::-1]
    bits = [sweep.corrected_bits for sweep in sweeps]
    curves_at = [
        snr.interpolate_to_db(sweep.records["snr_db"], own, at) for sweep, own in zip(sweeps, bits, strict=True)
    ]
    mean, clean = np.mean(curves_at, axis=0), np.mean([own[0] for own in bits])
    below = np.flatnonzero(mean <= clean / 2) if clean > 0 else np.array([], dtype=int)
    return float(at[below[0]]) if below.size else np.nan


def read_as_percent(sweep: RecordedSweep, label: int, prediction: int) -> float:
    """Percent of a label's images that are read as another class at the last point; NaN without such images."""
    chosen = sweep.predictions[-1][sweep.labels == label]
    return 100.0 * float(np.mean(chosen == prediction)) if chosen.size else np.nan
