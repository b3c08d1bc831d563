"""What Figure 6 only shows, in numbers: how an embedding of labelled points fills its plane.

Everything is in the units of the plane. Power is measured from the origin, as of a channel's input (Section 2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

NEIGHBOURS = 10
HELD_SHARE = 0.99
"""Share of points inside the disc; keeps outliers from setting its size."""
POINTS_PER_CELL = 16
"""Expected in each cell if the disc were filled evenly: then a cell is empty by chance with probability e^-16."""

FILLING = ("power", "purity")
"""Quantities reported for the first epochs, where batch normalization should already make a difference."""


@dataclass(frozen=True)
class Geometry:
    """An embedding at one epoch.

    Attributes:
        power: mean squared distance from the origin. It is within_scatter + between_scatter + the squared distance of the mean
            from the origin.
        within_scatter: mean squared distance of a point from the mean of its class.
        between_scatter: mean squared distance of a point's class mean from the mean of all points.
        cluster_radius: square root of within_scatter.
        centre_distance: mean distance between two class means.
        isotropy: standard deviation along a cluster's short axis over that along its long one, mean over classes; 1 is a
            circle, 0 a line.
        purity: mean share of a point's ten nearest neighbours with its own label.
        disc_radius: distance from the origin within which 99 % of the points lie.
        vacant_area: share of that disc without points. The disc is cut into square cells that would hold 16 points each if
            it were filled evenly; a cell is vacant when it holds none.
    """

    power: float
    within_scatter: float
    between_scatter: float
    cluster_radius: float
    centre_distance: float
    isotropy: float
    purity: float
    disc_radius: float
    vacant_area: float


def describe(points: np.ndarray, labels: np.ndarray) -> Geometry:
    """The geometry of labelled points in the plane.

    Args:
        points: finite, (N, 2).
        labels: integers, (N,), of at least two classes.

    Raises:
        ValueError: for points that are not finite or not in the plane, another number of labels, or a single class.
    """
    points, labels = _checked(points, labels)
    classes, members = np.unique(labels, return_inverse=True)
    centres = np.stack([points[members == k].mean(axis=0) for k in range(len(classes))])
    within = _mean_square(points - centres[members])
    first, second = np.triu_indices(len(classes), 1)
    radius, vacant = _disc(points)
    return Geometry(
        power=_mean_square(points),
        within_scatter=within,
        between_scatter=_mean_square(centres[members] - points.mean(axis=0)),
        cluster_radius=float(np.sqrt(within)),
        centre_distance=float(np.linalg.norm(centres[first] - centres[second], axis=1).mean()),
        isotropy=float(np.mean([_axis_ratio(points[members == k]) for k in range(len(classes))])),
        purity=neighbour_purity(points, labels),
        disc_radius=radius,
        vacant_area=vacant,
    )


def history(epochs: Sequence[int], embeddings: np.ndarray, labels: np.ndarray) -> list[dict[str, Any]]:
    """One row an epoch: the epoch and its :class:`Geometry`.

    Args:
        epochs: (E,).
        embeddings: (E, N, 2).
        labels: (N,).
    """
    return [
        {"epoch": int(epoch), **asdict(describe(points, labels))}
        for epoch, points in zip(epochs, embeddings, strict=True)
    ]


def neighbour_purity(points: np.ndarray, labels: np.ndarray, neighbours: int = NEIGHBOURS) -> float:
    """Mean share of each point's nearest neighbours, itself left out, that have its label.

    Raises:
        ValueError: for as few points as there are neighbours.
    """
    from sklearn.neighbors import NearestNeighbors

    points, labels = np.asarray(points), np.asarray(labels)
    if len(points) <= neighbours:
        raise ValueError(f"there are {len(points)} points; purity over {neighbours} neighbours needs more")
    found = NearestNeighbors(n_neighbors=neighbours, algorithm="kd_tree").fit(points).kneighbors(return_distance=False)
    return float((labels[found] == labels[:, np.newaxis]).mean())


def class_means(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean of every class's points, (classes, 2), in the order of the labels."""
    return np.stack([points[labels == label].mean(axis=0, dtype=np.float64) for label in np.unique(labels)])


def arrangement_circularity(points: np.ndarray, labels: np.ndarray) -> float:
    """How circularly the clusters are arranged, whatever their own shapes: 1 for class means on a circle.

    It is 1 less the relative spread (standard deviation over mean) of the distances of the class means from their common
    centre: 0.43 for ten means evenly spaced on a line, lower where some lie amid the others. Not a number where
    all means coincide.

    Args:
        points: (N, 2).
        labels: (N,), of at least two classes.
    """
    means = class_means(*_checked(points, labels))
    distances = np.linalg.norm(means - means.mean(axis=0), axis=1)
    return float(1 - distances.std() / distances.mean()) if distances.mean() > 0 else float("nan")


def travel(embeddings: np.ndarray, labels: np.ndarray) -> float:
    """How far class means travel from record to record, in units of their final distance from each other, mean over classes.

    Args:
        embeddings: at two or more epochs, (E, N, 2).
        labels: (N,).
    """
    means = np.stack([class_means(points, labels) for points in embeddings])
    way = np.linalg.norm(np.diff(means, axis=0), axis=2).sum(axis=0).mean()
    first, second = np.triu_indices(means.shape[1], 1)
    return float(way / np.linalg.norm(means[-1][first] - means[-1][second], axis=1).mean())


def partition_epoch(rows: Sequence[Mapping[str, Any]], purity: float) -> int | None:
    """The first recorded epoch at which the clusters are apart: purity reaches the given share; None if it never does."""
    return next((row["epoch"] for row in rows if row["purity"] >= purity), None)


def summary(rows: Sequence[Mapping[str, Any]], purity: float) -> dict[str, float]:
    """What the text of Appendix A says, as numbers of one run.

    Args:
        rows: :func:`history`, in the order of epochs.
        purity: of the partition (:func:`partition_epoch`).

    Returns:
        the geometry of the last epoch (see :class:`Geometry`), and partition_epoch, power_at_partition,
        power_after_partition_db (power at the end over that at the partition; negative is a fall), isotropy_at_partition,
        peak_power and peak_power_epoch, and power and purity at the first two recorded epochs (power_at_start,
        purity_at_start, power_at_second, purity_at_second). Not a number where there is no partition.
    """
    epoch, last, peak = partition_epoch(rows, purity), rows[-1], max(rows, key=lambda row: row["power"])
    at = next((row for row in rows if row["epoch"] == epoch), {})
    power = at.get("power", np.nan)
    return {key: value for key, value in last.items() if key in Geometry.__annotations__} | {
        "partition_epoch": np.nan if epoch is None else float(epoch),
        "power_at_partition": power,
        "power_after_partition_db": float(10 * np.log10(last["power"] / power)),
        "isotropy_at_partition": at.get("isotropy", np.nan),
        "peak_power": peak["power"],
        "peak_power_epoch": float(peak["epoch"]),
        **{
            f"{key}_at_{name}": row[key]
            for name, row in zip(("start", "second"), rows, strict=False)
            for key in FILLING
        },
    }


def _mean_square(vectors: np.ndarray) -> float:
    return float(np.square(vectors).sum(axis=1).mean())


def _axis_ratio(points: np.ndarray) -> float:
    """Short over long axis of a cluster; 0 for one point, or for all in one place, which have no shape."""
    centred = points - points.mean(axis=0)
    short, long = np.maximum(np.linalg.eigvalsh(centred.T @ centred), 0.0)
    return float(np.sqrt(short / long)) if long > 0 else 0.0


def _disc(points: np.ndarray) -> tuple[float, float]:
    """Radius of the disc around the origin that holds most points, and the share of its area without any."""
    radius = float(np.quantile(np.linalg.norm(points, axis=1), HELD_SHARE))
    cells_across = int(np.sqrt(4 / np.pi * HELD_SHARE * len(points) / POINTS_PER_CELL))
    if radius == 0 or cells_across < 2:
        return radius, 0.0
    centres = (np.arange(cells_across) + 0.5) * (2 / cells_across) - 1
    inside = np.hypot(*np.meshgrid(centres, centres, indexing="ij")) <= 1
    counts, _, _ = np.histogram2d(*(points / radius).T, bins=cells_across, range=((-1, 1), (-1, 1)))
    return radius, float((counts[inside] == 0).mean())


def _checked(points: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points, labels = np.asarray(points, np.float64), np.asarray(labels)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(f"points have shape {points.shape}; pass finite points of the plane, (N, 2)")
    if labels.shape != (len(points),) or len(np.unique(labels)) < 2:
        raise ValueError(
            f"labels have shape {labels.shape} for {len(points)} points; pass one for each, of at least two classes"
        )
    return points, labels
