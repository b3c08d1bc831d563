"""What a study need not say, and what it then has."""

import copy
from pathlib import Path

import jsonschema
import pytest
import yaml

from rate_distortion import studies
from rate_distortion.studies import defaults
from rate_distortion.studies.configuration import STRICT_VALIDATOR

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
SHORT = {"data": {"dataset": "digits"}, "models": {"A": {}, "B": {"base": "A", "weight_decay": 0.01}}}


def load(**study):
    config = copy.deepcopy(CONFIG)
    config["studies"]["mine"] = copy.deepcopy(study)
    return studies.load(config, SCHEMA)["mine"].config


def nodes(node):
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from nodes(child)


def test_every_default_is_allowed():
    for node in nodes(SCHEMA["$defs"]):
        if "default" in node:
            bare = {key: value for key, value in node.items() if key != "default"}
            errors = STRICT_VALIDATOR({**bare, "$defs": SCHEMA["$defs"]}).iter_errors(node["default"])
            assert [error for error in errors if error.validator not in ("required", "minProperties")] == [], node
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_only_what_nobody_else_can_know_is_demanded():
    required = {key for node in nodes(SCHEMA["$defs"]) for key in node.get("required", [])}
    assert required == {"data", "models", "choices", "dataset"}


@pytest.mark.parametrize(
    "part", sorted(set(defaults.PARTS) - {"sensitivity", "ablations", "transfer", "further_models"})
)
def test_a_part_that_is_switched_on_needs_no_settings(part):
    assert load(**SHORT, parts=sorted({"perturbations", part} - {"reverse_transmission"}))


def test_a_short_study_has_one_table_and_no_more():
    config = load(**SHORT)
    assert config["title"] == "mine"
    assert config["tables"] == {"table1": {"A": [64], "B": [64]}}
    assert config["data"]["validation_images"] == 129
    assert config["figures"] == {}
    assert "components" not in config["whitening"]
    assert not set(config) & {"perturbations", "calibration", "batch_size", "parts"}


def test_cells_have_the_studys_batch_size():
    config = load(**SHORT, batch_size=16, parts=["table2", "perturbations", "figure5", "calibration"])
    assert config["tables"]["table2"] == config["perturbations"]["cells"] == {"A": [16], "B": [16]}
    assert config["figures"]["figure5"] == {"a": "A", "b": "B", "batch_size": 16}
    assert (config["calibration"]["model"], config["calibration"]["batch_size"]) == ("A", 16)


def test_a_law_that_says_nothing_halves_the_images_and_keeps_the_studys_steps():
    config = load(**SHORT, batch_size=16, parts=["capacity_law"], training={"epochs": 10})
    law = config["capacity_law"]
    images = 1297 - config["data"]["validation_images"]
    assert law["train_images"] == [images // 8, images // 4, images // 2, images]
    assert (law["model"], law["batch_size"], law["presentations"]) == ("A", 16, 10 * images)
    assert 0 in law["weight_decays"]


def test_what_is_written_stands():
    config = load(
        **SHORT, whitening={"method": "zca"}, perturbations={"images": 7, "cells": {"B": [32]}}, figures={"figure4": {}}
    )
    assert config["whitening"]["components"] == 400
    assert config["perturbations"]["images"] == 7
    assert config["figures"]["figure4"] == {"model": "B", "batch_size": 32}


def test_parts_keep_what_the_extended_study_says_of_them_and_drop_the_rest():
    config = load(extends="ci", parts=["perturbations", "calibration"])
    ci = studies.load(CONFIG, SCHEMA)["ci"].config
    assert config["perturbations"] == ci["perturbations"]
    assert config["calibration"] == ci["calibration"]
    assert set(config["tables"]) == {"table1"}
    assert not set(config) & {"sphere_packing", "transfer", "attack_audit", "sensitivity"}


def test_what_shows_perturbations_goes_with_them():
    config = load(extends="ci", perturbations=None)
    assert not {"reverse_transmission", "attack_audit"} & set(config)
    assert "figure5" not in config["figures"]


def test_pixels_as_they_are_need_one_key_whatever_the_study_extends():
    own = {"data": {"dataset": "digits"}, "models": {"A": {}}, "whitening": {"method": "pixels"}}
    as_they_are = {"method": "pixels", "colour": "rgb", "per_image_mean": False, "output_range": "none"}
    for base in ({}, {"extends": "own"}, {"extends": "ci", "data": {}}):
        assert load(**own | base)["whitening"] == as_they_are
    assert load(**own | {"whitening": {"method": "pixels", "colour": "grey"}})["whitening"]["colour"] == "grey"
    config = copy.deepcopy(CONFIG)
    config["studies"]["mine"] = {"extends": "ci", "preprocessings": {"raw": {"method": "pixels"}}}
    assert studies.load(config, SCHEMA)["mine"].whitening("raw") == as_they_are


def test_a_preprocessing_that_whitens_has_its_components():
    own = SHORT | {"models": {"A": {}, "W": {"preprocessing": "white"}}, "preprocessings": {"white": {"method": "zca"}}}
    assert load(**own)["whitening"]["components"] == 400


def test_a_file_means_arrays():
    assert load(data={"file": "nowhere.npz"}, models={"A": {}})["data"]["dataset"] == "arrays"


def test_shipped_studies_are_as_they_say():
    """A default that reached them would change settings, and with these what is trained again."""
    for name, study in studies.load(CONFIG, SCHEMA).items():
        said, link = set(), name
        while link:
            said |= set(CONFIG["studies"][link])
            link = CONFIG["studies"][link].get("extends")
        assert set(study.config) <= said
