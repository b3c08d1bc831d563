"""Training a pack of networks that differ in variant, weight decay, learning rate, labels or seed (section 4.3).

They share the images, the epochs, the batch size and the shape of their tensors, and nothing else: each has the initialisation,
the shuffles and the random labels of its own seed, as when it is trained alone, and is evaluated by the same functions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rate_distortion.datasets import prepared_data
from rate_distortion.models.back_ends import CPU_BACK_END
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.models.packs import ConvolutionalPack
from rate_distortion.training.convolutional import ConvolutionalTrainee, Member, RunName, Split, read_splits
from rate_distortion.training.loop import Trainee
from rate_distortion.training.schedule import batches
from rate_distortion.training.settings import TrainingSettings
from rate_distortion.training.steps import Stepper, choose_back_end, default_back_end
from rate_distortion.training.trained_weights import TrainedTrainee

log = logging.getLogger(__name__)

OWN_TRAINING_SETTINGS = ("learning_rate", "labels", "random_labels")
"""Training settings that may differ within a pack."""

SHARED_MODEL_SETTINGS = ("normalization", "width")
"""Model settings that may not: they decide the shape of the tensors."""


def trainees(
    runs: Mapping[Path, Mapping[str, Any]],
    settings: Mapping[str, Any],
    data_folder: str | Path,
    weight_decay: float | None = None,
) -> Iterator[tuple[list[Path], Trainee]]:
    """Convolutional networks, one after another, or as one pack where settings are those of a pack and all of it is asked for.

    Args:
        runs: folder -> study, model, batch_size, labels and seed.
        settings: model, training and train_on of a cell (:class:`rate_distortion.studies.Study`), train_images where it is
            trained on only the first of them, and the file of its weights where it is trained already; or of a pack's cells by
            "model/labels".
        data_folder: prepared data.
        weight_decay: the calibration's choice, for models that use it.

    Yields:
        folders and what is trained for them.
    """
    cells = {folder: f"{run['model']}/{run['labels']}" for folder, run in runs.items()}
    by_cell = dict.fromkeys(cells.values(), settings) if "training" in settings else settings
    changed = {} if weight_decay is None else {"weight_decay": weight_decay}
    members = {}
    for folder, run in runs.items():
        own = by_cell[cells[folder]]
        model = ModelSettings(**own["model"] | changed)
        members[folder] = Member(RunName(**run), TrainingSettings(**own["training"]), model)
    data = prepared_data.describe(data_folder, with_extra="extra" in own["train_on"].split("+"))
    shared = next(iter(members.values())).settings
    splits = read_splits(data_folder, data, own["train_on"], shared, own.get("train_images"))
    if len(runs) > 1 and {*cells.values()} == {*settings}:
        yield [*runs], PackTrainee([*members.values()], *splits, data)
    else:
        for folder, member in members.items():
            if weights := by_cell[cells[folder]].get("weights"):
                yield [folder], TrainedTrainee(member, weights, *splits, data)
            else:
                yield [folder], ConvolutionalTrainee([member], *splits, data)


class PackTrainee(ConvolutionalTrainee):
    """Several networks trained as one; what they must share is checked by :func:`check_members`.

    Args:
        members, train_split, held_out, data: as for one network.
        back_end: a name of :data:`rate_distortion.models.back_ends.BACK_ENDS`; by default the fastest by a short measurement
            on a GPU, which a resumed training does not repeat, and separate convolutions on a CPU.

    Raises:
        ValueError: the members cannot be trained as one.
    """

    def __init__(
        self,
        members: Sequence[Member],
        train_split: Split,
        held_out: Mapping[str, Split],
        data: Mapping[str, Any],
        back_end: str | None = None,
    ):
        check_members(members)
        self.back_end = back_end or default_back_end(train_split.images.device)
        super().__init__(members, train_split, held_out, data)

    def take(self, modules: Sequence[nn.Module]) -> None:
        self.pack = ConvolutionalPack(modules, self.progress.choices.get("back_end") or self.back_end or CPU_BACK_END)
        models = [member.model for member in self.members]
        rates = [member.settings.learning_rate for member in self.members]
        precision = self.settings.precision
        self.stepper = Stepper(self.pack, models, rates, self.images, self.labels, precision=precision)

    def modules(self) -> Sequence[nn.Module]:
        return self.pack.modules()

    def record(self, epoch: int) -> None:
        if epoch == 0:
            self._settle_the_back_end()
        super().record(epoch)

    def steps(self, order: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        minibatches = batches(order, self.settings.batch_size, 1)
        losses = torch.empty(len(minibatches), len(self.members), dtype=self.images.dtype, device=self.device)
        for own, rows in zip(losses, minibatches, strict=True):
            own.copy_(self.stepper.step(rows))
        return losses, self.stepper.count_anew()

    def pack_note(self, images_per_second: float) -> dict[str, Any]:
        return {
            "networks": len(self.members),
            "runs": [str(member.name) for member in self.members],
            "images_per_second": images_per_second,
            "seconds": self.progress.seconds,
            "cuda_graph": self.stepper.captures,
            **self.progress.choices,
        }

    @staticmethod
    def named(members: Sequence[Member]) -> str:
        name = members[0].name
        return f"pack of {len(members)} networks, batch size {name.batch_size} (study {name.study})"

    def _settle_the_back_end(self) -> None:
        """Once: a training that goes on keeps the choice."""
        choices = self.progress.choices
        if self.back_end is None:
            size = min(self.settings.batch_size, len(self.images))
            self.back_end, measured = choose_back_end(self.stepper, size)
            choices["milliseconds_per_step"] = measured
            log.info(
                "back-end %s; ms per step: %s", self.back_end, {name: round(ms, 3) for name, ms in measured.items()}
            )
        choices["back_end"] = self.back_end


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
