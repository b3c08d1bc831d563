"""Copies of the project, and study ci built once, for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import filelock
import pytest

from project_copy import ROOT, Project, copy_project


@pytest.fixture(scope="session")
def new_project(tmp_path_factory):
    """A function that makes one more copy without results, for as long as the tests run."""
    return lambda name: copy_project(tmp_path_factory.mktemp(name) / "project")


@pytest.fixture
def project(tmp_path) -> Project:
    """A fresh copy without results."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def finished_ci(tmp_path_factory) -> Project:
    """A copy in which study ci has been built from nothing, for all processes that run tests at once.

    Tests may read it but must run no job in it: a copy that another test makes meanwhile would be
    locked. In the folder that RATE_DISTORTION_FINISHED_CI names it stays for other test commands.
    """
    own = tmp_path_factory.getbasetemp()
    shared = os.environ.get("RATE_DISTORTION_FINISHED_CI")
    folder = Path(shared or (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)) / "finished_ci"
    with filelock.FileLock(f"{folder}.lock"):
        if not (folder / "is_finished").exists():
            copy_project(folder / "project").snakemake("--cores", "2", "ci", timeout=1800)
            (folder / "is_finished").touch()
    return Project(folder / "project")


@pytest.fixture
def own_finished_ci(finished_ci, tmp_path) -> Project:
    """A finished study ci of the test's own, with times and Snakemake's memory of it kept."""
    return finished_ci.copy_to(tmp_path / "project")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data beside the checkout, where there are any."""
    folder = Path(os.environ.get("RATE_DISTORTION_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("no shared/data beside the checkout: real MNIST and SVHN crops are not at hand")
    return folder
