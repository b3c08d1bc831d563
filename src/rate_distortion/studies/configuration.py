"""A configuration against its closed schema: each error becomes one sentence for its author.

The sentence names the key, the value and what is allowed, and says how to write what YAML reads as something else.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema

NUMBER_AS_TEXT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
BOOLEAN_AS_TEXT = re.compile(r"(?i)true|false|yes|no|on|off")
BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "greater than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}
LARGEST_INTEGER = 2**63 - 1
MOST_LEVELS = 20
MOST_CHARACTERS = 1000
"""Length of one text, such as a title, a path or an address."""

NOT_PRINTABLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's categories of control and invisible characters, half characters (surrogates), and ends of lines and paragraphs."""

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

    Raises:
        StudyError: an error, as one sentence.

    An error is best reported where its value was written and not in a study that inherits it; then unknown keys come first
    (a misspelling often also leaves a required key missing), then the deepest. A study that is there to be
    extended may lack keys.
    """
    errors = [
        error
        for error in STRICT_VALIDATOR(schema).iter_errors(config)
        if error.validator not in ("required", "minProperties") or not _is_abstract(config, error.absolute_path)
    ]
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
    """One sentence for a schema violation: the key, the value, what is allowed and how to write it.

    Where a pattern or a closed list of names would say little, the schema's ``$comment`` says what is allowed.
    """
    path = _written_path(error.absolute_path) or "the configuration"
    words = error.schema.get("$comment") if isinstance(error.schema, Mapping) else None
    if "propertyNames" in error.absolute_schema_path and error.validator == "not":
        return f"{path}.{error.instance} {error.validator_value['$comment']}"
    if "propertyNames" in error.absolute_schema_path:
        name, rule = shown(error.instance), f"a name there must match {error.schema.get('pattern', '')}"
        return f"{path} has the key {name}; {words or rule}"
    value = shown(error.instance)
    match error.validator:
        case "anyOf":
            others = [other["const"] for other in error.validator_value if "const" in other]
            return f"{explain(error.context[0])}; or {listed(others)}"
        case "additionalProperties":
            allowed = error.schema.get("properties", {})
            unknown = _unknown_keys(error)[0]
            value = error.instance[unknown]
            given = "" if isinstance(value, dict | list) else f" (value {shown(value)})"
            return (
                f"{path} has the unknown key {shown(unknown)}{given}; allowed: {listed(allowed)}"
                f"{suggestion(unknown, allowed)}"
            )
        case "required":
            missing = next(key for key in error.validator_value if key not in error.instance)
            meaning = error.schema["properties"][missing].get("description", "")
            return f"{path} lacks the key {missing!r}" + (f": {meaning}" if meaning else "")
        case "type":
            return f"{path} is {value}; it must be {_type_name(error.validator_value)}{_yaml_hint(error)}"
        case "enum":
            return (
                f"{path} is {value}; allowed: {listed(error.validator_value)}"
                f"{_yaml_hint(error) or suggestion(error.instance, error.validator_value)}"
            )
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            return f"{path} is {value}; it must be {BOUNDS[error.validator]} {error.validator_value}"
        case "pattern":
            return f"{path} is {value}; it must {words or f'match {error.validator_value}'}"
        case "minItems" | "minProperties" | "minLength":
            if error.instance:
                return f"{path} is {value}; it needs at least {error.validator_value} entries"
            return f"{path} is empty; it needs at least {error.validator_value} entry"
        case "maxItems" | "maxLength":
            unit = "entries" if error.validator == "maxItems" else "characters"
            return f"{path} is {value}; it may have at most {error.validator_value} {unit}"
        case "uniqueItems":
            return f"{path} is {value}; every entry may stand there once"
    return f"{path} is {value}, which does not fit its schema ({error.validator}: {shown(error.validator_value)})"


def refuse_unusable_values(value: Any, path: str = "") -> None:
    """Refuse what no key takes, wherever it stands, so that whatever reads on meets plain and printable values.

    Raises:
        StudyError: a key that is no text; a value of another type than YAML's plain ones; text with a line break, a control or
            an invisible character, or half a character; a number of more than 19 digits; nesting without end.
    """
    where = path or "the top level"
    if path.count(".") + path.count("[") > MOST_LEVELS:
        raise StudyError(f"{path[:60]}... is nested too deeply; studies have at most six levels")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise StudyError(f"the key {shown(key)} under {where} is not text: {_why_no_text(key, item)}")
            _check_text(f"the key {shown(key)} under {where}", key)
            if not key.isprintable():  # a space that looks like another one
                raise StudyError(
                    f"the key {shown(key)} under {where} holds a space that is no plain one: write it anew"
                )
            refuse_unusable_values(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            refuse_unusable_values(item, f"{path}[{number}]")
    elif isinstance(value, str):
        _check_text(f"{where} is {shown(value)}, which", value)
    elif isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        digits = f"{_digits(abs(value)):,}"
        raise StudyError(
            f"{where} is a whole number of {digits} digits; no setting takes more than 19: write a smaller one"
        )
    elif not (value is None or isinstance(value, int | float)):
        raise StudyError(
            f"{where} is {shown(value)}, of type {type(value).__name__}; a value is text, a number, true, false, a list or a "
            "mapping: put text in quotes"
        )


def shown(value: Any) -> str:
    """A value as Python writes it, cut where it is long, and without the password of an address."""
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return f"a whole number of {_digits(abs(value)):,} digits"
    if isinstance(value, Mapping) and len(value) > 20:
        return f"a mapping with {len(value):,} keys"
    if isinstance(value, list | tuple) and len(value) > 60:
        return f"a list of {len(value):,} entries"
    text = re.sub(r"//[^/\s]*@", "//***@", repr(value))
    return text if len(text) <= 200 else f"{text[:150]} ... {text[-20:]}"


def _digits(value: int) -> int:
    """Decimal digits of a positive number; nearly, where it has more than the 4,300 that Python writes out."""
    return len(str(value)) if value.bit_length() < 14_000 else int(value.bit_length() * math.log10(2)) + 1


def _check_text(subject: str, text: str) -> None:
    if len(text) > MOST_CHARACTERS:
        raise StudyError(f"{subject} has {len(text):,} characters; text may have at most {MOST_CHARACTERS:,}")
    for character in text:
        if unicodedata.category(character) in NOT_PRINTABLE:
            hint = " (YAML ends text after > and | with one; >- and |- do not)" if character == "\n" else ""
            raise StudyError(
                f"{subject} holds the character U+{ord(character):04X}; text is one line of printable characters: remove "
                f"it{hint}"
            )


def _why_no_text(key: Any, value: Any) -> str:
    if isinstance(key, bool):
        return "YAML reads yes, no, on, off, true and false as booleans; put it in quotes"
    if isinstance(key, int | float) and value is None:
        return "if it is the end of a number with a decimal comma, write a decimal point; if it is a name, put it in quotes"
    return "a name must be text; put it in quotes"


def plain(value: Any) -> Any:
    """Ordered mappings as plain ones and tuples as lists: a copy, so that messages print them as they were written."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def listed(values: Any) -> str:
    return ", ".join(str(value) for value in values)


def suggestion(value: Any, allowed: Any) -> str:
    close = difflib.get_close_matches(str(value), [str(item) for item in allowed], n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _is_abstract(config: Mapping[str, Any], path: Iterable[str | int]) -> bool:
    top, name, *_ = [*path, "", ""]
    return top == "studies" and name != "" and "abstract" in config["studies"][name]


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
    if wanted in ("number", "integer") and DECIMAL_COMMA.fullmatch(value.strip()):
        return f" (with a decimal point, not a comma: {value.strip().replace(',', '.')})"
    if wanted in ("number", "integer") and NUMBER_AS_TEXT.fullmatch(value.strip()):
        plain = _without_exponent(value.strip())
        return (
            f" (YAML reads {value} as text: write {plain}, without quotes and with a decimal point before any exponent)"
        )
    if wanted == "boolean" and BOOLEAN_AS_TEXT.fullmatch(value):
        return (
            " (text in quotes is not a boolean: write true or false without quotes; on the command line, True or False)"
        )
    return ""


def _without_exponent(text: str) -> str:
    """A number as YAML reads it, without an exponent where that takes at most twelve digits."""
    number = float(text)
    if number and (not math.isfinite(number) or not 1e-12 <= abs(number) < 1e12):
        mantissa, _, exponent = text.lower().partition("e")
        return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}e{int(exponent):+d}" if exponent else text
    return f"{number:.12f}".rstrip("0").rstrip(".")


def _type_name(wanted: str) -> str:
    return {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "text",
        "array": "a list",
        "object": "a mapping of keys to values",
    }[wanted]
