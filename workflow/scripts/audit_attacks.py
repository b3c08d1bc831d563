"""Compare the plain attack with attacks that gradient masking would not stop."""

from pathlib import Path

from rate_distortion.probes import probing
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(runs: list[str], data_folder: Path, audit: dict, perturbations: dict, machine: dict, target: str) -> None:
    """Write the rows of every cell: its first seed attacked, its second the source of the transfer."""
    cells: dict[Path, list[Path]] = {}
    for folder in (Path(path).parent for path in runs):
        cells.setdefault(folder.parent, []).append(folder)
    pairs = [folders[:2] for folders in cells.values()]
    files.write_rows(target, probing.audit(pairs, data_folder, perturbations, audit, machine))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            snakemake.input.runs,
            Path(snakemake.input.data[0]).parent.parent,
            snakemake.params.audit,
            snakemake.params.perturbations,
            snakemake.params.machine,
            snakemake.output.csv,
        )
