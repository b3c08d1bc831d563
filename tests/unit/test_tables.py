"""Tables: means, standard errors, and the printed precision."""

import math
import re
import shutil
import subprocess

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rate_distortion import tables
from rate_distortion.analysis.precision import to_precision
from rate_distortion.analysis.records import summarise, with_gaps
from rate_distortion.claims import ledger
from rate_distortion.studies.stated_differences import stated_differences
from rate_distortion.tables import layout
from rate_distortion.tables.differences import PRINTED
from rate_distortion.tables.weight_decay import SHOWN as DECAYS
from rate_distortion.tables.weight_decay import shown as shown_decays

STUDY = {"name": "demo", "title": "A title", "seeds": [1, 2, 3], "epochs": 20, "learning_rate": 0.05}
DATA = {
    "description": "procedural street numbers",
    "images": {"train": 1000, "validation": 10, "test": 500},
    "train_on": "train",
}


def runs(seeds=(1, 2, 3)):
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(
        [
            {
                "model": m,
                "batch_size": b,
                "seed": s,
                "labels": "original",
                "test_accuracy": 80 + rng.normal(),
                "train_accuracy": 90.0,
                "generalization_gap": 5.0 + s,
                "loss_gap": 0.1 if m == "B" else 1.0,
                "weight_decay": 0.0 if m == "A" else 0.01,
                "train_images": 1000,
                "epochs": 20,
            }
            for m in "AB"
            for b in (128, 32)
            for s in seeds
        ]
    )
    return with_gaps(frame)


@pytest.mark.parametrize(
    ("mean", "error", "shown"),
    [
        (85.91, 0.2, "85.9 ± 0.2"),
        (12.423, 0.04, "12.42 ± 0.04"),
        (76.2, 3.4, "76 ± 3"),
        (100, 0, "100.0 ± 0.0"),
        (88.04, 0.096, "88.0 ± 0.1"),
        (54.3, 12.0, "50 ± 10"),
        (-0.61, 0.21, "-0.6 ± 0.2"),
        (88.44, math.nan, "88.4"),
        (math.nan, math.nan, "—"),
    ],
)
def test_precision_follows_the_error(mean, error, shown):
    assert to_precision(mean, error) == shown


def test_incomplete_cells_say_so():
    assert to_precision(85.9, 0.2, planned=5, n=3) == "85.9 ± 0.2 (3 of 5)"
    assert to_precision(85.9, float("nan"), planned=5, n=1.0) == "85.9 (1 of 5)"


def test_summary_has_the_standard_error_of_the_mean():
    frame = runs()
    summary = summarise(frame, ["model", "batch_size"], {"test_accuracy": "test_accuracy_percent"})
    values = frame.query("model == 'A' and batch_size == 32")["test_accuracy"]
    row = summary.query("model == 'A' and batch_size == 32").iloc[0]
    assert row["mean"] == pytest.approx(values.mean())
    assert row["standard_error"] == pytest.approx(values.std(ddof=1) / math.sqrt(3))
    assert row["n"] == 3


def test_table1_keeps_the_printed_layout_and_the_papers_numbers_beside_ours():
    table = tables.table1(runs(), {"A": [128, 32], "B": [128]}, STUDY, DATA)
    assert list(table.shown.frame()["batch size"]) == ["128", "128, printed", "32", "32, printed"]
    assert list(table.shown.frame().columns)[1:3] == ["A test (%)", "A gap (points)"]
    assert table.shown.frame()["A gap (points)"][0] == "7.0 ± 0.6"
    assert table.shown.frame()["B test (%)"][1] == "88.4 ± 0.2"
    cell = table.tidy.query("model == 'A' and batch_size == 128 and quantity == 'test_accuracy_percent'").iloc[0]
    assert (cell["printed_mean"], cell["printed_standard_error"]) == (85.9, 0.2)
    assert "procedural street numbers, 1,000 training and 500 test images" in table.markdown()


def random_label_runs():
    """A fits random labels; B collapses to a constant predictor in two of three seeds."""
    rows = []
    for seed in (1, 2, 3):
        common = {
            "batch_size": 128,
            "seed": seed,
            "labels": "random",
            "train_images": 1000,
            "train_majority_percent": 11.5,
        }
        fitted = {"train_accuracy": 85.0 + seed, "test_accuracy": 9.0, "generalization_gap": 76.0 + seed}
        rows.append(common | fitted | {"model": "A", "weight_decay": 0.0} | information(10, 2.1, 0.001))
        collapsed = {"train_accuracy": 10.2, "test_accuracy": 19.6, "generalization_gap": -9.4}
        classes = 1 if seed < 3 else 2
        rows.append(common | collapsed | {"model": "B", "weight_decay": 0.01} | information(classes, 0.0, 1.0))
    return with_gaps(pandas.DataFrame(rows).assign(loss_gap=1.0))


def information(classes, bits, p_value):
    return {
        "train_predicted_classes": classes,
        "train_prediction_information": bits,
        "train_permutation_p_value": p_value,
    }


def test_table2_prints_the_absolute_gap_and_says_which_seeds_collapsed():
    table = tables.table2(random_label_runs(), {"A": [128], "B": [128]}, STUDY, DATA)
    b = table.tidy.query("model == 'B'").set_index("quantity")
    assert b.loc["generalization_gap_points", "mean"] == pytest.approx(-9.4)
    assert b.loc["absolute_generalization_gap_points", "mean"] == pytest.approx(9.4)
    assert table.shown.frame()["B gap (points)"][0] == "9.4 ± 0.0"
    assert table.shown.frame()["B gap (points)"][1] == "3 ± 2"
    assert set(b["collapsed_seeds"]) == {2}
    assert set(b["fitting_seeds"]) == {0}
    assert set(b["informative_seeds"]) == {0}
    a = table.tidy.query("model == 'A'")
    assert set(a["collapsed_seeds"]) == {0}
    assert set(a["fitting_seeds"]) == set(a["informative_seeds"]) == {3}


def planned(frame):
    """The cells of the runs, as a study plans them."""
    return list(frame[["model", "batch_size", "labels"]].drop_duplicates().itertuples(index=False, name=None))


def test_differences_are_paired_over_seeds_and_absent_cells_are_left_out():
    frame = runs()
    table = tables.differences(frame, planned(frame), STUDY, DATA)
    by_name = table.tidy.set_index("quantity")
    first, second = (
        frame.query(f"model == '{model}' and batch_size == 128").set_index("seed")["test_accuracy"] for model in "BA"
    )
    row = by_name.loc["test_accuracy_B_minus_A"]
    assert row["mean"] == pytest.approx((first - second).mean())
    assert row["standard_error"] == pytest.approx((first - second).std(ddof=1) / math.sqrt(3))
    assert by_name.loc["loss_gap_orders_of_magnitude", "mean"] == pytest.approx(1)
    assert "extra_data_accuracy_B" not in by_name.index


def test_further_models_say_how_many_images_and_which_decay():
    table = tables.further_models(runs().query("model == 'B'").assign(model="B+"), {"B+": [128]}, STUDY, DATA)
    assert table.shown.frame()["training images"][0] == "1,000"
    assert table.shown.frame()["λ"][0] == "0.01"


def test_variations_are_compared_with_the_studys_own_choice():
    frame = pandas.concat(
        [
            runs()
            .query("batch_size == 128 and model == 'A'")
            .assign(model=model, labels=labels, batch_norm_evaluations=[{}] * 3)
            for model in ("A", "A-wide")
            for labels in ("original", "random")
        ]
    )
    frame.loc[frame["model"] == "A-wide", "test_accuracy"] += 2
    names = {"as_in_the_study": {"A": "A"}, "wide": {"A": "A-wide"}}
    tidy = tables.variations("ablations", frame, {"wide": {"width": 2}}, names, STUDY, DATA).tidy
    row = tidy.query("choice == 'wide' and quantity == 'test_accuracy_percent'").iloc[0]
    assert row["difference"] == pytest.approx(2)
    assert row["difference_standard_error"] == pytest.approx(0, abs=1e-9)
    usual = tidy.query("choice == 'as_in_the_study'")
    assert (usual["difference"] == 0).all()


def test_table3_is_the_printed_one():
    network = pandas.DataFrame(
        [
            ("Conv1", 8, 8, 1, 32, 2, 2048, 32),
            ("Conv2", 6, 6, 32, 64, 2, 73728, 64),
            ("Conv3", 5, 5, 64, 64, 1, 102400, 64),
            ("Fc", 1, 1, 256, 10, 1, 2560, 10),
        ],
        columns=[
            "block",
            "height",
            "width",
            "input_channels",
            "output_channels",
            "stride",
            "kernel_parameters",
            "bias_parameters",
        ],
    )
    shown = tables.table3(network).shown.frame()
    assert list(shown["params"]) == list(shown["printed"]) == ["2.0k", "73.7k", "102.4k", "2.6k", "180.9k"]


@given(
    st.floats(-1e6, 1e6, allow_nan=False),
    st.floats(1e-9, 1e6, allow_nan=False),
)
def test_what_is_shown_lies_within_half_a_unit_of_its_last_digit(mean, error):
    shown = to_precision(mean, error)
    value, printed_error = (float(part) for part in shown.split(" ± "))
    if error <= 1e-12 * abs(mean):
        assert printed_error == 0
        return
    unit = 10.0 ** math.floor(math.log10(float(f"{error:.0e}")))
    assert abs(value - mean) <= unit / 2 * (1 + 1e-6) + 1e-12 * abs(mean)
    assert abs(printed_error - error) <= unit / 2 * (1 + 1e-6)
    assert f"{printed_error:.0e}" == f"{float(f'{error:.0e}'):.0e}"
    assert not shown.startswith("-0 ")


@given(st.floats(-1e9, 1e9, allow_nan=False))
def test_a_mean_without_an_error_is_never_shown_as_zero_unless_it_nearly_is(mean):
    shown = float(to_precision(mean, math.nan))
    assert (shown == 0) == (abs(mean) < 5e-7) or abs(mean) == pytest.approx(5e-7)
    assert shown == pytest.approx(mean, abs=0.0500001)  # half a unit of the last digit that is shown


def test_markdown_shows_every_digit_of_a_column_that_looks_like_numbers():
    cells = [{"gap": "2.50", "decay": "0.0"}, {"gap": "1.00", "decay": "88.0"}]
    rows = [{heading: layout.Cell(text) for heading, text in row.items()} for row in cells]
    text = layout.Table(pandas.DataFrame(), layout.Layout(layout.columns("gap", "decay"), rows), "Title").markdown()
    assert all(f" {cell} " in text for row in cells for cell in row.values())


def test_a_users_images_have_no_printed_numbers_beside_them_and_no_digits():
    own = DATA | {"dataset": "arrays"}
    table = tables.table1(runs(), {"A": [128, 32], "B": [128]}, STUDY, own)
    assert list(table.shown.frame()["batch size"]) == ["128", "32"]
    assert table.tidy["printed_mean"].isna().all()
    assert "printed" not in table.markdown()

    stated = tables.differences(runs(), planned(runs()), STUDY, own)
    assert stated.tidy["printed_mean"].isna().all()
    assert stated.shown.headings == ["difference", "measured"]
    assert "printed" in tables.differences(runs(), planned(runs()), STUDY, DATA).shown.headings


def test_a_network_of_a_users_own_has_nothing_of_the_papers_beside_it():
    study = STUDY | {"own_networks": ["A"]}
    table = tables.table1(runs(), {"A": [128, 32], "B": [128]}, study, DATA)
    printed = table.tidy.dropna(subset="printed_mean")
    assert set(printed["model"]) == {"B"}
    stated = tables.differences(runs(), planned(runs()), study, DATA).tidy.set_index("quantity")["printed_mean"]
    assert math.isnan(stated["large_batch_gap_A"])
    assert (
        stated["large_batch_gap_B"]
        == tables.differences(runs(), planned(runs()), STUDY, DATA).tidy.set_index("quantity")["printed_mean"][
            "large_batch_gap_B"
        ]
    )


def test_given_weights_are_said_in_the_place_of_epochs():
    study = STUDY | {"given_weights": ["A"], "training": "20 epochs; A: given weights, not trained here"}
    text = tables.table1(runs(), {"A": [128]}, study, DATA | {"dataset": "arrays"}).markdown()
    assert "; 20 epochs; A: given weights, not trained here." in text
    assert "Weight decay λ: B 0.01." in text


@pytest.mark.parametrize("finished", [(128, 64), (32,)])
def test_differences_of_some_runs_are_between_the_batch_sizes_that_the_study_plans(finished):
    one = runs().query("model == 'A' and batch_size == 32")
    every = pandas.concat([one.assign(batch_size=size, model=model) for size in (128, 64, 32) for model in "BC"])
    every = pandas.concat([every.assign(labels="random"), every])
    cells = planned(every)
    table = tables.differences(every[every["batch_size"].isin(finished)], cells, STUDY, DATA)
    between = {d.name: {d.first[1], d.second[1]} for d in stated_differences(cells)}
    there = {name for name, sizes in between.items() if sizes <= set(finished)}
    assert set(table.tidy["quantity"]) == there
    assert ("random_gap_C_minus_B" in there) == (128 in finished)
    assert "large_batch_gap_C" in between
    assert "minus gap at 64" not in table.markdown()
    assert ("54 ± 2" in table.markdown()) == (128 in finished)


def test_a_difference_says_how_many_seeds_have_both_of_its_cells():
    every = runs()
    late = (every["model"] == "B") & (every["batch_size"] == 128) & (every["seed"] == 3)
    table = tables.differences(every[~late], planned(every), STUDY, DATA)
    shown = dict(zip(table.tidy["quantity"], table.shown.frame()["measured"], strict=True))
    assert shown["test_accuracy_B_minus_A"].endswith("(2 of 3)")
    assert shown["large_batch_gap_A"] == "0.0 ± 0.0"
    cells = dict(zip(table.tidy["quantity"], table.shown.rows, strict=True))
    assert [name for name, row in cells.items() if not row["measured"].partial] == ["large_batch_gap_A"]


def test_differences_on_random_labels_are_of_absolute_gaps_as_table_2_and_the_claim_have_them():
    frame = random_label_runs()
    frame.loc[frame["model"] == "A", "model"] = "C"
    table = tables.differences(frame, planned(frame), STUDY, DATA)
    assert table.tidy.set_index("quantity").loc["random_gap_C_minus_B", "mean"] == pytest.approx(78 - 9.4)
    columns = {d.name: d.column for d in stated_differences([(m, b, "random") for m in "ABC" for b in (128, 32)])}
    measured = {name: ledger.load()[claim].arguments.get("quantity") for name, claim in PRINTED.items()}
    measured = {name: quantity for name, quantity in measured.items() if quantity}  # a ratio of loss gaps has none
    assert {name: measured[name] for name in columns if name in measured} == {
        name: column for name, column in columns.items() if name in measured
    }
    assert columns["random_gap_C_minus_B"] == "absolute_gap"


def test_a_single_cell_has_no_differences_to_state():
    assert stated_differences([("mine", 128, "original")]) == []
    assert [d.name for d in stated_differences([("mine", 128, "original"), ("mine", 32, "original")])] == [
        "large_batch_gap_mine"
    ]


def comparable(mean=80.0, decay=0.1):
    cell = {"model": "A", "batch_size": 128, "quantity": "test_accuracy_percent", "mean": mean, "n": 5}
    area = {"model": "A", "batch_size": 128, "noise": "l2", "evaluation_mode": "none", "area_bits_db": 50.0}
    area |= {"clean_information_bits": 2.5, "seeds": 5}
    parts = {
        "table1": pandas.DataFrame([cell | {"standard_error": 3.0}]),
        "fault_tolerance": pandas.DataFrame([area, area | {"noise": "linf"}]),
    }
    config = {
        "training": {"epochs": 20, "learning_rate": 0.05},
        "seeds": [1, 2],
        "models": {"A": {"weight_decay": decay}},
    }
    return tables.compared(parts), config | {"title": f"decay {decay}"}


def test_two_studies_side_by_side_have_differences_with_errors_and_say_which_settings_differ():
    (first, one), (second, other) = comparable(80.0, 0.1), comparable(76.0, 0.2)
    record = DATA | {"classes": 10, "image_shape": [1, 32, 32], "sha256": {"train": "a"}}
    table = tables.comparison(
        first, second, [one, other], ["ci", "demo"], [record, record | {"sha256": {"train": "b"}}]
    )
    row = table.tidy.set_index("quantity").loc["test_accuracy_percent"]
    assert (row["difference"], row["difference_standard_error"]) == (-4.0, pytest.approx(math.hypot(3, 3)))
    assert list(table.tidy["quantity"]).count("clean_information_bits") == 1
    assert list(table.tidy["noise"]) == ["", "", "l2", "linf"]
    page = table.markdown()
    assert "models.A.weight_decay 0.1 | 0.2" in page
    assert "title" not in page
    assert "do not have the same images" in page


def test_what_a_record_calls_its_data_is_no_html():
    """Markdown lets HTML through, and a record may come from anybody."""
    data = DATA | {"description": "<script>alert(1)</script> <!-- <img src=x> 1 < 2"}
    table = layout.Table(
        pandas.DataFrame(), layout.plain(pandas.DataFrame({"model": ["<b>"]})), "Title", layout.notes(STUDY, data)
    )
    text = table.markdown()
    assert re.findall("<.", text) == ["< "]
    assert data["description"] in layout.read_notes(text)[1][1], "HTML pages escape it themselves"


def test_cells_that_one_study_lacks_stay_in_the_comparison():
    first, config = comparable()
    record = DATA | {"classes": 10, "image_shape": [1, 32, 32]}
    second = first.assign(model="mine")
    table = tables.comparison(first, second, [config, config], ["ci", "own"], [record, record])
    assert list(table.shown.frame()["own"])[:1] == ["—"]
    assert "80 ± 3" in list(table.shown.frame()["own"])
    assert "The studies have the same settings." in table.notes


def compile_latex(folder, bodies):
    """Compile tables as they would stand in a paper: one minimal document with booktabs and nothing else."""
    program = shutil.which("tectonic") or shutil.which("pdflatex")
    if program is None:
        pytest.skip("neither pdflatex nor tectonic is installed (Debian: texlive-latex-base texlive-latex-recommended)")
    source = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}" + "\\clearpage ".join(bodies)
    (folder / "tables.tex").write_text(source + "\\end{document}", encoding="utf-8")
    options = ["-halt-on-error", "-interaction=nonstopmode"] if program.endswith("pdflatex") else []
    result = subprocess.run([program, *options, "tables.tex"], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-2000:]


def test_latex_compiles(tmp_path):
    first, config = comparable()
    record = DATA | {"classes": 10, "image_shape": [1, 32, 32]}
    strange = STUDY | {"title": "50 % of {mine}_é ~ $x$ \\ & #1 ^ <b> λ 北"}
    bodies = [
        tables.table1(runs(), {"A": [128, 32], "B": [128]}, strange, DATA).latex(),
        tables.table2(random_label_runs(), {"A": [128], "B": [128]}, STUDY, DATA).latex(),
        tables.further_models(runs(), {"B": [128]}, STUDY, DATA).latex(),
        tables.differences(runs(), planned(runs()), STUDY, DATA).latex(),
        tables.comparison(first, first, [config, config], ["ci", "demo"], [record, record]).latex(),
    ]
    assert r"\multicolumn{2}{c}{A} & \multicolumn{2}{c}{B}" in bodies[0]
    compile_latex(tmp_path, bodies)


def test_a_planned_cell_without_a_finished_run_rests_on_no_seed():
    planned_cells = {"C": [128], "A": [128, 32], "B": [128]}
    there = runs().query("model == 'A' and batch_size == 128")
    table = tables.table1(there, planned_cells, STUDY, DATA)
    by_cell = {(row.model, row.batch_size): row for row in table.tidy.itertuples()}
    assert {cell: int(row.n) for cell, row in by_cell.items()} == {
        ("A", 128): 3,
        ("A", 32): 0,
        ("B", 128): 0,
        ("C", 128): 0,
    }
    ours = table.shown.frame().set_index("batch size").loc["128"]
    assert list(table.shown.headings)[1::2] == ["C test (%)", "A test (%)", "B test (%)"]
    assert ours["B test (%)"] == "— (0 of 3)"
    assert table.shown.partial_cells == 6


def test_negative_numbers_have_a_minus_and_a_dash_is_explained():
    rows = [{"a": layout.Cell("-0.5 ± 0.2"), "b": layout.Cell("-3 to -1", "-2.0")}, {"a": layout.Cell("B-1")}]
    shown = layout.Layout([*layout.columns("a", "b"), layout.Column("paper", printed_of="b")], rows)
    text = layout.Table(pandas.DataFrame(), shown, "Title").markdown()
    for cell in ("−0.5 ± 0.2", "−3 to −1", "−2.0", "B-1"):
        assert f" {cell} " in text
    assert text.rstrip().endswith("- —: not measured, or not printed in the paper.")
    assert "−0.5" not in layout.Table(pandas.DataFrame({"a": [-0.5]}), shown, "Title").tidy.to_csv()


def test_the_best_weight_decay_is_found_before_rounding_and_a_tie_is_said():
    quantities = list(DECAYS)
    tidy = pandas.DataFrame(
        [
            {"weight_decay": decay, "quantity": name, "mean": mean, "standard_error": error, "n": 2, "fitting_seeds": 0}
            for decay, mean, error in ((0.0, 54.3, 12.0), (0.1, 52.0, 5.0), (1.0, 20.0, 1.0))
            for name in quantities
        ]
    ).assign(chosen=False)
    shown = shown_decays(tidy.assign(best_validation=tidy["weight_decay"] == 0.0)).frame()
    assert list(shown["validation (%)"]) == ["50 ± 10", "52 ± 5", "20 ± 1"]
    assert list(shown["choice"]) == ["best validation", "tied with the best", ""]


def test_the_audit_shows_the_strongest_start_of_each_attack_and_where_an_attack_ended():
    cell = {"model": "C", "batch_size": 128, "evaluation_mode": "last", "compared_with": "l2", "images": 64}
    rows = pandas.DataFrame(
        [
            cell | {"attack": "plain", "start": 0, "snr_db": 30.0, "accuracy_percent": 20.0},
            cell | {"attack": "plain", "start": 0, "snr_db": 10.0, "accuracy_percent": math.nan},
            *(
                cell | {"attack": "random_start", "start": start, "snr_db": ratio, "accuracy_percent": accuracy}
                for start, accuracy in ((0, 19.0), (1, 17.0))
                for ratio in (30.0, 10.0)
            ),
        ]
    )
    table = tables.attack_audit(rows, STUDY, DATA)
    shown = table.shown.frame().set_index("attack")
    assert list(shown["accuracy at 30 dB (%)"]) == ["20.0", "17.0"]
    assert list(shown["accuracy at 10 dB (%)"]) == ["—", "17.0"]
    assert "—: the attack ended at a higher ratio." in table.markdown()
    assert "64 test images" in table.latex()
    assert table.tidy["plain_snr_db"].round(1).unique().tolist() == [29.7, 6.7]
    assert "10 dB is 6.7, 5 dB is −2.2" in table.markdown()
