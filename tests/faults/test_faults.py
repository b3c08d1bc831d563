"""What happens when the machine fails: full disks, folders that cannot be written, damaged files, too little memory.

Each time there is one sentence that names the file and what to do, nothing half-written is taken for a result, and the same
command afterwards ends with the bits of a run that nothing happened to.
"""

import functools
import http.server
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from project_copy import Project, copy_project
from rate_distortion.storage import files

PARTS_LEFT_OUT = (
    "calibration", "perturbations", "reverse_transmission", "attack_audit", "sensitivity", "ablations", "multilayer_perceptron",
    "sphere_packing", "transfer",
)  # fmt: skip
STUDY = {
    "extends": "ci",
    "title": "One network",
    "data": {"train_images": 200, "validation_images": 20, "test_images": 100, "extra_images": None},
    "models": dict.fromkeys(("B", "C", "A-BN", "B+", "A+")),
    "tables": {"table1": {"A": [128], "B": None, "C": None}, "table2": None, "further_models": None},
    "figures": {"figure4": {"model": "A", "batch_size": 128}, "figure5": None},
    **dict.fromkeys(PARTS_LEFT_OUT),
}
RUN = "results/one/runs/cnn/A/batch128/original/seed1"
TABLE = "results/one/tables/table1.md"
LABELS = "data/MNIST/raw/t10k-labels-idx1-ubyte.gz"


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Project:
    """One network and its table."""
    project = copy_project(tmp_path_factory.mktemp("faults") / "project")
    project.edit_config(lambda config: config["studies"].update(one=STUDY))
    project.snakemake("--cores", "1", TABLE)
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """The same, for one test to damage."""
    return finished.copy_to(tmp_path / "project")


def weights(project: Project) -> bytes:
    return (project.folder / RUN / "model.safetensors").read_bytes()


def shell(project: Project, script: str, *, root: bool = False) -> subprocess.CompletedProcess:
    """Run a script in the project; with ``root`` in a mount namespace of its own, where an ordinary user may mount."""
    script = script.replace("snakemake", f"{shlex.quote(sys.executable)} -m snakemake")
    command = [*(namespace() if root else []), "bash", "-c", script]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, timeout=600)


@functools.cache
def namespace() -> tuple[str, ...]:
    for options in (("--user", "--map-root-user", "--mount"), ("--mount",)):
        command = ("unshare", *options)
        if (
            shutil.which("unshare")
            and not subprocess.run([*command, "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True).returncode
        ):
            return command
    pytest.skip("neither root nor a user namespace may mount here: a full disk and a read-only folder cannot be made")


def said(project: Project, log: str) -> str:
    """What a job's log says, once it is known to hold no traceback."""
    text = (project.folder / "logs" / log).read_text()
    assert "Traceback" not in text
    return text


def run_files(project: Project) -> set[str]:
    return {path.name for path in (project.folder / RUN).glob("*")}


def test_a_limit_on_the_size_of_files_stops_a_training_and_nothing_is_taken_for_a_result(project):
    undisturbed = weights(project)
    shutil.rmtree(project.folder / RUN)
    result = shell(project, f"ulimit -f 400; snakemake --cores 1 {RUN}/metrics.json")
    assert result.returncode != 0
    assert "model.safetensors could not be written (File too large): raise the limit" in said(
        project, "one/train/A-batch128-original-seed1.log"
    )
    assert not {name for name in run_files(project) if not name.startswith("resume")}
    project.snakemake("--cores", "1", f"{RUN}/metrics.json")
    assert weights(project) == undisturbed


def test_a_full_disk_stops_a_job_and_with_space_the_same_command_goes_on(project):
    """Room for the whitening and half of the training images."""
    undisturbed, data = weights(project), project.folder / "results/one/data/house_numbers"
    room = sum((data / name).stat().st_size for name in ("whitening.npz", "train/images.npy")) - 400_000
    shutil.rmtree(project.folder / "results")
    result = shell(
        project,
        f"""
        mkdir results && mount -t tmpfs -o size={room} tmpfs results || exit 99
        snakemake --cores 1 {RUN}/metrics.json && exit 98
        cp logs/one/prepare_data/house_numbers.log full.log; find results -name '*.npy' > written
        mount -o remount,size=50m results
        snakemake --cores 1 {RUN}/metrics.json && cp {RUN}/model.safetensors .
        """,
        root=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    text = (project.folder / "full.log").read_text()
    assert "train/images.npy could not be written (No space left on device): free some space and run the same" in text
    assert "Traceback" not in text
    assert (project.folder / "written").read_text() == ""
    assert (project.folder / "model.safetensors").read_bytes() == undisturbed


def test_a_read_only_results_folder_is_named_before_any_job(project):
    result = shell(
        project,
        "mount --bind results results && mount -o remount,ro,bind results && snakemake --cores 1 results/one/config.yaml",
        root=True,
    )
    assert result.returncode != 0
    printed = result.stdout + result.stderr
    assert f"the folder {project.folder / 'results'} cannot be written: make it writable" in printed
    assert "Traceback" not in printed
    assert "rule write_config" not in printed
    assert project.planned_jobs(TABLE) == {}


def test_a_run_outlives_an_input_from_the_future(project):
    """Snakemake alone would delete its weights and train again, at every start."""
    undisturbed, whitening = weights(project), "results/one/data/house_numbers/whitening.npz"
    assert (project.folder / whitening).stat().st_size > 1e6  # of smaller files Snakemake compares the content
    os.utime(project.folder / whitening, (4e9, 4e9))
    result = project.snakemake("--cores", "1", TABLE, check=False)
    assert result.returncode != 0
    assert result.stderr.strip().splitlines()[-1].startswith(f"Cannot start: {whitening} is dated 2096-10-02")
    assert weights(project) == undisturbed
    (project.folder / whitening).touch()
    project.snakemake("--cores", "1", "--touch", TABLE)
    assert project.planned_jobs(TABLE) == {}
    assert weights(project) == undisturbed


def test_a_damaged_result_stops_its_table_and_is_made_again_once_deleted(project):
    table, path = (project.folder / TABLE).read_text(), project.folder / RUN / "metrics.json"
    path.write_bytes(path.read_bytes()[:-40])
    result = project.snakemake("--cores", "1", "-f", TABLE, check=False)
    assert result.returncode != 0
    sentence = said(project, "one/tables/table1.log")
    assert re.search(r"metrics\.json is damaged \(.*\): delete it and run the same command again", sentence)
    assert not (project.folder / TABLE).exists()
    path.unlink()
    # A checkpoint that means nothing is in the way as well.
    (path.parent / "resume.safetensors").write_bytes(b"\0" * 1000)
    project.snakemake("--cores", "1", TABLE)
    assert "resume.safetensors is damaged" in said(project, "one/train/A-batch128-original-seed1.log")
    assert (project.folder / TABLE).read_text() == table


def test_a_digit_that_changed_in_a_result_is_noticed(project):
    path = project.folder / RUN / "metrics.json"
    path.write_text(path.read_text().replace('"epochs": 2', '"epochs": 3'))
    assert project.snakemake("--cores", "1", "-f", TABLE, check=False).returncode != 0
    assert (
        f"its checksum is not the one in results/one/checksums/{RUN.removeprefix('results/one/')}/metrics.json"
        in said(project, "one/tables/table1.log")
    )


def test_a_table_of_runs_of_another_library_says_so(project):
    path = project.folder / RUN.replace("seed1", "seed2") / "provenance.json"
    record = json.loads(path.read_text())
    files.write_json(path, record | {"library_sha256": "0" * 64, "processor": "Another processor"})
    project.snakemake("--cores", "1", TABLE)
    text = (project.folder / TABLE).read_text()
    assert "- Warning: these 2 runs were made with 2 versions of this library (" in text
    assert "2 kinds of hardware" in text
    assert "Another processor in 1" in text
    assert "versions of torch" not in text
    assert "Warning" in said(project, "one/tables/table1.log")


@pytest.mark.parametrize("fault", ["truncated", "flipped", "longer"])
def test_a_wrong_download_never_gets_its_name(project, tmp_path, fault, shared_data):
    content = bytearray((shared_data / "mnist" / Path(LABELS).name).read_bytes())
    right = bytes(content)
    if fault == "flipped":
        content[1000] ^= 1
    served = {"truncated": content[:2000], "flipped": content, "longer": content + b"\0"}[fault]
    (tmp_path / Path(LABELS).name).write_bytes(served)
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        project.edit_config(lambda config: config["mirrors"].update(mnist=[f"http://127.0.0.1:{server.server_port}"]))
        result = project.snakemake("--cores", "1", LABELS, check=False)
        assert result.returncode != 0
        assert not (project.folder / LABELS).exists()
        text = said(project, f"download/{LABELS.removeprefix('data/')}.log")
        assert "could not be downloaded" in text
        assert "Without a network, put into" in text
        (tmp_path / Path(LABELS).name).write_bytes(right)
        project.snakemake("--cores", "1", LABELS)
        server.shutdown()
    assert (project.folder / LABELS).read_bytes() == right


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


STARVED = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import kill_harness
from rate_distortion.storage.job_log import job_log
folder, limit = Path(sys.argv[2]), int(sys.argv[3])
folder.mkdir(exist_ok=True)
if limit:
    kill_harness.train_network(folder / "rehearsal")  # imports what is imported on the way
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + limit, used + limit))
with job_log(folder / "job.log"):
    kill_harness.train_network(folder / "run", images=4000 if limit else 64)
"""


def test_too_little_memory_is_said_in_one_sentence_and_nothing_is_taken_for_a_result(tmp_path):
    command = [sys.executable, "-c", STARVED, str(Path(__file__).parent), str(tmp_path / "starved"), "20000000"]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert result.returncode == 1, result.stderr
    text = (tmp_path / "starved/job.log").read_text()
    assert "stopped: the memory that this job may use is not enough" in text
    assert "mem_mb" in text
    assert "Traceback" not in text
    assert not list((tmp_path / "starved/run").glob("[!.]*"))
