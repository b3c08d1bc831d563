"""A network that is trained already: its weights are evaluated and recorded as those of a training are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rate_distortion.errors import InputError
from rate_distortion.models.weights import load_weights
from rate_distortion.storage import provenance
from rate_distortion.training import checkpoints
from rate_distortion.training.convolutional import ConvolutionalTrainee, Member, Split
from rate_distortion.training.loop import FinishedRun


class TrainedTrainee(ConvolutionalTrainee):
    """A network with weights of the user's, for which no epoch is left: everything that opens a run opens this one.

    ``history.csv`` has one row, epoch 0; ``metrics.json`` says 0 epochs; ``provenance.json`` has the name and checksum of
    the file under ``weights``.

    Args:
        member: the run; of its training settings, device, precision, threads and the size of an evaluation batch are used.
        weights: the file (:func:`rate_distortion.models.weights.read_weights`).
        train_split: images and original labels that the network is said to have learned.
        held_out, data: as for :class:`rate_distortion.training.convolutional.ConvolutionalTrainee`.

    Raises:
        InputError: random labels are asked for, which takes a training; or the weights do not fit the network.
    """

    def __init__(
        self,
        member: Member,
        weights: str | Path,
        train_split: Split,
        held_out: Mapping[str, Split],
        data: Mapping[str, Any],
    ):
        if member.name.labels != "original":
            raise InputError(
                f"{member.name}: the model has weights (models.{member.name.model}.weights) and is not trained, so that "
                "nothing can be said of random labels or a calibration; leave it out of table2 and calibration, or take "
                "weights away to train it"
            )
        finished = replace(member, settings=replace(member.settings, epochs=0))
        super().__init__([finished], train_split, held_out, data)
        load_weights(self.model, weights)
        self.weights = {"file": Path(weights).name, "sha256": provenance.file_checksum(Path(weights))}
        self.fingerprint = checkpoints.fingerprint({"network": self.fingerprint, "weights": self.weights["sha256"]})

    def finished(self) -> list[FinishedRun]:
        return [replace(run, provenance=run.provenance | {"weights": self.weights}) for run in super().finished()]
