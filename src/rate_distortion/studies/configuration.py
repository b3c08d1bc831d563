"""A configuration against its closed schema: whatever is wrong becomes one sentence for the person who wrote it.

The sentence names the key, the value and what is allowed, and says how to write what YAML reads as something else.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema

NUMBER_AS_TEXT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
BOOLEAN_AS_TEXT = re.compile(r"(?i)true|false|yes|no|on|off")
BOUNDS = {"minimum": "at least", "exclusiveMinimum": "greater than", "maximum": "at most"}
STRICT_VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
            "number": lambda _, value: (
                isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            ),
        }
    ),
)
"""JSON Schema with two gaps closed: 30.0 is no number of epochs, and .nan (within any bounds, as it seems) is no number."""


class StudyError(ValueError):
    """A configuration that cannot be used; the message is one sentence for the person who wrote it."""


def validate(config: Mapping[str, Any], schema: Mapping[str, Any], written: Mapping[str, Any]) -> None:
    """Check the merged configuration; of several errors report the one that helps most.

    An error is best reported where its value was written and not in a study that inherits it; then unknown keys come first
    (a misspelling often also leaves a required key missing), then the deepest.
    """
    errors = list(STRICT_VALIDATOR(schema).iter_errors(config))
    if errors:
        best = max(
            errors,
            key=lambda error: (
                _reaches(written, [*error.absolute_path, *_unknown_keys(error)[:1]]),
                error.validator == "additionalProperties",
                len(error.absolute_path),
            ),
        )
        raise StudyError(explain(best))


def explain(error: jsonschema.ValidationError) -> str:
    """One sentence for a schema violation: the key, the value, what is allowed and how to write it."""
    path = _written_path(error.absolute_path) or "the configuration"
    if "propertyNames" in error.absolute_schema_path and error.validator == "pattern":
        return f"{path} has the key {error.instance!r}; a name there must match {error.validator_value}"
    match error.validator:
        case "anyOf":
            words = [other["const"] for other in error.validator_value if "const" in other]
            return f"{explain(error.context[0])}; or {listed(words)}"
        case "additionalProperties":
            allowed = error.schema.get("properties", {})
            unknown = _unknown_keys(error)[0]
            value = error.instance[unknown]
            shown = "" if isinstance(value, dict | list) else f" (value {value!r})"
            return f"{path} has the unknown key {unknown!r}{shown}; allowed: {listed(allowed)}{suggestion(unknown, allowed)}"
        case "required":
            missing = next(key for key in error.validator_value if key not in error.instance)
            meaning = error.schema["properties"][missing].get("description", "")
            return f"{path} lacks the key {missing!r}" + (f": {meaning}" if meaning else "")
        case "type":
            return f"{path} is {error.instance!r}; it must be {_type_name(error.validator_value)}{_yaml_hint(error)}"
        case "enum":
            return (
                f"{path} is {error.instance!r}; allowed: {listed(error.validator_value)}"
                f"{_yaml_hint(error) or suggestion(error.instance, error.validator_value)}"
            )
        case "minimum" | "exclusiveMinimum" | "maximum":
            return f"{path} is {error.instance}; it must be {BOUNDS[error.validator]} {error.validator_value}"
        case "pattern":
            return f"{path} is {error.instance!r}; it must match {error.validator_value}"
        case "minItems" | "minProperties" | "minLength":
            if error.instance:
                return f"{path} is {error.instance!r}; it needs at least {error.validator_value} entries"
            return f"{path} is empty; it needs at least {error.validator_value} entry"
        case "maxItems":
            return f"{path} is {error.instance!r}; it may have at most {error.validator_value} entries"
        case "uniqueItems":
            return f"{path} is {error.instance!r}; every entry may stand there once"
    return f"{path}: {error.message}"


def refuse_non_text_keys(value: Any, path: str) -> None:
    if isinstance(value, list):
        for number, item in enumerate(value):
            refuse_non_text_keys(item, f"{path}[{number}]")
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if not isinstance(key, str):
            hint = (
                "YAML reads yes, no, on, off, true and false as booleans"
                if isinstance(key, bool)
                else "a name must be text"
            )
            raise StudyError(f"the key {key!r} under {path or 'the top level'} is not text: {hint}; put it in quotes")
        refuse_non_text_keys(item, f"{path}.{key}" if path else key)


def plain(value: Any) -> Any:
    """Ordered mappings as plain ones, so that messages print them as they were written."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def listed(values: Any) -> str:
    return ", ".join(str(value) for value in values)


def suggestion(value: Any, allowed: Any) -> str:
    close = difflib.get_close_matches(str(value), [str(item) for item in allowed], n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _unknown_keys(error: jsonschema.ValidationError) -> list[str]:
    if error.validator != "additionalProperties":
        return []
    return [key for key in error.instance if key not in error.schema.get("properties", {})]


def _reaches(value: Any, path: Iterable[str | int]) -> bool:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _written_path(parts: Iterable[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def _yaml_hint(error: jsonschema.ValidationError) -> str:
    """How to write what YAML read as something else."""
    value, wanted = error.instance, error.validator_value
    if isinstance(value, bool) and (error.validator == "enum" or wanted == "string"):
        return " (YAML reads yes, no, on, off, true and false as booleans: put the word in quotes)"
    if not isinstance(value, str):
        return ""
    if wanted in ("number", "integer") and NUMBER_AS_TEXT.fullmatch(value.strip()):
        plain = f"{float(value):.12f}".rstrip("0").rstrip(".")
        return (
            f" (YAML reads {value} as text: write {plain}, without quotes and with a decimal point before any exponent)"
        )
    if wanted == "boolean" and BOOLEAN_AS_TEXT.fullmatch(value):
        return (
            " (text in quotes is not a boolean: write true or false without quotes; on the command line, True or False)"
        )
    return ""


def _type_name(wanted: str) -> str:
    return {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "text",
        "array": "a list",
        "object": "a mapping of keys to values",
    }[wanted]
