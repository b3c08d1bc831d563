"""Where a result comes from: library hash, commit, versions, hardware, threads, determinism, time.

A record (``provenance.json``) travels with every run, so that a number can be traced, a damaged result is noticed, and tables
can warn when runs of different code or hardware are mixed. Nothing here triggers a rerun.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rate_distortion.storage import files

PACKAGES = ("numpy", "scipy", "torch", "torchvision", "safetensors", "scikit-learn", "pandas", "seaborn", "snakemake")
LIBRARY = Path(__file__).parents[1]
RECORD = "provenance.json"
file_checksum = files.checksum


def record(device: str = "cpu", threads: int | None = None) -> dict[str, Any]:
    """The circumstances of a computation in this process, JSON-serialisable.

    Args:
        device: the torch device that was used ("cpu", "cuda").
        threads: processor threads that were used.
    """
    return {
        "library_sha256": library_hash(),
        **git_state(),
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor_name(),
        "device": device,
        **_accelerator(device),
        "slurm_job": os.environ.get("SLURM_JOB_ID"),
        "threads": threads,
        "deterministic_algorithms": _deterministic(),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


@functools.cache
def library_hash() -> str:
    """SHA-256 over the names and contents of this package's Python files."""
    digest = hashlib.sha256()
    for path in sorted(LIBRARY.rglob("*.py")):
        digest.update(path.relative_to(LIBRARY).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@functools.cache
def git_state() -> dict[str, Any]:
    """Commit and whether tracked files differ from it; both None outside a checkout."""
    try:
        commit = _git("rev-parse", "HEAD")
        return {"git_commit": commit, "git_dirty": bool(_git("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.CalledProcessError):
        return {"git_commit": None, "git_dirty": None}


def processor_name() -> str:
    """The processor's model name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def array_checksum(array: np.ndarray) -> str:
    """SHA-256 of an array's values in their order; its shape and type are no part of it."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def outputs_sha256(paths: Iterable[str | Path]) -> dict[str, str]:
    """Name and checksum of each file that a run has written: what :func:`verified` compares with."""
    return {Path(path).name: file_checksum(path) for path in paths}


def verified(path: str | Path) -> Path:
    """The path of a run's file, once the file is known to be as the run left it: by the checksum that was noted when it was
    written (:func:`files.verified`), and by the run's record beside it, if that lists the file.

    Raises:
        files.MissingFileError: it is not there.
        files.DamagedFileError: it has another checksum.
    """
    path = files.verified(path)
    record = path.with_name(RECORD)
    if record.exists():
        expected = files.read_json(record).get("outputs_sha256", {}).get(path.name)
        if expected not in (None, file_checksum(path)):
            raise files.damaged(path, f"its checksum is not the one in {RECORD} beside it")
    return path


def mixed(records: Iterable[str | Path]) -> list[str]:
    """What differs between the circumstances of runs that stand in one table, a sentence each; empty when nothing does.

    Args:
        records: the ``provenance.json`` of each run; one that does not exist is passed over.
    """
    found = [files.read_json(path) for path in records if Path(path).exists()]
    circumstances = {
        "versions of this library": lambda record: record["library_sha256"][:8],
        "versions of torch": lambda record: record["packages"]["torch"],
        "kinds of hardware": lambda record: record["accelerator"] or record["processor"],
    }
    counts = {words: Counter(str(read(record)) for record in found) for words, read in circumstances.items()}
    return [_mixed_sentence(words, count) for words, count in counts.items() if len(count) > 1]


def _mixed_sentence(words: str, count: Mapping[str, int]) -> str:
    runs = ", ".join(f"{name} in {number}" for name, number in sorted(count.items(), key=lambda item: -item[1]))
    return (
        f"Warning: these {sum(count.values())} runs were made with {len(count)} {words} ({runs}); differences between them "
        "may come from that."
    )


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(LIBRARY), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _accelerator(device: str) -> dict[str, str | None]:
    torch = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda"):
        return {"accelerator": None, "cuda": None}
    return {"accelerator": torch.cuda.get_device_name(), "cuda": torch.version.cuda}


def _deterministic() -> dict[str, Any] | None:
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    return {
        "algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "tf32": torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32,
        "workspace": os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
    }
