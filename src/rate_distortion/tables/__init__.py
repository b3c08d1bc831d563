"""The paper's tables: tidy CSV for machines, Markdown and LaTeX as printed for people.

Every mean comes with its standard error and the number of seeds, and is shown to the precision of that error, as in the paper.
"""

from rate_distortion.analysis.records import read_metrics, read_perceptrons, read_transfers, summarise
from rate_distortion.tables.accuracy import further_models, table1, table2
from rate_distortion.tables.architecture import table3
from rate_distortion.tables.comparison import compared, comparison
from rate_distortion.tables.differences import differences
from rate_distortion.tables.fault_tolerance import fault_tolerance, reverse_transmission
from rate_distortion.tables.layout import Table, to_precision
from rate_distortion.tables.perceptrons import gradient_snr, information_plane
from rate_distortion.tables.sphere_packing import sphere_packing
from rate_distortion.tables.transfer import transfer
from rate_distortion.tables.variations import variations
from rate_distortion.tables.weight_decay import choice_notes, weight_decay

__all__ = [
    "Table",
    "choice_notes",
    "compared",
    "comparison",
    "differences",
    "fault_tolerance",
    "further_models",
    "gradient_snr",
    "information_plane",
    "read_metrics",
    "read_perceptrons",
    "read_transfers",
    "reverse_transmission",
    "sphere_packing",
    "summarise",
    "table1",
    "table2",
    "table3",
    "to_precision",
    "transfer",
    "variations",
    "weight_decay",
]
