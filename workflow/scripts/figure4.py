"""Figure 4: (a) test images with prediction and confidence; (b) labels transmitted in reverse."""

from pathlib import Path

import numpy as np
import pandas

from rate_distortion import figures, files, prepared_data
from rate_distortion.job_log import job_log


def main(
    examples: str,
    dataset: str,
    predictions: str,
    reverse_transmission: list[str],
    study: dict,
    shown: dict,
    svg: str,
    png: str,
    csv: str,
) -> None:
    """Write what is drawn, then draw it; a reversed run's folder says its model."""
    data = prepared_data.describe(Path(dataset).parent)
    with np.load(examples, allow_pickle=False) as stored:
        first = {name: stored[name] for name in stored.files}
    with np.load(predictions, allow_pickle=False) as stored:
        probabilities = stored["test_probabilities"]
    transmitted = {}
    for folder in (Path(path).parent for path in reverse_transmission):
        with np.load(folder / "reverse_transmission.npz", allow_pickle=False) as stored:
            transmitted[folder.parts[-4]] = stored["images"], pandas.read_csv(folder / "reverse_transmission.csv")
    drawn = figures.figure4_rows(first, probabilities, transmitted)
    files.write_text(csv, drawn.to_csv(index=False, lineterminator="\n"))
    run = f"(a) model {shown['model']}, batch size {shown['batch_size']}; seed {study['seeds'][0]}"
    if data["classes"] > figures.MOST_CLASSES:
        run += f"; the first {figures.MOST_CLASSES} of {data['classes']} classes"
    figures.figure4(drawn, figures.source_line(study, data, run), svg, png)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
