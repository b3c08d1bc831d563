"""Training the nonlinear information bottleneck of Figure 6, with an embedding of every image at chosen epochs.

The loss is cross-entropy + beta * I(X; T) + weight decay, where I(X; T) is the pairwise bound in nats and T the layer of two
units with noise of trained variance. Before each epoch the bound's kernels are fitted to the layer as it stands. Data are one
tensor on the device; an epoch is one permutation cut into minibatches, the last of which may be short.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from rate_distortion import seeds
from rate_distortion.errors import InputError, require_known
from rate_distortion.models.bottleneck import Bottleneck, NetworkSettings
from rate_distortion.models.pairwise_bound import information_nats, kernel_bandwidth
from rate_distortion.training import checkpoints
from rate_distortion.training.checkpoints import Progress
from rate_distortion.training.convolutional import TrainingError, make_deterministic, select_device
from rate_distortion.training.perceptrons import distinct_log_spaced_epochs

log = logging.getLogger(__name__)

MINIBATCH = "minibatch"
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
DECAY_GRADIENTS = {"whole": 2.0, "half": 1.0}
"""Gradient of the decay in units of lambda w: "whole" is lambda ||w||^2, as Keras has it, "half" is lambda/2 ||w||^2."""
BANDWIDTH_DIMENSIONS = ("input", "layer")
REPORT_SECONDS = 5.0


@dataclass(frozen=True)
class BottleneckSettings:
    """How long, how fast and against which penalty.

    Attributes:
        epochs: passes over the training images.
        learning_rate: constant.
        batch_size: images per step.
        optimizer: "sgd" (plain) or "adam".
        weight_decay: lambda, on the weights of all layers.
        decay_convention: "whole" for lambda ||w||^2, "half" for lambda/2 ||w||^2.
        beta: multiplies the bound on I(X; T) in nats.
        noise_log_variance, kernel_log_variance: at the beginning; the noise is trained, the kernels are fitted each epoch.
        train_noise, fit_kernels: whether they are.
        information_samples: images behind each step's bound: "minibatch" for those of the step, or the number of a fixed sample
            that goes through the encoder with every step.
        bandwidth_samples: images that the kernels are fitted to.
        bandwidth_dimension: that the fit's likelihood is normalised for: "layer" (two, which is right) or "input" (that of the
            images, as in the release, which gives narrower kernels).
        noisy_embedding: whether the embedding is recorded with noise.
        points: log-spaced epochs at which the embedding is recorded, beside epoch 0.
        figure_epochs: further ones.
        evaluation_batch_size, threads, device, precision, checkpoint_seconds: as in
            :class:`rate_distortion.training.convolutional.TrainingSettings`.

    Raises:
        InputError: for an unknown name, too small a sample or an epoch beyond the last.
    """

    epochs: int = 500
    learning_rate: float = 1e-2
    batch_size: int = 128
    optimizer: str = "sgd"
    weight_decay: float = 1e-3
    decay_convention: str = "whole"
    beta: float = 5e-2
    noise_log_variance: float = -6.0
    train_noise: bool = True
    kernel_log_variance: float = -5.0
    fit_kernels: bool = True
    information_samples: int | str = MINIBATCH
    bandwidth_samples: int = 1000
    bandwidth_dimension: str = "input"
    noisy_embedding: bool = False
    points: int = 60
    figure_epochs: tuple[int, ...] = (0, 20, 30, 50, 500)
    evaluation_batch_size: int = 1000
    threads: int = 1
    device: str = "cpu"
    precision: str = "float32"
    checkpoint_seconds: float = 60.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "figure_epochs", tuple(self.figure_epochs))
        require_known(
            self,
            optimizer=OPTIMIZERS,
            decay_convention=DECAY_GRADIENTS,
            bandwidth_dimension=BANDWIDTH_DIMENSIONS,
        )
        if self.information_samples != MINIBATCH and not (
            isinstance(self.information_samples, int) and self.information_samples >= 2
        ):
            raise InputError(
                f"information_samples is {self.information_samples!r}; use {MINIBATCH} or a number, at least 2"
            )
        if self.bandwidth_samples < 3:
            raise InputError(f"bandwidth_samples is {self.bandwidth_samples}; it must be at least 3")
        beyond = [epoch for epoch in self.figure_epochs if not 0 <= epoch <= self.epochs]
        if beyond:
            raise InputError(f"figure_epochs names {beyond}, and training has epochs 0 to {self.epochs}")

    def recorded_epochs(self) -> list[int]:
        """The epochs at which the embedding is recorded, in order; 0 is before the first step."""
        return sorted({0, *self.figure_epochs, *distinct_log_spaced_epochs(self.epochs, self.points)})


@dataclass(frozen=True)
class TrainedBottleneck:
    """The end of a training.

    Attributes:
        module: the network, on the CPU.
        embeddings: epoch -> float32 (N, 2), the two units of every training image.
        history: one row an epoch, see :func:`train`.
        seconds, training_seconds: wall time, whole and of the steps alone.
        resumed_from_epochs: where killed runs went on.
    """

    module: Bottleneck
    embeddings: dict[int, np.ndarray]
    history: list[dict]
    seconds: float
    training_seconds: float
    resumed_from_epochs: tuple[int, ...]


def train(
    settings: BottleneckSettings,
    network: NetworkSettings,
    images: np.ndarray,
    labels: np.ndarray,
    seed: int,
    *,
    resume_file: Path | None = None,
    data_checksum: str = "",
    before_saving: Callable[[], object] = lambda: None,
) -> TrainedBottleneck:
    """Train one network on one seed.

    Args:
        settings, network: what to do.
        images: (N, inputs), floating point.
        labels: integers from 0, (N,).
        seed: of the initialisation, the shuffles and the noise.
        resume_file: where to keep a checkpoint; used when it is of this very run; the caller removes it once the results are
            written.
        data_checksum: identifies the images in the checkpoint's fingerprint.
        before_saving: called before each checkpoint; what it raises ends the training.

    Returns:
        the network, its embeddings and its history: epoch, loss_nats (with all penalties), cross_entropy_nats,
        information_bits and train_accuracy_percent as means over the epoch's steps, noise and moving weights included;
        noise_variance, kernel_variance and weight_norm (of the decayed weights) at the end of the epoch.

    Raises:
        TrainingError: the loss is not finite.
        ValueError: for images or labels that cannot be trained on.
        InputError: for a last minibatch of one image, with batch normalization.
    """
    images, labels = _checked(images, labels, settings, network)
    make_deterministic(settings.threads)
    described = (asdict(part) for part in (settings, network))
    fingerprint = checkpoints.fingerprint({"settings": [*described], "seed": seed, "data": data_checksum})
    run = _Run(settings, network, images, labels, seed)
    progress = run.begin(resume_file, fingerprint)
    recorded = set(settings.recorded_epochs())
    started = saved = time.perf_counter()
    reported, seconds_before = -math.inf, progress.seconds
    if progress.epoch == 0:
        run.record(0)
    for epoch in range(progress.epoch + 1, settings.epochs + 1):
        epoch_started = time.perf_counter()
        progress.history.append({"epoch": epoch, **run.train_epoch(epoch)})
        progress.training_seconds += time.perf_counter() - epoch_started
        if epoch in recorded:
            run.record(epoch)
        now = time.perf_counter()
        progress.epoch, progress.seconds = epoch, seconds_before + now - started
        if resume_file and now - saved >= settings.checkpoint_seconds and epoch < settings.epochs:
            before_saving()
            checkpoints.save(resume_file, run.tensors(), progress, fingerprint)
            saved = now
        if now - reported >= REPORT_SECONDS or epoch == settings.epochs:
            reported = now
            _report(progress, settings, network.variant, seed)
    return TrainedBottleneck(
        module=run.module.cpu(),
        embeddings={epoch: run.embeddings[epoch].numpy() for epoch in sorted(run.embeddings)},
        history=progress.history,
        seconds=progress.seconds,
        training_seconds=progress.training_seconds,
        resumed_from_epochs=tuple(progress.resumed_from_epochs),
    )


class _Run:
    """A network in training: its tensors on the device, its optimizer and its embeddings."""

    def __init__(
        self, settings: BottleneckSettings, network: NetworkSettings, images: np.ndarray, labels: np.ndarray, seed: int
    ):
        self.settings, self.network, self.seed = settings, network, seed
        self.device, self.dtype = select_device(settings.device), getattr(torch, settings.precision)
        self.images = torch.from_numpy(images).to(self.device, self.dtype)
        self.labels = torch.from_numpy(labels).to(self.device)
        module = Bottleneck(network, images.shape[1], int(labels.max()) + 1, settings.noise_log_variance, seed)
        module.noise_log_variance.requires_grad_(settings.train_noise)
        self.module = module.to(self.device, self.dtype)
        self.optimizer = self._optimizer()
        self.kernel_log_variance = self._scalar(settings.kernel_log_variance)
        fixed = 0 if settings.information_samples == MINIBATCH else settings.information_samples
        chosen = seeds.generator(0, "evaluation_order").permutation(len(images))
        self.bandwidth_images, self.information_images = (
            self.images[torch.from_numpy(np.sort(chosen[:count])).to(self.device)]
            for count in (settings.bandwidth_samples, fixed)
        )
        self.embeddings: dict[int, Tensor] = {}

    def begin(self, resume_file: Path | None, fingerprint: str) -> Progress:
        """The progress of a fresh run, or that of the run's resume file, whose tensors are taken over."""
        resumed = checkpoints.load(resume_file, fingerprint) if resume_file else None
        if resumed is None:
            return Progress(0, [], 0.0, 0.0)
        tensors, progress = resumed
        self.kernel_log_variance = tensors["kernel_log_variance"].to(self.device)
        self.module.load_state_dict(_under("network", tensors))
        for name, tensor in _under("optimizer", tensors).items():
            number, key = name.split(".")
            state = self.optimizer.state[self._parameters()[int(number)]]
            state[key] = tensor if key == "step" else tensor.to(self.device)
        self.embeddings = {int(epoch): tensor for epoch, tensor in _under("embedding", tensors).items()}
        log.info("resuming variant %s, seed %d, after epoch %d", self.network.variant, self.seed, progress.epoch)
        return progress

    def tensors(self) -> dict[str, Tensor]:
        """All that a resumed run needs, by name."""
        states = enumerate(self.optimizer.state.get(parameter, {}) for parameter in self._parameters())
        return {
            "kernel_log_variance": self.kernel_log_variance,
            **{f"network.{name}": tensor for name, tensor in self.module.state_dict().items()},
            **{f"optimizer.{number}.{key}": value for number, state in states for key, value in state.items()},
            **{f"embedding.{epoch}": tensor for epoch, tensor in self.embeddings.items()},
        }

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """One pass over the images; the means over its steps."""
        if self.settings.fit_kernels:
            self._fit_kernels()
        count, size = len(self.images), self.settings.batch_size
        order = torch.from_numpy(seeds.generator(self.seed, "shuffling", epoch - 1).permutation(count)).to(self.device)
        draws = self._draws(epoch).split(size)
        sums = self.images.new_zeros(3)
        for rows, noise in zip(order.split(size), draws, strict=True):
            sums += len(rows) * self._step(rows, noise)
        cross_entropy, information, correct = (sums.double() / count).tolist()
        if not math.isfinite(cross_entropy + information):
            raise TrainingError(
                f"the loss became {cross_entropy + information} in epoch {epoch} of variant {self.network.variant}, seed "
                f"{self.seed}; use a smaller learning_rate than {self.settings.learning_rate}"
            )
        square_norm = sum(weight.detach().double().square().sum().item() for weight in self.module.decayed())
        decay = self._decay_gradient() / 2 * square_norm
        return {
            "loss_nats": cross_entropy + self.settings.beta * information + decay,
            "cross_entropy_nats": cross_entropy,
            "information_bits": information / math.log(2),
            "train_accuracy_percent": 100 * correct,
            "noise_variance": math.exp(self.module.noise_log_variance.item()),
            "kernel_variance": math.exp(self.kernel_log_variance.item()),
            "weight_norm": math.sqrt(square_norm),
        }

    def record(self, epoch: int) -> None:
        """The two units of every image as they stand."""
        with torch.no_grad():
            statistics, size = self.network.batch_norm_evaluation, self.settings.evaluation_batch_size
            embedded = torch.cat([self.module.encode(images, statistics) for images in self.images.split(size)])
            if self.settings.noisy_embedding:
                embedded += self.module.noise(self._draws(epoch, self.settings.epochs))
        self.embeddings[epoch] = embedded.float().cpu()

    def _step(self, rows: Tensor, noise: Tensor) -> Tensor:
        """One step of the optimizer; cross-entropy (nats), the bound (nats) and the share of correct predictions."""
        module, labels = self.module, self.labels[rows]
        embedded = module.encode(self.images[rows], "update")
        logits = module.decode(embedded + module.noise(noise))
        cross_entropy = functional.cross_entropy(logits, labels)
        sample = module.encode(self.information_images, "batch") if len(self.information_images) else embedded
        information = information_nats(sample, module.noise_log_variance, self.kernel_log_variance)
        self.optimizer.zero_grad(set_to_none=True)
        (cross_entropy + self.settings.beta * information).backward()
        self.optimizer.step()
        with torch.no_grad():
            return torch.stack((cross_entropy, information, (logits.argmax(1) == labels).to(self.dtype).mean()))

    def _fit_kernels(self) -> None:
        with torch.no_grad():
            points = self.module.encode(self.bandwidth_images, "batch")
        whole = self.images.shape[1] if self.settings.bandwidth_dimension == "input" else points.shape[1]
        self.kernel_log_variance = self._scalar(kernel_bandwidth(points, whole))

    def _draws(self, *counters: int) -> Tensor:
        """Standard normal, one row for each image, drawn on the CPU so that every device has the same."""
        stream = torch.Generator().manual_seed(seeds.torch_seed(self.seed, "noise", *counters))
        return torch.randn(len(self.images), 2, generator=stream, dtype=self.dtype).to(self.device)

    def _optimizer(self) -> torch.optim.Optimizer:
        groups = [
            {"params": self.module.decayed(), "weight_decay": self._decay_gradient()},
            {"params": self.module.undecayed(), "weight_decay": 0.0},
        ]
        return OPTIMIZERS[self.settings.optimizer](groups, lr=self.settings.learning_rate, foreach=True)

    def _parameters(self) -> list[torch.nn.Parameter]:
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def _decay_gradient(self) -> float:
        return DECAY_GRADIENTS[self.settings.decay_convention] * self.settings.weight_decay

    def _scalar(self, value: float) -> Tensor:
        return torch.tensor(value, dtype=self.dtype, device=self.device)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{prefix}."): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")
    }


def _report(progress: Progress, settings: BottleneckSettings, variant: str, seed: int) -> None:
    left, last = progress.seconds / progress.epoch * (settings.epochs - progress.epoch), progress.history[-1]
    log.info(
        "sphere packing, variant %s, seed %d: epoch %d/%d, cross-entropy %.4f nats, I(X; T) %.2f bits, train accuracy %.2f %%, "
        "%s left",
        variant, seed, progress.epoch, settings.epochs, last["cross_entropy_nats"], last["information_bits"],
        last["train_accuracy_percent"], time.strftime("%H:%M:%S", time.gmtime(left)),
    )  # fmt: skip


def _checked(
    images: np.ndarray, labels: np.ndarray, settings: BottleneckSettings, network: NetworkSettings
) -> tuple[np.ndarray, np.ndarray]:
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim != 2 or images.dtype.kind != "f" or not np.isfinite(images).all():
        raise ValueError(
            f"images have shape {images.shape} and type {images.dtype}; pass finite floating-point images (N, inputs)"
        )
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu" or len(np.unique(labels)) < 2:
        raise ValueError(
            f"labels have shape {labels.shape} and type {labels.dtype} for {len(images)} images; "
            "pass one integer from 0 for each, of at least two classes"
        )
    if network.variant != "none" and len(images) % settings.batch_size == 1:
        raise InputError(
            f"batch_size is {settings.batch_size} and there are {len(images):,} images, so that the last minibatch has a "
            "single one, which batch normalization turns into zero; use another batch_size"
        )
    return images, labels.astype(np.int64)
