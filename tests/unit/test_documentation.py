"""What the documentation shows works as it stands there."""

import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import yaml

from rate_distortion import studies
from rate_distortion.models.convolutional import ConvolutionalNetwork

ROOT = Path(__file__).parents[2]


def blocks(language):
    found = []
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        found += re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)
    return found


EXAMPLES = [block for block in blocks("python") if not re.match(r"# \w+\.py\n", block)]
"""A block that begins with a file's name is a file of the reader's; the workflow's tests write and use those."""


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_python_examples_run(number, tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    safetensors.torch.save_file(ConvolutionalNetwork().state_dict(), tmp_path / "weights.safetensors")
    np.savez(tmp_path / "crops.npz", images=rng.random((20, 32, 32)), labels=rng.integers(0, 10, 20))
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    exec(EXAMPLES[number], {})
    assert capsys.readouterr().out


def test_whole_study_files_pass_the_schema():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    files = [block for block in blocks("yaml") if re.match(r"(# \w+\.yaml\n)?studies:", block)]
    assert files
    for block in files:
        own = yaml.safe_load(block)["studies"]
        assert set(own) <= set(studies.load({**config, "studies": config["studies"] | own}, schema))


def test_every_command_names_a_study_or_path_that_exists():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for line in blocks(""):
        for study in re.findall(r"results/([a-z_]+)/", line):
            assert study in {*config["studies"], "my_study", "mine", "compare"}


def test_every_fault_has_its_test():
    rows = [line for line in (ROOT / "docs/faults.md").read_text().splitlines() if line.startswith("| ")]
    tests = [row.split(" | ")[-1].strip(" |`") for row in rows if not row.startswith(("| what happens", "| ---"))]
    assert len(tests) > 25
    for test in tests:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(), test
