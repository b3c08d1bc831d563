"""The share of a study's wall time that is not spent computing.

    python benchmarks/workflow_overhead.py --study demo --cores 2

Builds the study from nothing in a temporary copy of the project and adds up the processor time of its jobs, which every job's
log ends with: imports, the start of processes, Snakemake itself and idle cores are not in it. The share outside compute is
1 - sum of processor seconds / (cores x wall seconds).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "config.yaml", "workflow", "profiles", "src", "envs", "pyproject.toml")
FINISHED = re.compile(r"finished in [\d.]+ s, ([\d.]+) s of processor time")


@dataclass(frozen=True)
class Overhead:
    """One study, built from nothing.

    Attributes:
        wall_seconds: of the whole call of Snakemake.
        processor_seconds: rule -> sum over its jobs.
        jobs: jobs that left a log.
        cores: cores that Snakemake was given.
    """

    wall_seconds: float
    processor_seconds: Counter[str]
    jobs: int
    cores: int

    @property
    def share_outside_percent(self) -> float:
        """Percent of cores x wall time that no job computed in."""
        return 100 * (1 - self.processor_seconds.total() / (self.cores * self.wall_seconds))


def read_logs(folder: Path) -> tuple[Counter[str], int]:
    """Processor seconds by rule, and the number of jobs, from the logs of a study."""
    seconds, jobs = Counter(), 0
    for path in sorted(folder.rglob("*.log")):
        if found := FINISHED.search(path.read_text(encoding="utf-8")):
            seconds[path.relative_to(folder).parts[0].removesuffix(".log")] += float(found[1])
            jobs += 1
    return seconds, jobs


def build(study: str, cores: int) -> Overhead:
    """Build a study in a copy of the project that is thrown away."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copy(ROOT / part, folder / part)
        if (ROOT / "data").is_dir():
            (folder / "data").symlink_to(ROOT / "data")
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), study]
        environment = os.environ | {"PYTHONPATH": str(folder / "src")}
        began = time.perf_counter()
        run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        wall = time.perf_counter() - began
        if run.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{run.stderr}")
        return Overhead(wall, *read_logs(folder / "logs" / study), cores)


def markdown(study: str, found: Overhead) -> str:
    """A sentence and the rules that compute longest."""
    lines = [
        f"Study {study} from nothing on {found.cores} cores: {found.wall_seconds:,.0f} s wall, "
        f"{found.processor_seconds.total():,.0f} s of processor time in {found.jobs} jobs; "
        f"{found.share_outside_percent:.0f} % of cores x wall time outside compute.",
        "",
        "| rule | processor seconds |",
        "| --- | ---: |",
    ]
    return "\n".join(
        lines + [f"| {rule} | {seconds:.1f} |" for rule, seconds in found.processor_seconds.most_common(10)]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", default="demo")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    print(markdown(arguments.study, build(arguments.study, arguments.cores)))
