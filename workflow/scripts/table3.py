"""Table 3: the architecture, as printed in Appendix B."""

from rate_distortion.storage.job_log import job_log
from rate_distortion.tables import making


def main(network: str, csv: str, md: str, tex: str) -> None:
    """Write the table in its three forms."""
    making.table3([network]).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.output)
