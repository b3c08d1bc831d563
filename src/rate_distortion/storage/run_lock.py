"""One live job at a time in a run's folder.

When Snakemake is killed its Slurm jobs run on, and a second start would let two jobs write the same files; the same holds for
a job that Slurm starts again while its lost node is still computing. So whoever trains or probes a run owns its folder, and
whoever prepares data theirs:

- ``running.lock`` appears atomically (a hard link, which NFS grants once; where there are no hard links an exclusive creation,
  which is granted once too, but whose content comes a moment later) and says which process on which machine, and which Slurm
  job, owns the folder;
- a later job waits while the owner lives, takes over when it is dead, and refuses when neither can be found out;
- :meth:`RunLock.check` is asked before every file that is written there (:func:`storage.files.guarded`), so that an
  owner that was wrongly taken for dead stops instead of writing into what is no longer its own.

An owner is dead when its process is gone or its number another process's (same machine), when its machine has started anew, or
when Slurm no longer runs its job (other machines).
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rate_distortion.storage import files

log = logging.getLogger(__name__)

LOCK_FILE = "running.lock"
POLL_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
"""How long a squeue that does not answer, or a lock that cannot be read, is asked again before the job refuses."""

PUT_BACK_SECONDS = 2.0
"""How long an owner whose lock is absent looks again: a job that took the lock in error may be putting it back."""

LIVE_STATES = {"RUNNING", "COMPLETING", "CONFIGURING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED"}
"""States of a Slurm job whose processes may exist. A pending job has none: it was taken from its node."""


class FolderLockedError(RuntimeError):
    """Whether the folder's owner still lives cannot be found out; the message names the lock and how to remove it."""


class FolderTakenError(RuntimeError):
    """Another job owns the folder now; the message names both."""


@dataclass(frozen=True)
class Owner:
    """Who owns a folder.

    Attributes:
        token: different for every owner.
        work: what it does there, as a fingerprint; two jobs with the same one make the same files.
        machine, boot, pid_namespace: where its process identifier holds.
        pid, process_start: the process; the second tells it from a later process with the same number.
        slurm_cluster, slurm_job: its Slurm job; both empty outside Slurm.
        since: when it took the folder.
    """

    token: str
    work: str
    machine: str
    boot: str
    pid_namespace: str
    pid: int
    process_start: str
    slurm_cluster: str
    slurm_job: str
    since: str

    @classmethod
    def this_process(cls, work: str = "") -> Owner:
        """The process that asks."""
        return cls(
            token=uuid.uuid4().hex,
            work=work,
            machine=_machine(),
            boot=_boot(),
            pid_namespace=_pid_namespace(),
            pid=os.getpid(),
            process_start=_process_start(os.getpid()),
            slurm_cluster=os.environ.get("SLURM_CLUSTER_NAME", ""),
            slurm_job=os.environ.get("SLURM_JOB_ID", ""),
            since=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )

    def __str__(self) -> str:
        job = f"Slurm job {self.slurm_job}, " if self.slurm_job else ""
        return f"{job}process {self.pid} on {self.machine.partition(' ')[0]} (since {self.since})"

    def is_alive(self) -> bool | None:
        """Whether the owner may still write; None when that cannot be found out from here."""
        if self.machine == _machine():
            same_boot = self.boot == _boot()
            if same_boot and self.pid_namespace == _pid_namespace():
                return self._process_is_alive()
            if not same_boot and " " in self.machine:  # surely the same machine
                return False
        return self._slurm_job_is_alive() if self.slurm_job else None

    def _process_is_alive(self) -> bool | None:
        anothers = False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # of another user: the owner, or whoever has its number now
            anothers = True
        start = _process_start(self.pid)
        if anothers and not (start and self.process_start):  # /proc hides it, or there is none
            return None
        return start == self.process_start

    def _slurm_job_is_alive(self) -> bool | None:
        here = Owner.this_process()
        if here.slurm_cluster and here.slurm_cluster != self.slurm_cluster:
            return None
        if here.slurm_job == self.slurm_job:
            return False  # an earlier start of this very job, on a node that Slurm has given up
        command = ["squeue", "--noheader", "--states=all", "--format=%T", f"--jobs={self.slurm_job}"]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        if answer.returncode:
            return False if "Invalid job id" in answer.stderr else None
        return bool(LIVE_STATES & set(answer.stdout.split()))


class RunLock:
    """A folder that this process owns, from :func:`owned`."""

    def __init__(self, folder: str | Path, work: str = ""):
        self.path = Path(folder) / LOCK_FILE
        self.owner = Owner.this_process(work)
        self._waited_for: Owner | None = None

    def acquire(self) -> None:
        """Become the owner: at once, or when the present owner has ended.

        Raises:
            FolderLockedError: whether the present owner lives cannot be found out.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        deadline = None
        while not self._create():
            if not self.path.exists():
                continue
            present = read(self.path)
            alive = present.is_alive() if present else None
            if present and alive is False:
                log.info("%s ended without giving up %s: taking over", present, self.path.parent)
                self._remove(present)
                continue
            if alive:
                deadline = None
                if self._waited_for != present:
                    log.info("%s is at work in %s: waiting until it ends", present, self.path.parent)
                self._waited_for = present
            else:
                deadline = deadline or time.monotonic() + PATIENCE_SECONDS
                if time.monotonic() > deadline:
                    raise FolderLockedError(self._refusal(present))
            time.sleep(POLL_SECONDS)

    def release(self) -> None:
        """Give the folder up, if it is still this process's."""
        if read(self.path) == self.owner:
            self.path.unlink(missing_ok=True)

    def check(self) -> None:
        """Make sure that the folder is still this process's, before writing there.

        Raises:
            FolderTakenError: another job has taken it over.
        """
        deadline = time.monotonic() + PUT_BACK_SECONDS
        while (present := read(self.path)) is None and time.monotonic() < deadline:
            time.sleep(PUT_BACK_SECONDS / 20)
        if present != self.owner:
            raise FolderTakenError(
                f"{self.path.parent} was taken over by {present or 'someone who removed the lock'}; "
                f"{self.owner} stops and writes nothing more there"
            )

    def work_was_done(self, *names: str) -> bool:
        """Whether the job that this one waited for did the same work and left these files."""
        done = self.waited_for_the_same_work() and self.has(*names)
        if done:
            log.info("%s did this work meanwhile: its files in %s are taken", self._waited_for, self.path.parent)
        return done

    def waited_for_the_same_work(self) -> bool:
        """Whether this job waited for one that did what it would do."""
        return self._waited_for is not None and self._waited_for.work == self.owner.work != ""

    def has(self, *names: str) -> bool:
        """Whether the folder has all of these files."""
        return all((self.path.parent / name).exists() for name in names)

    def _create(self) -> bool:
        content = json.dumps(asdict(self.owner), indent=2) + "\n"
        temporary = self.path.with_name(f".{LOCK_FILE}.{self.owner.token}")
        try:
            temporary.write_text(content, encoding="utf-8")
            try:
                os.link(temporary, self.path)
                return True
            except FileExistsError:
                return temporary.stat().st_nlink == 2  # NFS may lose the answer that it was made
            except OSError:
                return self._create_without_links(content)
        finally:
            temporary.unlink(missing_ok=True)

    def _create_without_links(self, content: str) -> bool:
        """Become the owner by an exclusive creation; whoever reads the file before its content is there reads again."""
        try:
            stream = self.path.open("x", encoding="utf-8")
        except FileExistsError:
            return False
        try:
            with stream:
                stream.write(content)
        except OSError:  # a full disk must not leave a lock that nobody can read
            self.path.unlink(missing_ok=True)
            raise
        return True

    def _remove(self, dead: Owner) -> None:
        """Remove a dead owner's lock, and no other: somebody else may have done the same, and own the folder by now."""
        taken = self.path.with_name(f".{LOCK_FILE}.dead-{self.owner.token}")
        try:
            self.path.rename(taken)
        except FileNotFoundError:
            return
        if read(taken) != dead:
            self._put_back(taken)
        taken.unlink(missing_ok=True)

    def _put_back(self, taken: Path) -> None:
        """Give a living owner its lock again; if a third job was faster, or the disk is full, its next check stops it."""
        with contextlib.suppress(OSError):
            try:
                os.link(taken, self.path)
            except FileExistsError:
                return
            except OSError:
                self._create_without_links(taken.read_text(encoding="utf-8"))

    def _refusal(self, present: Owner | None) -> str:
        if present is None:
            return f"{self.path} cannot be read, so that nobody knows who owns the folder; if no job does, remove it"
        return (
            f"{self.path.parent} is owned by {present}, and whether that still runs cannot be found out from here; "
            f"if it does not, remove {self.path} and start again"
        )


@contextlib.contextmanager
def owned(folder: str | Path, work: str = "") -> Iterator[RunLock]:
    """Own a folder while it is written into; every file that :mod:`storage.files` writes there asks for the lock.

    Args:
        folder: of a run; made when missing.
        work: a fingerprint of what is done there, for :meth:`RunLock.work_was_done`.

    Raises:
        FolderLockedError: whether another job still owns it cannot be found out.
    """
    lock = RunLock(folder, work)
    lock.acquire()
    try:
        with files.guarded(folder, lock.check):
            yield lock
    finally:
        lock.release()


class RunLocks:
    """Folders that this process owns together, from :func:`owned_together`."""

    def __init__(self, locks: Sequence[RunLock]):
        self._locks = locks

    def check(self) -> None:
        """As :meth:`RunLock.check`, of every folder."""
        for lock in self._locks:
            lock.check()

    def work_was_done(self, *names: str) -> bool:
        """As :meth:`RunLock.work_was_done`, in every folder; the other owner gave up all at once, so one was waited for."""
        done = any(lock.waited_for_the_same_work() for lock in self._locks) and all(
            lock.has(*names) for lock in self._locks
        )
        if done:
            log.info("another job did this work meanwhile: its files are taken")
        return done


@contextlib.contextmanager
def owned_together(folders: Iterable[str | Path], work: str = "") -> Iterator[RunLocks]:
    """As :func:`owned`, for the folders of a pack."""
    with contextlib.ExitStack() as stack:
        # Always in the same order, so that two packs never wait for each other.
        yield RunLocks([stack.enter_context(owned(folder, work)) for folder in sorted(map(Path, folders))])


def read(path: Path) -> Owner | None:
    """Who a lock says owns its folder; None when there is no lock or it cannot be read."""
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _machine() -> str:
    """Host name and machine identifier: host names alone repeat, and so do the identifiers of copied systems."""
    return f"{socket.gethostname()} {_text('/etc/machine-id')}".strip()


def _boot() -> str:
    return _text("/proc/sys/kernel/random/boot_id")


def _pid_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _process_start(pid: int) -> str:
    """Clock ticks from boot to the start of a process (proc(5), field 22); "ended" for one that only awaits its parent."""
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if not fields:
        return ""
    return "ended" if fields[0] in "ZX" else fields[19]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
