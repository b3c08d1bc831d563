"""Archives of records: what goes in, the same bytes every time, and nothing but records comes out."""

import hashlib
import json
import shutil
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from rocrate.rocrate import ROCrate

from rate_distortion import studies
from rate_distortion.storage import files, provenance
from rate_distortion.studies import archive as records_archive
from rate_distortion.studies import crate
from rate_distortion.studies.archive import ArchiveError

ROOT = Path(__file__).parents[2]
RUN = "runs/cnn/B+/batch128/original/seed1"
RECORDS = [
    "data/digits/dataset.json",
    "plan.md",
    f"{RUN}/metrics.json",
    f"{RUN}/perturbations/l2.csv",
    f"{RUN}/provenance.json",
    "runs/sphere_packing/none/seed1/embedding.npz",
    "tables/attack_audit.csv",
]
OTHER = [
    f"{RUN}/model.safetensors",
    "data/digits/train/images.npy",
    "data/digits/whitening.npz",
    "tables/table1.csv",
    "figures/figure1.svg",
    "figures/figure1.csv",
    "partial/README.md",
    "claims.csv",
    "overview.csv",
    "config.yaml",
    "records.zip",
]
SETTINGS = {"title": "Tiny", "models": {"B": {}, "A": {}}}


@pytest.fixture
def study(tmp_path):
    """A finished study, written and described as its jobs do it."""
    folder = tmp_path / "results/ci"
    for name in OTHER:
        files.write_text(folder / name, f"{name}\n")
    files.write_text(folder / "plan.md", "# Plan\n")
    files.write_rows(folder / "tables/attack_audit.csv", [{"attack": 1}])
    files.write_rows(folder / f"{RUN}/perturbations/l2.csv", [{"step": 0}, {"step": 1}])
    files.write_json(folder / f"{RUN}/metrics.json", {"seed": 1})
    files.write_arrays(folder / "runs/sphere_packing/none/seed1/embedding.npz", a=np.zeros(3))
    outputs = provenance.outputs_sha256([folder / f"{RUN}/metrics.json"])
    files.write_json(folder / f"{RUN}/provenance.json", provenance.record() | {"outputs_sha256": outputs})
    data = {"dataset": "digits", "description": "Digits", "images": {"train": 3}, "sources_md5": {}}
    files.write_json(folder / "data/digits/dataset.json", data)
    (folder / RUN / ".metrics.incomplete.json").write_text("{")
    describe(folder)
    return folder


def describe(folder):
    metadata = crate.describe(folder, {"name": "ci", "title": "Tiny"}, ROOT / "CITATION.cff")
    files.write_json(folder / crate.NAME, metadata)


@pytest.fixture
def archive(study, tmp_path):
    records_archive.pack(tmp_path / "records.zip", study, "ci", SETTINGS)
    return tmp_path / "records.zip"


def forged(path, members=None, settings="{}", study="ci", form=crate.FORMAT, listed=None, stored=zipfile.ZIP_STORED):
    """An archive whose metadata say something else, or which holds other members."""
    members = {"runs/metrics.json": b"{}"} if members is None else members
    listed = members if listed is None else listed
    graph = [{"@id": crate.STUDY, "@type": "PropertyValue", "propertyID": form, "name": study, "value": settings}]
    for name, data in listed.items():
        size, checksum = data if isinstance(data, tuple) else (len(data), hashlib.sha256(data).hexdigest())
        graph.append({"@id": name, "@type": "File", "name": name, "contentSize": str(size), "sha256": checksum})
    with zipfile.ZipFile(path, "w", stored) as written:
        written.writestr(crate.NAME, json.dumps({"@graph": graph}))
        for name, data in members.items():
            written.writestr(name, data)
    return path


def unpacked(folder):
    """What lies in a study's folder, without the notes of checksums."""
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in paths if not path.startswith(files.CHECKSUMS))


def test_weights_images_and_what_is_made_from_records_stay_out(archive):
    with zipfile.ZipFile(archive) as stored:
        assert stored.namelist() == [crate.NAME, *RECORDS]


def test_what_is_packed_comes_out_and_the_same_records_give_the_same_bytes(study, archive, tmp_path):
    elsewhere = tmp_path / "elsewhere/results/ci"
    manifest = records_archive.unpack(archive, elsewhere)
    assert unpacked(elsewhere) == RECORDS
    assert all((elsewhere / name).read_bytes() == (study / name).read_bytes() for name in RECORDS)
    assert (manifest.study, manifest.configuration) == ("ci", SETTINGS)
    assert list(manifest.configuration["models"]) == ["B", "A"]
    for path in study.rglob("*"):
        path.touch()
    describe(study)
    records_archive.pack(tmp_path / "again.zip", study, "ci", SETTINGS)
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_what_was_unpacked_is_guarded_like_what_a_job_wrote(archive, tmp_path):
    elsewhere = tmp_path / "elsewhere/results/ci"
    records_archive.unpack(archive, elsewhere)
    (elsewhere / RUN / "perturbations/l2.csv").write_text("step\n0\n")
    with pytest.raises(files.DamagedFileError, match=r"l2\.csv is damaged"):
        files.read_table(elsewhere / RUN / "perturbations/l2.csv")


def test_the_metadata_of_an_archive_are_a_research_object_of_its_files(archive, tmp_path):
    with zipfile.ZipFile(archive) as stored:
        stored.extractall(tmp_path / "read")
    read = ROCrate(tmp_path / "read")
    assert {entity["name"] for entity in read.get_entities() if entity.type == "File"} == set(RECORDS)
    assert {entity["name"] for entity in read.dereference("#computation")["result"]} == set(RECORDS)
    assert read.root_dataset["name"] == "Study ci: Tiny"
    assert read.root_dataset["license"]["name"] == "MIT"


def of_another_run(path):
    shutil.copy(path.parents[1] / "provenance.json", path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("step\n0\n"),
        lambda path: path.write_text(""),
        of_another_run,
        lambda path: path.unlink(),
        lambda path: files.write_text(
            path, "step\n7\n"
        ),  # its note fits, and what the study's description says does not
    ],
)
def test_a_damaged_record_is_not_packed_and_the_sentence_says_what_to_do(study, tmp_path, damage):
    path = study / RUN / "perturbations/l2.csv"
    damage(path)
    with pytest.raises(ArchiveError) as raised:
        records_archive.pack(tmp_path / "records.zip", study, "ci", SETTINGS)
    assert str(raised.value) == (
        f"{path} changed since it was written, or is gone, so that the study is not packed: "
        f"`snakemake --cores 1 -f {path}` makes it again"
    )
    assert not (tmp_path / "records.zip").exists()


def test_a_run_that_changed_with_its_note_is_found_by_its_record(study, tmp_path):
    files.write_json(study / RUN / "metrics.json", {"seed": 2})
    describe(study)
    with pytest.raises(ArchiveError, match=r"metrics\.json changed since it was written"):
        records_archive.pack(tmp_path / "records.zip", study, "ci", SETTINGS)


def test_damaged_files_are_not_described(study):
    (study / "claims.csv").write_text("forged\n")
    with pytest.raises(files.DamagedFileError, match=r"claims\.csv is damaged"):
        describe(study)


@pytest.mark.parametrize("name", ["metrics (copy).json", "Züge/metrics.json", "a b/l2.csv", "b+/l2.csv"])
def test_a_name_that_would_not_come_out_is_not_packed(study, tmp_path, name):
    files.write_text(study / "runs/cnn" / name, "{}")
    files.write_text(study / "runs/cnn/B+/l2.csv", "{}")
    describe(study)
    with pytest.raises(ArchiveError, match=r"ci cannot be packed: it holds 'runs/cnn/"):
        records_archive.pack(tmp_path / "records.zip", study, "ci", SETTINGS)
    assert not (tmp_path / "records.zip").exists()


def refused(path, sentence, folder):
    """Refused with that sentence, and nothing is written."""
    for use in (lambda: records_archive.read_manifest(path), lambda: records_archive.unpack(path, folder)):
        with pytest.raises(ArchiveError, match=sentence):
            use()
    assert not folder.exists()


@pytest.mark.parametrize(
    "name",
    ["../outside.json", "/etc/outside.json", "a/../../outside.json", "a//b.json", ".hidden", "a/.hidden", "c:\\b.json"],
)
def test_a_path_that_leads_elsewhere_is_refused(name, tmp_path):
    path = forged(tmp_path / "forged.zip", {"runs/metrics.json": b"{}", name: b"x"})
    refused(path, "leads elsewhere", tmp_path / "results/ci")


@pytest.mark.parametrize(
    "name",
    [
        "claims.csv", "claims.md", "overview.csv", "tables/table1.csv", "figures/figure5.csv", "partial/claims.csv",
        "paper.html", "config.yaml", "records.json", "runs/payload.py", "runs/model.safetensors", "data/train/images.npy",
        "data/whitening.npz", "checksums/runs/metrics.json.sha256", "compare/comparison.csv",
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused(name, tmp_path):
    """A forged verdict must not come to stand in overview.csv or on the page."""
    path = forged(tmp_path / "forged.zip", {"runs/metrics.json": b"{}", name: b"forged"})
    refused(path, f"brings '{name}', which is no record of a study", tmp_path / "results/ci")


@pytest.mark.parametrize(
    "names",
    [
        ("runs/A/metrics.json", "runs/a/metrics.json"),
        ("runs/metrics.json", "runs/METRICS.json"),
        ("runs/a.json", "runs/a.json/b.json"),
        ("runs/A.json", "runs/a.json/b.json"),
    ],
)
def test_names_that_some_file_system_takes_for_the_same_are_refused(names, tmp_path):
    path = forged(tmp_path / "forged.zip", dict.fromkeys(names, b"{}"))
    refused(path, "twice, or where a file system does not tell", tmp_path / "results/ci")


def test_a_member_that_is_there_twice_is_refused(tmp_path):
    path = forged(tmp_path / "forged.zip")
    with zipfile.ZipFile(path, "a") as stored, pytest.warns(UserWarning, match="Duplicate name"):
        stored.writestr("runs/metrics.json", b"[]")
    refused(path, "twice", tmp_path / "results/ci")


@pytest.mark.parametrize("name", [f"runs/{'a' * 250}.json", f"{'/'.join(['runs'] * 300)}/a.json"])
def test_a_name_that_is_too_long_is_refused(name, tmp_path):
    refused(forged(tmp_path / "forged.zip", {name: b"{}"}), "a name that is too long", tmp_path / "results/ci")


def test_a_link_is_refused(tmp_path):
    path = forged(tmp_path / "forged.zip")
    with zipfile.ZipFile(path, "a") as stored:
        link = zipfile.ZipInfo("runs/link.json")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        stored.writestr(link, "/etc/passwd")
    refused(path, "a link", tmp_path / "results/ci")


def test_a_bomb_is_refused_before_anything_is_inflated(tmp_path, monkeypatch):
    path, gigabyte = tmp_path / "bomb.zip", 1 << 30
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as stored:
        with stored.open("runs/metrics.json", "w", force_zip64=True) as member:
            for _ in range(1024):
                member.write(bytes(1 << 20))
        entity = {"@id": "a", "@type": "File", "name": "runs/metrics.json", "contentSize": str(gigabyte), "sha256": "0"}
        told = {"@id": crate.STUDY, "@type": "PropertyValue", "propertyID": crate.FORMAT, "name": "ci", "value": "{}"}
        stored.writestr(crate.NAME, json.dumps({"@graph": [told, entity]}))
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was opened"))
    refused(path, "would unpack to 1,073,7.* more than 100 times its own size", tmp_path / "results/ci")


def test_metadata_that_are_too_large_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(records_archive, "MOST_METADATA_BYTES", 1000)
    path = forged(tmp_path / "forged.zip", settings=json.dumps({"title": "a" * 1000}))
    refused(path, r"ro-crate-metadata\.json in .* at most 1,000", tmp_path / "results/ci")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"form": "rate-distortion records 9"}, "this version reads"),
        ({"study": "../ci"}, "names the study"),
        ({"study": "ci\n"}, "names the study"),
        ({"study": 7}, "is no archive of records"),
        ({"settings": "[]"}, "lacks the study's configuration or its files"),
        ({"settings": "{"}, "is no archive of records"),
        ({"settings": "[" * 100_000}, "is no archive of records"),
        ({"members": {}}, "lacks the study's configuration or its files"),
        ({"listed": {"runs/other.json": b"{}"}}, "do not name the same files"),
        ({"listed": {"runs/metrics.json": (1, "0" * 64)}}, "is not the file that was packed"),
        ({"listed": {"runs/metrics.json": ("two", "0" * 64)}}, "is no archive of records"),
    ],
)
def test_metadata_that_are_wrong_are_refused_with_one_sentence(changes, sentence, tmp_path):
    refused(forged(tmp_path / "forged.zip", **changes), sentence, tmp_path / "results/ci")


def test_a_wrong_checksum_puts_nothing_in_place(tmp_path):
    path = forged(tmp_path / "forged.zip", listed={"runs/metrics.json": (2, "0" * 64)})
    with pytest.raises(ArchiveError, match="is not the file that was packed"):
        records_archive.unpack(path, tmp_path / "results/ci")
    assert not (tmp_path / "results").exists()


def test_files_that_are_no_archive_are_refused(tmp_path):
    refused(tmp_path / "records.zip", "does not exist", tmp_path / "results/ci")
    for content in (b"", b"text", b"PK\x03\x04"):
        (tmp_path / "records.zip").write_bytes(content)
        refused(tmp_path / "records.zip", "is no archive of records or is damaged", tmp_path / "results/ci")


def test_a_damaged_archive_puts_nothing_in_place(archive, tmp_path):
    damaged = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as stored:
        place = stored.getinfo("plan.md").header_offset + 30 + len("plan.md")
    damaged[place] ^= 0xFF
    archive.write_bytes(damaged)
    with pytest.raises(ArchiveError, match=r"plan\.md in .* is not the file that was packed"):
        records_archive.unpack(archive, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_a_study_that_an_archive_brings_changes_no_other():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    before = studies.load(config, schema)
    brought = studies.merged_study("demo", config["studies"], schema)
    brought["training"] = brought["training"] | {"learning_rate": 0.5}
    after = studies.load(config, schema, {"demo": brought, "new": brought})
    assert after["demo"].config["training"]["learning_rate"] == after["new"].config["training"]["learning_rate"] == 0.5
    assert {name: study.config for name, study in after.items() if name not in ("demo", "new")} == {
        name: study.config for name, study in before.items() if name != "demo"
    }
    with pytest.raises(studies.StudyError, match="extends is 'new', which does not exist"):
        studies.load({**config, "studies": config["studies"] | {"mine": {"extends": "new"}}}, schema, {"new": brought})


def test_a_study_that_was_trained_here_is_not_replaced(study, archive, tmp_path):
    with pytest.raises(ArchiveError, match="has been trained here"):
        records_archive.studies_of([archive], tmp_path / "results")
    assert list(records_archive.studies_of([archive], tmp_path / "elsewhere")) == ["ci"]
    with pytest.raises(ArchiveError, match="both hold study ci"):
        records_archive.studies_of([archive, archive], tmp_path / "elsewhere")
