"""Time the convolutional network's training on a CPU: the project's loop, a plain PyTorch loop, packs, the machine's limit.

    python benchmarks/cnn_training.py

The plain loop is a DataLoader over a TensorDataset, automatic differentiation and torch.optim.SGD on the same network as it is
built (NCHW), at batch size 128. The limit is a float32 product of square matrices, as many multiplications as the training of
the same images (20.5 MFLOP an image). Packs take the same steps for several networks; times are per network.
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
from rate_distortion.training.steps import Stepper

IMAGES, BATCH_SIZE, LEARNING_RATE, NETWORKS = 1024, 128, 0.01, 4
FLOP_PER_IMAGE = 20.5e6


def plain_epoch(images: torch.Tensor, labels: torch.Tensor) -> Callable[[], object]:
    """What a reader of the tutorials would write."""
    model = fresh_model(1, ModelSettings(), images, 10).to(memory_format=torch.contiguous_format)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    loader = DataLoader(TensorDataset(images, labels), batch_size=BATCH_SIZE, shuffle=True)

    def epoch() -> None:
        for batch, targets in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(batch), targets).backward()
            optimizer.step()

    return epoch


def own_epoch(images: torch.Tensor, labels: torch.Tensor) -> Callable[[], object]:
    """The project's loop."""
    model = fresh_model(1, ModelSettings(), images, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    return lambda: train_epoch(model, optimizer, images, labels, torch.randperm(len(images)), BATCH_SIZE)


def packed_epoch(images: torch.Tensor, labels: torch.Tensor, back_end: str) -> Callable[[], object]:
    """The same for several networks as one."""
    modules = [fresh_model(seed, ModelSettings(), images, 10) for seed in range(NETWORKS)]
    own_labels = labels.expand(NETWORKS, -1).contiguous()
    pack = ConvolutionalPack(modules, back_end)
    stepper = Stepper(pack, [ModelSettings()] * NETWORKS, [LEARNING_RATE] * NETWORKS, images, own_labels)

    def epoch() -> None:
        order = torch.stack([torch.randperm(len(images)) for _ in range(NETWORKS)])
        for rows in order.split(BATCH_SIZE, 1):
            stepper.step(rows)

    return epoch


def results(rounds: int = 5) -> list[Result]:
    """Seconds per epoch and network; how much faster the limit is, is the inverse of the share of it that is reached."""
    logging.disable(logging.INFO)
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.randn(IMAGES, 1, 32, 32, generator=generator), torch.arange(IMAGES) % 10
    runs = {
        "DataLoader loop": plain_epoch(images, labels),
        "training.train": own_epoch(images, labels),
        **{f"pack of {NETWORKS}, {name}": packed_epoch(images, labels, name) for name in BACK_ENDS},
        "matrix products of the same FLOP": matrix_products(IMAGES * FLOP_PER_IMAGE),
    }
    seconds = {
        run: values / (NETWORKS if run.startswith("pack") else 1) for run, values in measure(runs, rounds).items()
    }
    work = f"convolutional network, an epoch of {IMAGES:,} images at batch size {BATCH_SIZE}, per network"
    return [Result(work, seconds, "DataLoader loop")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(markdown(results(arguments.rounds)))
