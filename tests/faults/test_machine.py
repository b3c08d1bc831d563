"""What of the machine stops everything is one sentence before Snakemake starts."""

import resource
import signal
import subprocess
import sys

import pytest

from project_copy import copy_project
from rate_distortion.storage import machine


def test_a_machine_with_nothing_wrong(tmp_path):
    machine.check(tmp_path)


@pytest.mark.parametrize("name", ["a{b}c", "results}", "{"])
def test_a_path_with_braces(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(machine.MachineError, match=r"has a brace in its path, .*; move or rename it"):
        machine.check(tmp_path / name)


@pytest.mark.parametrize("name", ["results", "data", "logs"])
def test_a_file_in_place_of_a_folder(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(machine.MachineError, match=f"{name} is a file, and it must be a folder"):
        machine.check(tmp_path)


def test_a_home_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/nowhere")
    with pytest.raises(machine.MachineError, match=r"/proc/nowhere/.cache, .* cannot be written: set XDG_CACHE_HOME"):
        machine.check(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    machine.check(tmp_path)


def test_too_little_address_space_for_torch(tmp_path, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (10**9, 10**9))
    with pytest.raises(machine.MachineError, match=r"may use 1\.0 GB of address space \(ulimit -v\), and torch needs"):
        machine.check(tmp_path)


@pytest.mark.parametrize("fault", ["braces", "address space"])
def test_snakemake_shows_the_sentence_and_no_traceback(tmp_path, fault):
    project = copy_project(tmp_path / ("a{b}c" if fault == "braces" else "project"))
    limit = (lambda: resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))) if fault != "braces" else None
    result = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "results/ci/plan.md"],
        cwd=project.folder,
        capture_output=True,
        text=True,
        preexec_fn=limit,
    )
    assert result.returncode != 0
    assert result.stderr.strip().splitlines()[-1].startswith("Cannot start: ")
    assert "Traceback" not in result.stderr


def test_a_job_that_is_interrupted_says_so_in_one_sentence(tmp_path):
    code = f"""
import os, signal, time
from rate_distortion.storage.job_log import job_log
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with it ignored
with job_log({str(tmp_path / "job.log")!r}):
    os.kill(os.getpid(), signal.{signal.SIGINT.name})
    time.sleep(10)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 130
    assert "stopped by Ctrl-C: run the same command again" in (tmp_path / "job.log").read_text()
    assert "Traceback" not in result.stderr


def test_ctrl_c_while_snakemake_plans_is_one_sentence(tmp_path):
    """Snakemake reads the default profile and goes on to the Snakefile."""
    code = """
import os, signal, time, yte
signal.signal(signal.SIGINT, signal.default_int_handler)
with open("profiles/default/profile.yaml") as profile:
    yte.process_yaml(profile, require_use_yte=True)
os.kill(os.getpid(), signal.SIGINT)
time.sleep(10)
"""
    folder = copy_project(tmp_path / "project").folder
    result = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert result.returncode != 0
    assert result.stderr == "stopped by Ctrl-C: run the same command again\n"
