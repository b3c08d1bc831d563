"""The differences that the paper states in words, paired over seeds."""

from pathlib import Path

from rate_distortion import prepared_data, tables
from rate_distortion.job_log import job_log


def main(metrics: list[str], provenance: list[str], dataset: str, study: dict, csv: str, md: str, tex: str) -> None:
    """Write the table in its three forms."""
    data = prepared_data.describe(Path(dataset).parent)
    tables.differences(tables.read_metrics(metrics), study, data).with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
