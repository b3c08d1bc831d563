"""Train the multilayer perceptrons of one cell, as one pack of seeds or one seed alone, and record each."""

from pathlib import Path

from rate_distortion.storage.job_log import job_log
from rate_distortion.training import perceptron_runs


def main(folders: list[Path], data_folder: Path, study: str, settings: dict) -> None:
    """Train and record the run of every folder; a folder's name ends in its seed."""
    perceptron_runs.train_pack(folders, data_folder, study, settings)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            [Path(path).parent for path in snakemake.output if path.endswith("metrics.json")],
            Path(snakemake.input.data).parent,
            snakemake.wildcards.study,
            snakemake.params.settings,
        )
