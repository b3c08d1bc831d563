"""Records that travel: one archive of a study, its tables and figures made from it elsewhere, and two studies side by side.

Inputs: a finished study; or, with --config 'records=[FILE]', an archive, whose study then needs no data, no weights and no GPU.
Outputs: results/{study}/records.zip; the records inside results/{study}/; results/compare/{study}-versus-{other}/comparison.*.
Steps: pack_records; unpack_records_<study> (for every archive named); compare.
"""


# On a cluster these run where Snakemake runs, since they take seconds.
localrules:
    pack_records,
    compare,


rule pack_records:
    """Everything behind the study's tables and figures, without weights and images, in one archive."""
    input:
        results=of_study(promises.study_targets),
    output:
        archive="results/{study}/records.zip",
    log:
        "logs/{study}/pack_records.log",
    conda:
        "../../envs/environment.yaml"
    params:
        configuration=packed_configuration,
    script:
        "../scripts/pack_records.py"


for study, (path, manifest) in ARCHIVES.items():

    # One rule per archive, whose files are not known before. It has no wildcards, so Snakemake prefers it to the rules that train
    # and probe.
    rule:
        """Put the records of an archive in place; every file is checked first."""
        name:
            f"unpack_records_{study}"
        input:
            archive=path,
        output:
            records=[f"results/{study}/{file}" for file in manifest.files],
        log:
            f"logs/{study}/unpack_records.log",
        conda:
            "../../envs/environment.yaml"
        params:
            folder=f"results/{study}",
        script:
            "../scripts/unpack_records.py"


rule compare:
    """What two studies measured, side by side, with the differences and what may explain them."""
    input:
        first=of_study(promises.compared_tables),
        second=lambda wildcards: promises.compared_tables(STUDIES[wildcards.other]),
        datasets=lambda wildcards: [targets.study_dataset(STUDIES[name]) for name in (wildcards.study, wildcards.other)],
    output:
        csv="results/compare/{study}-versus-{other}/comparison.csv",
        md="results/compare/{study}-versus-{other}/comparison.md",
        tex="results/compare/{study}-versus-{other}/comparison.tex",
        svg="results/compare/{study}-versus-{other}/comparison.svg",
        png="results/compare/{study}-versus-{other}/comparison.png",
    log:
        "logs/compare/{study}-versus-{other}.log",
    conda:
        "../../envs/environment.yaml"
    params:
        configurations=lambda wildcards: [STUDIES[name].config for name in (wildcards.study, wildcards.other)],
    script:
        "../scripts/compare.py"
