"""From the ledger and a study's records to a verdict on every claim."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from rate_distortion.analysis.precision import to_precision
from rate_distortion.analysis.records import MissingError, StudyRecords
from rate_distortion.claims import arithmetic, measures, verdicts
from rate_distortion.claims.comparability import FULL, REDUCED, comparability, counted_sizes, first_deviation
from rate_distortion.claims.ledger import Claim, Ledger, load
from rate_distortion.claims.overview import ITEMS
from rate_distortion.claims.verdicts import NOT_REPRODUCED, REPRODUCED, UNDECIDED, Evidence, Sample
from rate_distortion.datasets import prepared_data
from rate_distortion.storage import files

COLUMNS = (
    "id",
    "statement",
    "printed",
    "measured",
    "standard_error",
    "n",
    "comparability",
    "verdict",
    "reason",
    "unit",
    "printed_standard_error",
    "where",
    "family",
    "part",
    "linked_to",
    "kind",
)


NO_SEED = "no seed has it within the study's steps and epochs"


@dataclass(frozen=True)
class Assessment:
    """A claim beside what was measured.

    Attributes:
        claim: from the ledger.
        comparability: "full", "reduced" or "other data"; empty where nothing was measured.
        deviation: of a reduced one, the first setting in which it is.
        measured: in the claim's unit; of an ordering the mean difference of its weakest part. None: nothing was measured.
        evidence: p-values, where a test was made.
        verdict, reason: the outcome.
    """

    claim: Claim
    comparability: str = ""
    deviation: str = ""
    measured: Sample | None = None
    evidence: Evidence | None = None
    verdict: str = UNDECIDED
    reason: str = ""


def assess(
    ledger: Ledger, records: StudyRecords, sizes: Mapping[str, Mapping[str, Any]], *, finished: bool = True
) -> list[Assessment]:
    """A verdict on every claim of the ledger, in its order.

    Args:
        ledger: what is claimed.
        records: what the study has recorded.
        sizes: part of the study -> settings and numbers of images; a part that is not there is one the study does not have.
        finished: the study is complete, so that what is missing is missing for good.
    """
    single = {claim.id: _single(claim, ledger, records, sizes, finished) for claim in ledger.claims}
    decided = dict(single)
    for family in dict.fromkeys(claim.family for claim in ledger.claims):
        tested = {
            name: own.evidence
            for name, own in single.items()
            if own.claim.family == family and own.evidence is not None and not own.claim.linked_to
        }
        for name, (verdict, adjusted) in verdicts.family_verdicts(tested).items():
            reason = f"{single[name].reason}; {_p_values(adjusted, len(tested))}"
            decided[name] = replace(single[name], verdict=verdict, reason=reason)
    for name, own in single.items():
        if own.claim.linked_to and own.measured is not None:
            decided[name] = _linked(own, [decided[other] for other in own.claim.linked_to])
    return list(decided.values())


def assess_study(
    paths: Mapping[str, Sequence[str]], settings: Mapping[str, Any], *, finished: bool
) -> list[Assessment]:
    """A verdict on every claim of the project's ledger from a study's files.

    Args:
        paths: kind of record (:data:`rate_distortion.analysis.records.KINDS`) -> files, and "datasets" -> the dataset.json
            of its data folders.
        settings: {"sizes": of :func:`rate_distortion.claims.comparability.study_sizes`, "snr_ratio": ...,
            "evaluation_modes": ...}, the last two as for :class:`StudyRecords`.
        finished: as for :func:`assess`.
    """
    records = StudyRecords(paths, snr_ratio=settings["snr_ratio"], evaluation_modes=settings["evaluation_modes"])
    calibrated = records.weight_decay.weight_decay if paths.get("weight_decay") else None
    descriptions = [prepared_data.describe(Path(path).parent) for path in paths["datasets"]]
    sizes = counted_sizes(settings["sizes"], descriptions, calibrated)
    return assess(load(), records, sizes, finished=finished)


def table(assessments: list[Assessment]) -> pandas.DataFrame:
    """One row per claim: the content of claims.csv."""
    return pandas.DataFrame([_row(own) for own in assessments], columns=COLUMNS)


def write(assessments: list[Assessment], study: Mapping[str, Any], csv: str | Path, md: str | Path) -> None:
    """Write claims.csv and claims.md.

    Args:
        assessments: of every claim.
        study: name and title, for the heading.
        csv, md: where to.
    """
    files.write_text(csv, table(assessments).to_csv(index=False, lineterminator="\n"))
    files.write_text(md, markdown(assessments, study))


def markdown(assessments: list[Assessment], study: Mapping[str, Any]) -> str:
    """The claims for people: how many have which verdict, then a table for each table and figure of the paper."""
    sections = [
        f"# What the paper prints, judged by study {study['name']}",
        f"{study['title']}.",
        f"{counted(assessments)}. Of an ordering, measured is the difference of its weakest part, above 0 where it holds.",
    ]
    left = list(assessments)
    for item in ITEMS:
        own = [each for each in left if each.claim.id.startswith(item.prefix)]
        left = [each for each in left if each not in own]
        sections += [f"## {item.name}", _section(own)] if own else []
    sections += ["## Beside the paper: its authors' follow-up", _section(left)] if left else []
    return "\n\n".join(sections) + "\n"


def _section(assessments: Sequence[Assessment]) -> str:
    rows = [
        {
            "claim": own.claim.id,
            "statement": own.claim.statement,
            "printed": _printed_words(own.claim),
            "measured": _measured_words(own),
            "comparability": own.comparability or "—",
            "verdict": own.verdict,
            "reason": own.reason,
        }
        for own in assessments
    ]
    return pandas.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def counted(assessments: Sequence[Assessment]) -> str:
    """How many of the paper's claims have which verdict, in words; reference points are named and not counted."""
    counts = Counter(own.verdict for own in assessments if own.claim.of_the_paper)
    words = f"{counts.total()} claims: " + ", ".join(f"{counts[name]} {name}" for name in verdicts.VERDICTS)
    beside = len(assessments) - counts.total()
    return words + (f" (and {beside} reference points from its authors' follow-up, not counted)" if beside else "")


def _printed_words(claim: Claim) -> str:
    if isinstance(claim.printed, str):
        return claim.printed
    about = "about " if claim.printed_as == "about" else ""
    if claim.printed_standard_error is None:
        return f"{about}{claim.printed} {claim.unit}"
    decimals = len(str(claim.printed_standard_error).partition(".")[2])
    return f"{claim.printed:.{decimals}f} ± {claim.printed_standard_error} {claim.unit}"


def _measured_words(own: Assessment) -> str:
    if own.measured is None or math.isnan(own.measured.mean):
        return "—"
    value = own.measured
    error = value.standard_error
    number = f"{value.mean:.4g}" if math.isnan(error) or error == 0 else to_precision(value.mean, error)
    return f"{number} {own.claim.unit}" + (f" (n = {value.n})" if value.n else "")


def _single(
    claim: Claim, ledger: Ledger, records: StudyRecords, sizes: Mapping[str, Mapping[str, Any]], finished: bool
) -> Assessment:
    """A claim by itself, before the correction within its family."""
    if claim.kind == "arithmetic":
        return _calculated(claim, ledger)
    part = ledger.parts[claim.part]
    if claim.part not in sizes:
        return Assessment(claim, reason=f"the study has no {part.description}")
    try:
        found = measures.MEASURES[claim.measure](records, **claim.arguments)
    except MissingError as missing:
        words = f"the study has no {missing}" if finished else f"nothing is there yet: no {missing}"
        return Assessment(claim, reason=words)
    compared = comparability(sizes[claim.part], part.sizes)
    deviation = first_deviation(sizes[claim.part], part.sizes) if compared == REDUCED else ""
    own = Assessment(claim, compared, deviation)
    if claim.printed_as == "exact":
        return _exact(own, found)
    return (_ordering if claim.kind == "ordering" else _number)(own, found)


def _calculated(claim: Claim, ledger: Ledger) -> Assessment:
    finding = arithmetic.CALCULATIONS[claim.measure](ledger)
    measured = Sample(finding.value, finding.standard_error, 0)
    verdict = REPRODUCED if finding.holds else NOT_REPRODUCED
    return Assessment(claim, FULL, measured=measured, verdict=verdict, reason=finding.reason)


def _exact(own: Assessment, value: float) -> Assessment:
    """A count against its printed form, in which it is rounded."""
    own = replace(own, measured=Sample(value, 0.0, 0))
    if refusal := _size_refusal(own):
        return replace(own, reason=refusal)
    decimals = len(str(own.claim.printed).partition(".")[2])
    holds = round(value, decimals) == own.claim.printed
    reason = f"counted: {1000 * value:,.0f}, {'as' if holds else 'other than'} printed"
    return replace(own, verdict=REPRODUCED if holds else NOT_REPRODUCED, reason=reason)


def _number(own: Assessment, found: pandas.Series | measures.Repeated) -> Assessment:
    """A measured mean against a printed one."""
    claim, values = own.claim, found.means if isinstance(found, measures.Repeated) else found
    if values.empty:
        return replace(own, reason=NO_SEED)
    on_scale = verdicts.sample(np.log10(values) if claim.scale == "log10" else values)
    own = replace(own, measured=_in_unit(on_scale, claim.scale))
    if refusal := _refusal(on_scale.n) or _size_refusal(own):
        return replace(own, reason=refusal)
    printed = math.log10(claim.printed) if claim.scale == "log10" else claim.printed
    if claim.printed_as == "single_run":
        draws = (found.within, found.draws) if isinstance(found, measures.Repeated) else ()
        evidence = verdicts.equivalence_to_one_run(on_scale, printed, claim.margin.value, *draws)
    else:
        error = claim.printed_standard_error or 0.0
        evidence = verdicts.equivalence(on_scale, Sample(printed, error, arithmetic.PAPER_SEEDS), claim.margin.value)
    return replace(own, evidence=evidence, reason=_distance_words(claim, own.measured.mean))


def _ordering(own: Assessment, parts: measures.Parts) -> Assessment:
    """Differences that must all be above zero, over our own seeds."""
    fewest = min(len(values) for values in parts.values())
    if fewest == 0:
        return replace(own, reason=NO_SEED)
    allowance = own.claim.margin.value if own.claim.margin else 0.0
    samples = {name: verdicts.sample(values) for name, values in parts.items()}
    weakest = min(samples, key=lambda name: _standing(samples[name], allowance))
    own = replace(own, measured=samples[weakest])
    if refusal := _refusal(fewest) or _size_refusal(own):
        return replace(own, reason=refusal)
    agreeing = int((parts[weakest] > -allowance).sum())
    where = f"weakest part ({weakest})" if len(parts) > 1 else weakest
    reason = (
        f"{where}: {samples[weakest].mean:.3g}, above {-allowance or 0:g} in {agreeing} of {samples[weakest].n} seeds"
    )
    return replace(own, evidence=verdicts.ordering(list(samples.values()), allowance), reason=reason)


def _linked(own: Assessment, others: list[Assessment]) -> Assessment:
    names = " and ".join(other.claim.id for other in others)
    verdict = verdicts.joint_verdict([other.verdict for other in others])
    return replace(own, verdict=verdict, reason=f"the same as {names} in other words, with their verdict")


def _standing(part: Sample, allowance: float) -> float:
    """How many standard errors a part lies above what it must exceed."""
    distance = part.mean + allowance
    return distance / part.standard_error if part.standard_error > 0 else math.copysign(math.inf, distance or -1)


def _refusal(seeds: int) -> str:
    if seeds >= verdicts.FEWEST_SEEDS:
        return ""
    return f"{seeds} {'seed' if seeds == 1 else 'seeds'}; fewer than {verdicts.FEWEST_SEEDS} decide nothing"


def _size_refusal(own: Assessment) -> str:
    """Numbers, and orderings about a size, need the paper's data and size."""
    if own.comparability == FULL or (own.claim.kind == "ordering" and not own.claim.full_size_only):
        return ""
    where = f"reduced ({own.deviation})" if own.comparability == REDUCED else f"on {own.comparability}"
    whose = "the paper's" if own.claim.of_the_paper else "the follow-up's"
    return f"compared at {whose} data and size only; this is {where}"


def _in_unit(own: Sample, scale: str) -> Sample:
    """The geometric mean, with its error to first order, of a sample on the logarithmic scale."""
    if scale != "log10":
        return own
    mean = 10**own.mean
    return Sample(mean, mean * math.log(10) * own.standard_error, own.n)


def _distance_words(claim: Claim, mean: float) -> str:
    if claim.scale == "log10":
        return f"{mean / claim.printed:.2f} times the printed value, margin a factor of {10**claim.margin.value:.2g}"
    return f"{mean - claim.printed:+.2f} from the printed value, margin {claim.margin.value:g}"


def _p_values(adjusted: Evidence, claims: int) -> str:
    counted = f"Holm, {claims} claims" if claims > 1 else "one claim in its family"
    return f"p for {adjusted.support:.2g}, p against {adjusted.contradiction:.2g} ({counted})"


def _row(own: Assessment) -> dict[str, Any]:
    claim, measured = own.claim, own.measured
    return {
        "id": claim.id,
        "statement": claim.statement,
        "printed": claim.printed,
        "measured": None if measured is None else measured.mean,
        "standard_error": None if measured is None else measured.standard_error,
        "n": 0 if measured is None else measured.n,
        "comparability": own.comparability,
        "verdict": own.verdict,
        "reason": own.reason,
        "unit": claim.unit,
        "printed_standard_error": claim.printed_standard_error,
        "where": claim.where,
        "family": claim.family,
        "part": claim.part,
        "linked_to": " ".join(claim.linked_to),
        "kind": claim.kind,
    }
