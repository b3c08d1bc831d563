"""Who owns a run's folder: real processes that live, die and are stopped; a squeue of the test's own for other machines."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from rate_distortion.datasets import preparation
from rate_distortion.storage import files, run_lock
from rate_distortion.storage.run_lock import LOCK_FILE, FolderLockedError, FolderTakenError, Owner, RunLock, owned

HOLD = """
import sys, time
from rate_distortion.storage.run_lock import owned
with owned(sys.argv[1], sys.argv[2]):
    print("owned", flush=True)
    sys.stdin.readline()
    open(sys.argv[1] + "/result", "w").write("done")
"""


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(run_lock, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(run_lock, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(run_lock, "PUT_BACK_SECONDS", 0.2)
    for name in ("SLURM_JOB_ID", "SLURM_CLUSTER_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def holder(tmp_path):
    """Another process that owns the folder until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), "work"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "owned\n"
    yield process
    process.kill()
    process.wait()


def squeue(monkeypatch, tmp_path, script):
    program = tmp_path / "bin/squeue"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def elsewhere(folder, job="17", cluster="lab"):
    """The lock of a job on another machine."""
    owner = replace(Owner.this_process(), machine="node7 0123", boot="other", slurm_job=job, slurm_cluster=cluster)
    (folder / LOCK_FILE).write_text(json.dumps(owner.__dict__))
    return owner


def test_the_folder_is_free_before_and_after(tmp_path):
    folder = tmp_path / "seed1"
    with owned(folder) as lock:
        assert [path.name for path in folder.iterdir()] == [LOCK_FILE]
        lock.check()
        assert not lock.work_was_done()
    assert list(folder.iterdir()) == []


def test_a_second_job_waits_for_a_living_one_and_takes_its_results(tmp_path, holder):
    lock, owners = RunLock(tmp_path, "work"), []

    def wait():
        lock.acquire()
        owners.append(run_lock.read(lock.path))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.3)
    assert owners == []
    holder.communicate("go on\n")
    thread.join(20)
    assert owners == [lock.owner]
    assert lock.work_was_done("result")
    assert not lock.work_was_done("result", "metrics.json")
    lock.release()


def test_the_results_of_a_pack_are_taken_from_the_job_that_was_waited_for(tmp_path):
    """The second pack waits for the first folder alone: when it has that, the others are free."""
    folders = [tmp_path / "seed1", tmp_path / "seed2"]
    taken = []

    def second():
        with run_lock.owned_together(folders, "work") as locks:
            taken.append((locks.work_was_done("result"), locks.work_was_done("result", "metrics.json")))

    thread = threading.Thread(target=second)
    with run_lock.owned_together(folders, "work") as first:
        assert not first.work_was_done()
        thread.start()
        time.sleep(0.3)
        for folder in folders:
            (folder / "result").touch()
    thread.join(20)
    assert taken == [(True, False)]


def test_results_of_other_work_are_not_taken(tmp_path, holder):
    lock = RunLock(tmp_path, "other work")
    threading.Timer(0.2, lambda: holder.communicate("go on\n")).start()
    lock.acquire()
    assert not lock.work_was_done("result")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_owner_is_followed_at_once(tmp_path, holder, number):
    holder.send_signal(number)
    while run_lock._process_start(holder.pid) != "ended":  # not waited for: a zombie counts as dead too
        time.sleep(0.01)
    with owned(tmp_path, "work") as lock:
        assert not lock.work_was_done("result")
        lock.check()


def test_a_stopped_owner_is_alive(tmp_path, holder):
    holder.send_signal(signal.SIGSTOP)
    assert run_lock.read(tmp_path / LOCK_FILE).is_alive() is True
    holder.send_signal(signal.SIGCONT)


def test_a_later_process_with_the_same_number_is_not_the_owner(tmp_path):
    mine = Owner.this_process()
    assert mine.is_alive() is True
    assert replace(mine, process_start="1").is_alive() is False
    assert replace(mine, boot="before").is_alive() is (False if " " in mine.machine else None)
    assert replace(mine, pid_namespace="pid:[1]").is_alive() is None


def test_whoever_lost_a_folder_writes_nothing_more_there(tmp_path):
    """Whatever a job writes goes through files.completed, so that no job has to ask by itself."""
    pair = {"dataset": "digits", "image_size": 8, "digits": [3, 7], "train_on": "train"}
    folder = tmp_path / "pair"
    with owned(folder) as lock:
        files.write_text(folder / "before.csv", "old")
        begun = files.completed(folder / "train/long.npy")
        temporary = begun.__enter__()
        temporary.write_text("written for hours")
        lock.path.unlink()
        with pytest.raises(FolderTakenError):
            begun.__exit__(None, None, None)
        # Its successor may be writing under the same temporary name.
        assert temporary.read_text() == "written for hours"
        for write in (
            lambda: files.write_text(folder / "before.csv", "new"),
            lambda: preparation.prepare_digit_pair(folder, pair, tmp_path),
        ):
            with pytest.raises(FolderTakenError, match="stops and writes nothing more there"):
                write()
        files.write_text(tmp_path / "elsewhere.csv", "")
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {"before.csv", temporary.name}
    assert (folder / "before.csv").read_text() == "old"
    files.write_text(folder / "before.csv", "the folder is nobody's now")


def refuse(*_):
    raise PermissionError("not allowed")


@pytest.mark.parametrize(
    ("shown", "recorded", "alive"),
    [("4711", "4711", True), ("4712", "4711", False), ("ended", "4711", False), ("", "4711", None), ("4711", "", None)],
)
def test_a_process_of_another_user_is_the_owner_only_if_it_started_when_the_owner_did(
    monkeypatch, shown, recorded, alive
):
    """The number of a dead owner may be another user's process by now, whom no signal reaches."""
    owner = replace(Owner.this_process(), process_start=recorded)
    monkeypatch.setattr(os, "kill", refuse)
    monkeypatch.setattr(run_lock, "_process_start", lambda _: shown)
    assert owner.is_alive() is alive


@pytest.mark.parametrize("links", [True, False])
def test_a_lock_that_was_taken_in_error_is_put_back(tmp_path, monkeypatch, links):
    """The dead owner's lock is gone, and a third job owns the folder, before the second one takes the lock away."""
    if not links:
        monkeypatch.setattr(os, "link", refuse)
    second, third = RunLock(tmp_path), RunLock(tmp_path)
    third.acquire()
    second._remove(replace(second.owner, process_start="1"))
    third.check()
    assert [path.name for path in tmp_path.iterdir()] == [LOCK_FILE]


def test_an_owner_whose_lock_is_just_being_put_back_goes_on(tmp_path):
    lock = RunLock(tmp_path)
    lock.acquire()
    content = lock.path.read_text()
    lock.path.unlink()
    threading.Timer(0.05, lock.path.write_text, [content]).start()
    lock.check()


def test_an_owner_that_lost_its_folder_stops_and_leaves_the_lock_of_its_successor(tmp_path):
    first, second = RunLock(tmp_path), RunLock(tmp_path)
    first.acquire()
    first.path.unlink()
    with pytest.raises(FolderTakenError, match="someone who removed the lock"):
        first.check()
    second.acquire()
    with pytest.raises(FolderTakenError, match=rf"taken over by .*process {os.getpid()} on"):
        first.check()
    first.release()
    second.check()


@pytest.mark.parametrize(
    ("answer", "alive"),
    [
        ("echo RUNNING", True),
        ("echo COMPLETING", True),
        ("echo CANCELLED", False),
        ("echo PENDING", False),
        ("true", False),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", False),
        ("echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1", None),
    ],
)
def test_slurm_says_whether_the_job_of_another_machine_runs(tmp_path, monkeypatch, answer, alive):
    squeue(monkeypatch, tmp_path, answer)
    assert elsewhere(tmp_path).is_alive() is alive


def test_slurm_starts_the_same_job_again_on_another_node(tmp_path, monkeypatch):
    squeue(monkeypatch, tmp_path, "echo RUNNING")
    owner = elsewhere(tmp_path)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("SLURM_CLUSTER_NAME", "lab")
    assert owner.is_alive() is False
    monkeypatch.setenv("SLURM_CLUSTER_NAME", "another")
    assert owner.is_alive() is None


def test_what_cannot_be_found_out_is_refused_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    elsewhere(tmp_path)
    with pytest.raises(
        FolderLockedError, match=rf"Slurm job 17, .* on node7 .*remove {tmp_path}/{LOCK_FILE} and start"
    ):
        RunLock(tmp_path).acquire()
    elsewhere(tmp_path, job="")
    with pytest.raises(FolderLockedError, match="cannot be established from here"):
        RunLock(tmp_path).acquire()
    (tmp_path / LOCK_FILE).write_text("{")
    with pytest.raises(FolderLockedError, match="cannot be read"):
        RunLock(tmp_path).acquire()


@pytest.mark.parametrize("links", [True, False])
def test_of_many_processes_one_at_a_time_owns_a_folder_that_a_dead_one_left(tmp_path, links):
    """Each process adds one to a counter in two steps; a second owner at the same time would lose additions."""
    program = f"""
import os, sys, time
from rate_distortion.storage import run_lock
run_lock.POLL_SECONDS = 0.001
if not {links}:
    def refuse(*_): raise PermissionError("no hard links here")
    os.link = refuse
for _ in range(10):
    with run_lock.owned(sys.argv[1]) as lock:
        count = int(open(sys.argv[1] + "/count").read())
        time.sleep(0.002)
        lock.check()
        open(sys.argv[1] + "/count", "w").write(str(count + 1))
"""
    (tmp_path / "count").write_text("0")
    dead = replace(Owner.this_process(), process_start="1")
    (tmp_path / LOCK_FILE).write_text(json.dumps(dead.__dict__))
    command = [sys.executable, "-c", program, str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    assert (tmp_path / "count").read_text() == "40"
    assert {path.name for path in tmp_path.iterdir()} == {"count"}
