"""Figure 6: the layer of two units by epoch and variant, and its animation."""

from rate_distortion.figures import figure6
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(svg: str, png: str, csv: str, gif: str, **given: object) -> None:
    """Write what is drawn, then draw and animate it."""
    drawing = figure6.make(**given)
    files.write_text(csv, drawing.rows.to_csv(index=False, lineterminator="\n"))
    drawing.save(svg, png)
    drawing.animate(gif)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
