"""The script that is to be run on a GPU, at toy size on a processor."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks/gpu_packs.py"
TOY = "--device=cpu --images=64 --networks=2 --batch-sizes 32 --precisions float32 bfloat16 --seconds=0.2"


def run(folder, minutes):
    """The page and the table after a call."""
    command = [sys.executable, BENCHMARK, *TOY.split(), f"--minutes={minutes}", f"--output={folder / 'gpu.md'}"]
    subprocess.run(command, check=True)
    return (folder / "gpu.md").read_text(), [*csv.DictReader((folder / "gpu.csv").open())]


@pytest.mark.slow
def test_configurations_are_checked_timed_and_kept_when_a_later_call_has_no_time(tmp_path):
    page, rows = run(tmp_path, minutes=60)
    assert "packed and separate, grouped, float64" in page
    assert [(row["precision"], row["batch_norm"]) for row in rows] == [
        ("float32", "no"), ("float32", "yes"), ("bfloat16", "no"), ("bfloat16", "yes"),
    ]  # fmt: skip
    assert all(int(row["images_per_second"]) > 0 and float(row["minutes"]) > 0 for row in rows)
    assert page.count("2 of the 6 packs of Tables 1 and 2 in") == 2
    page, kept = run(tmp_path, minutes=0)
    assert kept == rows
    assert page.count("No time was left for") == 4
    assert page.count("2 of the 6 packs of Tables 1 and 2 in") == 2
