"""Figures 1, 2 and 3 and their tables from synthetic records whose answers are known."""

import math

import numpy as np
import pandas
import pytest
from matplotlib.text import Text

from rate_distortion import datasets, tables
from rate_distortion.analysis import gradient_snr
from rate_distortion.analysis.information_plane import DEAD_LAYER
from rate_distortion.datasets import preparation, prepared_data
from rate_distortion.figures import figure1, figure2, figure3, style

STUDY = {
    "name": "mine",
    "title": "Mine",
    "seeds": [1, 2],
    "epochs": 1000,
    "learning_rate": 0.001,
    "batch_size": 100,
    "hidden_widths": [16, 8],
    "figure2_epochs": 20,
}
DATA = {
    "description": "3 versus 7 of something",
    "images": {"train": 400},
    "train_on": "train",
    "distinct_images": 390,
    "pixel_entropy_bits": 123.4,
}
PLANE = {"activation": "relu", "normalization": "none", "bins": 30, "samples": 2000}
EPOCHS = np.unique(np.rint(np.geomspace(1, 1000, 60)).astype(int))
LAYERS = (1, 2, 3)


def gradients(activation="relu", normalization="none", seeds=(1, 2)):
    """Ratios 10^(layer - 3) that fall as 1 / epoch to epoch 100 and are constant from there on; |w| is 2, m is 25."""
    rows = []
    for seed in seeds:
        for epoch in EPOCHS:
            for layer in LAYERS:
                level = 10.0 ** (layer - 3) * max(1.0, 100.0 / epoch) * (2.0 if seed == 2 else 1.0)
                rows.append(
                    {
                        "activation": activation,
                        "normalization": normalization,
                        "labels": "original",
                        "seed": seed,
                        "epoch": epoch,
                        "layer": layer,
                        "mean_norm": level * 3.0 * 2.0,
                        "deviation_norm": 3.0,
                        "weight_norm": 2.0,
                        "minibatches": 25,
                    }
                )
    return pandas.DataFrame(rows)


def planes(seeds=(1, 2)):
    """I(X; T) of layer l is 9 - l on random labels; on the original ones it falls by seed / 10 per layer after epoch 1."""
    rows = []
    for labels in ("original", "random"):
        for seed in seeds:
            for epoch in (0, 1, 10, 100):
                for layer in LAYERS:
                    for estimator in ("pooled_bins", "other"):
                        drop = seed * layer / 10 if labels == "original" and epoch > 1 else 0.0
                        rows.append(
                            {
                                "activation": "relu",
                                "normalization": "none",
                                "seed": seed,
                                "labels": labels,
                                "epoch": epoch,
                                "layer": layer,
                                "estimator": estimator,
                                "input_information_bits": 9.0 - layer - drop,
                                "label_information_bits": 1.0 if estimator == "pooled_bins" else 0.1 * layer,
                                "input_ceiling_bits": 9.0,
                                "label_ceiling_bits": 1.0,
                                "label_floor_bits": 0.3,
                                "effective_bins": 30,
                                "samples": 512,
                                "reason": "",
                            }
                        )
    return pandas.DataFrame(rows)


def cell(table, **key):
    rows = table.tidy
    for column, value in key.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1, key
    return rows.iloc[0]


def words_in(draw, *arguments):
    """What a figure says, in the order in which it is drawn."""
    with style.theme():
        figure = draw(*arguments)
        figure.draw_without_rendering()
    return " ".join(text.get_text() for text in figure.findobj(Text))


def test_figure_2_draws_geometric_means_floors_and_plateaus():
    rows = figure2.tidy(gradients(), "literal")
    assert len(rows) == len(EPOCHS) * len(LAYERS)
    end = rows[(rows["layer"] == 3) & (rows["epoch"] == 1000)].iloc[0]
    assert end["ratio"] == pytest.approx(math.sqrt(2))
    # The logarithms of two seeds differ by log10 2, so that one standard error is half of it.
    assert (end["ratio_low"], end["ratio_high"]) == pytest.approx((1.0, 2.0))
    assert end["floor"] == pytest.approx(1 / (5 * 2))
    assert rows["plateau_epoch"].between(60, 180).all()


def test_a_plateau_is_marked_only_where_every_seed_has_one():
    records = gradients()
    moving = (records["seed"] == 2) & (records["layer"] == 1)
    records.loc[moving, "mean_norm"] = 1.0 / records.loc[moving, "epoch"]
    marked = figure2.tidy(records, "literal").groupby("layer")["plateau_epoch"].first()
    assert np.isnan(marked[1])
    assert marked[[2, 3]].notna().all()
    table = tables.gradient_snr(gradient_snr.summary(records), "literal", STUDY, DATA)
    assert cell(table, layer=1, quantity="plateau_epoch")["n"] == 1
    assert "(1 of 2)" in table.shown.frame().iloc[0]["plateau from epoch"]


def test_the_last_layer_is_black_and_no_colour_occurs_twice():
    colours = style.layer_colours(6)
    assert colours[6] == "#000000"
    assert len(set(colours.values())) == 6


def test_a_layer_without_gradients_leaves_a_gap_and_no_error():
    records = gradients()
    records.loc[records["layer"] == 1, ["mean_norm", "deviation_norm"]] = 0.0
    rows = figure2.tidy(records, "literal")
    assert rows.loc[rows["layer"] == 1, "ratio"].isna().all()
    panel = {"activation": "relu", "normalization": "none", "title": "relu"}
    assert "(a) relu" in words_in(figure2.draw, rows, [panel], "literal", "the source")
    table = tables.gradient_snr(gradient_snr.summary(records), "literal", STUDY, DATA)
    assert table.shown.frame().iloc[0]["plateau from epoch"] == "none"


def test_the_table_of_figure_2_has_levels_their_distance_from_the_floor_and_the_printed_plateau():
    table = tables.gradient_snr(gradient_snr.summary(gradients()), "literal", STUDY, DATA)
    level = cell(table, layer=3, quantity="final_level_log10")
    assert level["mean"] == pytest.approx(math.log10(2) / 2)
    assert level["standard_error"] == pytest.approx(math.log10(2) / 2)
    above = cell(table, layer=3, quantity="above_floor_decades")["mean"]
    assert above == pytest.approx(math.log10(2) / 2 + 1)
    # |mean|^2 is 36 and 144 in the last layer, and the share of independent draws 9 / 25.
    debiased = cell(table, layer=3, quantity="debiased_signal_percent")["mean"]
    assert debiased == pytest.approx(100 - 50 * 9 / 25 * (1 / 36 + 1 / 144))
    assert cell(table, layer=1, quantity="final_rank")["mean"] == 3
    assert cell(table, layer="all", quantity="inversions")["mean"] == 0
    assert cell(table, layer=2, quantity="plateau_epoch")["printed"] == 1000
    assert any("layers by falling final level 3, 2, 1" in note for note in table.notes)


def test_figure_3_draws_means_of_the_main_estimator():
    rows = figure3.tidy(planes())
    assert len(rows) == 2 * 4 * len(LAYERS)
    end = rows[(rows["labels"] == "original") & (rows["layer"] == 2) & (rows["epoch"] == 100)].iloc[0]
    assert end["input_information_bits"] == pytest.approx(7 - 0.3)
    assert end["input_information_standard_error_bits"] == pytest.approx(0.1)


def test_a_dead_layer_is_drawn_as_far_as_it_lives():
    records = planes()
    dead = (records["layer"] == 3) & (records["epoch"] == 100)
    records.loc[dead, ["input_information_bits", "label_information_bits", "label_floor_bits"]] = np.nan
    records.loc[dead, "reason"] = DEAD_LAYER
    rows = figure3.tidy(records)
    assert "layer 3" in words_in(figure3.draw, rows, "the source")
    table = tables.information_plane(records, PLANE, STUDY, DATA)
    assert table.shown.frame()[table.shown.frame()["layer"] == "3"].iloc[0]["I(X; T) original"] == "—"


def test_the_table_of_figure_3_has_memorization_compression_violations_and_the_entropy_bound():
    table = tables.information_plane(planes(), PLANE, STUDY, DATA)
    difference = cell(table, labels="random minus original", estimator="pooled_bins", layer=3)
    assert difference["mean"] == pytest.approx(0.45)
    assert difference["standard_error"] == pytest.approx(0.15)
    assert cell(table, labels="original", layer=3, quantity="drop_bits")["mean"] == pytest.approx(0.45)
    assert cell(table, labels="random", layer=3, quantity="drop_bits")["mean"] == 0
    violations = {
        estimator: cell(table, labels="original", estimator=estimator, quantity="label_processing_violations_percent")[
            "mean"
        ]
        for estimator in ("pooled_bins", "other")
    }
    assert violations == {"pooled_bins": 0, "other": 100}
    assert cell(table, layer="input")["mean"] == 123.4
    assert table.shown.frame()["estimator"].tolist() == ["pooled bins"] * 3 + ["other"] * 3
    assert any("at most 123.4 bits" in note for note in table.notes)


def test_one_seed_has_no_error_and_is_a_table_all_the_same():
    one = STUDY | {"seeds": [1]}
    table = tables.information_plane(planes(seeds=(1,)), PLANE, one, DATA)
    assert math.isnan(cell(table, labels="random minus original", estimator="other", layer=1)["standard_error"])
    tables.gradient_snr(gradient_snr.summary(gradients(seeds=(1,))), "literal", one, DATA).markdown()


def test_sphere_packing_as_drawn_falls_below_capacity_and_rises_above_it():
    rows = figure1.tidy(10, [2, 64], 8, 64, codebooks=4, messages=20, transmissions=200)
    assert set(rows["method"]) == {"random_code_error", "simulation"}
    assert rows.loc[rows["method"] == "simulation", "codewords"].max() <= 64
    curves = rows[rows["method"] == "random_code_error"]
    capacity = curves["capacity_bits"].iloc[0]
    assert capacity == pytest.approx(0.5 * math.log2(11))

    def error(dimensions, rate):
        own = curves[curves["dimensions"] == dimensions]
        return np.interp(rate, own["rate_bits"], own["error_probability"])

    assert error(64, 0.5 * capacity) < 0.01 < error(2, 0.5 * capacity)
    assert error(64, 1.75 * capacity) > 0.99 > error(2, 1.75 * capacity)
    said = words_in(figure1.draw, rows, "the source")
    for text in (
        "(a) Gaussian channel",
        "(b) structural causal model",
        "(c) sphere packing",
        "network",
        "C = 1.73",
        "the source",
    ):
        assert text in said, text


def test_figure1_states_equation_2():
    simulation = {"snr_db": 10, "dimensions": [2, 8, 64, 1024], "transmissions": 1000, "codebooks": 4}
    simulation |= {"simulated_codewords": 64, "messages": 20}
    line = figure1.source_line({"name": "mine"}, simulation)
    counted = "Equation 2 counts 11 (n = 2), 14,641 (n = 8), 2¹¹¹ (n = 64), 2¹⁷⁷¹ (n = 1024) codewords"
    assert counted in line.replace("\u00a0", " ")


def test_two_digits_are_prepared_with_their_entropy_and_counted_without_reading_them(tmp_path):
    settings = {"dataset": "digits", "image_size": 8, "digits": [3, 7], "train_on": "train+test"}
    record = preparation.prepare_digit_pair(tmp_path, settings, "data")
    images, labels = prepared_data.load(tmp_path, "train")
    assert (images.shape, images.dtype) == ((362, 64), np.float32)
    assert (images.min(), images.max()) == (0, 1)
    assert np.bincount(labels).tolist() == [183, 179]
    _, counts = np.unique(images[:, 20], return_counts=True)
    one_pixel = -(counts / 362 * np.log2(counts / 362)).sum()
    assert one_pixel < record["pixel_entropy_bits"] < 64 * math.log2(17)
    assert record == prepared_data.describe(tmp_path)
    assert datasets.digit_pair_size("digits", [3, 7], "train+test") == 362
    train = preparation.prepare_digit_pair(tmp_path, settings | {"train_on": "train"}, "data")
    assert abs(datasets.digit_pair_size("digits", [3, 7], "train") - train["images"]["train"]) <= 1
    assert datasets.digit_pair_size("mnist", [3, 7], "train") == 12_396
