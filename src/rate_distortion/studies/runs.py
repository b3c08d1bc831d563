"""What a study trains: the cells of its tables, their runs, and the folders of their files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

LABELS = ("original", "random")
FIGURE5_PANELS = ("a", "b")
PARTS = (
    "table1",
    "table2",
    "figure4",
    "further_models",
    "calibration",
    "capacity_law",
    "perturbations",
    "attack_audit",
    "transfer",
    "sensitivity",
    "ablations",
)
"""The parts of a study that need trainings."""


class Cell(NamedTuple):
    """A cell of a table: one training per seed."""

    model: str
    batch_size: int
    labels: str


@dataclass(frozen=True, order=True)
class Run:
    """One training of the convolutional network: the wildcards of its folder, without the study."""

    model: str
    batch_size: int
    labels: str
    seed: int

    @property
    def folder(self) -> str:
        """The run's folder inside results/<study>."""
        return f"runs/cnn/{self.model}/batch{self.batch_size}/{self.labels}/seed{self.seed}"


@dataclass(frozen=True)
class Pack:
    """Cells whose networks, one per seed, are trained as one.

    Attributes:
        name: what they share, as far as it is not the study's own: ``batch128-batch_norm``.
        cells: in a fixed order.
    """

    name: str
    cells: tuple[Cell, ...]


class PerceptronCell(NamedTuple):
    """A multilayer perceptron of figures 2 and 3: one network per seed."""

    activation: str
    normalization: str
    labels: str

    @property
    def folder(self) -> str:
        """The cell's folder inside results/<study>; each seed has one inside it."""
        return f"runs/mlp/{self.activation}/{self.normalization}/{self.labels}"


class BottleneckRun(NamedTuple):
    """One training of the information bottleneck of figure 6."""

    variant: str
    seed: int

    @property
    def folder(self) -> str:
        """The run's folder inside results/<study>."""
        return f"runs/sphere_packing/{self.variant}/seed{self.seed}"
