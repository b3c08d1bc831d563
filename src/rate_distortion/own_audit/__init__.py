"""Audit a user's model on a user's images: information about the labels, and how much of it survives noise, on one page.

:func:`audit` measures, :class:`Audit` writes; no study and no Snakemake. The command is ``rate-distortion audit``.
"""

from rate_distortion.own_audit.images import OwnImages, read_images
from rate_distortion.own_audit.measure import Audit, audit

__all__ = ["Audit", "OwnImages", "audit", "read_images"]
