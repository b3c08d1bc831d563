"""A copy of the project to run Snakemake in, so that tests neither see nor touch the results beside them."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "config.yaml", "CITATION.cff", "workflow", "profiles", "slurm", "src", "envs", "pyproject.toml")


@dataclass(frozen=True)
class Project:
    """A working copy of the workflow."""

    folder: Path

    def snakemake(self, *arguments: str, check: bool = True, timeout: float = 600) -> subprocess.CompletedProcess:
        """Run Snakemake in the copy; with ``check`` a failure shows everything it printed."""
        result = subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=os.environ | {"PYTHONHASHSEED": "0"},
        )
        if check and result.returncode:
            pytest.fail(f"snakemake {' '.join(arguments)} failed:\n{result.stdout}\n{result.stderr}")
        return result

    def planned_jobs(self, *arguments: str) -> dict[str, int]:
        """Number of jobs per rule in a dry run."""
        output = self.snakemake("-n", *arguments).stdout
        if "Nothing to be done" in output:
            return {}
        table = output[output.index("Job stats:") :].splitlines()[3:]
        counts = {}
        for line in table:
            words = line.split()
            if len(words) != 2:
                break
            counts[words[0]] = int(words[1])
        counts.pop("total", None)
        return counts

    def edit_config(self, change) -> None:
        """Rewrite config.yaml through a function of its content."""
        path = self.folder / "config.yaml"
        config = yaml.safe_load(path.read_text())
        change(config)
        path.write_text(yaml.safe_dump(config, sort_keys=False))

    def copy_to(self, target: Path) -> Project:
        """One more copy, with results, their times and Snakemake's memory of them."""
        shutil.copytree(self.folder, target, copy_function=shutil.copy2, symlinks=True)
        return Project(target)


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file, a dictionary a row."""
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def copy_project(target: Path) -> Project:
    target.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy2(source, target / part)
    return Project(target)
