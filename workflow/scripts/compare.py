"""Two studies side by side: a table and a figure."""

from pathlib import Path

import pandas

from rate_distortion import tables
from rate_distortion.figures import comparison as comparison_figure
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def read(paths: list[str]) -> pandas.DataFrame:
    """The compared cells of one study."""
    return tables.compared(
        {Path(path).stem: files.read_table(path, keep_default_na=False, na_values=[""]) for path in paths}
    )


def main(
    first: list[str], second: list[str], datasets: list[str], configurations: list[dict], names: list[str], out: dict
) -> None:
    """Write the comparison in its five forms."""
    data = [files.read_json(path) for path in datasets]
    table = tables.comparison(read(first), read(second), configurations, names, data)
    table.write(out["csv"], out["md"], out["tex"])
    comparison_figure.draw(table.tidy, names, table.notes[:2], out["svg"], out["png"])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        studies = [snakemake.wildcards.study, snakemake.wildcards.other]
        main(**snakemake.input, **snakemake.params, names=studies, out=dict(snakemake.output.items()))
