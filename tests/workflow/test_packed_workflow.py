"""A study that trains its networks in packs: the same files, one seed still a target, and what is trained anew."""

import json

import pytest

TABLE = "results/packed/tables/table1.md"
RUN = "results/packed/runs/cnn/{}/batch32/{}/seed{}"
MINE = {
    "extends": "ci",
    "title": "Tiny digits, trained in packs",
    "packing": "batch_size",
    "data": {"train_images": 150, "validation_images": 50, "test_images": 100},
    "calibration": {"batch_size": 32, "weight_decays": [0.0, 0.1]},
    "tables": {"table1": {"A": [32], "B": [32], "C": None}, "table2": None, "further_models": None},
    **dict.fromkeys(("perturbations", "reverse_transmission", "attack_audit", "sensitivity", "ablations")),
    "figures": {"figure4": {"model": "B", "batch_size": 32}, "figure5": None},
}
PACKS = {"train_packed_packed_batch32": 1, "train_packed_packed_batch32-calibrated": 1}


def trainings(jobs):
    return {rule: count for rule, count in jobs.items() if rule.startswith("train")}


def add_study(project):
    project.edit_config(lambda config: config["studies"].update(packed=MINE))


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A copy of the project in which Table 1 of a packed study has been made."""
    from project_copy import copy_project

    project = copy_project(tmp_path_factory.mktemp("packed") / "project")
    add_study(project)
    project.snakemake("--cores", "1", TABLE)
    return project


def test_packs_write_the_files_of_single_runs(packed):
    """A, whose calibration B waits for, and B are different packs; a pack has both kinds of labels and all seeds."""
    for model, labels in (("A", "original"), ("A-decay-0.1", "random"), ("B", "original")):
        folder = packed.folder / RUN.format(model, labels, 2)
        names = {"metrics.json", "history.csv", "predictions.npz", "provenance.json", "model.safetensors"}
        assert {path.name for path in folder.iterdir()} == names
    pack = json.loads((packed.folder / RUN.format("A", "random", 1) / "provenance.json").read_text())["pack"]
    assert (pack["networks"], pack["back_end"]) == (8, "separate")
    assert not list((packed.folder / "results").rglob("resume*"))
    assert packed.planned_jobs(TABLE) == {}


def test_one_seed_of_a_pack_is_up_to_date_once_its_pack_is(packed):
    assert packed.planned_jobs(RUN.format("B", "original", 2) + "/metrics.json") == {}


def test_a_changed_model_trains_its_pack_and_no_other(packed):
    try:
        packed.edit_config(lambda config: config["studies"]["packed"].update(models={"B": {"width": 0.5}}))
        assert trainings(packed.planned_jobs(TABLE)) == {"train_packed_packed_batch32-width_0.5-calibrated": 1}
    finally:
        add_study(packed)


def test_a_named_run_trains_its_pack_and_your_own_model_is_trained_alone(project):
    add_study(project)
    assert trainings(project.planned_jobs(TABLE)) == PACKS
    named = project.planned_jobs(RUN.format("A", "original", 1) + "/metrics.json")
    assert trainings(named) == {"train_packed_packed_batch32": 1}
    (project.folder / "mine.py").write_text("def build(image_shape, classes): ...\n")
    own = {"A": {"factory": "mine:build"}, "B": {"base": None, "weight_decay": 0.01}}
    models = own | dict.fromkeys(("C", "A-BN", "B+", "A+"))
    project.edit_config(
        lambda config: config["studies"]["packed"].update(models=models, calibration=None, transfer=None)
    )
    assert trainings(project.planned_jobs(TABLE)) == {"train": 2, "train_packed_packed_batch32": 1}
