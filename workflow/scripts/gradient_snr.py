"""Figure 2 in numbers."""

from rate_distortion.storage.job_log import job_log
from rate_distortion.tables import making


def main(
    records: list[str], provenance: list[str], data: str, study: dict, kind: str, csv: str, md: str, tex: str
) -> None:
    """Write the table in its three forms."""
    table = making.gradient_snr(records, data, study, kind)
    table.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
