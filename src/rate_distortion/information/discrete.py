"""Entropy and mutual information of discrete codes, and of confusion tables.

The plug-in estimate of a mutual information is biased upwards: by about (K_XY - K_X - K_Y + 1) / (2 n) nats while states
are few, and up to the whole entropy of the label when they are not. So every mutual information can be returned with its
permutation floor: the estimates that the same codes give under random pairing. Given its row and column sums, the table of a
random pairing follows the multivariate hypergeometric distribution, which is sampled directly (Patefield, 1981) without
shuffling a single sample.

A constant code is not an error here: it carries 0 bits, exactly, and a classifier that predicts one class for every image is a
result. (It is an error for the binning and the kernel estimates, which have no scale to measure a constant layer with.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from rate_distortion.information.counts import (
    MOST_CELLS_PER_SAMPLE,
    entropy_bits,
    miller_madow_correction_bits,
    pair_counts,
    state_ids,
    weighted_log_sums,
)
from rate_distortion.information.estimates import Estimate

CELLS_PER_BLOCK = 2**21
"""Random tables are drawn in blocks of at most this many cells: 16 MB of int64."""


def entropy(codes: np.ndarray, *, possible_states: int | None = None) -> Estimate:
    """Entropy of one discrete variable, in bits.

    For a deterministic layer T of distinct inputs X this is also I(X; T), the compression axis of Figure 3.

    Args:
        codes: integer codes, shape (n,), n >= 2. Any integers; only which are equal matters.
        possible_states: size of the alphabet, where it is known and can lower the ceiling below log2 n.

    Raises:
        ValueError: for codes that are not a vector of at least two integers, or that occupy more than possible_states.
    """
    ids, states = state_ids(_checked_codes("codes", codes))
    if possible_states is not None and possible_states < states:
        raise ValueError(
            f"possible_states is {possible_states}, but the codes occupy {states} states; pass at least that many"
        )
    value = entropy_bits(np.bincount(ids))
    return Estimate(
        value_bits=value,
        ceiling_bits=math.log2(len(ids) if possible_states is None else min(len(ids), possible_states)),
        floor_bits=0.0,
        floor_standard_deviation_bits=0.0,
        miller_madow_bits=value + miller_madow_correction_bits(states, len(ids)),
        samples=len(ids),
        occupied_states=states,
    )


def mutual_information(
    first_codes: np.ndarray, second_codes: np.ndarray, *, permutations: int = 0, seed: int = 0
) -> Estimate:
    """Mutual information of two discrete variables observed in pairs, in bits; symmetric in the two.

    Args:
        first_codes, second_codes: integer codes, shape (n,) each, n >= 2; entry i of both belongs to sample i.
        permutations: random pairings for the floor and the p-value; 0 (none) or at least 2.
        seed: of the random pairings. Estimates with the same seed have dependent floors, which suits the points of one curve
            and not a test over many.

    Raises:
        ValueError: for codes that are not vectors of at least two integers, for different lengths (a pairing that does not
            exist), and for permutations that give no spread.
    """
    first, first_states = state_ids(_checked_codes("first_codes", first_codes))
    second, second_states = state_ids(_checked_codes("second_codes", second_codes))
    if len(first) != len(second):
        raise ValueError(
            f"first_codes has {len(first)} samples and second_codes {len(second)}; pass one pair of codes per sample"
        )
    row_sums, column_sums = np.bincount(first), np.bincount(second)
    pairs = pair_counts(first, second, second_states)
    if first_states * second_states <= MOST_CELLS_PER_SAMPLE * len(first):
        null = _table_log_sums(row_sums, column_sums, _checked_permutations(permutations), seed)
    else:
        null = _shuffled_log_sums(first, second, second_states, _checked_permutations(permutations), seed)
    return _information(row_sums, column_sums, pairs, null)


def confusion_information(confusion_table: np.ndarray, *, permutations: int = 0, seed: int = 0) -> Estimate:
    """I(prediction; label) in bits from a table of counts, at a cost that does not grow with the number of samples.

    Args:
        confusion_table: counts, shape (K, K') of integers; rows are labels, columns predictions. Empty rows and columns are
            allowed: classes that were not seen, or never predicted.
        permutations: random tables with the same row and column sums for the floor and the p-value; 0 (none) or at least 2.
        seed: of the random tables, as in ``mutual_information``.

    Raises:
        ValueError: for a table that is not two-dimensional, or has entries that are negative or not whole numbers, or fewer
            than two samples.
    """
    table = _checked_table(confusion_table)
    row_sums, column_sums = (sums[sums > 0] for sums in (table.sum(axis=1), table.sum(axis=0)))
    null = _table_log_sums(row_sums, column_sums, _checked_permutations(permutations), seed)
    return _information(row_sums, column_sums, table[table > 0], null)


def _information(row_sums: np.ndarray, column_sums: np.ndarray, pairs: np.ndarray, null: np.ndarray) -> Estimate:
    """Assemble an estimate from the counts of both variables and of their pairs, and the null's sums of c log2 c.

    I = H(first) + H(second) - H(pair); under random pairing only the last term varies.
    """
    samples = int(row_sums.sum())
    first_bits, second_bits = entropy_bits(row_sums), entropy_bits(column_sums)
    marginal_bits = first_bits + second_bits - math.log2(samples)
    ceiling_bits = min(first_bits, second_bits)
    # Rounding can put an information of exactly zero or exactly the ceiling a few 1e-16 outside.
    value = float(np.clip(marginal_bits + weighted_log_sums(pairs) / samples, 0.0, ceiling_bits))
    null_bits = np.clip(marginal_bits + null / samples, 0.0, ceiling_bits)
    corrections = (miller_madow_correction_bits(len(counts), samples) for counts in (row_sums, column_sums, pairs))
    first_correction, second_correction, pair_correction = corrections
    return Estimate(
        value_bits=value,
        ceiling_bits=ceiling_bits,
        floor_bits=float(null_bits.mean()) if len(null) else math.nan,
        floor_standard_deviation_bits=float(null_bits.std(ddof=1)) if len(null) else math.nan,
        miller_madow_bits=value + first_correction + second_correction - pair_correction,
        samples=samples,
        occupied_states=len(pairs),
        p_value=(1 + int((null_bits >= value - ROUNDING_BITS).sum())) / (1 + len(null)) if len(null) else math.nan,
        permutations=len(null),
    )


ROUNDING_BITS = 1e-12
"""Two tables with the same counts in another order count as equal in a p-value, although their sums may round differently."""


def _table_log_sums(row_sums: np.ndarray, column_sums: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """Sums of c log2 c of random tables with the given margins, shape (permutations,)."""
    if 1 in (len(row_sums), len(column_sums)):
        # Only one table has such margins. (scipy 1.17's random_table returns others here, with negative counts.)
        return np.full(permutations, weighted_log_sums(np.outer(row_sums, column_sums) // row_sums.sum()))
    if permutations == 0:
        return np.empty(0)
    from scipy.stats import random_table  # takes long to import, and jobs that draw figures do not need it

    margins, generator = random_table(row_sums, column_sums), np.random.default_rng(seed)
    blocks = _blocks(permutations, cells=len(row_sums) * len(column_sums))
    return np.concatenate([weighted_log_sums(margins.rvs(size, random_state=generator), (1, 2)) for size in blocks])


def _shuffled_log_sums(
    first: np.ndarray, second: np.ndarray, second_states: int, permutations: int, seed: int
) -> np.ndarray:
    """As ``_table_log_sums``, for tables too large and too empty to write out: the samples themselves are shuffled."""
    generator = np.random.default_rng(seed)
    shuffles = (generator.permutation(second) for _ in range(permutations))
    return np.array([weighted_log_sums(pair_counts(first, shuffled, second_states)) for shuffled in shuffles])


def _blocks(permutations: int, cells: int) -> Iterator[int]:
    """Split a number of tables into block sizes of at most ``CELLS_PER_BLOCK`` cells."""
    most = max(1, CELLS_PER_BLOCK // cells)
    for start in range(0, permutations, most):
        yield min(most, permutations - start)


def _checked_permutations(permutations: int) -> int:
    if permutations < 0 or permutations == 1:
        raise ValueError(
            f"permutations is {permutations}; use 0 for no floor, or at least 2 for a floor with its spread"
        )
    return permutations


def _checked_codes(name: str, codes: np.ndarray) -> np.ndarray:
    codes = np.asarray(codes)
    if codes.ndim != 1 or len(codes) < 2 or codes.dtype.kind not in "iub":
        raise ValueError(
            f"{name} has shape {codes.shape} and type {codes.dtype}; pass a vector of at least two integers "
            "(information.row_codes turns a matrix of codes into one)"
        )
    return codes


def _checked_table(confusion_table: np.ndarray) -> np.ndarray:
    table = np.asarray(confusion_table)
    if table.ndim != 2 or table.dtype.kind not in "iubf":
        raise ValueError(f"the confusion table has shape {table.shape} and type {table.dtype}; pass a matrix of counts")
    counts = table.astype(np.int64) if np.isfinite(table).all() else None
    if counts is None or (counts != table).any() or (counts < 0).any():
        raise ValueError(
            "the confusion table has entries that are negative or not whole numbers; pass counts, not shares"
        )
    if counts.sum() < 2:
        raise ValueError(f"the confusion table counts {counts.sum()} samples; an information needs at least 2")
    return counts
