"""A table of the catalogue, from its records."""

from rate_distortion.storage.job_log import job_log
from rate_distortion.studies.results import TABLES


def main(name: str, inputs: dict, settings: dict, csv: str, md: str, tex: str) -> None:
    """Write the table in its three forms."""
    TABLES[name].made(inputs, settings).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.wildcards.table, dict(snakemake.input.items()), snakemake.params.settings, **snakemake.output)
