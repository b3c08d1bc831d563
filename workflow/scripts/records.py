"""Pack a finished study's records into one archive, or put an archive's records in place."""

import logging
from pathlib import Path

from rate_distortion.storage.job_log import job_log
from rate_distortion.studies import archive as records_archive


def pack(archive: str, study: str, configuration: dict) -> None:
    """Write the archive beside the study's records."""
    manifest = records_archive.pack(archive, Path(archive).parent, study, configuration)
    size = Path(archive).stat().st_size / 1e6
    logging.getLogger(__name__).info("%s: %d records, %.2f MB", archive, len(manifest.files), size)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        if snakemake.rule == "pack_records":
            pack(snakemake.output.archive, snakemake.wildcards.study, snakemake.params.configuration)
        else:
            records_archive.unpack(snakemake.input.archive, snakemake.params.folder)
