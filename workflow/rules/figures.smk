"""The paper's figures, as SVG, PNG and a CSV that holds exactly what is drawn.

Inputs: prepared data and what the runs recorded. No figure job imports torch.
Outputs: results/{study}/figures/figure4.{svg,png,csv}.
Steps: figure4 (part (a): one preprocessed test image per class with prediction and confidence).
"""


rule figure4:
    """One preprocessed test image per class with the predicted class and its confidence."""
    input:
        data=data_files,
        predictions=figure4_predictions,
    output:
        svg=report(
            "results/{study}/figures/figure4.svg",
            caption="../report/figure4.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "4 (a)", "shows": "test images, predictions", "file": "picture"},
        ),
        png="results/{study}/figures/figure4.png",
        csv=report(
            "results/{study}/figures/figure4.csv",
            caption="../report/figure4.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "4 (a)", "shows": "test images, predictions", "file": "data"},
        ),
    log:
        "logs/{study}/figure4.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        study=lambda wildcards: study_summary(wildcards),
        shown=lambda wildcards: study_of(wildcards).config["figures"]["figure4"],
    script:
        "../scripts/figure4.py"
