"""Entropies of counts in bits: plug-in and Miller-Madow.

Everything discrete in this package rests on counts, because the plug-in (maximum likelihood) estimates of Section 4.2 are
functions of nothing else: n samples whose states were seen c_1, c_2, ... times have the entropy
``log2 n - sum(c log2 c) / n``.
"""

from __future__ import annotations

import math

import numpy as np

LN2 = math.log(2.0)


def weighted_log_sums(counts: np.ndarray, axis: int | tuple[int, ...] | None = None) -> np.ndarray:
    """Sum of ``c log2 c`` over counts (bits times samples); a count of zero adds nothing."""
    from scipy.special import xlogy  # takes long to import, and most tables do not need it

    return xlogy(counts, counts).sum(axis=axis) / LN2


def entropy_bits(counts: np.ndarray) -> float:
    """Plug-in entropy in bits of counts (K,) or of the cells of a table of counts."""
    samples = counts.sum()
    return max(0.0, float(np.log2(samples) - weighted_log_sums(counts) / samples))


def miller_madow_correction_bits(occupied_states: int, samples: int) -> float:
    """What Miller and Madow (1955) add to a plug-in entropy: (K - 1) / (2 n) nats, here in bits.

    It is the first-order term of the plug-in's downward bias, right only while the K occupied states are far fewer than the
    n samples (Paninski, 2003).
    """
    return (occupied_states - 1) / (2 * samples * LN2)


def state_ids(codes: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the states of codes (n,) from 0 in sorted order; returns the ids (n,) and how many states there are."""
    states, ids = np.unique(codes, return_inverse=True)
    return ids, len(states)


def pair_counts(first_ids: np.ndarray, second_ids: np.ndarray, second_states: int) -> np.ndarray:
    """Counts of the pairs that occur, in no particular order, from two vectors of ids (n,)."""
    pairs = first_ids * second_states + second_ids
    if (first_ids.max() + 1) * second_states <= MOST_CELLS_PER_SAMPLE * len(pairs):
        counts = np.bincount(pairs)
        return counts[counts > 0]
    return np.unique(pairs, return_counts=True)[1]


MOST_CELLS_PER_SAMPLE = 16
"""A table of all pairs larger than this many cells per sample is nearly empty, and sorting the pairs is then cheaper."""
