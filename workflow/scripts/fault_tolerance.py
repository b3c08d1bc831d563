"""Fault tolerance in numbers: areas with intervals, half-information ratios, residual information."""

from pathlib import Path

from rate_distortion import fault_tolerance, prepared_data, tables
from rate_distortion.job_log import job_log


def main(folders: list[Path], provenance: list[str], dataset: str, study: dict, csv: str, md: str, tex: str) -> None:
    """Write the table in its three forms."""
    sweeps = [sweep for folder in folders for sweep in fault_tolerance.read_run(folder)]
    data = prepared_data.describe(Path(dataset).parent)
    table = tables.fault_tolerance(fault_tolerance.summary(sweeps), study, data)
    table.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            [Path(path).parent.parent for path in snakemake.input.sweeps],
            snakemake.input.provenance,
            snakemake.input.dataset,
            **snakemake.params,
            **snakemake.output,
        )
