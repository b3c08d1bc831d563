"""Targets that collect: one rule per study, its merged configuration, its plan, and its description for archives.

Inputs: config.yaml and any --configfile; for the description everything that the study promises, and CITATION.cff.
Outputs: results/{study}/config.yaml, results/{study}/plan.md, results/{study}/partial/, results/{study}/ro-crate-metadata.json;
    and each study's name as a target.
"""


# On a cluster these run where Snakemake runs.
localrules:
    write_config,
    write_plan,
    partial,
    describe_archive,


rule write_config:
    """The merged configuration of the study, as its rules saw it."""
    output:
        config="results/{study}/config.yaml",
    log:
        "logs/{study}/write_config.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime="10m",
    params:
        study=lambda wildcards: study_of(wildcards).config,
    script:
        "../scripts/write_config.py"


rule write_plan:
    """Jobs, images, hours, GPU hours and disk of the study, before anything starts."""
    output:
        plan="results/{study}/plan.md",
    log:
        "logs/{study}/write_plan.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime="10m",
    params:
        study=lambda wildcards: study_of(wildcards).config,
    script:
        "../scripts/write_plan.py"


rule partial:
    """Tables, claims and the page from what exists; they say what is missing. Nothing is trained."""
    output:
        folder=directory("results/{study}/partial"),
    log:
        "logs/{study}/partial.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        study=study_summary,
        tables=partial_tables,
        page_study=page_study,
        page_records=page_record_names,
        page_finished=finished_page_records,
        page_datasets=page_datasets,
        records=finished_claim_records,
        settings=claim_settings,
    script:
        "../scripts/partial.py"


rule describe_archive:
    """RO-Crate metadata: files with checksums, data with licences, software, authors. The last job of a study."""
    input:
        results=lambda wildcards: study_results(wildcards.study),
        citation="CITATION.cff",
    output:
        metadata="results/{study}/ro-crate-metadata.json",
    log:
        "logs/{study}/describe_archive.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="30m",
    params:
        study=study_title,
    script:
        "../scripts/describe_archive.py"


for study in STUDIES:

    rule:
        """Everything that the study promises."""
        name:
            study
        input:
            study_targets(study),
