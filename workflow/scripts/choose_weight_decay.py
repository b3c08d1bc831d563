"""The smallest weight decay of the calibration's grid with which random labels are not fitted."""

from rate_distortion.analysis import capacity
from rate_distortion.analysis.records import read_metrics
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(metrics: list[str], model: str, target: str) -> None:
    """Write the choice."""
    choice = capacity.choose_weight_decay(read_metrics(metrics), model)
    files.write_json(target, capacity.choice_record(choice))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.input.metrics, snakemake.params.model, snakemake.output.choice)
