"""What a study costs, before anything starts."""

from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log
from rate_distortion.studies import Study, planning


def main(target: str, name: str, study: dict) -> None:
    """Write the plan as Markdown."""
    files.write_text(target, planning.markdown(Study(name, study)))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.output.plan, snakemake.wildcards.study, snakemake.params.study)
