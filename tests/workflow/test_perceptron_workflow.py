"""The multilayer perceptrons in the workflow: from two digits to figures 2 and 3, as packs and one by one."""

import json

import pytest

from conftest import rows

RUN = "results/{}/runs/mlp/{}/{}/{}/seed{}"
PARTS = [
    *(f"tables/{table}.{kind}" for table in ("gradient_snr", "information_plane") for kind in ("csv", "md", "tex")),
    *(f"figures/figure{number}.{kind}" for number in (1, 2, 3) for kind in ("svg", "png", "csv")),
]


@pytest.fixture
def built(finished_perceptrons):
    """Study ci's part that is tested here."""
    return finished_perceptrons


def test_all_seeds_of_a_cell_are_one_job_whatever_the_study_says(project):
    # Figure 2 has four networks on the original labels, figure 3 adds one on random labels.
    assert project.planned_jobs("demo")["train_pack_demo"] == 5
    jobs = project.planned_jobs("results/paper/figures/figure2.svg", "results/paper/tables/information_plane.md")
    assert jobs["train_pack_paper"] == 5
    assert not project.folder.joinpath("results").exists()


def test_figure_1_needs_no_data(project):
    assert project.planned_jobs("results/paper/figures/figure1.svg") == {"figure1": 1}


def test_one_seed_needs_its_digits_and_itself(project):
    target = RUN.format("demo", "relu", "none", "random", 1) + "/gradient_snr.csv"
    assert project.planned_jobs(target) == {"prepare_digit_pair": 1, "train_perceptron": 1}
    target = RUN.format("paper", "tanh", "batch", "original", 5) + "/metrics.json"
    assert project.planned_jobs(target) == {"download": 4, "prepare_digit_pair": 1, "train_perceptron": 1}


def test_the_paper_asks_for_no_gpu_here(project):
    output = project.snakemake("-n", "results/paper/figures/figure2.svg").stdout
    assert "train_pack_paper" in output
    assert "gpu=1" not in output


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (RUN.format("demo", "relu", "none", "original", 5) + "/metrics.json", "study demo has no seed 5; it has 1, 2"),
        (RUN.format("demo", "elu", "none", "original", 1) + "/metrics.json", "No rule to produce"),
        ("results/demo/data/mnist-3-versus-7/dataset.json", "study demo has no digits mnist-3-versus-7"),
    ],
)
def test_what_no_study_has_is_refused(project, target, message):
    result = project.snakemake("-n", target, check=False)
    assert result.returncode != 0
    assert message.lower() in (result.stdout + result.stderr).lower()


def test_a_study_without_perceptrons_leaves_figures_2_and_3_out(project):
    def change(config):
        config["studies"]["mine"] = {"extends": "ci", "multilayer_perceptron": None}

    project.edit_config(change)
    jobs = project.planned_jobs("mine")
    assert jobs["figure1"] == 1
    assert not {"figure2", "figure3", "gradient_snr", "information_plane", "prepare_digit_pair"} & set(jobs)
    result = project.snakemake("-n", RUN.format("mine", "relu", "none", "original", 1) + "/metrics.json", check=False)
    assert "study mine has no multilayer_perceptron" in result.stdout + result.stderr


def test_every_part_is_there_and_finished(built):
    for part in PARTS:
        assert (built.folder / "results/ci" / part).stat().st_size > 100, part
    assert built.planned_jobs(*(f"results/ci/{part}" for part in PARTS)) == {}
    left_behind = [path for path in built.folder.rglob("*") if path.name.startswith((".model", "resume"))]
    assert left_behind == []


def test_the_data_are_all_362_threes_and_sevens_as_they_are(built):
    record = json.loads((built.folder / "results/ci/data/digits-3-versus-7/dataset.json").read_text())
    assert record["images"] == {"train": 362}
    assert record["distinct_images"] == 362
    assert record["image_shape"] == [8, 8, 1]
    # 64 pixels of 17 grey levels.
    assert 0 < record["pixel_entropy_bits"] < 64 * 4.09


def test_tables_hold_the_means_of_the_runs(built):
    results = built.folder / "results/ci"
    runs = [results / f"runs/mlp/relu/none/random/seed{seed}/information_plane.csv" for seed in (1, 2)]
    last = [
        float(row["input_information_bits"])
        for run in runs
        for row in rows(run)
        if (row["epoch"], row["layer"], row["estimator"]) == ("12", "6", "pooled_bins")
    ]
    cell = next(
        row
        for row in rows(results / "tables/information_plane.csv")
        if (row["labels"], row["layer"], row["estimator"], row["quantity"])
        == ("random", "6", "pooled_bins", "input_information_bits")
    )
    assert float(cell["mean"]) == pytest.approx(sum(last) / 2)
    assert cell["n"] == "2"


def test_a_seed_alone_equals_the_same_seed_in_its_pack(built):
    run = RUN.format("ci", "relu", "batch", "original", 2)
    together = {name: (built.folder / run / name).read_bytes() for name in ("model.safetensors", "gradient_snr.csv")}
    result = built.snakemake("--cores", "1", "-f", f"{run}/metrics.json")
    assert result.stderr.count("rule train_perceptron:") == 1
    assert {name: (built.folder / run / name).read_bytes() for name in together} == together
    assert not [rule for rule in built.planned_jobs("results/ci/figures/figure2.svg") if rule.startswith("train")]


def test_a_figures_setting_retrains_nothing_and_an_epoch_everything(built):
    targets = ("results/ci/figures/figure2.svg", "results/ci/figures/figure3.svg")
    original = (built.folder / "config.yaml").read_text()
    part = "multilayer_perceptron"
    built.edit_config(lambda c: c["studies"]["ci"][part]["gradient_snr"].update(ratio="saxe"))
    jobs = built.planned_jobs(*targets)
    assert jobs["figure2"] == 1
    assert "train_pack_ci" not in jobs
    built.edit_config(lambda c: c["studies"]["ci"][part].update(epochs=13))
    assert built.planned_jobs(*targets)["train_pack_ci"] == 3
    (built.folder / "config.yaml").write_text(original)
