"""The log of one job: progress lines as they happen, and a failure as one sentence."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)


@contextlib.contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Send log lines to ``path`` and to the screen while a job runs; the last one says how long its work took.

    An error that the job foresaw (bad data, bad settings, a loss that is not finite, a full disk) ends it with exit code 1
    and its sentence; anything else is a defect, and its traceback goes into the log as well.
    """
    handlers = [logging.FileHandler(path, mode="w", encoding="utf-8"), logging.StreamHandler(sys.stderr)]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", handlers=handlers)
    began, worked = time.perf_counter(), time.process_time()
    try:
        yield
        seconds, processor = time.perf_counter() - began, time.process_time() - worked
        log.info("finished in %.2f s, %.2f s of processor time", seconds, processor)
    except (ValueError, OSError, RuntimeError) as error:
        if type(error).__module__.startswith("rate_distortion") or isinstance(error, ValueError | OSError):
            log.error("stopped: %s", error)
        else:
            log.exception("failed")
        sys.exit(1)
    except Exception:
        log.exception("failed")
        sys.exit(1)
