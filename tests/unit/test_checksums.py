"""Whatever one job writes and another reads is checked by one function: what has changed in between is never used."""

import hashlib
import os
import shutil
import subprocess

import numpy as np
import pytest

from rate_distortion.datasets import prepared_data
from rate_distortion.storage import files, provenance
from rate_distortion.storage.files import DamagedFileError

ROWS = [{"step": step, "accuracy_percent": 10.0 * step} for step in range(3)]


@pytest.fixture
def runs(tmp_path):
    """Two seeds of a run, with equal columns and different numbers, as jobs write them."""
    folders = [tmp_path / f"results/ci/runs/cnn/B/batch128/original/seed{seed}" for seed in (1, 2)]
    for seed, folder in enumerate(folders, start=1):
        files.write_json(folder / "metrics.json", {"seed": seed})
        for noise in ("l2", "linf"):
            rows = [row | {"accuracy_percent": row["accuracy_percent"] + seed + len(noise)} for row in ROWS]
            files.write_rows(folder / f"perturbations/{noise}.csv", rows)
        files.write_arrays(folder / "perturbations/sweeps.npz", accuracy=np.arange(4.0) + seed)
        with files.completed(folder / "train/images.npy") as temporary:
            np.save(temporary, np.full((3, 1, 2, 2), seed, np.float32))
        with files.completed(folder / "train/labels.npy") as temporary:
            np.save(temporary, np.arange(3))
    return folders


def read_everything(folder):
    files.read_json(folder / "metrics.json")
    files.read_table(folder / "perturbations/l2.csv")
    files.read_table(folder / "perturbations/linf.csv")
    files.read_arrays(folder / "perturbations/sweeps.npz")
    prepared_data.load(folder, "train")


def flipped(path, _other):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_at_a_line_end(path, _other):
    content = path.read_bytes()
    path.write_bytes(content[: content[:-1].rfind(b"\n") + 1])


def emptied(path, _other):
    path.write_bytes(b"")


def of_another_seed(path, other):
    shutil.copy(other, path)


def of_another_noise(path, _other):
    shutil.copy(path.with_name("linf.csv"), path)


@pytest.mark.parametrize(
    "name", ["metrics.json", "perturbations/l2.csv", "perturbations/sweeps.npz", "train/images.npy"]
)
@pytest.mark.parametrize("damage", [flipped, cut_at_a_line_end, emptied, of_another_seed])
def test_a_file_that_has_changed_is_refused_in_one_sentence(runs, name, damage):
    for folder in runs:
        read_everything(folder)
    damage(runs[0] / name, runs[1] / name)
    with pytest.raises(DamagedFileError) as raised:
        read_everything(runs[0])
    assert str(raised.value).startswith(f"{runs[0] / name} is damaged (its checksum is not the one in ")
    assert str(raised.value).endswith("): delete it and run the same command again, which makes it anew")
    read_everything(runs[1])


def test_one_noise_in_place_of_another_is_refused(runs):
    of_another_noise(runs[0] / "perturbations/l2.csv", None)
    with pytest.raises(DamagedFileError, match=r"l2\.csv is damaged"):
        read_everything(runs[0])


def test_a_whole_run_in_place_of_another_is_refused(runs):
    shutil.rmtree(runs[0])
    shutil.copytree(runs[1], runs[0])
    for name in ("metrics.json", "perturbations/l2.csv", "perturbations/sweeps.npz", "train/labels.npy"):
        if name != "train/labels.npy":  # the same in both
            with pytest.raises(DamagedFileError, match="its checksum is not the one in"):
                files.verified(runs[0] / name)


def test_a_study_that_moves_is_read_as_before(runs, tmp_path, monkeypatch):
    shutil.move(tmp_path / "results", tmp_path / "elsewhere/results")
    monkeypatch.chdir(tmp_path / "elsewhere")
    read_everything((tmp_path / "elsewhere/results/ci").joinpath(*runs[0].parts[-6:]))
    os.rename("results/ci", "results/kept")
    folder = files.Path("results/kept", *runs[0].parts[-6:])
    read_everything(folder)
    flipped(folder / "perturbations/l2.csv", None)
    with pytest.raises(DamagedFileError, match=r"results/kept/checksums/runs/cnn/B/.*l2\.csv\.sha256"):
        read_everything(folder)


def test_the_checksums_are_those_that_sha256sum_reads(runs):
    study = runs[0].parents[5]
    notes = sorted((study / "checksums").rglob("*.sha256"))
    assert len(notes) == sum(path.is_file() for path in (study / "runs").rglob("*"))
    text = "".join(note.read_text() for note in notes)
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict"], cwd=study, input=text, text=True, capture_output=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_file_is_replaced_together_with_its_checksum(runs):
    files.write_json(runs[0] / "metrics.json", {"seed": 3})
    assert files.read_json(runs[0] / "metrics.json") == {"seed": 3}


def test_a_write_that_fails_leaves_file_and_checksum(runs):
    with pytest.raises(ZeroDivisionError), files.completed(runs[0] / "metrics.json"):
        raise ZeroDivisionError
    assert files.read_json(runs[0] / "metrics.json") == {"seed": 1}


def test_files_outside_a_study_and_of_earlier_versions_have_no_checksum(tmp_path):
    files.write_json(tmp_path / "docs/record.json", {"a": 1})
    files.write_json(tmp_path / "results/alone.json", {"a": 1})
    assert not list(tmp_path.rglob("*.sha256"))
    (tmp_path / "results/ci").mkdir()
    (tmp_path / "results/ci/weight_decay.json").write_text('{"a": 1}')
    assert files.read_json(tmp_path / "results/ci/weight_decay.json") == {"a": 1}


def test_a_checkpoint_is_not_noted(tmp_path):
    files.write_bytes(tmp_path / "results/ci/runs/resume.safetensors", b"checkpoint", noted=False)
    assert not (tmp_path / "results/ci/checksums").exists()


def test_checksums_of_files_and_of_what_a_run_left(runs):
    path = runs[0] / "metrics.json"
    assert files.checksum(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert provenance.outputs_sha256([path]) == {"metrics.json": files.checksum(path)}
