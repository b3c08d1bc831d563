"""A rate-distortion theory of adversarial examples: the paper's analysis as a library, usable without Snakemake.

What a classifier's predictions say of the labels is a mutual information in bits; how much of it survives noise is its fault
tolerance. The names below are imported when they are asked for, so that importing this package costs nothing:

- :func:`audit`: a trained model under three kinds of noise, as curves, tables and one page;
- :func:`sweep` with :class:`SweepSettings`: one curve;
- :func:`transmit` with :class:`ReverseSettings`: from a label back to an image;
- :func:`mutual_information`, :func:`entropy`: of codes, in bits, with ceilings, floors and corrections (:class:`Estimate`);
- :func:`choose_weight_decay`: the smallest weight decay with which random labels are not fitted;
- :func:`read_images`, :func:`load_weights`: an .npz of images, a file of weights;
- :class:`InputError`: what all of them raise for input that cannot be used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rate_distortion.analysis.capacity import choose_weight_decay
    from rate_distortion.errors import InputError
    from rate_distortion.information import Estimate, entropy, mutual_information
    from rate_distortion.models.weights import load_weights
    from rate_distortion.own_audit import audit, read_images
    from rate_distortion.probes.noise_paths import SweepSettings
    from rate_distortion.probes.perturbations import sweep
    from rate_distortion.probes.reverse_transmission import ReverseSettings, transmit

__version__ = "0.1.0"

_MODULES = {
    "Estimate": "information",
    "InputError": "errors",
    "ReverseSettings": "probes.reverse_transmission",
    "SweepSettings": "probes.noise_paths",
    "audit": "own_audit",
    "choose_weight_decay": "analysis.capacity",
    "entropy": "information",
    "load_weights": "models.weights",
    "mutual_information": "information",
    "read_images": "own_audit",
    "sweep": "probes.perturbations",
    "transmit": "probes.reverse_transmission",
}
"""Name -> the module that has it."""

__all__ = [
    "Estimate",
    "InputError",
    "ReverseSettings",
    "SweepSettings",
    "audit",
    "choose_weight_decay",
    "entropy",
    "load_weights",
    "mutual_information",
    "read_images",
    "sweep",
    "transmit",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
