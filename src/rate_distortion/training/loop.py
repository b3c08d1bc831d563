"""The training loop. Every kind of network goes through :func:`fit`; how it is trained is a :class:`Trainee`.

An epoch is one permutation of the images cut into minibatches, so that every image is seen once. Data stay on the device as
one tensor. A killed training goes on from its resume file and ends with the same bits.
"""

from __future__ import annotations

import abc
import datetime
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rate_distortion.training import checkpoints
from rate_distortion.training.checkpoints import Progress
from rate_distortion.training.settings import PRECISIONS, TrainingError, select_device, set_up_process

log = logging.getLogger(__name__)

REPORT_SECONDS = 5.0
"""Least time between two lines in the log."""


@dataclass(frozen=True)
class FinishedRun:
    """What one trained network leaves; :func:`rate_distortion.training.runs.write` makes files of it.

    Attributes:
        model: the trained network.
        metrics: its numbers, for metrics.json.
        provenance: what it was trained with, where, and from what, for provenance.json.
        tables: name of a CSV file -> its rows; a table without rows is not written.
        arrays: name of an .npz file -> its arrays.
    """

    model: nn.Module
    metrics: dict[str, Any]
    provenance: dict[str, Any]
    tables: dict[str, list[dict]]
    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)


class Trainee(abc.ABC):
    """One network, or several trained as one: their tensors on the device, and how an epoch of training changes them.

    Attributes:
        title: for the log.
        settings: epochs, learning rate, batch size, threads, device, precision, checkpoint_seconds and the kind's own.
        data: what the images are, with their checksums under "sha256" and those of their sources under "sources_md5".
        device, dtype: where and how precise the tensors are.
        images: what is trained on, (N, ...).
        progress: finished epochs and what was recorded in them; the kind says what its history holds.
        fingerprint: of everything that the result depends on; a checkpoint of another is not used.
    """

    images: Tensor

    def __init__(self, title: str, settings: Any, data: Mapping[str, Any] | None, **described: Any):
        set_up_process(settings.threads, settings.precision)
        self.title, self.settings, self.data = title, settings, data or {}
        self.device, self.dtype = select_device(settings.device), PRECISIONS[settings.precision]
        self.progress = Progress()
        work = {"settings": asdict(settings), "data": self.data.get("sha256"), **described}
        self.fingerprint = checkpoints.fingerprint(work)

    @abc.abstractmethod
    def train_epoch(self, epoch: int) -> tuple[Tensor, str]:
        """One pass over the images; epochs count from 1.

        Returns:
            losses, (steps, networks) or one row for the whole epoch, which must be finite; and words for the log.
        """

    @abc.abstractmethod
    def record(self, epoch: int) -> None:
        """Record what is due after an epoch; 0 is before the first step."""

    @abc.abstractmethod
    def state(self) -> dict[str, Tensor]:
        """All tensors that a resumed training needs, by name."""

    @abc.abstractmethod
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what :meth:`state` gave; :attr:`progress` is that of the checkpoint already."""

    @abc.abstractmethod
    def finished(self) -> list[FinishedRun]:
        """What every network leaves, once it is trained."""

    def networks(self) -> Sequence[tuple[str, float]]:
        """Name and learning rate of each network, for messages."""
        return [(self.title, self.settings.learning_rate)]

    def finished_run(
        self, run: Mapping[str, Any], model: nn.Module, metrics: Mapping[str, Any], tables: dict[str, list[dict]],
        arrays: dict[str, dict[str, np.ndarray]] | None = None, /, **provenance: Any,
    ) -> FinishedRun:  # fmt: skip
        """A finished run with what the records of every kind hold; ``run`` is the study and the wildcards of its folder.

        Seconds are the run's share of those of the networks that were trained with it.
        """
        seconds = self.progress.seconds / len(self.networks())
        common = {
            "device": str(self.device),
            "run": dict(run),
            "seed": run["seed"],
            "settings": asdict(self.settings),
            "data_sha256": self.data.get("sha256"),
            "sources_md5": self.data.get("sources_md5"),
            "seconds": seconds,
            "resumed_from_epochs": list(self.progress.resumed_from_epochs),
        }
        numbers = {**run, **metrics, "epochs": self.settings.epochs, "seconds": seconds}
        return FinishedRun(model, numbers, common | provenance, tables, arrays or {})


def fit(
    trainee: Trainee, *, resume_file: Path | None = None, before_saving: Callable[[], object] = lambda: None
) -> list[FinishedRun]:
    """Train to the last epoch.

    Args:
        trainee: what is trained.
        resume_file: where to keep a checkpoint; used when it is of this very training; the caller removes it once the results
            are written.
        before_saving: called before each checkpoint; what it raises ends the training
            (:meth:`rate_distortion.storage.run_lock.RunLocks.check`).

    Returns:
        one finished run for each network.

    Raises:
        TrainingError: a loss is not finite.
    """
    _resume(trainee, resume_file)
    progress, settings = trainee.progress, trainee.settings
    started = saved = time.perf_counter()
    seconds_before, reported = progress.seconds, -math.inf
    if progress.epoch == 0:
        trainee.record(0)
    for epoch in range(progress.epoch + 1, settings.epochs + 1):
        began = time.perf_counter()
        losses, words = trainee.train_epoch(epoch)
        _require_finite(losses, trainee, epoch)
        progress.training_seconds += time.perf_counter() - began
        trainee.record(epoch)
        now = time.perf_counter()
        progress.epoch, progress.seconds = epoch, seconds_before + now - started
        if resume_file and now - saved >= settings.checkpoint_seconds and epoch < settings.epochs:
            before_saving()
            checkpoints.save(resume_file, trainee.state(), progress, trainee.fingerprint)
            saved = now
        if now - reported >= REPORT_SECONDS or epoch == settings.epochs:
            reported = now
            _report(trainee, words)
    return trainee.finished()


def _resume(trainee: Trainee, resume_file: Path | None) -> None:
    found = checkpoints.load(resume_file, trainee.fingerprint) if resume_file else None
    if found:
        tensors, trainee.progress = found
        trainee.load(tensors)
        log.info("resuming %s after epoch %d", trainee.title, trainee.progress.epoch)


def _require_finite(losses: Tensor, trainee: Trainee, epoch: int) -> None:
    """Looked at once an epoch, so that a GPU is not made to wait after every step."""
    losses = losses.cpu()
    if not torch.isfinite(losses).all():
        step, network = (~torch.isfinite(losses)).nonzero()[0].tolist()
        name, learning_rate = trainee.networks()[network]
        minibatch = f", minibatch {step + 1}," if len(losses) > 1 else ""
        raise TrainingError(
            f"the loss became {losses[step, network].item()} in epoch {epoch}{minibatch} of {name}: lower learning_rate (now "
            f"{learning_rate}) or look at the data"
        )


def _report(trainee: Trainee, words: str) -> None:
    progress, epochs = trainee.progress, trainee.settings.epochs
    left = datetime.timedelta(seconds=round(progress.seconds / progress.epoch * (epochs - progress.epoch)))
    images = progress.epoch * len(trainee.images) * len(trainee.networks())
    words = [
        f"epoch {progress.epoch}/{epochs}",
        words,
        f"{images / progress.training_seconds:,.0f} images/s",
        f"{left} left",
    ]
    log.info("%s: %s", trainee.title, ", ".join(filter(None, words)))
