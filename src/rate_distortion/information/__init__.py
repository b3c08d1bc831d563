"""Entropies and mutual information in bits, with ceilings, floors and bias corrections (Section 4.2 of the paper).

- ``entropy``, ``mutual_information``, ``confusion_information``: discrete codes and tables of counts
- ``pair_information``: what every sample adds to a mutual information, corrected for chance and few samples
- ``equal_mass_bins``, ``fixed_width_bins``, ``row_codes``: from activations to codes
- ``kernel_information``: pairwise bounds without bins
- ``plane_point``, ``data_processing_check``, ``independent_pixel_entropy_bits``: the information plane
"""

from rate_distortion.information.binning import (
    BinnedLayer,
    ConstantInputError,
    equal_mass_bins,
    fixed_width_bins,
    row_codes,
)
from rate_distortion.information.discrete import (
    confusion_information,
    entropy,
    mutual_information,
)
from rate_distortion.information.estimates import Estimate
from rate_distortion.information.kernel_density import KernelInformation, kernel_information
from rate_distortion.information.pairs import pair_information
from rate_distortion.information.plane import (
    PlanePoint,
    ProcessingCheck,
    data_processing_check,
    independent_pixel_entropy_bits,
    plane_point,
)

__all__ = [
    "BinnedLayer",
    "ConstantInputError",
    "Estimate",
    "KernelInformation",
    "PlanePoint",
    "ProcessingCheck",
    "confusion_information",
    "data_processing_check",
    "entropy",
    "equal_mass_bins",
    "fixed_width_bins",
    "independent_pixel_entropy_bits",
    "kernel_information",
    "mutual_information",
    "pair_information",
    "plane_point",
    "row_codes",
]
