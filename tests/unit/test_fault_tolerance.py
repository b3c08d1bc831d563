"""Curves, areas and their intervals from recorded sweeps; and a probe of a real run, end to end."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch

from rate_distortion import tables
from rate_distortion.analysis import fault_tolerance
from rate_distortion.analysis.fault_tolerance import AREA_HIGH_DB, AREA_LOW_DB, RecordedSweep
from rate_distortion.analysis.signal_to_noise import plain_of_one_plus_db
from rate_distortion.figures import figure5
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.probes import perturbations, probing
from rate_distortion.storage import files
from rate_distortion.tables import making
from rate_distortion.training import loop, runs
from rate_distortion.training.convolutional import ConvolutionalTrainee, Member, RunName, Split
from rate_distortion.training.evaluation import predict
from rate_distortion.training.settings import TrainingSettings

ROOT = Path(__file__).parents[2]
STUDY = {"name": "mine", "title": "Mine", "seeds": [1, 2], "epochs": 2, "learning_rate": 0.05}
DATA = {"description": "images", "images": {"train": 100, "validation": 0, "test": 60}, "train_on": "train"}


def sweep_with(share_wrong, seed=1, images=2000, noise="l2", classes=10):
    """A sweep whose share of random predictions grows with the noise as given."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    ratios = np.array([np.inf, 60, 40, 20, 10, 5, 2.0])
    predictions = []
    for share in share_wrong(ratios):
        wrong = rng.random(images) < share
        predictions.append(np.where(wrong, rng.integers(0, classes, images), labels))
    predictions = np.array(predictions, dtype=np.int16)
    rows = []
    for ratio, row in zip(ratios, predictions, strict=True):
        bits = fault_tolerance.information.mutual_information(labels, row).value_bits
        accuracy = 100 * (row == labels).mean()
        rows.append({"snr_db": ratio, "information_bits": bits, "floor_bits": 0.03, "accuracy_percent": accuracy})
    return RecordedSweep("B", 128, seed, noise, "none", pandas.DataFrame(rows), predictions, labels)


def fragile(ratios):
    return np.clip((40 - ratios) / 30, 0, 1)


def robust(ratios):
    return np.clip((10 - ratios) / 30, 0, 1)


def test_area_of_perfect_transmission_is_entropy_times_interval():
    sweep = sweep_with(lambda ratios: 0 * ratios)
    row = fault_tolerance.summary([sweep]).iloc[0]
    entropy = sweep.records["information_bits"].iloc[0]
    assert row["area_bits_db"] == pytest.approx(entropy * (AREA_HIGH_DB - AREA_LOW_DB), rel=1e-6)
    assert row["mean_information_bits"] == pytest.approx(entropy)
    assert np.isnan(row["half_information_snr_db"])


def test_the_fragile_model_has_the_smaller_area_and_loses_half_its_information_earlier():
    weak, strong = (fault_tolerance.summary([sweep_with(share)]).iloc[0] for share in (fragile, robust))
    assert weak["area_high_bits_db"] < strong["area_low_bits_db"]
    assert weak["half_information_snr_db"] > 20


def test_interval_contains_the_estimate_and_narrows_with_the_images():
    few, many = ([sweep_with(fragile, images=count)] for count in (200, 5000))
    widths = []
    for sweeps in (few, many):
        estimate, low, high = fault_tolerance.area_interval(sweeps)
        assert low < estimate < high
        widths.append(high - low)
    estimate = fault_tolerance.summary(many).iloc[0]
    assert estimate["area_low_bits_db"] < estimate["area_bits_db"] < estimate["area_high_bits_db"]
    assert widths[1] < widths[0] / 3


def test_interval_covers_the_spread_between_seeds():
    alike = [sweep_with(fragile, seed=seed) for seed in (1, 2, 3)]
    different = [sweep_with(share, seed=seed) for seed, share in ((1, fragile), (2, robust), (3, fragile))]
    widths = [high - low for _, low, high in map(fault_tolerance.area_interval, (alike, different))]
    assert widths[1] > 3 * widths[0]


def guesses(images, classes, share, seed, among=None, label_seed=0):
    """A sweep in which a share of the predictions is guessed at every ratio, among all classes or the first few."""
    rng = np.random.default_rng(seed)
    labels = np.random.default_rng(label_seed).integers(0, classes, images)
    ratios = (np.inf, 60, 30, 10, 2.0)
    predictions = [
        np.where(rng.random(images) < share, rng.integers(0, among or classes, images), labels) for _ in ratios
    ]
    return RecordedSweep(
        "B", 128, seed, "l2", "none", pandas.DataFrame({"snr_db": ratios}), np.array(predictions, np.int16), labels
    )


@pytest.mark.parametrize(("images", "classes"), [(256, 10), (80, 40)])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_estimate_and_interval_are_of_one_estimator_and_possible(images, classes, share):
    for seeds in ([1], [1, 2], [1, 2, 3]):
        sweeps = [guesses(images, classes, share, seed) for seed in seeds]
        estimate, low, high = fault_tolerance.area_interval(sweeps)
        most = fault_tolerance.information.entropy(sweeps[0].labels).value_bits * (AREA_HIGH_DB - AREA_LOW_DB)
        assert 0 <= low <= estimate <= high <= most


def true_bits(classes, share, among):
    """Information of predictions of which a share is guessed among some classes."""
    joint = np.eye(classes) * (1 - share) / classes
    joint[:, :among] += share / classes / among
    there, independent = joint > 0, np.outer(joint.sum(axis=1), joint.sum(axis=0))
    return (joint[there] * np.log2(joint[there] / independent[there])).sum()


@pytest.mark.parametrize("among", [2, 10])
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_few_images_are_enough_for_the_information_whatever_the_number_of_predicted_classes(share, among):
    sweeps = [guesses(256, 10, share, seed, among, label_seed=seed) for seed in range(40)]
    found = np.mean([sweep.corrected_bits for sweep in sweeps])
    plug_in = np.mean(
        [
            fault_tolerance.information.mutual_information(sweep.labels, row).value_bits
            for sweep in sweeps
            for row in sweep.predictions
        ]
    )
    true = true_bits(10, share, among)
    assert found == pytest.approx(true, abs=0.08)
    assert abs(found - true) < 0.7 * (plug_in - true)


@pytest.mark.parametrize(("share", "among"), [(0.1, 2), (0.1, 10), (0.5, 10)])
def test_the_interval_of_an_area_holds_the_true_one_at_256_images(share, among):
    """Of 60 intervals 51 (85 %) at least; an interval around the plug-in area would hold it in half of them or fewer."""
    true = true_bits(10, share, among) * (AREA_HIGH_DB - AREA_LOW_DB)
    held = 0
    for draw in range(60):
        _, low, high = fault_tolerance.area_interval(
            [guesses(256, 10, share, seed, among, label_seed=1000 + draw) for seed in range(3 * draw, 3 * draw + 3)]
        )
        held += low <= true <= high
    assert held >= 51


def test_the_area_is_the_mean_of_what_images_add():
    sweep = guesses(500, 10, 0.3, 1)
    area = fault_tolerance.area(sweep.records["snr_db"], sweep.corrected_bits)
    assert sweep.areas_of_images.mean() == pytest.approx(area)


def test_a_path_that_ends_early_has_no_area_rather_than_an_extrapolated_one():
    sweep = sweep_with(fragile)
    short = RecordedSweep(
        *(getattr(sweep, name) for name in ("model", "batch_size", "seed", "noise", "evaluation_mode")),
        sweep.records.iloc[:4],
        sweep.predictions[:4],
        sweep.labels,
    )
    row = fault_tolerance.summary([short]).iloc[0]
    assert np.isnan(row[["area_bits_db", "area_low_bits_db"]].astype(float)).all()
    assert fault_tolerance.curves([short])["snr_db"].min() >= 20


def test_nines_read_as_sixes():
    sweep = sweep_with(lambda ratios: 0 * ratios)
    sweep.predictions[-1][sweep.labels == 9] = 6
    assert fault_tolerance.summary([sweep]).iloc[0]["nine_to_six_percent"] == 100


def test_reverse_transmission_counts_only_labels_that_arrived():
    rows = pandas.DataFrame(
        [
            {
                "model": model,
                "batch_size": 128,
                "seed": seed,
                "label": label,
                "steps": 100 + 10 * seed if reached else 500,
                "reached": reached,
            }
            for model, limit in (("B", 10), ("A", 0))
            for seed in (1, 2)
            for label in range(10)
            for reached in [label < limit]
        ]
    )
    table = tables.reverse_transmission(rows, STUDY, DATA)
    b, a = (table.tidy.set_index("model").loc[model] for model in "BA")
    assert (b["mean_steps"], b["standard_error"], b["reached_percent"]) == pytest.approx((115, 5, 100))
    assert np.isnan(a["mean_steps"])
    assert list(table.shown.frame()["steps to full confidence"]) == ["115 ± 5", "never reached"]


def test_a_model_at_two_batch_sizes_has_two_rows_and_another_keeps_its_name():
    sweeps = [sweep_with(lambda ratios: 0 * ratios), sweep_with(lambda ratios: 0 * ratios + 0.5)]
    sweeps = [sweeps[0], replace(sweeps[1], batch_size=32), replace(sweeps[0], model="C")]
    table = tables.fault_tolerance(fault_tolerance.summary(sweeps), STUDY, DATA)
    assert list(table.shown.frame()["model"]) == ["B@128", "B@32", "C"]
    assert list(table.tidy["model"]) == ["B", "B", "C"]
    assert "1 dB is −18.3 in the usual form" in table.markdown()
    half = table.tidy.dropna(subset="half_information_snr_db")
    usual = plain_of_one_plus_db(half["half_information_snr_db"])
    assert half["half_information_plain_snr_db"].to_numpy() == pytest.approx(usual)
    assert "batch size n" in table.notes[-1]
    rows = pandas.DataFrame({"seed": 1, "label": 0, "steps": [100, 300, 50], "reached": True})
    rows = rows.assign(model=["B", "B", "C"], batch_size=[128, 32, 128])
    table = tables.reverse_transmission(rows, STUDY, DATA)
    assert dict(zip(table.tidy["model"], table.tidy["mean_steps"], strict=True)) == {"B@128": 100, "B@32": 300, "C": 50}
    assert "batch size n" in table.notes[-1]


def test_the_job_of_reverse_transmission_keeps_batch_sizes_apart(tmp_path):
    paths = []
    for batch_size, steps in ((128, 100), (32, 300)):
        folder = tmp_path / f"batch{batch_size}"
        files.write_json(folder / "metrics.json", {"model": "B", "batch_size": batch_size, "seed": 1})
        files.write_rows(folder / "reverse_transmission.csv", [{"label": 0, "steps": steps, "reached": True}])
        paths.append(str(folder / "reverse_transmission.csv"))
    files.write_json(tmp_path / "dataset.json", DATA)
    outputs = {kind: tmp_path / f"table.{kind}" for kind in ("csv", "md", "tex")}
    making.reverse_transmission(paths, str(tmp_path / "dataset.json"), STUDY).write(**outputs)
    with outputs["csv"].open() as stream:
        rows = {row["model"]: row["mean_steps"] for row in csv.DictReader(stream)}
    assert rows == {"B@128": "100.0", "B@32": "300.0"}


MACHINE = {"device": "cpu", "threads": 1}
PERTURBATIONS = {
    "cells": {},
    "images": 24,
    "step_size": 0.01,
    "step_growth": 1.6,
    "max_steps": 22,
    "lowest_snr_db": 1.0,
    "points": 8,
    "smallest_sigma": 0.001,
    "largest_sigma": 10.0,
    "permutations": 5,
    "batch_size": 100,
}
REVERSE = {"direction": "l2", "step_size": 0.05, "sigma": 0.1, "confidence": 0.5, "max_steps": 20}


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory):
    """Prepared data and two trained seeds of a network with batch normalization."""
    root, rng = tmp_path_factory.mktemp("study"), np.random.default_rng(0)
    labels = rng.integers(0, 4, 80)
    images = 0.3 * rng.normal(size=(80, 1, 32, 32)).astype(np.float32)
    images[:, 0, :8, :8] += labels[:, None, None]
    for split, rows in (("train", slice(0, 56)), ("test", slice(56, 80))):
        with files.completed(root / f"data/{split}/images.npy") as path:
            np.save(path, images[rows])
        with files.completed(root / f"data/{split}/labels.npy") as path:
            np.save(path, labels[rows])
    record = {"classes": 4, "image_shape": [1, 32, 32], "sha256": {}, "sources_md5": {}}
    files.write_json(root / "data/dataset.json", record)
    settings = TrainingSettings(epochs=2, learning_rate=0.05, batch_size=16, history_points=2)
    model = ModelSettings(normalization="batch")
    train, test = (
        Split(torch.from_numpy(images[rows]), torch.from_numpy(labels[rows])) for rows in (slice(0, 56), slice(56, 80))
    )
    for seed in (1, 2):
        member = Member(RunName("mine", "C", 16, "original", seed), settings, model)
        runs.write(root / f"seed{seed}", *loop.fit(ConvolutionalTrainee([member], train, {"test": test}, record)))
    return root


def test_a_run_is_opened_as_it_was_trained(study_folder):
    model = probing.open_model(study_folder / "seed1", study_folder / "data", MACHINE)
    images, labels = probing.test_images(study_folder / "data", 24, model)
    accuracy = 100 * (predict(model, images).argmax(1) == labels).double().mean().item()
    metrics = json.loads((study_folder / "seed1/metrics.json").read_text())
    assert accuracy == pytest.approx(metrics["test_accuracy"])


def test_a_probe_sweeps_every_noise_under_every_kind_of_statistics(study_folder):
    settings = {"perturbations": PERTURBATIONS, "reverse_transmission": REVERSE, "train_on": "train"}
    for seed in (1, 2):
        probing.probe_run(study_folder / f"seed{seed}", study_folder / "data", settings, MACHINE)
    for noise in ("l2", "linf", "gaussian"):
        with (study_folder / f"seed1/perturbations/{noise}.csv").open() as stream:
            rows = list(csv.DictReader(stream))
        assert {row["evaluation_mode"] for row in rows} == {"batch", "last", "population", "ema"}
        promised = {"step", "snr_db", "accuracy_percent", "information_bits", "floor_bits", "evaluation_mode"}
        assert promised <= set(rows[0])
    sweeps = list(fault_tolerance.read_run(study_folder / "seed1"))
    assert len(sweeps) == 3 * 4
    for sweep in sweeps:
        assert sweep.predictions.shape == (len(sweep.records), 24)
        accuracy = 100 * (sweep.predictions == sweep.labels).mean(axis=1)
        np.testing.assert_allclose(accuracy, sweep.records["accuracy_percent"])
    summary = fault_tolerance.summary(sweeps)
    assert len(tables.fault_tolerance(summary, STUDY, DATA).shown.rows) == 12
    with (study_folder / "seed1/reverse_transmission.csv").open() as stream:
        assert [row["label"] for row in csv.DictReader(stream)] == list("0123")


def test_figure5_says_how_many_images_were_swept_and_not_how_many_were_asked_for(study_folder, tmp_path):
    files.write_json(tmp_path / "dataset.json", DATA)
    panel = {"panel": "b", "title": "(b)", "model": "C", "evaluation_mode": "batch", "images": 10000}
    sweeps = [study_folder / "seed1/perturbations/sweeps.npz"]
    figure5.make(sweeps=sweeps, dataset=tmp_path / "dataset.json", panels=[panel], study=STUDY).save(
        tmp_path / "figure5.svg", tmp_path / "figure5.png"
    )
    said = (tmp_path / "figure5.svg").read_text()
    assert "24 test images" in said
    assert "10,000" not in said


def test_an_audit_compares_every_attack_with_the_plain_one(study_folder):
    audit = {"cells": {}, "images": 16, "at_db": [30, 10], "starts": 1}
    pair = [study_folder / "seed1", study_folder / "seed2"]
    rows = probing.audit([pair], study_folder / "data", PERTURBATIONS, audit, MACHINE)
    attacks = {row["attack"] for row in rows}
    assert attacks == {"plain", "authors", "margin_loss", "gaussian", "random_start", "transfer"}
    assert {(row["compared_with"], row["snr_db"]) for row in rows} == {
        (n, d) for n in ("l2", "linf") for d in (30.0, 10.0)
    }
    assert {row["evaluation_mode"] for row in rows} == {"population"}


def test_a_model_from_elsewhere_is_swept_in_a_few_lines():
    """The library without the pipeline: any module from images to logits."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3)).eval()
    images, labels = torch.randn(20, 1, 8, 8), torch.randint(0, 3, (20,))
    settings = probing.sweep_settings(PERTURBATIONS, "l2")
    curve = perturbations.sweep(network, images, labels, settings)
    assert curve.column("accuracy_percent")[-1] == 0
