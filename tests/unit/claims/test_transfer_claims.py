"""Figure 7: measures with known answers."""

import numpy as np
import pandas
import pytest
from claim_records import assessed

from rate_distortion.analysis.records import StudyRecords
from rate_distortion.claims import measures


def test_figure_7_is_measured_as_it_was_made(tmp_path):
    columns = ("accuracy_percent", "margin_minus_accuracy_points", "margin_overconfidence_points")
    folder = tmp_path / "transfer/B+/seed3"
    folder.mkdir(parents=True)
    zero = [{"target": "mnist"} | dict(zip(columns, (72.6, 0.0, 2.0), strict=True)), {"target": "svhn"}]
    one = [{"target": "mnist"} | dict(zip(columns, (value, -3.0, 1.0), strict=True)) for value in (76.0, 79.2)]
    for name, rows in (("zero_shot", zero), ("one_shot", one)):
        pandas.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
    records = StudyRecords({"transfer": [folder / "zero_shot.csv", folder / "one_shot.csv"]})
    zero, one = (measures.transfer.transfer_accuracy(records, "B+", shots) for shots in ("zero_shot", "one_shot"))
    assert (zero.means.to_dict(), zero.within.variance, zero.draws) == ({3: 72.6}, 0, 1)
    assert one.means.loc[3] == pytest.approx(77.6)
    assert (one.within.variance, one.within.freedom, one.draws) == (pytest.approx(np.var([76, 79.2], ddof=1)), 1, 2)
    assert measures.transfer.transfer_gain(records, "B+")["one shot above zero shot"].loc[3] == pytest.approx(5.0)
    assert measures.transfer.margin_minus_accuracy(records, "B+", "zero_shot").loc[3] == 0
    assert {name: values.loc[3] for name, values in measures.transfer.one_shot_calibration(records, "B+").items()} == {
        "margin below accuracy": 3.0,
        "less over-confidence": 1.0,
    }
    assert measures.transfer.wider_gap(records, "B+")["one shot above zero shot"].loc[3] == pytest.approx(3.0)
    arrays = {"labels": np.array([0, 1, 1]), "one_shot_predictions": np.array([[0, 1, 0]] * 2)}
    np.savez(folder / "predictions.npz", **arrays, one_shot_margins=np.array([[0.1, 0.2, 0.9]] * 2))
    small = measures.transfer.small_margins(records, "B+", "one_shot", 0.3)["margins below 0.3"]
    assert small.loc[3] == pytest.approx(100 * (1 - 0.15))


@pytest.mark.parametrize(("spread", "decidable"), [(0.5, True), (6.0, False)])
def test_a_printed_draw_among_widely_spread_ones_cannot_be_confirmed_and_says_what_would_be_needed(
    tmp_path, spread, decidable
):
    rng, paths = np.random.default_rng(0), []
    for seed in range(1, 6):
        folder = tmp_path / f"transfer/B+/seed{seed}"
        folder.mkdir(parents=True)
        draws = pandas.DataFrame({"target": "mnist", "accuracy_percent": 77.6 + rng.normal(0, spread, 100)})
        draws.assign(margin_minus_accuracy_points=0.0).to_csv(folder / "one_shot.csv", index=False)
        predictions = {"labels": [0, 1], "one_shot_predictions": [[0, 1]], "one_shot_margins": [[0.5, 0.6]]}
        np.savez(folder / "predictions.npz", **predictions)
        paths.append(folder / "one_shot.csv")
    found = assessed([], transfer=paths)["F7-one"]
    assert found.verdict == ("reproduced" if decidable else "undecided")
    assert ("cannot be decided from a single printed run" in found.reason) != decidable
    assert found.lacks == ("" if decidable else "an error beside the printed number")
