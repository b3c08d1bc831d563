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

from project_copy import rows

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
    assert jobs.pop("train") == 2 * (2 + 2 + 2 + 1 + 2)
    assert not {"prepare_data", "prepare_extra", "choose_weight_decay", "train_bottleneck"} & set(jobs)
    places = ("tables/ablations.md", "tables/weight_decay.md", "figures/weight_decay.svg", "tables/table3.md")
    assert project.planned_jobs(*(f"results/ci/{place}" for place in places)) == {}
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


def test_a_run_that_is_made_again_is_the_same_whatever_the_cores(own_finished_ci):
    project, run = own_finished_ci, RUN.format(model="C", batch_size=32, seed=2)
    among_others = (project.folder / run / "model.safetensors").read_bytes()
    result = project.snakemake("--cores", "1", "-f", f"{run}/metrics.json")
    assert result.stderr.count("rule train:") == 1
    assert (project.folder / run / "model.safetensors").read_bytes() == among_others
    assert not [rule for rule in project.planned_jobs("ci") if rule.startswith("train")]


def test_report_is_one_file_without_the_network(finished_ci, tmp_path):
    page = tmp_path / "report.html"
    finished_ci.snakemake("--report", str(page), "ci")
    text = page.read_text()
    for phrase in (
        "seeds 1, 2",
        "2 epochs at learning rate 0.05",
        "A at batch sizes 128 and 32",
        "counted from the network",
    ):
        assert phrase in " ".join(text.split()), phrase
    assert 'src="http' not in text
    assert "figure4.svg" in text


@pytest.mark.slow
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
    project.edit_config(lambda c: c["studies"]["ci"]["training"].update(learning_rate=1000.0))
    shutil.rmtree(project.folder / "logs")
    run = "results/ci/runs/cnn/A/batch128/original/seed1/metrics.json"
    result = project.snakemake("--cores", "1", run, check=False)
    assert result.returncode != 0
    assert "Error in rule train" in result.stdout + result.stderr, result.stdout + result.stderr
    log = (project.folder / "logs/ci/train/A-batch128-original-seed1.log").read_text()
    assert "lower learning_rate (now 1000.0) or look at the data" in log
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


def test_perceptrons_bottlenecks_and_transfers_leave_their_records_and_nothing_else(finished_ci):
    results = finished_ci.folder / "results/ci"
    record = json.loads((results / "data/digits-3-versus-7/dataset.json").read_text())
    assert (record["images"], record["distinct_images"], record["image_shape"]) == ({"train": 362}, 362, [8, 8, 1])
    assert 0 < record["pixel_entropy_bits"] < 64 * 4.09  # 64 pixels of 17 grey levels
    assert len(rows(results / "figures/figure6.csv")) == 3 * 3 * 300, "three variants and epochs, every training image"
    transfer = results / "transfer/B+/seed2"
    zero, one = rows(transfer / "zero_shot.csv"), rows(transfer / "one_shot.csv")
    assert ([row["target"] for row in zero], [row["support_set"] for row in one]) == (["digits"], ["0", "1", "2"])
    with np.load(transfer / "predictions.npz", allow_pickle=False) as stored:
        accuracy = 100 * (stored["one_shot_predictions"] == stored["labels"]).mean(1)
    assert [float(row["accuracy_percent"]) for row in one] == pytest.approx(accuracy.tolist())
    left_behind = [path for path in results.rglob("*") if path.name.startswith((".", "resume", "running"))]
    assert left_behind == []


def test_tables_of_figures_2_3_and_7_are_means_of_their_runs(finished_ci):
    results = finished_ci.folder / "results/ci"

    def cell(table, **keys):
        found = [row for row in rows(results / f"tables/{table}.csv") if keys.items() <= row.items()]
        assert len(found) == 1
        return found[0]

    runs = [results / f"runs/mlp/relu/none/random/seed{seed}/information_plane.csv" for seed in (1, 2)]
    last = [
        float(row["input_information_bits"])
        for run in runs
        for row in rows(run)
        if (row["epoch"], row["layer"], row["estimator"]) == ("12", "6", "pooled_bins")
    ]
    keys = {"labels": "random", "layer": "6", "estimator": "pooled_bins", "quantity": "input_information_bits"}
    shown = cell("information_plane", **keys)
    assert (float(shown["mean"]), shown["n"]) == (pytest.approx(sum(last) / 2), "2")
    zero = [rows(results / f"transfer/B+/seed{seed}/zero_shot.csv")[0]["accuracy_percent"] for seed in (1, 2)]
    shown = cell("transfer", shot="zero_shot", quantity="accuracy_percent")
    assert float(shown["mean"]) == pytest.approx(np.mean([float(value) for value in zero]))
    assert shown["percentile_of_printed"] == ""
    page = (results / "tables/transfer.md").read_text()
    assert "procedural street numbers, which stand in for SVHN" in page
    assert "data/svhn/test_32x32.mat is not there" in page


WHAT_RERUNS = {
    "figure 2's ratio": (
        lambda ci: ci["multilayer_perceptron"]["gradient_snr"].update(ratio="saxe"),
        {"train_perceptrons_ci": 0},
    ),
    "an epoch of the perceptrons": (
        lambda ci: ci["multilayer_perceptron"].update(epochs=13),
        {"train_perceptrons_ci": 3},
    ),
    "the purity of a partition": (
        lambda ci: ci["sphere_packing"].update(partition_purity=0.8),
        {"train_bottleneck": 0, "animated_figure": 1},
    ),
    "an epoch of the bottlenecks": (lambda ci: ci["sphere_packing"].update(epochs=5), {"train_bottleneck": 3}),
    "the learning rate of a transfer": (
        lambda ci: ci["transfer"].update(learning_rate=0.02),
        {"train": 0, "transfer": 2},
    ),
}


@pytest.mark.parametrize("setting", WHAT_RERUNS)
def test_a_setting_reruns_what_uses_it(setting, own_finished_ci):
    change, expected = WHAT_RERUNS[setting]
    own_finished_ci.edit_config(lambda config: change(config["studies"]["ci"]))
    jobs = own_finished_ci.planned_jobs("ci")
    assert {rule: jobs.get(rule, 0) for rule in expected} == expected


def test_the_files_of_svhn_are_used_once_they_are_there(own_finished_ci):
    svhn = own_finished_ci.folder / "data/svhn/test_32x32.mat"
    svhn.parent.mkdir(parents=True)
    svhn.write_bytes(b"not the official file")
    assert own_finished_ci.planned_jobs("results/ci/tables/transfer.md") == {"transfer": 2, "table": 1}


def test_a_partial_transfer_is_that_of_the_seeds_that_are_complete(own_finished_ci):
    project = own_finished_ci
    (project.folder / "results/ci/transfer/B+/seed2/one_shot.csv").unlink()
    project.snakemake("--cores", "1", "results/ci/partial")
    folder = project.folder / "results/ci/partial"
    assert {row["n"] for row in rows(folder / "transfer.csv") if row["model"] == "B+"} == {"1"}
    assert all("From 1 of 2 seeds." in (folder / f"transfer.{kind}").read_text() for kind in ("md", "tex"))
    assert "From 1 of 2 seeds:" in (folder / "README.md").read_text()


TOY_ENTRY = """
RESULTS = (
    *RESULTS,
    _table(
        "toy",
        "a toy table",
        "regularization",
        ("table1",),
        records={"metrics": "metrics.json"},
        caption=lambda study: f"A toy table of {_of(study)}.",
    ),
)
TABLES = {result.name: result for result in RESULTS if result.kind == "table"}
"""
TOY_MAKER = '''

def toy(metrics, dataset, study):
    """How many runs there are."""
    from rate_distortion.tables.layout import plain

    frame = pandas.DataFrame({"runs": [len(list(metrics))]})
    return Table(frame, plain(frame), f"Runs of study {study['name']}")
'''


def test_a_new_table_is_a_function_and_an_entry(own_finished_ci):
    """It is promised, built, part of what is made of an unfinished study, and among the page's records."""
    project = own_finished_ci
    for module, text in (("studies/results.py", TOY_ENTRY), ("tables/making.py", TOY_MAKER)):
        file = project.folder / "src/rate_distortion" / module
        file.write_text(file.read_text() + text)
    jobs = project.planned_jobs("ci")
    assert (jobs["table"], jobs["page"]) == (1, 1), "of the tables the new one alone, and the page again"
    project.snakemake("--cores", "1", "results/ci/tables/toy.md", "results/ci/partial")
    results = project.folder / "results/ci"
    assert rows(results / "tables/toy.csv") == rows(results / "partial/toy.csv") == [{"runs": "12"}]
    assert all((results / f"tables/toy.{kind}").exists() for kind in ("md", "tex"))
    assert "Runs of study ci" in (results / "partial/README.md").read_text()
    page = project.snakemake("-n", "results/ci/paper.html").stdout
    assert "results/ci/tables/toy.csv" in page
