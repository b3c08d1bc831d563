"""A verdict on every number and ordering that the paper prints, and on its own arithmetic.

Inputs: what the study has recorded of each claim; a part that the study leaves out has no files, and its claims stay undecided.
Outputs: results/{study}/claims.csv (one row per claim), theses.csv (one row per thesis), claims.md (both for people), overview.csv (one
row per table and figure).
Steps: claims, overview.
"""


# On a cluster these run where Snakemake runs, since they take seconds.
localrules:
    claims,
    overview,


rule claims:
    """Compare every printed number and test every printed ordering; nothing is trained."""
    input:
        unpack(claim_records),
        datasets=claim_datasets,
    output:
        csv=report(
            "results/{study}/claims.csv",
            caption="../report/claims.rst",
            category="Claims",
            subcategory="{study}",
            labels={"shows": "verdicts on what the paper prints", "file": "data"},
        ),
        md="results/{study}/claims.md",
        theses="results/{study}/theses.csv",
    log:
        "logs/{study}/claims.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        study=study_summary,
        settings=claim_settings,
        finished=True,
    script:
        "../scripts/claims.py"


rule overview:
    """One row per table and figure: verdicts, scale, command, minutes of training; `make readme` shows it in README."""
    input:
        unpack(overview_records),
        claims="results/{study}/claims.csv",
    output:
        overview="results/{study}/overview.csv",
    log:
        "logs/{study}/overview.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        study=lambda wildcards: wildcards.study,
    script:
        "../scripts/overview.py"
