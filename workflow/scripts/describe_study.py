"""What a study is: its merged configuration, what it costs, and RO-Crate metadata of its finished folder."""

from pathlib import Path

import yaml

from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log
from rate_distortion.studies import Study, crate, planning


def write_config(target: str, study: dict) -> None:
    """The merged configuration as YAML."""
    files.write_text(target, yaml.safe_dump(study, sort_keys=False, allow_unicode=True))


def write_plan(target: str, study: dict, name: str) -> None:
    """What the study costs, as Markdown."""
    files.write_text(target, planning.markdown(Study(name, study)))


def describe_archive(target: str, study: dict, citation: str) -> None:
    """What the folder of the target holds, as JSON-LD."""
    files.write_json(target, crate.describe(Path(target).parent, study, citation))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        target, study = snakemake.output[0], snakemake.params.study
        if snakemake.rule == "write_config":
            write_config(target, study)
        elif snakemake.rule == "write_plan":
            write_plan(target, study, snakemake.wildcards.study)
        elif snakemake.rule == "describe_archive":
            describe_archive(target, study, snakemake.input.citation)
