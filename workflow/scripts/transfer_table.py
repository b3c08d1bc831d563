"""Transfer in numbers: accuracy, gain, calibration by margin and by top probability."""

from pathlib import Path

from rate_distortion import capacity, prepared_data, tables
from rate_distortion.claims import comparability
from rate_distortion.job_log import job_log


def main(
    folders: list[Path],
    provenance: list[str],
    dataset: str,
    choice: list[str],
    study: dict,
    settings: dict,
    sizes: dict,
    csv: str,
    md: str,
    tex: str,
) -> None:
    """Write the table in its three forms."""
    records = tables.read_transfers(folders, settings["dataset"])
    data = prepared_data.describe(Path(dataset).parent)
    calibrated = capacity.read_choice(choice[0]).weight_decay if choice else None
    comparable = comparability.is_comparable("transfer", sizes, [data], calibrated)
    table = tables.transfer(records, study, data, settings, comparable=comparable)
    table.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            [Path(path).parent for path in snakemake.input.records],
            snakemake.input.provenance,
            snakemake.input.dataset,
            list(snakemake.input.choice),
            **snakemake.params,
            **snakemake.output,
        )
