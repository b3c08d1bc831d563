"""Training a pack of networks, with the records of Figures 2 and 3 (Sections 4.1 and 4.2).

The networks of a pack share settings, data and the epochs of their records, and nothing else: each has the initialisation,
the shuffles and the random labels of its own seed. Records change nothing: a recorded epoch takes the same steps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from rate_distortion import checkpoints, files, information_plane, seeds
from rate_distortion.checkpoints import Progress
from rate_distortion.information_plane import PlaneSettings
from rate_distortion.multilayer_perceptron.gradients import GradientMoments
from rate_distortion.multilayer_perceptron.networks import NetworkPack, NetworkSettings, build
from rate_distortion.training import (
    TrainingError,
    TrainingSettings,
    make_deterministic,
    select_device,
    training_labels,
)

log = logging.getLogger(__name__)

RECORDS = ("history", "gradient_snr", "information_plane")
"""Tables of a network's record, by the name of their file."""


@dataclass(frozen=True)
class RecordSettings:
    """What is recorded while training. The loss and accuracy follow ``history_points`` of the training settings.

    Attributes:
        gradient_points: log-spaced epochs at which the gradients' mean and standard deviation are taken; 0 for none.
        gradient_weights: "moving": over the very steps of the epoch, whose weights move (as in the code of the earlier work);
            "frozen": over the same minibatches at the weights at the end of the epoch.
        plane: the information plane.

    Raises:
        ValueError: for an unknown name.
    """

    gradient_points: int = 100
    gradient_weights: str = "moving"
    plane: PlaneSettings = field(default_factory=PlaneSettings)

    def __post_init__(self) -> None:
        if self.gradient_weights not in ("moving", "frozen"):
            raise ValueError(f"gradient_weights is {self.gradient_weights!r}; use moving or frozen")


@dataclass(frozen=True)
class TrainedNetwork:
    """One seed of a pack at its end.

    Attributes:
        seed: its seed.
        module: the network, (batch, inputs) -> logits, on the CPU.
        history, gradient_snr, information_plane: rows, see :func:`train`.
        seconds: wall time of the pack divided by its networks, records included.
        training_seconds: the same for the steps alone.
        resumed_from_epochs: where killed runs went on.
    """

    seed: int
    module: nn.Sequential
    history: list[dict]
    gradient_snr: list[dict]
    information_plane: list[dict]
    seconds: float
    training_seconds: float
    resumed_from_epochs: tuple[int, ...]


def log_spaced_epochs(epochs: int, points: int) -> set[int]:
    """About ``points`` different epochs from 1 to ``epochs``, log-spaced, both ends included; all if there are fewer.

    The first epochs lie too far apart for their share of the points, which the later ones get instead.
    """
    if points >= epochs:
        return set(range(1, epochs + 1))
    count, spaced = max(2, points), set()
    while len(spaced) < points:
        spaced = set(np.rint(np.geomspace(1, epochs, count)).astype(int).tolist())
        count += 1 + count // 20
    return spaced


def train(
    settings: TrainingSettings,
    network: NetworkSettings,
    records: RecordSettings,
    images: np.ndarray,
    labels: np.ndarray,
    pack_seeds: Sequence[int],
    *,
    resume_file: Path | None = None,
    data_checksum: str = "",
) -> list[TrainedNetwork]:
    """Train one network per seed, all at once.

    Args:
        settings: epochs, learning rate, batch size, labels, device, precision and so on; random labels are drawn once.
        network: the shape of the networks.
        records: what to record.
        images: (N, inputs), floating point; the last minibatch of an epoch may be short.
        labels: original labels, integers from 0, (N,).
        pack_seeds: one network each, all different.
        resume_file: where to keep a checkpoint of the whole pack; used when it is of this very pack; the caller removes it
            once the records are written.
        data_checksum: identifies the images in the checkpoint's fingerprint.

    Returns:
        The networks in the order of their seeds, each with its rows: history (epoch, train_loss_nats,
        train_accuracy_percent), gradient_snr (seed, labels, epoch, layer, mean_norm, deviation_norm, weight_norm,
        minibatches; kernels only) and information_plane (:func:`information_plane.plane_rows`), epochs counted from 1, and 0
        before the first step.

    Raises:
        TrainingError: a network's outputs are not finite.
        ValueError: for images, labels or seeds that cannot be trained on.
    """
    images, labels, classes = _checked(images, labels, pack_seeds, settings)
    make_deterministic(settings.threads)
    identity = {
        **asdict(settings), **asdict(network), **asdict(records), "seeds": list(pack_seeds), "data": data_checksum,
    }  # fmt: skip
    fingerprint = checkpoints.fingerprint(identity)
    modules, progress = _begin(network, images.shape[1], classes, pack_seeds, resume_file, fingerprint)
    run = _Run(settings, network, records, images, labels, classes, pack_seeds, modules, progress.history)
    started = saved = time.perf_counter()
    seconds_before = progress.seconds
    if progress.epoch == 0:
        run.record(0)
    for epoch in range(progress.epoch + 1, settings.epochs + 1):
        progress.training_seconds += run.epoch(epoch)
        run.record(epoch)
        now = time.perf_counter()
        progress.epoch, progress.seconds = epoch, seconds_before + now - started
        if resume_file and now - saved >= settings.checkpoint_seconds and epoch < settings.epochs:
            checkpoints.save(resume_file, run.tensors(), progress, fingerprint)
            saved = now
            log.info("%s: epoch %d/%d, %.3f s/epoch", run, epoch, settings.epochs, progress.seconds / epoch)
    return run.finished(progress)


def write(folder: str | Path, network: TrainedNetwork) -> None:
    """Write one seed's files: history.csv, gradient_snr.csv, information_plane.csv and model.safetensors.

    The weights can be loaded into the module that :func:`networks.build` returns. A table without rows is not written.
    """
    folder = Path(folder)
    with files.completed(folder / "model.safetensors") as temporary:
        safetensors.torch.save_file(network.module.state_dict(), temporary)
    for table in RECORDS:
        if rows := getattr(network, table):
            files.write_rows(folder / f"{table}.csv", rows)


class _Run:
    """A pack in training: its tensors on the device, and one record per seed."""

    def __init__(
        self,
        settings: TrainingSettings,
        network: NetworkSettings,
        records: RecordSettings,
        images: np.ndarray,
        labels: np.ndarray,
        classes: int,
        pack_seeds: Sequence[int],
        modules: list[nn.Sequential],
        history: list[dict],
    ):
        self.settings, self.records, self.seeds, self.history = settings, records, pack_seeds, history
        self.classes, self.inputs = classes, images.shape[1]
        device, self.dtype = select_device(settings.device), getattr(torch, settings.precision)
        self.images = torch.from_numpy(images).to(device, self.dtype)
        original = torch.from_numpy(labels)
        drawn = [training_labels(original, settings, classes, seed, epoch=0) for seed in pack_seeds]
        self.labels = torch.stack(drawn).to(device)
        self.pack = NetworkPack(network, modules, self.images, self.dtype)
        self.batch = torch.empty(len(pack_seeds) * settings.batch_size, self.pack.inputs, dtype=self.dtype, device=device)
        self.samples = information_plane.sample_rows(images, records.plane.samples)
        points = (settings.history_points, records.gradient_points, records.plane.points, records.plane.other_points)
        self.recorded = dict(zip(("history", "gradients", "plane", "other"), map(self._epochs, points), strict=True))

    def __str__(self) -> str:
        return f"{self.settings.labels} labels, seeds {', '.join(map(str, self.seeds))}"

    def _epochs(self, points: int) -> set[int]:
        return log_spaced_epochs(self.settings.epochs, points) if points else set()
