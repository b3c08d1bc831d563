"""What a reader, a cluster and a later change of a setting rely on in every rule."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULE = re.compile(r"^( *)(?:rule|checkpoint)(?: (\w+))?:\n((?:\1 +.*\n|\s*\n)+)", re.MULTILINE)
SEVERAL_RUNS = re.compile(r"targets\.(pack|perceptron)_files\(")
"""Outputs of a job that makes the files of several runs: a list of paths, of which the script takes what it needs."""
RULE_FILES = sorted((ROOT / "workflow/rules").glob("*.smk"))


def rules():
    for path in RULE_FILES:
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
    for name in ("log", "conda"):
        assert section(body, name), name
    for name in ("input", "output"):
        first = section(body, name)
        assert not first or re.match(r"\w+=|\*\*[\w.]+|unpack\(", first) or SEVERAL_RUNS.match(first), first


@pytest.mark.parametrize("body", list(rules()))
def test_a_script_reads_no_setting_but_those_of_its_rule(body):
    script = re.search(r'"\.\./scripts/(\w+)\.py"', body)[1]
    text = (ROOT / f"workflow/scripts/{script}.py").read_text()
    assert ("snakemake.config" in text) == (script == "download")  # a file is right whichever mirror it came from
    if "snakemake.params" in text:
        assert section(body, "params")
    taken = set(re.findall(r"(?:snakemake\.)?params\.(\w+)", text)) - {"items"}
    assert taken <= set(re.findall(r"^\s*(\w+)=", section(body, "params"), re.MULTILINE))


def test_what_is_short_runs_where_snakemake_runs_and_a_job_says_what_it_needs():
    text = "".join(path.read_text() for path in RULE_FILES)
    blocks = re.findall(r"^localrules:\n((?:    \w+,\n)+)", text, re.MULTILINE)
    local = {name.strip() for block in blocks for name in block.split(",")} - {""}
    inherited = re.findall(r"^use rule \w+ as (\w+) with:\n((?: +.*\n)+)", text, re.MULTILINE)
    bodies = {name: body for _, name, body in RULE.findall(text) if name} | dict(inherited)
    assert local <= set(bodies)
    for name, body in bodies.items():
        assert ("asks(" in section(body, "resources")) == (name not in local), name


def test_which_rules_there_are_does_not_depend_on_what_was_typed():
    assert not [path.name for path in [ROOT / "Snakefile", *RULE_FILES] if "argv" in path.read_text()]


def test_rules_and_scripts_stay_short():
    assert len((ROOT / "Snakefile").read_text().splitlines()) <= 80
    assert max(len(path.read_text().splitlines()) for path in RULE_FILES) <= 150
    assert max(len(path.read_text().splitlines()) for path in (ROOT / "workflow/scripts").glob("*.py")) <= 40
