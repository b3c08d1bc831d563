"""An entry of the catalogue: a table or figure, its files, its settings and how it is made."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from rate_distortion.studies import shown, targets
from rate_distortion.studies.configuration import StudyError
from rate_distortion.studies.study import Study

NOT_PASSED = ("provenance", "beside")
"""Inputs that a maker is not called with: how the runs were made, and files that it finds beside those it is called with."""

RUN_FOLDER = re.compile(r"results/[^/]+/runs/.*/seed\d+(?=/)")
SUFFIXES = {"table": ("csv", "md", "tex"), "figure": ("svg", "png", "csv")}


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


class Claims(NamedTuple):
    """The claims of the ledger that a table or figure shows.

    Attributes:
        prefix: how their ids begin.
        heading: what claims.md and docs/reproduction.md call them.
    """

    prefix: str
    heading: str


def of_dataset(study: Study) -> dict[str, Any]:
    """The input of a result that says what the study's images are."""
    return {"dataset": targets.study_dataset(study)}


def of_study(study: Study) -> dict[str, Any]:
    """The setting of a result that says which study it shows."""
    return {"study": shown.summary(study)}


@dataclass(frozen=True)
class Result:
    """A table or a figure.

    Attributes:
        name: its file's stem: ``tables/{name}.csv`` or ``figures/{name}.svg``.
        kind: "table" or "figure".
        words: what the page and messages call it.
        section: key of :data:`SECTIONS`.
        make: ``"module:function"`` inside the library, imported only by the job that makes it. Called with the record files
            and the settings of the study as keywords; returns a ``Table`` or a ``Drawing``. Empty for what a rule of its own
            makes.
        parts: the parts of a study (:meth:`Study.has`) whose trainings it rests on. A study that has them promises it.
        caption: reStructuredText for Snakemake's report, from the settings.
        records: keyword of the maker -> a file that every training of the parts leaves.
        reads: further inputs by keyword; :data:`NOT_PASSED` says which of them are only declared.
        settings_of: settings by keyword.
        promised_if: the condition on the study, where it is not that it has the parts.
        suffixes: of its files.
        claims: the claims that it shows, if any.
        is_job: whether a cluster makes it in a job of its own, since it takes more than seconds.
        by_cell: whether each cell says how many seeds it rests on, so that an unfinished study shows every finished run.
        is_compared: whether it is compared with another study's.
    """

    name: str
    kind: Literal["table", "figure"]
    words: str
    section: str
    make: str
    parts: tuple[str, ...]
    caption: Callable[..., str]
    records: Mapping[str, str] = field(default_factory=dict)
    reads: Callable[[Study], Mapping[str, Any]] = of_dataset
    settings_of: Callable[[Study], Mapping[str, Any]] = of_study
    promised_if: Callable[[Study], bool] | None = None
    suffixes: tuple[str, ...] = ()
    claims: Claims | None = None
    is_job: bool = False
    by_cell: bool = False
    is_compared: bool = False

    @property
    def is_animated(self) -> bool:
        """Whether it is also an animation."""
        return "gif" in self.suffixes

    @property
    def heading(self) -> str:
        """Its words at the beginning of a line."""
        return f"{self.words[:1].upper()}{self.words[1:]}"

    @property
    def place(self) -> str:
        """Its path inside the study's folder, without suffix."""
        return f"{self.kind}s/{self.name}"

    def promised(self, study: Study) -> bool:
        """Whether the study promises it."""
        return self.promised_if(study) if self.promised_if else all(study.has(part) for part in self.parts)

    def files(self, study: Study) -> list[str]:
        """Its files."""
        return targets.results(study, *(f"{self.place}.{suffix}" for suffix in self.suffixes or SUFFIXES[self.kind]))

    def inputs(self, study: Study) -> dict[str, str | list[str]]:
        """Its record files by keyword.

        Raises:
            StudyError: the study does not promise it.
        """
        self._check_promised(study)
        own = {key: targets.records(study, *self.parts, kind=name) for key, name in self.records.items()}
        made_by = {"provenance": targets.records(study, *self.parts, kind="provenance.json")} if own else {}
        return own | made_by | dict(self.reads(study))

    def settings(self, study: Study) -> dict[str, Any]:
        """Its settings by keyword.

        Raises:
            StudyError: the study does not promise it.
        """
        self._check_promised(study)
        return dict(self.settings_of(study))

    def trainings(self, study: Study) -> list[str]:
        """metrics.json of every training that it rests on: those of its parts, and those whose files it reads."""
        paths = [path for some in self.inputs(study).values() for path in ([some] if isinstance(some, str) else some)]
        read = {found[0] for path in paths if (found := RUN_FOLDER.match(path))}
        return sorted({f"{folder}/metrics.json" for folder in read} | set(targets.records(study, *self.parts)))

    def caption_of(self, study: Study) -> str:
        """Its caption for a study."""
        return self.caption(**(of_study(study) | self.settings(study)))

    def made(self, inputs: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        """The ``Table`` or ``Drawing`` of its record files; a table says how the runs were made.

        Args:
            inputs: as :meth:`inputs` gives them, or some of each.
            settings: as :meth:`settings` gives them.
        """
        module, _, function = self.make.partition(":")
        maker = getattr(importlib.import_module(f"rate_distortion.{module}"), function)
        made = maker(**{key: paths for key, paths in inputs.items() if key not in NOT_PASSED}, **settings)
        return made.with_provenance(inputs["provenance"]) if "provenance" in inputs else made

    def _check_promised(self, study: Study) -> None:
        if not self.promised(study):
            lacking = [part for part in self.parts if not study.has(part)]
            needed = f"has no {' and no '.join(lacking)}" if lacking else "has nothing to show there"
            raise StudyError(f"study {study.name} leaves out {self.place} ({self.words}), since it {needed}")
