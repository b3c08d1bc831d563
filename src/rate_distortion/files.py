"""Files that are either complete or absent: everything is written under a temporary name and then renamed."""

from __future__ import annotations

import contextlib
import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np


@contextlib.contextmanager
def completed(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it becomes ``path``, on any error it is removed.

    The data reach the disk before the name does, so that a crash leaves the old file or the new one, never a torn one. The
    folder is made when missing. The temporary name is always the same, so that what a kill leaves behind is written over and
    does not pile up; it ends like the final one, since some writers go by the suffix.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.incomplete{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with completed(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, record: Mapping) -> None:
    """Write a record as JSON; a number that is not finite is refused, since JSON has no word for it."""
    write_text(path, json.dumps(record, indent=2, allow_nan=False) + "\n")


def write_rows(path: str | Path, rows: Sequence[Mapping]) -> None:
    """Write records with equal keys as a CSV with one header line."""
    with completed(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_arrays(path: str | Path, **arrays: np.ndarray) -> None:
    """Write named arrays as .npz, whole or not at all."""
    with completed(path) as temporary:
        np.savez(temporary, **arrays)
