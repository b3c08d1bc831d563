"""The smallest weight decay of the calibration's grid with which random labels are not fitted."""

from pathlib import Path

from rate_distortion import capacity, files, prepared_data, tables
from rate_distortion.job_log import job_log


def main(metrics: list[str], dataset: str, model: str, study: dict, choice: str, csv: str, md: str, tex: str) -> None:
    """Write the choice and the table behind it."""
    runs = tables.read_metrics(metrics)
    chosen = capacity.choose_weight_decay(runs, model)
    data = prepared_data.describe(Path(dataset).parent)
    tables.weight_decay(runs, chosen, study, data).write(csv, md, tex)
    files.write_json(choice, capacity.choice_record(chosen))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
