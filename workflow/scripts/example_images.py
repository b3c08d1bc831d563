"""The first test image of each class, as figure 4 shows it."""

from rate_distortion.datasets import prepared_data
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(images: str, target: str) -> None:
    """Write the images with their labels and places in the test split."""
    files.write_arrays(target, **prepared_data.first_of_each_class(images))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.input.images, snakemake.output.examples)
