"""A table of accuracies and gaps over the runs of a part of the study: Tables 1 and 2, and the models beside them."""

from rate_distortion.storage.job_log import job_log
from rate_distortion.tables import making


def main(
    metrics: list[str],
    provenance: list[str],
    dataset: str,
    table: str,
    study: dict,
    cells: dict,
    csv: str,
    md: str,
    tex: str,
) -> None:
    """Write the table in its three forms."""
    made = making.accuracies(metrics, dataset, study, table, cells)
    made.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
