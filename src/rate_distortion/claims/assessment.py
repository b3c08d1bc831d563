"""From the ledger and a study's records to a verdict on every claim."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from rate_distortion.analysis.precision import with_minus
from rate_distortion.analysis.records import MissingError, StudyRecords
from rate_distortion.claims import arithmetic, measures, theses, verdicts, wording
from rate_distortion.claims.comparability import FULL, REDUCED, comparability, counted_sizes, first_deviation, of_claim
from rate_distortion.claims.ledger import PAPER_SEEDS, Claim, Ledger, load
from rate_distortion.claims.outcomes import Assessment
from rate_distortion.claims.overview import ITEMS
from rate_distortion.claims.verdicts import NOT_REPRODUCED, REPRODUCED, UNDECIDED, Evidence, Observed, Sample
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
    "thesis",
    "censored",
    "rests_on",
)

NO_SEED = "no finished seed has records of it"
MORE_SEEDS = "more seeds"
BY_CONSTRUCTION = "by construction"
ENOUGH_SEEDS = f"{verdicts.FEWEST_SEEDS} seeds"
OTHER_SEEDS = "a weight decay chosen on other seeds"
SMALLER_ERROR = "a smaller printed error"
PRINTED_ERROR = "an error beside the printed number"


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
            decided[name] = _judged(single[name], verdict, _p_values(adjusted, len(tested)))
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


def write(
    assessments: list[Assessment], study: Mapping[str, Any], csv: str | Path, md: str | Path, answers: str | Path
) -> None:
    """Write claims.csv, claims.md and theses.csv.

    Args:
        assessments: of every claim.
        study: name and title, for the heading.
        csv, md, answers: where to.
    """
    found = theses.answers(load(), assessments)
    for path, rows in ((csv, table(assessments)), (answers, theses.table(found))):
        files.write_text(path, rows.to_csv(index=False, lineterminator="\n"))
    files.write_text(md, markdown(assessments, found, study))


def markdown(assessments: list[Assessment], answers: Sequence[theses.Answer], study: Mapping[str, Any]) -> str:
    """The claims for people: the answer to every thesis, then a table for each table and figure of the paper."""
    sections = [
        f"# What the paper says, judged by study {study['name']}",
        f"{study['title']}.",
        "## Does the paper hold?",
        theses.markdown(answers),
        "## Claim by claim",
        f"{counted(assessments)}.",
        "Of an ordering, measured is the difference of its weakest part, above 0 where it holds. A value that was not reached "
        "counts as a bound. The rules and their error rates: docs/methods.md, Verdicts.",
    ]
    left = list(assessments)
    for item in ITEMS:
        own = [each for each in left if item.has(each.claim.id, each.claim.rests_on)]
        left = [each for each in left if each not in own]
        sections += [f"## {item.name}", _section(own)] if own else []
    sections += ["## Beside the paper: its authors' follow-up", _section(left)] if left else []
    return "\n\n".join(sections) + "\n"


def _section(assessments: Sequence[Assessment]) -> str:
    rows = [
        {
            "claim": own.claim.id,
            "statement": own.claim.statement,
            "printed": with_minus(wording.printed(own.claim)),
            "measured": with_minus(_measured_words(own)),
            "comparability": own.comparability or "—",
            "verdict": own.verdict,
            "reason": with_minus(own.reason),
        }
        for own in assessments
    ]
    return pandas.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def counted(assessments: Sequence[Assessment]) -> str:
    """How many of the paper's claims have which verdict, in words: those that experiments decide, and apart from them the rest.

    Reference points are named and not counted.
    """
    counts = {
        kind: Counter(own.verdict for own in assessments if own.claim.of_the_paper and own.claim.rests_on == kind)
        for kind in ("experiments", "architecture", "arithmetic")
    }
    words = {
        kind: ", ".join(f"{own[name]} {name}" for name in verdicts.VERDICTS if own[name] or kind == "experiments")
        for kind, own in counts.items()
    }
    judged = [own for own in assessments if own.claim.of_the_paper and own.claim.rests_on == "experiments"]
    open_still = [own.claim for own in judged if own.verdict == UNDECIDED]
    unrecorded = sum(claim.measure == measures.noise.unrecorded.__name__ for claim in open_still)
    never = sum(claim.cannot_be_confirmed for claim in open_still)
    left = [(unrecorded, "no record can judge"), (never, "no number of seeds could confirm")]
    if noted := ", ".join(f"{count} {why}" for count, why in left if count):
        words["experiments"] += f" (of the undecided, {noted})"
    beside = sum(not own.claim.of_the_paper for own in assessments)
    points = f" ({beside} reference points from its authors' follow-up are not counted)" if beside else ""
    claims = f"{counts['experiments'].total()} claims for experiments: {words['experiments']}"
    apart = f"counts of parameters: {words['architecture']}; the paper's own arithmetic: {words['arithmetic']}"
    return f"{claims}. Apart from these, {apart}{points}"


def _measured_words(own: Assessment) -> str:
    if own.measured is None or math.isnan(own.measured.mean):
        return "—" if not own.censored else f"not reached (n = {own.measured.n})"
    value = own.measured
    number = wording.with_unit(wording.measured(value.mean, value.standard_error), own.claim.unit)
    reached = f", {own.censored} not reached" if own.censored else ""
    return number + (f" (n = {value.n}{reached})" if value.n else "")


def _single(
    claim: Claim, ledger: Ledger, records: StudyRecords, sizes: Mapping[str, Mapping[str, Any]], finished: bool
) -> Assessment:
    """A claim by itself, before the correction within its family."""
    if claim.kind == "arithmetic":
        return _calculated(claim, ledger)
    part = ledger.parts[claim.part]
    if claim.part not in sizes:
        return Assessment(claim, reason=f"the study has no {part.description}", lacks=part.description)
    try:
        found = measures.MEASURES[claim.measure](records, **claim.arguments)
    except measures.UnrecordedError as needs:
        reason = f"cannot be judged from what is recorded; it would need {needs}"
        return Assessment(claim, reason=reason, lacks=str(needs))
    except MissingError as missing:
        words = f"the study has no {missing}" if finished else f"nothing is there yet: no {missing}"
        return Assessment(claim, reason=words, lacks=str(missing))
    paper = of_claim(part.sizes, claim.arguments)
    compared = comparability(sizes[claim.part], paper)
    deviation = first_deviation(sizes[claim.part], paper) if compared == REDUCED else ""
    own = Assessment(claim, compared, deviation)
    if claim.printed_as == "exact":
        return _exact(own, found)
    own = (_ordering if claim.kind == "ordering" else _number)(own, found)
    networks = sizes[claim.part].get("networks", {})
    if any(networks.get(model, {}).get("calibrated") for model in claim.by_construction):
        chosen = " and ".join(claim.by_construction)
        reason = f"{BY_CONSTRUCTION}: {chosen}'s weight decay was chosen for it, on the same seeds and random labels"
        return replace(own, evidence=None, reason=reason, lacks=OTHER_SEEDS)
    return own


def _judged(own: Assessment, verdict: str, p_values: str) -> Assessment:
    """With the verdict of its family; what no number of seeds could confirm says so."""
    reason, lacks = f"{own.reason}; {p_values}", (own.lacks or MORE_SEEDS) if verdict == UNDECIDED else ""
    if own.claim.cannot_be_confirmed and verdict != NOT_REPRODUCED:
        error, margin = own.claim.printed_standard_error, own.claim.margin.value
        never = f"cannot be decided from what is printed: ± {error} is too much for the margin {margin:g}, whatever the seeds"
        reason, lacks = f"{never}; {reason}", SMALLER_ERROR
    return replace(own, verdict=verdict, reason=reason, lacks=lacks)


def _calculated(claim: Claim, ledger: Ledger) -> Assessment:
    finding = arithmetic.CALCULATIONS[claim.measure](ledger)
    measured = Sample(finding.value, finding.standard_error, 0)
    verdict = REPRODUCED if finding.holds else NOT_REPRODUCED
    return Assessment(claim, FULL, measured=measured, verdict=verdict, reason=finding.reason)


def _exact(own: Assessment, value: float) -> Assessment:
    """A count against its printed form, in which it is rounded."""
    own = replace(own, measured=Sample(value, 0.0, 0))
    if refusal := _size_refusal(own):
        return replace(own, reason=refusal, lacks=theses.PAPER_SIZE)
    decimals = len(str(own.claim.printed).partition(".")[2])
    holds = round(value, decimals) == own.claim.printed
    reason = f"counted: {1000 * value:,.0f}, {'as' if holds else 'other than'} printed"
    return replace(own, verdict=REPRODUCED if holds else NOT_REPRODUCED, reason=reason)


def _number(own: Assessment, found: pandas.Series | measures.Bounded | measures.Repeated) -> Assessment:
    """A measured mean against a printed one."""
    claim = own.claim
    values = _observed(found.means if isinstance(found, measures.Repeated) else found, claim)
    if not values.n:
        return replace(own, reason=NO_SEED, lacks=ENOUGH_SEEDS)
    own = replace(own, measured=_in_unit(values.shown, claim.scale), censored=values.bounded)
    if refused := _refused(own, values.n):
        return refused
    printed = math.log10(claim.printed) if claim.scale == "log10" else claim.printed
    words = _distance_words(own)
    if claim.printed_as == "single_run" and not values.bounded:
        draws = (found.within, found.draws) if isinstance(found, measures.Repeated) else ()
        evidence, best = (
            verdicts.equivalence_to_one_run(sample, printed, claim.margin.value, *draws)
            for sample in (values.shown, replace(values.shown, mean=printed))
        )
        if best.support > verdicts.LEVEL:
            words += (
                "; cannot be decided from a single printed run: our seeds spread so widely that even an equal mean would not "
                "confirm it"
            )
            own = replace(own, lacks=PRINTED_ERROR)
    else:
        error = claim.printed_standard_error or 0.0
        evidence = verdicts.equivalence(values, Sample(printed, error, PAPER_SEEDS), claim.margin.value)
    return replace(own, evidence=evidence, reason=words)


def _ordering(own: Assessment, parts: measures.Parts) -> Assessment:
    """Differences that must all be above zero, over our own seeds."""
    observed = {name: _observed(values, own.claim) for name, values in parts.items()}
    fewest = min(part.n for part in observed.values())
    if fewest == 0:
        return replace(own, reason=NO_SEED, lacks=ENOUGH_SEEDS)
    allowance = own.claim.allowance
    weakest = min(observed, key=lambda name: _standing(observed[name], allowance))
    worst = observed[weakest]
    own = replace(own, measured=worst.shown, censored=worst.bounded)
    if refused := _refused(own, fewest):
        return refused
    agreeing = int((worst.low > -allowance).sum())
    where = f"weakest part ({weakest})" if len(parts) > 1 else weakest
    value = f"{worst.shown.mean:.3g}, " if math.isfinite(worst.shown.mean) else ""
    reason = f"{where}: {value}above {-allowance or 0:g} in {agreeing} of {worst.n} seeds{_bounded_words(own)}"
    return replace(own, evidence=verdicts.ordering(list(observed.values()), allowance), reason=reason)


def _observed(values: pandas.Series | measures.Bounded, claim: Claim) -> Observed:
    """Bounds by seed on the claim's scale."""
    low, high = values if isinstance(values, measures.Bounded) else (values, values)
    if claim.scale == "log10":
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = np.log10(low), np.log10(high)
    return verdicts.observed(low, high, claim.resolution)


def _linked(own: Assessment, others: list[Assessment]) -> Assessment:
    names = " and ".join(other.claim.id for other in others)
    verdict = verdicts.joint_verdict([other.verdict for other in others])
    return replace(own, verdict=verdict, reason=f"the same as {names} in other words, with their verdict")


def _standing(part: Observed, allowance: float) -> float:
    """How many standard errors a part lies above what it must exceed; a part with unknown values stands by its worst seed."""
    if not np.isfinite(part.low).all():
        return -math.inf
    own = part.at(part.low)
    distance = own.mean + allowance
    return distance / own.standard_error if own.standard_error > 0 else math.copysign(math.inf, distance or -1)


def _refused(own: Assessment, seeds: int) -> Assessment | None:
    """The claim without a test, where there are too few seeds for one or it means nothing at this size."""
    if size := _size_refusal(own):
        few = f"; {_few(seeds)}" if seeds < verdicts.FEWEST_SEEDS else ""
        return replace(own, reason=size + few, lacks=theses.PAPER_SIZE)
    return replace(own, reason=_few(seeds), lacks=ENOUGH_SEEDS) if seeds < verdicts.FEWEST_SEEDS else None


def _few(seeds: int) -> str:
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


def _distance_words(own: Assessment) -> str:
    claim, mean = own.claim, own.measured.mean
    if not math.isfinite(mean):
        return f"not reached in {own.censored} of {own.measured.n} seeds"
    if claim.scale == "log10":
        words = f"{mean / claim.printed:.2f} times the printed value, margin a factor of {10**claim.margin.value:.2g}"
    else:
        words = f"{mean - claim.printed:+.2f} from the printed value, margin {claim.margin.value:g}"
    return words + _bounded_words(own)


def _bounded_words(own: Assessment) -> str:
    """How many seeds have a bound in the place of a value."""
    return f", not reached or not known in {own.censored} of {own.measured.n} seeds" if own.censored else ""


def _p_values(adjusted: Evidence, claims: int) -> str:
    counted = f"Holm, {claims} claims" if claims > 1 else "one claim in its family"
    return f"p for {_p_words(adjusted.support)}, p against {_p_words(adjusted.contradiction)} ({counted})"


def _p_words(p_value: float) -> str:
    """Two digits; five seeds cannot tell how far out in the tail they are."""
    return "< 0.0001" if p_value < 0.0001 else f"{p_value:.2g}"


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
        "thesis": claim.thesis or "",
        "censored": own.censored,
        "rests_on": claim.rests_on,
    }
