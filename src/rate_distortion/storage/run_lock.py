"""One live job at a time in a run's folder.

When Snakemake is killed, its Slurm jobs run on, and a second start would let two jobs write the same files. The same happens
when Slurm restarts a job whose lost node is still computing. So a job that trains, probes, prepares data or downloads first
becomes the owner of the folder that it writes into:

- ``running.lock`` says which process on which machine, and which Slurm job, owns the folder. It is created atomically: as a
  hard link, which NFS grants to one process only, or, where there are no hard links, by exclusive creation, which is granted
  once too, but leaves the file empty for a moment.
- A later job waits while the owner lives, takes over when the owner is dead, and refuses when neither can be established.
- :meth:`RunLock.check` is called before every file that is written there (:func:`storage.files.guarded`), so that an owner
  that was wrongly taken for dead stops instead of writing into a folder that now belongs to another job.

An owner is dead if its process is gone or another process has its number (same machine), if its machine has been rebooted, or
if Slurm no longer runs its job (other machines).
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
"""How long to retry when squeue does not answer or the lock cannot be read, before the job refuses."""

PUT_BACK_SECONDS = 2.0
"""How long an owner whose lock is missing keeps looking: a job that took the lock by mistake may be putting it back."""

LIVE_STATES = {"RUNNING", "COMPLETING", "CONFIGURING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED"}
"""States of a Slurm job whose processes may exist. A pending job has none: it was taken from its node."""


class FolderLockedError(RuntimeError):
    """It cannot be established whether the folder's owner is alive; the message names the lock and how to remove it."""


class FolderTakenError(RuntimeError):
    """Another job owns the folder now; the message names both."""


@dataclass(frozen=True)
class Owner:
    """The process that owns a folder.

    Attributes:
        token: unique to this owner.
        work: fingerprint of what it computes; two jobs with the same one make the same files.
        machine, boot, pid_namespace: where its process identifier is valid.
        pid, process_start: the process; its start time tells it from a later process with the same number.
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
        """The calling process."""
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
        """Whether the owner may still write; None if that cannot be established from here."""
        if self.machine == _machine():
            same_boot = self.boot == _boot()
            if same_boot and self.pid_namespace == _pid_namespace():
                return self._process_is_alive()
            if not same_boot and " " in self.machine:  # the machine identifier is known, so it is the same machine
                return False
        return self._slurm_job_is_alive() if self.slurm_job else None

    def _process_is_alive(self) -> bool | None:
        foreign = False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # of another user: the owner, or a later process with its number
            foreign = True
        start = _process_start(self.pid)
        if foreign and not (start and self.process_start):  # /proc hides the process, or does not exist
            return None
        return start == self.process_start

    def _slurm_job_is_alive(self) -> bool | None:
        here = Owner.this_process()
        if here.slurm_cluster and here.slurm_cluster != self.slurm_cluster:
            return None
        if here.slurm_job == self.slurm_job:
            return False  # an earlier start of this same job, on a node that Slurm has given up
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
            FolderLockedError: it cannot be established whether the present owner lives.
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
        """Give up the folder, if this process still owns it."""
        if read(self.path) == self.owner:
            self.path.unlink(missing_ok=True)

    def check(self) -> None:
        """Make sure that this process still owns the folder, before writing there.

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
        """Whether this job waited for one that did the same work and left these files."""
        done = self.waited_for_the_same_work() and self.has(*names)
        if done:
            log.info("%s did this work meanwhile: its files in %s are taken", self._waited_for, self.path.parent)
        return done

    def waited_for_the_same_work(self) -> bool:
        """Whether this job waited for one with the same fingerprint."""
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
                return temporary.stat().st_nlink == 2  # NFS may lose the reply to a request that succeeded
            except OSError:
                return self._create_without_links(content)
        finally:
            temporary.unlink(missing_ok=True)

    def _create_without_links(self, content: str) -> bool:
        """Become the owner by exclusive creation; who reads the file while it is still empty tries again."""
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
        """Remove a dead owner's lock and no other: another job may have done the same and own the folder by now."""
        taken = self.path.with_name(f".{LOCK_FILE}.dead-{self.owner.token}")
        try:
            self.path.rename(taken)
        except FileNotFoundError:
            return
        if read(taken) != dead:
            self._put_back(taken)
        taken.unlink(missing_ok=True)

    def _put_back(self, taken: Path) -> None:
        """Give a living owner its lock back; if a third job was faster or the disk is full, the owner's next check stops it."""
        with contextlib.suppress(OSError):
            try:
                os.link(taken, self.path)
            except FileExistsError:
                return
            except OSError:
                self._create_without_links(taken.read_text(encoding="utf-8"))

    def _refusal(self, present: Owner | None) -> str:
        if present is None:
            return f"{self.path} cannot be read, so the owner of the folder is unknown; if no job is running there, remove it"
        return (
            f"{self.path.parent} is owned by {present}, and it cannot be established from here whether that still runs; "
            f"if it does not, remove {self.path} and start again"
        )


@contextlib.contextmanager
def owned(folder: str | Path, work: str = "") -> Iterator[RunLock]:
    """Own a folder while writing into it; :mod:`storage.files` checks the lock before every file that it writes there.

    Args:
        folder: made when missing.
        work: fingerprint of what is computed there, for :meth:`RunLock.work_was_done`.

    Raises:
        FolderLockedError: it cannot be established whether another job still owns it.
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
        """As :meth:`RunLock.work_was_done`, in every folder; having waited for one of them is enough, since an owner gives up
        all of its folders at once."""
        done = any(lock.waited_for_the_same_work() for lock in self._locks) and all(
            lock.has(*names) for lock in self._locks
        )
        if done:
            log.info("another job did this work meanwhile: its files are taken")
        return done


@contextlib.contextmanager
def owned_together(folders: Iterable[str | Path], work: str = "") -> Iterator[RunLocks]:
    """As :func:`owned`, for folders that one job writes into."""
    with contextlib.ExitStack() as stack:
        # Always in the same order, so that two jobs never wait for each other.
        yield RunLocks([stack.enter_context(owned(folder, work)) for folder in sorted(map(Path, folders))])


def read(path: Path) -> Owner | None:
    """The owner that a lock names; None if there is no lock or it cannot be read."""
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _machine() -> str:
    """Host name and machine identifier; neither is unique by itself (copied systems have the same identifier)."""
    return f"{socket.gethostname()} {_text('/etc/machine-id')}".strip()


def _boot() -> str:
    return _text("/proc/sys/kernel/random/boot_id")


def _pid_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _process_start(pid: int) -> str:
    """Clock ticks from boot to the start of a process (proc(5), field 22); "ended" for a zombie."""
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if not fields:
        return ""
    return "ended" if fields[0] in "ZX" else fields[19]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
