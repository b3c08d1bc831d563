"""The merged configuration of a study."""

import yaml

from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log


def main(target: str, study: dict) -> None:
    """Write the study as YAML."""
    files.write_text(target, yaml.safe_dump(study, sort_keys=False, allow_unicode=True))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake.output.config, snakemake.params.study)
