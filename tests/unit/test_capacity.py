"""The chance bound, collapse, and the smallest sufficient weight decay."""

import json

import numpy as np
import pandas
import pytest
from scipy import stats

from rate_distortion import tables
from rate_distortion.analysis import capacity
from rate_distortion.analysis.capacity import CapacityError

STUDY = {"name": "mine", "title": "Mine", "seeds": [1, 2], "epochs": 20, "learning_rate": 0.05}
DATA = {"description": "images", "images": {"train": 1000, "validation": 100, "test": 500}, "train_on": "train"}


def grid(random_accuracy, validation_accuracy, seeds=(1, 2)):
    """Runs of a calibration from lambda -> accuracy on random labels, and lambda -> validation accuracy."""
    rows = []
    for value in random_accuracy:
        for seed in seeds:
            common = {
                "weight_decay": value,
                "seed": seed,
                "epochs": 20,
                "batch_size": 32,
                "train_images": 1000,
                "train_majority_percent": 12.0,
                "train_prediction_information": 0.1,
            }
            rows.append(common | {"labels": "random", "train_accuracy": random_accuracy[value] + 0.1 * seed})
            rows.append(
                common
                | {
                    "labels": "original",
                    "train_accuracy": 99.0,
                    "validation_accuracy": validation_accuracy[value] + 0.1 * seed,
                    "test_accuracy": 70.0 + seed,
                }
            )
    return pandas.DataFrame(rows)


RANDOM = {0.0: 95.0, 0.01: 60.0, 0.03: 12.0, 0.1: 11.5}
VALIDATION = {0.0: 60.0, 0.01: 70.0, 0.03: 65.0, 0.1: 30.0}


def test_the_bound_on_svhn_is_about_ten_and_a_half_percent_and_covers_a_constant_predictor():
    """10.20 %, which the paper calls 0.20 % above chance, is what a constant predictor scores."""
    labels = np.random.default_rng(0).integers(0, 10, 73_257)
    majority = 100 * np.bincount(labels).max() / len(labels)
    assert majority == pytest.approx(10.2, abs=0.1)
    assert majority < capacity.chance_bound_percent(majority, 73_257) == pytest.approx(10.5, abs=0.15)


def test_a_predictor_without_information_rarely_beats_the_bound():
    rng, beaten = np.random.default_rng(1), 0
    for _ in range(500):
        labels = rng.integers(0, 10, 1000)
        accuracy = 100 * (labels == rng.integers(0, 10, 1000)).mean()
        beaten += accuracy > capacity.chance_bound_percent(100 * np.bincount(labels).max() / 1000, 1000)
    assert beaten <= stats.binom.ppf(0.999, 500, stats.norm.sf(3))


def test_smallest_sufficient_weight_decay_and_the_best_on_validation_images():
    choice = capacity.choose_weight_decay(grid(RANDOM, VALIDATION), "A")
    assert (choice.weight_decay, choice.best_validation_weight_decay, choice.same) == (0.03, 0.01, False)
    assert (choice.epochs, choice.steps, choice.seeds) == (20, 20 * 32, 2)
    assert choice.test_accuracy_percent == pytest.approx(71.5)


def test_one_seed_that_fits_is_enough_to_rule_a_value_out():
    runs = grid(RANDOM, VALIDATION)
    runs.loc[(runs["weight_decay"] == 0.03) & (runs["labels"] == "random") & (runs["seed"] == 2), "train_accuracy"] = (
        30.0
    )
    assert capacity.choose_weight_decay(runs, "A").weight_decay == 0.1


def test_test_accuracy_has_no_part_in_the_choice():
    runs = grid(RANDOM, VALIDATION)
    changed = runs.assign(test_accuracy=np.linspace(0, 100, len(runs)))
    first, second = (capacity.choose_weight_decay(frame, "A") for frame in (runs, changed))
    assert (first.weight_decay, first.best_validation_weight_decay) == (
        second.weight_decay,
        second.best_validation_weight_decay,
    )


def test_no_sufficient_value_is_said_and_stops_a_model_that_needs_one(tmp_path):
    choice = capacity.choose_weight_decay(grid({0.0: 95.0, 0.01: 60.0}, VALIDATION), "A")
    assert choice.weight_decay is None
    path = tmp_path / "weight_decay.json"
    path.write_text(json.dumps(capacity.choice_record(choice)))
    with pytest.raises(CapacityError, match=r"within 20 epochs; add larger values to calibration\.weight_decays"):
        capacity.calibrated_weight_decay(path)
    assert any("No λ of the grid is sufficient" in note for note in tables.choice_notes(choice))


def test_the_choice_is_read_back(tmp_path):
    path = tmp_path / "weight_decay.json"
    path.write_text(json.dumps(capacity.choice_record(capacity.choose_weight_decay(grid(RANDOM, VALIDATION), "A"))))
    assert capacity.calibrated_weight_decay(path) == capacity.read_choice(path).weight_decay == 0.03


def test_both_kinds_of_labels_are_needed():
    runs = grid(RANDOM, VALIDATION)
    with pytest.raises(CapacityError, match="random and on original"):
        capacity.choose_weight_decay(runs[(runs["labels"] == "random") | (runs["weight_decay"] < 0.1)], "A")


def test_the_table_marks_both_values():
    runs = grid(RANDOM, VALIDATION)
    table = tables.weight_decay(runs, capacity.choose_weight_decay(runs, "A"), STUDY, DATA)
    marks = dict(zip(table.shown.frame()["λ"], table.shown.frame()["choice"], strict=True))
    assert marks == {"0": "", "0.01": "best validation", "0.03": "smallest sufficient", "0.1": ""}
    assert list(table.shown.frame()["seeds that fit random labels"]) == ["2 of 2", "2 of 2", "0 of 2", "0 of 2"]
    assert "640 steps at batch size 32" in table.markdown()


def test_a_grid_of_which_nothing_fits_random_labels_says_nothing():
    runs = grid(dict.fromkeys(RANDOM, 12.0), VALIDATION)
    runs.loc[runs["labels"] == "original", "train_accuracy"] = 31.0
    text = tables.weight_decay(runs, capacity.choose_weight_decay(runs, "A"), STUDY, DATA).markdown()
    assert "Caution: with the smallest λ of the grid, 0, random labels are not fitted either" in text
    assert "on the original ones is 31.0 %" in text
    enough = grid(RANDOM, VALIDATION)
    assert (
        "Caution" not in tables.weight_decay(enough, capacity.choose_weight_decay(enough, "A"), STUDY, DATA).markdown()
    )


def test_collapse_is_one_predicted_class():
    runs = pandas.DataFrame({"train_predicted_classes": [1, 2, 10]})
    assert list(capacity.is_collapsed(runs)) == [True, False, False]
