"""Where results come from: the record of a run, the warning below a table, the description for an archive."""

import json
import re
from pathlib import Path

import numpy as np
import pandas
import pytest
from rocrate.rocrate import ROCrate

from rate_distortion.storage import files, provenance
from rate_distortion.studies import crate as archive_description
from rate_distortion.tables.layout import Table, plain

ROOT = Path(__file__).parents[2]
STUDY = {"name": "mine", "title": "Two runs"}


def write_run(folder, **changes):
    record = provenance.record(threads=2) | {"seed": 1, "seconds": 90.0} | changes
    files.write_json(folder / provenance.RECORD, record)
    return folder / provenance.RECORD


def test_a_record_says_what_a_computation_ran_on():
    record = provenance.record(threads=3)
    assert {
        "library_sha256", "git_commit", "git_dirty", "packages", "python", "platform", "processor", "device", "accelerator",
        "cuda", "threads", "deterministic_algorithms", "slurm_job", "finished",
    } == set(record)  # fmt: skip
    assert record["packages"]["numpy"] == np.__version__
    assert record["threads"] == 3
    json.dumps(record, allow_nan=False)


def test_without_git_the_commit_is_unknown_and_nothing_else_changes(monkeypatch):
    monkeypatch.setenv("PATH", "")
    provenance.git_state.cache_clear()
    assert provenance.git_state() == {"git_commit": None, "git_dirty": None}
    provenance.git_state.cache_clear()


def test_runs_that_agree_need_no_warning(tmp_path):
    paths = [write_run(tmp_path / f"seed{seed}", seed=seed) for seed in (1, 2)]
    assert provenance.mixed([*paths, tmp_path / "absent/provenance.json"]) == []
    assert provenance.mixed([]) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"library_sha256": "0" * 64}, "2 versions of this library"),
        ({"packages": {"torch": "2.11.0"}}, "2 versions of torch"),
        ({"processor": "Another processor"}, r"2 kinds of hardware \(.* in 2, Another processor in 1\)"),
        ({"accelerator": "H100"}, r"2 kinds of hardware \(.* in 2, H100 in 1\)"),
    ],
)
def test_runs_that_differ_are_said_below_the_table(tmp_path, changes, words, caplog):
    paths = [write_run(tmp_path / "seed1"), write_run(tmp_path / "seed2"), write_run(tmp_path / "seed3", **changes)]
    rows = pandas.DataFrame({"x": ["1"]})
    table = Table(rows, plain(rows), "A table", ["First note."]).with_provenance(paths)
    assert table.notes[0] == "First note."
    assert len(table.notes) == 2
    table.write(tmp_path / "t.csv", tmp_path / "t.md", tmp_path / "t.tex")
    assert (tmp_path / "t.csv").read_text() == "x\n1\n"
    for kind in ("md", "tex"):
        assert "Warning: these 3 runs were made with 2 " in (tmp_path / f"t.{kind}").read_text()
    assert re.search(words, table.notes[1])
    assert "A table: Warning" in caplog.text


@pytest.fixture
def finished_study(tmp_path):
    folder = tmp_path / "results/mine"
    for seed in (1, 2):
        run = folder / f"runs/cnn/B+/batch128/original/seed{seed}"
        write_run(run, seed=seed, finished=f"2026-01-0{seed}T00:00:00+00:00")
        files.write_json(run / "metrics.json", {"seed": seed})
        files.write_text(run / "resume.safetensors", "left behind")
    files.write_text(folder / "runs/cnn/resume_batch128.safetensors", "left behind by a pack")
    files.write_text(folder / "records.zip", "these records once more")
    files.write_text(folder / "tables/table1.csv", "x\n1\n")
    files.write_text(folder / "partial/table1.csv", "x\n1\n")
    files.write_arrays(folder / "runs/cnn/B+/batch128/original/seed1/predictions.npz", a=np.zeros(2))
    for split in ("train", "test"):
        with files.completed(folder / f"data/svhn/{split}/images.npy") as path:
            np.save(path, np.zeros(3))
    record = {
        "dataset": "svhn",
        "description": "SVHN, cropped digits (Netzer et al., 2011)",
        "images": {"train": 1000, "test": 10},
        "sources_md5": {"train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373"},
    }
    files.write_json(folder / "data/svhn/dataset.json", record)
    return folder


def test_a_finished_study_can_be_read_as_a_research_object(finished_study):
    record = archive_description.describe(finished_study, STUDY, ROOT / "CITATION.cff")
    files.write_json(finished_study / archive_description.NAME, record)
    crate = ROCrate(finished_study)
    root = crate.root_dataset
    assert root["name"] == "Study mine: Two runs"
    assert "Data: SVHN, cropped digits" in root["description"]
    assert root["datePublished"] == "2026-01-02T00:00:00+00:00"
    assert root["license"]["name"] == "MIT"
    assert [author["name"] for author in root["author"]] == ["the maintainers of rate-distortion"]
    assert "A Rate-Distortion Theory of Adversarial Examples" in {work["name"] for work in root["citation"]}
    data = crate.dereference("data/svhn/")
    assert "non-commercial" in data["license"]
    assert "1,000 train" in data["description"]
    assert data["identifier"] == ["md5:e26dedcc434d2e4c54c9b2d4a06d8373 (train_32x32.mat)"]
    action = crate.dereference("#computation")
    assert action["instrument"]["@id"] == "#software"
    assert action["description"].startswith("2 trainings, 0.05 hours in all")
    assert {"tables/table1.csv", "runs/cnn/B+/batch128/original/seed1/predictions.npz"} <= {
        e["name"] for e in action["result"]
    }
    assert {part["softwareVersion"] for part in crate.dereference("#software")["softwareRequirements"]}


def test_every_file_of_a_study_is_described_with_its_checksum_and_nothing_that_is_no_result(finished_study):
    record = archive_description.describe(finished_study, STUDY, ROOT / "CITATION.cff")
    described = {entity["name"]: entity for entity in record["@graph"] if entity["@type"] == "File"}
    runs = [f"runs/cnn/B+/batch128/original/seed{seed}" for seed in (1, 2)]
    assert set(described) == {
        "data/svhn/dataset.json", "tables/table1.csv", f"{runs[0]}/predictions.npz",
        *(f"{run}/{name}.json" for run in runs for name in ("metrics", "provenance")),
    }  # fmt: skip
    for name, entity in described.items():
        assert entity["sha256"] == provenance.file_checksum(finished_study / name)
        assert entity["contentSize"] == str((finished_study / name).stat().st_size)


def test_mixed_runs_are_said_in_the_description_too(finished_study):
    write_run(finished_study / "runs/cnn/A/batch128/original/seed1", library_sha256="0" * 64)
    record = archive_description.describe(finished_study, STUDY, ROOT / "CITATION.cff")
    root = next(entity for entity in record["@graph"] if entity["@id"] == "./")
    assert "Warning: these 3 runs were made with 2 versions of this library" in root["description"]


def test_a_study_without_runs_is_no_study_to_describe(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no finished run"):
        archive_description.describe(tmp_path, STUDY, ROOT / "CITATION.cff")
