"""The wheel, installed into an empty environment outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import uv

ROOT = Path(__file__).parents[2]
OPTIONAL = (
    "jsonschema",
    "matplotlib",
    "PIL",
    "plotly",
    "rocrate",
    "seaborn",
    "sklearn",
    "snakemake",
    "torchvision",
    "yaml",
)
"""What the core does without."""

ONLY_THE_CORE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""

USE = """
import numpy as np, safetensors.torch, torch
from my_networks import build

rng = np.random.default_rng(0)
labels = rng.integers(0, 3, 60)
images = rng.integers(0, 150, (60, 12, 12), dtype=np.uint8)
for image, label in zip(images, labels):
    image[4 * label : 4 * label + 4] += 80
np.savez("my_images.npz", images=images, labels=labels)
torch.manual_seed(0)
safetensors.torch.save_file(build((1, 12, 12), 3).state_dict(), "my.safetensors")
"""

CORE = """
import numpy as np, torch
import rate_distortion as rd
from my_networks import build

assert "checkout" not in rd.__file__
own = rd.read_images("my_images.npz")
model = build((1, 12, 12), 3)
rd.load_weights(model, "my.safetensors")
curve = rd.sweep(model.eval(), own.images, own.labels, rd.SweepSettings("l2", step_growth=1.2, max_steps=30))
said = curve.predictions[0]
print(rd.mutual_information(own.labels, said, permutations=9).value_bits, curve.column("plain_snr_db")[-1])
print(rd.audit(model, own.images, own.labels, masking_images=20).write("csv", draw=False))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A virtual environment with this environment's packages and the wheel in place of the checkout; its bin folder."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    build = "from setuptools import build_meta; build_meta.build_wheel('..')"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    shutil.rmtree(source)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    packages = next((folder / "venv").glob("lib/*/site-packages"))
    # Path entries of this file are searched after the wheel, and what they say themselves is not followed.
    (packages / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    install = [
        uv.find_uv_bin(),
        "pip",
        "install",
        "--offline",
        "--no-deps",
        "--python",
        folder / "venv/bin/python",
        wheel,
    ]
    subprocess.run(install, check=True, capture_output=True)
    return folder / "venv/bin"


def run(environment, folder, *command, **variables):
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    own |= {"OMP_NUM_THREADS": "1", "PATH": f"{environment}{os.pathsep}{os.environ['PATH']}"} | variables
    return subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, env=own)


def done(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_from_an_empty_folder_to_a_page(environment, tmp_path):
    done(run(environment, tmp_path, "rate-distortion", "init"))
    done(run(environment, tmp_path, "python", "-c", USE))
    arguments = ["--model", "my_networks:build", "--weights", "my.safetensors", "--data", "my_images.npz"]
    done(run(environment, tmp_path, "rate-distortion", "audit", *arguments))
    assert "<svg" in (tmp_path / "audit/audit.html").read_text()
    outside = run(environment, tmp_path, "rate-distortion", "studies")
    assert outside.returncode == 1
    assert outside.stderr.count("\n") == 1
    inside = "import rate_distortion, pathlib; print(pathlib.Path(rate_distortion.__file__).parent)"
    package = Path(done(run(environment, tmp_path, "python", "-c", inside)).strip())
    assert environment.parent in package.parents
    for name in ("py.typed", "claims.yaml", "claims.schema.yaml", "page/templates/page.html", "own_audit/audit.html"):
        assert (package / name).is_file(), name


def test_the_core_needs_none_of_the_extras(environment, tmp_path):
    core = tmp_path / "core"
    core.mkdir()
    (core / "sitecustomize.py").write_text(ONLY_THE_CORE.replace("{OPTIONAL}", repr(OPTIONAL)))
    done(run(environment, tmp_path, "rate-distortion", "init"))
    done(run(environment, tmp_path, "python", "-c", USE))
    assert "curves.csv" in done(run(environment, tmp_path, "python", "-c", CORE, PYTHONPATH=str(core)))
    arguments = ["--model", "my_networks:build", "--weights", "my.safetensors", "--data", "my_images.npz", "--quiet"]
    refused = run(environment, tmp_path, "rate-distortion", "audit", *arguments, PYTHONPATH=str(core))
    assert refused.returncode == 1
    assert "pip install 'rate-distortion[page]', or pass --csv-only" in refused.stderr
    done(run(environment, tmp_path, "rate-distortion", "audit", *arguments, "--csv-only", PYTHONPATH=str(core)))
