"""How time grows with networks, images, pixels, classes and the batch size; draws benchmarks/cost_growth.png.

    python benchmarks/cost_growth.py

Each line is one piece of work at growing size, by processor time on one thread, medians of alternating rounds. The slope in the
legend is of log time against log size: 1 is proportional, below 1 means that the larger size is cheaper per piece.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from alternating import measure

from rate_distortion import information
from rate_distortion.analysis.information_plane import PlaneSettings
from rate_distortion.datasets import whitening
from rate_distortion.models import convolutional, perceptrons
from rate_distortion.probes.noise_paths import SweepSettings
from rate_distortion.probes.perturbations import sweep
from rate_distortion.training import convolutional as convolutional_training
from rate_distortion.training import perceptrons as perceptron_training
from rate_distortion.training.descent import GradientDescent
from rate_distortion.training.loop import fit
from rate_distortion.training.settings import TrainingSettings, set_up_process

NETWORKS, IMAGES, CLASSES = (1, 2, 4, 8), (250, 500, 1000, 2000), (2, 10, 50, 250)
PIXELS, BATCH_SIZES = (64, 256, 1024, 4096), (8, 32, 128, 512)


def perceptron_packs(count: int, pixels: int = 784) -> Callable[[], object]:
    """Two epochs of a pack of ``count`` perceptrons on 1,000 images."""
    rng = np.random.default_rng(0)
    images, labels = rng.random((1000, pixels), np.float32), rng.integers(0, 2, 1000)
    settings = TrainingSettings(2, 1e-3, 100, history_points=0, threads=1)
    records = perceptron_training.RecordSettings(gradient_points=0, plane=PlaneSettings(points=0, other_points=0))
    network = perceptrons.PerceptronSettings()
    seeds = range(1, count + 1)
    return lambda: fit(perceptron_training.PerceptronTrainee(settings, network, records, images, labels, seeds))


def sweeps(count: int, steps: int = 10, batch_size: int | None = None) -> Callable[[], object]:
    """Recorded steps of an L2 sweep over ``count`` images, by default all of them at a time."""
    generator = torch.Generator().manual_seed(0)
    model = convolutional.build(convolutional.ModelSettings(), (1, 32, 32), 10, generator).eval()
    model = convolutional.placed(model, torch.device("cpu"))
    images = torch.randn(count, 1, 32, 32, generator=generator)
    labels = torch.arange(count) % 10
    settings = SweepSettings("l2", max_steps=steps, lowest_snr_db=1e-3, batch_size=batch_size or count)
    return lambda: sweep(model, images, labels, settings)


def whitenings(count: int) -> Callable[[], object]:
    """The whitening of ``count`` images by a fitted transform."""
    images = np.random.default_rng(0).integers(0, 256, (max(IMAGES), 32, 32, 1), np.uint8)
    fitted = whitening.fit(images, components=400)
    return lambda: fitted(images[:count])


def network_steps(classes: int) -> Callable[[], object]:
    """One forward and backward pass of 128 images through a network with ``classes`` outputs."""
    model = convolutional.build(convolutional.ModelSettings(), (1, 32, 32), classes, torch.Generator().manual_seed(0))
    images, labels = torch.randn(128, 1, 32, 32), torch.arange(128) % classes
    return lambda: torch.nn.functional.cross_entropy(model(images), labels).backward()


def informations(classes: int) -> Callable[[], object]:
    """Information between 10,000 labels and predictions of ``classes`` classes, with a floor of 100 shuffles."""
    counts = np.random.default_rng(0).multinomial(10_000, np.full(classes**2, 1 / classes**2)).reshape(classes, classes)
    return lambda: information.confusion_information(counts, permutations=100)


def perceptrons_on(pixels: int) -> Callable[[], object]:
    """Two epochs of a pack of two perceptrons on 1,000 images of so many pixels."""
    return perceptron_packs(2, pixels)


def epochs(batch_size: int) -> Callable[[], object]:
    """An epoch of the paper's network on 512 images."""
    images, labels = torch.randn(512, 1, 32, 32), torch.arange(512) % 10
    model = convolutional_training.fresh_model(1, convolutional.ModelSettings(), images, 10)
    descent = GradientDescent([{"params": model.parameters(), "weight_decay": 0.0}], 0.01)
    order = torch.arange(512)
    return lambda: convolutional_training.train_epoch(model, descent, images, labels, order, batch_size)


def batched_sweeps(batch_size: int) -> Callable[[], object]:
    """Two recorded steps of an L2 sweep over 512 images, so many at a time."""
    return sweeps(512, 2, batch_size)


PANELS = {
    "networks": (NETWORKS, {"perceptrons in a pack": perceptron_packs}),
    "images": (IMAGES, {"L2 sweep, 10 steps": sweeps, "whitening": whitenings}),
    "pixels": (PIXELS, {"two perceptrons, 2 epochs": perceptrons_on}),
    "images in a batch": (
        BATCH_SIZES,
        {"epoch of 512 images": epochs, "L2 sweep of 512 images, 2 steps": batched_sweeps},
    ),
    "classes": (CLASSES, {"training step, 128 images": network_steps, "information and floor": informations}),
}


def draw(panels: dict[str, tuple[tuple[int, ...], dict[str, np.ndarray]]], path: Path) -> None:
    """One panel for each kind of size, log-log."""
    figure, axes = plt.subplots(1, len(panels), figsize=(15, 3.6), layout="constrained")
    for axis, (size, (values, lines)) in zip(axes, panels.items(), strict=True):
        for marker, (name, seconds) in zip("os", lines.items(), strict=False):
            slope = np.polyfit(np.log(values), np.log(seconds), 1)[0]
            axis.loglog(values, seconds, marker=marker, label=f"{name} (slope {slope:.2f})")
        axis.set(xlabel=f"number of {size}", ylabel="processor time (s)", xticks=values, xticklabels=values)
        axis.minorticks_off()
        axis.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


def main(rounds: int, path: Path) -> None:
    """Measure, print a table and draw."""
    logging.disable(logging.INFO)
    set_up_process(1)
    panels = {}
    print("| size | work | " + "processor seconds at each size |\n| --- | --- | --- |")
    for size, (values, works) in PANELS.items():
        lines = {}
        for name, make in works.items():
            runs = measure({str(value): make(value) for value in values}, rounds)
            lines[name] = np.array([np.median(seconds[:, 1]) for seconds in runs.values()])
            cells = ", ".join(f"{value}: {second:.3g}" for value, second in zip(values, lines[name], strict=True))
            print(f"| {size} | {name} | {cells} |", flush=True)
        panels[size] = (values, lines)
    draw(panels, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("cost_growth.png"))
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.output)
