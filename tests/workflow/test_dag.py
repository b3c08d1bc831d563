"""What would be run for which target, without running it: one dry run for each thing that only Snakemake can say."""

import pytest
import yaml

RUN = "results/{}/runs/cnn/B/batch128/original/seed{}/metrics.json"
PERCEPTRON = "results/demo/runs/mlp/relu/none/random/seed1/gradient_snr.csv"


def test_default_target_is_the_default_study(project):
    jobs = project.planned_jobs()
    assert jobs.pop("all") == 1
    named = project.planned_jobs("demo")
    assert named.pop("demo") == 1
    assert jobs == named
    # One job for each training; all seeds of a multilayer perceptron are one.
    assert (jobs["train"], jobs["train_perceptrons_demo"], jobs["train_bottleneck"], jobs["transfer"]) == (30, 5, 6, 2)


def test_the_papers_study_trains_its_grid(project):
    jobs = project.planned_jobs("paper")
    # Tables 1 and 2 as printed, B+, A+ and A-BN, and eight weight decays on two kinds of labels.
    assert jobs["train"] == 45 + 25 + 3 * 5 + 2 * 8 * 5
    # Three files of SVHN, four of MNIST.
    assert jobs["download"] == 3 + 4
    project.edit_config(lambda config: config["studies"]["paper"].update(packing="batch_size"))
    jobs = project.planned_jobs("paper")
    # Three batch sizes without and with batch normalization, B+ and A+, and the calibration, which holds images out.
    assert sum(count for rule, count in jobs.items() if rule.startswith("train_packed_paper_")) == 3 * 2 + 1 + 1


@pytest.mark.parametrize(
    ("target", "jobs"),
    [
        (RUN.format("demo", 1).replace("/B/", "/A/"), {"prepare_data": 1, "train": 1}),
        # B's weight decay is the one that the calibration finds: three values on two kinds of labels and two seeds.
        (RUN.format("demo", 1), {"prepare_data": 1, "choose_weight_decay": 1, "train": 12 + 1}),
        (RUN.format("paper", 3), {"download": 2, "prepare_data": 1, "train": 1}),
        (PERCEPTRON, {"prepare_digit_pair": 1, "train_perceptrons_demo": 1}),
        ("results/paper/transfer/A/seed3/one_shot.csv", {"download": 6, "prepare_data": 1, "train": 1, "transfer": 1}),
        ("results/demo/runs/sphere_packing/batch/seed2/geometry.csv", {"train_bottleneck": 1}),
        ("results/paper/figures/figure6.gif", {"download": 4, "train_bottleneck": 3, "animated_figure": 1}),
        ("results/paper/figures/figure1.svg", {"long_figure": 1}),
        ("results/paper/tables/table3.md", {"describe_network": 1, "table": 1}),
        ("results/paper/plan.md", {"write_plan": 1}),
    ],
)
def test_a_target_needs_what_it_rests_on_and_no_more(project, target, jobs):
    assert project.planned_jobs(target) == jobs


@pytest.mark.parametrize("study", ["ci", "demo", "small", "paper"])
def test_files_that_are_made_beside_others_are_targets_too(project, study):
    kinds = ("tables/table1.tex", "figures/figure4.png", "claims.md", "overview.csv", "config.yaml", "paper.html")
    project.snakemake("-n", *(f"results/{study}/{kind}" for kind in kinds))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (RUN.format("demo", 3), "study demo has no seed 3; it has 1, 2"),
        (RUN.format("dmeo", 1), "No rule to produce"),
        ("results/demo/tables/table9.csv", "No rule to produce"),
        ("results/lean/figures/figure6.svg", "study lean leaves out figures/figure6 (Figure 6, sphere packing)"),
    ],
)
def test_a_target_that_no_study_has_is_refused_in_a_sentence(project, path, message):
    project.edit_config(lambda c: c["studies"].update(lean={"extends": "ci", "sphere_packing": None}))
    result = project.snakemake("-n", path, check=False)
    assert result.returncode != 0
    assert message.lower() in (result.stdout + result.stderr).lower()
    assert "Traceback (most recent call last)" not in result.stdout + result.stderr


def test_partial_tables_of_a_study_that_has_not_begun(project):
    project.snakemake("--cores", "1", "results/paper/partial")
    assert "no run has finished yet" in (project.folder / "results/paper/partial/README.md").read_text()
    page = (project.folder / "results/paper/partial/paper.html").read_text()
    assert "Missing so far" in page
    assert "Table 1, accuracy and generalization gap" in page


def test_slurm_profile_builds_the_paper_unless_told_otherwise(project):
    jobs = project.planned_jobs("--profile", "slurm")
    assert (jobs["train"], jobs["all"]) == (165, 1)
    assert project.planned_jobs("--profile", "slurm", "ci")["ci"] == 1


@pytest.mark.parametrize("rule", ["train", "table", "train_perceptrons_demo"])
def test_the_name_of_a_rule_is_refused_as_the_name_of_a_study(project, rule):
    (project.folder / "mine.yaml").write_text(yaml.safe_dump({"studies": {rule: {"extends": "ci"}}}))
    result = project.snakemake("-n", "--configfile", "mine.yaml", check=False)
    assert result.returncode != 0
    assert f"studies.{rule} is the name of a rule; choose another name" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
