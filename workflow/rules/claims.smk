"""A verdict on every number and ordering that the paper prints, and the page that reads like the paper.

Inputs: what the study has recorded of each claim (a part that the study leaves out has no files, and its claims stay undecided);
    for the page every table and figure that the study promises.
Outputs: results/{study}/claims.csv (one row per claim), theses.csv (one row per thesis), claims.md (both for people), overview.csv (one
    row per table and figure), paper.html (one self-contained file); results/{study}/partial/ has tables, claims and page made from
    what exists.
Steps: claims, overview, page, partial.
"""


# On a cluster these run where Snakemake runs, since they take seconds.
localrules:
    claims,
    overview,
    page,
    partial,


rule claims:
    """Compare every printed number and test every printed ordering; nothing is trained."""
    input:
        unpack(of_study(targets.claim_records)),
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
    params:
        study=of_study(shown.summary),
        settings=of_study(shown.claim_settings),
        finished=True,
    script:
        "../scripts/claims.py"


rule overview:
    """One row per table and figure: verdicts, scale, command, minutes of training; `make readme` records it."""
    input:
        unpack(of_study(promises.overview_records)),
        claims="results/{study}/claims.csv",
    output:
        overview="results/{study}/overview.csv",
    log:
        "logs/{study}/overview.log",
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/overview.py"


rule page:
    """Put the study's tables, figures and claims together into one page."""
    input:
        claims="results/{study}/claims.csv",
        records=of_study(promises.page_files),
    output:
        page=report(
            "results/{study}/paper.html",
            caption="../report/page.rst",
            category="Page",
            subcategory="{study}",
            labels={"page": "the paper, rebuilt"},
        ),
    log:
        "logs/{study}/page.log",
    conda:
        "../../envs/environment.yaml"
    params:
        study=of_study(shown.page_summary),
        records=of_study(promises.page_records),
        datasets=of_study(shown.page_datasets),
    script:
        "../scripts/page.py"


rule partial:
    """Tables, claims and the page from what exists; they say what is missing. Nothing is trained."""
    output:
        folder=directory("results/{study}/partial"),
    log:
        "logs/{study}/partial.log",
    conda:
        "../../envs/environment.yaml"
    params:
        study=of_study(shown.page_summary),
        tables=of_study(unfinished.tables),
        claims=of_study(unfinished.claim_records),
        settings=of_study(shown.claim_settings),
        page_records=of_study(promises.page_records),
        page_finished=of_study(unfinished.page_records),
        datasets=of_study(shown.page_datasets),
    script:
        "../scripts/partial.py"
