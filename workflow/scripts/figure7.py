"""Figure 7: prediction margins and reliability after transfer, zero-shot and one-shot."""

from pathlib import Path

from rate_distortion.datasets import prepared_data
from rate_distortion.figures import figure7 as calibration_figure
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(
    predictions: list[str], dataset: str, study: dict, settings: dict, model: str, svg: str, png: str, csv: str
) -> None:
    """Write what is drawn, then draw it."""
    rows = calibration_figure.figure7_rows(predictions, settings["bins"])
    files.write_text(csv, rows.to_csv(index=False, lineterminator="\n"))
    data = prepared_data.describe(Path(dataset).parent)
    source = calibration_figure.source_line(rows, study, data, settings)
    calibration_figure.figure7(rows, f"model {model}", source, svg, png)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
