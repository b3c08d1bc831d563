"""Training a pack of networks, with the records of Figures 2 and 3 (Sections 4.1 and 4.2).

The networks of a pack share settings, data and the epochs of their records, and nothing else: each has the initialisation,
the shuffles and the random labels of its own seed. Records change nothing: a recorded epoch takes the same steps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from rate_distortion import seeds
from rate_distortion.analysis import information_plane
from rate_distortion.analysis.information_plane import Estimator, PlaneSettings
from rate_distortion.errors import InputError
from rate_distortion.models.perceptrons import NetworkPack, NetworkSettings, Pass, build
from rate_distortion.storage import files
from rate_distortion.training import checkpoints
from rate_distortion.training.checkpoints import Progress
from rate_distortion.training.convolutional import (
    TrainingError,
    TrainingSettings,
    make_deterministic,
    select_device,
    training_labels,
)
from rate_distortion.training.gradients import GradientMoments

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
        InputError: for an unknown name.
    """

    gradient_points: int = 100
    gradient_weights: str = "moving"
    plane: PlaneSettings = field(default_factory=PlaneSettings)

    def __post_init__(self) -> None:
        if self.gradient_weights not in ("moving", "frozen"):
            raise InputError(f"gradient_weights is {self.gradient_weights!r}; use moving or frozen")


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


def distinct_log_spaced_epochs(epochs: int, points: int) -> set[int]:
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
    before_saving: Callable[[], object] = lambda: None,
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
        before_saving: called before each checkpoint; what it raises ends the training.

    Returns:
        The networks in the order of their seeds, each with its rows, which begin with seed, labels and epoch (the passes
        made; 0 is before the first step): history (train_loss_nats, train_accuracy_percent, over all training images),
        gradient_snr (layer, mean_norm, deviation_norm, weight_norm, minibatches: of the weights, biases aside, over that
        epoch's minibatches) and information_plane (:func:`information_plane.plane_rows`; a hidden layer's T is what the next
        layer sees, so after any batch normalization, for which the samples are one batch).

    Raises:
        TrainingError: a network's outputs are not finite.
        ValueError: for images or labels that cannot be trained on.
        InputError: for no seed, a seed twice, or random labels that are not fixed.
    """
    images, labels = _checked(images, labels, pack_seeds, settings)
    make_deterministic(settings.threads)
    described = (asdict(part) for part in (settings, network, records))
    fingerprint = checkpoints.fingerprint({"settings": [*described], "seeds": [*pack_seeds], "data": data_checksum})
    modules, progress = _begin(network, images.shape[1], int(labels.max()) + 1, pack_seeds, resume_file, fingerprint)
    run = _Run(settings, network, records, images, labels, pack_seeds, modules, progress)
    started = saved = time.perf_counter()
    seconds_before = progress.seconds
    if progress.epoch == 0:
        run.record(0)
    for epoch in range(progress.epoch + 1, settings.epochs + 1):
        epoch_started = time.perf_counter()
        run.train_epoch(epoch)
        progress.training_seconds += time.perf_counter() - epoch_started
        run.record(epoch)
        now = time.perf_counter()
        progress.epoch, progress.seconds = epoch, seconds_before + now - started
        if now - saved >= settings.checkpoint_seconds and epoch < settings.epochs:
            saved = now
            _report(progress, settings, pack_seeds)
            if resume_file:
                before_saving()
                checkpoints.save(resume_file, run.tensors(), progress, fingerprint)
    return run.finished()


def write(folder: str | Path, network: TrainedNetwork) -> list[Path]:
    """Write one seed's files: model.safetensors, history.csv, gradient_snr.csv and information_plane.csv.

    The weights can be loaded into the module that :func:`networks.build` returns. A table without rows is not written.

    Returns:
        the paths of what was written.
    """
    weights = Path(folder) / "model.safetensors"
    files.write_bytes(weights, safetensors.torch.save(network.module.state_dict()))
    tables = {Path(folder) / f"{table}.csv": rows for table in RECORDS if (rows := getattr(network, table))}
    for path, rows in tables.items():
        files.write_rows(path, rows)
    return [weights, *tables]


class _Run:
    """A pack in training: its tensors on the device, and one record per seed."""

    def __init__(
        self,
        settings: TrainingSettings,
        network: NetworkSettings,
        records: RecordSettings,
        images: np.ndarray,
        labels: np.ndarray,
        pack_seeds: Sequence[int],
        modules: list[nn.Sequential],
        progress: Progress,
    ):
        self.settings, self.records, self.seeds, self.progress = settings, records, pack_seeds, progress
        self.device, self.dtype = select_device(settings.device), getattr(torch, settings.precision)
        used = images.any(axis=0)
        self.images = torch.from_numpy(np.ascontiguousarray(images[:, used])).to(self.device, self.dtype)
        self.labels = _labels(labels, settings, pack_seeds).to(self.device)
        self.targets = functional.one_hot(self.labels).to(self.dtype)
        modules = [module.to(self.device, self.dtype) for module in modules]
        self.pack = NetworkPack(network, modules, torch.from_numpy(used))
        self.minibatch = self.images.new_empty(len(pack_seeds) * settings.batch_size, self.images.shape[1])
        rows = information_plane.sample_rows(images, records.plane.samples)
        self.samples = torch.from_numpy(rows).to(self.device)
        points = (settings.history_points, records.gradient_points, records.plane.points, records.plane.other_points)
        self.history_epochs, self.gradient_epochs, self.plane_epochs, self.all_estimator_epochs = (
            distinct_log_spaced_epochs(settings.epochs, count) if count else set() for count in points
        )

    def train_epoch(self, epoch: int) -> None:
        """One pass over the images, each network in its own order; gradients are recorded on the way if they are due."""
        moments = GradientMoments(self.pack) if epoch in self.gradient_epochs else None
        moving = moments and self.records.gradient_weights == "moving"
        for images, targets in self._minibatches(epoch):
            found = self.pack.forward(images)
            errors, normalization = self.pack.errors(found, targets)
            if moving:
                moments.add(found, errors)
            self.pack.descend(found, errors, normalization, self.settings.learning_rate)
        self._check_finite(epoch, errors[-1])
        if moments and not moving:
            for images, targets in self._minibatches(epoch):
                found = self.pack.forward(images)
                moments.add(found, self.pack.errors(found, targets)[0])
        if moments:
            self._add("gradient_snr", moments.rows(self.pack), epoch)

    def record(self, epoch: int) -> None:
        """What is due after an epoch, or before the first: loss and accuracy, and the information plane."""
        if epoch in self.history_epochs or epoch == 0:
            self._add("history", self._evaluation(), epoch)
        plane = self.records.plane
        everything = epoch in self.all_estimator_epochs or (epoch == 0 and plane.other_points > 0)
        if everything or epoch in self.plane_epochs or (epoch == 0 and plane.points > 0):
            estimators = plane.estimators if everything else plane.estimators[:1]
            self._add("information_plane", self._plane_rows(estimators), epoch)

    def tensors(self) -> dict[str, Tensor]:
        """All weights by seed and name, for a checkpoint."""
        return {
            f"seed{seed}.{name}": tensor
            for seed, module in zip(self.seeds, self.pack.modules(), strict=True)
            for name, tensor in module.state_dict().items()
        }

    def finished(self) -> list[TrainedNetwork]:
        progress, share = self.progress, 1 / len(self.seeds)
        return [
            TrainedNetwork(
                seed, module.cpu(), **record, seconds=progress.seconds * share,
                training_seconds=progress.training_seconds * share, resumed_from_epochs=progress.resumed_from_epochs,
            )
            for seed, module, record in zip(self.seeds, self.pack.modules(), progress.history, strict=True)
        ]  # fmt: skip

    def _minibatches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (K, batch, used inputs), in a buffer that the next minibatch overwrites, and targets (K, classes, batch)."""
        count, size = len(self.images), self.settings.batch_size
        orders = [seeds.generator(seed, "shuffling", epoch - 1).permutation(count) for seed in self.seeds]
        order = torch.from_numpy(np.stack(orders)).to(self.device)
        targets = self.targets.gather(1, order.unsqueeze(2).expand_as(self.targets)).transpose(1, 2).contiguous()
        for rows, batch_targets in zip(order.split(size, 1), targets.split(size, 2), strict=True):
            buffer = self.minibatch[: rows.numel()]
            torch.index_select(self.images, 0, rows.reshape(-1), out=buffer)
            yield buffer.view(len(self.seeds), rows.shape[1], -1), batch_targets

    def _forward(self, images: Tensor) -> Pass:
        """The same images (n, used inputs) through every network, as one batch."""
        return self.pack.forward(images.expand(len(self.seeds), -1, -1))

    def _evaluation(self) -> list[list[dict]]:
        """Mean cross-entropy and accuracy on all training images, one row for each network."""
        size = self.settings.evaluation_batch_size
        logits = torch.cat([self._forward(images).logits for images in self.images.split(size)], 2).double()
        losses = functional.cross_entropy(logits, self.labels, reduction="none").mean(1)
        accuracies = 100 * (logits.argmax(1) == self.labels).double().mean(1)
        return [
            [{"train_loss_nats": loss, "train_accuracy_percent": accuracy}]
            for loss, accuracy in zip(losses.tolist(), accuracies.tolist(), strict=True)
        ]

    def _plane_rows(self, estimators: Sequence[Estimator]) -> list[list[dict]]:
        found = self._forward(self.images[self.samples])
        layers = [layer.transpose(1, 2).cpu().numpy() for layer in (*found.inputs[1:], found.logits)]
        if self.records.plane.output == "softmax":
            layers[-1] = information_plane.softmax(layers[-1])
        labels = self.labels[:, self.samples].cpu().numpy()
        permutations = self.records.plane.permutations
        return [
            information_plane.plane_rows(
                [layer[k] for layer in layers], labels[k], estimators, permutations=permutations
            )
            for k in range(len(self.seeds))
        ]

    def _add(self, table: str, rows: list[list[dict]], epoch: int) -> None:
        """Put rows, one list for each network, into the networks' records."""
        for seed, record, added in zip(self.seeds, self.progress.history, rows, strict=True):
            place = {"seed": seed, "labels": self.settings.labels, "epoch": epoch}
            record[table] += [{**place, **row} for row in added]

    def _check_finite(self, epoch: int, errors: Tensor) -> None:
        finite = torch.isfinite(errors).flatten(1).all(1).tolist()
        if not all(finite):
            raise TrainingError(
                f"outputs of the multilayer perceptron with seed {self.seeds[finite.index(False)]} and {self.settings.labels} "
                f"labels are not finite after epoch {epoch}; use a smaller learning_rate than {self.settings.learning_rate}"
            )


def _report(progress: Progress, settings: TrainingSettings, pack_seeds: Sequence[int]) -> None:
    left = progress.seconds / progress.epoch * (settings.epochs - progress.epoch)
    log.info(
        "multilayer perceptrons, %s labels, seeds %s: epoch %d/%d, %s left",
        settings.labels, ", ".join(map(str, pack_seeds)), progress.epoch, settings.epochs,
        time.strftime("%H:%M:%S", time.gmtime(left)),
    )  # fmt: skip


def _begin(
    network: NetworkSettings,
    inputs: int,
    classes: int,
    pack_seeds: Sequence[int],
    resume_file: Path | None,
    fingerprint: str,
) -> tuple[list[nn.Sequential], Progress]:
    """Freshly initialised networks without records, or those in this pack's resume file."""
    modules = [build(network, inputs, classes, seed) for seed in pack_seeds]
    resumed = checkpoints.load(resume_file, fingerprint) if resume_file else None
    if resumed is None:
        return modules, Progress(0, [{table: [] for table in RECORDS} for _ in pack_seeds], 0.0, 0.0)
    tensors, progress = resumed
    for seed, module in zip(pack_seeds, modules, strict=True):
        own = {name: tensors[f"seed{seed}.{name}"] for name in module.state_dict()}
        module.to(next(iter(own.values())).dtype).load_state_dict(own)
    log.info("resuming seeds %s after epoch %d", list(pack_seeds), progress.epoch)
    return modules, progress


def _labels(original: np.ndarray, settings: TrainingSettings, pack_seeds: Sequence[int]) -> Tensor:
    """The labels each network is trained on, (K, N)."""
    labels, classes = torch.from_numpy(original), int(original.max()) + 1
    return torch.stack([training_labels(labels, settings, classes, seed, epoch=0) for seed in pack_seeds])


def _checked(
    images: np.ndarray, labels: np.ndarray, pack_seeds: Sequence[int], settings: TrainingSettings
) -> tuple[np.ndarray, np.ndarray]:
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim != 2 or images.dtype.kind != "f" or not np.isfinite(images).all():
        raise ValueError(
            f"images have shape {images.shape} and type {images.dtype}; pass finite floating-point images (N, inputs)"
        )
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu" or set(np.unique(labels)) < {0, 1}:
        raise ValueError(
            f"labels have shape {labels.shape} and type {labels.dtype} for {len(images)} images; "
            "pass one integer from 0 for each, of at least two classes"
        )
    if not len(pack_seeds) or len(set(pack_seeds)) < len(pack_seeds):
        raise InputError(f"the seeds are {list(pack_seeds)}; name at least one, and each once")
    if settings.labels == "random" and settings.random_labels != "fixed":
        raise InputError(f"random_labels is {settings.random_labels!r}; memorization needs labels that are fixed")
    return images, labels.astype(np.int64)
