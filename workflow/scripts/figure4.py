"""Figure 4: (a) test images with prediction and confidence; (b) labels transmitted in reverse."""

from pathlib import Path

from rate_distortion.analysis.records import disambiguate
from rate_distortion.datasets import prepared_data
from rate_distortion.figures import style as figures
from rate_distortion.storage import files, provenance
from rate_distortion.storage.job_log import job_log


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
    """Write what is drawn, then draw it; a reversed run's folder says its model and batch size."""
    data = prepared_data.describe(Path(dataset).parent)
    first = files.read_arrays(examples)
    probabilities = files.read_arrays(provenance.verified(predictions))["test_probabilities"]
    transmitted = {}
    folders = [Path(path).parent for path in reverse_transmission]
    sizes = [int(folder.parts[-3].removeprefix("batch")) for folder in folders]
    names = disambiguate([folder.parts[-4] for folder in folders], sizes)
    for name, folder in zip(names, folders, strict=True):
        reversed_images = files.read_arrays(folder / "reverse_transmission.npz")["images"]
        transmitted[name] = reversed_images, files.read_table(folder / "reverse_transmission.csv")
    drawn = figures.figure4_rows(first, probabilities, transmitted)
    files.write_text(csv, drawn.to_csv(index=False, lineterminator="\n"))
    run = f"(a) model {shown['model']}, batch size {shown['batch_size']}; seed {study['seeds'][0]}"
    if data["classes"] > figures.MOST_CLASSES:
        run += f"; the first {figures.MOST_CLASSES} of {data['classes']} classes"
    figures.figure4(drawn, figures.source_line(study, data, run), svg, png)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
