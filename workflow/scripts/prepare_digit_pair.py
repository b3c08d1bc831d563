"""Two digits of a source, with pixels in [0, 1]."""

from pathlib import Path

from rate_distortion.datasets import preparation
from rate_distortion.storage import run_lock
from rate_distortion.storage.job_log import job_log


def main(folder: Path, settings: dict) -> None:
    """Write the folder of the pair."""
    with run_lock.owned(folder):
        preparation.prepare_digit_pair(folder, settings, data_folder="data")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(Path(snakemake.output.description).parent, **snakemake.params)
