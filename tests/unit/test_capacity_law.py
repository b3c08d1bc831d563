"""The capacity law: thresholds between values of a grid, the prediction of known norms, and what weight decay costs."""

import math

import numpy as np
import pandas
import pytest

from rate_distortion import tables
from rate_distortion.analysis import capacity_law
from rate_distortion.figures import capacity_law as figure
from rate_distortion.figures import style
from rate_distortion.storage import files
from rate_distortion.tables.capacity_law import interval, power

GRID = (0.0, 0.01, 0.03, 0.1)
STUDY = {"name": "mine", "title": "Mine", "seeds": [1, 2, 3], "epochs": "5 to 20", "learning_rate": 0.05}
DATA = {
    "dataset": "house_numbers", "description": "procedural street numbers", "classes": 10, "train_on": "train",
    "images": {"train": 4000, "validation": 100, "test": 500},
}  # fmt: skip


def made_up(thresholds, grid=GRID, seeds=(1, 2, 3)):
    """Runs of a network that fits random labels below thresholds[images], and the original ones below twice as much.

    Of a network that fits, ||w||^2 is 2 ln 10 / threshold less what the loss of seed s, s / 10 nats, takes away; without weight
    decay it is twice as large. Test accuracy is 80 + seed, and each 0.01 of weight decay costs a point.
    """
    rows = []
    for images, threshold in thresholds.items():
        for labels, limit, majority in (("random", threshold, 11.0), ("original", 2 * threshold, 19.0)):
            for decay in grid:
                for seed in seeds:
                    fits, loss = decay < limit, seed / 10
                    squared_norm = 2 * (math.log(10) - loss) / limit * (1 if decay else 2)
                    rows.append(
                        {
                            "train_images": images, "labels": labels, "weight_decay": decay, "seed": seed,
                            "train_majority_percent": majority, "train_accuracy": 99.0 if fits else majority,
                            "train_loss": loss if fits else math.log(10),
                            "decayed_norm": squared_norm**0.5 if fits else 0.0,
                            "test_accuracy": 80.0 + seed - 100 * decay, "validation_accuracy": 70.0 - abs(decay - 0.03),
                        }
                    )  # fmt: skip
    return pandas.DataFrame(rows)


def row(law, **values):
    (found,) = law[np.logical_and.reduce([law[key] == value for key, value in values.items()])].to_dict("records")
    return found


def threshold(law, images, labels):
    found = row(law, train_images=images, labels=labels, quantity=capacity_law.THRESHOLD)
    return found["lower"], found["upper"]


def test_a_threshold_lies_between_the_largest_value_that_fits_and_the_smallest_that_does_not():
    law = capacity_law.law(made_up({1000: 0.05, 4000: 0.02}), classes=10)
    assert threshold(law, 1000, "random") == (0.03, 0.1)
    assert threshold(law, 4000, "random") == (0.01, 0.03)
    assert threshold(law, 4000, "original") == (0.03, 0.1)


def test_one_seed_that_fits_makes_a_weight_decay_insufficient():
    runs = made_up({1000: 0.02})
    runs.loc[(runs["weight_decay"] == 0.03) & (runs["seed"] == 2) & (runs["labels"] == "random"), "train_accuracy"] = (
        50.0
    )
    law = capacity_law.law(runs, classes=10)
    assert threshold(law, 1000, "random") == (0.03, 0.1)
    fitted = row(law, weight_decay=0.03, labels="random", quantity="train_accuracy_percent")
    assert (fitted["fitting_seeds"], fitted["chosen"]) == (1, False)


def test_a_grid_that_ends_too_early_bounds_from_one_side():
    law = capacity_law.law(made_up({1000: 0.5}), classes=10)
    assert threshold(law, 1000, "random") == (0.1, math.inf)
    assert not law["chosen"].any()
    table = tables.capacity_law(made_up({1000: 0.5}), "A", 128, STUDY, DATA)
    assert table.shown.frame()["random labels not fitted from λ"][0] == "above 0.1"
    assert table.shown.frame()["test accuracy (%) change (points)"][0] == "—"
    assert "—: no λ of the grid is sufficient, or no network fits" in table.markdown()


def test_labels_that_are_not_fitted_even_without_weight_decay_have_no_lower_bound_and_no_prediction():
    law = capacity_law.law(made_up({1000: -1.0}), classes=10)
    lower, upper = threshold(law, 1000, "random")
    assert (math.isnan(lower), upper) == (True, 0)
    assert len(capacity_law.predictions(law)) == 0


def test_the_prediction_is_where_fitting_costs_as_much_as_giving_up():
    """Whatever the loss; without weight decay the norm, and with it the prediction, is that of the initialisation."""
    law = capacity_law.law(made_up({1000: 0.05, 4000: 0.02}), classes=10)
    for images, labels, value in ((1000, "random", 0.05), (4000, "random", 0.02), (4000, "original", 0.04)):
        predicted = row(capacity_law.predictions(law), train_images=images, labels=labels)
        assert (predicted["weight_decay"], predicted["n"]) == (0.01, 3)
        assert predicted["mean"] == pytest.approx(value)
        assert predicted["standard_error"] == pytest.approx(0, abs=1e-12)
    free = row(law, train_images=4000, labels="random", weight_decay=0, quantity=capacity_law.AFFORDABLE)
    assert free["mean"] == pytest.approx(0.01)


def test_cost_is_paired_over_seeds_and_the_best_weight_decay_is_that_of_the_validation_images():
    law = capacity_law.law(made_up({1000: 0.05}), classes=10)
    change = law[law["quantity"] == capacity_law.CHANGE].set_index("weight_decay")
    assert change.loc[0.1, "mean"] == pytest.approx(-10)
    assert change.loc[0.1, "standard_error"] == pytest.approx(0, abs=1e-12)
    assert change.index[change["chosen"]] == [0.1]
    assert change.index[change["best_validation"]] == [0.03]
    test = row(law, weight_decay=0.1, quantity=capacity_law.TEST)
    assert (test["mean"], test["n"]) == (pytest.approx(72), 3)
    assert test["standard_error"] == pytest.approx(1 / math.sqrt(3))


POWER_LAW = {images: 0.09 * (images / 1000) ** -0.6 for images in (1000, 2000, 4000, 8000, 16000)}
FINE = (0.0, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1)


def test_the_exponent_of_a_law_is_found_between_the_values_of_a_grid_and_in_the_norms():
    law = capacity_law.law(made_up(POWER_LAW, grid=FINE), classes=10)
    measured = row(law, labels="random", quantity=capacity_law.EXPONENT)
    assert measured["n"] == 15, "every seed has a threshold of its own"
    assert measured["lower"] < -0.6 < measured["upper"] < -0.4
    assert measured["mean"] == pytest.approx(-0.6, abs=0.05)
    predicted = row(law, labels="random", quantity=capacity_law.PREDICTED_EXPONENT)
    assert [predicted[key] for key in ("mean", "lower", "upper")] == pytest.approx([-0.6] * 3, abs=2e-3)


def test_the_exponent_of_known_values_is_that_of_ordinary_regression():
    from scipy import stats

    images = np.repeat([1000.0, 4000.0, 16000.0], 4)
    values = 0.1 * (images / 1000) ** -0.5 * np.exp(0.3 * np.random.default_rng(0).standard_normal(12))
    fit = stats.linregress(np.log(images), np.log(values))
    half = fit.stderr * stats.t.ppf(0.975, 10)
    found = capacity_law.exponent(images, 0.999 * values, 1.001 * values)
    assert found == pytest.approx([fit.slope, fit.slope - half, fit.slope + half], abs=2e-3)


def test_an_exponent_is_bounded_as_far_as_the_grid_bounds_it():
    images, nothing, infinite = np.array([1000.0, 1000.0, 9000.0, 9000.0]), np.full(4, np.nan), np.full(4, np.inf)
    estimate, *ends = capacity_law.exponent(images, nothing, np.full(4, 0.01))
    assert (math.isnan(estimate), ends) == (True, [-math.inf, math.inf])
    assert capacity_law.exponent(images[:2], nothing[:2], infinite[:2])[1:] == (-math.inf, math.inf)
    many = np.repeat(images, 5)
    falling = capacity_law.exponent(many, np.where(many == 1000, 0.1, np.nan), np.where(many == 1000, np.inf, 0.01))
    assert falling[1] == -math.inf
    assert -2 < falling[2] < 0
    assert power(*falling).startswith("below -")
    assert power(math.nan, -math.inf, math.inf) == "not bounded"
    assert power(-0.5, -0.61, -0.001) == "-0.50 (-0.61 to 0.00)"


def test_labels_that_nothing_fits_say_nothing_about_the_exponent():
    law = capacity_law.law(made_up(POWER_LAW | {16000: -1.0}, grid=FINE, seeds=(1,)), classes=10)
    assert row(law, labels="random", quantity=capacity_law.EXPONENT)["n"] == 4
    alone = capacity_law.law(made_up({1000: 0.05}), classes=10)
    assert not alone["quantity"].isin([capacity_law.EXPONENT, capacity_law.PREDICTED_EXPONENT]).any()


def test_the_table_has_a_row_for_every_number_of_images():
    table = tables.capacity_law(made_up({4000: 0.02, 1000: 0.05}), "A", 128, STUDY, DATA)
    shown = table.shown.frame().set_index("images")
    assert list(shown.index) == ["1,000", "4,000", "exponent"]
    assert shown.loc["exponent", "test accuracy (%) change (points)"] == ""
    assert shown.loc["exponent", "random labels predicted λ"].startswith("−0.66 (")
    assert list(shown.loc["4,000"]) == [
        "0.01 to 0.03", "0.02 ± 0.00 (0.01)", "0.03 to 0.1", "0.04 ± 0.00 (0.01)", "82.0 ± 0.6", "79.0 ± 0.6", "−3.0 ± 0.0",
        "79.0 ± 0.6 (0.03)",
    ]  # fmt: skip
    assert "5 to 20 epochs at learning rate 0.05" in table.markdown()
    assert [interval(math.nan, 0.01), interval(math.nan, 0)] == ["at most 0.01", "0"]


def test_one_seed_has_a_prediction_without_an_error():
    table = tables.capacity_law(made_up({1000: 0.0526}, seeds=(1,)), "A", 128, STUDY | {"seeds": [1]}, DATA)
    assert table.shown.frame()["random labels predicted λ"][0] == "0.053 (0.01)"


def test_the_figure_draws_intervals_predictions_costs_and_the_papers_value():
    law = capacity_law.law(made_up({1000: 0.5, 4000: 0.02, 16000: 0.02}), classes=10)
    rows = figure.tidy(law, with_paper=True)
    with style.theme():
        drawn = figure.draw(rows, "source")
    left, right = drawn.axes
    words = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert any(text.startswith("original labels not fitted (exponent −") for text in words)
    printed = row(rows, curve=figure.PRINTED)
    assert (printed["train_images"], printed["mean"]) == (73_257, 0.01)
    bars = [path.vertices[:, 1] for collection in left.collections[:1] for path in collection.get_paths()]
    assert bars[1] == pytest.approx([0.01, 0.03])
    assert bars[0] == pytest.approx([0.1, left.get_ylim()[1]]), "none of the grid is sufficient: to the edge"
    sufficient = rows[rows["curve"] == figure.SUFFICIENT]
    assert list(sufficient["train_images"]) == [4000, 16000]
    assert any(np.array_equal(line.get_ydata(), sufficient["mean"]) for line in right.get_lines())
    assert figure.PRINTED not in set(figure.tidy(law, with_paper=False)["curve"])


def test_the_figure_of_a_study_is_drawn_from_its_table(tmp_path):
    files.write_json(tmp_path / "dataset.json", DATA)
    table = tables.capacity_law(made_up({1000: 0.05, 4000: 0.02}), "A", 128, STUDY, DATA)
    table.write(*(tmp_path / f"law.{suffix}" for suffix in ("csv", "md", "tex")))
    made = figure.make(
        table=tmp_path / "law.csv", dataset=tmp_path / "dataset.json", model="A", batch_size=128, study=STUDY
    )
    assert set(made.rows["curve"]) == {
        figure.MEASURED, figure.PREDICTED, figure.POWER, figure.PRINTED, figure.SUFFICIENT, figure.BEST,
    }  # fmt: skip
    made.save(tmp_path / "law.svg", tmp_path / "law.png")
    assert (tmp_path / "law.png").stat().st_size > 10_000
