"""A study as a whole: its name as a target, its merged configuration, its plan, and its description for archives.

Inputs: config.yaml and any --configfile; for the description everything that the study promises, and CITATION.cff.
Outputs: results/{study}/config.yaml, results/{study}/plan.md, results/{study}/ro-crate-metadata.json; each study's name as a target.
Steps: write_config, write_plan, describe_archive, <study>.
"""


# On a cluster these run where Snakemake runs, since they take seconds.
localrules:
    write_config,
    write_plan,
    describe_archive,


rule write_config:
    """The merged configuration of the study, as its rules saw it."""
    output:
        config="results/{study}/config.yaml",
    log:
        "logs/{study}/write_config.log",
    conda:
        "../../envs/environment.yaml"
    params:
        study=of_study(targets.configuration),
    script:
        "../scripts/describe_study.py"


rule write_plan:
    """Jobs, images, hours, GPU hours, disk, and the memory and time that jobs ask for, before anything starts."""
    output:
        plan="results/{study}/plan.md",
    log:
        "logs/{study}/write_plan.log",
    conda:
        "../../envs/environment.yaml"
    params:
        study=of_study(targets.configuration),
    script:
        "../scripts/describe_study.py"


rule describe_archive:
    """RO-Crate metadata: files with checksums, data with licences, software, authors. The last job of a study."""
    input:
        results=of_study(promises.study_results),
        citation=CITATION,
    output:
        metadata="results/{study}/ro-crate-metadata.json",
    log:
        "logs/{study}/describe_archive.log",
    conda:
        "../../envs/environment.yaml"
    params:
        study=of_study(shown.title),
    script:
        "../scripts/describe_study.py"


for study in STUDIES.values():
    # A name of its own is a target: one rule per study.
    refuse_the_name_of_a_rule(study.name)

    rule:
        """Everything that the study promises."""
        name:
            study.name
        input:
            promises.study_targets(study),
