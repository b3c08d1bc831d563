"""A figure of the catalogue, from its records."""

from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log
from rate_distortion.studies.results import FIGURES


def main(name: str, inputs: dict, settings: dict, svg: str, png: str, csv: str, gif: str | None = None) -> None:
    """Write what is drawn, then draw it."""
    drawing = FIGURES[name].made(inputs, settings)
    files.write_text(csv, drawing.rows.to_csv(index=False, lineterminator="\n"))
    drawing.save(svg, png)
    if gif:
        drawing.animate(gif)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.wildcards.figure, dict(snakemake.input.items()), snakemake.params.settings, **snakemake.output)
