"""A pack from a study's settings to the files of its runs: what the workflow's training job calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rate_distortion.datasets import prepared_data
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.storage import run_lock
from rate_distortion.training import checkpoints
from rate_distortion.training import runs as records
from rate_distortion.training.convolutional import RunName, TrainingSettings, read_splits
from rate_distortion.training.packs import Member, train


def train_pack(
    folders: Mapping[RunName, str | Path],
    data_folder: str | Path,
    settings: Mapping[tuple[str, str], Mapping[str, Any]],
    resume_file: str | Path,
    weight_decay: float | None = None,
) -> None:
    """Train the runs of a pack and write each run's files, the same as when it is trained alone.

    Args:
        folders: where the files of every run go.
        data_folder: prepared data.
        settings: by model and labels; model, training and train_on as in :class:`rate_distortion.studies.Study`.
        resume_file: where the pack's checkpoint is kept while it trains.
        weight_decay: the calibration's choice, for packs of models that use it.

    Raises:
        FolderLockedError: another job may still be at work in one of the folders.
        FolderTakenError: another job has taken one of them over.
    """
    train_on = next(iter(settings.values()))["train_on"]
    changed = {} if weight_decay is None else {"weight_decay": weight_decay}
    members = [
        Member(name, TrainingSettings(**own["training"]), ModelSettings(**own["model"] | changed))
        for name in folders
        for own in (settings[name.model, name.labels],)
    ]
    data = prepared_data.describe(data_folder, with_extra="extra" in train_on.split("+"))
    train_split, held_out = read_splits(data_folder, data, train_on, members[0].settings)
    work = checkpoints.fingerprint({"members": [asdict(member) for member in members], "data": data["sha256"]})
    with run_lock.owned_together(folders.values(), work) as locks:
        if locks.work_was_done(*records.FILES):
            return
        runs = train(
            members,
            train_split,
            held_out,
            data["classes"],
            resume_file=Path(resume_file),
            data_checksum=str(data["sha256"]),
            before_saving=locks.check,
        )
        locks.check()
        for member, run in zip(members, runs, strict=True):
            records.write(folders[member.name], member.name, member.settings, member.model, run, data)
        Path(resume_file).unlink(missing_ok=True)
