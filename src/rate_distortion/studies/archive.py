"""A study's records in one archive: everything behind its tables and figures, without weights and without images.

The archive is a ZIP file. Its first member, ``ro-crate-metadata.json``, says what it is (:mod:`rate_distortion.studies.crate`):
the study's name and configuration, and size and SHA-256 of every file. The same records give the same bytes: files are in
order of their names and bear one date.

An archive may come from anywhere, so nothing in it is trusted. It brings records and nothing else: what is made from records
(tables, figures, verdicts, the page) is made by whoever received it. A path that leads out of the study's folder, a link, a
file that is no record, names that are too long or that some file system takes for the same, sizes that no honest record has,
and a file of another size or checksum than the metadata say are refused before a single file is put in place.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rate_distortion.storage import files, provenance
from rate_distortion.studies import crate

RECORD_FOLDERS = ("runs", "transfer", "data")
RECORD_FILES = ("weight_decay.json", "network.csv", "plan.md", "tables/attack_audit.csv")
"""Records that lie elsewhere. They need the networks or the source of the images, so that a recipient cannot make them."""

RECORD_SUFFIXES = (".csv", ".json", ".npz")
"""Suffixes of records: tables and numbers. No code, no weights, no images."""

WHITENING = "whitening.npz"
"""Left out: the whitening matrix is large, and no table or figure reads it."""

CHUNK_BYTES = 1 << 20
MOST_METADATA_BYTES = 16 << 20
MOST_UNPACKED_BYTES, MOST_TIMES = 64 << 20, 100
"""Records may take this many bytes, or this many times the bytes of their archive. Honest ones shrink to about a half; what
shrinks to a hundredth is made to fill disks."""

LONGEST_PART, LONGEST_PATH = 200, 1000
"""Longest names, in characters; file systems end at 255 and 4,096 bytes, and temporary names are longer."""

NAMED = 3
"""Records that a sentence names one by one."""

FIXED_DATE = (1980, 1, 1, 0, 0, 0)
PATH = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]*(/[A-Za-z0-9_+-][A-Za-z0-9_.+-]*)*")
"""A file of a study: no part is empty, hidden, "." or ".."."""

STUDY_NAME = re.compile(r"[a-z][a-z0-9_-]*")
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)
"""What zipfile and json raise when the bytes of an archive make no sense."""


class ArchiveError(ValueError):
    """An archive that cannot be used or made. The message is one sentence for the user."""


@dataclass(frozen=True)
class Manifest:
    """What an archive holds.

    Attributes:
        study: the study's name.
        configuration: the study's settings as its rules saw them, without ``extends``.
        files: path inside results/<study> -> {"bytes": size, "sha256": checksum}.
    """

    study: str
    configuration: dict[str, Any]
    files: dict[str, dict[str, Any]]


def is_record(path: str) -> bool:
    """Whether a file of a study belongs into an archive: not weights, images, or what is made from records."""
    inside = PurePosixPath(path)
    in_folder = inside.parts[0] in RECORD_FOLDERS and inside.suffix in RECORD_SUFFIXES and inside.name != WHITENING
    return in_folder or path in RECORD_FILES


def pack(target: str | Path, folder: str | Path, study: str, configuration: Mapping[str, Any]) -> Manifest:
    """Write an archive of a finished study's records.

    Args:
        target: the archive to write.
        folder: results/<study>, described by its ``ro-crate-metadata.json``.
        study: the study's name.
        configuration: its merged settings, which a reader needs to build the tables.

    Raises:
        ArchiveError: a record is missing or has changed since it was written, or has a name that :func:`unpack` would refuse.
        files.MissingFileError, files.DamagedFileError: of the metadata.
    """
    folder = Path(folder)
    metadata = files.read_json(folder / crate.NAME)
    described = crate.file_entities(metadata)
    paths = sorted(filter(is_record, described))
    _refuse_names(paths, f"{folder} cannot be packed: it")
    _refuse_changed(folder, {path: described[path]["sha256"] for path in paths})
    text = json.dumps(crate.of_archive(metadata, study, configuration, paths), indent=1, allow_nan=False) + "\n"
    with (
        files.completed(target) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
    ):
        archive.writestr(_member(crate.NAME), text)
        for path in paths:
            with (folder / path).open("rb") as source, archive.open(_member(path), "w") as stored:
                shutil.copyfileobj(source, stored, CHUNK_BYTES)
    return read_manifest(target)


def read_manifest(path: str | Path) -> Manifest:
    """What an archive holds, after checking that unpacking it can only write records inside the study's folder.

    Raises:
        ArchiveError: it does not exist, is no archive of records, is damaged, or holds what it may not.
    """
    if not Path(path).is_file():
        raise ArchiveError(
            f"the archive {path} does not exist; name an archive of records (results/<study>/records.zip)"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _refuse_strange_members(members, path)
            _refuse_sizes(members, path)
            manifest = _manifest(json.loads(archive.read(crate.NAME)), path)
    except ArchiveError:
        raise
    except (*UNREADABLE, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArchiveError(
            f"{path} is no archive of records or is damaged; `snakemake results/<study>/records.zip` makes one"
        ) from error
    sizes = {member.filename: member.file_size for member in members if member.filename != crate.NAME}
    if sizes.keys() != manifest.files.keys():
        strange = min(sizes.keys() ^ manifest.files.keys())
        raise ArchiveError(f"{path} and its {crate.NAME} do not name the same files: {strange!r} is in one only")
    for name, size in sizes.items():
        if size != manifest.files[name]["bytes"]:
            raise ArchiveError(f"{name} in {path} is not the file that was packed; copy the archive again")
    return manifest


def unpack(path: str | Path, folder: str | Path) -> Manifest:
    """Put an archive's records into results/<study>; every file is checked before the first is put in place.

    Raises:
        ArchiveError: as :func:`read_manifest`; or a file has another checksum than the metadata say.
    """
    manifest, folder = read_manifest(path), Path(folder)
    with zipfile.ZipFile(path) as archive:
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


def refuse_lacking(path: str | Path, manifest: Manifest, wanted: Iterable[str]) -> None:
    """Refuse an archive without records that its study's tables and figures are made from: nothing is trained in their place.

    Args:
        path: the archive.
        manifest: what it holds.
        wanted: what it must hold, as paths inside the study's folder.

    Raises:
        ArchiveError: names what it lacks.
    """
    lacking = [name for name in wanted if name not in manifest.files]
    if lacking:
        more = f" and {len(lacking) - NAMED:,} more" if len(lacking) > NAMED else ""
        raise ArchiveError(
            f"{path} lacks records of study {manifest.study}, {', '.join(lacking[:NAMED])}{more}; a study that an archive "
            "brings is not trained here: ask for its whole records.zip"
        )


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, FIXED_DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system = 3
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    return member


def _refuse_changed(folder: Path, checksums: Mapping[str, str]) -> None:
    """Refuse records that are not as the job that wrote them left them, all in one sentence."""
    changed = []
    for path, checksum in checksums.items():
        try:
            if files.checksum(provenance.verified(folder / path)) != checksum:
                changed.append(f"{folder / path}")
        except (files.DamagedFileError, files.MissingFileError):
            changed.append(f"{folder / path}")
    if changed:
        raise ArchiveError(
            f"{', '.join(changed)} changed since {'it was' if len(changed) == 1 else 'they were'} written, or "
            f"{'is' if len(changed) == 1 else 'are'} gone, so that the study is not packed: "
            f"`snakemake --cores 1 -f {' '.join(changed)}` makes {'it' if len(changed) == 1 else 'them'} again"
        )


def _refuse_names(names: Iterable[str], holder: str) -> None:
    """Refuse names that lead elsewhere, that no file system may have or that one may take for the same."""
    names = list(names)
    for name in names:
        if not PATH.fullmatch(name):
            raise ArchiveError(
                f"{holder} holds {name!r}, which leads elsewhere or has other characters than letters, digits, _, ., + and -, "
                "or a part that begins with a dot"
            )
        if len(name) > LONGEST_PATH or max(map(len, name.split("/"))) > LONGEST_PART:
            raise ArchiveError(f"{holder} holds a name that is too long, {name[:60]!r}...")
    folders = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    spellings = Counter(name.casefold() for name in names)
    folded = {folder.casefold() for folder in folders}
    for name in names:
        if spellings[name.casefold()] > 1 or name.casefold() in folded:
            raise ArchiveError(
                f"{holder} holds {name!r} twice, or where a file system does not tell its name from another's"
            )


def _refuse_strange_members(members: Iterable[zipfile.ZipInfo], path: str | Path) -> None:
    for member in members:
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise ArchiveError(f"{path} holds {member.filename!r}, a link or another thing that is no file")
        if member.flag_bits & 1:
            raise ArchiveError(f"{member.filename} in {path} is encrypted; records are not")
    _refuse_names((member.filename for member in members), f"{path} is not unpacked: it")


def _refuse_sizes(members: Iterable[zipfile.ZipInfo], path: str | Path) -> None:
    unpacked = sum(member.file_size for member in members)
    if unpacked > max(MOST_UNPACKED_BYTES, MOST_TIMES * Path(path).stat().st_size):
        raise ArchiveError(
            f"{path} would unpack to {unpacked:,} bytes, more than {MOST_TIMES} times its own size, as no records do; it is "
            "not unpacked"
        )
    for member in members:
        if member.filename == crate.NAME and member.file_size > MOST_METADATA_BYTES:
            raise ArchiveError(
                f"{crate.NAME} in {path} has {member.file_size:,} bytes; at most {MOST_METADATA_BYTES:,}"
            )


def _manifest(metadata: Mapping[str, Any], path: str | Path) -> Manifest:
    """What the metadata of an archive say; what is not there or of another kind raises some ordinary error."""
    told = next((entity for entity in metadata["@graph"] if entity["@id"] == crate.STUDY), {})
    if told.get("propertyID") != crate.FORMAT:
        raise ArchiveError(
            f"{crate.NAME} in {path} has the format {told.get('propertyID')!r}; this version reads {crate.FORMAT!r}"
        )
    study, configuration = told["name"], json.loads(told["value"])
    if not STUDY_NAME.fullmatch(study):
        raise ArchiveError(
            f"{crate.NAME} in {path} names the study {study!r}; a name has small letters, digits, _ and -"
        )
    listed = {
        name: {"bytes": int(entity["contentSize"]), "sha256": str(entity["sha256"])}
        for name, entity in crate.file_entities(metadata).items()
    }
    if not isinstance(configuration, dict) or not listed:
        raise ArchiveError(f"{crate.NAME} in {path} lacks the study's configuration or its files")
    for name in listed:
        if not is_record(name):
            raise ArchiveError(
                f"{path} brings {name!r}, which is no record of a study: tables, figures and verdicts are made from records"
            )
    return Manifest(study, configuration, listed)


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
    except UNREADABLE:
        return None
    return digest.hexdigest() if read == size else None
