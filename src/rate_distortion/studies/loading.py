"""From the studies of a configuration, side by side, to merged and checked ones."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from rate_distortion.studies.configuration import StudyError, listed, plain, refuse_non_text_keys, suggestion, validate
from rate_distortion.studies.references import check_references
from rate_distortion.studies.study import HOLD_OUT, Study, variant_name


def _with_variants(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """The study with the models that its calibration, sensitivity analysis and ablations derive.

    Raises:
        StudyError: a derived model has the name of another one that is not the same.
    """
    models = dict(config["models"])
    for key, derived, settings in _variants(config):
        if models.setdefault(derived, settings) != settings:
            raise StudyError(
                f"studies.{name}.{key} makes the model {derived!r} from {settings}, and there is one of that name already, "
                f"{models[derived]}; every model needs a name of its own: rename a choice or the model, or leave one out"
            )
    return {**config, "models": models}


def _variants(config: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every derived model: the key that makes it, its name and its settings."""
    for part in ("sensitivity", "ablations"):
        for choice, changes in config.get(part, {}).get("choices", {}).items():
            for base in config[part]["models"]:
                yield f"{part}.choices.{choice}", variant_name(base, choice), {"base": base, **changes}
    for value in config.get("calibration", {}).get("weight_decays", []):
        base = config["calibration"]["model"]
        settings = {"base": base, "weight_decay": value, HOLD_OUT: True}
        yield "calibration.weight_decays", variant_name(base, f"decay-{value:g}"), settings


def load(
    config: Mapping[str, Any], schema: Mapping[str, Any], archived: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Study]:
    """Merge and check every study of a configuration.

    Args:
        config: the merged content of config.yaml, --configfile and --config.
        schema: the JSON schema of the whole configuration.
        archived: studies that archives of records bring, merged by whoever packed them. They take the place of the
            configuration's of the same names, and no study extends them.

    Raises:
        StudyError: the first thing that is wrong, as one sentence.
    """
    written = copy.deepcopy(plain(config))
    refuse_non_text_keys(written, "")
    if not isinstance(written.get("studies"), dict):
        raise StudyError(
            "studies is missing or empty; a configuration has studies: with at least one named study under it"
        )
    for name, study in written["studies"].items():
        if not isinstance(study, dict):
            raise StudyError(f"studies.{name} is {study!r}; it must be a mapping of settings")
    merged = {name: merged_study(name, written["studies"]) for name in written["studies"]} | dict(archived or {})
    validate({**written, "studies": merged}, schema, written)
    for name, study in merged.items():
        check_references(Study(name, study))
    studies = {name: Study(name, _with_variants(name, study)) for name, study in merged.items()}
    if written["study"] not in studies:
        raise StudyError(
            f"study is {written['study']!r}, which does not exist; allowed: {listed(studies)}"
            f"{suggestion(written['study'], studies)}"
        )
    return studies


def merged_study(name: str, studies: Mapping[str, Any]) -> dict[str, Any]:
    """The study with everything it extends laid underneath (RFC 7396 merge: mappings merge, null removes)."""
    chain = [name]
    while (parent := studies[chain[-1]].get("extends")) is not None:
        if parent not in studies:
            raise StudyError(
                f"studies.{chain[-1]}.extends is {parent!r}, which does not exist; allowed: {listed(studies)}"
                f"{suggestion(parent, studies)}"
            )
        if parent in chain:
            raise StudyError(f"studies.{chain[-1]}.extends makes a circle: {' -> '.join([*chain, parent])}")
        chain.append(parent)
    merged: dict[str, Any] = {}
    for link in reversed(chain):
        merged = _merge_patch(merged, studies[link])
    merged.pop("extends", None)
    return merged


def _merge_patch(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge_patch(merged.get(key), value)
    return merged
