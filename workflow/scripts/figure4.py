"""Figure 4: (a) test images with prediction and confidence; (b) labels transmitted in reverse."""

from pathlib import Path

import numpy as np
import pandas

from rate_distortion import figures, files, prepared_data
from rate_distortion.job_log import job_log


def main(
    data_folder: Path, predictions: str, reverse: list[str], study: dict, shown: dict, svg: str, png: str, csv: str
) -> None:
    """Write what is drawn, then draw it; a reversed run's folder says its model."""
    data = prepared_data.describe(data_folder)
    images, labels = prepared_data.load(data_folder, "test")
    with np.load(predictions, allow_pickle=False) as stored:
        probabilities = stored["test_probabilities"]
    transmitted = {}
    for folder in (Path(path).parent for path in reverse):
        with np.load(folder / "reverse_transmission.npz", allow_pickle=False) as stored:
            transmitted[folder.parts[-4]] = stored["images"], pandas.read_csv(folder / "reverse_transmission.csv")
    drawn = figures.figure4_rows(images, labels, probabilities, transmitted)
    files.write_text(csv, drawn.to_csv(index=False, lineterminator="\n"))
    run = f"(a) model {shown['model']}, batch size {shown['batch_size']}; seed {study['seeds'][0]}"
    figures.figure4(drawn, figures.source_line(study, data, run), svg, png)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            Path(snakemake.input.data[0]).parent.parent,
            snakemake.input.predictions,
            snakemake.input.reverse_transmission,
            **snakemake.params,
            **snakemake.output,
        )
