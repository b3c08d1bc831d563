"""How many trainings share a GPU on one machine, and what a job asks a cluster for. No training is made."""

import pytest
import yaml

from rate_distortion import studies
from rate_distortion.studies import needs

STUB = """
import os, time
from pathlib import Path
for path in snakemake.output:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()
"""
COUNTING = """
alive = Path("alive")
alive.mkdir(exist_ok=True)
(alive / snakemake.wildcards.seed).touch()
until, most = time.monotonic() + {patience}, 0
while time.monotonic() < until and most < {enough}:
    most = max(most, len(list(alive.iterdir())))
    time.sleep(0.05)
(alive / snakemake.wildcards.seed).unlink()
with open("most", "a") as stream:
    stream.write(f"{{most}}\\n")
"""
RUNS = [f"results/demo/runs/cnn/A/batch128/original/seed{seed}/metrics.json" for seed in (1, 2, 3, 4)]


@pytest.fixture
def counted(project):
    """A study that may use a GPU, whose trainings do nothing but count how many there are at the same time."""
    project.edit_config(lambda c: c["studies"]["demo"].update(device="auto", seeds=[1, 2, 3, 4]))
    (project.folder / "workflow/scripts/prepare.py").write_text(STUB)

    def run(patience, enough, *arguments):
        script = STUB + COUNTING.format(patience=patience, enough=enough)
        (project.folder / "workflow/scripts/train.py").write_text(script)
        project.snakemake(*RUNS, *arguments)
        return [int(line) for line in (project.folder / "most").read_text().splitlines()]

    return run


def test_a_workstation_trains_one_model_at_a_time_on_its_gpu(counted):
    assert counted(1, 2, "--cores", "8") == [1, 1, 1, 1]


def test_several_share_the_gpu_when_told(counted):
    """Each waits until all four are there; were they not at work together, they would wait in vain and see fewer."""
    assert max(counted(120, 4, "--cores", "8", "--resources", "gpu=4")) == 4


def resources(project, monkeypatch, rule, **variables):
    """What the first job of a rule asks for in a dry run with the Slurm profile."""
    for name, value in variables.items():
        monkeypatch.setenv(f"RATE_DISTORTION_{name}", value)
    lines = project.snakemake("-n", "--profile", "slurm").stdout.splitlines()
    after = lines[lines.index(f"rule {rule}:") :]
    line = next(line for line in after if line.strip().startswith("resources:"))
    return dict(word.partition("=")[::2] for word in line.partition(":")[2].strip().split(", "))


def loaded_paper(project):
    config = yaml.safe_load((project.folder / "config.yaml").read_text())
    return studies.load(config, yaml.safe_load((project.folder / "workflow/schemas/config.schema.yaml").read_text()))[
        "paper"
    ]


def test_partition_account_and_gres_come_from_the_environment_and_are_left_out_when_unset(project, monkeypatch):
    for name in ("PARTITION", "ACCOUNT", "GPU_PARTITION", "GRES"):
        monkeypatch.delenv(f"RATE_DISTORTION_{name}", raising=False)
    training = resources(project, monkeypatch, "train")
    paper = loaded_paper(project)
    computed = [needs.training(paper, run.model, run.batch_size, run.labels) for run in paper.runs()]
    assert training["gpu"] == "1"
    assert needs.Needs(int(training["mem_mb"]), int(training["runtime"])) in computed
    assert not {"slurm_partition", "slurm_account", "gres"} & set(training)
    variables = {"PARTITION": "short", "ACCOUNT": "physics", "GPU_PARTITION": "a100", "GRES": "gpu:a100:1"}
    training = resources(project, monkeypatch, "train", **variables)
    assert {key: training[key] for key in ("gpu", "gres", "slurm_partition", "slurm_account")} == {
        "gpu": "0",
        "gres": "gpu:a100:1",
        "slurm_partition": "a100",
        "slurm_account": "physics",
    }
    project.edit_config(lambda config: config["studies"]["paper"].update(packing="batch_size"))
    pack = resources(project, monkeypatch, "train_packed_paper_batch128", **variables)
    assert (pack["gres"], pack["slurm_partition"]) == ("gpu:a100:1", "a100")
    other = resources(project, monkeypatch, "prepare_data")
    assert (other["slurm_partition"], other["slurm_account"]) == ("short", "physics")
    assert not other.get("gres")


def test_the_default_profile_sets_nothing_that_the_slurm_profile_sets(project):
    """It is loaded on every call and would win."""
    profiles = [
        yaml.safe_load((project.folder / f"{name}/profile.yaml").read_text().replace("?", ""))
        for name in ("profiles/default", "slurm")
    ]
    templates = {"__use_yte__", "__definitions__"}  # how the files are written, and no options
    assert not set(profiles[0]) & set(profiles[1]) - templates
