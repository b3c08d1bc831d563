"""Figure 2 in numbers."""

from pathlib import Path

from rate_distortion import gradient_snr, prepared_data, tables
from rate_distortion.job_log import job_log


def main(
    records: list[str], provenance: list[str], data: str, study: dict, kind: str, csv: str, md: str, tex: str
) -> None:
    """Write the table in its three forms."""
    summary = gradient_snr.summary(tables.read_perceptrons(records), kind)
    table = tables.gradient_snr(summary, kind, study, prepared_data.describe(Path(data).parent))
    table.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
