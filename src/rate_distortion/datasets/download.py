"""Download a file whose checksum is known, so that it ends up complete and right, or not there at all.

pooch verifies the checksum and gives the file its name. Added here: several mirrors are tried in turn, and an interrupted
download is continued with an HTTP range request, from any mirror that answers one. Bytes on their way lie in the hidden
folder ``.<name>.download``, in which one process works at a time (:mod:`rate_distortion.storage.run_lock`).
"""

from __future__ import annotations

import errno
import logging
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rate_distortion.storage import provenance, run_lock

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 18
MAX_ROUNDS = 10
"""Most times that all mirrors are tried; another round follows only if the last one received something."""


class DownloadError(OSError):
    """A file could not be downloaded; the message says what was tried and how to bring the file by hand."""


class _MirrorError(Exception):
    """Why one attempt at one mirror failed."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that its checksum identifies, wherever it comes from.

    Attributes:
        name: the file's name, at the mirror and on disk.
        md5: checksum, 32 hexadecimal digits.
        size_bytes: its length; None where nobody publishes it.
    """

    name: str
    md5: str
    size_bytes: int | None = None

    @property
    def length(self) -> str:
        """Its length in words."""
        return "unknown" if self.size_bytes is None else f"{self.size_bytes:,}"

    def is_in(self, folder: str | Path) -> bool:
        """Whether the folder holds this very file (its checksum is computed)."""
        path = Path(folder) / self.name
        return path.is_file() and md5_of(path) == self.md5


def fetch(file: RemoteFile, folder: str | Path, mirrors: Sequence[str], **options: Any) -> Path:
    """The path of a file, downloaded if it is not there; see :func:`fetch_all`."""
    return fetch_all([file], folder, mirrors, **options)[0]


def fetch_all(
    files: Sequence[RemoteFile],
    folder: str | Path,
    mirrors: Sequence[str],
    *,
    timeout_seconds: float = 30,
) -> list[Path]:
    """Make sure that a folder holds files; the network is not used for those that it already holds.

    Args:
        files: what is wanted.
        folder: where they belong; made when missing.
        mirrors: addresses (http or https) of folders that hold the files, tried in turn.
        timeout_seconds: how long a mirror may be silent.

    Returns:
        the files' paths.

    Raises:
        DownloadError: a mirror's address is none, no mirror gave the right file, or it could not be written; what was
            received is kept. The message names every file that is still missing.
    """
    folder = Path(folder)
    addresses = [_checked_address(mirror) for mirror in mirrors]
    for number, file in enumerate(files):
        if file.is_in(folder):
            continue
        download = _Download(file, folder / f".{file.name}.download", timeout_seconds)
        try:
            failures = download.run(addresses)
        except OSError as error:
            raise DownloadError(
                f"{folder / file.name} could not be written ({error.strerror or error}); "
                f"what was received is kept, and the same command continues from there"
            ) from error
        if failures is not None:
            reasons = [f"  {url}: {reason}" for url, reason in failures.items()] or ["  no mirror, none is given"]
            missing = [other for other in files[number:] if not other.is_in(folder)]
            lines = [f"{file.name} could not be downloaded; tried", *reasons, bring_by_hand(missing, folder)]
            raise DownloadError("\n".join(lines))
    return [folder / file.name for file in files]


def bring_by_hand(files: Sequence[RemoteFile], folder: str | Path) -> str:
    """Instructions for a user without a network: which files to put where, with their checksums."""
    folder = Path(folder).resolve()
    lines = [f"Without a network, put into {folder} from another machine, and run the same command again:"]
    for file in files:
        wrong = ", in place of the file there, which is not this one" if (folder / file.name).exists() else ""
        lines.append(f"  {file.name} (md5 {file.md5}, {file.length} bytes){wrong}")
    return "\n".join(lines)


def md5_of(path: str | Path) -> str:
    """MD5 of a file, in hexadecimal. It tells files apart; it does not protect against forgery."""
    return provenance.file_checksum(path, "md5")


@dataclass
class _Download:
    """One file on its way; called by pooch to fetch it from one address.

    OSError means the disk; whatever the network does becomes a :class:`_MirrorError`.
    """

    file: RemoteFile
    folder: Path
    timeout_seconds: float
    continued: bool = field(default=False, init=False)

    @property
    def part(self) -> Path:
        """What has been received so far."""
        return self.folder / "part"

    def run(self, addresses: Sequence[str]) -> dict[str, str] | None:
        """Put the file into its place; otherwise {address: why it failed}."""
        target = self.folder.parent / self.file.name
        with run_lock.owned(self.folder):
            if self.file.is_in(target.parent):  # another process has downloaded it while this one waited
                return None
            if target.exists():
                log.warning("%s is not the file it should be (wrong md5); downloading that one", target)
            for left_behind in self.folder.glob("tmp*"):  # by pooch, when it was killed
                left_behind.unlink()
            failures: dict[str, str] = {}
            for url in self._urls(addresses):
                try:
                    self._fetch(url).replace(target)
                    return None
                except _MirrorError as reason:
                    log.warning("%s: %s", _public(url), reason)
                    failures[_public(url)] = str(reason)
            return failures

    def _urls(self, addresses: Sequence[str]) -> Iterator[str]:
        """One mirror after another, and all of them again as long as that receives something."""
        for _ in range(MAX_ROUNDS):
            received = _length(self.part)
            yield from (address + self.file.name for address in addresses)
            if _length(self.part) <= received:
                break

    def _fetch(self, url: str) -> Path:
        """The complete and verified file, from one address."""
        import pooch  # here, so that a plan of jobs does without it

        pooch.get_logger().setLevel(logging.ERROR)  # its lines name the whole address, with any password
        try:
            known, folder = f"md5:{self.file.md5}", self.folder
            return Path(pooch.retrieve(url, known, self.file.name, folder, downloader=self))
        except ValueError:  # the checksum is wrong; pooch has removed the bytes
            if self.continued:  # the ones from before may be to blame
                return self._fetch(url)
            size = "" if self.file.size_bytes is None else f"{self.file.length} "
            raise _MirrorError(f"the {size}bytes from there have the wrong checksum") from None

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        """Complete the part and hand it over, as :func:`pooch.retrieve` wants it of a downloader."""
        size = self.file.size_bytes
        if size is not None and _length(self.part) > size:
            self.part.unlink()
        offset = _length(self.part)
        self.continued = offset > 0
        if size is None or offset < size:
            self._receive(url, offset)
        self.part.replace(output_file)

    def _receive(self, url: str, offset: int) -> None:
        """Append the bytes from ``offset`` on to the part; a mirror that knows no ranges sends all from the beginning."""
        import requests
        import urllib3

        # "identity" keeps a server from compressing on the way, which would change lengths and offsets.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
        try:
            with requests.get(url, headers=headers, stream=True, timeout=self.timeout_seconds) as answer:
                if offset and _is_another_part(answer, offset):
                    return self._receive(url, 0)
                if answer.status_code not in (200, 206):
                    raise _MirrorError(f"HTTP {answer.status_code} {answer.reason}")
                offset = offset if answer.status_code == 206 else 0
                self._refuse_another_length(answer, offset)
                _refuse_full_disk(self.folder, (self.file.size_bytes or 0) - offset)
                self._append(answer, offset)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise _MirrorError(self._network_reason(error)) from error
        if _length(self.part) < (self.file.size_bytes or 0):
            raise _MirrorError(self._network_reason())

    def _append(self, answer: requests.Response, offset: int) -> None:
        """Write what the mirror sends, with two lines in the log and, on a terminal, a progress bar."""
        from tqdm import tqdm

        name, size = self.file.name, self.file.size_bytes
        beginning = f"continuing {name} at byte {offset:,}" if offset else f"downloading {name}"
        log.info("%s of %s from %s", beginning, self.file.length, _public(answer.url))
        began = time.monotonic()
        bar = tqdm(total=size, initial=offset, desc=name, unit="B", unit_scale=True, disable=None)
        with bar, self.part.open("ab" if offset else "wb") as stream:
            while chunk := answer.raw.read1(CHUNK_BYTES):
                stream.write(chunk)
                bar.update(len(chunk))
                if size is not None and stream.tell() > size:
                    break  # another file altogether, as the checksum will show
        log.info("received %s bytes in %.0f s", f"{_length(self.part) - offset:,}", time.monotonic() - began)

    def _refuse_another_length(self, answer: requests.Response, offset: int) -> None:
        """Leave a mirror whose file has another length before a received byte is touched."""
        announced = answer.headers.get("Content-Length", "")
        known = announced.isdecimal() and self.file.size_bytes is not None
        if known and (length := offset + int(announced)) != self.file.size_bytes:
            raise _MirrorError(f"its file has {length:,} bytes and the right one {self.file.length}")

    def _network_reason(self, error: Exception | None = None) -> str:
        import requests
        import urllib3

        if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
            return f"silent for {self.timeout_seconds:g} s"
        if error is None or isinstance(error, urllib3.exceptions.ProtocolError):
            return f"the connection ended after {_length(self.part):,} of {self.file.length} bytes"
        # The system's words, without those of the libraries around them, which name the address.
        found = re.search(r"\[Errno -?\d+\] ([^'\"()<>]+)", str(error))
        return found[1] if found else f"the connection failed ({type(error).__name__})"


def _is_another_part(answer: requests.Response, offset: int) -> bool:
    """Whether a mirror cannot continue at a byte, though it knows of ranges: its file is shorter, or it begins elsewhere."""
    begins = answer.headers.get("Content-Range", "").startswith(f"bytes {offset}-")
    return answer.status_code == 416 or (answer.status_code == 206 and not begins)


def _refuse_full_disk(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise OSError(errno.ENOSPC, f"{wanted:,} bytes are still to come and its disk has {free:,} free")


def _checked_address(mirror: str) -> str:
    if not re.match(r"https?://[^/]", mirror):
        raise DownloadError(
            f"the mirror {_public(mirror)!r} is no address; it must begin with http:// or https:// and a host"
        )
    return mirror.rstrip("/") + "/"


def _public(address: str) -> str:
    """An address without its user's name and password."""
    return re.sub("//.*@", "//***@", address)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
