"""Plain stochastic gradient descent of one convolutional network, the paper's or a user's own (section 4.3)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from rate_distortion import information, seeds
from rate_distortion.datasets import prepared_data
from rate_distortion.models import convolutional, factory
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.models.shape import refuse_batches_of_one
from rate_distortion.training.descent import GradientDescent
from rate_distortion.training.evaluation import Evaluation, evaluate, predict
from rate_distortion.training.loop import FinishedRun, Trainee
from rate_distortion.training.schedule import batches, log_spaced_epochs, orders, training_labels
from rate_distortion.training.settings import PRECISIONS, TrainingSettings, select_device, short_products

FITTED_PERCENT = 99.9
"""Running training accuracy from which the training set counts as fitted."""

PERMUTATIONS = 999
"""Permuted label tables behind the p-value of the information: the smallest p-value is 0.001."""


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
class Member:
    """One network: which run it is, and what it is trained with."""

    name: RunName
    settings: TrainingSettings
    model: ModelSettings


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


def read_splits(
    data_folder: str | Path,
    data: Mapping[str, Any],
    train_on: str,
    settings: TrainingSettings,
    train_images: int | None = None,
) -> tuple[Split, dict[str, Split]]:
    """The images that are trained on, and the splits that are only evaluated, on the training device.

    Args:
        data_folder: prepared data (:mod:`rate_distortion.datasets.prepared_data`).
        data: the content of its ``dataset.json``.
        train_on: splits joined by "+".
        settings: device and precision.
        train_images: how many to train on, the first; None for all.
    """

    def split(name: str, count: int | None = None) -> Split:
        images, labels = prepared_data.load(data_folder, name)
        return Split.from_arrays(images[:count], labels[:count], settings)

    held_out = [name for name in ("validation", "test") if name not in train_on.split("+") and data["images"][name]]
    return split(train_on, train_images), {name: split(name) for name in held_out}


class ConvolutionalTrainee(Trainee):
    """One network; :class:`rate_distortion.training.packs.PackTrainee` trains several by the same rules.

    The history of its progress holds for every network {"rows": of history.csv, "first_fitted_epoch": ...}.

    Args:
        members: one network.
        train_split: training images with their original labels.
        held_out: splits that are only evaluated: {"test": ...}, and "validation" where it is not trained on.
        data: the content of the ``dataset.json`` of the images, "classes" at least.

    Raises:
        InputError: batches of one image under batch normalization, or a user's own network that cannot be trained.
    """

    def __init__(
        self, members: Sequence[Member], train_split: Split, held_out: Mapping[str, Split], data: Mapping[str, Any]
    ):
        described = [asdict(one) | (factory.source(one.model.factory) or {}) for one in members]
        super().__init__(self.named(members), members[0].settings, data, members=described)
        self.members, self.held_out, self.classes = members, held_out, data["classes"]
        self.images, self.original, self.device = train_split.images, train_split.labels, train_split.images.device
        self.labels, self.next_orders = torch.stack(list(self._drawn_labels(1))), None
        self.recorded = log_spaced_epochs(self.settings.epochs, max(2, self.settings.history_points), refill=False)
        self.progress.history = [{"rows": [], "first_fitted_epoch": None} for _ in members]
        modules = [fresh_model(one.name.seed, one.model, self.images, self.classes) for one in members]
        self._refuse_batches_of_one(modules[0])
        self.take(modules)

    def take(self, modules: Sequence[nn.Module]) -> None:
        """Make ready to train modules as they are."""
        (self.model,), (member,) = modules, self.members
        groups = convolutional.parameter_groups(self.model, member.model)
        self.descent = GradientDescent(groups, member.settings.learning_rate)

    def modules(self) -> Sequence[nn.Module]:
        """The networks as they stand."""
        return [self.model]

    def steps(self, order: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        """One pass in the given orders (K, N): losses (steps, K) in nats, and how many running predictions were right (K,)."""
        with random_layers(self.members[0].name.seed, epoch, self.device):
            losses, correct = train_epoch(
                self.model, self.descent, self.images, self.labels[0], order[0], self.settings.batch_size,
                self.settings.precision,
            )  # fmt: skip
        return losses.unsqueeze(1), correct.unsqueeze(0)

    def train_epoch(self, epoch: int) -> tuple[Tensor, str]:
        if any(m.settings.labels == "random" and m.settings.random_labels == "per_epoch" for m in self.members):
            for own, labels in zip(self.labels, self._drawn_labels(epoch), strict=True):
                own.copy_(labels)  # into the memory that the steps read
        order = self._orders(epoch) if self.next_orders is None else self.next_orders
        losses, correct = self.steps(order, epoch)
        self.next_orders = self._orders(epoch + 1)  # drawn while a GPU is still busy with the steps
        accuracies = (100.0 * correct.double() / len(self.images)).tolist()
        for record, accuracy_percent in zip(self.progress.history, accuracies, strict=True):
            if record["first_fitted_epoch"] is None and accuracy_percent >= FITTED_PERCENT:
                record["first_fitted_epoch"] = epoch
        loss = losses.double().mean().item()
        return losses, f"loss {loss:.4f} nats, train accuracy {np.mean(accuracies):.2f} %"

    def record(self, epoch: int) -> None:
        if epoch == 0 or epoch in self.recorded:
            for module, split, record in zip(self.modules(), self._splits(), self.progress.history, strict=True):
                record["rows"].append(history_row(epoch, module, split, self.held_out, self.settings))

    def state(self) -> dict[str, Tensor]:
        modules = enumerate(self.modules())
        return {f"{k}.{name}": tensor for k, module in modules for name, tensor in module.state_dict().items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        modules = self.modules()
        for k, module in enumerate(modules):
            module.load_state_dict({name: tensors[f"{k}.{name}"] for name in module.state_dict()})
        self.take(modules)

    def networks(self) -> list[tuple[str, float]]:
        return [(str(member.name), member.settings.learning_rate) for member in self.members]

    def finished(self) -> list[FinishedRun]:
        began, progress = time.perf_counter(), self.progress
        seen = self.settings.epochs * len(self.images)
        own_rate = seen / progress.training_seconds if seen else 0.0
        ends = [
            _evaluated(module, split, self.held_out, self.settings)
            for module, split in zip(self.modules(), self._splits(), strict=True)
        ]
        progress.seconds += time.perf_counter() - began
        note = self.pack_note(own_rate * len(self.members))
        return [
            self.finished_run(
                asdict(member.name), module,
                metrics | {
                    "weight_decay": member.model.weight_decay,
                    "decayed_norm": convolutional.decayed_norm(module, member.model),
                    "first_fitted_epoch": record["first_fitted_epoch"],
                    "images_per_second": own_rate,
                },
                {"history": record["rows"]}, {"predictions": predictions},
                settings=asdict(member.settings), model=asdict(member.model),
                model_factory=factory.source(member.model.factory), pack=note,
            )
            for member, record, (module, metrics, predictions) in zip(self.members, progress.history, ends, strict=True)
        ]  # fmt: skip

    def pack_note(self, images_per_second: float) -> dict[str, Any] | None:
        """With how many others a network was trained as one; None alone."""
        return None

    @staticmethod
    def named(members: Sequence[Member]) -> str:
        """For the log."""
        return str(members[0].name)

    def _splits(self) -> Iterator[Split]:
        """The training images with the labels of each network."""
        return (Split(self.images, labels) for labels in self.labels)

    def _orders(self, epoch: int) -> Tensor:
        return orders([member.name.seed for member in self.members], epoch, len(self.images)).to(self.device)

    def _drawn_labels(self, epoch: int) -> Iterator[Tensor]:
        for one in self.members:
            yield training_labels(self.original, one.settings, self.classes, one.name.seed, epoch)

    def _refuse_batches_of_one(self, model: nn.Module) -> None:
        sizes = {"batch_size": self.settings.batch_size, "train_images": len(self.images)}
        if convolutional.batch_normalizations(model):
            refuse_batches_of_one(**sizes, evaluation_batch_size=self.settings.evaluation_batch_size)
        elif any(isinstance(layer, convolutional.BATCH_NORMALIZATIONS) for layer in model.modules()):
            refuse_batches_of_one(**sizes)  # torch's own evaluates with averages


def train_epoch(
    model: nn.Module,
    descent: GradientDescent,
    images: Tensor,
    labels: Tensor,
    order: Tensor,
    batch_size: int,
    precision: str = "float32",
) -> tuple[Tensor, Tensor]:
    """One pass in the given order; returns each minibatch's loss (nats) and the count of running correct predictions."""
    losses, correct = [], torch.zeros((), dtype=torch.long, device=images.device)
    model.train()
    for rows in batches(order.to(images.device), batch_size):
        with short_products(images.device, precision):
            logits = model(images[rows])
        logits, targets = logits.to(images.dtype), labels[rows]
        loss = functional.cross_entropy(logits, targets)
        descent.zero_grad()
        loss.backward()
        descent.step()
        losses.append(loss.detach())
        correct += (logits.detach().argmax(1) == targets).sum()
    return torch.stack(losses), correct


def fresh_model(seed: int, settings: ModelSettings, images: Tensor, classes: int) -> nn.Module:
    """A model initialised from the seed's own stream, on the device and in the precision of ``images`` (N, C, H, W).

    Raises:
        InputError: a user's own network that cannot be trained (:func:`rate_distortion.models.factory.try_out`).
    """
    stream = torch.Generator().manual_seed(seeds.torch_seed(seed, "initialization"))
    model = convolutional.build(settings, tuple(images.shape[1:]), classes, stream)
    model = convolutional.placed(model, images.device, images.dtype)
    if settings.factory is not None:
        factory.try_out(settings.factory, model, images[:2], classes)
    return model


@contextlib.contextmanager
def random_layers(seed: int, epoch: int, device: torch.device) -> Iterator[None]:
    """What a user's network draws in an epoch (dropout) comes from a stream of its own; torch's generators are left as found.

    Every epoch has a seed of its own, so that a training that is resumed between epochs draws what it would have drawn.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seeds.torch_seed(seed, "layers", epoch - 1))
        yield


def weight_norms(model: nn.Module) -> dict[str, float]:
    """L2 norm of every parameter tensor."""
    return {name: parameter.detach().double().norm().item() for name, parameter in model.named_parameters()}


def history_row(
    epoch: int, model: nn.Module, train_split: Split, held_out: Mapping[str, Split], settings: TrainingSettings
) -> dict:
    """Loss (nats) and accuracy (percent) on every split and all weight norms, after an epoch."""
    if any(layer.evaluation == "population" for layer in convolutional.batch_normalizations(model)):
        convolutional.estimate_population_statistics(model, train_split.images, settings.evaluation_batch_size)
    row: dict[str, float] = {"epoch": epoch}
    for key, split in {"train": train_split, **held_out}.items():
        result = evaluate(predict(model, split.images, settings.evaluation_batch_size), split.labels)
        row |= {f"{key}_loss_nats": result.loss_nats, f"{key}_accuracy_percent": result.accuracy_percent}
    return row | {f"weight_norm_{tensor}": norm for tensor, norm in weight_norms(model).items()}


def _evaluated(
    model: nn.Module, train_split: Split, held_out: Mapping[str, Split], settings: TrainingSettings
) -> tuple[nn.Module, dict[str, Any], dict[str, np.ndarray]]:
    """Fill in a trained model's population statistics, and measure it on every split.

    Returns:
        the model; its numbers (:func:`_metrics`); and for predictions.npz the class probabilities of every test image
        (float32, (N, classes)) and the confusion tables of both splits.
    """
    size = settings.evaluation_batch_size
    convolutional.estimate_population_statistics(model, train_split.images, size)
    logits = {key: predict(model, split.images, size) for key, split in held_out.items()}
    train = evaluate(predict(model, train_split.images, size), train_split.labels)
    results = {key: evaluate(logits[key], split.labels) for key, split in held_out.items()}
    numbers = _metrics(train, results) | {
        "weight_norms": weight_norms(model),
        "batch_norm_evaluations": _batch_norm_evaluations(model, train_split, held_out["test"], size),
    }
    predictions = {
        "test_probabilities": logits["test"].double().softmax(1).float().cpu().numpy(),
        "test_confusion": results["test"].confusion,
        "train_confusion": train.confusion,
    }
    return model, numbers, predictions


def _metrics(train: Evaluation, held_out: Mapping[str, Evaluation]) -> dict[str, Any]:
    """Percent, points (signed gap, train minus test), nats and bits.

    ``train_*`` are measured against the labels that were trained on, random or not; test labels are always the original ones.
    """
    test = held_out["test"]
    train_information = information.confusion_information(train.confusion, permutations=PERMUTATIONS)
    return {
        "train_accuracy": train.accuracy_percent,
        "test_accuracy": test.accuracy_percent,
        **{
            f"{split}_{quantity}": value
            for split, result in held_out.items()
            if split != "test"
            for quantity, value in (("accuracy", result.accuracy_percent), ("loss", result.loss_nats))
        },
        "generalization_gap": train.accuracy_percent - test.accuracy_percent,
        "train_loss": train.loss_nats,
        "test_loss": test.loss_nats,
        "loss_gap": test.loss_nats - train.loss_nats,
        "prediction_information": test.information_bits,
        "train_prediction_information": train_information.value_bits,
        "train_permutation_p_value": train_information.p_value,
        "train_predicted_classes": int((train.confusion.sum(axis=0) > 0).sum()),
        "train_majority_percent": 100.0 * float(train.confusion.sum(axis=1).max() / train.confusion.sum()),
        "train_images": int(train.confusion.sum()),
        "test_images": int(test.confusion.sum()),
    }


def _batch_norm_evaluations(
    model: nn.Module, train_split: Split, test_split: Split, batch_size: int
) -> dict[str, dict[str, float]]:
    """Train and test accuracy (percent) under each kind of statistics; empty for a model without batch normalization."""
    layers = convolutional.batch_normalizations(model)
    chosen, results = [layer.evaluation for layer in layers], {}
    for evaluation in convolutional.BATCH_NORM_EVALUATIONS if layers else ():
        convolutional.set_batch_norm_evaluation(model, evaluation)
        results[evaluation] = {
            f"{key}_accuracy": evaluate(predict(model, split.images, batch_size), split.labels).accuracy_percent
            for key, split in (("train", train_split), ("test", test_split))
        }
    for layer, evaluation in zip(layers, chosen, strict=True):
        layer.evaluation = evaluation
    return results
