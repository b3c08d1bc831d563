"""What a study promises: the files of the catalogue's tables and figures, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping

from rate_distortion.studies import archive, targets
from rate_distortion.studies.result import Result
from rate_distortion.studies.results import RESULTS
from rate_distortion.studies.study import Study


def promised(study: Study) -> list[Result]:
    """The tables and figures that a study promises, in the order of the page."""
    return [result for result in RESULTS if result.promised(study)]


def page_records(study: Study) -> list[str]:
    """The names of the records that the page shows: paths inside the study's folder, without suffix."""
    return ["claims", *(result.place for result in promised(study))]


def page_files(study: Study) -> list[str]:
    """The files of tables and figures that the page is made of."""
    return [path for result in promised(study) for path in result.files(study) if path.endswith((".csv", ".svg"))]


def overview_records(study: Study) -> dict[str, list[str]]:
    """Table or figure with claims -> metrics.json of the trainings that it rests on; one that is left out has no entry."""
    return {result.name: result.trainings(study) for result in promised(study) if result.claims}


def records(study: Study) -> list[str]:
    """What an archive of the study must hold: the records that its promises are made from, as paths inside its folder."""
    read: list[Mapping[str, str | list[str]]] = [targets.claim_records(study), overview_records(study)]
    read += [result.inputs(study) | {"own": result.files(study)} for result in promised(study)]
    paths = [
        path for inputs in read for some in inputs.values() for path in ([some] if isinstance(some, str) else some)
    ]
    folder = f"results/{study.name}/"
    inside = (path.removeprefix(folder) for path in paths if path.startswith(folder))
    return [path for path in dict.fromkeys([*inside, "plan.md"]) if archive.is_record(path)]


def study_results(study: Study) -> list[str]:
    """Every file that a study promises, without its description for archives."""
    own = ("config.yaml", "plan.md", "claims.csv", "claims.md", "theses.csv", "overview.csv", "paper.html")
    chosen = targets.results(study, "weight_decay.json") if study.has("calibration") else []
    return [
        *targets.results(study, *own),
        *chosen,
        *(path for result in promised(study) for path in result.files(study)),
    ]


def study_targets(study: Study) -> list[str]:
    """Every file that a study promises: its results, and what describes them to an archive."""
    return [*study_results(study), *targets.results(study, "ro-crate-metadata.json")]


def compared_tables(study: Study) -> list[str]:
    """The tables of a study that are compared with another's."""
    return [
        path
        for result in promised(study)
        if result.is_compared
        for path in result.files(study)
        if path.endswith(".csv")
    ]
