"""Check and time packed training on a GPU at the paper's size; writes benchmarks/gpu.csv and, from it, benchmarks/gpu.md.

    python benchmarks/gpu_packs.py --minutes 8                             everything in eight minutes
    python benchmarks/gpu_packs.py --precisions tf32 --batch-sizes 128     a part; rows of other parts stay

The table and the page are written after the checks and after every configuration, so that a stop at any minute leaves what was
measured. Configurations share what is left of the minutes; what does not fit is left out and named.

Needs src/ on the path, torch and what the library itself imports; no Snakemake. The images are 73,257 procedural house numbers,
whitened as the paper's; where their drawing program cannot run, noise of the same shape. What is timed is the training itself
(minibatches, steps and the checks of every epoch; not the evaluations), for every pack that Tables 1 and 2 need.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import logging
import math
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from rate_distortion import datasets
from rate_distortion.datasets import whitening
from rate_distortion.models.back_ends import BACK_ENDS
from rate_distortion.models.convolutional import ModelSettings, parameter_groups
from rate_distortion.models.packs import ConvolutionalPack
from rate_distortion.storage import files, provenance
from rate_distortion.training.convolutional import Member, RunName, Split, fresh_model, train_epoch
from rate_distortion.training.descent import GradientDescent
from rate_distortion.training.loop import fit
from rate_distortion.training.packs import PackTrainee
from rate_distortion.training.schedule import training_labels
from rate_distortion.training.settings import LABELS, PRECISIONS, TrainingSettings, select_device, set_up_process
from rate_distortion.training.steps import Stepper, seconds_per_step

IMAGES, EPOCHS, CLASSES = 73_257, 500, 10
FLOP_PER_IMAGE = 20.5e6
"""Training, with no gradient of the images: three times 7.18 MFLOP less the first layer's."""

PEAKS = {
    "H200": {"float32": 67e12, "tf32": 495e12, "bfloat16": 989e12},
    "H100": {"float32": 67e12, "tf32": 495e12, "bfloat16": 989e12},
    "A100": {"float32": 19.5e12, "tf32": 156e12, "bfloat16": 312e12},
}
"""FLOP/s of dense products as the maker states them (SXM cards)."""

ALLOWED = {"float64": 1e-10, "float32": 1e-3, "graph": 1e-6}
"""Largest difference of a weight. In float32 packs with batch normalization were up to 2.3e-4 off after 4 steps on a CPU (in
float64 2e-16); why so much is not known."""

PACKS = {(128, False): 20, (128, True): 10, (64, False): 10, (64, True): 5, (32, False): 15, (32, True): 10}
"""(batch size, batch normalization) -> networks of Tables 1 and 2: models A and B, or C, five seeds."""


@dataclass(frozen=True)
class Sizes:
    """What a dry run makes smaller."""

    images: int
    networks: int | None


def whitened_images(count: int) -> tuple[np.ndarray, np.ndarray, str]:
    """Grey whitened house numbers (N, 1, 32, 32) and their labels, or noise where they cannot be drawn."""
    try:
        drawn = datasets.load("house_numbers", "train", count=count, processes=os.cpu_count() or 1)
    except ImportError as error:
        rng = np.random.default_rng(0)
        noise = rng.normal(scale=0.6, size=(count, 1, 32, 32)).astype(np.float32)
        return noise, rng.integers(0, CLASSES, count), f"noise ({error})"
    transform = whitening.fit(drawn.images, components=min(400, count - 1))
    return transform(drawn.images), drawn.labels, "procedural house numbers, whitened"


def members(batch_size: int, normalized: bool, networks: int, settings: TrainingSettings) -> list[Member]:
    """Networks as Tables 1 and 2 have them: models A and B, or C with batch normalization, on both kinds of labels."""
    decays = [("C", 0.01)] if normalized else [("A", 0.0), ("B", 0.01)]
    kinds = [(*model, labels) for labels in LABELS for model in decays]
    network = ModelSettings(normalization="batch" if normalized else "none")
    return [
        Member(
            RunName("gpu", model, batch_size, labels, 1 + k // len(kinds)),
            replace(settings, batch_size=batch_size, labels=labels),
            replace(network, weight_decay=decay),
        )
        for k in range(networks)
        for model, decay, labels in (kinds[k % len(kinds)],)
    ]


def stepper(pack_members: Sequence[Member], split: Split, back_end: str, capture: bool | None = None) -> Stepper:
    """A pack ready to step, each network with the labels of its own."""
    modules = [fresh_model(one.name.seed, one.model, split.images, CLASSES) for one in pack_members]
    labels = [training_labels(split.labels, one.settings, CLASSES, one.name.seed, 1) for one in pack_members]
    rates = [one.settings.learning_rate for one in pack_members]
    models = [one.model for one in pack_members]
    return Stepper(
        ConvolutionalPack(modules, back_end), models, rates, split.images, torch.stack(labels), capture=capture,
        precision=pack_members[0].settings.precision,
    )  # fmt: skip


def steps_taken(pack: Stepper, steps: int, batch_size: int) -> torch.Tensor:
    """The parameters after some steps on minibatches that are always the same, the last of them short."""
    generator = torch.Generator().manual_seed(0)
    for step in range(steps):
        size = batch_size if step < steps - 1 else max(1, batch_size // 2)
        rows = torch.randint(len(pack.images), (pack.pack.networks, size), generator=generator)
        pack.step(rows.to(pack.images.device))
    return pack.pack.parameters.detach().clone()


def checks(split: Split, settings: TrainingSettings, steps: int, networks: int) -> list[str]:
    """Graph against eager, and packed against separate in float64 and float32, for every back-end."""
    lines = []
    for normalized in (False, True):
        for back_end in BACK_ENDS:
            own = members(32, normalized, networks, settings)
            what = f"{back_end}{', batch normalization' if normalized else ''}"
            if split.images.is_cuda:
                eager, graph = (steps_taken(stepper(own, split, back_end, c), steps, 32) for c in (False, True))
                lines.append(_compared(f"graph and eager, {what}", _gap(eager, graph), "graph"))
            for precision in ("float64", "float32"):
                typed = Split(split.images[:1000].to(PRECISIONS[precision]), split.labels[:1000])
                packed = stepper(own, typed, back_end)
                together = steps_taken(packed, steps, 32).split(
                    [networks * p.numel() for p in packed.pack.modules()[0].parameters()]
                )
                alone = [_separate(one, typed, k, steps, networks) for k, one in enumerate(own)]
                gap = max(
                    _gap(part.view(networks, -1)[k], tensor)
                    for k, tensors in enumerate(alone)
                    for part, tensor in zip(together, tensors, strict=True)
                )
                lines.append(_compared(f"packed and separate, {what}, {precision}, {steps} steps", gap, precision))
    return lines


def _compared(what: str, gap: float, kind: str) -> str:
    if not gap <= ALLOWED[kind]:
        raise SystemExit(
            f"{what}: a weight differs by {gap:.1e}, and {ALLOWED[kind]:.0e} is allowed; nothing was timed"
        )
    return f"{what}: largest difference of a weight {gap:.1e}"


def _separate(member: Member, split: Split, index: int, steps: int, networks: int) -> list[torch.Tensor]:
    """The parameters of one network by training.py's own step on the minibatches of the pack's network ``index``."""
    model = fresh_model(member.name.seed, member.model, split.images, CLASSES)
    labels = training_labels(split.labels, member.settings, CLASSES, member.name.seed, 1)
    groups = parameter_groups(model, member.model)
    descent = GradientDescent(groups, member.settings.learning_rate)
    generator = torch.Generator().manual_seed(0)
    for step in range(steps):
        size = 32 if step < steps - 1 else 16
        order = torch.randint(len(split.images), (networks, size), generator=generator)[index]
        train_epoch(model, descent, split.images, labels, order, size)
    return [parameter.detach().flatten() for parameter in model.parameters()]


def _gap(first: torch.Tensor, second: torch.Tensor) -> float:
    return (first - second).abs().max().item()


def measure(pack_members: list[Member], split: Split, seconds: float) -> dict[str, float | str]:
    """Milliseconds per step of every back-end, and the sustained images per second of the fastest, in about ``seconds``."""
    settings, networks = pack_members[0].settings, len(pack_members)
    size = min(settings.batch_size, len(split.images))
    rows = torch.arange(size, device=split.images.device).expand(networks, -1).contiguous()
    milliseconds = {}
    for back_end in BACK_ENDS:
        try:
            pack = stepper(pack_members, split, back_end)
            milliseconds[back_end] = 1000 * seconds_per_step(pack, rows, min(5.0, seconds / 10))
        except RuntimeError as error:
            logging.warning("back-end %s is left out: %s", back_end, error)
            milliseconds[back_end] = math.nan
    fastest = min(milliseconds, key=lambda name: (math.isnan(milliseconds[name]), milliseconds[name]))
    epoch_seconds = milliseconds[fastest] / 1000 * math.ceil(len(split.images) / size)
    epochs = max(1, round(seconds / 2 / epoch_seconds))
    longer = [replace(one, settings=replace(one.settings, epochs=epochs)) for one in pack_members]
    test = Split(split.images[:1000], split.labels[:1000])
    run = fit(PackTrainee(longer, split, {"test": test}, {"classes": CLASSES}, fastest))[0]
    taken = networks * epochs * len(split.images) / run.provenance["pack"]["images_per_second"]
    return {
        **{f"{name}_milliseconds": round(value, 4) for name, value in milliseconds.items()},
        "back_end": fastest,
        "seconds": round(taken, 1),
        "images_per_second": round(run.provenance["pack"]["images_per_second"]),
    }


def matrix_product_rate(device: torch.device, precision: str, seconds: float = 1.0) -> float:
    """FLOP/s of the best of several products of square matrices in a precision."""
    side = 8192 if device.type == "cuda" else 1024
    left, right = torch.randn(2, side, side, device=device)
    if precision == "bfloat16":
        left, right = left.bfloat16(), right.bfloat16()
    best, ends = math.inf, datetime.datetime.now() + datetime.timedelta(seconds=seconds)
    while best == math.inf or datetime.datetime.now() < ends:
        began = datetime.datetime.now()
        left @ right
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, (datetime.datetime.now() - began).total_seconds())
    return 2 * side**3 / best


def equivalence(split: Split, test: Split, settings: TrainingSettings, networks: int, other: str) -> str:
    """Model B, one network per seed, in float32 and in another precision: test accuracy paired over seeds."""
    runs = {}
    for precision in ("float32", other):
        set_up_process(settings.threads, precision)
        own = [
            Member(
                RunName("gpu", "B", 128, "original", seed),
                replace(settings, batch_size=128, precision=precision),
                model,
            )
            for model in (ModelSettings(weight_decay=0.01),)
            for seed in range(1, networks + 1)
        ]
        runs[precision] = fit(PackTrainee(own, split, {"test": test}, {"classes": CLASSES}))
    accuracies = [[run.metrics["test_accuracy"] for run in runs[key]] for key in ("float32", other)]
    differences = [second - first for first, second in zip(*accuracies, strict=True)]
    error = statistics.stdev(differences) / math.sqrt(networks) if networks > 1 else math.nan
    return (
        f"{other} less float32, model B at batch size 128, {settings.epochs} epochs, {networks} seeds: test accuracy "
        f"{statistics.mean(differences):+.2f} ± {error:.2f} points (float32: {statistics.mean(accuracies[0]):.2f} %)"
    )


def page(rows: list[dict[str, str]], notes: list[str]) -> str:
    """The page from all rows of the table."""
    lines = [
        "# Packed training on a GPU",
        "",
        "Made by `python benchmarks/gpu_packs.py`; what its columns mean stands there. One row is one pack of Tables 1 and 2.",
        "",
        "| precision | batch size | batch norm | networks | fastest back-end | ms per step: grouped, matrix products, separate "
        "| images/s | over s | of stated peak | of matrix product | minutes to 500 epochs | card, torch, date |",
        "| --- | ---: | --- | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        times = ", ".join(row[f"{name}_milliseconds"] for name in BACK_ENDS)
        lines.append(
            f"| {row['precision']} | {row['batch_size']} | {row['batch_norm']} | {row['networks']} | {row['back_end']} "
            f"| {times} "
            f"| {int(row['images_per_second']):,} | {row['seconds']} | {row['stated_peak_percent'] or '—'} % "
            f"| {row['matrix_product_percent']} % | {row['minutes']} | {row['circumstances']} |"
        )
    for precision in PRECISIONS:
        own = [row for row in rows if row["precision"] == precision]
        if own:
            total, whole = sum(float(row["minutes"]) for row in own), len(own) == len(PACKS)
            what = "Tables 1 and 2" if whole else f"{len(own)} of the {len(PACKS)} packs of Tables 1 and 2"
            lines += ["", f"{what} in {precision}, one pack after another: {total:.1f} minutes of training, projected."]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes), ""])


def main(arguments: argparse.Namespace) -> None:
    """Check, measure, and write the table and the page after every configuration."""
    ends = time.monotonic() + 60 * arguments.minutes
    device = select_device(arguments.device)
    sizes = Sizes(arguments.images, arguments.networks)
    settings = TrainingSettings(1, 0.01, 128, device=device.type, history_points=2, threads=torch.get_num_threads())
    set_up_process(settings.threads)
    images, labels, source = whitened_images(sizes.images)
    split = Split.from_arrays(images, labels, settings)
    card = torch.cuda.get_device_name() if device.type == "cuda" else provenance.processor_name()
    circumstances = f"{card}, torch {torch.__version__}, {datetime.date.today()}"
    notes = [
        f"{len(images):,} images: {source}.",
        *checks(split, settings, 20 if device.type == "cuda" else 4, min(4, sizes.networks or 4)),
    ]
    print("\n".join(notes), flush=True)
    table = arguments.output.with_suffix(".csv")
    rows = list(csv.DictReader(table.open())) if table.exists() else []
    files.write_text(arguments.output, page(rows, notes))
    due = [
        (precision, *pack) for precision in arguments.precisions for pack in PACKS if pack[0] in arguments.batch_sizes
    ]
    for number, (precision, batch_size, normalized) in enumerate(due):
        left = ends - time.monotonic()
        if left <= 0:
            notes += [f"No time was left for {precision}, batch size {size}{', batch normalization' * batch}."
                      for precision, size, batch in due[number:]]  # fmt: skip
            break
        set_up_process(settings.threads, precision)
        networks = sizes.networks or PACKS[batch_size, normalized]
        own = members(batch_size, normalized, networks, replace(settings, precision=precision))
        row = {
            "precision": precision,
            "batch_size": str(batch_size),
            "batch_norm": "yes" if normalized else "no",
            "networks": str(networks),
            **measured(own, split, min(arguments.seconds, left / (len(due) - number)), PACKS[batch_size, normalized]),
            "circumstances": circumstances,
        }
        print(row, flush=True)
        key = ("precision", "batch_size", "batch_norm")
        rows = [other for other in rows if any(other[name] != row[name] for name in key)] + [row]
        files.write_rows(table, rows)
        files.write_text(arguments.output, page(rows, notes))
    if arguments.equivalence_epochs:
        held = max(1, len(images) // 5)
        longer = replace(settings, epochs=arguments.equivalence_epochs)
        parts = Split(split.images[held:], split.labels[held:]), Split(split.images[:held], split.labels[:held])
        for precision in set(arguments.precisions) - {"float32"}:
            notes.append(equivalence(*parts, longer, min(5, sizes.networks or 5), precision))
            print(notes[-1], flush=True)
    files.write_text(arguments.output, page(rows, notes))


def measured(own: list[Member], split: Split, seconds: float, count: int) -> dict[str, str]:
    """The measurements of a pack, their shares of what the card could do, and the minutes that ``count`` such networks take."""
    precision = own[0].settings.precision
    found, rate = measure(own, split, seconds), matrix_product_rate(split.images.device, precision)
    card = torch.cuda.get_device_name() if split.images.is_cuda else ""
    peak = next((values.get(precision) for name, values in PEAKS.items() if name in card), None)
    flops = found["images_per_second"] * FLOP_PER_IMAGE
    return {
        **{key: str(value) for key, value in found.items()},
        "stated_peak_percent": f"{100 * flops / peak:.1f}" if peak else "",
        "matrix_product_percent": f"{100 * flops / rate:.1f}",
        "minutes": f"{count * EPOCHS * IMAGES / found['images_per_second'] / 60:.1f}",
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--minutes", type=float, default=20.0, help="for everything but --equivalence-epochs")
    parser.add_argument("--seconds", type=float, default=60.0, help="at most, for each configuration")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--networks", type=int, help="in every pack, for a dry run")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[128, 64, 32])
    parser.add_argument("--precisions", nargs="+", default=["float32", "tf32", "bfloat16"], choices=list(PRECISIONS))
    parser.add_argument(
        "--equivalence-epochs",
        type=int,
        default=0,
        help="compare the other precisions with float32 over so many epochs",
    )
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("gpu.md"))
    main(parser.parse_args())
