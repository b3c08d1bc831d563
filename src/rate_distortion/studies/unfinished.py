"""What a study's tables can be made of before it is finished, from the records that exist now."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from rate_distortion.studies import promises, targets
from rate_distortion.studies.result import Result
from rate_distortion.studies.study import Study

SEED = re.compile(r"results/[^/]+/(?:runs|transfer)/.*/seed(\d+)/")
"""A study or a model may be called seed7 as well."""

Inputs = Mapping[str, str | list[str]]


def tables(study: Study) -> dict[str, dict[str, Any]]:
    """What each promised table can be made of, or what it lacks.

    A table whose cells say how many seeds each rests on takes every finished run. The others compare networks with each other,
    and take the seeds that have finished all of theirs.

    Returns:
        name -> {"inputs", "settings": as of :class:`Result`, of what is finished; "missing": why it cannot be made, or "";
        "seeds": {"finished", "planned"} where all cells of the table have the same ones, else None}.
    """
    return {
        result.name: _of_finished_runs(study, result) if result.by_cell else _of_finished_seeds(study, result)
        for result in promises.promised(study)
        if result.kind == "table" and result.make
    }


def claim_records(study: Study) -> dict[str, list[str]]:
    """Those of the claims' records that exist."""
    return {kind: _existing(paths) for kind, paths in targets.claim_records(study).items()}


def page_records(study: Study) -> list[str]:
    """Those of the page's records that exist."""
    return [name for name in promises.page_records(study) if Path(f"results/{study.name}/{name}.csv").exists()]


def seed_of(path: str) -> int | None:
    """The seed of a run's file; None for a file that belongs to no run."""
    found = SEED.match(path)
    return int(found[1]) if found else None


def _of_finished_runs(study: Study, result: Result) -> dict[str, Any]:
    """A table from every run that is finished."""
    inputs = result.inputs(study)
    finished = {str(Path(path).parent) for path in _existing(inputs["metrics"])}
    own = _selected(inputs, lambda path: seed_of(path) is None or str(Path(path).parent) in finished)
    return _part(own, result.settings(study), "" if finished else "no run has finished yet")


def _of_finished_seeds(study: Study, result: Result) -> dict[str, Any]:
    """A table from the seeds of which everything is there; one that is of no seed needs all its files."""
    inputs, settings = result.inputs(study), result.settings(study)
    paths = [path for some in inputs.values() if isinstance(some, list) for path in some]
    absent = [path for path in paths if not Path(path).exists()]
    planned, late = ({seed_of(path) for path in some} - {None} for some in (paths, absent))
    if not planned:
        return _part(inputs, settings, f"{absent[0]} is not there yet" if absent else "")
    finished = sorted(planned - late)
    # A file of no seed (the calibration's choice) counts where it is there.
    own = _selected(inputs, lambda path: seed_of(path) in finished or (seed_of(path) is None and path not in absent))
    settings |= {"study": settings["study"] | {"seeds": finished}}
    seeds = {"finished": len(finished), "planned": len(planned)}
    return _part(own, settings, "" if finished else "no seed has finished all of its networks yet", seeds)


def _part(
    inputs: Inputs, settings: Mapping[str, Any], missing: str, seeds: dict[str, int] | None = None
) -> dict[str, Any]:
    return {"inputs": inputs, "settings": settings, "missing": missing, "seeds": seeds}


def _selected(inputs: Inputs, is_kept: Callable[[str], bool]) -> dict[str, str | list[str]]:
    """The lists of paths without those that are not kept; a single path, which says what the images are, stays."""
    return {
        key: some if isinstance(some, str) else [path for path in some if is_kept(path)] for key, some in inputs.items()
    }


def _existing(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if Path(path).exists()]
