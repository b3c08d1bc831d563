"""How comparable a study is with the paper, and what that lets it judge."""

import re

import pytest
from claim_records import LEDGER, PAIR, ROOT, STREET, assessed, loaded_studies, printed_cells, table1_paths, write_json

from rate_distortion.claims import assessment, comparability


def words_of(study, calibrated=None):
    sizes = comparability.counted_sizes(comparability.study_sizes(study), [STREET, PAIR], calibrated)
    return {part: comparability.comparability(own, LEDGER.parts[part].sizes) for part, own in sizes.items()}


def test_the_studies_are_as_comparable_as_they_are():
    loaded = loaded_studies()
    words = words_of(loaded["paper"])
    assert {part for part, word in words.items() if word != "full"} == {"follow_up"}, words
    assert words.keys() >= {"table1", "table2", "calibration", "further_models", "figure5", "gradient_snr"}
    for part, word in words_of(loaded["demo"]).items():
        if part not in ("architecture", "arithmetic"):
            assert word == "other data", part


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"models": {"B": {"epochs": 60}}}, "table1 table2 further_models figure5 perturbations"),
        (
            {"models": {"A": {"learning_rate": 0.1}, "B": {"learning_rate": 0.01}}},
            "table1 table2 further_models calibration figure5",
        ),
        ({"models": {"C": {"width": 0.25}}}, "table1 table2 figure5"),
        ({"models": {"B": {"preprocessing": "grey"}}}, "table1 table2 further_models perturbations figure5 transfer"),
        ({"models": {"C": {"preprocessing": "rgb"}}}, "table1 table2 figure5"),
        (
            {"models": {"A": {"data": "train+extra"}, "B": {"data": "train"}}},
            "table1 table2 further_models calibration figure5",
        ),
        ({"models": {"B": {"weight_decay": 0.1}}}, "table1 table2 further_models perturbations figure5 transfer"),
        ({"models": {"B+": {"factory": "my:network"}}}, "further_models perturbations transfer"),
        ({"models": {"A-BN": {"normalization": "none"}}}, "further_models"),
        ({"models": {"B+": {"epochs": 5}}}, "further_models perturbations transfer"),
        ({"models": {"mine": {"base": "B", "epochs": 3}}, "tables": {"table1": {"mine": [128]}}}, ""),
        # what the paper leaves open: another reading than the documented default is not comparable in full
        (
            {"models": {"B": {"decayed_tensors": "weights"}}},
            "table1 table2 further_models perturbations figure5 transfer",
        ),
        ({"models": {"C": {"initialization": "he_normal"}}}, "table1 table2 figure5"),
        ({"models": {"C": {"batch_norm_evaluation": "population"}}}, "table1 table2 figure5"),
        ({"models": {"B+": {"preprocessing": "minmax"}}}, "further_models perturbations transfer"),
        (
            {"training": {"random_labels": "per_epoch"}},
            "table1 table2 further_models calibration perturbations figure5 transfer",
        ),
        ({"reverse_transmission": {"step_unit": "standard_deviation"}}, "perturbations"),
        ({"transfer": {"tuned": "head"}}, "transfer"),
        ({"sphere_packing": {"optimizer": "adam"}}, "sphere_packing"),
        ({"sphere_packing": {"information_samples": "minibatch"}}, "sphere_packing"),
        ({"multilayer_perceptron": {"hidden_widths": [7, 7, 7, 7, 7]}}, "gradient_snr information_plane"),
        ({"data": {"train_on": "train"}}, "table1 table2 further_models perturbations figure5 transfer"),
        ({"data": {"extra_images": 1000}}, "further_models perturbations transfer"),
        ({"calibration": {"batch_size": 32}}, "calibration"),
        ({"transfer": {"target_whitening": "source"}}, "transfer"),
        ({"transfer": {"test_images": 100}}, "transfer"),
        ({"transfer": {"steps": 1}}, "transfer"),
        ({"transfer": {"rotation_degrees": 45}}, "transfer"),
        ({"reverse_transmission": {"confidence": 0.9}}, "perturbations"),
        ({"perturbations": {"lowest_snr_db": 20}, "attack_audit": {"at_db": [20]}}, "figure5"),
        ({"perturbations": {"lowest_snr_db": 0.5}}, ""),
        ({"perturbations": {"max_steps": 10}}, "figure5"),
        ({"sphere_packing": {"encoder_widths": [64, 32]}}, "sphere_packing"),
        ({"sphere_packing": {"decoder_widths": [10]}}, "sphere_packing"),
        ({"sphere_packing": {"batch_norm_momentum": 0.5}}, "sphere_packing"),
        ({"sphere_packing": {"noise_log_variance": 0}}, "sphere_packing"),
        ({"sphere_packing": {"image_size": 14}}, "sphere_packing"),
        ({"multilayer_perceptron": {"hidden_widths": [20]}}, "gradient_snr information_plane"),
        ({"multilayer_perceptron": {"gradient_snr": {"epochs": 100}}}, "gradient_snr"),
        ({"multilayer_perceptron": {"gradient_snr": {"ratio": "saxe"}}}, "gradient_snr"),
        ({"multilayer_perceptron": {"information_plane": {"bins": 10}}}, "information_plane"),
        ({"multilayer_perceptron": {"information_plane": {"activation": "tanh"}}}, "information_plane"),
    ],
)
def test_what_the_networks_of_a_part_train_with_decides_on_its_comparability(change, parts):
    words = words_of(loaded_studies(change=change)["changed"])
    assert {part for part, word in words.items() if word == "reduced"} - {"follow_up"} == set(parts.split()), words
    assert "other data" not in words.values()


@pytest.mark.parametrize(("found", "word"), [(0.01, "full"), (0.03, "reduced"), (None, "reduced")])
def test_a_calibrated_weight_decay_is_compared_once_it_is_found(found, word):
    study = loaded_studies(change={"models": {"B": {"weight_decay": "calibrated"}}})["changed"]
    assert words_of(study, found)["table1"] == word


def test_reference_points_of_the_follow_up_are_shown_and_neither_judged_nor_counted(tmp_path):
    sizes = comparability.counted_sizes(comparability.study_sizes(loaded_studies()["paper"]), [STREET, PAIR])
    run = {"model": "B+", "batch_size": 128, "labels": "original", "loss_gap": 1.0, "generalization_gap": 4.5}
    run |= {"test_accuracy": 90.4}
    paths = [
        write_json(tmp_path / f"{seed}/metrics.json", run | {"seed": seed, "prediction_information": 2.4 + seed / 100})
        for seed in range(1, 6)
    ]
    found = assessed(paths, sizes)
    clean = found["S-clean-decay"]
    assert (clean.measured.mean, clean.verdict) == (pytest.approx(2.43), "undecided")
    reason = "this is reduced (B+: whitening zca instead of per-pixel standard deviation)"
    assert clean.reason == f"compared at the follow-up's data and size only; {reason}"
    words = assessment.counted(list(found.values()))
    counted = [claim for claim in LEDGER.claims if claim.of_the_paper and claim.rests_on == "experiments"]
    assert words.startswith(f"{len(counted)} claims for experiments: ")
    assert "Apart from these, counts of parameters: 5 undecided; the paper's own arithmetic: 14 reproduced" in words
    assert words.endswith("(4 reference points from its authors' follow-up are not counted)")
    text = (ROOT / "docs/methods.md").read_text()
    assert f"{sum(claim.of_the_paper for claim in LEDGER.claims)} claims with what is measured" in text


def test_a_reduced_part_says_in_what(tmp_path):
    study = loaded_studies(change={"models": {"B": {"epochs": 20}}})["changed"]
    sizes = comparability.counted_sizes(comparability.study_sizes(study), [STREET, PAIR])
    reason = assessed(table1_paths(tmp_path, printed_cells()), sizes)["T1-B128-test"].reason
    assert reason.endswith("this is reduced (B: epochs 20 instead of 500)")


def test_images_of_another_shape_or_of_other_classes_say_nothing_of_table_3(tmp_path):
    change = {"data": {"dataset": "arrays", "file": "own.npz", "extra_images": None}, "transfer": None}
    change["models"] = {"B+": None, "A+": None}
    change["tables"] = {"further_models": None}
    change["perturbations"] = {"cells": {"B+": None}}
    change["figures"] = {"figure4": None}
    study = loaded_studies(change=change)["changed"]
    own = {"dataset": "arrays", "classes": 2, "image_shape": [1, 28, 28], "train_on": "train"}
    own["images"] = {"train": 400, "validation": 50, "test": 100}
    sizes = comparability.counted_sizes(comparability.study_sizes(study), [own])
    assert sizes["table1"]["networks"]["A"]["train_images"] == 450
    path = tmp_path / "network.csv"
    rows = "".join(f"{block},512,2\n" for block in ("Conv1", "Conv2", "Conv3", "Fc"))
    path.write_text(f"block,kernel_parameters,bias_parameters\n{rows}")
    fc = assessed([], sizes, network=[path])["T3-Fc"]
    assert (fc.comparability, fc.verdict) == ("other data", "undecided")


def test_a_study_says_that_its_weight_decay_was_calibrated():
    sizes = comparability.study_sizes(loaded_studies()["demo"])["table2"]["networks"]
    assert {name: own["calibrated"] for name, own in sizes.items() if name in "ABC"} == {
        "A": False,
        "B": True,
        "C": True,
    }


WITHOUT_EFFECT = {"seeds", "seed", "threads", "validation_images", "weight_decays", "epochs", "smallest_sigma", "cells"}
"""Silent choices that change no number in expectation, or that another rule looks at: epochs of B+, ends of paths."""

RENAMED = {"batch_size": "attacked_together", "learning_rate": "tuning_rate"}


def test_every_choice_where_the_paper_is_silent_counts_for_comparability():
    """config.yaml marks them; each is among what the ledger compares, or changes nothing."""
    silent = re.findall(r"^ +(\w+): .*# .*silent: see", (ROOT / "config.yaml").read_text(), re.MULTILINE)
    compared = set()
    for part in LEDGER.parts.values():
        for sizes in (part.sizes, *part.sizes.get("networks", {}).values()):
            compared |= set(sizes)
    missing = {key for key in silent if RENAMED.get(key, key) not in compared} - WITHOUT_EFFECT
    assert not missing - {"A-BN", "B+", "A", "figure5", "max_steps", "largest_sigma"}, missing
