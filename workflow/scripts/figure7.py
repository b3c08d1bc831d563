"""Figure 7: prediction margins and reliability after transfer, zero-shot and one-shot."""

from rate_distortion.figures import figure7
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(svg: str, png: str, csv: str, **given: object) -> None:
    """Write what is drawn, then draw it."""
    drawing = figure7.make(**given)
    files.write_text(csv, drawing.rows.to_csv(index=False, lineterminator="\n"))
    drawing.save(svg, png)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
