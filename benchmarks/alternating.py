"""Runs that do the same work, timed in turns: what a change of the machine's load does to one, it does to all.

Wall time is what a user waits for; processor time is what can be compared on a machine that others use as well.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl
import torch

torch.set_num_threads(1)  # at import, since a forked process does not have the threads of its parent

SIDE = 512
COLUMNS = (
    "work", "run", "seconds", "processor seconds", "times faster than", "by wall time", "by processor time",
    "percent of the limit",
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """The runs that did one piece of work.

    Attributes:
        work: what was done, with its size.
        seconds: wall and processor seconds of each run in each round, shape (rounds, 2).
        reference: the run that the others are compared with.
        limits: runs that do nothing but as many multiplications; the fastest is the limit.
    """

    work: str
    seconds: Mapping[str, np.ndarray]
    reference: str
    limits: Collection[str] = ()

    def rows(self) -> list[tuple[str, ...]]:
        """One row for each run: medians, the ratio to the reference with its range over rounds, and the share of the limit."""
        rows, limit = [], min((self._processor_seconds(run) for run in self.limits), default=None)
        for run, values in self.seconds.items():
            wall, processor = np.median(values, axis=0)
            ratios = ["", ""]
            if run != self.reference:
                ratios = [_with_range(ratio) for ratio in (self.seconds[self.reference] / values).T]
            compared = self.reference if run != self.reference else ""
            share = f"{100 * limit / processor:.0f}" if limit else ""
            rows.append((self.work, run, f"{wall:.4g}", f"{processor:.4g}", compared, *ratios, share))
        return rows

    def _processor_seconds(self, run: str) -> float:
        return float(np.median(self.seconds[run][:, 1]))


def measure(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, np.ndarray]:
    """Wall and processor seconds of every run, shape (rounds, 2), in alternating order after one round that is not counted.

    Each run has a process of its own, waiting while the others are timed, so that what one does to the allocator of its process
    is not done to its peers.
    """
    forks, seconds = multiprocessing.get_context("fork"), {name: [] for name in runs}
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(forks.Pool(1, _hold, [run])) for name, run in runs.items()}
        for number in range(rounds + 1):
            for name in list(runs)[:: 1 if number % 2 else -1]:
                taken = workers[name].apply(_timed)
                if number:
                    seconds[name].append(taken)
    return {name: np.array(values) for name, values in seconds.items()}


def _hold(run: Callable[[], object]) -> None:
    global _held
    _held = run


def _timed() -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    _held()
    return time.perf_counter() - wall, time.process_time() - processor


def markdown(results: list[Result]) -> str:
    """One table of all results."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"| --- | --- | {' | '.join(['---:'] * (len(COLUMNS) - 2))} |"]
    lines += [f"| {' | '.join(row)} |" for result in results for row in result.rows()]
    return "\n".join(lines)


def hardware() -> str:
    """The machine in a line: processor, cores, Python."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [
            line.partition(":")[2].strip() for line in information.read_text().splitlines() if "model name" in line
        ]
        processor = names[0] if names else processor
    return f"{processor}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"


def _with_range(ratios: np.ndarray) -> str:
    return f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"


def matrix_products(flop: float) -> dict[str, Callable[[], object]]:
    """What the machine could do: float32 products of square matrices, as many multiplications as a work has.

    Torch and numpy bring libraries of their own, of which either may be twice as fast as the other; both have torch's threads.
    """
    tensors = torch.randn(2, SIDE, SIDE)
    count = max(1, round(flop / (2 * SIDE**3)))

    def products(left: Any, right: Any) -> None:
        with threadpoolctl.threadpool_limits(torch.get_num_threads(), "blas"):
            for _ in range(count):
                left @ right

    return {
        "matrix products of the same FLOP, torch": lambda: products(*tensors),
        "matrix products of the same FLOP, numpy": lambda: products(*tensors.numpy()),
    }
