"""Fault tolerance in numbers: areas with intervals, half-information ratios, residual information."""

from rate_distortion.storage.job_log import job_log
from rate_distortion.tables import making


def main(sweeps: list[str], provenance: list[str], dataset: str, study: dict, csv: str, md: str, tex: str) -> None:
    """Write the table in its three forms."""
    table = making.fault_tolerance(sweeps, dataset, study)
    table.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
