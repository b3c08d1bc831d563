"""Time an unbounded sweep with its records against foolbox on the same model, images and steps.

    python benchmarks/perturbation_sweep.py

foolbox attacks the same network of torch's own layers. It has no record of its own; it gets one here from a wrapper that sees
every forward pass and notes what our sweep notes: signal-to-noise ratio, confusion table and information, at every step. Both
have frozen weights, constant steps, no radius and no box. Runs alternate, so that a change of the machine's load hits all of
them, each in a process of its own.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from alternating import Result, markdown, measure
from cnn_training import plain_network
from torch import Tensor, nn

from rate_distortion import information
from rate_distortion.analysis import signal_to_noise
from rate_distortion.models import convolutional
from rate_distortion.probes.input_gradients import left_as_found, norms
from rate_distortion.probes.noise_paths import SweepSettings, gradient_path
from rate_distortion.probes.perturbations import sweep
from rate_distortion.training.settings import set_up_process

try:
    import foolbox
except ImportError:
    sys.exit('foolbox is not installed; `make .venv` or `pip install -e ".[bench]"` brings it')

ATTACKS = {"l2": foolbox.attacks.L2BasicIterativeAttack, "linf": foolbox.attacks.LinfBasicIterativeAttack}


class Recording(nn.Module):
    """A model that measures every batch it is shown, as a user of foolbox would have to."""

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor):
        super().__init__()
        self.model, self.clean, self.labels, self.rows = model, images, labels, []
        self.signal = norms(images).numpy()

    def forward(self, images: Tensor) -> Tensor:
        logits = self.model(images)
        with torch.no_grad():
            ratio = signal_to_noise.mean_db(
                signal_to_noise.one_plus_db(self.signal, norms(images - self.clean).numpy())
            )
            counts = torch.bincount(self.labels * 10 + logits.argmax(1), minlength=100).reshape(10, 10).numpy()
            self.rows.append((ratio, counts, information.confusion_information(counts, permutations=100)))
        return logits


def run_foolbox(model: nn.Module, images: Tensor, labels: Tensor, settings: SweepSettings, record: bool) -> None:
    """One foolbox attack with as many steps as ours; its closing check of success is the forward pass of the last point."""
    attack = ATTACKS[settings.noise](abs_stepsize=settings.step_size, steps=settings.max_steps, random_start=False)
    attacked = Recording(model, images, labels) if record else model
    with left_as_found(model):
        wrapped = foolbox.PyTorchModel(attacked.eval(), bounds=(-1e9, 1e9), device=images.device)
        attack(wrapped, images, foolbox.criteria.Misclassification(labels), epsilons=np.inf)


def run_sweep(model: nn.Module, images: Tensor, labels: Tensor, settings: SweepSettings) -> None:
    """Our sweep, with what a job does first."""
    set_up_process(1)
    sweep(model, images, labels, settings)


def run_path(model: nn.Module, images: Tensor, labels: Tensor, settings: SweepSettings) -> None:
    """Our steps without any record."""
    set_up_process(1)
    for _ in itertools.islice(gradient_path(model, images, labels, settings), settings.max_steps + 1):
        pass


def contenders(
    model: nn.Module, images: Tensor, labels: Tensor, noise: str, steps: int
) -> dict[str, Callable[[], None]]:
    """The runs to compare, the reference first."""
    settings = SweepSettings(noise, max_steps=steps, lowest_snr_db=1e-3, batch_size=len(images))
    every_step = replace(settings, points=10**6)
    plain = plain_network()
    for own, copy in zip(model.parameters(), plain.parameters(), strict=True):
        copy.data.copy_(own)
    return {
        "foolbox, record at every step": lambda: run_foolbox(plain, images, labels, settings, record=True),
        "foolbox, no record": lambda: run_foolbox(plain, images, labels, settings, record=False),
        "foolbox on this project's network, record at every step": lambda: run_foolbox(
            model, images, labels, settings, record=True
        ),
        "sweep, record at every step": lambda: run_sweep(model, images, labels, every_step),
        "sweep, log-spaced records": lambda: run_sweep(model, images, labels, settings),
        "path alone, no record": lambda: run_path(model, images, labels, settings),
    }


def results(rounds: int = 5, sizes: Sequence[tuple[int, int]] = ((64, 30), (500, 4))) -> list[Result]:
    """A sweep along each gradient path at sizes (images in a batch, steps), on the paper's network with random weights."""
    generator, found = torch.Generator().manual_seed(0), []
    model = convolutional.build(convolutional.ModelSettings(), (1, 32, 32), 10, generator).eval()
    model = convolutional.placed(model, torch.device("cpu"))
    for images, steps in sizes:
        shown = torch.randn(images, 1, 32, 32, generator=generator)
        labels = model(shown).argmax(1)
        for noise in ATTACKS:
            runs = contenders(model, shown, labels, noise, steps)
            found.append(
                Result(f"{noise} sweep, {images} images, {steps} steps", measure(runs, rounds), next(iter(runs)))
            )
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(markdown(results(arguments.rounds)))
