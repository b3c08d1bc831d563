"""Stochastic gradient descent at a constant rate until steady state (section 4.3).

The whole loop is :func:`train`. Data stay on the device as one tensor; an epoch is one permutation cut into minibatches, the
last of which may be short, so that every image is seen once per epoch.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from rate_distortion import seeds
from rate_distortion.datasets import prepared_data
from rate_distortion.models import convolutional as models
from rate_distortion.training import checkpoints
from rate_distortion.training.checkpoints import Progress
from rate_distortion.training.evaluation import Evaluation, evaluate, predict

log = logging.getLogger(__name__)

LABELS = ("original", "random")
FITTED_PERCENT = 99.9
"""Running training accuracy from which the training set counts as fitted."""


PRECISIONS = {"float32": torch.float32, "float64": torch.float64, "tf32": torch.float32}
"""Type of weights and images. tf32 is float32 whose products a GPU may round to ten bits of mantissa before adding them up."""


class TrainingError(RuntimeError):
    """Training cannot go on; the message names the run and what to change."""


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast (section 4.3).

    Attributes:
        epochs: passes over the training images.
        learning_rate: constant.
        batch_size: images per step.
        labels: "original", or "random": uniform over the classes, for the training images only (Table 2).
        random_labels: "fixed" draws them once per seed, "per_epoch" anew every epoch.
        evaluation_batch_size: largest evaluation batch.
        history_points: number of log-spaced epochs at which both splits are evaluated and weight norms recorded.
        threads: processor threads; fixed by the study, because sums in another order round differently.
        device: "cpu", "cuda" or "auto" (cuda where present).
        precision: "float32", "float64", or "tf32": float32 with shortened products where the device is cuda.
        checkpoint_seconds: least time between resume files.
    """

    epochs: int
    learning_rate: float
    batch_size: int
    labels: str = "original"
    random_labels: str = "fixed"
    evaluation_batch_size: int = 1000
    history_points: int = 10
    threads: int = 1
    device: str = "cpu"
    precision: str = "float32"
    checkpoint_seconds: float = 30.0


@dataclass(frozen=True)
class RunName:
    """Which run of which study: the wildcards of its folder."""

    study: str
    model: str
    batch_size: int
    labels: str
    seed: int

    def __str__(self) -> str:
        return (
            f"model {self.model}, batch size {self.batch_size}, {self.labels} labels, seed {self.seed} "
            f"(study {self.study})"
        )


@dataclass(frozen=True)
class Split:
    """Images (N, C, H, W) and integer labels (N,) on the training device."""

    images: Tensor
    labels: Tensor

    @classmethod
    def from_arrays(cls, images: np.ndarray, labels: np.ndarray, settings: TrainingSettings) -> Split:
        device, dtype = select_device(settings.device), PRECISIONS[settings.precision]
        # Memory-mapped arrays are read-only, which torch does not know; this brings them into memory.
        images, labels = np.require(images, requirements="W"), np.require(labels, requirements="W")
        return cls(torch.from_numpy(images).to(device, dtype), torch.from_numpy(labels).to(device))


@dataclass(frozen=True)
class TrainedRun:
    """The end of a training: the model and everything that is recorded about it.

    ``batch_norm_evaluations`` holds train and test accuracy (percent) under each kind of batch-normalization statistics; it is
    empty for a model without batch normalization. ``pack`` says with how many others it was trained as one; None alone.
    """

    model: nn.Module
    train: Evaluation
    held_out: dict[str, Evaluation]
    held_out_logits: dict[str, Tensor]
    batch_norm_evaluations: dict[str, dict[str, float]]
    progress: Progress
    images_per_second: float
    pack: dict | None = None


def train(
    name: RunName,
    settings: TrainingSettings,
    model_settings: models.ModelSettings,
    train_split: Split,
    held_out: dict[str, Split],
    classes: int,
    *,
    resume_file: Path | None = None,
    data_checksum: str = "",
    before_saving: Callable[[], object] = lambda: None,
) -> TrainedRun:
    """Train one model on one seed.

    Args:
        name: the run, for messages and the seed.
        settings, model_settings: what to do.
        train_split: training images with their original labels.
        held_out: splits that are only evaluated: {"test": ...}, and "validation" where it is not trained on.
        classes: number of classes.
        resume_file: where to keep a checkpoint; used when it is of this very run; the caller removes it
            once the results are written.
        data_checksum: identifies the images in the checkpoint's fingerprint.
        before_saving: called before each checkpoint; what it raises ends the training (:meth:`run_lock.RunLock.check`).

    Raises:
        TrainingError: the loss is not finite.
    """
    make_deterministic(settings.threads, settings.precision)
    started, images = time.perf_counter(), train_split.images
    fingerprint = checkpoints.fingerprint(
        {
            **asdict(name),
            **asdict(settings),
            **asdict(model_settings),
            **(models.factory_source(model_settings) or {}),
            "data": data_checksum,
        }
    )
    model, progress = _begin(name, model_settings, images, classes, resume_file, fingerprint)
    optimizer = torch.optim.SGD(models.parameter_groups(model, model_settings), lr=settings.learning_rate)
    recorded, report = history_epochs(settings), Reporter(str(name), settings, len(images))
    seconds_before, saved = progress.seconds, started

    for epoch in range(progress.epoch, settings.epochs):
        labels = training_labels(train_split.labels, settings, classes, name.seed, epoch)
        if epoch == 0:
            progress.history.append(history_row(0, model, Split(images, labels), held_out, settings))
        epoch_started = time.perf_counter()
        order = torch.from_numpy(seeds.generator(name.seed, "shuffling", epoch).permutation(len(images)))
        with random_layers(name.seed, epoch, images.device):
            losses, correct = train_epoch(model, optimizer, images, labels, order, settings.batch_size)
        loss = finite_mean(losses, name, epoch, settings)
        progress.training_seconds += time.perf_counter() - epoch_started
        accuracy_percent = 100.0 * correct.item() / len(images)
        if progress.first_fitted_epoch is None and accuracy_percent >= FITTED_PERCENT:
            progress.first_fitted_epoch = epoch + 1
        if epoch + 1 in recorded:
            progress.history.append(history_row(epoch + 1, model, Split(images, labels), held_out, settings))
        now = time.perf_counter()
        progress.epoch, progress.seconds = epoch + 1, seconds_before + now - started
        if resume_file and now - saved >= settings.checkpoint_seconds and epoch + 1 < settings.epochs:
            before_saving()
            checkpoints.save(resume_file, model.state_dict(), progress, fingerprint)
            saved = now
        report(progress, loss, accuracy_percent)

    labels = training_labels(train_split.labels, settings, classes, name.seed, settings.epochs - 1)
    result = finished_run(model, Split(images, labels), held_out, settings, progress)
    progress.seconds = seconds_before + time.perf_counter() - started
    return result


def finished_run(
    model: nn.Module, train_split: Split, held_out: dict[str, Split], settings: TrainingSettings, progress: Progress
) -> TrainedRun:
    """Fill in the population statistics of a trained model and evaluate it on every split.

    Args:
        model: its training is over.
        train_split: the training images with the labels of the last epoch.
        held_out, settings, progress: of the training.
    """
    images, size = train_split.images, settings.evaluation_batch_size
    models.estimate_population_statistics(model, images, size)
    logits = {key: predict(model, split.images, size) for key, split in held_out.items()}
    return TrainedRun(
        model=model,
        train=evaluate(predict(model, images, size), train_split.labels),
        held_out={key: evaluate(logits[key], split.labels) for key, split in held_out.items()},
        held_out_logits=logits,
        batch_norm_evaluations=_batch_norm_evaluations(model, train_split, held_out["test"], settings),
        progress=progress,
        images_per_second=settings.epochs * len(images) / progress.training_seconds,
    )


def read_splits(
    data_folder: str | Path, data: Mapping[str, Any], train_on: str, settings: TrainingSettings
) -> tuple[Split, dict[str, Split]]:
    """The images that are trained on, and the splits that are only evaluated, on the training device.

    Args:
        data_folder: prepared data (:mod:`rate_distortion.datasets.prepared_data`).
        data: the content of its ``dataset.json``.
        train_on: splits joined by "+".
        settings: device and precision.
    """

    def split(name: str) -> Split:
        return Split.from_arrays(*prepared_data.load(data_folder, name), settings)

    held_out = [name for name in ("validation", "test") if name not in train_on.split("+") and data["images"][name]]
    return split(train_on), {name: split(name) for name in held_out}


def train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    order: Tensor,
    batch_size: int,
) -> tuple[Tensor, Tensor]:
    """One pass in the given order; returns each minibatch's loss (nats) and the count of running correct predictions."""
    losses, correct = [], torch.zeros((), dtype=torch.long, device=images.device)
    model.train()
    for rows in order.to(images.device).split(batch_size):
        logits, targets = model(images[rows]), labels[rows]
        loss = functional.cross_entropy(logits, targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        correct += (logits.detach().argmax(1) == targets).sum()
    return torch.stack(losses), correct


def _begin(
    name: RunName,
    model_settings: models.ModelSettings,
    images: Tensor,
    classes: int,
    resume_file: Path | None,
    fingerprint: str,
) -> tuple[nn.Module, Progress]:
    """A freshly initialised model, or the one in this run's resume file."""
    model = fresh_model(name.seed, model_settings, images, classes)
    resumed = checkpoints.load(resume_file, fingerprint) if resume_file else None
    if resumed is None:
        return model, Progress(0, [], 0.0, 0.0)
    model.load_state_dict(resumed[0])
    log.info("resuming %s after epoch %d", name, resumed[1].epoch)
    return model, resumed[1]


def fresh_model(seed: int, model_settings: models.ModelSettings, images: Tensor, classes: int) -> nn.Module:
    """A model initialised from the seed's own stream, on the device and in the precision of ``images`` (N, C, H, W)."""
    stream = torch.Generator().manual_seed(seeds.torch_seed(seed, "initialization"))
    model = models.build(model_settings, tuple(images.shape[1:]), classes, stream)
    return model.to(images.device, images.dtype).to(memory_format=torch.channels_last)


def training_labels(original: Tensor, settings: TrainingSettings, classes: int, seed: int, epoch: int) -> Tensor:
    """The labels of one epoch: the original ones, or uniform over the classes from the seed's label stream."""
    if settings.labels == "original":
        return original
    counters = (epoch,) if settings.random_labels == "per_epoch" else ()
    drawn = seeds.generator(seed, "labels", *counters).integers(0, classes, len(original))
    return torch.from_numpy(drawn).to(original.device)


def history_epochs(settings: TrainingSettings) -> set[int]:
    """Epochs after which both splits are evaluated: ``history_points`` log-spaced ones, the first and last included.

    Early ones that round to the same epoch are one, so that there may be fewer. Perceptrons and bottlenecks record as many as
    they are asked for (:func:`rate_distortion.training.perceptrons.distinct_log_spaced_epochs`), at other epochs.
    """
    points = np.geomspace(1, settings.epochs, max(2, settings.history_points))
    return {*np.unique(np.round(points).astype(int)).tolist(), settings.epochs}


@contextlib.contextmanager
def random_layers(seed: int, epoch: int, device: torch.device) -> Iterator[None]:
    """What a user's network draws in an epoch (dropout) comes from a stream of its own; torch's generators are left as found.

    Every epoch has a seed of its own, so that a training that is resumed between epochs draws what it would have drawn.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seeds.torch_seed(seed, "layers", epoch))
        yield


def select_device(device: str) -> torch.device:
    """The device a study asks for; "auto" is cuda where present."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            "the study asks for device cuda, but torch finds no CUDA device here (set device: auto or cpu)"
        )
    return torch.device(device)


def make_deterministic(threads: int, precision: str = "float32") -> None:
    """Same seed, same machine, same weights: fixed threads, deterministic kernels, full products unless tf32 is asked for."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # As use_deterministic_algorithms(True), which also imports the compiler, a second or more that every process would pay.
    torch.set_deterministic_debug_mode("error")
    # Filling memory that is about to be written anyway; it finds defects of kernels and changes no result.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def weight_norms(model: nn.Module) -> dict[str, float]:
    """L2 norm of every parameter tensor."""
    return {name: parameter.detach().double().norm().item() for name, parameter in model.named_parameters()}


def history_row(
    epoch: int, model: nn.Module, train_split: Split, held_out: dict[str, Split], settings: TrainingSettings
) -> dict:
    """Loss (nats) and accuracy (percent) on every split and all weight norms, after an epoch."""
    if any(layer.evaluation == "population" for layer in models.batch_normalizations(model)):
        models.estimate_population_statistics(model, train_split.images, settings.evaluation_batch_size)
    row: dict[str, float] = {"epoch": epoch}
    for key, split in {"train": train_split, **held_out}.items():
        result = evaluate(predict(model, split.images, settings.evaluation_batch_size), split.labels)
        row |= {f"{key}_loss_nats": result.loss_nats, f"{key}_accuracy_percent": result.accuracy_percent}
    return row | {f"weight_norm_{tensor}": norm for tensor, norm in weight_norms(model).items()}


def _batch_norm_evaluations(
    model: nn.Module, train_split: Split, test_split: Split, settings: TrainingSettings
) -> dict[str, dict[str, float]]:
    layers = models.batch_normalizations(model)
    chosen, results = [layer.evaluation for layer in layers], {}
    for evaluation in models.BATCH_NORM_EVALUATIONS if layers else ():
        models.set_batch_norm_evaluation(model, evaluation)
        results[evaluation] = {
            f"{key}_accuracy": evaluate(
                predict(model, split.images, settings.evaluation_batch_size), split.labels
            ).accuracy_percent
            for key, split in (("train", train_split), ("test", test_split))
        }
    for layer, evaluation in zip(layers, chosen, strict=True):
        layer.evaluation = evaluation
    return results


def finite_mean(losses: Tensor, name: RunName, epoch: int, settings: TrainingSettings) -> float:
    """Mean loss of an epoch; one look per epoch, so that a GPU is not made to wait after every step.

    Args:
        losses: one for each minibatch, in nats.
        name, epoch, settings: for the message.

    Raises:
        TrainingError: a loss is not finite.
    """
    values = losses.double().cpu()
    finite = torch.isfinite(values)
    if not finite.all():
        step = int((~finite).nonzero()[0])
        raise TrainingError(
            f"the loss became {values[step].item()} in epoch {epoch + 1}, minibatch {step + 1}, of {name}: lower "
            f"learning_rate (now {settings.learning_rate}) or look at the data"
        )
    return values.mean().item()


class Reporter:
    """A live line in the log, at most every few seconds; ``images`` are those of one epoch."""

    SECONDS = 5.0

    def __init__(self, name: str, settings: TrainingSettings, images: int):
        self.name, self.settings, self.images = name, settings, images
        self.last = -math.inf

    def __call__(self, progress: Progress, loss: float, accuracy_percent: float) -> None:
        now = time.perf_counter()
        if now - self.last < self.SECONDS and progress.epoch < self.settings.epochs:
            return
        self.last = now
        rate = progress.epoch * self.images / progress.training_seconds
        left = progress.seconds / progress.epoch * (self.settings.epochs - progress.epoch)
        log.info(
            "%s: epoch %d/%d, loss %.4f nats, train accuracy %.2f %%, %s images/s, %s left",
            self.name,
            progress.epoch,
            self.settings.epochs,
            loss,
            accuracy_percent,
            f"{rate:,.0f}",
            time.strftime("%H:%M:%S", time.gmtime(left)),
        )
