"""Records made to have known answers, the assessment of them, and the studies they are compared with."""

import functools
import json
from pathlib import Path

import numpy as np
import pandas
import yaml

from rate_distortion import studies
from rate_distortion.analysis.records import StudyRecords
from rate_distortion.claims import assessment, ledger

ROOT = Path(__file__).parents[3]

LEDGER = ledger.load()


PAPER_SIZES = {part: dict(own.sizes) for part, own in LEDGER.parts.items() if part != "follow_up"}
"""A study that is comparable in full."""


def write_json(path, record):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))
    return path


def table1_paths(folder, cells, seeds=5, spread=0.1):
    """metrics.json of runs whose test accuracy and gap have given means, and the same spread over seeds."""
    rng, paths = np.random.default_rng(0), []
    for (model, size), (test, gap) in cells.items():
        noise = rng.normal(0, spread, (2, seeds))
        noise -= noise.mean(axis=1, keepdims=True)
        for seed in range(1, seeds + 1):
            accuracy, distance = test + noise[0, seed - 1], gap + (noise[1, seed - 1] if model != "A" else 0)
            train = 100.0 if model == "A" else accuracy + distance
            record = {
                "model": model,
                "batch_size": size,
                "labels": "original",
                "seed": seed,
                "test_accuracy": accuracy,
                "train_accuracy": train,
                "generalization_gap": train - accuracy,
                "loss_gap": {"A": 1.0, "B": 0.1, "C": 0.5}[model] * (1 + noise[0, seed - 1] / 100),
                "epochs": 500,
                "first_fitted_epoch": 20,
            }
            paths.append(write_json(folder / f"{model}{size}/{seed}/metrics.json", record))
    return paths


def printed_cells():
    cells = {}
    for model in "ABC":
        for size in (128, 64, 32):
            cells[model, size] = tuple(LEDGER[f"T1-{model}{size}-{what}"].printed for what in ("test", "gap"))
    return cells


def assessed(paths, sizes=PAPER_SIZES, **kinds):
    found = assessment.assess(LEDGER, StudyRecords({"metrics": paths} | kinds), sizes)
    return {own.claim.id: own for own in found}


STREET = {"dataset": "svhn", "classes": 10, "image_shape": [1, 32, 32], "train_on": "train+validation"}

STREET["images"] = {"train": 66_000, "validation": 7_257, "test": 26_032}

PAIR = {"dataset": "mnist", "classes": 2, "train_on": "train", "images": {"train": 12_396}}


@functools.cache
def read_yaml(path):
    return yaml.safe_load((ROOT / path).read_text())


def loaded_studies(change=None):
    """The configured studies; or paper alone, and the same with a change: a patch to merge."""
    config, schema = read_yaml("config.yaml"), read_yaml("workflow/schemas/config.schema.yaml")
    if change is None:
        return studies.load(config, schema)
    both = {"paper": config["studies"]["paper"], "changed": {"extends": "paper", **change}}
    return studies.load({**config, "study": "paper", "studies": both}, schema)


def perceptron_csv(folder, name, activation, normalization, seed, rows):
    path = folder / f"mlp/{activation}/{normalization}/original/seed{seed}/{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    pandas.DataFrame(rows).assign(seed=seed).to_csv(path, index=False)
    return path


def gradient_rows(corner, final_levels):
    """Layers whose ratio falls from 1 to a level (log10) until a corner and is constant after it."""
    epochs = np.unique(np.geomspace(1, 10_000, 60).astype(int))
    share = np.minimum(np.log10(epochs) / np.log10(corner), 1)
    return [
        {
            "epoch": epoch,
            "layer": layer,
            "mean_norm": 10 ** (level * part),
            "deviation_norm": 1.0 + (len(final_levels) - layer),
        }
        | {"weight_norm": 1.0, "minibatches": 124}
        for layer, level in enumerate(final_levels, start=1)
        for epoch, part in zip(epochs, share, strict=True)
    ]


def transmission_run(folder, model, seed, steps, images=None):
    """A run's folder with the steps that two labels took (None: not in 5,000), and what was transmitted."""
    run = folder / f"{model}/seed{seed}"
    write_json(run / "metrics.json", {"model": model, "batch_size": 128, "seed": seed})
    reached = [own is not None for own in steps]
    rows = {"label": range(len(steps)), "steps": [5000 if own is None else own for own in steps], "reached": reached}
    pandas.DataFrame(rows).to_csv(run / "reverse_transmission.csv", index=False)
    images = np.eye(len(steps)) if images is None else images
    np.savez(run / "reverse_transmission.npz", images=images, starts=np.zeros_like(images))
    return run / "reverse_transmission.csv"


def packing_run(folder, variant, seed, means, rows):
    """geometry.csv and embedding.npz of clusters with given means (epochs, classes, 2) and 20 points each."""
    run = folder / f"{variant}/seed{seed}"
    run.mkdir(parents=True)
    labels = np.repeat(np.arange(means.shape[1]), 20)
    noise = 0.1 * np.random.default_rng(seed).normal(size=(len(means), len(labels), 2))
    embedding = means[:, labels] + noise
    np.savez(run / "embedding.npz", epochs=np.array(rows["epoch"]), embedding=embedding, labels=labels)
    pandas.DataFrame(rows).to_csv(run / "geometry.csv", index=False)
    return run / "geometry.csv"


def ring(radius, classes=10):
    angles = 2 * np.pi * np.arange(classes) / classes
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def line(length, classes=10):
    return np.stack([np.linspace(-length / 2, length / 2, classes), np.zeros(classes)], axis=1)


def run_record(model, size, labels, seed, **own):
    """metrics.json with everything that claims read, of a network that has nothing remarkable."""
    record = {
        "model": model,
        "batch_size": size,
        "labels": labels,
        "seed": seed,
        "epochs": 500,
        "first_fitted_epoch": 20,
    }
    record |= {"test_accuracy": 88.0, "train_accuracy": 93.0, "generalization_gap": 5.0, "loss_gap": 0.1}
    record |= {"train_majority_percent": 10.2, "train_images": 73_257, "train_prediction_information": 0.0}
    return record | {"train_predicted_classes": 1, "weight_decay": 0.01} | own


def written(folder, records):
    return [write_json(folder / f"{number}/metrics.json", record) for number, record in enumerate(records)]
