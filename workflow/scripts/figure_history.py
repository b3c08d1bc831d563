"""Accuracy, loss and weight norms of the runs of Tables 1 and 2 against epoch."""

from pathlib import Path

from rate_distortion.datasets import prepared_data
from rate_distortion.figures import style as figures
from rate_distortion.storage import files, provenance
from rate_distortion.storage.job_log import job_log


def main(histories: list[str], dataset: str, batch_size: int, study: dict, svg: str, png: str, csv: str) -> None:
    """Write what is drawn, then draw it."""
    runs = {}
    for path in map(Path, histories):
        model, size, labels, seed = path.parts[-5:-1]
        runs[model, int(size.removeprefix("batch")), labels, int(seed.removeprefix("seed"))] = files.read_table(
            provenance.verified(path)
        )
    rows, data = figures.history_rows(runs), prepared_data.describe(Path(dataset).parent)
    files.write_text(csv, rows.to_csv(index=False, lineterminator="\n"))
    shown = f"batch size {batch_size}, mean and standard error over {len(study['seeds'])} seeds"
    figures.history(rows, figures.source_line(study, data, shown), svg, png)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
