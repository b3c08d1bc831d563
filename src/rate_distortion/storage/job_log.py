"""The log of one job: progress lines as they happen, and a failure as one sentence."""

from __future__ import annotations

import contextlib
import errno
import logging
import re
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rate_distortion.storage import files

log = logging.getLogger(__name__)

ALLOCATION_FAILED = re.compile(r"allocate memory|not enough memory|out of memory", re.IGNORECASE)
"""Found in messages of torch's allocators, whose errors on the processor are plain RuntimeErrors."""


@contextlib.contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Send log lines to ``path`` and to the screen while a job runs; the last says how long it took, and its peak memory.

    An error ends the job with exit code 1 and one sentence. An error of a class of this package's own (:mod:`.errors`) was
    foreseen, and so is too little memory, and what the system says of disks and permissions (:data:`.files.REMEDIES`).
    Anything else, a ValueError too, is a defect, or comes from the user's code: its traceback follows in the log.
    """
    _open_log(path)
    began, worked = time.perf_counter(), time.process_time()
    try:
        yield
        seconds, processor = time.perf_counter() - began, time.process_time() - worked
        log.info(
            "finished in %.2f s, %.2f s of processor time, at most %.2f GiB", seconds, processor, peak_memory_gib()
        )
    except KeyboardInterrupt:
        log.error("stopped by Ctrl-C: run the same command again; a training goes on from its checkpoint")
        sys.exit(130)
    except Exception as error:
        if _is_out_of_memory(error):
            log.error(
                "stopped: the memory that this job may use is not enough (%s): give it more (--set-resources "
                "<rule>:mem_mb=..., or fewer jobs at a time with --cores) and run the same command again; a training goes "
                "on from its checkpoint",
                " ".join(str(error).split()) or type(error).__name__,
            )
        elif _was_foreseen(error):
            log.error("stopped: %s", error)
        else:
            log.exception("failed with %s: %s; this was not foreseen", type(error).__name__, error)
        sys.exit(1)


def peak_memory_gib() -> float:
    """The largest resident set of this process so far, in GiB: what a job needs at least of ``mem_mb``."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage counts what the process was before it became this program
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 2**20
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def _open_log(path: str | Path) -> None:
    """Log to the file and the screen, or to the screen alone where the file cannot be written."""
    logging.raiseExceptions = False  # a line that finds no room on a full disk must not hide the error it tells of
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    with contextlib.suppress(OSError):
        handlers.insert(0, logging.FileHandler(path, mode="w", encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", handlers=handlers)


def _was_foreseen(error: Exception) -> bool:
    own = type(error).__module__.partition(".")[0] == __name__.partition(".")[0]
    return own or (isinstance(error, OSError) and error.errno in files.REMEDIES)


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, RuntimeError):  # torch.OutOfMemoryError is one
        return ALLOCATION_FAILED.search(str(error)) is not None
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
