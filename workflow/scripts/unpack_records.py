"""Put an archive's records in place, each checked against the manifest."""

from rate_distortion import records_archive
from rate_distortion.job_log import job_log


def main(archive: str, folder: str) -> None:
    """Unpack into results/<study>."""
    records_archive.unpack(archive, folder)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.input.archive, snakemake.params.folder)
