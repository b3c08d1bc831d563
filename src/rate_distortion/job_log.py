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

log = logging.getLogger(__name__)

ALLOCATION_FAILED = re.compile(r"allocate memory|not enough memory|out of memory", re.IGNORECASE)
"""In the message of torch's allocators, whose errors on the processor are plain RuntimeErrors."""


@contextlib.contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Send log lines to ``path`` and to the screen while a job runs; the last says how long it took, and its peak memory.

    An error that the job foresaw (bad data, bad settings, a loss that is not finite, a full disk, too little memory) ends it
    with exit code 1 and its sentence; anything else is a defect, and its traceback goes into the log as well.
    """
    _open_log(path)
    began, worked = time.perf_counter(), time.process_time()
    try:
        yield
        seconds, processor = time.perf_counter() - began, time.process_time() - worked
        log.info(
            "finished in %.2f s, %.2f s of processor time, at most %.2f GiB", seconds, processor, peak_memory_gib()
        )
    except Exception as error:
        if _is_out_of_memory(error):
            log.error(
                "stopped: the memory that this job may use is not enough (%s): give it more (--set-resources "
                "<rule>:mem_mb=..., or fewer jobs at a time with --cores) and run the same command again; a training goes "
                "on from its checkpoint",
                " ".join(str(error).split()) or type(error).__name__,
            )
        elif type(error).__module__.startswith("rate_distortion") or isinstance(error, ValueError | OSError):
            log.error("stopped: %s", error)
        else:
            log.exception("failed")
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


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, RuntimeError):  # torch.OutOfMemoryError is one
        return ALLOCATION_FAILED.search(str(error)) is not None
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
