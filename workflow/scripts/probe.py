"""Sweep a network along three unbounded paths and transmit every label in reverse."""

from pathlib import Path

from rate_distortion.probes import probing
from rate_distortion.storage import run_lock
from rate_distortion.storage.job_log import job_log


def main(folder: Path, data_folder: Path, settings: dict) -> None:
    """Probe the run of a folder, which is this job's meanwhile."""
    with run_lock.owned(folder):
        probing.probe_run(folder, data_folder, settings, settings["machine"])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            Path(snakemake.output.reverse_transmission).parent,
            Path(next(path for path in snakemake.input.data if path.endswith("dataset.json"))).parent,
            snakemake.params.settings,
        )
