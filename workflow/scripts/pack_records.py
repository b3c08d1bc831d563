"""Pack a finished study's records into one archive."""

import logging
from pathlib import Path

from rate_distortion.storage.job_log import job_log
from rate_distortion.studies import archive as records_archive


def main(target: str, study: str, configuration: dict) -> None:
    """Write the archive beside the study's records."""
    manifest = records_archive.pack(target, Path(target).parent, study, configuration)
    size = Path(target).stat().st_size / 1e6
    logging.getLogger(__name__).info("%s: %d records, %.2f MB", target, len(manifest.files), size)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.output.archive, snakemake.wildcards.study, snakemake.params.configuration)
