"""The page that reads like the paper, from a finished study."""

from pathlib import Path

from rate_distortion import page
from rate_distortion.storage.job_log import job_log


def main(study: dict, records: list[str], datasets: dict, target: str) -> None:
    """Write the page beside the study's tables and figures."""
    page.write(target, page.Records.of_study(Path(target).parent, records), page.Study.of(study, datasets))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.params, target=snakemake.output.page)
