"""Figure 1: the channel, the causal model, and sphere packing simulated."""

from rate_distortion.figures import figure1 as channel_figure
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(study: dict, simulation: dict, svg: str, png: str, csv: str) -> None:
    """Write what panel (c) draws, then draw all three."""
    rows = channel_figure.sphere_packing_rows(**simulation)
    files.write_text(csv, rows.to_csv(index=False, lineterminator="\n"))
    channel_figure.figure1(rows, channel_figure.source_line(study, simulation), svg, png)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.params, **snakemake.output)
