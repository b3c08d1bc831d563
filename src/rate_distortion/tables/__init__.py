"""The paper's tables: tidy CSV for machines; Markdown, LaTeX and HTML for people, from one layout.

Each table's module has its numbers (a function of the table's name) and its layout (``shown``, of the tidy form alone).

Every mean comes with its standard error and the number of seeds, and is shown to the precision of that error, as in the paper.
"""

from rate_distortion.tables.accuracy import further_models, table1, table2
from rate_distortion.tables.architecture import table3
from rate_distortion.tables.attack_audit import attack_audit
from rate_distortion.tables.capacity_law import capacity_law
from rate_distortion.tables.comparison import compared, comparison
from rate_distortion.tables.differences import differences
from rate_distortion.tables.fault_tolerance import fault_tolerance
from rate_distortion.tables.gradient_snr import gradient_snr
from rate_distortion.tables.information_plane import information_plane
from rate_distortion.tables.layout import Table
from rate_distortion.tables.reverse_transmission import reverse_transmission
from rate_distortion.tables.sphere_packing import sphere_packing
from rate_distortion.tables.transfer import transfer
from rate_distortion.tables.variations import variations
from rate_distortion.tables.weight_decay import choice_notes, weight_decay

__all__ = [
    "Table",
    "attack_audit",
    "capacity_law",
    "choice_notes",
    "compared",
    "comparison",
    "differences",
    "fault_tolerance",
    "further_models",
    "gradient_snr",
    "information_plane",
    "reverse_transmission",
    "sphere_packing",
    "table1",
    "table2",
    "table3",
    "transfer",
    "variations",
    "weight_decay",
]
