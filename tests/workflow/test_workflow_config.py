"""Mistakes in the configuration stop Snakemake before any job, with one sentence and no traceback."""

import re

import pytest
import yaml

MISTAKES = {
    "misspelt key": (
        lambda c: c["studies"]["demo"]["models"]["B"].update(weigth_decay=0.1),
        "unknown key 'weigth_decay'",
    ),
    "no such model": (
        lambda c: c["studies"]["demo"].update(tables={"table1": {"D": [128]}}),
        "names the model 'D', which does not exist; allowed: A, B, C",
    ),
    "batch size 0": (
        lambda c: c["studies"]["demo"].update(tables={"table1": {"A": [0]}}),
        "is 0; it must be at least 1",
    ),
    "string false": (
        lambda c: c["studies"]["demo"].update(whitening={"per_image_mean": "false"}),
        "per_image_mean is 'false'; it must be true or false",
    ),
    "unknown data set": (
        lambda c: c["studies"]["demo"]["data"].update(dataset="cifar"),
        "data.dataset is 'cifar'; allowed: svhn, mnist",
    ),
}


def both(result):
    """Everything that was printed."""
    return result.stdout + result.stderr


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_stops_before_any_job(project, mistake):
    change, sentence = MISTAKES[mistake]
    project.edit_config(change)
    result = project.snakemake("--cores", "1", check=False)
    assert result.returncode != 0
    assert sentence in both(result)
    assert "Traceback" not in both(result)
    assert "Job stats" not in both(result)
    assert not (project.folder / "results").exists()


def test_yaml_numbers_and_words_are_explained(project):
    path = project.folder / "config.yaml"
    text = path.read_text()
    path.write_text(text.replace("learning_rate: 0.05", "learning_rate: 5e-2"))
    assert "'5e-2'; it must be a number (YAML reads 5e-2 as text: write 0.05" in both(
        project.snakemake("-n", check=False)
    )
    path.write_text(re.sub("method: zca", "method: no", text, count=1))
    assert "whitening.method is False; allowed: zca, none, pixels (YAML reads yes, no" in both(
        project.snakemake("-n", check=False)
    )


def test_command_line_settings_pass_the_schema_too(project):
    assert "unknown key 'stduy'" in both(project.snakemake("-n", "--config", "stduy=ci", check=False))
    assert "study is 'sci'" in both(project.snakemake("-n", "--config", "study=sci", check=False))


def test_a_study_of_ones_own(project):
    study = {
        "studies": {
            "my_study": {
                "extends": "ci",
                "title": "Mine",
                "seeds": [7],
                "attack_audit": None,
                "models": {"B": {"weight_decay": 0.3}},
            }
        }
    }
    (project.folder / "my_study.yaml").write_text(yaml.safe_dump(study))
    jobs = project.planned_jobs("--configfile", "my_study.yaml", "--cores", "2", "my_study")
    assert jobs["train"] == 18
    jobs = project.planned_jobs("--configfile", "my_study.yaml", "--cores", "2", "results/my_study/tables/table1.csv")
    # The six cells of Table 1, and for C, whose weight decay is B's own, no calibration.
    assert jobs == {"prepare_data": 1, "table": 1, "train": 6}
    (project.folder / "my_study.yaml").write_text(yaml.safe_dump({"studies": {"my_study": {"extends": "dmeo"}}}))
    result = project.snakemake("-n", "--configfile", "my_study.yaml", "--cores", "2", "my_study", check=False)
    assert "studies.my_study.extends is 'dmeo', which does not exist" in both(result)
    assert "did you mean demo" in both(result)
