"""The environment in its three forms: pyproject.toml, the hash-locked requirements, and the conda file."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NOT_ON_CONDA = {"pyitlib"}
LOCK = (ROOT / "envs/requirements.txt").read_text()
CONDA_NAMES = {"playwright": "playwright-python", "torch": "pytorch"}


def requirements(*extras):
    listed = PROJECT["dependencies"] + [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    return dict(re.fullmatch(r"([A-Za-z0-9-]+)(.*)", line).groups() for line in listed)


def test_conda_environment_equals_pyproject():
    listed = yaml.safe_load((ROOT / "envs/environment.yaml").read_text())["dependencies"]
    conda = dict(re.fullmatch(r"([a-z0-9-]+)(.*)", line).groups() for line in listed)
    assert conda.pop("python") == PROJECT["requires-python"]
    asked = requirements("test", "lint")
    assert conda == {CONDA_NAMES.get(name, name): asked[name] for name in asked.keys() - NOT_ON_CONDA}


def test_every_locked_package_has_hashes_and_no_host_is_named():
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK[LOCK.index("\n", LOCK.rindex("#    make lock")) :].strip())
    assert len(blocks) > 100
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in LOCK
    assert "--index" not in LOCK


def test_everything_that_is_asked_for_is_locked():
    locked = set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE))
    assert set(requirements("test", "bench", "lint", "lock")) <= locked


def test_the_library_does_not_import_snakemake():
    for path in (ROOT / "src/rate_distortion").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) snakemake", path.read_text(), re.MULTILINE), path


def test_table_and_figure_jobs_do_not_import_torch():
    """Importing torch costs seconds; what these jobs need, another job has written."""
    light = (
        "archive_description calibration calibration_figure capacity channel channel_figure datasets fault_tolerance figures "
        "gradient_snr information information_plane own_network perceptron_figures planning prepared_data studies tables "
        "whitening"
    )
    program = (
        f"import sys\nfrom rate_distortion import {', '.join(light.split())}\n"
        "from rate_distortion.sphere_packing import figure, geometry\nprint('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
