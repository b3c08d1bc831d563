"""Training the nonlinear information bottleneck of Figure 6, with an embedding of every image at chosen epochs.

The loss is cross-entropy + beta * I(X; T) + weight decay, where I(X; T) is the pairwise bound in nats and T the layer of two
units with noise of trained variance. Before each epoch the bound's kernels are fitted to the layer as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from rate_distortion import datasets, seeds
from rate_distortion.analysis import geometry
from rate_distortion.errors import InputError, require_known
from rate_distortion.models.bottleneck import Bottleneck, BottleneckSettings
from rate_distortion.models.pairwise_bound import information_nats, kernel_bandwidth
from rate_distortion.models.shape import refuse_batches_of_one
from rate_distortion.storage import provenance
from rate_distortion.training.loop import FinishedRun, Trainee
from rate_distortion.training.schedule import batches, flat_images, log_spaced_epochs, orders

MINIBATCH = "minibatch"
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
DECAY_GRADIENTS = {"whole": 2.0, "half": 1.0}
"""Gradient of the decay in units of lambda w: "whole" is lambda ||w||^2, as Keras has it, "half" is lambda/2 ||w||^2."""
BANDWIDTH_DIMENSIONS = ("input", "layer")


@dataclass(frozen=True)
class BottleneckTrainingSettings:
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
            :class:`rate_distortion.training.settings.TrainingSettings`.

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
        return sorted({0, *self.figure_epochs, *log_spaced_epochs(self.epochs, self.points)})


def trainees(
    runs: Mapping[Path, Mapping[str, Any]], settings: Mapping[str, Any], downloads: str | Path = "data"
) -> Iterator[tuple[list[Path], Trainee]]:
    """The networks of figure 6, one after another.

    Args:
        runs: folder -> study, variant and seed.
        settings: of :meth:`rate_distortion.studies.Study.bottleneck`.
        downloads: where downloads lie.

    Yields:
        a folder, and what is trained for it.
    """
    images, labels = load_images(settings["data"], downloads)
    data = describe_images(settings["data"], downloads, images)
    training = BottleneckTrainingSettings(**settings["training"])
    for folder, run in runs.items():
        network = BottleneckSettings(variant=run["variant"], **settings["network"])
        yield [folder], BottleneckTrainee(training, network, images, labels, run["seed"], data=data, study=run["study"])


def load_images(data: Mapping[str, Any], data_folder: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Training images, flat, float32 from ``pixel_minimum`` to 1, (N, pixels), and int64 labels (N,).

    Args:
        data: dataset, pixel_minimum, and where they are set image_size and train_images.
        data_folder: where downloads lie.
    """
    loaded = datasets.load(
        data["dataset"],
        "train",
        count=data.get("train_images"),
        image_size=data.get("image_size"),
        data_folder=data_folder,
    )
    pixels = loaded.images.reshape(len(loaded), -1).astype(np.float32)
    low = data["pixel_minimum"]
    return pixels * np.float32((1 - low) / 255) + np.float32(low), loaded.labels


def describe_images(data: Mapping[str, Any], data_folder: str | Path, images: np.ndarray) -> dict[str, Any]:
    """What the images are and where they come from, for the records of a run."""
    return {
        **data,
        "description": datasets.DESCRIPTIONS[data["dataset"]],
        "images": len(images),
        "pixels": images.shape[1],
        "sha256": {"pixels": provenance.array_checksum(images)},
        "sources_md5": datasets.checksums(data["dataset"], data_folder),
    }


class BottleneckTrainee(Trainee):
    """One network on one seed.

    The history of its progress has a row an epoch: epoch, loss_nats (with all penalties), cross_entropy_nats, information_bits
    and train_accuracy_percent as means over the epoch's steps, noise and moving weights included; noise_variance,
    kernel_variance and weight_norm (of the decayed weights) at the end of the epoch.

    Attributes:
        embeddings: epoch -> float32 (N, 2) on the CPU, the two units of every training image.

    Args:
        settings, network: what to do.
        images: (N, inputs), floating point.
        labels: integers from 0, (N,).
        seed: of the initialisation, the shuffles and the noise.
        data: what the images are.
        study: whose network it is.

    Raises:
        ValueError: for images or labels that cannot be trained on.
        InputError: for batches of one image under batch normalization.
    """

    def __init__(
        self,
        settings: BottleneckTrainingSettings,
        network: BottleneckSettings,
        images: np.ndarray,
        labels: np.ndarray,
        seed: int,
        *,
        data: Mapping[str, Any] | None = None,
        study: str = "",
    ):
        images, labels = flat_images(images, labels)
        if network.variant != "none":
            averaged = network.batch_norm_evaluation == "ema"
            evaluation = {} if averaged else {"evaluation_batch_size": settings.evaluation_batch_size}
            refuse_batches_of_one(train_images=len(images), batch_size=settings.batch_size, **evaluation)
        described = {"network": asdict(network), "seed": seed, "study": study}
        super().__init__(f"sphere packing, variant {network.variant}, seed {seed}", settings, data, **described)
        self.network, self.seed, self.study = network, seed, study
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
        self.recorded = set(settings.recorded_epochs())

    def train_epoch(self, epoch: int) -> tuple[Tensor, str]:
        if self.settings.fit_kernels:
            self._fit_kernels()
        count, size = len(self.images), self.settings.batch_size
        (order,) = orders([self.seed], epoch, count).to(self.device)
        sums = self.images.new_zeros(3)
        for rows, noise in zip(batches(order, size), batches(self._draws(epoch), size), strict=True):
            sums += len(rows) * self._step(rows, noise)
        self.means = (sums.double() / count).tolist()
        cross_entropy, information, correct = self.means
        words = (
            f"cross-entropy {cross_entropy:.4f} nats, I(X; T) {information / math.log(2):.2f} bits, train accuracy "
            f"{100 * correct:.2f} %"
        )
        return sums[:2].sum().view(1, 1), words

    def record(self, epoch: int) -> None:
        """The means over the steps of the epoch, and the two units of every image as they stand."""
        if epoch:
            self.progress.history.append({"epoch": epoch, **self._epoch_row()})
        if epoch in self.recorded:
            self.embeddings[epoch] = self._embedded(epoch).float().cpu()

    def state(self) -> dict[str, Tensor]:
        states = enumerate(self.optimizer.state.get(parameter, {}) for parameter in self._parameters())
        return {
            "kernel_log_variance": self.kernel_log_variance,
            **{f"network.{name}": tensor for name, tensor in self.module.state_dict().items()},
            **{f"optimizer.{number}.{key}": value for number, state in states for key, value in state.items()},
            **{f"embedding.{epoch}": tensor for epoch, tensor in self.embeddings.items()},
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        self.kernel_log_variance = tensors["kernel_log_variance"].to(self.device)
        self.module.load_state_dict(_under("network", tensors))
        for name, tensor in _under("optimizer", tensors).items():
            number, key = name.split(".")
            state = self.optimizer.state[self._parameters()[int(number)]]
            state[key] = tensor if key == "step" else tensor.to(self.device)
        self.embeddings = {int(epoch): tensor for epoch, tensor in _under("embedding", tensors).items()}

    def finished(self) -> list[FinishedRun]:
        """Loss, information and accuracy are means over the steps of the last epoch."""
        settings, last = self.settings, self.progress.history[-1]
        metrics = {
            "batch_size": settings.batch_size,
            "learning_rate": settings.learning_rate,
            "dataset": self.data.get("description"),
            "train_images": len(self.images),
            "train_loss": last["loss_nats"],
            "train_cross_entropy": last["cross_entropy_nats"],
            "train_accuracy": last["train_accuracy_percent"],
            "input_information": last["information_bits"],
            "noise_variance": last["noise_variance"],
            "training_seconds": self.progress.training_seconds,
        }
        labels, epochs = self.labels.cpu().numpy(), np.array(sorted(self.embeddings))
        embedding = np.stack([self.embeddings[epoch].numpy() for epoch in epochs])
        run = {"study": self.study, "variant": self.network.variant, "seed": self.seed}
        return [
            self.finished_run(
                run,
                self.module.cpu(),
                metrics,
                {"history": self.progress.history, "geometry": geometry.history(epochs, embedding, labels)},
                {"embedding": {"epochs": epochs, "embedding": embedding, "labels": labels.astype(np.uint8)}},
                network=asdict(self.network),
                data=dict(self.data),
            )
        ]

    def _epoch_row(self) -> dict[str, float]:
        cross_entropy, information, correct = self.means
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

    @torch.no_grad()
    def _embedded(self, epoch: int) -> Tensor:
        """The two units of every image as they stand, (N, 2)."""
        statistics, size = self.network.batch_norm_evaluation, self.settings.evaluation_batch_size
        embedded = torch.cat([self.module.encode(images, statistics) for images in batches(self.images, size)])
        return (
            embedded + self.module.noise(self._draws(epoch, self.settings.epochs))
            if self.settings.noisy_embedding
            else embedded
        )

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


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{prefix}."): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")
    }
