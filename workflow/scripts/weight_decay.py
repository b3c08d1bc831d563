"""The calibration as a table: by weight decay, with the choice marked."""

from pathlib import Path

from rate_distortion import tables
from rate_distortion.analysis import capacity
from rate_distortion.analysis.records import read_runs
from rate_distortion.datasets import prepared_data
from rate_distortion.storage.job_log import job_log


def main(
    metrics: list[str], provenance: list[str], choice: str, dataset: str, study: dict, csv: str, md: str, tex: str
) -> None:
    """Write the table in its three forms."""
    data = prepared_data.describe(Path(dataset).parent)
    table = tables.weight_decay(read_runs(metrics), capacity.read_choice(choice), study, data)
    table.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
