"""What the figures draw."""

import numpy as np
import pandas
import pytest

from rate_distortion.figures import figure4
from rate_distortion.figures import style as figures
from rate_distortion.storage import files

IMAGES = np.random.default_rng(0).normal(size=(4, 1, 6, 6)).astype(np.float32)
EXAMPLES = {"images": IMAGES[[1, 0]], "labels": np.array([0, 1]), "places": np.array([1, 0])}  # of labels 1, 0, 0, 1
PROBABILITIES = np.array([[0.1, 0.8, 0.1], [0.6, 0.2, 0.2], [0.3, 0.3, 0.4], [0.9, 0.05, 0.05]])


def test_figure4_shows_the_first_image_of_each_class_and_what_the_model_says_of_it():
    rows = figures.figure4_rows(EXAMPLES, PROBABILITIES)
    shown = rows.drop_duplicates("label").set_index("label")
    assert list(shown["image"]) == [1, 0]
    assert list(shown["predicted_class"]) == [0, 1]
    assert list(shown["confidence_percent"]) == pytest.approx([60, 80])
    drawn = rows[rows["label"] == 1].sort_values(["row", "column"])["intensity"].to_numpy().reshape(6, 6)
    np.testing.assert_allclose(drawn, IMAGES[0, 0])


def test_figure4_adds_a_line_for_every_model_that_transmits_in_reverse():
    records = pandas.DataFrame({"label": [0, 1], "predicted": [0, 0], "confidence": [0.9996, 0.4], "steps": [120, 500]})
    rows = figures.figure4_rows(EXAMPLES, PROBABILITIES, {"B": (IMAGES[:2], records), "C": (IMAGES[2:], records)})
    reverse = rows[rows["part"] == "b"].drop_duplicates(["model", "label"])
    assert list(reverse["model"]) == ["B", "B", "C", "C"]
    assert list(reverse["steps"]) == [120, 500, 120, 500]


def test_figure4_has_a_line_for_every_batch_size_of_a_model(tmp_path):
    records = [{"label": 0, "predicted": 0, "confidence": 0.9996, "steps": 120, "reached": True}]
    reversed_runs = []
    for cell in ("B/batch128", "B/batch32", "C/batch128"):
        folder = tmp_path / cell / "original/seed1"
        files.write_arrays(folder / "reverse_transmission.npz", images=IMAGES[:1])
        files.write_rows(folder / "reverse_transmission.csv", records)
        reversed_runs.append(str(folder / "reverse_transmission.csv"))
    files.write_arrays(tmp_path / "examples.npz", **EXAMPLES)
    files.write_arrays(tmp_path / "predictions.npz", test_probabilities=PROBABILITIES)
    data = {"classes": 3, "images": {"train": 4}, "train_on": "train", "description": "images"}
    files.write_json(tmp_path / "dataset.json", data)
    inputs = {name: str(tmp_path / f"{name}.npz") for name in ("examples", "predictions")}
    settings = {"name": "mine", "epochs": 1, "seeds": [1]}, {"model": "B", "batch_size": 128}
    inputs |= {"dataset": str(tmp_path / "dataset.json"), "reverse_transmission": reversed_runs}
    drawn = figure4.make(**inputs, study=settings[0], shown=settings[1]).rows
    assert list(drawn.loc[drawn["part"] == "b", "model"].unique()) == ["B@128", "B@32", "C"]


def test_a_figure_is_the_same_file_every_time(tmp_path):
    rows = figures.figure4_rows(EXAMPLES, PROBABILITIES)
    for name in ("first", "second"):
        figures.figure4(rows, "Study mine", tmp_path / f"{name}.svg", tmp_path / f"{name}.png")
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
