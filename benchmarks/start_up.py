"""What is paid before any work: a dry run of a study, and the imports of every kind of job.

    python benchmarks/start_up.py --rounds 3

Processor seconds of whole processes, medians of alternating rounds. A dry run of a Snakefile with one empty rule and the import
of torch alone say how much of it is Snakemake's and torch's own.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
EMPTY = "rule nothing:\n    output: 'nothing'\n    shell: 'touch {output}'\n"


def processor_seconds(command: list[str], folder: Path) -> float:
    """Of a process and what it starts."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)[:80]} failed in {folder}")
    return usage.ru_utime + usage.ru_stime


def imports_of(script: Path) -> str:
    """The statements at the head of a job's script."""
    nodes = ast.parse(script.read_text()).body
    return "\n".join(ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))


def commands(folder: Path, studies: list[str]) -> dict[str, tuple[list[str], Path]]:
    """What to start, by name, and where."""
    (folder / "Snakefile").write_text(EMPTY)
    snakemake, python = [sys.executable, "-m", "snakemake", "-n"], [sys.executable, "-c"]
    dry_runs = {f"snakemake -n {study}": ([*snakemake, "--nolock", study], ROOT) for study in studies}
    plain = {"python": "", "torch": "import torch", "pandas": "import pandas"}
    jobs = {f"job {path.stem}": imports_of(path) for path in sorted((ROOT / "workflow/scripts").glob("*.py"))}
    return {
        "snakemake -n of an empty rule": ([*snakemake, "nothing"], folder),
        **dry_runs,
        **{name: ([*python, program], folder) for name, program in (plain | jobs).items()},
    }


def main(rounds: int, studies: list[str]) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        started = commands(Path(folder), studies)
        rows = [[processor_seconds(*command) for command in started.values()] for _ in range(rounds + 1)]
    print("| what is started | processor seconds |\n| --- | ---: |")
    for name, seconds in zip(started, np.median(rows[1:], axis=0), strict=True):
        print(f"| {name} | {seconds:.2f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--studies", nargs="+", default=["demo", "paper"])
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.studies)
