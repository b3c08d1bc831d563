"""A sensitivity analysis or ablations: one choice varied at a time."""

from rate_distortion.storage.job_log import job_log
from rate_distortion.tables import making


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
    table = making.variations(metrics, dataset, study, part, choices, names)
    table.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
