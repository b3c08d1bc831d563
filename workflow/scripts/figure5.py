"""Figure 5: information and accuracy against signal-to-noise ratio; and the same model under each kind of evaluation."""

from pathlib import Path

import pandas

from rate_distortion.analysis import fault_tolerance
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import style as figures
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(folders: list[Path], dataset: str, panels: list[dict], study: dict, svg: str, png: str, csv: str) -> None:
    """Write what is drawn, then draw it; a panel is {panel, title, model, evaluation_mode}."""
    sweeps = [sweep for folder in folders for sweep in fault_tolerance.read_run(folder)]
    curves = fault_tolerance.curves(sweeps)
    parts = [
        curves[(curves["model"] == panel["model"]) & (curves["evaluation_mode"] == panel["evaluation_mode"])].assign(
            panel=panel["panel"]
        )
        for panel in panels
    ]
    rows, data = pandas.concat(parts), prepared_data.describe(Path(dataset).parent)
    files.write_text(csv, rows.to_csv(index=False, lineterminator="\n"))
    shown = f"{len(sweeps[0].labels):,} test images, mean and standard error over {len(study['seeds'])} seeds"
    titles = {panel["panel"]: panel["title"] for panel in panels}
    figures.figure5(rows, titles, figures.source_line(study, data, shown), svg, png)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            [Path(path).parent.parent for path in snakemake.input.sweeps],
            snakemake.input.dataset,
            **snakemake.params,
            **snakemake.output,
        )
