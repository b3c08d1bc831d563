"""Study ci from nothing, then what reruns and what does not."""

import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml
from rocrate.rocrate import ROCrate

TABLES = ("table1", "table2", "table3", "further_models", "differences", "weight_decay", "sensitivity", "ablations")
RUN = "results/ci/runs/cnn/{model}/batch{batch_size}/original/seed{seed}"


def test_every_promised_file_is_there_and_holds_what_it_should(finished_ci):
    results = finished_ci.folder / "results/ci"
    for table in TABLES:
        for kind in ("csv", "md", "tex"):
            assert (results / f"tables/{table}.{kind}").stat().st_size > 100
    with (results / "tables/table1.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3 * 2 * 3
    assert {row["n"] for row in rows} == {"2"}
    assert (results / "tables/table3.md").read_text().count("180.9k") == 2
    for figure in ("figure4", "history", "weight_decay"):
        assert (results / f"figures/{figure}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (results / f"figures/{figure}.svg").read_text()
    assert yaml.safe_load((results / "config.yaml").read_text())["data"]["train_images"] == 300
    with (results / "claims.csv").open() as stream:
        claims = {row["id"]: row for row in csv.DictReader(stream)}
    assert (claims["T1-B128-test"]["n"], claims["T1-B128-test"]["verdict"]) == ("2", "undecided")
    assert claims["T1-B64-test"]["reason"] == "the study has no run of model B at batch size 64 on original labels"
    assert claims["T3-Total"]["verdict"] == "reproduced"


def test_the_latex_of_every_table_compiles_in_one_minimal_document(finished_ci, tmp_path):
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-base texlive-latex-recommended)")
    tables = sorted((finished_ci.folder / "results/ci/tables").glob("*.tex"))
    assert len(tables) >= len(TABLES)
    body = "\\clearpage\n".join(table.read_text() for table in tables)
    document = f"\\documentclass{{article}}\n\\usepackage{{booktabs}}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (tmp_path / "tables.tex").write_text(document)
    command = [program, "-halt-on-error", "-interaction=nonstopmode", "tables.tex"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-2000:]


def test_a_finished_study_describes_itself_to_an_archive(finished_ci):
    results = finished_ci.folder / "results/ci"
    crate = ROCrate(results)
    assert crate.name.startswith("Study ci: Tiny procedural digits")
    for target in (
        "tables/table1.csv",
        "figures/figure4.svg",
        RUN.format(model="A", batch_size=32, seed=1)[11:] + "/metrics.json",
    ):
        entity = crate.dereference(target)
        assert entity["sha256"] == hashlib.sha256((results / target).read_bytes()).hexdigest(), target


def test_the_page_of_a_finished_study_lacks_nothing(finished_ci):
    text = (finished_ci.folder / "results/ci/paper.html").read_text()
    assert "has not been made yet" not in text
    for section in ("channel", "gradients", "plane", "regularization", "calibration", "tolerance", "architecture"):
        assert f'<section id="{section}"' in text
    assert len(text) < 15_000_000


def test_table1_is_the_mean_of_the_runs(finished_ci):
    results = finished_ci.folder / "results/ci"
    accuracies = [
        json.loads((finished_ci.folder / RUN.format(model="B", batch_size=32, seed=seed) / "metrics.json").read_text())[
            "test_accuracy"
        ]
        for seed in (1, 2)
    ]
    with (results / "tables/table1.csv").open() as stream:
        cell = next(
            row
            for row in csv.DictReader(stream)
            if (row["model"], row["batch_size"], row["quantity"]) == ("B", "32", "test_accuracy_percent")
        )
    assert float(cell["mean"]) == pytest.approx(np.mean(accuracies))
    assert float(cell["standard_error"]) == pytest.approx(np.std(accuracies, ddof=1) / np.sqrt(2))


def test_prepared_data_are_whitened_and_memory_mappable(finished_ci):
    folder = finished_ci.folder / "results/ci/data/house_numbers"
    images = np.load(folder / "train/images.npy", mmap_mode="r")
    assert (images.dtype, images.shape) == (np.float32, (300, 1, 32, 32))
    assert np.trace(np.cov(images.reshape(300, -1).T)) == pytest.approx(64, rel=1e-4)
    assert np.load(folder / "train/labels.npy").dtype == np.int64
    record = json.loads((folder / "dataset.json").read_text())
    assert "stand" in record["description"]
    assert record["images"] == {"train": 300, "validation": 50, "test": 200}


def test_a_finished_study_has_nothing_to_do(finished_ci):
    assert finished_ci.planned_jobs("ci") == {}
    path = RUN.format(model="A", batch_size=32, seed=1) + "/metrics.json"
    assert finished_ci.planned_jobs(path) == {}


def test_one_weight_decay_reruns_exactly_the_runs_that_use_it(own_finished_ci):
    project = own_finished_ci
    project.edit_config(lambda c: c["studies"]["ci"]["models"].update(B={"weight_decay": 0.2}))
    jobs = project.planned_jobs("ci")
    # B and C (B + batch normalization) at two batch sizes and on random labels, B+, and the varied C on both kinds of
    # labels; A, A-BN, A+ and the calibration keep their runs, and the data stay.
    assert jobs.pop("train_together_ci") == 2 + 2 + 2 + 1 + 2
    untouched = {"prepare_data", "prepare_extra", "choose_weight_decay", "ablations", "figure_weight_decay", "table3"}
    assert not untouched & set(jobs)
    assert {"table1", "table2", "further_models", "differences", "sensitivity", "figure4"} <= set(jobs)
    assert project.planned_jobs("demo").keys() >= {"prepare_data"}


def test_a_title_changes_no_training(own_finished_ci):
    own_finished_ci.edit_config(lambda c: c["studies"]["ci"].update(title="Another title"))
    assert not [rule for rule in own_finished_ci.planned_jobs("ci") if rule.startswith(("train", "prepare"))]


def test_a_comment_in_a_script_or_in_the_library_reruns_nothing(own_finished_ci):
    project = own_finished_ci
    for path in (
        "workflow/scripts/train.py",
        "src/rate_distortion/training/convolutional.py",
        "workflow/rules/train.smk",
    ):
        file = project.folder / path
        file.write_text(file.read_text() + "\n# A comment.\n")
    assert project.planned_jobs("ci") == {}


def test_one_seed_run_alone_equals_the_one_run_together_whatever_the_cores(own_finished_ci):
    project, run = own_finished_ci, RUN.format(model="C", batch_size=32, seed=2)
    together = (project.folder / run / "model.safetensors").read_bytes()
    result = project.snakemake("--cores", "1", "-f", f"{run}/metrics.json")
    assert result.stderr.count("rule train:") == 1
    assert (project.folder / run / "model.safetensors").read_bytes() == together
    assert not [rule for rule in project.planned_jobs("ci") if rule.startswith("train")]


def test_report_is_one_file_without_the_network(finished_ci, tmp_path):
    page = tmp_path / "report.html"
    finished_ci.snakemake("--report", str(page), "ci")
    text = page.read_text()
    for phrase in (
        "seeds 1, 2",
        "2 epochs at learning rate 0.05",
        "A at batch sizes 128, 32",
        "counted from the network",
    ):
        assert phrase in " ".join(text.split()), phrase
    assert 'src="http' not in text
    assert "figure4.svg" in text


def test_after_a_kill_of_snakemake_the_same_command_goes_on(project):
    targets = ("results/ci/tables/table1.md", "results/ci/figures/figure4.svg")  # trainings, a calibration and probes
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *targets]
    process = subprocess.Popen(
        command, cwd=project.folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not list(project.folder.glob("results/ci/runs/cnn/*/*/*/*/metrics.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = list(project.folder.glob("results/ci/runs/cnn/*/*/*/*/metrics.json"))
    assert done
    project.snakemake("--unlock")
    project.snakemake("--cores", "2", *targets)
    assert project.planned_jobs(*targets) == {}
    left_behind = [
        path.name for path in (project.folder / "results").rglob("*") if path.name.startswith((".", "resume"))
    ]
    assert left_behind == [], "a temporary or resume file outlived a finished study"


def test_an_error_in_a_job_is_one_sentence_in_its_log(own_finished_ci):
    project = own_finished_ci
    project.edit_config(lambda c: c["studies"]["ci"]["whitening"].update(components=1000))
    shutil.rmtree(project.folder / "logs")
    result = project.snakemake("--cores", "1", "results/ci/data/house_numbers/dataset.json", check=False)
    assert result.returncode != 0
    log = (project.folder / "logs/ci/prepare_data/house_numbers.log").read_text()
    assert "components is 1000; allowed: 1 to 299, the numerical rank of 300 training images" in log
    assert "Traceback" not in log


def test_partial_tables_say_how_many_seeds_they_rest_on_and_train_nothing(own_finished_ci):
    project = own_finished_ci
    for path in project.folder.glob("results/ci/runs/cnn/B/batch128/original/seed2/metrics.json"):
        path.unlink()
    for path in project.folder.glob("results/ci/runs/cnn/C/*/*/*/metrics.json"):
        path.unlink()
    assert project.planned_jobs("results/ci/partial") == {"partial": 1}
    project.snakemake("--cores", "1", "results/ci/partial")
    page = (project.folder / "results/ci/partial/README.md").read_text()
    assert "(1 of 2)" in page
    with (project.folder / "results/ci/partial/claims.csv").open() as stream:
        claims = {row["id"]: row for row in csv.DictReader(stream)}
    assert (claims["T1-B128-test"]["n"], claims["F5-acc0-B-l2"]["n"]) == ("1", "1")
    assert claims["T1-C128-test"]["reason"].startswith("nothing is there yet")
    assert "**fault tolerance**: no seed has finished all of its networks yet." in page  # of C there is none
    names = ["table1", "table3", "transfer", "gradient_snr", "information_plane", "sphere_packing", "ablations"]
    for name in names:
        assert (project.folder / f"results/ci/partial/{name}.md").stat().st_size > 100, name
    assert page.count("From 2 of 2 seeds:") >= 4
    assert "—" in page
