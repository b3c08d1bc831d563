"""The environment in its three forms: pyproject.toml, the hash-locked requirements, and the conda file."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from rate_distortion.studies.results import RESULTS

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
    asked = requirements("workflow", "page", "test", "docs", "lint")
    assert conda == {CONDA_NAMES.get(name, name): asked[name] for name in asked.keys() - NOT_ON_CONDA}


def test_every_locked_package_has_hashes_and_no_host_is_named():
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK[LOCK.index("\n", LOCK.rindex("#    make lock")) :].strip())
    assert len(blocks) > 100
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in LOCK
    assert "--index" not in LOCK


def test_everything_that_is_asked_for_is_locked():
    locked = set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE))
    assert set(requirements(*PROJECT["optional-dependencies"])) <= locked


def test_the_library_does_not_import_snakemake():
    for path in (ROOT / "src/rate_distortion").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) snakemake", path.read_text(), re.MULTILINE), path


TORCH_JOBS = "audit_attacks describe_network probe train transfer"
"""What trains, opens or counts a network. No other job imports torch: what it needs, one of these has written."""

HEAVY = {"torch", "torchvision", "sklearn", "scipy", "pandas", "matplotlib", "plotly", "jsonschema", "seaborn"}
ALLOWED = {
    frozenset(): "download example_images pack_records unpack_records",
    frozenset({"jsonschema"}): "figure table describe_study",
    frozenset({"scipy"}): "prepare",
    frozenset({"pandas", "jsonschema"}): "choose_weight_decay overview compare",
    frozenset({"pandas", "jsonschema", "scipy"}): "claims",
    frozenset({"pandas", "jsonschema", "scipy", "plotly"}): "page partial",
}
"""Scripts by what their jobs import before they begin, since start-up costs every job its seconds."""

OF_A_RESULT = {
    "table": {"pandas", "jsonschema"},
    "figure": {"pandas", "matplotlib", "scipy", "jsonschema"},
}
"""What the job of a table or figure may import: its entry of the catalogue says which module makes it."""


def imports_of(script):
    tree = ast.parse((ROOT / f"workflow/scripts/{script}.py").read_text())
    return "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))


def imported(statements, allowed):
    """Name of each group of statements -> the heavy packages that are there after it and are not allowed."""
    program = "import sys\n" + "".join(
        f"{text}\nprint({name!r}, *sorted({HEAVY - allowed!r} & set(sys.modules)))\n"
        for name, text in statements.items()
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name: found for name, *found in map(str.split, result.stdout.splitlines())}


def test_every_script_is_known_by_what_it_imports():
    light = [script for scripts in ALLOWED.values() for script in scripts.split()]
    scripts = sorted(path.stem for path in (ROOT / "workflow/scripts").glob("*.py"))
    assert sorted([*light, *TORCH_JOBS.split()]) == scripts


@pytest.mark.parametrize("allowed", ALLOWED, ids=lambda allowed: " ".join(sorted(allowed)) or "nothing")
def test_a_job_imports_only_what_it_needs(allowed):
    scripts = ALLOWED[allowed].split()
    assert imported({name: imports_of(name) for name in scripts}, allowed) == {script: [] for script in scripts}


@pytest.mark.parametrize("kind", OF_A_RESULT)
def test_the_maker_of_a_table_or_figure_imports_only_what_it_needs(kind):
    makers = {
        result.name: f"import rate_distortion.{result.make.partition(':')[0]}"
        for result in RESULTS
        if result.kind == kind and result.make
    }
    assert imported({"script": imports_of(kind), **makers}, OF_A_RESULT[kind]) == {
        name: [] for name in ("script", *makers)
    }
