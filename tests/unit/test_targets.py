"""What rules read, write and depend on: functions of a study and plain wildcard values."""

import functools
import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from rate_distortion import studies
from rate_distortion.datasets import DatasetError
from rate_distortion.studies import Cell, Study, StudyError, shown, targets

ROOT = Path(__file__).parents[2]
CONFIG = (ROOT / "config.yaml").read_text()
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())


@functools.cache
def load(change=None):
    config = yaml.safe_load(CONFIG)
    if change:
        change(config)
    return studies.load(config, SCHEMA)


def test_a_calibrated_model_waits_for_the_choice_and_another_does_not():
    demo, paper = load()["demo"], load()["paper"]
    assert targets.chosen_weight_decay(demo, "B") == ["results/demo/weight_decay.json"]
    assert targets.chosen_weight_decay(demo, "A") == []
    assert targets.chosen_weight_decay(paper, "B") == []


def test_a_run_reads_the_data_of_its_models_preprocessing_and_extra_images_where_it_has_them():
    small = load()["small"]
    folder = "results/small/data/house_numbers"
    assert targets.trained_data(small, "A", 128, 1) == [f"{folder}/{name}" for name in targets.DATA_FILES]
    assert f"{folder}-minmax/dataset.json" in targets.run_data(small, "C-range_minmax")
    assert f"{folder}/extra.json" in targets.run_data(small, "B+")
    assert targets.whitening_settings(small, "house_numbers-minmax")["output_range"] == "minmax"
    assert targets.whitening_settings(small, "house_numbers")["output_range"] == "none"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda demo: targets.trained_data(demo, "A", 128, 3), "study demo has no seed 3; it has 1, 2"),
        (lambda demo: targets.trained_data(demo, "D", 128, 1), "study demo has no model 'D'"),
        (lambda demo: targets.trained_data(demo, "A", 16, 1), "study demo has no batch size 16"),
        (lambda demo: targets.transferred_run(demo, "B+", 5), "study demo has no seed 5; it has 1, 2"),
        (lambda demo: targets.digit_source_files(demo, "mnist-3-versus-7"), "has no digits mnist-3-versus-7"),
        (lambda demo: targets.bottleneck_sources(demo, "none", 7), "sphere_packing.seeds lacks 7; it has 1, 2"),
    ],
)
def test_what_no_study_has_is_refused(ask, message):
    with pytest.raises(StudyError, match=message):
        ask(load()["demo"])


def leave_out(config):
    parts = (
        "transfer",
        "multilayer_perceptron",
        "sphere_packing",
        "perturbations",
        "reverse_transmission",
        "attack_audit",
    )
    config["studies"]["lean"] = {"extends": "demo", "figures": {"figure5": None}} | dict.fromkeys(parts)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda lean: targets.transfer_settings(lean), "study lean has no transfer; add it"),
        (
            lambda lean: targets.perceptron_settings(lean, "relu", "none", "original"),
            "lean has no multilayer_perceptron",
        ),
        (lambda lean: targets.bottleneck_sources(lean, "none", 1), "study lean has no sphere_packing; add it"),
        (lambda lean: targets.probe_settings(lean, "A"), "study lean has no perturbations; add them"),
    ],
)
def test_a_part_that_a_study_leaves_out_is_named(ask, message):
    with pytest.raises(StudyError, match=message):
        ask(load(leave_out)["lean"])


def test_sources_are_downloads_or_the_users_file_or_nothing():
    assert targets.source_files(load()["demo"]) == []
    assert len(targets.source_files(load()["paper"])) == 2
    assert len(targets.extra_source_files(load()["paper"], "svhn")) == 1
    assert targets.extra_source_files(load()["demo"], "house_numbers") == []
    brought = Study("svhn_part", load()["svhn_part"].config, "colleague.zip")
    assert targets.source_files(brought) == ["data/svhn_part.npz"], "records come without the images"
    assert len(targets.bottleneck_sources(load()["paper"], "batch", 1)) == 4


def test_a_damaged_file_of_the_users_is_refused_before_any_job(tmp_path):
    file = tmp_path / "mine.npz"
    file.write_bytes(b"not an archive")
    study = load()["svhn_part"]
    config = study.config | {"data": study.config["data"] | {"file": str(file)}}
    with pytest.raises(DatasetError, match=r"studies.mine.data.file: .*mine.npz"):
        targets.source_files(Study("mine", config))


def test_the_runs_of_a_pack_depend_on_all_its_members_and_are_all_its_files():
    ci = load(lambda config: config["studies"]["ci"].update(packing="batch_size"))["ci"]
    pack = ci.pack_of(Cell("A", 128, "original"))
    assert targets.run_settings(ci, "A", 128, "original") == targets.pack_settings(ci, pack)
    files = targets.pack_files(ci, pack)
    assert set(targets.run_files(ci, "A", 128, "original", 2)) <= set(files)
    assert len(files) == len(set(files)) == len(pack.cells) * 2 * len(targets.RUN_FILES)
    alone = targets.run_settings(load()["ci"], "A", 128, "original")
    assert alone == targets.pack_settings(ci, pack)["A/original"]


def test_a_changed_network_of_the_users_is_a_changed_setting(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    demo = load()["demo"]
    models = demo.config["models"] | {"mine": {"factory": "mine:build"}}
    study = Study("demo", demo.config | {"models": models})
    (tmp_path / "mine.py").write_text("raise SystemExit('planning must not run this')\n")
    first = targets.run_settings(study, "mine", 128, "original")
    (tmp_path / "mine.py").write_text("# changed\n")
    assert first["network_sha256"] != targets.run_settings(study, "mine", 128, "original")["network_sha256"]


def test_which_cells_and_models_are_shown_is_no_setting_of_a_probe_or_transfer():
    demo = load()["demo"]
    assert "cells" not in targets.probe_settings(demo, "A")["perturbations"]
    assert not {"models", "batch_size"} & set(targets.transfer_settings(demo))


def test_training_and_probe_are_one_cluster_job_where_there_is_a_probe():
    demo = load()["demo"]
    assert targets.run_group(demo, "B", 128, "original") == "run"
    assert targets.run_group(demo, "B", 64, "original") is None


def test_studies_on_the_processor_ask_for_no_gpu_and_those_that_may_use_one_for_one():
    demo, paper = load()["demo"], load()["paper"]
    assert (targets.gpus(demo), targets.gpus(paper)) == (0, 1)
    assert targets.gpus(paper, "multilayer_perceptron") == targets.gpus(paper, "sphere_packing") == 0
    assert (targets.threads(paper), targets.threads(paper, "multilayer_perceptron")) == (4, 1)


def test_the_real_svhn_is_read_where_it_lies_and_by_networks_of_its_stand_in_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert targets.real_svhn_files(load()["demo"]) == []
    file = tmp_path / "data/svhn/test_32x32.mat"
    file.parent.mkdir(parents=True)
    file.touch()
    assert targets.real_svhn_files(load()["demo"]) == ["data/svhn/test_32x32.mat"]
    assert targets.real_svhn_files(load()["paper"]) == []


def test_all_seeds_of_a_perceptron_are_the_files_of_one_job():
    files = targets.perceptron_files(load()["paper"])
    assert len(files) == len(set(files)) == 5 * len(targets.PERCEPTRON_FILES)
    assert all("{activation}" in path and "{seed}" not in path for path in files)


def test_claims_rest_on_the_records_of_the_parts_that_the_study_has():
    whole, lean = (targets.claim_records(study) for study in (load()["demo"], load(leave_out)["lean"]))
    assert all(whole.values())
    left_out = ("sweeps", "reverse_transmission", "gradient_snr", "information_plane", "sphere_packing", "transfer")
    assert not any(lean[kind] for kind in left_out)
    assert lean["metrics"] == [path.replace("demo", "lean") for path in whole["metrics"]]
    assert len(lean["datasets"]) == 1


def test_a_network_of_a_users_own_has_no_say_in_the_papers_claims_whatever_it_is_called():
    def of_own(config):
        config["studies"]["mine"] = {
            "data": {"dataset": "digits"},
            "models": {
                "A": {"factory": "own_networks:plain"},
                "B": {"weights": "b.safetensors"},
                "C": {"normalization": "batch"},
            },
            "parts": ["table1", "perturbations", "calibration"],
        }

    study = load(of_own)["mine"]
    paths = targets.claim_records(study)
    assert {path.split("/")[4] for path in paths["metrics"]} == {"C"}
    assert {path.split("/")[4] for path in paths["sweeps"]} == {"C"}
    assert paths["weight_decay"] == []
    summary = shown.summary(study)
    assert {"A", "B"} <= set(summary["own_networks"])
    assert "C" not in summary["own_networks"]


def test_a_users_file_is_known_by_its_content_whatever_its_date(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_networks.py").write_text("def build(image_shape, classes): ...")
    study = Study("mine", {"data": {"dataset": "arrays", "file": "mine.npz"}})
    images = np.zeros((4, 8, 8), np.uint8)

    def saved(labels, date):
        np.savez("mine.npz", images=images, labels=labels)
        os.utime("mine.npz", (date, date))
        return targets.data_settings(study)

    before = saved([0, 1, 0, 1], 2e9)
    assert saved([1, 0, 1, 0], 1e9) != before
    assert saved([0, 1, 0, 1], 1.5e9) == before
    assert "content" not in targets.data_settings(load()["svhn_part"])


def test_a_users_folder_is_known_by_its_files(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"x")
    study = Study("mine", {"data": {"dataset": "arrays", "file": str(tmp_path)}})
    before = targets.data_settings(study)
    assert targets.data_settings(study) == before
    os.utime(tmp_path / "cat/1.png", (1e9, 1e9))
    assert targets.data_settings(study) != before
