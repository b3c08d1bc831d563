"""What would be run for which target, without running it."""

import re

import pytest
import yaml

from conftest import ROOT
from rate_distortion import studies

RUN = "results/{}/runs/cnn/B/batch128/original/seed{}/metrics.json"


def test_default_target_is_the_default_study(project):
    jobs = project.planned_jobs()
    assert jobs.pop("all") == 1
    named = project.planned_jobs("demo")
    assert named.pop("demo") == 1
    assert jobs == named


def test_seeds_of_a_cell_share_a_process_where_the_study_says_so(project):
    assert project.planned_jobs("demo")["train_together_demo"] == 23
    jobs = project.planned_jobs("paper")
    # Tables 1 and 2 as printed, B+, A+ and A-BN, and six weight decays on two kinds of labels.
    assert jobs["train"] == 45 + 25 + 3 * 5 + 2 * 6 * 5
    # Three files of SVHN, four of MNIST.
    assert jobs["download"] == 3 + 4
    project.edit_config(lambda config: config["studies"]["paper"].update(packing="batch_size"))
    jobs = project.planned_jobs("paper")
    # Three batch sizes without and with batch normalization, B+ and A+, and the calibration, which holds images out.
    assert sum(count for rule, count in jobs.items() if rule.startswith("train_packed_paper_")) == 3 * 2 + 1 + 1


def test_one_seed_needs_its_data_and_itself(project):
    assert project.planned_jobs(RUN.format("demo", 1).replace("/B/", "/A/")) == {"prepare_data": 1, "train": 1}
    # B's weight decay is the one that the calibration finds: four values on two kinds of labels and two seeds.
    jobs = project.planned_jobs(RUN.format("demo", 1))
    assert jobs == {"prepare_data": 1, "choose_weight_decay": 1, "train": 16 + 1}
    assert project.planned_jobs(RUN.format("paper", 3)) == {"download": 2, "prepare_data": 1, "train": 1}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (RUN.format("demo", 3), "study demo has no seed 3; it has 1, 2"),
        (RUN.format("demo", 1).replace("batch128", "batch64").replace("/B/", "/D/"), "No rule to produce"),
        (RUN.format("dmeo", 1), "No rule to produce"),
    ],
)
def test_a_run_that_no_study_has_is_refused(project, path, message):
    result = project.snakemake("-n", path, check=False)
    assert result.returncode != 0
    assert message.lower() in (result.stdout + result.stderr).lower()


@pytest.mark.parametrize("study", ["ci", "demo", "small", "paper"])
@pytest.mark.parametrize(
    "target",
    [
        "figures/figure4.svg",
        "tables/table1.tex",
        "claims.csv",
        "overview.csv",
        "tables/table3.md",
        "plan.md",
        "config.yaml",
        "paper.html",
    ],
)
def test_every_promised_file_is_a_target(project, study, target):
    project.snakemake("-n", f"results/{study}/{target}")


def test_partial_tables_of_a_study_that_has_not_begun(project):
    project.snakemake("--cores", "1", "results/paper/partial")
    assert "no run has finished yet" in (project.folder / "results/paper/partial/README.md").read_text()
    page = (project.folder / "results/paper/partial/paper.html").read_text()
    assert "Missing so far" in page
    assert "Table 1, accuracy and generalization gap" in page


def test_table_3_and_the_plan_need_no_data(project):
    assert project.planned_jobs("results/paper/tables/table3.md") == {"describe_network": 1, "table3": 1}
    assert project.planned_jobs("results/paper/plan.md") == {"write_plan": 1}


def test_slurm_profile_builds_the_paper_unless_told_otherwise(project):
    jobs = project.planned_jobs("--profile", "slurm")
    assert (jobs["train"], jobs["all"]) == (145, 1)
    assert project.planned_jobs("--profile", "slurm", "ci")["train_together_ci"] == 19


def test_names_of_rules_are_refused_as_study_names(project):
    listed = project.snakemake("--list-rules").stdout.splitlines()
    rules = {line.split()[0] for line in listed if line and not line[0].isspace()}  # a docstring may follow a name
    schema = yaml.safe_load((project.folder / "workflow/schemas/config.schema.yaml").read_text())
    config = yaml.safe_load((project.folder / "config.yaml").read_text())
    for rule in rules - set(config["studies"]):
        broken = config | {"studies": config["studies"] | {rule: {"extends": "demo"}}}
        with pytest.raises(studies.StudyError, match=f"studies.{rule} is the name of a rule"):
            studies.load(broken, schema)


def test_cpu_studies_ask_for_no_gpu_and_the_papers_for_one(project):
    assert "gpu=1" not in project.snakemake("-n", RUN.format("demo", 1)).stdout
    assert "gpu=1" in project.snakemake("-n", RUN.format("paper", 1)).stdout


def test_picture_and_data_of_every_figure_are_items_of_the_report():
    for rules in (ROOT / "workflow/rules").glob("*.smk"):
        for kind, target in re.findall(r"(svg|csv)=\"(results/{study}/figures/[^\"]+)", rules.read_text()):
            pytest.fail(f"{rules.name} has {kind}={target} outside report()")
