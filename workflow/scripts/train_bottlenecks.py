"""Train the information bottleneck of figure 6: one run, or all of a study one after another; record each."""

from pathlib import Path

from rate_distortion.storage.job_log import job_log
from rate_distortion.training import bottleneck_runs as records


def main(folders: list[Path], study: str, settings: dict) -> None:
    """Train and record the run of every folder; a folder's name ends in its variant and seed."""
    records.train_runs(folders, study, settings, data_folder="data")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            [Path(path).parent for path in snakemake.output if path.endswith("metrics.json")],
            snakemake.wildcards.study,
            snakemake.params.settings,
        )
