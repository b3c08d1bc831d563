"""Figure 3 in numbers."""

from pathlib import Path

from rate_distortion import prepared_data, tables
from rate_distortion.job_log import job_log


def main(
    records: list[str], provenance: list[str], data: str, study: dict, plane: dict, csv: str, md: str, tex: str
) -> None:
    """Write the table in its three forms."""
    planes = tables.read_perceptrons(records)
    table = tables.information_plane(planes, plane, study, prepared_data.describe(Path(data).parent))
    table.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
