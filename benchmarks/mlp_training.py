"""Time the packed training of section 4.1's multilayer perceptron against a plain PyTorch loop on the same images.

    python benchmarks/mlp_training.py --data-folder data

The plain loop is a DataLoader over a TensorDataset, an nn.Sequential, automatic differentiation and torch.optim.SGD, one seed
at a time; a second one takes its minibatches by index instead of through a DataLoader. Both take the same steps as ours, in
float32, and record nothing; one more run shows what the records of Figure 2 cost when they are taken at every epoch. The limit
is the faster of torch's and numpy's float32 product of square matrices, as many multiplications as the layers' products have.
The start of a training is in the times of packs. Without MNIST in the data folder, random images stand in, as many and with as
many pixels ever used.
"""

from __future__ import annotations

import argparse
import itertools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from alternating import Result, markdown, matrix_products, measure
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from rate_distortion import datasets
from rate_distortion.analysis.information_plane import PlaneSettings
from rate_distortion.datasets import select_digits
from rate_distortion.models.perceptrons import PerceptronSettings, build
from rate_distortion.training.loop import fit
from rate_distortion.training.perceptrons import PerceptronTrainee, RecordSettings
from rate_distortion.training.settings import TrainingSettings

IMAGES, PIXELS, USED_PIXELS = 12_396, 784, 640
BATCH_SIZE, LEARNING_RATE, EPOCHS = 100, 1e-3, 3
NO_PLANE = PlaneSettings(points=0, other_points=0)
NO_RECORDS = RecordSettings(gradient_points=0, plane=NO_PLANE)


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

    def __init__(self, network: PerceptronSettings, images: np.ndarray, labels: np.ndarray):
        self.images, self.labels = torch.from_numpy(images), torch.from_numpy(labels)
        self.loader = DataLoader(TensorDataset(self.images, self.labels), batch_size=BATCH_SIZE, shuffle=True)
        self.module = build(network, images.shape[1], 2, seed=0)
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=LEARNING_RATE)

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.module(images), labels).backward()
        self.optimizer.step()

    def loaded_epochs(self) -> None:
        """Minibatches from the DataLoader."""
        for _ in range(EPOCHS):
            for images, labels in self.loader:
                self.step(images, labels)

    def indexed_epochs(self) -> None:
        """Minibatches taken by index."""
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(self.images)).split(BATCH_SIZE):
                self.step(self.images[rows], self.labels[rows])


def flop_of_an_epoch(network: PerceptronSettings, images: np.ndarray) -> float:
    """Operations in the layers' products: forward and for the weights, and behind the first layer for its inputs too."""
    widths = (int(images.any(0).sum()), *network.hidden_widths, 2)
    weights = [inputs * outputs for inputs, outputs in itertools.pairwise(widths)]
    return 2.0 * len(images) * (3 * sum(weights) - weights[0])


def contenders(
    network: PerceptronSettings, images: np.ndarray, labels: np.ndarray, packs: Sequence[int]
) -> tuple[dict[str, Callable[[], object]], dict[str, int]]:
    """The runs to compare, the reference first, and how many networks each trains."""
    settings = TrainingSettings(EPOCHS, LEARNING_RATE, BATCH_SIZE, history_points=0, threads=torch.get_num_threads())
    plain = PlainLoop(network, images, labels)

    def packed(seeds: int, records: RecordSettings = NO_RECORDS) -> Callable[[], object]:
        own = range(1, seeds + 1)
        return lambda: fit(PerceptronTrainee(settings, network, records, images, labels, own))

    most = max(packs)
    runs = {
        "DataLoader loop": plain.loaded_epochs,
        "loop by index": plain.indexed_epochs,
        **{f"pack of {seeds}": packed(seeds) for seeds in packs},
        f"pack of {most}, gradients recorded": packed(most, RecordSettings(EPOCHS, plane=NO_PLANE)),
    }
    limits = matrix_products(EPOCHS * flop_of_an_epoch(network, images))
    networks = dict.fromkeys(["DataLoader loop", "loop by index", *limits], 1)
    networks |= {f"pack of {seeds}": seeds for seeds in packs}
    return runs | limits, {run: networks.get(run, most) for run in [*runs, *limits]}


def results(
    rounds: int = 5, dataset: str = "mnist", data_folder: Path = Path("data"), packs: Sequence[int] = (1, 5)
) -> list[Result]:
    """Seconds per epoch and network, without and with batch normalization."""
    logging.disable(logging.INFO)
    images, labels, source = threes_and_sevens(dataset, data_folder)
    found = []
    for normalization in ("none", "batch"):
        runs, networks = contenders(PerceptronSettings(normalization=normalization), images, labels, packs)
        seconds = {run: values / EPOCHS / networks[run] for run, values in measure(runs, rounds).items()}
        name = "perceptron" + (" with batch normalization" if normalization == "batch" else "")
        work = f"{name}, an epoch of {len(images):,} images ({source}), per seed"
        found.append(Result(work, seconds, "DataLoader loop", [run for run in runs if "same FLOP" in run]))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", choices=("mnist", "digits"), default="mnist")
    parser.add_argument("--data-folder", type=Path, default=Path("data"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 5], help="sizes of the packs")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(markdown(results(arguments.rounds, arguments.dataset, arguments.data_folder, arguments.seeds)))
