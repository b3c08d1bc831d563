"""A study in words and numbers: its merged configuration, what it costs, and RO-Crate metadata of its finished folder."""

from pathlib import Path

import yaml

from rate_distortion.storage import files
from rate_distortion.storage.job_log import job_log
from rate_distortion.studies import Study, crate, planning


def main(rule: str, target: str, name: str, study: dict, citation: str | None) -> None:
    """Write what the rule is named after."""
    if rule == "write_config":
        files.write_text(target, yaml.safe_dump(study, sort_keys=False, allow_unicode=True))
    elif rule == "write_plan":
        files.write_text(target, planning.markdown(Study(name, study)))
    else:
        files.write_json(target, crate.describe(Path(target).parent, study, citation))


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        citation = snakemake.input.get("citation")
        main(snakemake.rule, snakemake.output[0], snakemake.wildcards.study, snakemake.params.study, citation)
