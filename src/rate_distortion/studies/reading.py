"""Configuration files, read strictly: plain values only, no code, and nothing that YAML turns into something else.

Snakemake reads a configuration file as a template (YTE) when it has the key ``__use_yte__``, and runs the Python in it. The
default profile (``profiles/default``) puts :func:`read_or_exit` in place of that reader before the first file is opened.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from rate_distortion.studies.configuration import StudyError

MOST_CHARACTERS = 1_000_000
"""YAML is read at about 100,000 characters a second."""

MOST_VALUES = 200_000
"""Keys and values after every alias (``*name``) has been replaced by what it stands for."""

MOST_DIGITS = 4300
"""More digits than this Python does not convert."""

CODE = "__use_yte__"
PATHVARS = "pathvars"
"""A key that Snakemake itself acts on, before the Snakefile can refuse it."""

_TAG = "tag:yaml.org,2002:"
_SEXAGESIMAL = re.compile(r"[-+]?\d[\d_]*(:[0-5]?\d)+(\.[\d_]*)?")
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")

files_read: set[Path] = set()
"""What :func:`read_or_exit` has read in this process."""


def read(path: str | Path) -> dict[str, Any]:
    """The content of a YAML or JSON file with keys at its top level.

    Raises:
        StudyError: the file is missing or no text; is not YAML; names a key twice; holds code, a type that is neither text,
            number, boolean, list nor mapping, or a number that YAML reads as another (010, 1:30); or is too large, also by
            aliases that stand for one another.
    """
    path = Path(path)
    text = _text(path)
    content = _parsed(text, _json if path.suffix == ".json" else _yaml, str(path))
    if content is None:
        raise StudyError(f"{path} is empty; it must have keys at its top level, such as studies:")
    if not isinstance(content, dict):
        raise StudyError(f"{path} holds {_shown(content)}; it must have keys at its top level, such as studies:")
    if CODE in content:
        raise StudyError(
            f"{path} has the key {CODE}, with which Snakemake would run Python code that the file holds; a configuration is "
            "plain values: leave it out, and write the values that the code would make"
        )
    if PATHVARS in content:
        raise StudyError(
            f"{path} has the unknown key {PATHVARS!r}, with which Snakemake would change paths of results; leave it out"
        )
    return content


def read_or_exit(path: str | Path, *_: Any, **__: Any) -> dict[str, Any]:
    """As :func:`read`; an error ends the process with its sentence, for callers that would show where it was raised."""
    try:
        content = read(path)
    except StudyError as error:
        sys.exit(f"Configuration error: {error}")
    files_read.add(Path(path).absolute())
    return content


def on_command_line(arguments: Iterable[str] | None) -> dict[str, Any]:
    """The mappings and lists among the values of ``--config``, in which Snakemake takes every number for text.

    Args:
        arguments: of the form ``key=value``.

    Raises:
        StudyError: a value is no YAML, or nothing that a configuration has.
    """
    found = {}
    for key, _, text in (argument.partition("=") for argument in arguments or ()):
        if text.lstrip().startswith(("{", "[")):
            found[key] = _parsed(text, _yaml, f"--config {key}")
    return found


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """As Snakemake merges configurations: mappings key by key, anything else from the later one."""
    both = {
        key: laid_over(below[key], value)
        for key, value in above.items()
        if isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
    }
    return {**below, **above, **both}


class UnreadableError(Exception):
    """What is wrong, after the name of the file."""


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses what would silently become something else."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.sizes: dict[int, int] = {}

    def compose_document(self) -> yaml.Node:
        node = super().compose_document()
        if self._size(node, ()) > MOST_VALUES:
            raise UnreadableError(
                f" grows to more than {MOST_VALUES:,} values when its aliases (*name) are replaced by what they stand for; "
                "write less, or without aliases"
            )
        return node

    def _size(self, node: yaml.Node, above: tuple[int, ...]) -> int:
        """Values below a node, those of an alias as often as it stands there."""
        if id(node) in above:
            raise _marked(node, "an alias (*name) stands inside what it stands for; write it out")
        if id(node) not in self.sizes:
            inside = (*above, id(node))
            children: list[yaml.Node] = []
            if isinstance(node, yaml.SequenceNode):
                children = node.value
            elif isinstance(node, yaml.MappingNode):
                children = [part for pair in node.value for part in pair]
            self.sizes[id(node)] = 1 + sum(self._size(child, inside) for child in children)
        return self.sizes[id(node)]

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.ScalarNode):
            _check_scalar(node, kind)
        elif kind not in ("seq", "map"):
            raise _marked(node, f"{node.tag.replace(_TAG, '!!')} is no kind of value that a configuration has")
        return super().construct_object(node, deep=deep)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == f"{_TAG}merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise _marked(key_node, "a list or mapping is no key; a key is a name")
            if key in seen:
                raise _marked(
                    key_node, f"the key {key!r} stands there twice; of two values one would be lost: keep one"
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _check_scalar(node: yaml.ScalarNode, kind: str) -> None:
    value = node.value
    if kind == "int" and len(value) > MOST_DIGITS:
        raise _marked(node, f"a whole number has {len(value):,} digits; that is more than any setting takes")
    if kind in ("int", "float") and _SEXAGESIMAL.fullmatch(value):
        raise _marked(
            node, f"YAML reads {value} as a number to the base 60; write it in tens, or in quotes where it is text"
        )
    if kind == "int" and _OCTAL.fullmatch(value):
        raise _marked(node, f"YAML reads {value} as a number to the base 8; write it without the zero in front")
    if kind == "timestamp":
        raise _marked(node, f"YAML reads {value} as a date; put it in quotes")
    if kind not in ("int", "float", "bool", "null", "str", "merge", "value"):
        raise _marked(node, f"{node.tag.replace(_TAG, '!!')} is no kind of value that a configuration has")


def _text(path: Path) -> str:
    if not path.exists():
        raise StudyError(f"{path} does not exist; --configfile takes the path of your study file")
    if not path.is_file():
        raise StudyError(f"{path} is a folder or no ordinary file; --configfile takes the path of your study file")
    try:
        if path.stat().st_size > MOST_CHARACTERS:
            raise StudyError(
                f"{path} has {path.stat().st_size:,} bytes; a configuration has at most {MOST_CHARACTERS:,}"
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(f"{path} is no text in UTF-8 (byte {error.start + 1}); save it as UTF-8") from error
    except OSError as error:
        raise StudyError(f"{path} cannot be read: {error.strerror}") from error


def _yaml(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise UnreadableError(f": the key {twice!r} stands there twice; of two values one would be lost: keep one")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise UnreadableError(f", line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}") from error
    except ValueError as error:
        raise UnreadableError(": a whole number has too many digits; that is more than any setting takes") from error


def _marked(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _parsed(text: str, parse: Callable[[str], Any], where: str) -> Any:
    """The value of a text; what is wrong becomes a StudyError that begins with its place."""
    try:
        return parse(text)
    except yaml.YAMLError as error:
        raise StudyError(f"{where}{_place(error)}: {_problem(error)}") from error
    except UnreadableError as error:
        raise StudyError(f"{where}{error}") from error
    except RecursionError as error:
        raise StudyError(f"{where} is nested too deeply; studies have at most six levels") from error


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        character = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")
        place = f"the character U+{character:04X} (number {error.position + 1} of the file)"
        return f"it has {place}, which YAML does not allow; remove it"
    if type(error) is yaml.MarkedYAMLError:
        return str(error.problem)
    problem = " ".join(str(getattr(error, "problem", None) or error).split())
    tab = (
        "; indent with spaces, not tabs" if "'\\t'" in problem else "; see that the line is indented as its neighbours"
    )
    return f"this is not YAML: {problem}{tab}, and put text with a colon, # or quotes in quotes"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
