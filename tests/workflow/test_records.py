"""Records travel: a study's tables and figures are made again elsewhere from its archive; two studies side by side."""

import csv
import re
import shutil
from pathlib import Path

import pytest
import yaml

from project_copy import ROOT
from rate_distortion.storage import files, provenance
from rate_distortion.studies import archive as records_archive
from rate_distortion.studies import crate, load, merged_study, promises

ARCHIVE = "results/ci/records.zip"
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
FROM_RECORDS = ("--config", "records=[colleague.zip]", "--")
HEAVY = ("train", "probe", "prepare", "download", "example_images", "audit_attacks", "describe_network", "choose")


@pytest.fixture(scope="module")
def packed(finished_ci, tmp_path_factory):
    """The archive of the finished study ci, made twice, in a copy: a job locks its project, and others copy the shared one."""
    folder = tmp_path_factory.mktemp("packed")
    project = finished_ci.copy_to(folder / "project")
    for name in ("first.zip", "second.zip"):
        project.snakemake("--cores", "1", "-f", ARCHIVE)
        shutil.move(project.folder / ARCHIVE, folder / name)
    return folder


def test_the_same_records_give_the_same_archive_and_no_weights(packed):
    archive = packed / "first.zip"
    assert archive.read_bytes() == (packed / "second.zip").read_bytes()
    assert archive.stat().st_size < 5e6


@pytest.mark.slow
def test_every_table_and_figure_is_made_again_elsewhere_byte_for_byte(packed, finished_ci, project):
    shutil.copy(packed / "first.zip", project.folder / "colleague.zip")
    project.edit_config(lambda config: config["studies"].pop("ci"))  # the archive brings its study
    jobs = project.planned_jobs(*FROM_RECORDS, "ci")
    assert not [rule for rule in jobs if rule.startswith(HEAVY)]
    project.snakemake("--cores", "2", *FROM_RECORDS, "ci")
    here, there = (folder / "results/ci" for folder in (project.folder, finished_ci.folder))
    for folder in ("tables", "figures"):
        names = {path.name for path in (there / folder).iterdir()}
        assert {path.name for path in (here / folder).iterdir()} == names
        for name in sorted(names):
            if not name.endswith((".png", ".svg")):
                assert (here / folder / name).read_bytes() == (there / folder / name).read_bytes(), name
    assert not list(project.folder.rglob("*.safetensors"))
    assert not list(project.folder.rglob("*.npy"))
    assert project.planned_jobs(*FROM_RECORDS, "ci") == {}


def stand_in(target, name, change=None, lacking=()):
    """An archive of a shipped study with all of its records, which hold nothing; without those under ``lacking``."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    study = merged_study(name, config["studies"], SCHEMA)
    if change:
        change(study)
    folder = target.parent / f"sender/results/{name}"
    dataset = {"dataset": "digits", "description": "Digits", "images": {"train": 3}, "sources_md5": {}}
    for path in promises.records(load(config, SCHEMA)[name]):
        if path.startswith(tuple(lacking)):
            continue
        record = {"provenance.json": provenance.record(), "dataset.json": dataset}.get(Path(path).name, {"of": path})
        files.write_json(folder / path, record)
    files.write_json(
        folder / crate.NAME, crate.describe(folder, {"name": name, "title": "Tiny"}, ROOT / "CITATION.cff")
    )
    records_archive.pack(target, folder, name, study)


def test_a_study_that_an_archive_brings_changes_no_other(finished_ci, tmp_path):
    """An archived demo with another learning rate, beside a finished ci, which extends config.yaml's demo."""
    stand_in(tmp_path / "demo.zip", "demo", lambda study: study["training"].update(learning_rate=0.5))
    assert finished_ci.planned_jobs("--config", f"records=[{tmp_path / 'demo.zip'}]", "--", "ci") == {}


def test_one_table_of_a_whole_archive_is_planned_without_an_error(packed, project):
    shutil.copy(packed / "first.zip", project.folder / "colleague.zip")
    result = project.snakemake("-n", *FROM_RECORDS, "results/ci/tables/table1.md")
    printed = result.stdout + result.stderr
    assert not [word for word in ("rror", "lacks", "Traceback") if word in printed]
    assert project.planned_jobs(*FROM_RECORDS, "results/ci/tables/table1.md") == {"unpack_records_ci": 1, "table": 1}


@pytest.mark.parametrize(
    "lacking",
    [
        "runs/cnn/A/batch32/original/seed1/metrics.json", "runs/cnn/A/batch128/original/seed2/perturbations/sweeps.npz",
        "runs/cnn/B/batch128/original/seed1/reverse_transmission.csv", "runs/mlp/", "runs/sphere_packing/", "transfer/",
        "data/house_numbers/examples.npz", "data/digits-3-versus-7/", "weight_decay.json", "network.csv",
        "tables/attack_audit.csv", "plan.md",
    ],
)  # fmt: skip
def test_an_archive_that_lacks_records_is_refused_whichever_they_are(lacking, tmp_path):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    wanted = promises.records(load(config, SCHEMA)["ci"])
    manifest = records_archive.Manifest("ci", {}, {name: {} for name in wanted})
    records_archive.refuse_lacking("records.zip", manifest, wanted)
    first = next(name for name in wanted if name.startswith(lacking))
    manifest = records_archive.Manifest("ci", {}, {name: {} for name in wanted if not name.startswith(lacking)})
    with pytest.raises(
        records_archive.ArchiveError, match=f"lacks records of study ci, {re.escape(first)}.* not trained here"
    ):
        records_archive.refuse_lacking("records.zip", manifest, wanted)


@pytest.mark.parametrize("lacking", ["runs/cnn/A/batch32", "runs/mlp"])
def test_a_study_whose_archive_lacks_records_is_not_trained(lacking, project):
    """Its configuration is the sender's, and could name code."""
    stand_in(project.folder / "colleague.zip", "ci", lambda study: study.update(packing="batch_size"), [lacking])
    result = project.snakemake("-n", *FROM_RECORDS, "results/ci/figures/figure1.csv", check=False)
    assert result.returncode != 0
    assert (
        result.stderr.strip()
        .splitlines()[-1]
        .startswith("Configuration error: colleague.zip lacks records of study ci")
    )


def test_weights_of_a_study_that_an_archive_brings_are_no_target(packed, project):
    """Neither its networks nor what only they could make: no rule that trains takes the study."""
    shutil.copy(packed / "first.zip", project.folder / "colleague.zip")
    for kind in ("cnn/A/batch32/original", "mlp/relu/none/original", "sphere_packing/none"):
        target = f"results/ci/runs/{kind}/seed1/model.safetensors"
        result = project.snakemake("-n", *FROM_RECORDS, target, check=False)
        assert f"No rule to produce {target}" in result.stdout


def test_an_archive_of_a_study_that_was_trained_here_is_refused(packed, finished_ci):
    result = finished_ci.snakemake("-n", "--config", f"records=[{packed / 'first.zip'}]", "--", "ci", check=False)
    assert result.returncode != 0
    assert "has been trained here" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def test_two_studies_side_by_side(packed, project):
    """The archive's study beside itself under another name: every difference is zero and every setting is shared."""
    shutil.copy(packed / "first.zip", project.folder / "colleague.zip")
    target = "results/compare/ci-versus-ci/comparison"
    project.snakemake("--cores", "2", *FROM_RECORDS, f"{target}.md")
    with (project.folder / f"{target}.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["part"] for row in rows} == {"table1", "table2", "further_models", "fault_tolerance"}
    assert {float(row["difference"]) for row in rows if row["difference"]} == {0.0}
    assert "The studies have the same settings." in (project.folder / f"{target}.md").read_text()
    assert (project.folder / f"{target}.png").read_bytes().startswith(b"\x89PNG")


def test_a_comparison_of_a_study_that_is_none_is_no_target(project):
    result = project.snakemake("-n", "results/compare/ci-versus-other/comparison.md", check=False)
    assert "No rule to produce" in result.stdout + result.stderr or "MissingRule" in result.stdout + result.stderr


def test_a_study_that_leaves_parts_out_can_be_compared(project):
    config = yaml.safe_load((project.folder / "config.yaml").read_text())
    assert "ci" in config["studies"]
    lean = {"extends": "ci", "perturbations": None, "reverse_transmission": None, "attack_audit": None}
    lean |= {"figures": {"figure5": None}, "tables": {"table2": None, "further_models": None}}
    project.edit_config(lambda c: c["studies"].update(lean=lean))
    jobs = project.planned_jobs("results/compare/ci-versus-lean/comparison.md")
    # Tables 1 and 2 and the further models of the one, Table 1 of the other; fault tolerance of the one.
    assert (jobs["compare"], jobs["table"], jobs["long_table"]) == (1, 4, 1)
