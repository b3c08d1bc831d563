"""Every comparison with a peer, and the overhead of study demo, into benchmarks/results.md.

    make bench                      or: python benchmarks/run_all.py --rounds 5

Takes four minutes on a nearly idle machine, and study demo about twenty more on two cores. The growth of costs stands apart:
cost_growth.py.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
from pathlib import Path

import cnn_training
import information_estimates
import mlp_training
import perturbation_sweep
import torch
import whitening_fit
import workflow_overhead
from alternating import hardware, markdown

from rate_distortion.storage import files

BENCHMARKS = (cnn_training, mlp_training, perturbation_sweep, information_estimates, whitening_fit)
STUDY, CORES = "demo", 2
PEERS = ("torch", "foolbox", "scikit-learn", "pyitlib", "numpy")


def page(rounds: int) -> str:
    """The page: machine, date and versions, then one table; then a study's wall time outside compute."""
    results = [result for benchmark in BENCHMARKS for result in benchmark.results(rounds)]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PEERS)
    return "\n".join(
        [
            "# Measured against peers",
            "",
            f"`make bench` on {datetime.date.today()}: {hardware()}; {versions}; {torch.get_num_threads()} thread(s), {rounds} "
            "alternating rounds after one that is not counted. Medians; in the last two columns the median ratio and its "
            "range over rounds: above 1, the run is faster than the one it is compared with.",
            "",
            markdown(results),
            "",
            "## Workflow overhead",
            "",
            f"{datetime.date.today()}. {workflow_overhead.markdown(STUDY, workflow_overhead.build(STUDY, CORES))}",
            "",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("results.md"))
    arguments = parser.parse_args()
    files.write_text(arguments.output, page(arguments.rounds))
