"""Where the code of a user's own network is (``models.<name>.factory``); nothing here runs it, or knows of torch."""

from __future__ import annotations

import sys
from pathlib import Path

from rate_distortion.storage import provenance


def source_file(factory: str) -> Path | None:
    """The file of the module in ``module:function``, of a package its ``__init__.py``; None where none is on the Python path.

    The path is searched and nothing imported, so that a study can be planned without running the code that it names.
    """
    module = Path(*factory.partition(":")[0].split("."))
    for folder in map(Path, sys.path):
        for candidate in (folder / module / "__init__.py", folder / module.with_suffix(".py")):
            if candidate.is_file():
                return candidate
    return None


def checksum(factory: str) -> str | None:
    """SHA-256 of that file, hexadecimal; None where none is found. It says what the code is, wherever it lies."""
    path = source_file(factory)
    return provenance.file_checksum(path) if path else None
