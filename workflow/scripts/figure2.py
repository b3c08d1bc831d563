"""Figure 2: the signal-to-noise ratio of the stochastic gradients against epoch, by layer."""

from pathlib import Path

from rate_distortion.analysis.records import read_perceptrons
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import perceptrons as perceptron_figures
from rate_distortion.figures import style as figures
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(
    records: list[str], data: str, study: dict, kind: str, panels: list[dict], svg: str, png: str, csv: str
) -> None:
    """Write what is drawn, then draw it."""
    rows = perceptron_figures.figure2_rows(read_perceptrons(records), kind)
    files.write_text(csv, rows.to_csv(index=False, lineterminator="\n"))
    shown = f"mean and standard error over {len(study['seeds'])} seeds"
    source = figures.source_line(study, prepared_data.describe(Path(data).parent), shown)
    perceptron_figures.figure2(rows, panels, kind, source, svg, png)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
