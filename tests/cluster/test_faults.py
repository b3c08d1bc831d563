"""What goes wrong on a cluster, one fault each: the study still ends complete, with the weights of an undisturbed run."""

import json
import os
import signal

import pytest
from slurm_lab import megabytes, minutes

CHANGING = {"seconds", "images_per_second"}
"""What metrics.json says of the time that a run took."""


PROBED = "results/interrupted/tables/reverse_transmission.csv"
"""What most tests ask for: the training, its probe and a table. One test makes the whole study."""


def resumed_from(project):
    return json.loads((project.run / "provenance.json").read_text())["resumed_from_epochs"]


def assert_complete(project, undisturbed, target=PROBED):
    """Nothing is missing, half-written or left behind, and what was trained is what would have been trained."""
    assert "Nothing to be done" in project.snakemake("-n", target)
    reference = undisturbed.folder / project.run.relative_to(project.folder)
    for name in ("model.safetensors", "reverse_transmission.csv", "perturbations/l2.csv", "history.csv"):
        assert (project.run / name).read_bytes() == (reference / name).read_bytes(), name
    metrics, expected = (json.loads((run / "metrics.json").read_text()) for run in (project.run, reference))
    assert {key for key in expected if metrics[key] != expected[key]} <= CHANGING
    left = [
        path for path in (project.folder / "results").rglob("*") if path.name.startswith((".", "resume", "running"))
    ]
    assert left == []


def test_a_cancelled_training_is_tried_again_with_more_and_goes_on(interrupted, undisturbed, lab):
    project = interrupted
    project.start("interrupted")
    lab.client("scancel", project.wait_for_checkpoint()["JobId"])
    project.finish()
    first, second = project.jobs("train")
    assert (first["JobState"], second["JobState"]) == ("CANCELLED", "COMPLETED")
    assert minutes(second) == 2 * minutes(first)
    assert megabytes(second) == 2 * megabytes(first)
    assert 0 < resumed_from(project)[0] < 100
    assert_complete(project, undisturbed, "interrupted")


def test_a_training_beyond_its_time_limit_goes_on_in_another_job(interrupted, undisturbed, lab):
    project = interrupted
    project.start(PROBED)
    job = project.wait_for_checkpoint()
    os.kill(project.training_process(), signal.SIGSTOP)  # it will not be done before the limit
    lab.client("scontrol", "update", f"JobId={job['JobId']}", "TimeLimit=1")
    project.finish()
    first, second = project.jobs("train")
    assert (first["JobState"], second["JobState"]) == ("TIMEOUT", "COMPLETED")
    assert 0 < resumed_from(project)[0] < 100
    assert_complete(project, undisturbed)


def test_snakemake_that_lost_its_jobs_while_the_controller_was_away_is_started_again(interrupted, undisturbed, lab):
    """Without accounting the plugin asks sacct in vain and forgets its jobs; they run on, and a new Snakemake finds them."""
    project = interrupted
    project.start(PROBED)
    project.wait_for_checkpoint()
    process = project.training_process()
    os.kill(process, signal.SIGSTOP)  # it will not be done before the second job starts
    lab.stop_controller()
    project.wait_until(lambda: "Falling back to 'sacct'" in project.said(), "a poll fell into the controller's absence")
    lab.start_controller()
    project.kill()
    project.snakemake("--unlock")
    project.start(PROBED)
    project.wait_until(lambda: "is at work in" in project.training_log(), "the second job waits for the first")
    os.kill(process, signal.SIGCONT)
    project.finish()
    assert {job["JobState"] for job in project.jobs("train")} == {"COMPLETED"}
    assert_complete(project, undisturbed)


def test_the_job_of_a_lost_node_goes_on_on_another_one(interrupted, undisturbed, lab):
    project = interrupted
    project.start(PROBED)
    node = project.wait_for_checkpoint()["NodeList"]
    lab.kill_node(node)
    project.finish()
    (job,) = project.jobs("train")
    assert (job["JobState"], job["Restarts"]) == ("COMPLETED", "1")
    assert job["NodeList"] != node
    assert 0 < resumed_from(project)[0] < 100
    assert_complete(project, undisturbed)


def test_a_node_whose_daemon_died_computes_on_and_the_restarted_job_waits_for_it(interrupted, undisturbed, lab):
    project = interrupted
    project.start(PROBED)
    job = project.wait_for_checkpoint()
    process = project.training_process()
    os.kill(process, signal.SIGSTOP)  # it will not be done before Slurm starts the job again
    lab.kill_daemon(job["NodeList"])
    project.wait_until(lambda: "is at work in" in project.training_log(), "the restarted job waits")
    assert project.training_process() == process
    os.kill(process, signal.SIGCONT)
    project.finish()
    assert [record["Restarts"] for record in project.jobs("train")] == ["1"]
    assert resumed_from(project) == []
    assert_complete(project, undisturbed)


@pytest.mark.parametrize("cancel", [False, True], ids=["its jobs run on", "its jobs are cancelled first"])
def test_snakemake_is_killed_and_started_again(interrupted, undisturbed, lab, cancel):
    project = interrupted
    project.start(PROBED)
    first = project.wait_for_checkpoint()
    process = project.training_process()
    project.kill()
    if cancel:
        lab.client("scancel", "--name", first["JobName"])
    else:
        os.kill(process, signal.SIGSTOP)  # it will not be done before the second job starts
    project.snakemake("--unlock")
    project.start(PROBED)
    if not cancel:
        project.wait_until(lambda: "is at work in" in project.training_log(), "the second job waits for the first")
        assert project.training_process() == process
        os.kill(process, signal.SIGCONT)
    project.finish()
    assert [job["JobState"] for job in project.jobs("train")] == ["CANCELLED" if cancel else "COMPLETED", "COMPLETED"]
    assert bool(resumed_from(project)) == cancel
    assert_complete(project, undisturbed)
