"""Hold out the validation images, fit the whitening on the training images, and whiten every split."""

from pathlib import Path

from rate_distortion.datasets import preparation
from rate_distortion.storage import run_lock
from rate_distortion.storage.job_log import job_log


def main(folder: Path, data: dict, whitening: dict) -> None:
    """Write a study's data folder."""
    with run_lock.owned(folder):
        preparation.prepare(folder, data, whitening, data_folder="data")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(Path(snakemake.output.description).parent, **snakemake.params)
