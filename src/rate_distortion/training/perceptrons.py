"""Training multilayer perceptrons as one pack, with the records of Figures 2 and 3 (Sections 4.1 and 4.2).

The networks of a pack share settings, data and the epochs of their records, and nothing else: each has the initialisation,
the shuffles and the random labels of its own seed. Records change nothing: a recorded epoch takes the same steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from rate_distortion.analysis import information_plane
from rate_distortion.analysis.information_plane import ESTIMATORS, Estimator, PlaneSettings
from rate_distortion.datasets import prepared_data
from rate_distortion.errors import InputError
from rate_distortion.models.perceptrons import Pass, PerceptronPack, PerceptronSettings, build
from rate_distortion.models.shape import refuse_batches_of_one
from rate_distortion.training.gradients import GradientMoments
from rate_distortion.training.loop import FinishedRun, Trainee
from rate_distortion.training.schedule import batches, flat_images, log_spaced_epochs, orders, training_labels
from rate_distortion.training.settings import TrainingSettings

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


def trainees(
    runs: Mapping[Path, Mapping[str, Any]], settings: Mapping[str, Any], data_folder: str | Path
) -> Iterator[tuple[list[Path], Trainee]]:
    """The networks of a cell, one for each seed, as one pack.

    Args:
        runs: folder -> study, activation, normalization, labels and seed.
        settings: of the cell (:meth:`rate_distortion.studies.Study.perceptron`).
        data_folder: two digits, as :func:`rate_distortion.datasets.preparation.prepare_digit_pair` writes them.

    Yields:
        all folders, and the pack.
    """
    images, labels = prepared_data.load(data_folder, "train")
    yield (
        [*runs],
        PerceptronTrainee(
            TrainingSettings(**settings["training"]),
            PerceptronSettings(**settings["network"]),
            record_settings(settings["gradients"], settings["plane"]),
            images,
            labels,
            [run["seed"] for run in runs.values()],
            data=prepared_data.describe(data_folder),
            study=next(iter(runs.values()))["study"],
        ),
    )


def record_settings(gradients: Mapping[str, Any], plane: Mapping[str, Any]) -> RecordSettings:
    """What is recorded: the paper's estimator, those that answer the objections to it, and its other bins and samples.

    Args:
        gradients, plane: of :meth:`rate_distortion.studies.Study.perceptron`.
    """
    main, *others = (replace(estimator, bins=plane["bins"]) for estimator in ESTIMATORS)
    other_bins = (replace(main, name=f"{main.name}_{bins}", bins=bins) for bins in plane["other_bins"])
    other_samples = (replace(main, name=f"{main.name}_{n}_samples", samples=n) for n in plane["other_samples"])
    estimators: tuple[Estimator, ...] = (main, *others, *other_bins, *other_samples)
    taken = {key: plane[key] for key in ("samples", "points", "other_points", "permutations", "output")}
    return RecordSettings(gradients["points"], gradients["weights"], PlaneSettings(estimators=estimators, **taken))


class PerceptronTrainee(Trainee):
    """One network for each seed, all trained at once.

    The history of its progress holds for every network its rows by table, which begin with seed, labels and epoch (0 is before
    the first step): history (train_loss_nats, train_accuracy_percent, over all training images), gradient_snr (layer,
    mean_norm, deviation_norm, weight_norm, minibatches: of the weights, biases aside, over that epoch's minibatches) and
    information_plane (:func:`rate_distortion.analysis.information_plane.plane_rows`; a hidden layer's T is what the next layer
    sees, so after any batch normalization, for which the samples are one batch).

    Args:
        settings: epochs, learning rate, batch size, labels, device, precision and so on; random labels are drawn once.
        network: the shape of the networks.
        records: what to record.
        images: (N, inputs), floating point.
        labels: original labels, integers from 0, (N,).
        seeds: one network each, all different.
        data: what the images are.
        study: whose networks they are.

    Raises:
        ValueError: for images or labels that cannot be trained on.
        InputError: for no seed, a seed twice, random labels that are not fixed, or batches of one image under batch
            normalization.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        network: PerceptronSettings,
        records: RecordSettings,
        images: np.ndarray,
        labels: np.ndarray,
        seeds: Sequence[int],
        *,
        data: Mapping[str, Any] | None = None,
        study: str = "",
    ):
        images, labels = _checked(images, labels, seeds, settings, network)
        title = f"multilayer perceptrons, {settings.labels} labels, seeds {', '.join(map(str, seeds))}"
        described = {"network": asdict(network), "records": asdict(records), "seeds": [*seeds], "study": study}
        super().__init__(title, settings, data, **described)
        self.network, self.records, self.seeds, self.study = network, records, seeds, study
        self.progress.history = [{table: [] for table in RECORDS} for _ in seeds]
        used, classes = images.any(axis=0), int(labels.max()) + 1
        self.used_inputs = torch.from_numpy(used)
        self.images = torch.from_numpy(np.ascontiguousarray(images[:, used])).to(self.device, self.dtype)
        original = torch.from_numpy(labels)
        own_labels = [training_labels(original, settings, classes, seed, epoch=1) for seed in seeds]
        self.labels = torch.stack(own_labels).to(self.device)
        self.targets = functional.one_hot(self.labels).to(self.dtype)
        modules = [build(network, images.shape[1], classes, seed).to(self.device, self.dtype) for seed in seeds]
        self.pack = PerceptronPack(network, modules, self.used_inputs)
        # One image more than a minibatch has, which a last single one joins.
        self.minibatch = self.images.new_empty(len(seeds) * (settings.batch_size + 1), self.images.shape[1])
        rows = information_plane.sample_rows(images, records.plane.samples)
        self.samples = torch.from_numpy(rows).to(self.device)
        points = (settings.history_points, records.gradient_points, records.plane.points, records.plane.other_points)
        self.history_epochs, self.gradient_epochs, self.plane_epochs, self.all_estimator_epochs = (
            log_spaced_epochs(settings.epochs, count) for count in points
        )

    def train_epoch(self, epoch: int) -> tuple[Tensor, str]:
        """Each network in its own order; gradients are recorded on the way if they are due."""
        moments = GradientMoments(self.pack) if epoch in self.gradient_epochs else None
        moving = moments and self.records.gradient_weights == "moving"
        for images, targets in self._minibatches(epoch):
            found = self.pack.forward(images)
            errors, normalization = self.pack.errors(found, targets)
            if moving:
                moments.add(found, errors)
            self.pack.descend(found, errors, normalization, self.settings.learning_rate)
        if moments and not moving:
            for images, targets in self._minibatches(epoch):
                found = self.pack.forward(images)
                moments.add(found, self.pack.errors(found, targets)[0])
        if moments:
            self._add("gradient_snr", moments.rows(self.pack), epoch)
        # The errors of the last minibatch are finite as long as its loss is, which no step needs.
        return errors[-1].abs().sum((1, 2)).unsqueeze(0), ""

    def record(self, epoch: int) -> None:
        """Loss and accuracy, and the information plane."""
        if epoch in self.history_epochs or epoch == 0:
            self._add("history", self._evaluation(), epoch)
        plane = self.records.plane
        everything = epoch in self.all_estimator_epochs or (epoch == 0 and plane.other_points > 0)
        if everything or epoch in self.plane_epochs or (epoch == 0 and plane.points > 0):
            estimators = plane.estimators if everything else plane.estimators[:1]
            self._add("information_plane", self._plane_rows(estimators), epoch)

    def state(self) -> dict[str, Tensor]:
        modules = zip(self.seeds, self.pack.modules(), strict=True)
        return {f"seed{seed}.{name}": value for seed, module in modules for name, value in module.state_dict().items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        modules = self.pack.modules()
        for seed, module in zip(self.seeds, modules, strict=True):
            module.load_state_dict({name: tensors[f"seed{seed}.{name}"] for name in module.state_dict()})
        self.pack = PerceptronPack(self.network, modules, self.used_inputs)

    def networks(self) -> list[tuple[str, float]]:
        return [
            (
                f"the multilayer perceptron with seed {seed} and {self.settings.labels} labels",
                self.settings.learning_rate,
            )
            for seed in self.seeds
        ]

    def finished(self) -> list[FinishedRun]:
        network, settings = self.network, self.settings
        cell = {"study": self.study, "activation": network.activation, "normalization": network.normalization}
        measured = {
            "batch_size": settings.batch_size,
            "learning_rate": settings.learning_rate,
            "train_images": len(self.images),
            "training_seconds": self.progress.training_seconds / len(self.seeds),
        }
        runs = []
        for seed, module, tables in zip(self.seeds, self.pack.modules(), self.progress.history, strict=True):
            last = tables["history"][-1]
            metrics = {"train_loss": last["train_loss_nats"], "train_accuracy": last["train_accuracy_percent"]}
            run = cell | {"labels": settings.labels, "seed": seed}
            own = {"network": asdict(network), "seeds_trained_together": [*self.seeds]}
            runs.append(self.finished_run(run, module.cpu(), measured | metrics, tables, **own))
        return runs

    def _minibatches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (K, batch, used inputs), in a buffer that the next minibatch overwrites, and targets (K, classes, batch)."""
        size, order = self.settings.batch_size, orders(self.seeds, epoch, len(self.images)).to(self.device)
        targets = self.targets.gather(1, order.unsqueeze(2).expand_as(self.targets)).transpose(1, 2).contiguous()
        for rows, batch_targets in zip(batches(order, size, 1), batches(targets, size, 2), strict=True):
            buffer = self.minibatch[: rows.numel()]
            torch.index_select(self.images, 0, rows.reshape(-1), out=buffer)
            yield buffer.view(len(self.seeds), rows.shape[1], -1), batch_targets

    def _forward(self, images: Tensor) -> Pass:
        """The same images (n, used inputs) through every network, as one batch."""
        return self.pack.forward(images.expand(len(self.seeds), -1, -1))

    def _evaluation(self) -> list[list[dict]]:
        """Mean cross-entropy and accuracy on all training images, one row for each network."""
        size = self.settings.evaluation_batch_size
        logits = torch.cat([self._forward(images).logits for images in batches(self.images, size)], 2).double()
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


def _checked(
    images: np.ndarray,
    labels: np.ndarray,
    seeds: Sequence[int],
    settings: TrainingSettings,
    network: PerceptronSettings,
) -> tuple[np.ndarray, np.ndarray]:
    images, labels = flat_images(images, labels)
    if not len(seeds) or len(set(seeds)) < len(seeds):
        raise InputError(f"the seeds are {list(seeds)}; name at least one, and each once")
    if settings.labels == "random" and settings.random_labels != "fixed":
        raise InputError(f"random_labels is {settings.random_labels!r}; memorization needs labels that are fixed")
    if network.normalization == "batch":
        refuse_batches_of_one(batch_size=settings.batch_size, evaluation_batch_size=settings.evaluation_batch_size)
    return images, labels
