"""The catalogue of tables and figures: what studies promise, and what makers are called with."""

import functools
import importlib
import inspect
from pathlib import Path

import pytest
import yaml

from rate_distortion import studies
from rate_distortion.studies import StudyError, promises, shown
from rate_distortion.studies.result import NOT_PASSED
from rate_distortion.studies.results import FIGURES, RESULTS, SECTIONS, TABLES

ROOT = Path(__file__).parents[2]
CONFIG = (ROOT / "config.yaml").read_text()
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())


@functools.cache
def load(change=None):
    config = yaml.safe_load(CONFIG)
    if change:
        change(config)
    return studies.load(config, SCHEMA)


def promised(study):
    return {result.place for result in promises.promised(study)}


def test_every_result_has_one_place_and_a_section_of_the_page():
    places = [result.place for result in RESULTS]
    assert len(places) == len(set(places)) == len(TABLES) + len(FIGURES)
    assert {result.section for result in RESULTS} == set(SECTIONS)


def test_studies_promise_everything_but_what_others_are_for():
    every, law = {result.place for result in RESULTS}, {"tables/capacity_law", "figures/capacity_law"}
    assert every - promised(load()["paper"]) == law | {"tables/sensitivity", "tables/ablations"}
    assert every - promised(load()["ci"]) == law
    assert promised(load()["capacity_law"]) == law | {"tables/table1", "figures/history", "tables/table3"}


def test_captions_say_that_weights_were_given_and_how_many_images_were_swept():
    def with_weights(config):
        network = {"factory": "own_networks:plain", "weights": "mine.safetensors"}
        parts = ["table1", "perturbations", "figure4", "figure5"]
        mine = {"data": {"dataset": "digits"}, "models": {"mine": network}, "parts": parts}
        config["studies"]["mine"] = mine | {"perturbations": {"images": 64}}

    study = load(with_weights)["mine"]
    captions = {result.name: result.caption(**result.settings(study)) for result in promises.promised(study)}
    assert "given weights, not trained here" in captions["table1"]
    assert "given weights, not trained here" in captions["figure4"]
    assert "epochs" not in captions["table1"] + captions["figure4"]
    assert "The first 64 test images; mean" in captions["figure5"]
    assert "history" not in captions, "given weights have no training curves"


def test_given_weights_are_said_of_no_network_that_is_trained_for_another_part():
    def with_weights(config):
        config["studies"]["mine"] = {
            "extends": "demo",
            "models": {"mine": {"factory": "own_networks:plain", "weights": "mine.safetensors"}},
            "tables": {"table1": {"mine": [128]}},
        }

    study = load(with_weights)["mine"]
    assert "mine: given weights" in shown.trained(shown.summary(study))
    perceptrons = shown.perceptron_summary(study)
    assert (
        shown.trained(perceptrons) == f"{perceptrons['epochs']} epochs at learning rate {perceptrons['learning_rate']}"
    )


def test_the_calibrations_networks_are_trained_without_the_validation_images():
    study = load(
        lambda config: config["studies"].update(mine={"extends": "ci", "data": {"train_on": "train+validation"}})
    )
    assert shown.calibration_summary(study["mine"])["train_on"] == "train"


def without(*paths):
    def change(config):
        mine = {"extends": "ci"}
        for path in paths:
            target, *rest = path.split(".")
            mine[target] = mine.get(target, {}) | {rest[0]: None} if rest else None
        config["studies"]["mine"] = mine

    return change


LEFT_OUT = {
    ("transfer",): {"figures/figure7", "tables/transfer"},
    ("sphere_packing",): {"figures/figure6", "tables/sphere_packing"},
    ("multilayer_perceptron",): {
        "figures/figure2", "figures/figure3", "tables/gradient_snr", "tables/information_plane",
    },
    ("attack_audit",): {"tables/attack_audit"},
    ("sensitivity",): {"tables/sensitivity"},
    ("ablations",): {"tables/ablations"},
    ("tables.table2",): {"tables/table2"},
    ("tables.further_models",): {"tables/further_models"},
    ("figures.figure1",): {"figures/figure1"},
    ("figures.figure4",): {"figures/figure4"},
    ("figures.figure5",): {"figures/figure5", "figures/figure5_batch_norm"},
    ("perturbations", "reverse_transmission", "attack_audit", "figures.figure5"): {
        "tables/fault_tolerance", "tables/reverse_transmission", "tables/attack_audit", "figures/figure5",
        "figures/figure5_batch_norm",
    },
}  # fmt: skip


@pytest.mark.parametrize("paths", LEFT_OUT, ids="+".join)
def test_what_a_study_leaves_out_is_left_out_and_nothing_else(paths):
    mine = load(without(*paths))["mine"]
    assert promised(load()["ci"]) - promised(mine) == LEFT_OUT[paths]
    for result in RESULTS:
        if result.place in LEFT_OUT[paths]:
            with pytest.raises(StudyError, match=f"study mine leaves out {result.place} "):
                result.inputs(mine)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        (name, result)
        for name in ("ci", "paper", "capacity_law")
        for result in RESULTS
        if result.make and result.promised(load()[name])
    ],
    ids=lambda value: getattr(value, "place", value),
)
def test_a_maker_takes_the_inputs_and_settings_of_its_entry(name, result):
    study = load()[name]
    module, _, function = result.make.partition(":")
    maker = getattr(importlib.import_module(f"rate_distortion.{module}"), function)
    inputs = {key: paths for key, paths in result.inputs(study).items() if key not in NOT_PASSED}
    inspect.signature(maker).bind(**inputs, **result.settings(study))
    assert all(paths for key, paths in inputs.items() if key != "choice")


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.place)
def test_a_caption_says_which_study_and_is_one_paragraph(result):
    study = load()["ci" if result.promised(load()["ci"]) else "capacity_law"]
    caption = result.caption_of(study)
    assert f"**{study.name}**" in caption
    assert "\n" not in caption
    assert not set("{}") & set(caption), "a name that was not replaced by its value"


def test_every_promised_file_is_inside_the_studys_folder_once():
    for study in load().values():
        files = promises.study_targets(study)
        assert len(files) == len(set(files))
        assert all(path.startswith(f"results/{study.name}/") for path in files)


def test_an_overview_counts_the_trainings_that_a_result_rests_on():
    ci = load()["ci"]
    records = promises.overview_records(ci)
    assert records["figure1"] == records["table3"] == []
    assert len(records["table1"]) == 3 * 2 * 2
    assert {path.split("/")[5] for path in records["figure7"]} == {"batch128"}
    assert all("runs/mlp" in path for path in records["figure2"])


def test_studies_are_compared_by_the_tables_that_both_may_have():
    assert [Path(path).stem for path in promises.compared_tables(load()["ci"])] == [
        "table1", "table2", "further_models", "fault_tolerance",
    ]  # fmt: skip
