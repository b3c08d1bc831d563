"""Mutual information from few samples: what every pair of codes adds to it, corrected for bias and chance.

With ten classes and some hundred images most cells of the table of labels and predictions hold no image or one, and the
plug-in estimate is too high by tenths of a bit, more so the more classes are predicted. Grassberger's estimate (2003,
arXiv:physics/0307138) replaces the logarithm of a count by a function of it and is nearly unbiased down to counts of one.
What is left is taken off where it is known exactly: at independence.
"""

from __future__ import annotations

import math

import numpy as np

from rate_distortion.information.counts import LN2, entropy_bits

REACH = 6
"""Standard deviations of a cell's count around its mean that its expectation is summed over; some 1e-9 lie beyond."""


def pair_information(first_ids: np.ndarray, second_ids: np.ndarray) -> np.ndarray:
    """What every sample adds to the mutual information of two codes, in bits (n,); the mean is the estimate.

    Sample i with the codes a and b adds log2 n + G(n_ab) - G(n_a) - G(n_b), with G of Grassberger, so that the standard
    deviation of what samples add, divided by sqrt(n), is the estimate's error to first order. The mean then is I_G. Its own
    mean f over random pairings with the same margins has a closed form, from the hypergeometric distribution of every cell.
    The estimate is H (I_G - f) / (H_G - f), H being the entropy of the first code and H_G its I_G with itself: 0 on average
    where the second code tells nothing of the first, H where it tells everything (as Vinh, Epps and Bailey, 2010, adjust the
    plug-in information). It may fall below 0 and exceed H by chance. Where chance alone tells everything it is 0.

    Args:
        first_ids, second_ids: codes from 0 upwards, (n,) each, n at least 2.
    """
    samples = len(first_ids)
    first_ids, second_ids = (np.asarray(ids, dtype=np.int64) for ids in (first_ids, second_ids))
    shape = first_ids.max() + 1, second_ids.max() + 1
    table = np.bincount(np.ravel_multi_index((first_ids, second_ids), shape), minlength=math.prod(shape)).reshape(shape)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    of_rows, of_columns = _grassberger_bits(rows), _grassberger_bits(columns)
    adding = np.log2(samples) + (_grassberger_bits(table) - of_rows[:, None] - of_columns)[first_ids, second_ids]
    own = np.log2(samples) - rows @ of_rows / samples
    chance = own - columns @ of_columns / samples + _mean_over_pairings(rows[rows > 0], columns[columns > 0])
    if own - chance < 1e-9:
        return np.zeros(samples)
    return entropy_bits(rows) * (adding - chance) / (own - chance)


def _grassberger_bits(counts: np.ndarray) -> np.ndarray:
    """G(c) in bits, which stands for log2 c: psi(c) + (-1)^c (psi((c + 1) / 2) - psi(c / 2)) / 2 nats. 0 for a count of 0."""
    from scipy.special import digamma  # takes long to import, and most tables do not need it

    own = np.maximum(counts, 1)
    alternating = (1 - 2 * (own % 2)) * (digamma((own + 1) / 2) - digamma(own / 2)) / 2
    return np.where(counts > 0, digamma(own) + alternating, 0.0) / LN2


def _mean_over_pairings(rows: np.ndarray, columns: np.ndarray) -> float:
    """Mean of c G(c), summed over the cells of a table and divided by n, over random pairings with the table's margins."""
    from scipy.special import gammaln  # takes long to import, and most tables do not need it

    def log_choose(own: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        return gammaln(own + 1) - gammaln(chosen + 1) - gammaln(own - chosen + 1)

    samples = rows.sum()
    (row, row_times), (column, column_times) = (np.unique(sums, return_counts=True) for sums in (rows, columns))
    row, times = row[:, None, None], np.outer(row_times, column_times)
    column = column[:, None]
    mean = row * column / samples
    deviation = np.sqrt(mean * (1 - row / samples) * (1 - column / samples) * samples / (samples - 1))
    reach = int(np.ceil(REACH * deviation.max())) + 1
    counts = np.floor(mean).astype(np.int64) + np.arange(-reach, reach + 1)
    least, most = np.maximum(0, row + column - samples), np.minimum(row, column)
    possible = (counts >= least) & (counts <= most)
    counts = counts.clip(least, most)
    shares = possible * np.exp(
        log_choose(row, counts) + log_choose(samples - row, column - counts) - log_choose(samples, column)
    )
    means = (shares * counts * _grassberger_bits(counts)).sum(axis=-1)
    return float((times * means).sum() / samples)
