"""The calibration as a figure: accuracy on random and on original labels against weight decay."""

from pathlib import Path

from rate_distortion.datasets import prepared_data
from rate_distortion.figures import style as figures
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(table: str, dataset: str, calibration: dict, study: dict, svg: str, png: str, csv: str) -> None:
    """Write what is drawn, then draw it."""
    rows, data = files.read_table(table), prepared_data.describe(Path(dataset).parent)
    files.write_text(csv, rows.to_csv(index=False, lineterminator="\n"))
    shown = f"model {calibration['model']}, batch size {calibration['batch_size']}, {len(study['seeds'])} seeds"
    figures.weight_decay(rows, figures.source_line(study, data, shown), svg, png)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
