"""The Gaussian channel: capacity, number of codewords, and sphere packing as a simulation (Section 2, Equations 1 and 2).

A codeword is a point x in n dimensions with mean power P per dimension; the channel adds Gaussian noise of variance N per
dimension; the receiver decides for the nearest codeword. Equation 2 counts the noise spheres that fit into the sphere of all
received points, M = (1 + P / N)^(n / 2), which at rate log2(M) / n is the capacity of Equation 1. The functions here show how
random codewords approach it: below capacity the block error falls with n, above capacity it tends to 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from rate_distortion.errors import InputError

MOST_CODEWORDS = 2**20
"""A simulated code of more codewords than this is refused; ``random_code_error`` has no such limit."""

MOST_BITS_PER_BLOCK = 1000
"""Keeps 2^(n rate), and the probability that one of so many codewords confuses, within double precision."""

DISTANCES_PER_BLOCK = 2**22
"""Distances between received points and codewords that are held at a time: 32 MB of float64."""


def capacity_bits(signal_power: float | np.ndarray, noise_variance: float | np.ndarray) -> np.ndarray:
    """Capacity of the Gaussian channel in bits per transmission (per dimension), ``0.5 log2(1 + P / N)`` (Equation 1).

    Args:
        signal_power, noise_variance: P and N in the same unit, scalars or arrays that broadcast.

    Raises:
        InputError: for a negative or non-finite power, or a variance that is not positive and finite.
    """
    _check_powers(signal_power, noise_variance)
    return 0.5 * np.log1p(np.divide(signal_power, noise_variance)) / math.log(2)


def codewords_log2(signal_power: float | np.ndarray, noise_variance: float | np.ndarray, dimensions: int) -> np.ndarray:
    """Binary logarithm n C of the number of codewords, in bits per block of n transmissions; it does not overflow.

    Raises:
        InputError: as ``capacity_bits``, and for fewer than one dimension.
    """
    _check_dimensions(dimensions)
    return dimensions * capacity_bits(signal_power, noise_variance)


def number_of_codewords(
    signal_power: float | np.ndarray, noise_variance: float | np.ndarray, dimensions: int
) -> np.ndarray:
    """How many noise spheres fit into the sphere of received points, ``(1 + P / N)^(n / 2)`` (Equation 2).

    A ratio of volumes, hence not a whole number; infinite beyond about 2^1024.

    Raises:
        InputError: as ``codewords_log2``.
    """
    with np.errstate(over="ignore"):
        return np.exp2(codewords_log2(signal_power, noise_variance, dimensions))


def signal_to_noise_ratio(decibels: float | np.ndarray) -> np.ndarray:
    """Power ratio P / N of a signal-to-noise ratio in dB, ``10^(dB / 10)``."""
    return np.power(10.0, np.divide(decibels, 10.0))


def simulate_sphere_packing(
    dimensions: Sequence[int],
    rates_bits: Sequence[float],
    *,
    signal_power: float,
    noise_variance: float,
    codebooks: int = 100,
    messages: int = 100,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Block error of random Gaussian codes under minimum-distance decoding, for every dimension and rate.

    Each codebook draws M codewords, independent and Gaussian with variance P per dimension, sends ``messages`` of them over
    the channel, and counts those for which another codeword is nearer to the received point than the one sent.

    Args:
        dimensions: block lengths n.
        rates_bits: rates in bits per dimension. M is 2^(n rate) rounded, at least 2, and the rate returned is log2(M) / n.
        signal_power, noise_variance: P and N, in the same unit.
        codebooks: independent codes per point, at least 2.
        messages: transmissions per code.
        seed: each point has its own random stream, so further points leave the others as they are.

    Returns:
        Columns of equal length, one row per dimension and rate: ``dimensions``, ``rate_bits``, ``codewords``,
        ``capacity_bits``, ``error_probability``, ``standard_error`` (over codebooks, since the messages of one code are not
        independent), ``errors`` and ``transmissions``. Where no error was seen the standard error is 0 as well, and the error
        probability is only known to be below about 3 / transmissions.

    Raises:
        InputError: for a dimension, rate or count out of range, or a code of more than ``MOST_CODEWORDS``.
    """
    if codebooks < 2 or messages < 1:
        raise InputError(
            f"codebooks is {codebooks} and messages {messages}; use at least 2 codebooks of at least 1 message"
        )
    _check_powers(signal_power, noise_variance)
    rows = []
    for block_length, codewords in _codes(dimensions, rates_bits):
        if codewords > MOST_CODEWORDS:
            raise InputError(
                f"{block_length} dimensions need {codewords:.3g} codewords, more than the {MOST_CODEWORDS} that are simulated; "
                "lower the rate or the dimension, or use random_code_error"
            )
        generator = np.random.default_rng([seed, block_length, int(codewords)])
        code = (block_length, int(codewords), signal_power, noise_variance)
        errors = np.array([_block_errors(generator, *code, messages) for _ in range(codebooks)])
        rows.append(
            {
                **_code_columns(block_length, codewords, signal_power, noise_variance),
                "error_probability": errors.mean() / messages,
                "standard_error": errors.std(ddof=1) / messages / math.sqrt(codebooks),
                "errors": errors.sum(),
                "transmissions": codebooks * messages,
            }
        )
    return _columns(rows)


def random_code_error(
    dimensions: Sequence[int],
    rates_bits: Sequence[float],
    *,
    signal_power: float,
    noise_variance: float,
    transmissions: int = 10_000,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """The error that ``simulate_sphere_packing`` estimates, without drawing the other codewords.

    Given the codeword sent and the noise, every other codeword is a fresh Gaussian point, nearer to the received point y with
    the probability p that a noncentral chi-square variable (n degrees of freedom, noncentrality |y|^2 / P) falls below
    |noise|^2 / P. The error is the mean of ``1 - (1 - p)^(M - 1)`` over transmissions. Its cost does not grow with M, so it
    reaches block lengths of hundreds, where the fall at capacity becomes steep. The transmissions of a block length are the
    same at every rate, which makes its curve smooth and its standard errors dependent.

    Args:
        dimensions, rates_bits, signal_power, noise_variance, seed: as in ``simulate_sphere_packing``; P must be positive.
        transmissions: sent codewords and noises per point, at least 2; also the number of independent terms of the mean.

    Returns:
        The columns of ``simulate_sphere_packing`` except ``errors``.

    Raises:
        InputError: as ``simulate_sphere_packing``, but for any number of codewords.
    """
    if transmissions < 2:
        raise InputError(f"transmissions is {transmissions}; use at least 2")
    if signal_power <= 0:
        raise InputError(f"signal_power is {signal_power}; random codewords are distinct for positive power only")
    _check_powers(signal_power, noise_variance)
    rows = []
    for block_length in dimensions:
        _check_dimensions(block_length)
        generator = np.random.default_rng([seed, block_length])
        sent = generator.normal(scale=math.sqrt(signal_power), size=(transmissions, block_length))
        noise = generator.normal(scale=math.sqrt(noise_variance), size=(transmissions, block_length))
        noise_norm, received_norm = (np.square(points).sum(axis=1) / signal_power for points in (noise, sent + noise))
        nearer = _noncentral_chi_square_below(noise_norm, block_length, received_norm)
        for codewords in _codebook_sizes(block_length, rates_bits):
            with np.errstate(divide="ignore"):  # p = 1 is a certain error: the logarithm of 1 - p is minus infinity
                errors = -np.expm1((codewords - 1) * np.log1p(-nearer))
            rows.append(
                {
                    **_code_columns(block_length, codewords, signal_power, noise_variance),
                    "error_probability": errors.mean(),
                    "standard_error": errors.std(ddof=1) / math.sqrt(transmissions),
                    "transmissions": transmissions,
                }
            )
    return _columns(rows)


def _block_errors(
    generator: np.random.Generator,
    dimensions: int,
    codewords: int,
    signal_power: float,
    noise_variance: float,
    messages: int,
) -> int:
    """Errors among ``messages`` transmissions with one random code.

    The nearest codeword x to y is the one with the largest ``x . y - |x|^2 / 2``: |y|^2 is the same for all.
    """
    code = generator.normal(scale=math.sqrt(signal_power), size=(codewords, dimensions))
    sent = generator.integers(codewords, size=messages)
    received = code[sent] + generator.normal(scale=math.sqrt(noise_variance), size=(messages, dimensions))
    half_norms = 0.5 * np.square(code).sum(axis=1)
    most = max(1, DISTANCES_PER_BLOCK // codewords)
    blocks = (slice(start, start + most) for start in range(0, messages, most))
    return sum(int(((received[rows] @ code.T - half_norms).argmax(axis=1) != sent[rows]).sum()) for rows in blocks)


def _noncentral_chi_square_below(
    bounds: np.ndarray, degrees_of_freedom: int, noncentralities: np.ndarray
) -> np.ndarray:
    """Probability that a noncentral chi-square variable is below a bound, down to about 1e-300.

    A Poisson mixture of central chi-square variables. Summed here because one codeword in 2^500 matters among 2^500, and
    ``scipy.stats.ncx2.cdf`` returns 0 long before that. Terms rise to one maximum and fall, so the sum stops behind it.
    """
    from scipy.special import gammainc, gammaln  # here, since planning a study reads this module and needs no scipy

    means, total = noncentralities / 2, np.zeros_like(bounds)
    for order in range(math.ceil(means.max() + 12 * math.sqrt(means.max()) + 20)):
        weights = np.exp(order * np.log(means) - means - gammaln(order + 1))
        terms = weights * gammainc(degrees_of_freedom / 2 + order, bounds / 2)
        total += terms
        if (total > 0).all() and (terms < 1e-17 * total).all():
            break
    return np.minimum(total, 1.0)


def _codes(dimensions: Sequence[int], rates_bits: Sequence[float]) -> Iterator[tuple[int, float]]:
    """Every block length with every number of codewords."""
    for block_length in dimensions:
        _check_dimensions(block_length)
        for codewords in _codebook_sizes(block_length, rates_bits):
            yield block_length, codewords


def _codebook_sizes(block_length: int, rates_bits: Sequence[float]) -> Iterator[float]:
    """Numbers of codewords M = 2^(n rate), at least 2, as floats: whole numbers up to 2^53."""
    for rate in rates_bits:
        if not (math.isfinite(rate) and rate > 0):
            raise InputError(f"a rate is {rate}; rates are finite and positive, in bits per dimension")
        if block_length * rate > MOST_BITS_PER_BLOCK:
            raise InputError(
                f"{block_length} dimensions at rate {rate} are {block_length * rate:.0f} bits per block, "
                f"more than {MOST_BITS_PER_BLOCK}; lower the rate or the dimension"
            )
        yield max(2.0, float(np.round(2.0 ** (block_length * rate))))


def _code_columns(block_length: int, codewords: float, signal_power: float, noise_variance: float) -> dict[str, float]:
    return {
        "dimensions": block_length,
        "rate_bits": math.log2(codewords) / block_length,
        "codewords": codewords,
        "capacity_bits": float(capacity_bits(signal_power, noise_variance)),
    }


def _columns(rows: list[dict[str, float]]) -> dict[str, np.ndarray]:
    if not rows:
        raise InputError("there is no point to compute; pass at least one dimension and one rate")
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _check_powers(signal_power: float | np.ndarray, noise_variance: float | np.ndarray) -> None:
    if not (np.isfinite(signal_power).all() and np.greater_equal(signal_power, 0).all()):
        raise InputError(f"signal_power is {signal_power}; pass a finite power of 0 or more")
    if not (np.isfinite(noise_variance).all() and np.greater(noise_variance, 0).all()):
        raise InputError(f"noise_variance is {noise_variance}; pass a finite positive variance")


def _check_dimensions(dimensions: int) -> None:
    if dimensions < 1 or dimensions != int(dimensions):
        raise InputError(f"dimensions is {dimensions}; pass a whole number of at least 1")
