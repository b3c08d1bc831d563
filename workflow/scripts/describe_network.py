"""Build the network of Table 3 and count its layers' parameters."""

from dataclasses import asdict
from pathlib import Path

from rate_distortion.datasets import prepared_data
from rate_distortion.models import convolutional
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(records: list[str], target: str) -> None:
    """Write one row per layer; without a record of the data the images are grey, 32x32, and of ten classes."""
    shape, classes = (1, 32, 32), 10
    for record in records:
        data = prepared_data.describe(Path(record).parent)
        shape, classes = tuple(data["image_shape"]), data["classes"]
    rows = convolutional.architecture_table(convolutional.ConvolutionalNetwork(shape, classes))
    files.write_rows(target, [asdict(row) for row in rows])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(list(snakemake.input), snakemake.output.network)
