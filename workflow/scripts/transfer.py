"""Transfer the runs of one model, zero-shot and one-shot, to the study's target images."""

from pathlib import Path

from rate_distortion.probes import transfer_runs
from rate_distortion.storage import run_lock
from rate_distortion.storage.job_log import job_log


def main(runs: dict[Path, Path], data_folder: Path, real_svhn: bool, settings: dict, machine: dict) -> None:
    """Transfer every run into its folder."""
    with run_lock.owned_together(runs):
        transfer_runs.transfer_runs(runs, data_folder, settings, machine, real_svhn=real_svhn)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        folders = {Path(path).parent for path in snakemake.output}
        networks = {
            Path(path).parent.name: Path(path).parent for path in snakemake.input.run if path.endswith("metrics.json")
        }
        main(
            {folder: networks[folder.name] for folder in sorted(folders)},
            Path(next(path for path in snakemake.input.data if path.endswith("dataset.json"))).parent,
            bool(snakemake.input.real_svhn),
            **snakemake.params,
        )
