"""What a study costs: counts that are exact, and the page that shows them."""

import copy
import functools
from pathlib import Path

import pytest
import yaml

from rate_distortion import studies
from rate_distortion.studies import amounts, needs, planning

ROOT = Path(__file__).parents[2]


@functools.cache
def load(change=None):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    if change:
        change(config)
    return studies.load(copy.deepcopy(config), schema)


def test_tables_1_and_2_of_the_paper_are_two_and_a_half_billion_images():
    def only_the_tables(config):
        paper = config["studies"]["paper"]
        config.update(study="paper", studies={"paper": paper})
        for part in ("calibration", "perturbations", "reverse_transmission", "attack_audit", "transfer"):
            del paper[part]
        del paper["tables"]["further_models"], paper["figures"]["figure5"]
        paper["figures"]["figure4"]["model"] = "B"

    def in_packs(config):
        only_the_tables(config)
        config["studies"]["paper"]["packing"] = "batch_size"

    cost = planning.plan(load(only_the_tables)["paper"])
    assert (cost.trainings, cost.processes) == (70, 70)
    packed = planning.plan(load(in_packs)["paper"])
    assert (packed.trainings, packed.processes) == (70, 6)
    assert packed.gpu_hours == pytest.approx(packed.images / amounts.GPU_PACKED_IMAGES_PER_SECOND / 3600)
    assert cost.images == 70 * 500 * 73_257
    per_run = {128: 286_500, 64: 572_500, 32: 1_145_000}
    table1 = 3 * sum(per_run.values())
    table2 = 3 * per_run[128] + 2 * per_run[32]
    assert cost.steps == 5 * (table1 + table2)


def test_extra_data_count_where_they_are_used_and_nowhere_else():
    paper = load()["paper"]
    sizes = amounts.split_sizes(paper.config["data"])
    assert sizes == {"train": 66_000, "validation": 7_257, "test": 26_032, "extra": 531_131}
    by_model = {run.model: amounts.training_images(paper, run.model) for run in paper.runs()}
    assert (by_model["A"], by_model["B+"], by_model["A-decay-0.01"]) == (73_257, 604_388, 66_000)


def test_the_capacity_law_counts_the_images_that_its_networks_have():
    study = load()["capacity_law"]
    cost, networks = planning.plan(study), 5 * 10 * 2 * 3
    table1 = 3 * 80 * 16_000
    assert cost.trainings == networks + 3
    assert cost.images == networks * 1_280_000 + table1
    # 1,000 images at batch size 128 are 8 steps, 2,000 are 16: the last minibatch of an epoch is a short one.
    assert (
        cost.steps
        == 10 * 2 * 3 * sum(1_280_000 // n * -(-n // 128) for n in (1000, 2000, 4000, 8000, 16000)) + table1 // 128
    )
    assert amounts.training_images(study, "A-images-2000-decay-0.03") == 2000
    small, large = (needs.training(study, f"A-images-{n}-decay-0", 128, "random") for n in (1000, 16000))
    assert small.megabytes < large.megabytes
    assert small.minutes == large.minutes


def test_every_training_is_a_process():
    cost = planning.plan(load()["demo"])
    assert (cost.trainings, cost.processes) == (30, 30)
    assert cost.gpu_hours > 0
    assert "0 (the study does not use a GPU)" in planning.markdown(load()["demo"])


@pytest.mark.parametrize("study", ["ci", "demo", "small", "paper"])
def test_the_page_lists_every_cell(study):
    page = planning.markdown(load()[study])
    for run in load()[study].runs():
        assert f"| {run.model} | {run.batch_size} | {run.labels} |" in page


def test_multilayer_perceptrons_are_counted_and_listed():
    cost = planning.plan(load()["paper"])
    assert (cost.perceptrons, cost.perceptron_packs) == (25, 5)
    assert cost.perceptron_images == 5 * (2 * 10_000 + 3 * 4_000) * 12_396
    page = planning.markdown(load()["paper"])
    assert "| tanh | batch | original | 5 | 4000 |" in page
    assert "25 in 5 processes" in page


def test_transfers_are_counted_and_a_study_without_any_does_not_mention_them():
    plans = load(lambda config: config["studies"].update(mine={"extends": "demo", "transfer": None}))
    cost = planning.plan(plans["paper"])
    assert (cost.transfers, cost.transfer_images) == (2 * 5, 10 * 101 * 10_000)
    assert planning.plan(plans["demo"]).transfer_images == 2 * 21 * 500
    assert "10, which read 10,100,000 target images" in planning.markdown(plans["paper"])
    assert "transfer" not in planning.markdown(plans["mine"])


def test_a_study_without_multilayer_perceptrons_does_not_mention_them():
    def change(config):
        config["studies"]["mine"] = {"extends": "demo", "multilayer_perceptron": None}

    mine = load(change)["mine"]
    assert planning.plan(mine).perceptron_cpu_hours == 0
    assert "activation" not in planning.markdown(mine)


def test_information_bottlenecks_are_counted_and_listed():
    cost = planning.plan(load()["paper"])
    assert (cost.bottlenecks, cost.bottleneck_images) == (15, 15 * 500 * (60_000 + 469 * 1_000))
    assert "| batch_without_scale | 5 | 500 |" in planning.markdown(load()["paper"])
    assert planning.plan(load()["ci"]).bottleneck_images == 3 * 4 * (300 + 5 * 200)


def test_a_study_without_sphere_packing_does_not_mention_it():
    def change(config):
        config["studies"]["mine"] = {"extends": "demo", "sphere_packing": None}

    mine = load(change)["mine"]
    assert planning.plan(mine).bottlenecks == 0
    assert "bottleneck" not in planning.markdown(mine)


def test_every_job_of_study_ci_fits_a_node_of_4_gb_for_an_hour():
    """So that a first try needs no thought about partitions."""
    asked = needs.largest(load()["ci"])
    assert {"training", "probe", "transfer", "multilayer perceptrons", "information bottleneck"} <= set(asked)
    assert max(need.megabytes for need in asked.values()) <= 4000
    # A training and its probe are one job, and a third attempt asks for three times as much time.
    assert 3 * max(asked["training"].minutes + asked["probe"].minutes, *(need.minutes for need in asked.values())) <= 60


def test_the_papers_jobs_ask_for_more_than_they_were_seen_to_take():
    """Peak memory at SVHN's size, as benchmarks/README.md has it: 1.48, 2.48, 5.21 and 2.28 GiB."""
    paper, mebibytes = load()["paper"], 2**20 / 1e6 * 1024
    assert needs.preparation(paper, "svhn").megabytes > 2.48 * mebibytes
    assert 5.21 * mebibytes < needs.training(paper, "B+", 128, "original").megabytes < 10_000
    assert needs.probe(paper, "B+").megabytes > 2.28 * mebibytes
    assert (
        needs.training(paper, "A", 128, "original").megabytes < needs.training(paper, "A+", 128, "original").megabytes
    )


def test_a_job_asks_for_more_the_more_it_computes():
    def longer(config):
        config["studies"]["demo"]["training"]["epochs"] = 2000

    short, long = (load(change)["demo"] for change in (None, longer))
    assert needs.training(short, "A", 128, "original").minutes < needs.training(long, "A", 128, "original").minutes
    packed = load(lambda config: config["studies"]["paper"].update(packing="batch_size"))["paper"]
    alone = needs.training(packed, "A", 128, "original")
    assert all(needs.pack(packed, pack).megabytes > alone.megabytes for pack in packed.packs())


def test_the_plan_shows_what_jobs_ask_for():
    paper = load()["paper"]
    largest = needs.largest(paper)["training"]
    assert f"| training | {largest.megabytes:,} | {largest.minutes:,} |" in planning.markdown(paper)


@pytest.mark.parametrize(("study", "megabytes", "minutes"), [("ci", 4_000, 60), ("paper", 64_000, 2_000)])
def test_every_job_fits_the_nodes_that_its_study_is_for(study, megabytes, minutes):
    """Small ones with a partition of an hour for a try, a second attempt included; the nodes of a laboratory for the paper."""
    asked = needs.largest(load()[study]).values()
    assert max(2 * need.megabytes for need in asked) <= megabytes
    assert max(2 * need.minutes for need in asked) <= minutes
