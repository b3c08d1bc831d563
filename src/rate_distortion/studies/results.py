"""The catalogue: every table and figure of the project, once.

What a study promises, what its rules make, what ``partial`` builds and what the page shows derive from :data:`RESULTS`. A new
table or figure is one function that makes it, one entry here and one test.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Section:
    """A section of the page, in the order of the paper.

    Attributes:
        title: its heading.
        where: the place in the paper.
        parts: parts of the ledger of claims that are judged there.
    """

    title: str
    where: str
    parts: tuple[str, ...] = ()


SECTIONS: Mapping[str, Section] = {
    "channel": Section("The network as a channel", "sections 1 to 3"),
    "gradients": Section("Convergence, by the gradients' signal-to-noise ratio", "section 4.1", ("gradient_snr",)),
    "plane": Section("Memorization is the lack of compression", "section 4.2", ("information_plane",)),
    "regularization": Section(
        "Explicit regularization and the generalization gap", "section 4.3", ("table1", "table2", "further_models")
    ),
    "calibration": Section("Calibrating weight decay", "sections 4.3 and 5", ("calibration",)),
    "tolerance": Section("Fault tolerance", "section 4.4", ("perturbations", "figure5")),
    "spheres": Section("Sphere packing", "appendix A", ("sphere_packing",)),
    "architecture": Section("Architecture", "appendix B", ("architecture",)),
    "transfer": Section("Zero- and one-shot transfer, and calibration", "appendix C", ("transfer",)),
    "variations": Section("What the conclusions depend on", "not in the paper"),
}
"""Sections that show results; the page adds the ledger and how it was made."""


@dataclass(frozen=True)
class Result:
    """A table or a figure.

    Attributes:
        name: its file's stem: ``tables/{name}.csv`` or ``figures/{name}.svg``.
        kind: "table" or "figure".
        words: what the page and messages call it.
        section: key of :data:`SECTIONS`.
        make: ``"module:function"`` inside the library, imported only by the job that makes it. Called with the record files
            and the settings of the study as keywords; returns a ``Table`` or a ``Drawing``.
    """

    name: str
    kind: Literal["table", "figure"]
    words: str
    section: str
    make: str

    @property
    def place(self) -> str:
        """Its path inside the study's folder, without suffix."""
        return f"{self.kind}s/{self.name}"

    def maker(self) -> Callable[..., Any]:
        """The function that makes it."""
        module, _, function = self.make.partition(":")
        return getattr(importlib.import_module(f"rate_distortion.{module}"), function)


def _table(name: str, words: str, section: str, make: str | None = None) -> Result:
    return Result(name, "table", words, section, make or f"tables.making:{name}")


def _figure(name: str, words: str, section: str, make: str | None = None) -> Result:
    return Result(name, "figure", words, section, make or f"figures.{name}:make")


RESULTS: tuple[Result, ...] = (
    _figure("figure1", "Figure 1, the channel", "channel"),
    _figure("figure2", "Figure 2, the gradients' signal-to-noise ratio", "gradients"),
    _table("gradient_snr", "Figure 2 in numbers", "gradients"),
    _figure("figure3", "Figure 3, the information plane", "plane"),
    _table("information_plane", "Figure 3 in numbers", "plane"),
    _table("table1", "Table 1, accuracy and generalization gap", "regularization"),
    _table("table2", "Table 2, training on random labels", "regularization"),
    _table("further_models", "the models beside Table 1", "regularization"),
    _table("differences", "the differences stated in words", "regularization"),
    _figure("history", "the training curves", "regularization"),
    _figure("weight_decay", "the calibration's figure", "calibration"),
    _table("weight_decay", "the calibration's table", "calibration"),
    _figure("figure4", "Figure 4, both directions of the channel", "tolerance"),
    _table("reverse_transmission", "the steps of reverse transmission", "tolerance"),
    _figure("figure5", "Figure 5, information under noise", "tolerance"),
    _table("fault_tolerance", "Figure 5 in numbers", "tolerance"),
    _figure("figure5_batch_norm", "Figure 5 under each kind of batch statistics", "tolerance", "figures.figure5:make"),
    _table("attack_audit", "the audit of attacks", "tolerance"),
    _figure("figure6", "Figure 6, sphere packing", "spheres"),
    _table("sphere_packing", "Figure 6 in numbers", "spheres"),
    _table("table3", "Table 3, the architecture", "architecture"),
    _figure("figure7", "Figure 7, margins and calibration", "transfer"),
    _table("transfer", "Figure 7 in numbers", "transfer"),
    _table("sensitivity", "the sensitivity analysis", "variations"),
    _table("ablations", "the ablations", "variations"),
)
"""In the order of the page, which is the paper's."""
