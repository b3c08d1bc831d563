"""A table of accuracies and gaps over the runs of a part of the study: Tables 1 and 2, and the models beside them."""

from pathlib import Path

from rate_distortion import prepared_data, tables
from rate_distortion.job_log import job_log


def main(
    metrics: list[str],
    provenance: list[str],
    dataset: str,
    table: str,
    cells: dict,
    study: dict,
    csv: str,
    md: str,
    tex: str,
) -> None:
    """Write the table in its three forms."""
    make = {"table1": tables.table1, "table2": tables.table2, "further_models": tables.further_models}[table]
    data = prepared_data.describe(Path(dataset).parent)
    make(tables.read_metrics(metrics), cells, study, data).with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
