"""What a finished study is, as RO-Crate metadata, so that its folder can be archived."""

from pathlib import Path

from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log
from rate_distortion.studies import crate as archive_description


def main(target: str, citation: str, study: dict) -> None:
    """Describe the folder that the target lies in."""
    files.write_json(target, archive_description.describe(Path(target).parent, study, citation))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.output.metadata, snakemake.input.citation, snakemake.params.study)
