"""Where a result comes from: library hash, commit, versions, hardware, threads, determinism, time.

A record travels with every run, so that a number can be traced and so that tables can warn when runs of different code or
hardware are mixed. Nothing here triggers a rerun.
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
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "scipy", "torch", "torchvision", "scikit-learn", "pandas", "seaborn", "snakemake")
LIBRARY = Path(__file__).parent


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
        "accelerator": _accelerator(device),
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


def file_checksum(path: str | Path, algorithm: str = "sha256") -> str:
    """Hexadecimal checksum of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(LIBRARY), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _accelerator(device: str) -> str | None:
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch and device.startswith("cuda") else None


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
