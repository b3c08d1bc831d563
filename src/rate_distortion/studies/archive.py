"""A study's records in one archive: everything behind its tables and figures, without weights and without images.

The archive is a ZIP file. Its first member, ``manifest.json``, says what it is: the study's name and configuration, and
size and SHA-256 of every file. The same records give the same bytes: files are in order of their names and bear one date.

An archive may come from anywhere, so nothing in it is trusted: a manifest that names a path outside the study's folder, a
member that the manifest does not name, a link, a file that is no record, or one of another size or checksum is refused before
a single file is put in place.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rate_distortion.storage import files, provenance

MANIFEST = "manifest.json"
FORMAT = "rate-distortion records 1"
RECORD_SUFFIXES = (".csv", ".json", ".md", ".npz", ".yaml")
"""Of the files that an archive may hold: tables and numbers, nothing that could be run, no weights and no images."""

WHITENING = "whitening.npz"
"""What no table or figure reads, and what would make an archive large: the matrix that whitened the images."""

DERIVED_FOLDERS = ("tables", "figures", "partial")
CHUNK_BYTES = 1 << 20
MOST_MANIFEST_BYTES = 64 << 20
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
PATH = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]*(/[A-Za-z0-9_+-][A-Za-z0-9_.+-]*)*")
"""A file of a study: no part is empty, hidden, "." or ".."."""

STUDY_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class ArchiveError(ValueError):
    """An archive that cannot be used; the message is one sentence for the person who brought it."""


@dataclass(frozen=True)
class Manifest:
    """What an archive holds.

    Attributes:
        study: the study's name.
        configuration: the study's settings as its rules saw them, without ``extends``.
        files: path inside results/<study> -> {"bytes": size, "sha256": checksum}.
        library_sha256: the library that packed it.
    """

    study: str
    configuration: dict[str, Any]
    files: dict[str, dict[str, Any]]
    library_sha256: str


def record_paths(folder: str | Path, derived: Iterable[str] = ()) -> list[str]:
    """The records of a finished study, sorted: its files without weights, images, hidden files and what is made from records.

    Args:
        folder: results/<study>.
        derived: paths inside it of files that are made from the records; tables/, figures/ and partial/ are left out as well.
    """
    folder, left_out = Path(folder), set(derived)
    paths = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return sorted(
        path.as_posix()
        for path in paths
        if path.suffix in RECORD_SUFFIXES
        and path.name != WHITENING
        and path.parts[0] not in DERIVED_FOLDERS
        and path.as_posix() not in left_out
        and not any(part.startswith(".") for part in path.parts)
    )


def pack(
    target: str | Path, folder: str | Path, study: str, configuration: Mapping[str, Any], paths: Iterable[str]
) -> Manifest:
    """Write an archive of a study's records.

    Args:
        target: the archive to write.
        folder: results/<study>.
        study: the study's name.
        configuration: its merged settings, which a reader needs to build the tables.
        paths: the records, inside ``folder`` (:func:`record_paths`).

    Raises:
        ArchiveError: a name that :func:`unpack` would refuse.
    """
    folder, paths = Path(folder), sorted(set(paths))
    for path in paths:
        if not _is_record(path):
            raise ArchiveError(
                f"{folder / path} has no name that an archive of records may hold (letters, digits, _, ., + and -; no part "
                f"begins with a dot; ending in {', '.join(RECORD_SUFFIXES)}; not {MANIFEST}); rename it or take it out of "
                f"{folder}"
            )
    described = {
        path: {"bytes": (folder / path).stat().st_size, "sha256": provenance.file_checksum(folder / path)}
        for path in paths
    }
    manifest = Manifest(study, dict(configuration), described, provenance.library_hash())
    # The order of keys is kept: rows and panels come in the order of the configuration.
    text = json.dumps({"format": FORMAT, **vars(manifest)}, indent=1, allow_nan=False) + "\n"
    with (
        files.completed(target) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
    ):
        archive.writestr(_member(MANIFEST), text)
        for path in paths:
            with (folder / path).open("rb") as source, archive.open(_member(path), "w") as stored:
                shutil.copyfileobj(source, stored, CHUNK_BYTES)
    return manifest


def read_manifest(path: str | Path) -> Manifest:
    """What an archive holds, after checking that unpacking it can only write inside the study's folder.

    Raises:
        ArchiveError: no such file, no archive of records, or one that names a path it may not.
    """
    if not Path(path).is_file():
        raise ArchiveError(f"{path} does not exist or is no file; it should be an archive of records (records.zip)")
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_strange_members(archive, path)
            with archive.open(MANIFEST) as stored:
                content = json.loads(stored.read(MOST_MANIFEST_BYTES))
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError) as error:
        if isinstance(error, ArchiveError):
            raise
        raise ArchiveError(
            f"{path} is no archive of records or is damaged; `snakemake results/<study>/records.zip` makes one"
        ) from error
    return _checked_manifest(content, path)


def unpack(path: str | Path, folder: str | Path) -> Manifest:
    """Put an archive's records into results/<study>; every file is checked before the first is put in place.

    Raises:
        ArchiveError: as :func:`read_manifest`; or a file has another size or checksum than the manifest says.
    """
    manifest, folder = read_manifest(path), Path(folder)
    with zipfile.ZipFile(path) as archive:
        if set(archive.namelist()) != {MANIFEST, *manifest.files}:
            strange = sorted({MANIFEST, *manifest.files} ^ set(archive.namelist()))
            raise ArchiveError(f"{path} and its manifest do not name the same files: {strange[0]!r} is in one only")
        for name, described in manifest.files.items():
            if _digest(archive, name, described["bytes"]) != described["sha256"]:
                raise ArchiveError(f"{name} in {path} is not the file that was packed; copy the archive again")
        for name in manifest.files:
            with (
                archive.open(name) as stored,
                files.completed(folder / name) as temporary,
                temporary.open("wb") as target,
            ):
                shutil.copyfileobj(stored, target, CHUNK_BYTES)
    return manifest


def _is_record(name: str) -> bool:
    return bool(PATH.fullmatch(name)) and PurePosixPath(name).suffix in RECORD_SUFFIXES and name != MANIFEST


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, FIXED_DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system = 3
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    return member


def _refuse_strange_members(archive: zipfile.ZipFile, path: str | Path) -> None:
    names = archive.namelist()
    for member in archive.infolist():
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or not PATH.fullmatch(member.filename):
            raise ArchiveError(
                f"{path} holds {member.filename!r}, a link or a path that leads elsewhere; it is not unpacked"
            )
        if member.flag_bits & 1:
            raise ArchiveError(f"{member.filename} in {path} is encrypted; records are not")
    if len(set(names)) != len(names):
        raise ArchiveError(f"{path} holds a file twice; it is not unpacked")


def _checked_manifest(content: Any, path: str | Path) -> Manifest:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise ArchiveError(f"the manifest of {path} has the format {found!r}; this version reads {FORMAT!r}")
    study, configuration, listed = (content.get(key) for key in ("study", "configuration", "files"))
    if not isinstance(study, str) or not STUDY_NAME.fullmatch(study):
        raise ArchiveError(
            f"the manifest of {path} names the study {study!r}; a name has small letters, digits, _ and -"
        )
    if not isinstance(configuration, dict) or not isinstance(listed, dict) or not listed:
        raise ArchiveError(f"the manifest of {path} lacks the study's configuration or its files")
    for name, described in listed.items():
        if not _is_record(name):
            raise ArchiveError(f"the manifest of {path} names {name!r}, which is no record of a study")
        whole = isinstance(described, dict) and isinstance(described.get("bytes"), int)
        if not whole or not re.fullmatch("[0-9a-f]{64}", str(described.get("sha256"))):
            raise ArchiveError(f"the manifest of {path} does not say size and SHA-256 of {name}")
    return Manifest(study, configuration, listed, str(content.get("library_sha256")))


def _digest(archive: zipfile.ZipFile, name: str, size: int) -> str | None:
    """SHA-256 of a member; None as soon as it is longer than it should be, so that nothing is inflated without end."""
    digest, read = hashlib.sha256(), 0
    try:
        with archive.open(name) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                read += len(chunk)
                if read > size:
                    return None
                digest.update(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
        return None
    return digest.hexdigest() if read == size else None


def studies_of(paths: Iterable[str | Path], results: str | Path = "results") -> dict[str, tuple[str, Manifest]]:
    """The studies that archives hold: name -> (archive, manifest).

    Raises:
        ArchiveError: an archive cannot be used, two hold the same study, or the study has been trained here, whose records
            the archive's would replace.
    """
    found: dict[str, tuple[str, Manifest]] = {}
    for path in map(str, paths):
        manifest = read_manifest(path)
        if manifest.study in found:
            raise ArchiveError(
                f"{found[manifest.study][0]} and {path} both hold study {manifest.study}; name one of them at a time"
            )
        if next((Path(results) / manifest.study / "runs").rglob("*.safetensors"), None):
            raise ArchiveError(
                f"{path} holds study {manifest.study}, which has been trained here (there are weights in "
                f"{results}/{manifest.study}/runs), and would replace its records; unpack it in another checkout"
            )
        found[manifest.study] = path, manifest
    return found
