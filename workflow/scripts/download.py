"""Fetch one file of a public data set and verify its checksum."""

from pathlib import Path

from rate_distortion import datasets
from rate_distortion.storage.job_log import job_log


def main(target: str, folder: str, mirrors: dict[str, list[str]]) -> None:
    """Leave the verified file at ``target``."""
    path = Path(target)
    datasets.fetch(datasets.remote_file(folder, path.name), path.parent, datasets.mirrors(folder, mirrors))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.output.file, snakemake.wildcards.folder, snakemake.config["mirrors"])
