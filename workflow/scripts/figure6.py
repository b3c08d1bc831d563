"""Figure 6: the layer of two units by epoch and variant, and its animation."""

from rate_distortion.figures import figure6 as figure
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(embeddings: list[str], metrics: list[str], study: dict, svg: str, png: str, csv: str, gif: str) -> None:
    """Write what is drawn, then draw it."""
    loaded = dict(zip(study["variants"], map(figure.Embedding.load, embeddings), strict=True))
    rows = figure.figure6_rows(loaded, study["figure_epochs"])
    files.write_text(csv, rows.to_csv(index=False, lineterminator="\n"))
    run = files.read_json(metrics[0])
    source = figure.source_line(study, run)
    figure.figure6(rows, source, svg, png)
    figure.animate(loaded, source, gif)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
