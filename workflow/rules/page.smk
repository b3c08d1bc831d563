"""The page that reads like the paper: everything that a study measured beside what the paper printed.

Inputs: every table, figure and record that the study promises.
Outputs: results/{study}/paper.html, one self-contained file. results/{study}/partial/ has one made from what exists.
Steps: page.
"""


# On a cluster it runs where Snakemake runs, since it takes seconds.
localrules:
    page,


rule page:
    """Put the study's tables, figures and claims together into one page."""
    input:
        records=page_records,
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
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        study=page_study,
        records=page_record_names,
        datasets=page_datasets,
    script:
        "../scripts/page.py"
