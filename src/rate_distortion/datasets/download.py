"""Download a file whose checksum is known, so that it ends up complete and right, or not there at all.

Bytes go to ``<name>.part`` and the file gets its name only when the checksum is right. A ``.part`` that an interruption or
a broken connection left behind is continued with an HTTP range request, from any mirror that answers one.

Two processes that want the same file take turns by a lock on ``.<name>.lock`` (``flock``, which the system drops when its
holder dies); the second then finds the file complete. Part names unique to a process would need no lock, but then nobody
could continue what another process began.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import http
import http.client
import logging
import os
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 18
MAX_ROUNDS = 10
"""Most times that the mirrors are gone through; another round follows only when the last one brought the file further."""

NO_LOCKS_HERE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What some network file systems answer to flock."""


class DownloadError(OSError):
    """A file could not be had; the message says what was tried and how to bring the file by hand."""


class _MirrorError(Exception):
    """Why one attempt at one mirror failed."""


class _AllMirrorsFailedError(Exception):
    """Every mirror failed; carries {address: reason}."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that is told from any other by its checksum, wherever it comes from.

    Attributes:
        name: the file's name, at the mirror and on disk.
        md5: checksum, 32 hexadecimal digits.
        size_bytes: its length, or None where that is not known.
    """

    name: str
    md5: str
    size_bytes: int | None = None

    def is_in(self, folder: str | Path) -> bool:
        """Whether the folder holds this very file (its checksum is computed)."""
        return _has_md5(Path(folder) / self.name, self.md5)


def fetch(
    file: RemoteFile, folder: str | Path, mirrors: Sequence[str], *, timeout_seconds: float = 30, progress: bool = True
) -> Path:
    """Make sure that a folder holds a file; without any network where it already does.

    Args:
        file: what is wanted.
        folder: where it shall lie; made when missing.
        mirrors: addresses (http or https) of folders that hold the file, tried in turn.
        timeout_seconds: how long a mirror may be silent.
        progress: show a progress bar where stderr is a terminal, and log a line at the start and at the end elsewhere.

    Returns:
        the file's path.

    Raises:
        DownloadError: no mirror gave the right file, or it could not be written; what was received is kept.
        ValueError: a mirror is no http or https address.
    """
    return fetch_all([file], folder, mirrors, timeout_seconds=timeout_seconds, progress=progress)[0]


def fetch_all(
    files: Sequence[RemoteFile],
    folder: str | Path,
    mirrors: Sequence[str],
    *,
    timeout_seconds: float = 30,
    progress: bool = True,
) -> list[Path]:
    """As :func:`fetch` for several files; the error names all that are still missing, not only the one that failed."""
    folder = Path(folder)
    addresses = [_checked_address(mirror) for mirror in mirrors]
    for number, file in enumerate(files):
        download = _Download(file, folder / f"{file.name}.part", timeout_seconds, progress)
        try:
            download.run(addresses)
        except OSError as error:
            raise DownloadError(
                f"{folder / file.name} could not be written ({error.strerror or error}); "
                f"what was received is kept, and the same command continues from there"
            ) from error
        except _AllMirrorsFailedError as error:
            missing = [other for other in files[number:] if not other.is_in(folder)]
            reasons = [f"  {url}: {reason}" for url, reason in error.args[0].items()] or ["  no mirror, none is given"]
            lines = [f"{file.name} could not be downloaded; tried", *reasons, bring_by_hand(missing, folder)]
            raise DownloadError("\n".join(lines)) from None
    return [folder / file.name for file in files]


def bring_by_hand(files: Sequence[RemoteFile], folder: str | Path) -> str:
    """Instructions for a user without a network: which files to put where, with their checksums."""
    folder = Path(folder).resolve()
    lines = [f"Without a network, put into {folder} from another machine, and run the same command again:"]
    for file in files:
        size = "" if file.size_bytes is None else f", {file.size_bytes:,} bytes"
        wrong = ", in place of the file there, which is not this one" if (folder / file.name).exists() else ""
        lines.append(f"  {file.name} (md5 {file.md5}{size}){wrong}")
    return "\n".join(lines)


def md5_of(path: str | Path) -> str:
    """MD5 of a file, in hexadecimal. It tells files apart; it is no protection against forgery."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@dataclass(frozen=True)
class _Download:
    """One file on its way. OSError means the disk; whatever the network does becomes a :class:`_MirrorError`."""

    file: RemoteFile
    part: Path
    timeout_seconds: float
    progress: bool

    def run(self, addresses: Sequence[str]) -> None:
        """Put the file into its folder while no other process does."""
        folder = self.part.parent
        if self.file.is_in(folder):
            return
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder / f".{self.file.name}.lock", self.file.name):
            if self.file.is_in(folder):  # whoever held the lock has brought it
                return
            target = folder / self.file.name
            if target.exists():
                log.warning("%s is not the file it should be (wrong md5); downloading that one", target)
            if not _has_md5(self.part, self.file.md5):
                self._complete(addresses)
            self.part.replace(target)

    def _complete(self, addresses: Sequence[str]) -> None:
        """Try one mirror after another, and all again as long as that brings the file further."""
        failures: dict[str, str] = {}
        for _ in range(MAX_ROUNDS):
            length_before = _length(self.part)
            for url in (address + self.file.name for address in addresses):
                try:
                    return self._attempt(url)
                except _MirrorError as reason:
                    log.warning("%s: %s", url, reason)
                    failures[url] = str(reason)
            if _length(self.part) <= length_before:
                break
        raise _AllMirrorsFailedError(failures)

    def _attempt(self, url: str) -> None:
        """Complete the part from one address and verify it."""
        response, offset = self._open(url, _length(self.part))
        with response:
            expected = self._expected_length(response, offset)
            _refuse_full_disk(self.part.parent, expected, offset)
            with self.part.open("ab" if offset else "wb") as stream:
                self._receive(response, stream, expected)
                stream.flush()
                os.fsync(stream.fileno())
        received = _length(self.part)
        if expected is not None and received < expected:
            raise _MirrorError(f"the connection ended after {received:,} of {expected:,} bytes")
        if not _has_md5(self.part, self.file.md5):
            self.part.unlink()
            if offset:  # what was there before may be to blame
                return self._attempt(url)
            raise _MirrorError(f"the {received:,} bytes from there have the wrong checksum")

    def _open(self, url: str, offset: int) -> tuple[http.client.HTTPResponse, int]:
        """Ask for the bytes from ``offset`` on; returns the answer and where it really begins (there or at 0)."""
        # "identity" keeps a server from compressing on the way, which would change lengths and offsets.
        headers = {"Accept-Encoding": "identity", "User-Agent": "rate-distortion"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        request = urllib.request.Request(url, headers=headers)
        try:
            response = urllib.request.urlopen(request, timeout=self.timeout_seconds)
        except urllib.error.HTTPError as error:
            error.close()
            if offset and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return self._open(url, 0)  # the part is as long as the file and has the wrong checksum
            raise _MirrorError(f"HTTP {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            raise _MirrorError(self._network_reason(error)) from error
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            return response, 0
        begins = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        if begins and int(begins[1]) == offset:
            return response, offset
        response.close()
        if not offset:
            raise _MirrorError("it sent another part of the file than was asked for")
        return self._open(url, 0)

    def _expected_length(self, response: http.client.HTTPResponse, offset: int) -> int | None:
        """The whole file's length. A mirror whose file has another length is left before a byte is touched."""
        announced = response.headers.get("Content-Length", "")
        if not announced.isdecimal():
            return self.file.size_bytes
        length = offset + int(announced)
        if self.file.size_bytes not in (None, length):
            raise _MirrorError(f"its file has {length:,} bytes and the right one {self.file.size_bytes:,}")
        return length

    def _receive(self, response: http.client.HTTPResponse, stream: BinaryIO, expected: int | None) -> None:
        """Write what the mirror sends, with a progress bar on a terminal and two log lines elsewhere."""
        name, offset = self.file.name, stream.tell()
        show_bar = self.progress and sys.stderr.isatty()
        show_lines = self.progress and not show_bar
        if show_lines:
            beginning = f"continuing {name} at byte {offset:,}" if offset else f"downloading {name}"
            log.info("%s of %s from %s", beginning, "unknown" if expected is None else f"{expected:,}", response.url)
        started = time.monotonic()
        bar = tqdm(total=expected, initial=offset, desc=name, unit="B", unit_scale=True, disable=not show_bar)
        with bar:
            while chunk := self._next_chunk(response):
                stream.write(chunk)
                bar.update(len(chunk))
                if expected is not None and stream.tell() > expected:
                    break  # something else altogether, as the checksum will show
        if show_lines:
            log.info("received %s bytes in %.0f s", f"{stream.tell() - offset:,}", time.monotonic() - started)

    def _next_chunk(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.read1(CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _MirrorError(self._network_reason(error)) from error

    def _network_reason(self, error: Exception) -> str:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(cause, TimeoutError):
            return f"silent for {self.timeout_seconds:g} s"
        return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


@contextlib.contextmanager
def _lock(path: Path, name: str) -> Iterator[None]:
    """Hold an exclusive lock on a file, waiting for it where needed."""
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another process is downloading %s; waiting for it", name)
            fcntl.flock(stream, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS_HERE:
                raise
            log.warning("%s is on a file system without locks: download %s in one process only", path.parent, name)
        yield


def _refuse_full_disk(folder: Path, expected: int | None, offset: int) -> None:
    free = shutil.disk_usage(folder).free
    if expected is not None and free < expected - offset:
        raise OSError(errno.ENOSPC, f"{expected - offset:,} bytes are still to come and its disk has {free:,} free")


def _checked_address(mirror: str) -> str:
    if not re.match(r"https?://[^/]", mirror):
        raise ValueError(f"the mirror {mirror!r} is no address; it must begin with http:// or https:// and a host")
    return mirror.rstrip("/") + "/"


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _has_md5(path: Path, md5: str) -> bool:
    return path.is_file() and md5_of(path) == md5
