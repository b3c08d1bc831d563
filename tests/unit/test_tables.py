"""Tables: means, standard errors, and the printed precision."""

import math
import shutil
import subprocess

import numpy as np
import pandas
import pytest

from rate_distortion import tables

STUDY = {"name": "demo", "title": "A title", "seeds": [1, 2, 3], "epochs": 20, "learning_rate": 0.05}
DATA = {
    "description": "procedural street numbers",
    "images": {"train": 1000, "validation": 10, "test": 500},
    "train_on": "train",
}


def runs(seeds=(1, 2, 3)):
    rng = np.random.default_rng(0)
    return pandas.DataFrame(
        [
            {"model": m, "batch_size": b, "seed": s, "test_accuracy": 80 + rng.normal(), "generalization_gap": 5.0 + s}
            for m in "AB"
            for b in (128, 32)
            for s in seeds
        ]
    )


@pytest.mark.parametrize(
    ("mean", "error", "shown"),
    [
        (85.91, 0.2, "85.9 ± 0.2"),
        (12.423, 0.04, "12.42 ± 0.04"),
        (76.2, 3.4, "76 ± 3"),
        (100, 0, "100.0 ± 0.0"),
        (88.04, 0.096, "88.0 ± 0.1"),
        (54.3, 12.0, "54 ± 10"),
        (-0.61, 0.21, "-0.6 ± 0.2"),
        (88.44, math.nan, "88.4"),
        (math.nan, math.nan, "missing"),
    ],
)
def test_precision_follows_the_error(mean, error, shown):
    assert tables.to_precision(mean, error) == shown


def test_incomplete_cells_say_so():
    assert tables.to_precision(85.9, 0.2, planned=5, n=3) == "85.9 ± 0.2 (3 of 5)"


def test_summary_has_the_standard_error_of_the_mean():
    frame = runs()
    summary = tables.summarise(frame, ["model", "batch_size"], {"test_accuracy": "test_accuracy_percent"})
    values = frame.query("model == 'A' and batch_size == 32")["test_accuracy"]
    row = summary.query("model == 'A' and batch_size == 32").iloc[0]
    assert row["mean"] == pytest.approx(values.mean())
    assert row["standard_error"] == pytest.approx(values.std(ddof=1) / math.sqrt(3))
    assert row["n"] == 3


def test_table1_keeps_the_printed_layout_and_the_papers_numbers_beside_ours():
    table = tables.table1(runs(), {"A": [128, 32], "B": [128]}, STUDY, DATA)
    assert list(table.shown["batch size"]) == ["128", "128, printed", "32", "32, printed"]
    assert list(table.shown.columns)[1:3] == ["A test (%)", "A gap (points)"]
    assert table.shown["A gap (points)"][0] == "7.0 ± 0.6"
    assert table.shown["B test (%)"][1] == "88.4 ± 0.2"
    cell = table.tidy.query("model == 'A' and batch_size == 128 and quantity == 'test_accuracy_percent'").iloc[0]
    assert (cell["printed_mean"], cell["printed_standard_error"]) == (85.9, 0.2)
    assert "procedural street numbers, 1,000 training and 500 test images" in table.markdown()


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
    shown = tables.table3(network).shown
    assert list(shown["params"]) == list(shown["printed"]) == ["2.0k", "73.7k", "102.4k", "2.6k", "180.9k"]


def test_latex_compiles(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    body = tables.table1(runs(), {"A": [128, 32], "B": [128]}, STUDY, DATA).latex()
    source = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}" + body + "\\end{document}"
    (tmp_path / "table.tex").write_text(source)
    subprocess.run(["pdflatex", "-halt-on-error", "table.tex"], cwd=tmp_path, check=True, capture_output=True)
