"""Steps that a label takes backwards through each network to full confidence."""

from pathlib import Path

import pandas

from rate_distortion import files, prepared_data, tables
from rate_distortion.job_log import job_log


def main(records: list[str], provenance: list[str], dataset: str, study: dict, csv: str, md: str, tex: str) -> None:
    """Write the table in its three forms."""
    frames = []
    for path in map(Path, records):
        run = files.read_json(path.parent / "metrics.json")
        identity = {key: run[key] for key in ("model", "batch_size", "seed")}
        frames.append(files.read_table(path).assign(**identity))
    data = prepared_data.describe(Path(dataset).parent)
    table = tables.reverse_transmission(pandas.concat(frames), study, data)
    table.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
