"""A verdict on every number and ordering that the paper prints, and on its own arithmetic.

Inputs: what the study has recorded of each claim; a part that the study leaves out has no files, and its claims stay undecided.
Outputs: results/{study}/claims.csv (one row per claim) and claims.md (the same for people).
Steps: claims.
"""


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
    log:
        "logs/{study}/claims.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        study=study_summary,
        settings=claim_settings,
        finished=True,
    script:
        "../scripts/claims.py"
