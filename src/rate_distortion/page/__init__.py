"""One self-contained page that reads like the paper: its sections, with what a study measured beside what the paper printed.

Everything comes from the study's tidy tables and drawn figures. What a study leaves out is left out; what it promises and has
not made yet is said to be missing. The page reaches no network: its script and styles are inside it, and its policy forbids the
rest.
"""

from rate_distortion.page.assembly import Study, render, write
from rate_distortion.page.records import Records

__all__ = ["Records", "Study", "render", "write"]
