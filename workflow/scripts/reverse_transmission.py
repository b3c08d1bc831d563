"""Steps that a label takes backwards through each network to full confidence."""

import json
from pathlib import Path

import pandas

from rate_distortion import prepared_data, tables
from rate_distortion.job_log import job_log


def main(records: list[str], dataset: str, study: dict, csv: str, md: str, tex: str) -> None:
    """Write the table in its three forms."""
    frames = []
    for path in map(Path, records):
        run = json.loads((path.parent / "metrics.json").read_text(encoding="utf-8"))
        frames.append(pandas.read_csv(path).assign(model=run["model"], seed=run["seed"]))
    data = prepared_data.describe(Path(dataset).parent)
    tables.reverse_transmission(pandas.concat(frames), study, data).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
