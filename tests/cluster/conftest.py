"""A Slurm for the session, and Snakemake running on it in a copy of the project."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from slurm_lab import SlurmLab, SlurmUnavailableError

PATIENCE_SECONDS = 900
"""How long anything may take before a test gives up; machines are slow, and no test asserts a timing."""

FINAL = {"COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}
"""States in which a job stays. A job is COMPLETING for a while after Snakemake has seen its files."""

INTERRUPTED = """
extends: ci
title: One training that is long enough to be interrupted
seeds: [1]
device: auto
training: {epochs: 100, checkpoint_seconds: 1, history_points: 2}
models: {A: {weight_decay: 0.1}, B: null, C: null, A-BN: null, B+: null, A+: null}
perturbations: {cells: {A: [128], B: null, C: null, B+: null}}
tables: {table1: {A: [128], B: null, C: null}, table2: null, further_models: null}
figures: {figure4: {model: A}, figure5: null}
calibration: null
sensitivity: null
ablations: null
attack_audit: null
multilayer_perceptron: null
sphere_packing: null
transfer: null
"""
RUN = "results/interrupted/runs/cnn/A/batch128/original/seed1"


class ClusterProject:
    """A copy of the project whose jobs go to the Slurm of the session."""

    def __init__(self, folder: Path, lab: SlurmLab):
        self.folder, self.lab = folder, lab
        self.run = folder / RUN
        self.variables = {"RATE_DISTORTION_PARTITION": "cpu", "RATE_DISTORTION_GPU_PARTITION": "gpu"}
        self.first_job = 1 + max((int(job["JobId"]) for job in lab.jobs()), default=0)
        self.process: subprocess.Popen | None = None

    def start(self, *arguments: str) -> None:
        """Start ``snakemake --profile slurm``; polls come sooner than on a cluster whose trainings take hours."""
        command = [sys.executable, "-m", "snakemake", "--profile", "slurm", *arguments]
        command += ["--slurm-init-seconds-before-status-checks", "3", "--max-status-checks-per-second", "0.5"]
        with (self.folder / "driver.log").open("a") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
                env=os.environ | self.lab.environment | self.variables,
            )  # fmt: skip

    def finish(self) -> None:
        """Wait for Snakemake's good end, and until the controller knows how every job ended."""
        try:
            code = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            code = "no end"
        if code != 0:
            pytest.fail(f"snakemake --profile slurm: {code}\n{self.said()[-6000:]}\n{self.lab.jobs()}")
        self.process = None
        self.wait_until(lambda: all(job["JobState"] in FINAL for job in self.jobs()), "every job has its final state")

    def kill(self) -> None:
        """SIGKILL to Snakemake; its Slurm jobs are not its children and run on."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def said(self) -> str:
        """What Snakemake has said so far."""
        return (self.folder / "driver.log").read_text(errors="replace")

    def jobs(self, word: str = "") -> list[dict[str, str]]:
        """The controller's records of this project's jobs, oldest first; of those that ``word`` occurs in the name of."""
        own = [job for job in self.lab.jobs() if int(job["JobId"]) >= self.first_job]
        return [job for job in own if word in job.get("Comment", "")]

    def wait_until(self, condition: Callable[[], object], what: str):
        """What the condition gives once it is true; Snakemake must not end before."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (value := condition()):
            ended = self.process is not None and self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                pytest.fail(f"{'Snakemake ended' if ended else 'waited in vain'} before {what}\n{self.said()[-6000:]}")
            time.sleep(0.1)
        return value

    def wait_for_checkpoint(self) -> dict[str, str]:
        """Wait until the training has left a checkpoint and is at work; the record of its job."""
        self.wait_until((self.run / "resume.safetensors").exists, "the training left a checkpoint")
        (job,) = [job for job in self.jobs("train") if job["JobState"] == "RUNNING"]
        return job

    def training_process(self) -> int:
        """The process that owns the run's folder, as its lock says."""
        return json.loads((self.run / "running.lock").read_text())["pid"]

    def training_log(self) -> str:
        """What the training has logged; nothing before it has begun, since Snakemake removes an earlier job's log."""
        path = self.folder / "logs/interrupted/train/A-batch128-original-seed1.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def snakemake(self, *arguments: str) -> str:
        """What a Snakemake without jobs on the cluster says (--unlock, -n)."""
        command = [sys.executable, "-m", "snakemake", *arguments]
        result = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr


@pytest.fixture(scope="session")
def lab():
    """A running Slurm; the tests are skipped where there cannot be one."""
    # A short name: sockets lie in it.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    slurm = SlurmLab(folder)
    try:
        slurm.start()
    except SlurmUnavailableError as error:
        slurm.stop()
        shutil.rmtree(folder)
        pytest.skip(f"no Slurm here: {error}")
    yield slurm
    slurm.stop()
    shutil.rmtree(folder)


@pytest.fixture
def cluster_project(lab, project):
    """A copy without results, for the session's Slurm."""
    own = ClusterProject(project.folder, lab)
    yield own
    own.kill()
    lab.client("scancel", "--user", str(os.getuid()))


@pytest.fixture(scope="session")
def undisturbed(new_project):
    """A copy in which study interrupted was built on this machine without Slurm, and nothing was interrupted."""
    project = new_project("undisturbed")
    project.edit_config(lambda config: config["studies"].update(interrupted=yaml.safe_load(INTERRUPTED)))
    project.snakemake("--cores", "2", "interrupted")
    return project


@pytest.fixture
def interrupted(lab, undisturbed, tmp_path):
    """Study interrupted with its data, but without its run and tables, on the session's Slurm with all its nodes."""
    own = ClusterProject(undisturbed.copy_to(tmp_path / "project").folder, lab)
    for folder in ("results/interrupted/runs", "results/interrupted/tables", "logs"):
        shutil.rmtree(own.folder / folder)
    yield own
    own.kill()
    lab.repair()
