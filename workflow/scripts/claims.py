"""A verdict on every claim of the paper."""

from rate_distortion.claims import assessment
from rate_distortion.storage.job_log import job_log


def main(
    records: dict[str, list[str]], study: dict, settings: dict, finished: bool, csv: str, md: str, theses: str
) -> None:
    """Assess the claims, and write the table in both forms and the answer to every thesis."""
    assessment.write(assessment.assess_study(records, settings, finished=finished), study, csv, md, theses)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main({kind: list(paths) for kind, paths in snakemake.input.items()}, **snakemake.params, **snakemake.output)
