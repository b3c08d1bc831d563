"""The share of a study's wall time that is not spent computing.

    python benchmarks/workflow_overhead.py --study demo --cores 2

Builds the study from nothing in a temporary copy of the project and adds up the seconds of its jobs, which every job's log ends
with: imports, the start of processes, Snakemake itself and idle cores are not in them. The share outside compute is
1 - sum of seconds / (cores x wall seconds), for a study whose jobs have one thread each. By processor time it is larger, and
the more so the more other work the machine has.
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
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "config.yaml", "CITATION.cff", "workflow", "profiles", "src", "envs", "pyproject.toml")
FINISHED = re.compile(r"finished in ([\d.]+) s, ([\d.]+) s of processor time, at most ([\d.]+) GiB")


@dataclass(frozen=True)
class Overhead:
    """One study, built from nothing.

    Attributes:
        wall_seconds: of the whole call of Snakemake.
        cores: cores that Snakemake was given.
        jobs: rule -> wall seconds, processor seconds and peak memory (GiB) of each job that left a log.
    """

    wall_seconds: float
    cores: int
    jobs: dict[str, list[tuple[float, float, float]]]

    def share_outside_percent(self, kind: int) -> float:
        """Percent of cores x wall time that no job computed in, by wall (0) or processor seconds (1) of the jobs."""
        seconds = sum(job[kind] for jobs in self.jobs.values() for job in jobs)
        return 100 * (1 - seconds / (self.cores * self.wall_seconds))


def read_logs(folder: Path) -> dict[str, list[tuple[float, float, float]]]:
    """What the last lines of a study's logs say, by rule."""
    jobs = defaultdict(list)
    for path in sorted(folder.rglob("*.log")):
        if found := FINISHED.search(path.read_text(encoding="utf-8")):
            jobs[path.relative_to(folder).parts[0].removesuffix(".log")].append(tuple(map(float, found.groups())))
    return jobs


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
        return Overhead(wall, cores, read_logs(folder / "logs" / study))


def markdown(study: str, found: Overhead) -> str:
    """A sentence and the rules that compute longest."""
    rules = {rule: (len(jobs), *np.sum(jobs, axis=0)[:2], np.max(jobs, axis=0)[2]) for rule, jobs in found.jobs.items()}
    lines = [
        f"Study {study} from nothing on {found.cores} cores: {found.wall_seconds:,.0f} s, {sum(map(len, found.jobs.values()))} "
        f"jobs; {found.share_outside_percent(0):.0f} % of cores x wall time outside compute "
        f"({found.share_outside_percent(1):.0f} % by processor time).",
        "",
        "| rule | jobs | seconds | processor seconds | largest job (GiB) |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    longest = sorted(rules, key=lambda rule: -rules[rule][1])[:10]
    return "\n".join(lines + ["| {} | {} | {:.1f} | {:.1f} | {:.2f} |".format(rule, *rules[rule]) for rule in longest])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", default="demo")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    print(markdown(arguments.study, build(arguments.study, arguments.cores)))
