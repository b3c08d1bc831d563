"""The information bottleneck in the workflow: from digits to figure 6, together and one by one."""

import csv

import pytest

RUN = "results/{}/runs/sphere_packing/{}/seed{}"
PARTS = [
    *(f"figures/figure6.{kind}" for kind in ("svg", "png", "csv", "gif")),
    *(f"tables/sphere_packing.{kind}" for kind in ("csv", "md", "tex")),
]


@pytest.fixture
def built(finished_sphere_packing):
    """Study ci's part that is tested here."""
    return finished_sphere_packing


def test_a_study_that_shares_processes_trains_everything_in_one_and_the_paper_each_alone(project):
    jobs = project.planned_jobs("results/demo/figures/figure6.svg", "results/demo/tables/sphere_packing.md")
    assert jobs == {"train_bottlenecks_together_demo": 1, "figure6": 1, "sphere_packing": 1}
    assert project.planned_jobs("results/paper/figures/figure6.gif") == {
        "download": 4, "train_bottleneck": 3, "figure6": 1,
    }  # fmt: skip


def test_one_run_needs_only_itself(project):
    assert project.planned_jobs(RUN.format("demo", "batch", 2) + "/geometry.csv") == {"train_bottleneck": 1}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (RUN.format("paper", "none", 2) + "/metrics.json", "studies.paper.sphere_packing.seeds lacks 2; it has 1"),
        (RUN.format("demo", "layer", 1) + "/metrics.json", "No rule to produce"),
    ],
)
def test_what_no_study_has_is_refused(project, target, message):
    result = project.snakemake("-n", target, check=False)
    assert result.returncode != 0
    assert message.lower() in (result.stdout + result.stderr).lower()


def test_a_study_without_sphere_packing_leaves_figure_6_out(project):
    project.edit_config(lambda c: c["studies"].update(mine={"extends": "ci", "sphere_packing": None}))
    assert not {"figure6", "sphere_packing", "train_bottlenecks_together_mine"} & set(project.planned_jobs("mine"))
    for target in ("figures/figure6.svg", "runs/sphere_packing/none/seed1/metrics.json"):
        result = project.snakemake("-n", f"results/mine/{target}", check=False)
        assert "study mine has no sphere_packing" in result.stdout + result.stderr


def test_every_part_is_there_and_finished(built):
    for part in PARTS:
        assert (built.folder / "results/ci" / part).stat().st_size > 100, part
    assert built.planned_jobs(*(f"results/ci/{part}" for part in PARTS)) == {}
    assert [path for path in built.folder.rglob("*") if path.name.startswith("resume")] == []
    with (built.folder / "results/ci/figures/figure6.csv").open() as stream:
        drawn = list(csv.DictReader(stream))
    assert len(drawn) == 3 * 3 * 300, "three variants, three epochs, every training image"


def test_a_run_alone_equals_the_same_run_beside_others(built):
    run = RUN.format("ci", "batch_without_scale", 1)
    names = ("model.safetensors", "geometry.csv", "history.csv")
    together = {name: (built.folder / run / name).read_bytes() for name in names}
    result = built.snakemake("--cores", "1", "-f", f"{run}/metrics.json")
    assert result.stderr.count("rule train_bottleneck:") == 1
    assert {name: (built.folder / run / name).read_bytes() for name in names} == together


def test_the_tables_threshold_retrains_nothing_and_an_epoch_everything(built):
    original = (built.folder / "config.yaml").read_text()
    built.edit_config(lambda c: c["studies"]["ci"]["sphere_packing"].update(partition_purity=0.8))
    jobs = built.planned_jobs("results/ci/tables/sphere_packing.md")
    assert jobs == {"sphere_packing": 1}
    built.edit_config(lambda c: c["studies"]["ci"]["sphere_packing"].update(epochs=5))
    assert built.planned_jobs("results/ci/tables/sphere_packing.md")["train_bottlenecks_together_ci"] == 1
    (built.folder / "config.yaml").write_text(original)
