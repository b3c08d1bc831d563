"""Build the network of Table 3 and count its layers' parameters."""

from dataclasses import asdict

from rate_distortion import files, models
from rate_distortion.job_log import job_log


def main(target: str) -> None:
    """Write one row per layer."""
    files.write_rows(target, [asdict(row) for row in models.architecture_table(models.ConvolutionalNetwork())])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.output[0])
