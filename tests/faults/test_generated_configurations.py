"""Configurations by the thousand: each is accepted and can be planned, or ends in one sentence; never a traceback or a hang.

A configuration is a shipped study, or a short one of a user's own, with up to four changes somewhere in it: other types, values
at and beyond every bound of the schema, unknown and missing keys, nulls, nesting, odd and huge text and numbers. Files are
such configurations as YAML with characters changed.
"""

import copy
import datetime
import string
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from snakemake.utils import update_config

from project_copy import copy_project
from rate_distortion import studies
from rate_distortion.datasets import DatasetError
from rate_distortion.studies import planning, reading
from rate_distortion.studies.configuration import StudyError

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())
OWN = {
    "extends": "own",
    "data": {"file": "FILE"},
    "models": {"mine": {"weight_decay": 0.01}, "other": {"base": "mine", "normalization": "batch"}},
}
BASE = {
    "abstract": True,
    "parts": ["table1", "table2", "calibration", "perturbations", "attack_audit", "figure4", "figure5"],
}
COMMON = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A user's images that fit."""
    path = tmp_path_factory.mktemp("images") / "mine.npz"
    generator = np.random.default_rng(0)
    np.savez(path, images=generator.integers(0, 256, (300, 32, 32), dtype=np.uint8), labels=np.arange(300) % 3)
    return str(path)


def definition(node):
    return SCHEMA["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def places(value, node, path=()):
    """(path, schema) of everything below a study that is there or may be."""
    node = definition(node)
    if not isinstance(value, dict):
        return
    for key, child in node.get("properties", {}).items():
        yield (*path, key), child
        yield from places(value.get(key), child, (*path, key))
    if isinstance(node.get("additionalProperties"), dict):
        for key in value:
            yield (*path, key), node["additionalProperties"]
            yield from places(value[key], node["additionalProperties"], (*path, key))


def at_its_bounds(node):
    """Values that the schema just allows, and just does not."""
    node = definition(node)
    values = list(node.get("enum", [])) + [node[key] for key in ("const", "default") if key in node]
    for bound in ("minimum", "exclusiveMinimum", "maximum"):
        if bound in node:
            values += [node[bound] + step for step in (-1, 0, 1)] + [float(node[bound]), -node[bound]]
    if node.get("type") == "array":
        values += [[value, value] for value in at_its_bounds(node.get("items", {}))[:3]]
        values += [[value] for value in at_its_bounds(node.get("items", {}))] + [[]]
    for other in node.get("anyOf", []):
        values += at_its_bounds(other)
    return values


TEXT = st.one_of(
    st.text(max_size=12),
    st.text(st.characters(codec=None), max_size=6),  # half characters too
    st.text(string.ascii_letters + "_-.+:/ ", min_size=1, max_size=12),
    st.sampled_from(["A", "B", "C", "A\n", "x" * 5000, "1e-2", "0,05", "yes", "calibrated", "ci", ".. raw:: html"]),
)
NUMBERS = st.one_of(
    st.integers(), st.integers(-3, 300), st.sampled_from([10**400, -(10**4000), 2**63, 2**64 - 1, 10**12]), st.floats()
)
OTHER = st.sampled_from([datetime.date(2019, 1, 1), b"bytes", (1, 2), 1j, True, False, None])
KEYS = st.one_of(TEXT, NUMBERS, OTHER)
ANYTHING = st.recursive(
    st.one_of(TEXT, NUMBERS, OTHER, st.just({1, 2})),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def configurations(draw):
    study = draw(st.sampled_from(["ci", "demo", "small", "paper", "own", "own"]))
    own = copy.deepcopy(OWN) if study == "own" else {"extends": study, "title": "Changed"}
    shipped = copy.deepcopy(SHIPPED["studies"] | {"own": BASE})
    merged = shipped[study] if study != "own" else copy.deepcopy(OWN)
    known = sorted(places(merged, {"$ref": "#/$defs/study"}), key=lambda place: place[0])
    for _ in range(draw(st.integers(1, 4))):
        path, node = draw(st.sampled_from(known))
        bounds = at_its_bounds(node)
        value = draw(st.one_of(ANYTHING, *([st.sampled_from(bounds)] * 2 if bounds else [])))
        key = draw(st.sampled_from([path[-1]] * 12 + [path[-1][:-1], path[-1].upper(), 5, None, True]))
        target = own
        for step in path[:-1]:
            if not isinstance(target.get(step), dict):
                target[step] = {}
            target = target[step]
        target[key] = value
    config = SHIPPED | {"study": "mine", "studies": shipped | {"mine": own}}
    if draw(st.integers(0, 9)) == 0:
        config[draw(st.sampled_from(["study", "records", "mirrors", "studies", "more"]))] = draw(ANYTHING)
    return config


def with_file(value, path):
    """The configuration with the user's images where it names them."""
    if isinstance(value, dict):
        return {key: with_file(item, path) for key, item in value.items()}
    return path if value == "FILE" else value


def accepted_or_refused(config):
    """None of an accepted configuration, which then can be planned, or the sentence that it is refused with."""
    try:
        loaded = studies.load(config, SCHEMA)
        for study in loaded.values():
            studies.check_feasible(study)
    except StudyError as error:
        sentence = str(error)
        assert sentence.isprintable(), repr(sentence)
        assert 20 < len(sentence) < 2500, sentence
        return sentence
    study = loaded["mine"] if "mine" in loaded else next(iter(loaded.values()))
    if study.config["data"].get("file") is None or Path(study.config["data"]["file"]).exists():
        try:
            assert planning.markdown(study)
        except DatasetError as error:  # a folder that holds no images: the job's sentence
            return str(error)
    return None


def check(config, file):
    accepted_or_refused(with_file(config, file))


@settings(max_examples=150, **COMMON)
@given(config=configurations())
def test_a_few_generated_configurations(config, file):
    check(config, file)


@pytest.mark.slow
@settings(max_examples=2500, **COMMON)
@given(config=configurations())
def test_thousands_of_generated_configurations(config, file):
    check(config, file)


TEXTS = [
    yaml.safe_dump({"studies": {"mine": OWN}}),
    'studies: {mine: {extends: ci, title: "a title", seeds: [1, 2]}}\n',
]
PIECES = st.one_of(
    st.text(max_size=4),
    st.sampled_from([*list("{[}]'\"#|>\t\0\ufeff\ud800~="), "&a ", "*a", "<<: *a", "? ", "- ", ": ", "!x ", "---\n"]),
    st.sampled_from(["010", "1:30", "2019-01-01", "0x1F", "1_000", "9" * 5000, ".nan", "null", "0,05", "studies:\n"]),
    st.sampled_from(["__use_yte__: true\n", "a: &a [*a]\n", "[" * 3000, "%YAML 9\n", "!!python/name:os.system "]),
)


@st.composite
def texts(draw):
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        position = draw(st.integers(0, len(text)))
        text = text[:position] + draw(PIECES) + text[position + draw(st.sampled_from([0, 0, 1, 5])) :]
    return text


def check_text(text, folder):
    path = folder / "study.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        content = reading.read(path)
    except StudyError as error:
        sentence = str(error)
        assert sentence.startswith(str(path))
        assert sentence.isprintable(), repr(sentence)
        return
    config = copy.deepcopy(SHIPPED)
    update_config(config, content)  # as Snakemake does
    config["studies"] = {**config["studies"], "own": BASE} if isinstance(config["studies"], dict) else config["studies"]
    accepted_or_refused(config)


@settings(max_examples=150, **COMMON)
@given(text=texts())
def test_a_few_generated_files(text, tmp_path_factory):
    check_text(text, tmp_path_factory.getbasetemp())


@pytest.mark.slow
@settings(max_examples=1000, **COMMON)
@given(text=texts())
def test_a_thousand_generated_files(text, tmp_path_factory):
    check_text(text, tmp_path_factory.getbasetemp())


@pytest.mark.slow
def test_snakemake_with_generated_files(tmp_path):
    """What Snakemake reads, merges and prints around it is no better or worse."""
    project = copy_project(tmp_path / "project")
    ended = []

    @settings(max_examples=36, **COMMON)
    @given(text=texts())
    def dry_run(text):
        (project.folder / "study.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
        command = ("-n", "--configfile", "study.yaml", "--", "results/ci/plan.md")
        result = project.snakemake(*command, check=False, timeout=120)
        assert "Traceback" not in result.stdout + result.stderr
        if result.returncode:
            assert result.stderr.strip().splitlines()[-1].startswith("Configuration error: "), result.stderr
        ended.append(result.returncode)

    dry_run()
    assert len(ended) >= 36
    assert {0, 1} == set(ended)
