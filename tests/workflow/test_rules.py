"""Every rule is written in full: what a reader, a cluster and a later change of a setting rely on."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULE = re.compile(r"^( *)(?:rule|checkpoint)(?: (\w+))?:\n((?:\1 +.*\n|\s*\n)+)", re.MULTILINE)
SEVERAL_RUNS = re.compile(r"cell_files\(|pack_files\(|\[\n")
"""Outputs of a job that makes the files of several runs: a list of paths, of which the scripts take what they need."""


def rules():
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for number, (_, name, body) in enumerate(RULE.findall(path.read_text())):
            if "script:" in body:
                yield pytest.param(body, id=f"{path.stem}-{name or number}")


def section(body, name):
    """What stands under a keyword of a rule."""
    found = re.search(rf"^( +){name}:(.*\n(?:\1 +.*\n|\1[\])].*\n)*)", body, re.MULTILINE)
    return found[2].strip() if found else ""


@pytest.mark.parametrize("body", list(rules()))
def test_a_rule_says_what_it_needs_and_names_what_it_makes(body):
    assert body.lstrip().startswith('"""')
    for name in ("log", "conda", "threads", "resources"):
        assert section(body, name), name
    assert {"mem_mb", "runtime"} <= set(re.findall(r"(\w+)=", section(body, "resources")))
    for name in ("input", "output"):
        first = section(body, name)
        assert not first or re.match(r"\w+=|\*\*\w+|unpack\(", first) or SEVERAL_RUNS.match(first), first


@pytest.mark.parametrize("body", list(rules()))
def test_a_script_reads_no_setting_but_those_of_its_rule(body):
    script = re.search(r'"\.\./scripts/(\w+)\.py"', body)[1]
    text = (ROOT / f"workflow/scripts/{script}.py").read_text()
    assert ("snakemake.config" in text) == (script == "download")  # a file is right whichever mirror it came from
    if "snakemake.params" in text:
        assert section(body, "params")
    taken = set(re.findall(r"(?:snakemake\.)?params\.(\w+)", text))
    assert taken <= set(re.findall(r"^\s*(\w+)=", section(body, "params"), re.MULTILINE))
