"""Figure 3: the information plane, on the original and on random labels."""

from pathlib import Path

from rate_distortion.analysis.records import read_perceptrons
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import perceptrons as perceptron_figures
from rate_distortion.figures import style as figures
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(records: list[str], data: str, study: dict, plane: dict, svg: str, png: str, csv: str) -> None:
    """Write what is drawn, then draw it."""
    rows = perceptron_figures.figure3_rows(read_perceptrons(records))
    files.write_text(csv, rows.to_csv(index=False, lineterminator="\n"))
    description = prepared_data.describe(Path(data).parent)
    samples = min(plane["samples"], description["distinct_images"])
    shown = (
        f"{plane['activation']}, {samples:,} training images, {plane['bins']} bins of equal mass in each layer; "
        f"mean over {len(study['seeds'])} seeds, standard error at the last epoch"
    )
    panels = {"original": "(a) original labels", "random": "(b) random labels"}
    perceptron_figures.figure3(rows, panels, figures.source_line(study, description, shown), svg, png)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
