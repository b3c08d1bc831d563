"""The paper's tables, as CSV (tidy), Markdown and LaTeX (as printed).

Inputs: metrics.json of the runs in a table's cells; Table 3 is read from the network itself.
Outputs: results/{study}/tables/table{1,3}.{csv,md,tex}.
Steps: table1 (test accuracy and generalization gap), describe_network, table3 (architecture).
"""


rule table1:
    """Test accuracy and generalization gap of models A, B, C: mean and standard error over seeds."""
    input:
        metrics=lambda wildcards: table_metrics(wildcards, "table1"),
        dataset=lambda wildcards: f"{data_folder(wildcards)}/dataset.json",
    output:
        csv=report(
            "results/{study}/tables/table1.csv",
            caption="../report/table1.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "1", "shows": "test accuracy and generalization gap"},
        ),
        md="results/{study}/tables/table1.md",
        tex="results/{study}/tables/table1.tex",
    log:
        "logs/{study}/table1.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        study=lambda wildcards: study_summary(wildcards),
        cells=lambda wildcards: study_of(wildcards).config["tables"]["table1"],
    script:
        "../scripts/table1.py"


rule describe_network:
    """Build the network of Table 3 and count its layers' parameters."""
    output:
        "results/{study}/network.csv",
    log:
        "logs/{study}/describe_network.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime="10m",
    script:
        "../scripts/describe_network.py"


rule table3:
    """The network's architecture as printed."""
    input:
        network="results/{study}/network.csv",
    output:
        csv=report(
            "results/{study}/tables/table3.csv",
            caption="../report/table3.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "3", "shows": "network architecture"},
        ),
        md="results/{study}/tables/table3.md",
        tex="results/{study}/tables/table3.tex",
    log:
        "logs/{study}/table3.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime="10m",
    script:
        "../scripts/table3.py"
