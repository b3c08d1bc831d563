"""A sensitivity analysis or ablations: one choice varied at a time."""

from pathlib import Path

from rate_distortion import prepared_data, tables
from rate_distortion.job_log import job_log


def main(
    metrics: list[str],
    provenance: list[str],
    dataset: str,
    part: str,
    choices: dict,
    names: dict,
    study: dict,
    csv: str,
    md: str,
    tex: str,
) -> None:
    """Write the table in its three forms."""
    data = prepared_data.describe(Path(dataset).parent)
    table = tables.variations(part, tables.read_metrics(metrics), choices, names, study, data)
    table.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
