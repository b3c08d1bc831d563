"""Studies from nothing to their last figure through `snakemake --profile slurm`."""

import csv
import json
import re

import pytest
from slurm_lab import megabytes, minutes

CHANGING = {"seconds", "training_seconds", "images_per_second"}
"""What a record says of the time that a run took."""


def records(folder, study):
    """Every run's metrics, without the time it took, by its place."""
    results = folder / f"results/{study}"
    return {
        path.relative_to(results): {
            key: value for key, value in json.loads(path.read_text()).items() if key not in CHANGING
        }
        for path in results.rglob("metrics.json")
    }


def same_bytes(pattern, study, *folders):
    """The names of a study's files that match, once they are the same on both sides."""
    contents = [
        {path.relative_to(folder): path.read_bytes() for path in folder.glob(f"results/{study}/{pattern}")}
        for folder in folders
    ]
    assert contents[0].keys() == contents[1].keys()
    assert [name for name in contents[0] if contents[0][name] != contents[1][name]] == []
    return contents[0].keys()


def test_study_ci_on_slurm_equals_study_ci_on_this_machine(cluster_project, finished_ci):
    project, here = cluster_project, finished_ci.folder
    project.start("ci")
    project.finish()

    jobs = {job["JobId"]: job for job in project.jobs()}
    assert {job["JobState"] for job in jobs.values()} == {"COMPLETED"}
    runs = list(project.folder.glob("results/ci/runs/**/provenance.json"))
    made_by = {path: json.loads(path.read_text())["slurm_job"] for path in runs}
    assert set(made_by.values()) <= set(jobs), "a training ran outside Slurm"
    # Study ci trains on the processor, and asks for no GPU.
    assert {jobs[job]["Partition"] for job in made_by.values()} == {"cpu"}
    assert not [job for job in jobs.values() if "gpu" in job.get("TresPerJob", "")]
    for job in made_by.values():
        # Nodes of 4 GB in a partition of one hour take every job.
        assert megabytes(jobs[job]) <= 4000
        assert minutes(jobs[job]) <= 60
    # A run's training and its probe are one job; tables, figures and plans are none.
    names = [job["Comment"].removeprefix("rule_") for job in jobs.values()]
    probed = list(here.glob("results/ci/runs/cnn/**/perturbations/l2.csv"))
    assert len([name for name in names if name.startswith("run_probe")]) == len(probed) > 0
    assert not [name for name in names if re.match(r"(table|figure|animated_figure|write)", name)]

    assert records(project.folder, "ci") == records(here, "ci")
    assert same_bytes("runs/**/model.safetensors", "ci", project.folder, here)
    assert same_bytes("runs/**/perturbations/*.csv", "ci", project.folder, here)
    assert same_bytes("runs/mlp/**/*.csv", "ci", project.folder, here)
    assert same_bytes("tables/*.csv", "ci", project.folder, here)
    assert same_bytes("figures/*.csv", "ci", project.folder, here)
    assert "Nothing to be done" in project.snakemake("-n", "ci")


@pytest.mark.parametrize("gres", [None, "gpu:1"])
def test_a_study_that_may_use_a_gpu_asks_slurm_for_one(interrupted, gres):
    """As --gpus=1, or as --gres=gpu:1 where the cluster wants that."""
    project = interrupted
    if gres:
        project.variables["RATE_DISTORTION_GRES"] = gres
    config = project.folder / "config.yaml"
    config.write_text(config.read_text().replace("epochs: 100", "epochs: 2"))
    project.start("results/interrupted/tables/reverse_transmission.csv")
    project.finish()
    (job,) = project.jobs("train")
    assert (job["JobState"], job["Partition"]) == ("COMPLETED", "gpu")
    assert job["TresPerNode" if gres else "TresPerJob"] == "gres:gpu:1"
    assert json.loads((project.run / "provenance.json").read_text())["slurm_job"] == job["JobId"]
    with (project.folder / "results/interrupted/tables/reverse_transmission.csv").open() as stream:
        assert {row["model"] for row in csv.DictReader(stream)} == {"A"}
