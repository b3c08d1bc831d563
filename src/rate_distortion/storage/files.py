"""Files that are either complete or absent, and that nobody reads once they have changed.

Everything is written under a temporary name and then renamed. For a file of a study its SHA-256 is noted first, in
``results/<study>/checksums/<path of the file>.sha256``, and whoever reads the file compares (:func:`verified`, which every
``read_*`` calls). The notes have their own folder, so that a run's folder copied over another one's does not bring them
along. Rules do not declare them: Snakemake deletes declared files when a job fails, and would run jobs that only lack a note.

What cannot be written, and what was written and is damaged now, ends in one sentence that names the file and what to do.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas

REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space of your quota",
    errno.EFBIG: "raise the limit on the size of files",
    errno.EROFS: "make the folder writable, or work in a copy of the project that is",
    errno.EACCES: "make the folder writable for you",
    errno.EPERM: "make the folder writable for you",
}
"""What to do about an error of the system that hinders writing."""


DAMAGED_ARCHIVE = (
    SyntaxError,  # numpy reads the header of an array with ast and tokenize
    tokenize.TokenError,
    ValueError,
    OSError,
    EOFError,
    KeyError,
    RuntimeError,
    MemoryError,
    AttributeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy and zipfile raise for a damaged .npz; each was caused by some flipped bit."""

RESULTS = "results"
CHECKSUMS = "checksums"
"""Folders: of all studies, and in a study's own one of what was noted of its files."""

_guards: list[tuple[Path, Callable[[], object]]] = []


class UnwritableFileError(OSError):
    """A file could not be written; the file that had its name before, if any, is untouched or gone."""

    def __str__(self) -> str:
        return self.strerror


class MissingFileError(FileNotFoundError):
    """A file that this project writes is not there."""


class DamagedFileError(ValueError):
    """A file that this project wrote is no longer what it was."""


@contextlib.contextmanager
def guarded(folder: str | Path, check: Callable[[], object]) -> Iterator[None]:
    """Write inside a folder only while it is one's own: :func:`completed` asks before it begins a file and before it names it.

    Args:
        folder: of this process, for as long as the context lasts.
        check: raises when it is no longer (:meth:`rate_distortion.storage.run_lock.RunLock.check`).
    """
    guard = Path(folder).resolve(), check
    _guards.append(guard)
    try:
        yield
    finally:
        _guards.remove(guard)


@contextlib.contextmanager
def completed(path: str | Path, *, noted: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it becomes ``path``, on any error it is removed.

    The data reach the disk before the name does, so that a crash leaves the old file, the new one or none, never a torn one. A
    missing folder is made. The temporary name is always the same, so that what a kill leaves behind is written over and
    does not pile up; it ends like the final one, since some writers go by the suffix.

    Args:
        path: the final name.
        noted: note the checksum of a study's file; not for one that is verified otherwise and removed at the end.

    Raises:
        UnwritableFileError: the system does not let it be written.
        FolderTakenError: its folder is no longer this process's (:func:`guarded`).
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.incomplete{path.suffix}")
    _ask_guards(path)
    ours = True
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(
            missing_ok=True
        )  # a file of its own for every writer: another may still be writing into that one
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        ours = False  # what lies under the temporary name may be the next owner's
        _ask_guards(path)
        ours = True
        if noted:
            _note_checksum(path, temporary)
        temporary.replace(path)
    except OSError as error:
        if error.errno in REMEDIES:
            raise UnwritableFileError(
                error.errno,
                f"{path} could not be written ({os.strerror(error.errno)}): {REMEDIES[error.errno]} and run the same command "
                "again",
            ) from error
        raise
    finally:
        if ours:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _ask_guards(path: Path) -> None:
    parents = path.resolve().parents
    for folder, check in list(_guards):
        if folder in parents:
            check()


def remove(path: str | Path) -> None:
    """Remove a file, if it is there and its folder is this process's (:func:`guarded`)."""
    _ask_guards(Path(path))
    Path(path).unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes, *, noted: bool = True) -> None:
    """Write a binary file, whole or not at all; for ``noted`` see :func:`completed`."""
    with completed(path, noted=noted) as temporary:
        temporary.write_bytes(content)


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


def read_json(path: str | Path) -> dict[str, Any]:
    """The record in a JSON file of ours.

    Raises:
        MissingFileError: it is not there.
        DamagedFileError: it has changed since it was written, or is no JSON mapping.
    """
    path = verified(path)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise damaged(path, error) from error
    if not isinstance(record, dict):
        raise damaged(path, f"it holds {type(record).__name__} and no mapping")
    return record


def read_table(path: str | Path, **options: Any) -> pandas.DataFrame:
    """A CSV file of ours, as pandas reads it.

    Args:
        path: the file.
        options: of :func:`pandas.read_csv`.

    Raises:
        MissingFileError: it is not there.
        DamagedFileError: it has changed since it was written, has no rows, ends within a line or has lines of different
            length, which pandas would fill up.
    """
    import pandas

    content = verified(path).read_bytes()
    try:
        text = content.decode("utf-8")
        lengths = {len(row) for row in csv.reader(io.StringIO(text), strict=True)}
    except (UnicodeDecodeError, csv.Error) as error:
        raise damaged(path, error) from error
    if not text.endswith("\n") or text.count("\n") < 2:
        raise damaged(path, "it ends within a line" if text else "it is empty")
    if len(lengths) != 1:
        raise damaged(path, "its lines have different numbers of columns")
    return pandas.read_csv(io.StringIO(text), **options)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Every array of an .npz file of ours.

    Raises:
        MissingFileError: it is not there.
        DamagedFileError: it has changed since it was written, or is no such file any more.
    """
    path = verified(path)
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except DAMAGED_ARCHIVE as error:
        raise damaged(path, error) from error


def verified(path: str | Path) -> Path:
    """The path of a file of ours, once it is known to be there and as it was written.

    A file without a noted checksum (outside a study's folder, or written by an earlier version) is taken as it is.

    Raises:
        MissingFileError: it is not there.
        DamagedFileError: its checksum is not the one that was noted when it was written.
    """
    path = existing(path)
    note = _note_of(path)
    if note and note.exists() and note.read_bytes()[:64] != checksum(path).encode():
        raise damaged(path, f"its checksum is not the one in {note}")
    return path


def checksum(path: str | Path, algorithm: str = "sha256") -> str:
    """Hexadecimal checksum of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def _note_checksum(path: Path, temporary: Path) -> None:
    """Note the checksum of a study's file before it gets its name: a kill in between leaves a note without its file.

    The old file is removed before the new note is in place; otherwise it would look damaged.
    """
    if note := _note_of(path):
        with completed(note) as written:
            # As `sha256sum --check` reads it in the study's folder.
            written.write_text(f"{checksum(temporary)}  {'/'.join(_inside_study(path))}\n", encoding="utf-8")
            path.unlink(missing_ok=True)


def _note_of(path: Path) -> Path | None:
    """Where the checksum of a study's file is noted; None for a note itself and for a file that belongs to no study."""
    inside = _inside_study(path)
    if not inside or inside[0] == CHECKSUMS:
        return None
    return Path(*path.parts[: -len(inside)], CHECKSUMS, *inside[:-1], f"{inside[-1]}.sha256")


def _inside_study(path: Path) -> tuple[str, ...]:
    """The parts of a path inside results/<study>."""
    if RESULTS not in path.parts:
        return ()
    return path.parts[len(path.parts) - path.parts[::-1].index(RESULTS) + 1 :]


def existing(path: str | Path) -> Path:
    """The path of a file of ours, once it is known to be there.

    Raises:
        MissingFileError: it is not.
    """
    if not Path(path).exists():
        remedy = "" if Path(path).is_absolute() else f": `snakemake --cores 1 {path}` makes it"
        raise MissingFileError(f"{path} is not there{remedy}")
    return Path(path)


def damaged(path: str | Path, reason: object) -> DamagedFileError:
    """The error for a damaged file: what is wrong, and that deleting the file is what makes it anew."""
    sentence = " ".join(str(reason).split()) or type(reason).__name__
    return DamagedFileError(
        f"{path} is damaged ({sentence}): delete it and run the same command again, which makes it anew"
    )
