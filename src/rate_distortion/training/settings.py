"""What every training of an image classifier is told, and the machine it runs on."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass

import torch

LABELS = ("original", "random")
PRECISIONS = {
    "float32": torch.float32,
    "float64": torch.float64,
    "tf32": torch.float32,
    "bfloat16": torch.float32,
}
"""Type of weights and images. tf32 is float32 whose products a GPU may round to ten bits of mantissa before adding them up;
bfloat16 rounds to seven, in the steps of training alone (:func:`short_products`)."""


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Their numbers in the C library's malloc.h."""


class TrainingError(RuntimeError):
    """Training cannot go on; the message names the run and what to change."""


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast (section 4.3).

    Attributes:
        epochs: passes over the training images.
        learning_rate: constant.
        batch_size: images per step.
        labels: "original", or "random": uniform over the classes, for the training images only (Table 2).
        random_labels: "fixed" draws them once per seed, "per_epoch" anew every epoch.
        evaluation_batch_size: largest evaluation batch.
        history_points: number of log-spaced epochs at which both splits are evaluated and weight norms recorded.
        threads: processor threads; fixed by the study, because sums in another order round differently.
        device: "cpu", "cuda" or "auto" (cuda where present).
        precision: "float32", "float64", "tf32" (float32 with shortened products where the device is cuda) or "bfloat16"
            (float32 whose layers are computed in bfloat16 while training).
        checkpoint_seconds: least time between resume files.
    """

    epochs: int
    learning_rate: float
    batch_size: int
    labels: str = "original"
    random_labels: str = "fixed"
    evaluation_batch_size: int = 1000
    history_points: int = 10
    threads: int = 1
    device: str = "cpu"
    precision: str = "float32"
    checkpoint_seconds: float = 30.0


def short_products(device: torch.device, precision: str) -> torch.autocast:
    """A context in which layers take and give bfloat16 where that is the precision; the loss and the weights stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False)


def select_device(device: str) -> torch.device:
    """The device a study asks for; "auto" is cuda where present.

    Raises:
        TrainingError: cuda is asked for, and there is none.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            "the study asks for device cuda, but torch finds no CUDA device here (set device: auto or cpu)"
        )
    return torch.device(device)


def set_up_process(threads: int, precision: str = "float32") -> None:
    """Same seed, same machine, same weights: fixed threads, deterministic kernels, full products unless tf32 is asked for.

    Memory is kept for reuse as well (:func:`keep_freed_memory`).
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # As use_deterministic_algorithms(True), which also imports the compiler, a second or more that every process would pay.
    torch.set_deterministic_debug_mode("error")
    # Filling memory that is about to be written anyway; it finds defects of kernels and changes no result.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Let the GNU C library keep what a step has freed for the next one, instead of handing it back to the system.

    It hands back what is freed at the end of the heap, and arrays of their own mapping; every step then waits for some thousand
    new pages, a tenth to a quarter of its time from batch size 128 on (benchmarks/README.md). Arrays above 32 MiB, such as the
    images, still go back. Other libraries stay as they are.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "gnu_get_libc_version"):
        library.mallopt(M_MMAP_THRESHOLD, 32 << 20)  # the most that every version takes
        library.mallopt(M_TRIM_THRESHOLD, 1 << 30)
