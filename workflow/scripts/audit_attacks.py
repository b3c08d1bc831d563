"""Compare the plain attack with attacks that gradient masking would not stop."""

from pathlib import Path

from rate_distortion.probes import probing
from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(runs: list[str], data_folder: Path, target: str, audit: dict, perturbations: dict, machine: dict) -> None:
    """Write the rows of every cell: its first seed attacked, its second the source of the transfer."""
    cells: dict[Path, list[Path]] = {}
    for folder in (Path(path).parent for path in runs):
        cells.setdefault(folder.parent, []).append(folder)
    pairs = [folders[:2] for folders in cells.values()]
    files.write_rows(target, probing.audit(pairs, data_folder, perturbations, audit, machine))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        data_folder = Path(next(path for path in snakemake.input.data if path.endswith("dataset.json"))).parent
        main(snakemake.input.runs, data_folder, snakemake.output.csv, **snakemake.params.settings)
