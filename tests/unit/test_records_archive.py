"""Archives of records: what goes in, the same bytes every time, and nothing but records comes out."""

import hashlib
import json
import stat
import zipfile

import pytest

from rate_distortion.studies import archive as records_archive
from rate_distortion.studies.archive import ArchiveError

RECORDS = {
    "runs/cnn/B+/batch128/original/seed1/metrics.json": b"{}",
    "runs/cnn/B+/batch128/original/seed1/perturbations/l2.csv": b"step\n0\n",
    "runs/sphere_packing/plain/seed1/embedding.npz": b"PK",
    "data/digits/dataset.json": b"{}",
    "plan.md": b"# Plan",
}
OTHER = {
    "runs/cnn/B+/batch128/original/seed1/model.safetensors": b"weights",
    "runs/cnn/B+/batch128/original/seed1/.metrics.incomplete.json": b"{",
    "data/digits/train/images.npy": b"images",
    "data/digits/whitening.npz": b"matrix",
    "tables/table1.csv": b"a",
    "figures/figure1.svg": b"<svg>",
    "partial/README.md": b"1 of 2",
    "claims.csv": b"id",
    "config.yaml": b"a: 1",
    "records.zip": b"PK",
}


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "results/ci"
    for name, content in (RECORDS | OTHER).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def archive(study, tmp_path):
    paths = records_archive.record_paths(study, ["claims.csv", "config.yaml"])
    records_archive.pack(tmp_path / "records.zip", study, "ci", {"title": "Tiny"}, paths)
    return tmp_path / "records.zip"


def forged(path, members=None, **changes):
    """An archive whose manifest says something else, or which holds other members."""
    content = {"format": records_archive.FORMAT, "study": "ci", "configuration": {}, "library_sha256": "", "files": {}}
    members = {"metrics.json": b"{}"} if members is None else members
    content["files"] = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in members.items()
    }
    with zipfile.ZipFile(path, "w") as stored:
        stored.writestr("manifest.json", json.dumps(content | changes))
        for name, data in members.items():
            stored.writestr(name, data)
    return path


def test_weights_images_and_what_is_made_from_records_stay_out(study):
    assert records_archive.record_paths(study, ["claims.csv", "config.yaml"]) == sorted(RECORDS)


@pytest.mark.parametrize("name", ["metrics (copy).json", "runs/Züge/metrics.json", "manifest.json", "runs/a b/l2.csv"])
def test_a_name_that_would_not_come_out_is_not_packed(study, tmp_path, name):
    (study / name).parent.mkdir(parents=True, exist_ok=True)
    (study / name).write_bytes(b"{}")
    paths = records_archive.record_paths(study, ["claims.csv", "config.yaml"])
    with pytest.raises(
        ArchiveError, match=r"has no name that an archive of records may hold .*; rename it or take it out"
    ):
        records_archive.pack(tmp_path / "records.zip", study, "ci", {}, paths)
    assert not (tmp_path / "records.zip").exists()


def test_what_is_packed_comes_out_and_the_same_records_give_the_same_bytes(study, archive, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    manifest = records_archive.unpack(archive, elsewhere)
    assert {
        path.relative_to(elsewhere).as_posix(): path.read_bytes() for path in elsewhere.rglob("*") if path.is_file()
    } == (RECORDS)
    assert (manifest.study, manifest.configuration) == ("ci", {"title": "Tiny"})
    for path in study.rglob("*"):
        path.touch()
    records_archive.pack(tmp_path / "again.zip", study, "ci", {"title": "Tiny"}, sorted(RECORDS, reverse=True))
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


@pytest.mark.parametrize(
    "name",
    ["../outside.json", "/etc/outside.json", "a/../../outside.json", "a//b.json", ".hidden", "a/.hidden", "c:\\b.json"],
)
def test_a_path_that_leads_elsewhere_is_refused_and_nothing_is_written(name, tmp_path):
    path = forged(tmp_path / "forged.zip", {"metrics.json": b"{}", name: b"x"})
    with pytest.raises(ArchiveError, match="leads elsewhere"):
        records_archive.unpack(path, tmp_path / "results/ci")
    assert [found.name for found in tmp_path.rglob("*")] == ["forged.zip"]


def test_a_link_is_refused(tmp_path):
    path = forged(tmp_path / "forged.zip")
    with zipfile.ZipFile(path, "a") as stored:
        link = zipfile.ZipInfo("link.json")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        stored.writestr(link, "/etc/passwd")
    with pytest.raises(ArchiveError, match="a link"):
        records_archive.read_manifest(path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": "rate-distortion records 9"}, "this version reads"),
        ({"study": "../ci"}, "names the study"),
        ({"files": {}}, "lacks the study's configuration or its files"),
        ({"files": {"../a.json": {"bytes": 2, "sha256": "0" * 64}}}, "is no record of a study"),
        ({"files": {"model.safetensors": {"bytes": 2, "sha256": "0" * 64}}}, "is no record of a study"),
        ({"files": {"payload.py": {"bytes": 2, "sha256": "0" * 64}}}, "is no record of a study"),
        ({"files": {"metrics.json": {"bytes": 2}}}, "does not say size and SHA-256"),
        ({"files": {"other.json": {"bytes": 2, "sha256": "0" * 64}}}, "do not name the same files"),
        ({"files": {"metrics.json": {"bytes": 2, "sha256": "0" * 64}}}, "is not the file that was packed"),
        ({"files": {"metrics.json": {"bytes": 1, "sha256": "0" * 64}}}, "is not the file that was packed"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_with_one_sentence(changes, sentence, tmp_path):
    path = forged(tmp_path / "forged.zip", **changes)
    with pytest.raises(ArchiveError, match=sentence):
        records_archive.unpack(path, tmp_path / "results/ci")
    assert not (tmp_path / "results").exists()


def test_files_that_are_no_archive_are_refused(tmp_path):
    with pytest.raises(ArchiveError, match="does not exist"):
        records_archive.read_manifest(tmp_path / "records.zip")
    for content in (b"", b"text", b"PK\x03\x04"):
        (tmp_path / "records.zip").write_bytes(content)
        with pytest.raises(ArchiveError, match="is no archive of records or is damaged"):
            records_archive.read_manifest(tmp_path / "records.zip")


def test_a_damaged_archive_puts_nothing_in_place(archive, tmp_path):
    damaged = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as stored:
        place = stored.getinfo("plan.md").header_offset + 30 + len("plan.md")
    damaged[place] ^= 0xFF
    archive.write_bytes(damaged)
    with pytest.raises(ArchiveError, match=r"plan\.md in .* is not the file that was packed"):
        records_archive.unpack(archive, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_a_study_that_was_trained_here_is_not_replaced(study, archive, tmp_path):
    with pytest.raises(ArchiveError, match="has been trained here"):
        records_archive.studies_of([archive], tmp_path / "results")
    assert list(records_archive.studies_of([archive], tmp_path / "elsewhere")) == ["ci"]
    with pytest.raises(ArchiveError, match="both hold study ci"):
        records_archive.studies_of([archive, archive], tmp_path / "elsewhere")
