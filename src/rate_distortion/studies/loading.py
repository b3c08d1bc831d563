"""From the studies of a configuration, side by side, to merged and checked ones."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from rate_distortion.studies import defaults
from rate_distortion.studies.configuration import (
    StudyError,
    listed,
    plain,
    refuse_unusable_values,
    shown,
    suggestion,
    validate,
)
from rate_distortion.studies.references import check_references
from rate_distortion.studies.study import HOLD_OUT, Study, capacity_law_models, variant_name


def _with_variants(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """The study with the models that its calibration, capacity law, sensitivity analysis and ablations derive.

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
    if "capacity_law" in config:
        for name, settings in capacity_law_models(config["capacity_law"]):
            yield "capacity_law", name, settings


def check_shape(config: Mapping[str, Any]) -> None:
    """Refuse what could not even be merged: to be asked before studies of archives are added to the configuration.

    Raises:
        StudyError: a value that no key takes; ``studies`` is no mapping of mappings; ``records`` is no list of paths.
    """
    refuse_unusable_values(config)
    named = config.get("studies")
    if not isinstance(named, Mapping) or not named:
        raise StudyError(
            f"studies is {'missing' if 'studies' not in config else shown(plain(named))}; a configuration has studies: with at "
            "least one named study, a mapping of settings, under it"
        )
    for name, study in named.items():
        if not isinstance(study, Mapping):
            raise StudyError(f"studies.{name} is {shown(plain(study))}; it must be a mapping of settings")
    records = config.get("records", [])
    if not isinstance(records, list) or not all(isinstance(path, str) and path for path in records):
        example = records if isinstance(records, str) and records else "records.zip"
        raise StudyError(
            f"records is {shown(plain(records))}; it must be a list of archives: --config 'records=[{example}]'"
        )


def load(
    config: Mapping[str, Any], schema: Mapping[str, Any], archived: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Study]:
    """Merge and check every study of a configuration, and lay the defaults under it.

    Args:
        config: the merged content of config.yaml, --configfile and --config.
        schema: the JSON schema of the whole configuration.
        archived: studies that archives of records bring, merged by whoever packed them. They take the place of the
            configuration's of the same names, and no study extends them.

    Returns:
        name -> study, without those that are only there to be extended.

    Raises:
        StudyError: the first thing that is wrong, as one sentence.
    """
    check_shape(config)
    written = plain(config)
    named = written["studies"]
    merged = {name: _merged(name, named, schema) for name in named} | dict(archived or {})
    validate({**written, "studies": merged}, schema, written)
    merged = {name: _laid_out(study) for name, study in merged.items() if "abstract" not in study}
    for name, study in merged.items():
        check_references(Study(name, study))
    studies = {name: Study(name, _with_variants(name, study)) for name, study in merged.items()}
    if written["study"] not in studies:
        why = "is there to be extended" if written["study"] in named else "does not exist"
        raise StudyError(
            f"study is {written['study']!r}, which {why}; allowed: {listed(studies)}"
            f"{suggestion(written['study'], studies)}"
        )
    return studies


def merged_study(name: str, studies: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A study of a checked configuration, merged and with all defaults: what there is to know of it without the others."""
    return _laid_out(_merged(name, studies, schema))


def _merged(name: str, studies: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The study with everything it extends laid underneath (RFC 7396 merge: mappings merge, null removes), and the defaults.

    Raises:
        StudyError: extends names no study, or makes a circle.
    """
    chain = [name]
    while (parent := studies[chain[-1]].get("extends")) is not None:
        key = f"studies.{chain[-1]}.extends"
        if not isinstance(parent, str):
            raise StudyError(f"{key} is {shown(parent)}; it must be text, the name of one study: {listed(studies)}")
        if parent not in studies:
            raise StudyError(
                f"{key} is {parent!r}, which does not exist; allowed: {listed(studies)}{suggestion(parent, studies)}"
            )
        if parent in chain:
            raise StudyError(f"{key} makes a circle: {' -> '.join([*chain, parent])}")
        chain.append(parent)
    merged: dict[str, Any] = {}
    for link in reversed(chain):
        own = studies[link]
        merged = _merge_patch(defaults.with_pixels(defaults.switched(merged, own.get("parts")), own), own)
    merged.pop("extends", None)
    if "abstract" in studies[name]:
        return merged
    merged = defaults.without_orphans(merged, studies[name])
    merged.pop("abstract", None)
    return defaults.filled(name, merged, schema)


def _laid_out(study: Mapping[str, Any]) -> dict[str, Any]:
    """The study without the keys that have done their work once the study is merged and filled."""
    return {key: value for key, value in study.items() if key not in ("parts", "batch_size")}


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
