"""Training a pack of networks that differ in variant, weight decay, learning rate, labels or seed (section 4.3).

They share the images, the epochs, the batch size and the shape of their tensors, and nothing else: each has the initialisation,
the shuffles and the random labels of its own seed, as when it is trained alone, and is evaluated by the same functions.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rate_distortion import seeds
from rate_distortion.models.back_ends import BACK_ENDS
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.models.packs import NetworkPack
from rate_distortion.training import checkpoints
from rate_distortion.training import convolutional as training
from rate_distortion.training.checkpoints import Progress
from rate_distortion.training.convolutional import FITTED_PERCENT, RunName, Split, TrainedRun, TrainingSettings
from rate_distortion.training.steps import Stepper, choose_back_end, default_back_end

log = logging.getLogger(__name__)

OWN_TRAINING_SETTINGS = ("learning_rate", "labels", "random_labels")
"""Training settings that may differ within a pack."""

SHARED_MODEL_SETTINGS = ("normalization", "width")
"""Model settings that may not: they decide the shape of the tensors."""


@dataclass(frozen=True)
class Member:
    """One network of a pack: which run it is, and what it would be trained with alone."""

    name: RunName
    settings: TrainingSettings
    model: ModelSettings


def train(
    members: Sequence[Member],
    train_split: Split,
    held_out: dict[str, Split],
    classes: int,
    *,
    resume_file: Path | None = None,
    data_checksum: str = "",
    before_saving: Callable[[], object] = lambda: None,
    back_end: str | None = None,
) -> list[TrainedRun]:
    """Train several networks as one.

    Args:
        members: the networks; see :func:`check_members` for what they must share.
        train_split: training images with their original labels.
        held_out: splits that are only evaluated: {"test": ...}, and "validation" where it is not trained on.
        classes: number of classes.
        resume_file: where to keep a checkpoint of the whole pack; used when it is of this very pack; the caller removes it
            once the results are written.
        data_checksum: identifies the images in the checkpoint's fingerprint.
        before_saving: called before each checkpoint; what it raises ends the training.
        back_end: a name of :data:`rate_distortion.packed_training.BACK_ENDS`; by default the fastest by a short measurement
            on a GPU, which a resumed training does not repeat, and separate convolutions on a CPU.

    Returns:
        the runs in the order of their members, each as :func:`training.convolutional.train` returns it. Its seconds are its
        share of the pack's, its images per second its own: the pack makes as many times more as it has members.

    Raises:
        TrainingError: a loss is not finite; one network stops the pack.
        ValueError: the members cannot be trained as one.
    """
    check_members(members)
    training.make_deterministic(members[0].settings.threads, members[0].settings.precision)
    fingerprint = checkpoints.fingerprint({"members": [asdict(member) for member in members], "data": data_checksum})
    run = _Run(members, train_split, held_out, classes)
    run.begin(resume_file, fingerprint, back_end)
    run.train(resume_file, fingerprint, before_saving)
    return run.finished()


def check_members(members: Sequence[Member]) -> None:
    """Refuse networks that cannot be trained as one.

    Raises:
        ValueError: no member, a run that is there twice, a model of the user's own (its step is unknown), or a setting that
            must be shared and is not.
    """
    if not members:
        raise ValueError("a pack has no members; name at least one run")
    for member in members:
        if member.model.factory is not None:
            raise ValueError(
                f"{member.name} is the user's own model {member.model.factory!r}, which cannot be packed: train it alone"
            )
    first = members[0]
    if len({member.name for member in members}) < len(members):
        raise ValueError("a run is twice in one pack; name each once")
    shared = [
        *(("settings", field.name) for field in fields(TrainingSettings) if field.name not in OWN_TRAINING_SETTINGS),
        *(("model", key) for key in SHARED_MODEL_SETTINGS),
    ]
    for member in members[1:]:
        for part, key in shared:
            own, others = getattr(getattr(member, part), key), getattr(getattr(first, part), key)
            if own != others:
                raise ValueError(
                    f"{key} is {own!r} for {member.name} and {others!r} for {first.name}; a pack shares it: use two packs"
                )


class _Run:
    """A pack in training."""

    def __init__(self, members: Sequence[Member], train_split: Split, held_out: dict[str, Split], classes: int):
        self.members, self.settings = members, members[0].settings
        self.images, self.original, self.held_out, self.classes = (
            train_split.images,
            train_split.labels,
            held_out,
            classes,
        )
        self.device = self.images.device
        self.labels = torch.stack(list(self._labels(0)))
        self.progress = Progress(0, [{"rows": [], "first_fitted_epoch": None} for _ in members], 0.0, 0.0)

    def begin(self, resume_file: Path | None, fingerprint: str, back_end: str | None) -> None:
        """Initialise the networks, or take them from the pack's resume file; settle the back-end."""
        began = time.perf_counter()
        modules = [
            training.fresh_model(member.name.seed, member.model, self.images, self.classes) for member in self.members
        ]
        if resumed := checkpoints.load(resume_file, fingerprint) if resume_file else None:
            tensors, self.progress = resumed
            for k, module in enumerate(modules):
                module.load_state_dict({name: tensors[f"{k}.{name}"] for name in module.state_dict()})
            log.info("resuming %s after epoch %d", self, self.progress.epoch)
        choices = self.progress.choices
        chosen = back_end or choices.get("back_end") or default_back_end(self.device)
        self.pack = NetworkPack(modules, chosen or next(iter(BACK_ENDS)))
        models, rates = (
            [member.model for member in self.members],
            [member.settings.learning_rate for member in self.members],
        )
        self.stepper = Stepper(self.pack, models, rates, self.images, self.labels)
        if chosen is None:
            chosen, measured = choose_back_end(self.stepper, min(self.settings.batch_size, len(self.images)))
            log.info(
                "back-end %s; ms per step: %s", chosen, {name: round(value, 3) for name, value in measured.items()}
            )
            choices["milliseconds_per_step"] = measured
        choices["back_end"] = chosen
        self.progress.seconds += time.perf_counter() - began

    def train(self, resume_file: Path | None, fingerprint: str, before_saving: Callable[[], object]) -> None:
        """All epochs that are left, with records and checkpoints."""
        settings, progress = self.settings, self.progress
        recorded = training.history_epochs(settings)
        report = training.Reporter(str(self), settings, len(self.images) * len(self.members))
        seconds_before, started = progress.seconds, time.perf_counter()
        saved, order = started, self._order(progress.epoch)
        for epoch in range(progress.epoch, settings.epochs):
            self._relabel(epoch)
            if epoch == 0:
                self._record(0)
            epoch_started = time.perf_counter()
            losses = self._steps(order)
            # Drawn while a GPU is still busy with the steps.
            order = self._order(epoch + 1)
            loss, accuracy_percent = self._check(losses, epoch)
            progress.training_seconds += time.perf_counter() - epoch_started
            if epoch + 1 in recorded:
                self._record(epoch + 1)
            now = time.perf_counter()
            progress.epoch, progress.seconds = epoch + 1, seconds_before + now - started
            if resume_file and now - saved >= settings.checkpoint_seconds and epoch + 1 < settings.epochs:
                before_saving()
                checkpoints.save(resume_file, self._tensors(), progress, fingerprint)
                saved = now
            report(progress, loss, accuracy_percent)

    def finished(self) -> list[TrainedRun]:
        """Every network evaluated."""
        began, progress, share = time.perf_counter(), self.progress, 1 / len(self.members)
        self._relabel(self.settings.epochs - 1)
        rate = len(self.members) * self.settings.epochs * len(self.images) / progress.training_seconds
        note = {
            "networks": len(self.members),
            "runs": [str(member.name) for member in self.members],
            "images_per_second": rate,
            "seconds": progress.seconds,
            "cuda_graph": self.stepper.captures,
            **progress.choices,
        }
        runs = []
        for member, module, labels, record in zip(
            self.members, self.pack.modules(), self.labels, progress.history, strict=True
        ):
            own = replace(progress, history=record["rows"], first_fitted_epoch=record["first_fitted_epoch"], choices={})
            split = Split(self.images, labels)
            run = training.finished_run(module, split, self.held_out, member.settings, own)
            runs.append(replace(run, pack=note))
        note["seconds"] += time.perf_counter() - began
        for run in runs:
            run.progress.seconds = share * note["seconds"]
            run.progress.training_seconds *= share
        return runs

    def __str__(self) -> str:
        name = self.members[0].name
        return f"pack of {len(self.members)} networks, batch size {name.batch_size} (study {name.study})"

    def _steps(self, order: Tensor) -> Tensor:
        """One epoch in the given orders (K, N); returns losses (steps, K)."""
        minibatches = order.split(self.settings.batch_size, 1)
        losses = torch.empty(len(minibatches), len(self.members), dtype=self.images.dtype, device=self.device)
        for own, rows in zip(losses, minibatches, strict=True):
            own.copy_(self.stepper.step(rows))
        return losses

    def _check(self, losses: Tensor, epoch: int) -> tuple[float, float]:
        """Mean loss and running accuracy of an epoch over the pack; remembers which network has fitted its labels."""
        means = [
            training.finite_mean(own, member.name, epoch, member.settings)
            for own, member in zip(losses.cpu().t(), self.members, strict=True)
        ]
        accuracies = (100.0 * self.stepper.correct.double() / len(self.images)).tolist()
        self.stepper.correct.zero_()
        for record, accuracy_percent in zip(self.progress.history, accuracies, strict=True):
            if record["first_fitted_epoch"] is None and accuracy_percent >= FITTED_PERCENT:
                record["first_fitted_epoch"] = epoch + 1
        return float(np.mean(means)), float(np.mean(accuracies))

    def _record(self, epoch: int) -> None:
        for module, labels, record in zip(self.pack.modules(), self.labels, self.progress.history, strict=True):
            split = Split(self.images, labels)
            record["rows"].append(training.history_row(epoch, module, split, self.held_out, self.settings))

    def _order(self, epoch: int) -> Tensor:
        """The order of the images for every network, (K, N); that of a seed is the same for all its networks."""
        own = [member.name.seed for member in self.members]
        distinct = sorted(set(own))
        orders = [seeds.generator(seed, "shuffling", epoch).permutation(len(self.images)) for seed in distinct]
        return torch.from_numpy(np.stack(orders)).to(self.device)[[distinct.index(seed) for seed in own]]

    def _labels(self, epoch: int) -> Iterable[Tensor]:
        for member in self.members:
            yield training.training_labels(self.original, member.settings, self.classes, member.name.seed, epoch)

    def _relabel(self, epoch: int) -> None:
        """Random labels that are drawn anew every epoch, into the memory that the steps read."""
        if any(m.settings.labels == "random" and m.settings.random_labels == "per_epoch" for m in self.members):
            for own, labels in zip(self.labels, self._labels(epoch), strict=True):
                own.copy_(labels)

    def _tensors(self) -> dict[str, Any]:
        return {
            f"{k}.{name}": tensor
            for k, module in enumerate(self.pack.modules())
            for name, tensor in module.state_dict().items()
        }
