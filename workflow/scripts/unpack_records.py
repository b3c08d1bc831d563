"""Put an archive's records in place, each checked against the manifest."""

from rate_distortion.storage.job_log import job_log
from rate_distortion.studies import archive as records_archive


def main(archive: str, folder: str) -> None:
    """Unpack into results/<study>."""
    records_archive.unpack(archive, folder)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.input.archive, snakemake.params.folder)
