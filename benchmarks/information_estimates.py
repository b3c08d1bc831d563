"""Time information estimates against scikit-learn and pyitlib on the same codes.

    python benchmarks/information_estimates.py

The values must agree (1e-9 bits) before anything is timed. pyitlib and scikit-learn have no permutation floor of their own, so
theirs is a loop over shuffled labels, as a user of them would write it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import numpy as np
from alternating import Result, markdown, measure
from sklearn.metrics import mutual_info_score

from rate_distortion import information
from rate_distortion.analysis.information_plane import ESTIMATORS, Estimator, plane_rows

try:
    from pyitlib.discrete_random_variable import information_mutual
except ImportError:
    sys.exit('pyitlib is not installed; `make .venv` or `pip install -e ".[bench]"` brings it')

PERMUTATIONS = 100


def codes(samples: int, units: int, bins: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Row codes of a layer that knows something of ten labels, and the labels, both of shape (samples,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, samples)
    activations = rng.normal(size=(samples, units)) + labels[:, None] / 3
    return information.row_codes(information.equal_mass_bins(activations, bins).codes), labels


def estimators(states: np.ndarray, labels: np.ndarray) -> dict[str, Callable[[], float]]:
    """Plug-in information in bits."""
    return {
        "this project": lambda: information.mutual_information(states, labels).value_bits,
        "scikit-learn": lambda: mutual_info_score(states, labels) / np.log(2),
        "pyitlib": lambda: float(information_mutual(states, labels)),
    }


def floors(states: np.ndarray, labels: np.ndarray) -> dict[str, Callable[[], object]]:
    """Mean information of shuffled labels."""

    def shuffled(estimate: Callable[[np.ndarray], float]) -> Callable[[], float]:
        return lambda: np.mean([estimate(np.random.default_rng(k).permutation(labels)) for k in range(PERMUTATIONS)])

    return {
        "this project": lambda: information.mutual_information(states, labels, permutations=PERMUTATIONS),
        "scikit-learn": shuffled(lambda paired: mutual_info_score(states, paired)),
        "pyitlib": shuffled(lambda paired: information_mutual(states, paired)),
    }


def layer(samples: int, units: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Activations of a layer of rectified linear units that knows something of two labels, and the labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, samples)
    normal = rng.normal(size=(samples, units)) + labels[:, None] / 3
    return np.maximum(normal, 0).astype(np.float32), labels


def digitized_information(activations: np.ndarray, labels: np.ndarray, bins: int = 30) -> tuple[float, float]:
    """I(X; T) and I(T; Y) in bits as the code of the earlier work finds them: every unit digitized, unique rows counted."""
    edges = np.linspace(activations.min(), activations.max(), bins + 1)[1:-1]
    codes = np.stack([np.digitize(unit, edges, right=True) for unit in activations.T], axis=1)

    def row_entropy(rows: np.ndarray) -> float:
        shares = np.unique(rows, axis=0, return_counts=True)[1] / len(rows)
        return float(-(shares * np.log2(shares)).sum())

    whole = row_entropy(codes)
    return whole, whole - sum(np.mean(labels == label) * row_entropy(codes[labels == label]) for label in (0, 1))


def planes(activations: np.ndarray, labels: np.ndarray) -> dict[str, Callable[[], object]]:
    """A layer's place in the information plane by every estimator, without floors."""

    def own(estimator: Estimator) -> Callable[[], object]:
        return lambda: plane_rows([activations], labels, [estimator], permutations=0)

    others = {f"this project, {estimator.name}": own(estimator) for estimator in ESTIMATORS}
    return {"unit by unit, unique rows": lambda: digitized_information(activations, labels)} | others


def results(rounds: int = 5) -> list[Result]:
    """Estimates and their floors, on a layer with few states and on one that is nearly saturated."""
    found = []
    for units, bins in ((1, 30), (3, 30)):
        states, labels = codes(2000, units, bins)
        runs = estimators(states, labels)
        values = [estimate() for estimate in runs.values()]
        if np.ptp(values) > 1e-9:
            sys.exit(f"the estimators disagree: {values}; nothing was timed")
        size = f"2,000 samples, {len(np.unique(states)):,} states"
        found.append(Result(f"mutual information, {size}", measure(runs, rounds), "scikit-learn"))
        work = f"its permutation floor ({PERMUTATIONS} shuffles), {size}"
        found.append(Result(work, measure(floors(states, labels), rounds), "scikit-learn"))
    runs = planes(*layer(2000, 1024))
    (row,) = runs["this project, fixed_width_bins"]()
    own, peer = (row["input_information_bits"], row["label_information_bits"]), next(iter(runs.values()))()
    if np.abs(np.subtract(own, peer)).max() > 1e-9:
        sys.exit(f"the information plane is {own} bits here and {peer} bits unit by unit; nothing was timed")
    found.append(Result("information plane, 2,000 samples of 1,024 units", measure(runs, rounds), next(iter(runs))))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    print(markdown(results(parser.parse_args().rounds)))
