"""A study: one configuration under which every table and figure is built.

``config.yaml`` holds studies side by side; a user's file adds more. ``loading`` merges them (``extends``) and checks them
against the closed schema; ``references`` checks that the names in one part exist in another; ``study`` says what a study's
settings mean and which ``runs`` it needs. Whatever is wrong ends in one :class:`StudyError` whose sentence names the key, the
value and what is allowed.
"""

from rate_distortion.studies.configuration import StudyError
from rate_distortion.studies.loading import load, merged_study
from rate_distortion.studies.runs import FIGURE5_PANELS, LABELS, PARTS, BottleneckRun, Cell, Pack, PerceptronCell, Run
from rate_distortion.studies.study import AS_IN_THE_STUDY, BATCH_NORM_EVALUATIONS, CALIBRATED, Study, variant_name

__all__ = [
    "AS_IN_THE_STUDY",
    "BATCH_NORM_EVALUATIONS",
    "CALIBRATED",
    "FIGURE5_PANELS",
    "LABELS",
    "PARTS",
    "BottleneckRun",
    "Cell",
    "Pack",
    "PerceptronCell",
    "Run",
    "Study",
    "StudyError",
    "load",
    "merged_study",
    "variant_name",
]
