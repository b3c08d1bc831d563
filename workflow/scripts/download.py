"""Fetch one file of a public data set and verify its checksum."""

from pathlib import Path

from rate_distortion import datasets
from rate_distortion.storage.job_log import job_log


def main(target: str, mirrors: list[str]) -> None:
    """Leave the verified file at ``target``."""
    path = Path(target)
    datasets.fetch(datasets.remote_file(path.name), path.parent, mirrors)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        source = snakemake.wildcards.folder.split("/")[0].lower()
        main(snakemake.output.file, snakemake.config["mirrors"][source])
