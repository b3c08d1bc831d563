"""Files dated in the future are found before a job starts, and what the sentence says to do keeps finished work."""

import os
import subprocess
import sys

import pytest

from rate_distortion.storage import clock

NOW = 1_700_000_000.0
WORKFLOW = """
from rate_distortion.storage import clock
onstart:
    clock.refuse_future(["results", "data"])
rule train:
    input: "data/images"
    output: "results/ci/weights"
    shell: "echo trained >> trainings; sleep 1; head -c 10 {input} > {output}"
rule tabulate:
    input: "results/ci/weights"
    output: "results/ci/table"
    shell: "cp {input} {output}"
"""


def dated(path, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (seconds, seconds))
    return path


def test_dates_up_to_the_tolerance_are_those_of_clocks_that_differ(tmp_path):
    dated(tmp_path / "results/ci/runs/metrics.json", NOW + clock.TOLERANCE_SECONDS)
    clock.refuse_future([tmp_path / "results", tmp_path / "absent"], NOW)


def test_the_newest_file_the_number_of_all_and_the_remedy_are_named(tmp_path):
    own, run = (
        dated(tmp_path / "my images.npz", NOW + 100),
        dated(tmp_path / "results/ci/runs/metrics.json", NOW + 90_000),
    )
    with pytest.raises(clock.ClockError) as raised:
        clock.refuse_future([tmp_path / "results", own], NOW)
    message = str(raised.value)
    assert message.startswith(f"{run} is dated 2023-11-15 ")
    assert "files dated so: 2)" in message
    assert f"`touch '{own}' {run}`, then `snakemake --touch`" in message


def test_many_files_are_found_by_a_command(tmp_path):
    for number in range(5):
        dated(tmp_path / f"results/ci/tables/table{number}.csv", NOW + 1000)
        dated(tmp_path / f"results/ci/checksums/tables/table{number}.csv.sha256", NOW + 1000)
    with pytest.raises(
        clock.ClockError, match=rf"so: 5\).*`find {tmp_path / 'results'} -newermt now -exec touch {{}} \+`"
    ):
        clock.refuse_future([tmp_path / "results"], NOW)


def test_a_finished_training_survives_an_input_from_the_future_and_a_clock_that_was_set_back(tmp_path):
    """Snakemake alone deletes the weights and trains again, at every start."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/images").write_bytes(os.urandom(2_000_000))  # of files below 1 MB Snakemake compares the content
    (tmp_path / "Snakefile").write_text(WORKFLOW)

    def snakemake(*arguments, status=0):
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--rerun-triggers", "mtime", *arguments]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        result = subprocess.run(
            [*command, "--", "results/ci/table"], cwd=tmp_path, capture_output=True, text=True, env=environment
        )
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout + result.stderr

    snakemake()
    weights = (tmp_path / "results/ci/weights").read_bytes()
    os.utime(tmp_path / "data/images", (4e9, 4e9))
    assert "data/images is dated 2096-10-02" in snakemake(status=1)
    os.utime(tmp_path / "results/ci/weights", (4e9, 4e9))
    (tmp_path / "results/ci/table").unlink()
    assert "files dated so: 2)" in snakemake(status=1)
    for name in ("data/images", "results/ci/weights"):
        (tmp_path / name).touch()
    snakemake("--touch")
    snakemake()
    assert (tmp_path / "results/ci/weights").read_bytes() == weights
    assert (tmp_path / "trainings").read_text() == "trained\n"
