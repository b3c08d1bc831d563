"""SIGKILL at seeded random moments of a training: it ends with the bits of one that was never disturbed."""

import importlib.util
import itertools
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from rate_distortion.storage import files, provenance
from rate_distortion.training import runs

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


class Killed(BaseException):
    pass


def test_a_kill_between_any_two_steps_of_writing_a_run_again_leaves_nothing_that_is_called_damaged(
    tmp_path, monkeypatch
):
    """What a job that was started again writes is of other seconds than what the killed one had written."""

    def run(seconds):
        return SimpleNamespace(
            model=torch.nn.Linear(1, 1), tables={"history": [{"seconds": seconds}]}, arrays={}, metrics={"seconds": seconds},
            provenance={"device": "cpu", "settings": {"threads": 1}},
        )  # fmt: skip

    def killed_before(step):
        """Nothing is renamed or removed from that step on."""
        steps = itertools.count()
        for name in ("replace", "unlink"):
            done = getattr(Path, name)

            def act(path, *arguments, done=done, **options):
                if next(steps) >= step:
                    raise Killed
                return done(path, *arguments, **options)

            patched.setattr(Path, name, act)

    folder, steps = tmp_path / "results/ci/runs/cnn/A/batch1/original/seed1", 0
    runs.write(folder, run(0))
    while True:
        with monkeypatch.context() as patched:
            killed_before(steps)
            try:
                runs.write(folder, run(steps + 1))
                break
            except Killed:
                steps += 1
        for path in folder.glob("[!.]*"):
            provenance.verified(path)
    assert steps > 20
    assert files.read_json(folder / "metrics.json") == {"seconds": steps + 1}
