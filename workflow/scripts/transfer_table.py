"""Transfer in numbers: accuracy, gain, calibration by margin and by top probability."""

from rate_distortion.storage.job_log import job_log
from rate_distortion.tables import making


def main(
    one_shot: list[str],
    zero_shot: list[str],
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
    table = making.transfer(one_shot, dataset, study, settings, sizes, choice)
    table.with_provenance(provenance).write(csv, md, tex)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(**snakemake.input, **snakemake.params, **snakemake.output)
