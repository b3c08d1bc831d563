"""Ten lines suffice: a file of images and a network, and everything else by default."""

import csv
import os
import shutil

import numpy as np
import pytest
import yaml

from project_copy import Project

NETWORK = """
from torch import nn


def build(image_shape, classes):
    channels, height, width = image_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, classes))
"""
STUDY = """
studies:
  mine:
    extends: own
    data: {file: my_images.npz}
    models: {mine: {factory: "my_networks:build"}}
"""


@pytest.fixture
def own(project):
    """The three files of a user's own, beside the Snakefile."""
    generator = np.random.default_rng(0)
    labels = np.arange(200) % 3
    images = generator.integers(0, 120, (200, 12, 12), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 100
    np.savez(project.folder / "my_images.npz", images=images, labels=labels.astype(np.uint8))
    (project.folder / "my_networks.py").write_text(NETWORK)
    (project.folder / "my_study.yaml").write_text(STUDY)
    return project


def test_ten_lines_are_a_whole_study(own):
    assert len(STUDY.split()) < 20
    jobs = own.planned_jobs("--configfile", "my_study.yaml", "--", "mine")
    assert {"table", "long_table", "choose_weight_decay", "probe", "audit_attacks", "figure", "page"} <= set(jobs)
    assert not {"describe_network", "transfer", "train_bottleneck", "animated_figure"} & set(jobs)


def test_its_first_table_is_made_and_its_settings_are_on_record(own):
    own.snakemake("--configfile", "my_study.yaml", "--cores", "2", "--", *(
        f"results/mine/{name}" for name in ("tables/table1.csv", "config.yaml")
    ))  # fmt: skip
    with (own.folder / "results/mine/tables/table1.csv").open() as stream:
        accuracy = [float(row["mean"]) for row in csv.DictReader(stream) if row["quantity"] == "test_accuracy_percent"]
    assert accuracy[0] > 90
    config = yaml.safe_load((own.folder / "results/mine/config.yaml").read_text())
    assert config["title"] == "mine"
    assert config["data"] == {
        "dataset": "arrays", "file": "my_images.npz", "seed": 0, "train_on": "train", "validation_images": 16,
    }  # fmt: skip
    assert config["perturbations"]["images"] == 40


def test_parts_are_switched_by_name(own):
    study = yaml.safe_load(STUDY)
    study["studies"]["mine"]["parts"] = ["table1", "perturbations"]
    (own.folder / "my_study.yaml").write_text(yaml.safe_dump(study))
    jobs = own.planned_jobs("--configfile", "my_study.yaml", "--", "mine")
    assert {"table", "long_table", "probe"} <= set(jobs)
    assert not {"choose_weight_decay", "audit_attacks", "describe_network", "transfer"} & set(jobs)


def test_numbers_on_the_command_line_are_numbers(own):
    change = "studies={mine: {seeds: [7, 8], data: {test_images: 30}, training: {learning_rate: 0.02}}}"
    target = "results/mine/runs/cnn/mine/batch64/original/seed7/metrics.json"
    arguments = ("--configfile", "my_study.yaml", "--config", change)
    assert own.planned_jobs(*arguments, "--", target) == {"prepare_data": 1, "train": 1}
    own.snakemake("--cores", "1", *arguments, "--", "results/mine/config.yaml")
    config = yaml.safe_load((own.folder / "results/mine/config.yaml").read_text())
    assert (config["seeds"], config["training"]["learning_rate"]) == ([7, 8], 0.02)
    refused = own.snakemake("-n", *arguments[:-1], "studies={mine: {seeds: [07, 8]}}", "--", "mine", check=False)
    assert (
        "--config studies, line 1, column 17: YAML reads 07 as a number to the base 8"
        in refused.stdout + refused.stderr
    )


def test_a_study_is_made_where_its_files_are_and_anew_when_one_is_replaced_by_an_older_one(own, tmp_path):
    elsewhere = Project(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    for name in ("my_images.npz", "my_networks.py", "my_study.yaml"):
        shutil.move(own.folder / name, elsewhere.folder)
    target = "results/mine/tables/table1.md"
    arguments = ("-s", str(own.folder / "Snakefile"), "--configfile", "my_study.yaml", "--", target)
    elsewhere.snakemake("--cores", "2", *arguments)
    assert (elsewhere.folder / target).exists()
    assert not (own.folder / "results").exists()
    assert elsewhere.planned_jobs(*arguments) == {}
    images = elsewhere.folder / "my_images.npz"
    arrays = dict(np.load(images))
    np.savez(images, images=arrays["images"], labels=arrays["labels"][::-1])
    os.utime(images, (1e9, 1e9))
    assert elsewhere.planned_jobs(*arguments)["prepare_data"] == 1


def test_a_base_is_not_built(own):
    result = own.snakemake("-n", "--config", "study=own", check=False)
    assert "study is 'own', which is there to be extended; allowed: paper, demo, ci," in result.stdout + result.stderr


def test_a_file_that_is_not_there_is_said_for_its_study_and_for_no_other(own):
    (own.folder / "my_images.npz").unlink()
    result = own.snakemake("-n", "--configfile", "my_study.yaml", "--", "mine", check=False)
    assert "Data error: studies.mine.data.file: my_images.npz does not exist" in result.stdout + result.stderr
    assert own.planned_jobs("--configfile", "my_study.yaml", "--", "results/ci/plan.md") == {"write_plan": 1}
