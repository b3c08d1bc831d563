"""A study: one configuration under which every table and figure is built.

``config.yaml`` holds studies side by side; a user's file adds more. ``loading`` merges them (``extends``) and checks them
against the closed schema; ``references`` checks that the names in one part exist in another; ``study`` says what a study's
settings mean and which ``runs`` it needs. Whatever is wrong ends in one :class:`StudyError` whose sentence names the key, the
value and what is allowed.
"""

import importlib
from typing import Any

_MODULES = {
    "StudyError": "configuration",
    "check_feasible": "feasibility",
    "check_shape": "loading",
    "load": "loading",
    "merged_study": "loading",
    "FIGURE5_PANELS": "runs",
    "LABELS": "runs",
    "PARTS": "runs",
    "BottleneckRun": "runs",
    "Cell": "runs",
    "Pack": "runs",
    "PerceptronCell": "runs",
    "Run": "runs",
    "AS_IN_THE_STUDY": "study",
    "BATCH_NORM_EVALUATIONS": "study",
    "CALIBRATED": "study",
    "Study": "study",
    "variant_name": "study",
}
"""Name -> the module that has it. Modules are imported when they are asked for: jobs that unpack or describe need no schema."""

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
