"""Damage to whatever one job writes and another reads: each time one sentence, and nothing damaged is used.

The table below damages one file of every kind in a finished study. Two runs of Snakemake then show that jobs notice it, and a
search of the sources that none reads a file in another way.
"""

import ast
import os
import re
import shutil
from pathlib import Path

import pytest

from rate_distortion.storage import files

ROOT = Path(__file__).parents[2]
RUN, OTHER = (f"runs/cnn/B/batch128/original/seed{seed}" for seed in (1, 2))
KINDS = {
    f"{RUN}/{name}": f"{OTHER}/{name}"
    for name in (
        "metrics.json", "history.csv", "predictions.npz", "provenance.json", "model.safetensors", "perturbations/l2.csv",
        "perturbations/sweeps.npz", "reverse_transmission.csv", "reverse_transmission.npz",
    )
} | {
    f"{RUN}/perturbations/linf.csv": f"{RUN}/perturbations/l2.csv",
    "runs/mlp/relu/none/original/seed1/gradient_snr.csv": "runs/mlp/relu/none/original/seed2/gradient_snr.csv",
    "runs/mlp/relu/none/original/seed1/information_plane.csv": "runs/mlp/relu/none/random/seed1/information_plane.csv",
    "runs/sphere_packing/none/seed1/geometry.csv": "runs/sphere_packing/batch/seed1/geometry.csv",
    "runs/sphere_packing/none/seed1/embedding.npz": "runs/sphere_packing/batch/seed1/embedding.npz",
    "transfer/B+/seed1/zero_shot.csv": "transfer/B+/seed2/zero_shot.csv",
    "transfer/B+/seed1/one_shot.csv": "transfer/B+/seed2/one_shot.csv",
    "transfer/B+/seed1/predictions.npz": "transfer/B+/seed2/predictions.npz",
    "data/house_numbers/dataset.json": "data/house_numbers-grey/dataset.json",
    "data/house_numbers/extra.json": "data/house_numbers/dataset.json",
    "data/house_numbers/whitening.npz": "data/house_numbers-grey/whitening.npz",
    "data/house_numbers/examples.npz": "data/house_numbers/whitening.npz",
    "data/house_numbers/train/images.npy": "data/house_numbers-grey/train/images.npy",
    "data/house_numbers/train/labels.npy": "data/house_numbers/test/labels.npy",
    "weight_decay.json": "data/house_numbers/extra.json",
    "network.csv": "tables/table3.csv",
    "tables/table1.csv": "tables/table2.csv",
    "tables/attack_audit.csv": "tables/table1.csv",
    "figures/figure5.csv": "figures/figure5_batch_norm.csv",
    "figures/figure5.svg": "figures/figure5_batch_norm.svg",
    "claims.csv": "overview.csv",
    "overview.csv": "claims.csv",
    "ro-crate-metadata.json": "weight_decay.json",
}  # fmt: skip
"""File -> another one, that is put in its place."""


@pytest.fixture(scope="module")
def study(finished_ci, tmp_path_factory):
    """A copy of the finished study's files, which every test leaves as it found them."""
    return Path(shutil.copytree(finished_ci.folder / "results", tmp_path_factory.mktemp("damage") / "results")) / "ci"


def damages(content: bytes, other: bytes):
    """Name -> content, of what can happen to a file."""
    middle = len(content) // 2
    yield "a flipped bit", content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    yield "cut short", content[: -max(1, len(content) // 10)]
    yield "cut at a line end", content[: content.rstrip(b"\n").rfind(b"\n") + 1]
    yield "a digit changed", re.sub(rb"\d", lambda digit: str((int(digit[0]) + 1) % 10).encode(), content, count=1)
    yield "empty", b""
    yield "longer", content + b"\n"
    yield "zeros", bytes(len(content))
    yield "of another seed, noise or kind", other


def test_nothing_damaged_is_used(study):
    """Every kind of file and every damage."""
    refused, used = [], []
    for name, other in KINDS.items():
        path, replacement = study / name, (study / other).read_bytes()
        assert files.verified(path) == path
        content = path.read_bytes()
        for damage, damaged in damages(content, replacement):
            if damaged == content:
                continue
            path.write_bytes(damaged)
            try:
                files.verified(path)
                used.append((name, damage))
            except files.DamagedFileError as error:
                refused.append(str(error))
        path.write_bytes(content)
    assert used == []
    assert len(refused) > 7 * len(KINDS)
    sentence = re.compile(
        r"\S+ is damaged \(its checksum .*\): delete it and run the same command again, which makes it anew"
    )
    assert all(map(sentence.fullmatch, refused))


@pytest.mark.parametrize("folder", [RUN, "runs/mlp/relu/none/original/seed1", "transfer/B+/seed1"])
def test_a_folder_copied_over_another_ones_is_noticed(study, folder):
    kept, other = study / "kept", study / folder.replace("seed1", "seed2")
    (study / folder).rename(kept)
    shutil.copytree(other, study / folder)
    try:
        for path in (study / folder).rglob("*.*"):
            with pytest.raises(files.DamagedFileError):
                files.verified(path)
            files.verified(other / path.relative_to(study / folder))
    finally:
        shutil.rmtree(study / folder)
        kept.rename(study / folder)


def test_every_file_of_a_finished_study_has_its_checksum(study):
    paths = {path.relative_to(study).as_posix() for path in study.rglob("*") if path.is_file()}
    noted = {path.removeprefix("checksums/").removesuffix(".sha256") for path in paths if path.startswith("checksums/")}
    assert noted - {"records.zip"} == {path for path in paths if not path.startswith("checksums/")}


READERS = (
    "read_csv",
    "read_text",
    "read_bytes",
    "load_file",
    "fromfile",
    "genfromtxt",
    "loadtxt",
    "np.load",
    "numpy.load",
)
OTHERS_FILES = {
    "storage/files.py": "the readers themselves",
    "storage/provenance.py": "the processor's name",
    "storage/run_lock.py": "locks, and the system's own files",
    "storage/job_log.py": "this process's memory",
    "studies/crate.py": "the project's CITATION.cff",
    "claims/ledger.py": "the project's claims.yaml",
    "claims/overview.py": "the project's docs/verdicts.csv",
    "claims/recorded.py": "the project's README.md, docs/reproduction.md and docs/theses.csv",
    "page/assembly.py": "the page's own style sheet and script",
    "datasets/arrays.py": "arrays of one's own, checked when they are read",
    "datasets/svhn_part.py": "a source of images",
    "datasets/torchvision_readers.py": "downloads, which have MD5s",
    "datasets/public_sets.py": "downloads, which have MD5s",
    "datasets/image_folder.py": "images of one's own, whose checksum is recorded",
    "models/weights.py": "weights of one's own, whose checksum is recorded",
    "own_audit/images.py": "arrays of one's own",
    "own_audit/page.py": "the page's own template",
    "command_line.py": "the project's starter files and configuration",
    "studies/reading.py": "study files",
    "studies/feasibility.py": "the source of a network of one's own",
}
"""Modules that read files which no job of a study wrote, and why they need no checksum."""

VERIFIED_BEFORE = (
    "safetensors.torch.load_file(weights)",
    "np.load(path, allow_pickle=False, **options)",
    "svg.read_text(encoding='utf-8')",
    "path.read_text(encoding='utf-8')",
    "pandas.read_csv(path, keep_default_na=False, na_values=['', 'nan'])",
)
"""Calls whose file has been verified by the statement before, or by page.Records."""


def test_no_module_reads_a_file_of_a_study_unchecked():
    sources = [*(ROOT / "src/rate_distortion").rglob("*.py"), *(ROOT / "workflow/scripts").glob("*.py")]
    names = {path: path.relative_to(ROOT).as_posix().removeprefix("src/rate_distortion/") for path in sources}
    calls = [
        (name, ast.unparse(node))
        for path, name in names.items()
        if name not in OTHERS_FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(READERS)
    ]
    assert {call for _, call in calls} >= set(VERIFIED_BEFORE)
    assert [both for both in calls if "verified(" not in both[1] and both[1] not in VERIFIED_BEFORE] == []


def damage_in_place(path: Path) -> None:
    """Change a digit, and leave the date, so that Snakemake makes nothing again."""
    times, content = path.stat(), path.read_bytes()
    path.write_bytes(content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_jobs_end_with_the_sentence(finished_ci, tmp_path):
    """In rounds, since some jobs read several of the files that are changed."""
    project = finished_ci.copy_to(tmp_path / "project")
    results = project.folder / "results/ci"
    rounds = (
        {"figures/figure7.csv": "paper.html"},
        {
            f"{RUN}/perturbations/sweeps.npz": "tables/fault_tolerance.md",
            "transfer/B+/seed1/one_shot.csv": "tables/transfer.md",
            "network.csv": "tables/table3.md",
            "data/house_numbers/examples.npz": "figures/figure4.svg",
            "claims.csv": "overview.csv",
        },
        {"weight_decay.json": "tables/transfer.md"},
    )
    for read_by in rounds:
        for name in read_by:
            damage_in_place(results / name)
        targets = [f"results/ci/{target}" for target in read_by.values()]
        result = project.snakemake("--cores", "1", "--keep-going", "-f", *targets, check=False)
        printed = result.stdout + result.stderr
        assert result.returncode != 0
        assert "Traceback" not in printed
        for name, target in read_by.items():
            note = f"results/ci/checksums/{name}.sha256"
            assert f"results/ci/{name} is damaged (its checksum is not the one in {note})" in printed
            assert not (results / target).exists()
