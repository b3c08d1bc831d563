"""What each claim comes to in a study's records.

A measure of a number gives one value per seed (:class:`Bounded`: two bounds of it; :class:`Repeated`: with the variance of the
draws behind it). A measure of an ordering gives one list of differences per part, paired over seeds; the ordering says that all
of them are above zero. A seed that fails is never left out: what it did not reach is a bound, and what is not a number is not
known (:class:`rate_distortion.claims.verdicts.Observed`). ``MEASURES`` names all measures for claims.yaml.
"""

from rate_distortion.claims.measures import capacity, gradients, noise, packing, plane, transfer
from rate_distortion.claims.measures.kinds import MEASURES, Bounded, Parts, Repeated, UnrecordedError

__all__ = [
    "MEASURES",
    "Bounded",
    "Parts",
    "Repeated",
    "UnrecordedError",
    "capacity",
    "gradients",
    "noise",
    "packing",
    "plane",
    "transfer",
]
