"""Train the runs of a pack as one network with an axis more, and record each run."""

from pathlib import Path

from rate_distortion.analysis import capacity
from rate_distortion.storage.job_log import job_log
from rate_distortion.training import pack_runs
from rate_distortion.training import runs as records


def main(folders: list[Path], data_folder: Path, choice: list[str], settings: dict, resume_file: Path) -> None:
    """Train and record the run of every folder."""
    pack_runs.train_pack(
        {records.run_name(folder): folder for folder in folders},
        data_folder,
        {tuple(cell.split("/")): own for cell, own in settings.items()},
        resume_file,
        capacity.calibrated_weight_decay(choice[0]) if choice else None,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        folders = [Path(path).parent for path in snakemake.output if path.endswith("metrics.json")]
        main(
            folders,
            Path(next(path for path in snakemake.input.data if path.endswith("dataset.json"))).parent,
            list(snakemake.input.weight_decay),
            snakemake.params.settings,
            folders[0].parents[3] / f"resume_{snakemake.rule}.safetensors",
        )
