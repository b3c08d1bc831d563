"""Transfer in the workflow: from a trained network to figure 7 and its table, all seeds in one process and one by one."""

import numpy as np
import pytest

from conftest import rows

FOLDER = "results/{}/transfer/{}/seed{}"
PARTS = [f"figures/figure7.{kind}" for kind in ("svg", "png", "csv")] + [
    f"tables/transfer.{kind}" for kind in ("csv", "md", "tex")
]
TARGETS = [f"results/ci/{part}" for part in PARTS]


@pytest.fixture
def built(finished_transfer):
    """Study ci's part that is tested here. A test that changes its configuration puts it back."""
    return finished_transfer


def test_all_seeds_share_a_process_where_the_study_says_so(project):
    project.edit_config(lambda c: c["studies"]["ci"]["models"]["B+"].update(weight_decay=0.05))
    once = ("prepare_data", "prepare_extra", "train_together_ci", "transfer_together_ci", "figure7", "transfer_table")
    assert project.planned_jobs(*TARGETS) == dict.fromkeys(once, 1)
    jobs = project.planned_jobs("results/paper/figures/figure7.svg", "results/paper/tables/transfer.md")
    # Two models of five seeds; train and test of SVHN, its extra images, and the four files of MNIST.
    assert (jobs["transfer"], jobs["train"], jobs["download"]) == (10, 10, 7)


def test_one_seed_needs_its_network_and_itself_and_any_model_may_be_transferred(project):
    jobs = project.planned_jobs(FOLDER.format("paper", "A", 3) + "/one_shot.csv")
    assert jobs == {"download": 6, "prepare_data": 1, "train": 1, "transfer": 1}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (FOLDER.format("demo", "B+", 5), "study demo has no seed 5; it has 1, 2"),
        (FOLDER.format("mine", "B+", 1), "study mine has no transfer; add it to its configuration"),
    ],
)
def test_what_no_study_has_is_refused(project, path, message):
    project.edit_config(lambda c: c["studies"].update(mine={"extends": "ci", "transfer": None}))
    result = project.snakemake("-n", f"{path}/one_shot.csv", check=False)
    assert result.returncode != 0
    assert message in result.stdout + result.stderr
    assert not {"figure7", "transfer_table", "transfer_together_mine"} & set(project.planned_jobs("mine"))


def test_every_part_is_there_and_finished(built):
    for part in PARTS:
        assert (built.folder / "results/ci" / part).stat().st_size > 100, part
    assert built.planned_jobs(*TARGETS) == {}


def test_records_have_a_row_per_support_set_and_the_predictions_behind_them(built):
    folder = built.folder / FOLDER.format("ci", "B+", 2)
    zero, one = rows(folder / "zero_shot.csv"), rows(folder / "one_shot.csv")
    assert ([row["target"] for row in zero], [row["support_set"] for row in one]) == (["digits"], ["0", "1", "2"])
    with np.load(folder / "predictions.npz", allow_pickle=False) as stored:
        assert stored["one_shot_margins"].shape == (3, 100)
        assert stored["support"].shape == (3, 10)
        accuracy = 100 * (stored["one_shot_predictions"] == stored["labels"]).mean(1)
    assert [float(row["accuracy_percent"]) for row in one] == pytest.approx(accuracy.tolist())


def test_the_table_is_the_mean_of_the_records_and_says_which_data_it_shows(built):
    results = built.folder / "results/ci"
    folders = [results / f"transfer/B+/seed{seed}" for seed in (1, 2)]
    accuracies = [float(rows(folder / "zero_shot.csv")[0]["accuracy_percent"]) for folder in folders]
    cell = next(
        row
        for row in rows(results / "tables/transfer.csv")
        if (row["shot"], row["quantity"]) == ("zero_shot", "accuracy_percent")
    )
    assert float(cell["mean"]) == pytest.approx(np.mean(accuracies))
    assert cell["percentile_of_printed"] == ""
    page = (results / "tables/transfer.md").read_text()
    assert "procedural street numbers, which stand in for SVHN" in page
    assert "data/svhn/test_32x32.mat is not there" in page


def test_a_seed_alone_equals_the_same_seed_among_others(built):
    folder = FOLDER.format("ci", "B+", 2)
    together = (built.folder / folder / "predictions.npz").read_bytes()
    result = built.snakemake("--cores", "1", "-f", f"{folder}/one_shot.csv")
    assert result.stderr.count("rule transfer:") == 1
    assert (built.folder / folder / "predictions.npz").read_bytes() == together
    built.snakemake("--cores", "1", *TARGETS)


def test_a_setting_of_the_transfer_trains_nothing_and_the_files_of_svhn_are_used_once_they_are_there(built):
    original = (built.folder / "config.yaml").read_text()
    built.edit_config(lambda c: c["studies"]["ci"]["transfer"].update(learning_rate=0.02))
    again = {"transfer_together_ci": 1, "figure7": 1, "transfer_table": 1}
    assert built.planned_jobs(*TARGETS) == again
    (built.folder / "config.yaml").write_text(original)
    assert built.planned_jobs(*TARGETS) == {}
    svhn = built.folder / "data/svhn/test_32x32.mat"
    svhn.parent.mkdir(parents=True)
    svhn.write_bytes(b"not the official file")
    assert built.planned_jobs(*TARGETS) == again
    svhn.unlink()


def test_the_partial_table_is_that_of_the_seeds_that_are_complete(built, tmp_path):
    project = built.copy_to(tmp_path / "project")
    (project.folder / FOLDER.format("ci", "B+", 2) / "one_shot.csv").unlink()
    project.snakemake("--cores", "1", "results/ci/partial")
    folder = project.folder / "results/ci/partial"
    seeds = {row["n"] for row in rows(folder / "transfer.csv") if row["model"] == "B+"}
    assert seeds == {"1"}
    page = (folder / "README.md").read_text()
    assert "From 1 of 2 seeds:" in page
    assert all("From 1 of 2 seeds." in (folder / f"transfer.{kind}").read_text() for kind in ("md", "tex"))
    assert "**fault tolerance**: no seed has finished all of its networks yet." in page
    assert "**table1**: no run has finished yet." in page
