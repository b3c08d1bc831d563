"""Write a folder of prepared data: whitened images, additional ones, or two digits."""

from pathlib import Path

from rate_distortion.datasets import preparation
from rate_distortion.storage import run_lock
from rate_distortion.storage.job_log import job_log

PREPARE = {
    "prepare_data": preparation.prepare,
    "prepare_extra": preparation.prepare_extra,
    "prepare_digit_pair": preparation.prepare_digit_pair,
}


def main(rule: str, folder: Path, settings: dict) -> None:
    """Write the folder, which is this job's meanwhile."""
    with run_lock.owned(folder):
        PREPARE[rule](folder, **settings, data_folder="data")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.rule, Path(snakemake.output.description).parent, dict(snakemake.params.items()))
