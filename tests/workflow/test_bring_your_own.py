"""A study on a user's own arrays with a user's own network, from nothing to tables and curves."""

import copy
import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

PAGE = (Path(__file__).parents[2] / "docs/bring-your-own.md").read_text()
FILES = dict(re.findall(r"```(?:python|yaml)\n# (\w+\.\w+)\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = "".join(re.findall(r"\n\n```\n(.*?)```", PAGE, re.DOTALL)).splitlines()
STARTER = Path(__file__).parents[2] / "src/rate_distortion/starter"

WHOLE = """
studies:
  my_study:
    title: "Stripes, with a network of my own"
    seeds: [1, 2]
    device: cpu
    threads: 1
    data: {dataset: arrays, file: my_images.npz, seed: 0, validation_images: 60, train_on: train}
    whitening: {method: zca, colour: grey, per_image_mean: false, components: 60, epsilon: 0.0, output_range: none}
    training:
      epochs: 10
      learning_rate: 0.05
      evaluation_batch_size: 1000
      history_points: 4
      checkpoint_seconds: 10
      precision: float32
      random_labels: fixed
    models:
      mine: {factory: "my_networks:build"}               # module:function, imported from beside the Snakefile
      decayed: {base: mine, weight_decay: calibrated}    # the one that the calibration finds
    calibration: {model: mine, batch_size: 16, weight_decays: [0.0, 0.3, 1.0]}
    perturbations:
      cells: {mine: [16], decayed: [16]}
      images: 60
      step_size: 0.01
      step_growth: 1.2
      max_steps: 60
      lowest_snr_db: 1.0
      points: 20
      smallest_sigma: 0.001
      largest_sigma: 10.0
      permutations: 20
      batch_size: 1000
    reverse_transmission: {direction: l2, step_size: 0.01, sigma: 0.1, confidence: 0.9995, max_steps: 300}
    tables:
      table1: {mine: [16], decayed: [16]}
      table2: {mine: [16], decayed: [16]}
    figures:
      figure4: {model: decayed, batch_size: 16}
      figure5: {a: decayed, batch_size: 16}
"""
"""A study that extends none, so that it has what it says and nothing else."""

STUDY = yaml.safe_load(WHOLE)["studies"]["my_study"]


def write_images(folder, classes=3, side=12, channels=1, images=150):
    rng = np.random.default_rng(0)
    labels = np.arange(images) % classes
    shape = (images, side, side) if channels == 1 else (images, side, side, channels)
    pixels = rng.integers(0, 120, shape, dtype=np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        image[label % side] += 100
    np.savez(folder / "my_images.npz", images=pixels, labels=labels)


def write_study(project, change=None):
    study = copy.deepcopy(STUDY)
    if change:
        change(study)
    (project.folder / "my_networks.py").write_text(FILES["my_networks.py"])
    (project.folder / "my_study.yaml").write_text(yaml.safe_dump({"studies": {"my_study": study}}, sort_keys=False))


def planned(project, target="my_study"):
    return project.planned_jobs("--configfile", "my_study.yaml", "--", target)


@pytest.mark.slow
def test_the_page_works_as_it_stands_there(project):
    """From files and commands of the page to tables, figures, records and the audit of a trained model."""
    assert {"make_my_images.py", "my_networks.py", "my_study.yaml", "save_my_weights.py"} <= set(FILES)
    assert "snakemake --configfile my_study.yaml --cores 2 mine" in COMMANDS
    for name, text in FILES.items():
        (project.folder / name).write_text(text)
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": programs, "PYTHONPATH": str(project.folder / "src")}
    for command in COMMANDS:
        command = re.sub("^rate-distortion ", "python -m rate_distortion.command_line ", command)
        subprocess.run(command, shell=True, check=True, cwd=project.folder, env=environment)
    results = project.folder / "results/mine"
    with (results / "tables/table1.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["model"] for row in rows} == {"mine"}
    accuracy = {row["quantity"]: float(row["mean"]) for row in rows}
    assert accuracy["test_accuracy_percent"] > 60, "stripes are easy to tell apart"
    with (results / "tables/fault_tolerance.csv").open() as stream:
        assert {row["noise"] for row in csv.DictReader(stream)} == {"l2", "linf", "gaussian"}
    promised = {"table1", "table2", "weight_decay", "fault_tolerance", "reverse_transmission", "attack_audit"}
    assert promised <= {path.stem for path in (results / "tables").iterdir()}
    assert {"figure4", "figure5"} <= {path.stem for path in (results / "figures").iterdir()}
    page = (results / "tables/table1.md").read_text()
    assert "the user's own images" in page
    assert "printed" not in page
    assert "9 read as 6" not in (results / "tables/fault_tolerance.md").read_text()
    assert (results / "paper.html").stat().st_size > 1e5
    assert (project.folder / "my_report.html").stat().st_size > 1e5
    assert (results / "records.zip").stat().st_size < 1e6
    trained = json.loads(
        (project.folder / "results/trained/runs/cnn/mine/batch64/original/seed1/metrics.json").read_text()
    )
    assert trained["epochs"] == 0
    assert (project.folder / "results/trained/tables/fault_tolerance.md").exists()
    written = {"audit.html", "curves.csv", "curves.svg", "curves.png", "summary.csv", "masking.csv"}
    assert {path.name for path in (project.folder / "audit").iterdir()} == written


def test_the_files_that_init_writes_are_those_of_the_page():
    for name in ("my_study.yaml", "my_networks.py"):
        assert (STARTER / name).read_text() == f"# {name}\n{FILES[name]}"


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "side", "channels"), [(2, 8, 3), (26, 16, 1)])
def test_any_number_of_classes_grey_or_rgb(project, classes, side, channels):
    """One model, one batch size, one seed, no weight decay, one table: the smallest study."""
    write_images(project.folder, classes, side, channels, images=312)

    def smallest(study):
        study["models"] = {"mine": study["models"]["mine"]}
        study["seeds"] = [1]
        study["tables"] = {"table1": {"mine": [16]}}
        study["whitening"] |= {"colour": "rgb" if channels == 3 else "grey", "components": 30}
        study["perturbations"] |= {"cells": {"mine": [16]}, "images": 40, "max_steps": 20, "points": 5}
        study["reverse_transmission"]["max_steps"] = 20
        study["figures"] = {"figure4": {"model": "mine", "batch_size": 16}, "figure5": {"a": "mine", "batch_size": 16}}
        del study["calibration"]

    write_study(project, smallest)
    project.snakemake("--configfile", "my_study.yaml", "--cores", "2", "my_study")
    results = project.folder / "results/my_study"
    record = json.loads((results / "data/arrays/dataset.json").read_text())
    assert (record["classes"], record["image_shape"]) == (classes, [channels, side, side])
    with (results / "figures/figure5.csv").open() as stream:
        bits = [float(row["information_bits"]) for row in csv.DictReader(stream)]
    assert 0 < max(bits) <= np.log2(classes) + 1e-9
    with (results / "tables/reverse_transmission.csv").open() as stream:
        assert [row["model"] for row in csv.DictReader(stream)] == ["mine"]


def test_images_too_small_for_the_papers_network_are_refused_before_any_job_with_the_smallest_size(project):
    write_images(project.folder)
    write_study(project, lambda study: study["models"].update(mine={}))
    result = project.snakemake("--configfile", "my_study.yaml", "--cores", "1", "my_study", check=False)
    assert result.returncode != 0
    sentence = (
        "studies.my_study.data has images of 12x12 pixels, and the CNN of Table 3 (models.mine) takes at least 28x28"
    )
    assert sentence in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert not (project.folder / "results").exists()


def test_images_of_28_pixels_are_large_enough_for_the_papers_network(project):
    write_images(project.folder, images=312, side=28)
    write_study(project, lambda study: study["models"].update(mine={}))
    assert planned(project, "results/my_study/tables/table3.md") == {
        "prepare_data": 1,
        "describe_network": 1,
        "table": 1,
    }


def test_a_users_code_is_imported_by_the_training_alone_and_only_the_module_that_is_named(project):
    """A study file can name code; reading the study, and planning it, runs none of it."""
    write_images(project.folder, images=312)
    write_study(project)
    network = project.folder / "my_networks.py"
    network.write_text("open('my_networks was imported', 'w').close()\n" + network.read_text())
    (project.folder / "not_named.py").write_text("open('not_named was imported', 'w').close()\n")
    marks = [project.folder / f"{name} was imported" for name in ("my_networks", "not_named")]
    target = "results/my_study/runs/cnn/mine/batch16/original/seed1/provenance.json"
    arguments = ("--configfile", "my_study.yaml", "--cores", "1")
    project.snakemake("-n", *arguments, "my_study")
    project.snakemake(*arguments, "results/my_study/data/arrays/dataset.json")
    assert [mark.exists() for mark in marks] == [False, False]
    project.snakemake(*arguments, target)
    assert [mark.exists() for mark in marks] == [True, False]
    record = json.loads((project.folder / target).read_text())["model_factory"]
    assert record == {"file": network.name, "sha256": hashlib.sha256(network.read_bytes()).hexdigest()}


def test_a_run_is_made_again_once_the_users_code_has_changed(project):
    write_images(project.folder, images=312)
    write_study(project)
    network = project.folder / "my_networks.py"
    target = "results/my_study/runs/cnn/mine/batch16/original/seed1/metrics.json"
    project.snakemake("--configfile", "my_study.yaml", "--cores", "1", target)
    network.touch()
    assert planned(project, target) == {}
    network.write_text(network.read_text().replace("64", "32"))
    assert planned(project, target) == {"train": 1}


def test_a_file_that_does_not_fit_is_refused_before_any_job(project):
    write_study(project)
    labels = np.repeat([0, 2], 75)
    np.savez(project.folder / "my_images.npz", images=np.zeros((150, 12, 12), np.uint8), labels=labels)
    result = project.snakemake("--configfile", "my_study.yaml", "--cores", "1", "my_study", check=False)
    assert result.returncode != 0
    printed = result.stdout + result.stderr
    assert "labels in my_images.npz goes up to 2 and no image has the label 1" in printed
    assert "Traceback" not in printed
    assert "Job stats" not in printed
