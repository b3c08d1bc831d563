"""The differences that the paper states in words, paired over seeds."""

from rate_distortion.storage.job_log import job_log
from rate_distortion.tables import making


def main(
    metrics: list[str], provenance: list[str], dataset: str, study: dict, cells: list, csv: str, md: str, tex: str
) -> None:
    """Write the table in its three forms."""
    table = making.differences(metrics, dataset, study, cells)
    table.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
