"""Figure 4 (a): one preprocessed test image per class with the predicted class and its confidence."""

from pathlib import Path

import numpy as np

from rate_distortion import figures, files, prepared_data
from rate_distortion.job_log import job_log


def main(data_folder: Path, predictions: str, study: dict, shown: dict, svg: str, png: str, csv: str) -> None:
    """Write what is drawn, then draw it."""
    data = prepared_data.describe(data_folder)
    images, labels = prepared_data.load(data_folder, "test")
    with np.load(predictions, allow_pickle=False) as stored:
        drawn = figures.figure4_rows(images, labels, stored["test_probabilities"])
    files.write_text(csv, drawn.to_csv(index=False, lineterminator="\n"))
    run = f"model {shown['model']}, batch size {shown['batch_size']}, seed {study['seeds'][0]}"
    figures.figure4(drawn, figures.source_line(study, data, run), svg, png)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            Path(snakemake.input.data[0]).parent.parent,
            snakemake.input.predictions,
            **snakemake.params,
            **snakemake.output,
        )
