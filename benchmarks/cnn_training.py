"""Time the convolutional network's training on a CPU: the project's loop, a plain PyTorch loop, packs, the machine's limit.

    python benchmarks/cnn_training.py

The plain loop is a DataLoader over a TensorDataset, the same network of torch's own layers, automatic differentiation and
torch.optim.SGD. The limit is the faster of torch's and numpy's float32 product of square matrices, as many multiplications
as the training of the same images (20.5 MFLOP an image). Packs take the same steps for several networks; times are per network.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable

import torch
from alternating import Result, markdown, matrix_products, measure
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from rate_distortion.models.back_ends import BACK_ENDS
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.models.packs import ConvolutionalPack
from rate_distortion.training.convolutional import fresh_model, train_epoch
from rate_distortion.training.descent import GradientDescent
from rate_distortion.training.settings import keep_freed_memory, set_up_process
from rate_distortion.training.steps import Stepper

IMAGES, BATCH_SIZES, LEARNING_RATE, NETWORKS = 1024, (128, 64, 32), 0.01, 4
FLOP_PER_IMAGE = 20.5e6


def plain_network(normalization: str = "none") -> nn.Sequential:
    """The network of Table 3 as a reader of the tutorials would write it."""
    normalized = nn.BatchNorm2d if normalization == "batch" else lambda channels: nn.Identity()
    return nn.Sequential(
        nn.Conv2d(1, 32, 8, 2, 3), nn.ReLU(), normalized(32), nn.Conv2d(32, 64, 6, 2), nn.ReLU(), normalized(64),
        nn.Conv2d(64, 64, 5), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip


def plain_epoch(
    images: torch.Tensor, labels: torch.Tensor, batch_size: int, normalization: str, memory: bool = False
) -> Callable[[], object]:
    """What a reader of the tutorials would write; with ``memory`` in a process that keeps what it frees."""
    model = plain_network(normalization)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    loader = DataLoader(TensorDataset(images, labels), batch_size=batch_size, shuffle=True)

    def epoch() -> None:
        if memory:
            keep_freed_memory()
        for batch, targets in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(batch), targets).backward()
            optimizer.step()

    return epoch


def own_epoch(
    images: torch.Tensor, labels: torch.Tensor, batch_size: int, normalization: str, precision: str = "float32"
) -> Callable[[], object]:
    """The project's loop, with what a job does first."""
    model = fresh_model(1, ModelSettings(normalization=normalization), images, 10)
    descent = GradientDescent([{"params": model.parameters(), "weight_decay": 0.0}], LEARNING_RATE)

    def epoch() -> None:
        set_up_process(1)
        train_epoch(model, descent, images, labels, torch.randperm(len(images)), batch_size, precision)

    return epoch


def packed_epoch(images: torch.Tensor, labels: torch.Tensor, batch_size: int, back_end: str) -> Callable[[], object]:
    """The same for several networks as one."""
    modules = [fresh_model(seed, ModelSettings(), images, 10) for seed in range(NETWORKS)]
    own_labels = labels.expand(NETWORKS, -1).contiguous()
    pack = ConvolutionalPack(modules, back_end)
    stepper = Stepper(pack, [ModelSettings()] * NETWORKS, [LEARNING_RATE] * NETWORKS, images, own_labels)

    def epoch() -> None:
        set_up_process(1)
        order = torch.stack([torch.randperm(len(images)) for _ in range(NETWORKS)])
        for rows in order.split(batch_size, 1):
            stepper.step(rows)

    return epoch


def results(rounds: int = 5) -> list[Result]:
    """Seconds per epoch and network, without and with batch normalization; packs at the first batch size alone."""
    logging.disable(logging.INFO)
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.randn(IMAGES, 1, 32, 32, generator=generator), torch.arange(IMAGES) % 10
    limits, found = matrix_products(IMAGES * FLOP_PER_IMAGE), []
    for batch_size in BATCH_SIZES:
        for normalization in ("none", "batch"):
            work = (images, labels, batch_size)
            runs = {
                "DataLoader loop": plain_epoch(*work, normalization),
                "DataLoader loop, freed memory kept": plain_epoch(*work, normalization, memory=True),
                "training.train": own_epoch(*work, normalization),
                "training.train, bfloat16": own_epoch(*work, normalization, "bfloat16"),
            }
            if batch_size == BATCH_SIZES[0] and normalization == "none":
                runs |= {f"pack of {NETWORKS}, {name}": packed_epoch(*work, name) for name in BACK_ENDS}
            seconds = {
                run: values / (NETWORKS if run.startswith("pack") else 1)
                for run, values in measure(runs | limits, rounds).items()
            }
            name = "convolutional network" + (" with batch normalization" if normalization == "batch" else "")
            title = f"{name}, an epoch of {IMAGES:,} images at batch size {batch_size}, per network"
            found.append(Result(title, seconds, "DataLoader loop", [*limits]))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(markdown(results(arguments.rounds)))
