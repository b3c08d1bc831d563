"""What an estimate is reported with: its ceiling, its floor and how many states the samples occupy."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """An entropy or a mutual information in bits, and what it can and cannot mean.

    Attributes:
        value_bits: the plug-in (maximum likelihood) estimate.
        ceiling_bits: the largest value that these samples allow: log2 n (or the logarithm of the number of possible states,
            when smaller) for an entropy; the smaller of the two plug-in entropies for a mutual information. An estimate at
            its ceiling measures the number of samples, not the network.
        floor_bits: the mean estimate over random pairings of the same codes, which carry no information: the plug-in's bias
            at independence. Not a number if no permutations were asked for; exactly 0 for an entropy, which has no pairing.
        floor_standard_deviation_bits: standard deviation of the estimate over these pairings.
        miller_madow_bits: the estimate after Miller and Madow's first-order bias correction. Not clipped: it may be negative
            for a mutual information, and exceed the ceiling for an entropy.
        samples: n.
        occupied_states: the number of different codes seen; for a mutual information the number of different pairs.
        p_value: probability, under random pairing, of an estimate at least as large as this one, by the add-one rule
            ``(1 + exceedances) / (1 + permutations)``. Not a number without permutations and for an entropy.
        permutations: how many random pairings the floor and the p-value rest on.
    """

    value_bits: float
    ceiling_bits: float
    floor_bits: float
    floor_standard_deviation_bits: float
    miller_madow_bits: float
    samples: int
    occupied_states: int
    p_value: float = math.nan
    permutations: int = 0
