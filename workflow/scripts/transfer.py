"""Transfer a network, zero-shot and one-shot, to the study's target images."""

from pathlib import Path

from rate_distortion.probes import transfer_runs
from rate_distortion.storage import run_lock
from rate_distortion.storage.job_log import job_log


def main(folder: Path, run: Path, data_folder: Path, real_svhn: bool, settings: dict, machine: dict) -> None:
    """Transfer the run into the folder, which is this job's meanwhile."""
    with run_lock.owned(folder):
        transfer_runs.transfer_runs({folder: run}, data_folder, settings, machine, real_svhn=real_svhn)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            Path(snakemake.output.zero_shot).parent,
            Path(next(path for path in snakemake.input.run if path.endswith("metrics.json"))).parent,
            Path(next(path for path in snakemake.input.data if path.endswith("dataset.json"))).parent,
            bool(snakemake.input.real_svhn),
            **snakemake.params,
        )
