"""Train the runs of a job, whatever kind of network, and record each."""

from dataclasses import asdict
from pathlib import Path

from rate_distortion.analysis import capacity
from rate_distortion.datasets import prepared_data
from rate_distortion.models import convolutional as models
from rate_distortion.models.convolutional import ModelSettings
from rate_distortion.storage import run_lock
from rate_distortion.storage.job_log import job_log
from rate_distortion.training import bottleneck_runs, checkpoints, pack_runs, perceptron_runs
from rate_distortion.training import runs as records
from rate_distortion.training.convolutional import TrainingSettings, read_splits, train


def one(folder: Path, data_folder: Path, choice: list[str], settings: dict) -> None:
    """Train and record a convolutional network."""
    name = records.run_name(folder)
    settings = settings.get(f"{name.model}/{name.labels}", settings)
    training, train_on = TrainingSettings(**settings["training"]), settings["train_on"]
    model = ModelSettings(
        **settings["model"] | ({"weight_decay": capacity.calibrated_weight_decay(choice[0])} if choice else {})
    )
    data = prepared_data.describe(data_folder, with_extra="extra" in train_on.split("+"))
    train_split, held_out = read_splits(data_folder, data, train_on, training)
    source = models.factory_source(model) or {}
    work = checkpoints.fingerprint({**settings, **asdict(model), **source, "data": data["sha256"]})
    with run_lock.owned(folder, work) as lock:
        if lock.work_was_done(*records.FILES):
            return
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


def main(folders: list[Path], data: list[str], choice: list[str], settings: dict, study: str, rule: str) -> None:
    """Train by the place of the runs."""
    kind = folders[0].relative_to(f"results/{study}/runs").parts[0]
    data_folder = Path(next((path for path in data if path.endswith("dataset.json")), ".")).parent
    if kind == "sphere_packing":
        bottleneck_runs.train_runs(folders, study, settings, data_folder="data")
    elif kind == "mlp":
        perceptron_runs.train_pack(folders, data_folder, study, settings)
    elif rule == "train":
        one(folders[0], data_folder, choice, settings)
    else:
        pack_runs.train_pack(
            {records.run_name(folder): folder for folder in folders},
            data_folder,
            {tuple(cell.split("/")): own for cell, own in settings.items()},
            folders[0].parents[3] / f"resume_{rule}.safetensors",
            capacity.calibrated_weight_decay(choice[0]) if choice else None,
        )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        data, choice = (snakemake.input.get(name, []) for name in ("data", "weight_decay"))
        folders = [Path(path).parent for path in snakemake.output if path.endswith("metrics.json")]
        data = [data] if isinstance(data, str) else data
        main(folders, list(data), list(choice), snakemake.params.settings, folders[0].parts[1], snakemake.rule)
