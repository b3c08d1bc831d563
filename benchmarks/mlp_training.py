"""Time the packed training of section 4.1's multilayer perceptron against a plain PyTorch loop on the same images.

    python benchmarks/mlp_training.py --data-folder data

The plain loop is a DataLoader over a TensorDataset, an nn.Sequential, automatic differentiation and torch.optim.SGD, one seed
at a time; a second one takes its minibatches by index instead of through a DataLoader. Both take the same steps as ours, in
float32, and record nothing. Runs alternate, so that a change of the machine's load hits all of them; the table shows medians of
wall time per seed and the range of the speed-up over rounds. Without MNIST in the data folder, random images stand in, as many
and with as many pixels that are ever used.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from rate_distortion import datasets
from rate_distortion.information_plane import PlaneSettings
from rate_distortion.multilayer_perceptron import NetworkSettings, RecordSettings, build, select_digits, train
from rate_distortion.training import TrainingSettings, select_device

IMAGES, PIXELS, USED_PIXELS = 12_396, 784, 640
BATCH_SIZE, LEARNING_RATE = 100, 1e-3
NO_PLANE = PlaneSettings(points=0, other_points=0)


def threes_and_sevens(dataset: str, data_folder: Path) -> tuple[np.ndarray, np.ndarray, str]:
    """The training images of both classes; random ones of MNIST's size where that is not at hand."""
    if dataset == "digits" or not datasets.missing_files(dataset, data_folder):
        data = datasets.load(dataset, "train", data_folder=data_folder)
        return *select_digits(data.images, data.labels), f"{dataset} 3 versus 7"
    rng = np.random.default_rng(0)
    images = np.zeros((IMAGES, PIXELS), np.float32)
    images[:, :USED_PIXELS] = rng.random((IMAGES, USED_PIXELS), np.float32)
    return images, rng.integers(0, 2, IMAGES), "random images"


class PlainLoop:
    """What a reader of the tutorials would write."""

    def __init__(self, network: NetworkSettings, images: np.ndarray, labels: np.ndarray, device: torch.device):
        self.images, self.labels = torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device)
        self.loader = DataLoader(TensorDataset(self.images, self.labels), batch_size=BATCH_SIZE, shuffle=True)
        self.module = build(network, images.shape[1], 2, seed=0).to(device)
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=LEARNING_RATE)

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.module(images), labels).backward()
        self.optimizer.step()

    def loaded_epoch(self) -> float:
        """Seconds of an epoch through the DataLoader."""
        start = time.perf_counter()
        for images, labels in self.loader:
            self.step(images, labels)
        return self._seconds_since(start)

    def indexed_epoch(self) -> float:
        """Seconds of an epoch whose minibatches are taken by index."""
        start = time.perf_counter()
        for rows in torch.randperm(len(self.images), device=self.images.device).split(BATCH_SIZE):
            self.step(self.images[rows], self.labels[rows])
        return self._seconds_since(start)

    def _seconds_since(self, start: float) -> float:
        if self.images.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter() - start


def measure(runs: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each run returns in each round, in alternating order, after one round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name in list(runs)[:: 1 if number % 2 else -1]:
            value = runs[name]()
            if number:
                seconds[name].append(value)
    return seconds


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", choices=("mnist", "digits"), default="mnist")
    parser.add_argument("--data-folder", type=Path, default=Path("data"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 5], help="sizes of the packs")
    parser.add_argument("--epochs", type=int, default=2, help="epochs of a run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--activation", default="relu")
    parser.add_argument("--normalization", default="none")
    parser.add_argument("--records", action="store_true", help="time what a record costs, too")
    arguments = parser.parse_args()
    logging.disable(logging.INFO)

    images, labels, source = threes_and_sevens(arguments.dataset, arguments.data_folder)
    network = NetworkSettings(activation=arguments.activation, normalization=arguments.normalization)
    settings = TrainingSettings(
        arguments.epochs,
        LEARNING_RATE,
        BATCH_SIZE,
        history_points=0,
        threads=arguments.threads,
        device=arguments.device,
    )
    plain = PlainLoop(network, images, labels, select_device(arguments.device))

    def packed(count: int, records: RecordSettings):
        return train(settings, network, records, images, labels, range(1, count + 1))[0]

    def steps(count: int, gradient_points: int = 0) -> Callable[[], float]:
        records = RecordSettings(gradient_points=gradient_points, plane=NO_PLANE)
        return lambda: packed(count, records).training_seconds / arguments.epochs

    def plane_record(count: int, plane: PlaneSettings) -> float:
        found = packed(count, RecordSettings(gradient_points=0, plane=plane))
        recorded = len({row["epoch"] for row in found.information_plane})
        return (found.seconds - found.training_seconds) / recorded

    runs = {
        "DataLoader, one seed": plain.loaded_epoch,
        "minibatches by index, one seed": plain.indexed_epoch,
        **{f"ours, {count} seed(s)": steps(count) for count in arguments.seeds},
    }
    if arguments.records:
        most, epochs = max(arguments.seeds), arguments.epochs
        main_only, all_estimators = (
            PlaneSettings(points=epochs, other_points=0),
            PlaneSettings(points=0, other_points=1),
        )
        runs |= {
            f"ours, {most} seed(s), an epoch whose gradients are recorded": steps(most, epochs),
            f"one point of the information plane ({most} seeds)": lambda: plane_record(most, main_only),
            f"one point under every estimator ({most} seeds)": lambda: plane_record(most, all_estimators),
        }
    torch.set_num_threads(arguments.threads)
    seconds = measure(runs, arguments.rounds)

    print(
        f"{source}, {len(images):,} images, batch size {BATCH_SIZE}, {network.activation}, normalization "
        f"{network.normalization}, {arguments.device}, {arguments.threads} thread(s), median of {arguments.rounds} alternating "
        f"rounds, torch {torch.__version__}\n"
    )
    print("| run | seconds per epoch and seed | times faster than DataLoader (range) |")
    print("| --- | ---: | ---: |")
    reference = seconds["DataLoader, one seed"]
    for name, values in seconds.items():
        ratios = [theirs / ours for ours, theirs in zip(values, reference, strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"| {name} | {statistics.median(values):.4f} | {spread if 'point' not in name else ''} |")


if __name__ == "__main__":
    main()
