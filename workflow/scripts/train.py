"""Train one model on one seed, or on all seeds of its cell one after another, and record each run."""

from dataclasses import asdict
from pathlib import Path

from rate_distortion.analysis import capacity
from rate_distortion.datasets import prepared_data
from rate_distortion.models import convolutional as models
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.storage import run_lock
from rate_distortion.storage.job_log import job_log
from rate_distortion.training import checkpoints
from rate_distortion.training import runs as records
from rate_distortion.training.convolutional import RunName, TrainingSettings, read_splits, train


def main(folders: list[Path], data_folder: Path, choice: list[str], cell: dict, settings: dict) -> None:
    """Train and record the run of every folder; a folder's name ends in its seed."""
    training, train_on = TrainingSettings(**settings["training"]), settings["train_on"]
    model = ModelSettings(
        **settings["model"] | ({"weight_decay": capacity.calibrated_weight_decay(choice[0])} if choice else {})
    )
    data = prepared_data.describe(data_folder, with_extra="extra" in train_on.split("+"))
    train_split, held_out = read_splits(data_folder, data, train_on, training)
    source = models.factory_source(model) or {}
    work = checkpoints.fingerprint({**settings, **asdict(model), **source, "data": data["sha256"]})
    for folder in folders:
        name = RunName(**cell, seed=int(folder.name.removeprefix("seed")))
        with run_lock.owned(folder, work) as lock:
            if lock.work_was_done(*records.FILES):
                continue
            run = train(
                name,
                training,
                model,
                train_split,
                held_out,
                data["classes"],
                resume_file=folder / records.RESUME_FILE,
                data_checksum=str(data["sha256"]),
                before_saving=lock.check,
            )
            lock.check()
            records.write(folder, name, training, model, run, data)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        wildcards, settings = snakemake.wildcards, snakemake.params.settings
        main(
            [Path(path).parent for path in snakemake.output if path.endswith("metrics.json")],
            Path(next(path for path in snakemake.input.data if path.endswith("dataset.json"))).parent,
            list(snakemake.input.weight_decay),
            {
                "study": wildcards.study,
                "model": wildcards.model,
                "batch_size": int(wildcards.batch_size),
                "labels": wildcards.labels,
            },
            # A run that could be trained in a pack has the settings of the whole pack.
            settings.get(f"{wildcards.model}/{wildcards.labels}", settings),
        )
