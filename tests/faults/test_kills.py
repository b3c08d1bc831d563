"""SIGKILL at seeded random moments of a training: it ends with the bits of one that was never disturbed."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).with_name("kill_harness.py")


@pytest.mark.parametrize("job", ["network", "perceptrons"])
def test_twenty_kills_cost_nothing_but_time(job):
    """In a process of its own, since only one without threads can be forked safely."""
    command = [sys.executable, str(HARNESS), "--kills", "20", "--seed", "3", "--job", job]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("20 kills")


def test_the_harness_notices_a_result_that_is_half_written(tmp_path):
    specification = importlib.util.spec_from_file_location("kill_harness", HARNESS)
    harness = importlib.util.module_from_spec(specification)
    sys.modules["kill_harness"] = harness
    specification.loader.exec_module(harness)
    (tmp_path / "metrics.json").write_text('{"epochs": 1')
    with pytest.raises(ValueError, match=r"metrics.json is damaged"):
        harness.check_nothing_is_half_written(tmp_path)
