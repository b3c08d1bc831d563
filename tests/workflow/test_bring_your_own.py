"""A study on a user's own arrays with a user's own network, from nothing to tables and curves."""

import csv
import json

import numpy as np
import pytest
import yaml

NETWORK = """
from torch import nn


def build(image_shape, classes):
    channels, height, width = image_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, 32), nn.ReLU(), nn.Linear(32, classes))
"""

STUDY = {
    "extends": "ci",
    "title": "Mine",
    "data": {
        "dataset": "arrays",
        "file": "my_images.npz",
        "train_images": None,
        "test_images": None,
        "extra_images": None,
        "validation_images": 20,
    },
    "whitening": {"components": 40},
    "models": {
        "A": {"factory": "my_networks:build"},
        "B": {"weight_decay": 0.01},
        **dict.fromkeys(("C", "A-BN", "B+", "A+")),
    },
    "calibration": None,
    "sensitivity": None,
    "ablations": None,
    "attack_audit": None,
    "multilayer_perceptron": None,
    "perturbations": {"images": 20, "cells": {"C": None, "B+": None}},
    "tables": {"table1": {"C": None}, "table2": {"C": None}, "further_models": None},
    "figures": {"figure5": None},
}


@pytest.fixture
def own_study(project):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 150)
    images = rng.integers(0, 120, (150, 12, 12), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 100
    np.savez(project.folder / "my_images.npz", images=images, labels=labels)
    (project.folder / "my_networks.py").write_text(NETWORK)
    (project.folder / "my_study.yaml").write_text(yaml.safe_dump({"studies": {"my_study": STUDY}}))
    return project


def test_own_arrays_and_own_network_give_tables_and_curves(own_study):
    own_study.snakemake("--configfile", "my_study.yaml", "--cores", "2", "my_study")
    results = own_study.folder / "results/my_study"
    record = json.loads((results / "data/arrays/dataset.json").read_text())
    assert (record["classes"], record["image_shape"]) == (3, [1, 12, 12])
    with (results / "tables/table1.csv").open() as stream:
        assert {row["model"] for row in csv.DictReader(stream)} == {"A", "B"}
    with (results / "tables/fault_tolerance.csv").open() as stream:
        assert {row["noise"] for row in csv.DictReader(stream)} == {"l2", "linf", "gaussian"}
    assert not (results / "tables/sensitivity.csv").exists()
    assert "the user's own images" in (results / "tables/table1.md").read_text()


def test_images_too_small_for_the_papers_network_are_refused_with_the_smallest_size(own_study):
    study = STUDY | {"models": STUDY["models"] | {"A": {"factory": None}}}
    (own_study.folder / "my_study.yaml").write_text(yaml.safe_dump({"studies": {"my_study": study}}))
    run = "results/my_study/runs/cnn/A/batch128/original/seed1"
    result = own_study.snakemake("--configfile", "my_study.yaml", "--cores", "1", f"{run}/metrics.json", check=False)
    assert result.returncode != 0
    assert "square images of at least 28x28" in result.stdout + result.stderr
