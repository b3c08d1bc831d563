"""The nonlinear information bottleneck of appendix A: its training, figure 6 and its numbers.

Inputs: nothing, or the downloaded files of a source.
Outputs: results/{study}/runs/sphere_packing/{variant}/seed{seed}/ with embedding.npz, geometry.csv, history.csv, metrics.json,
    provenance.json and model.safetensors; results/{study}/figures/figure6.{svg,png,csv,gif};
    results/{study}/tables/sphere_packing.{csv,md,tex}. A killed training leaves resume.safetensors in its folder and goes on.
Steps: train_bottlenecks_together_<study> (all runs in one process, for studies with share_processes) | train_bottleneck (one),
    figure6, sphere_packing.

Both training rules have the same script, inputs and params, so that a run made by one is up to date for the other.
"""


# On a cluster these run where Snakemake runs, since each takes seconds.
localrules:
    figure6,
    sphere_packing,


rule train_bottleneck:
    """Train one variant on one seed."""
    input:
        sources=bottleneck_sources,
    output:
        **BOTTLENECK_FILES,
    log:
        "logs/{study}/train_bottleneck/{variant}-seed{seed}.log",
    conda:
        "../../envs/environment.yaml"
    threads: bottleneck_threads
    resources:
        **gpu_request(bottleneck_gpus),
        mem_mb=grows(4000),
        runtime=grows(12, "h"),
    params:
        settings=bottleneck_settings,
    script:
        "../scripts/train.py"


for study in STUDIES.values():
    if trains_alone(study) or not study.bottleneck_runs():
        continue

    rule:
        """Train every variant and seed in one process."""
        name:
            f"train_bottlenecks_together_{study.name}"
        input:
            sources=bottleneck_sources,
        output:
            [
                path.replace(f"results/{study.name}/", "results/{study}/")
                for path in bottleneck_files(study, *BOTTLENECK_FILES)
            ],
        log:
            "logs/{study}/train_bottlenecks.log",
        wildcard_constraints:
            study=study.name,
        conda:
            "../../envs/environment.yaml"
        threads: bottleneck_threads
        resources:
            **gpu_request(bottleneck_gpus),
            mem_mb=grows(4000),
            runtime=grows(12, "h"),
        params:
            settings=bottleneck_settings,
        script:
            "../scripts/train.py"

    workflow.ruleorder(f"train_bottlenecks_together_{study.name}", "train_bottleneck")


rule figure6:
    """Every training image in the layer of two units, by epoch and variant, and the same as an animation."""
    input:
        embeddings=lambda wildcards: first_seed(wildcards, "embedding"),
        metrics=lambda wildcards: first_seed(wildcards, "metrics"),
    output:
        svg=report(
            "results/{study}/figures/figure6.svg",
            caption="../report/figure6.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "6", "shows": "sphere packing in two units", "file": "picture"},
        ),
        png="results/{study}/figures/figure6.png",
        csv=report(
            "results/{study}/figures/figure6.csv",
            caption="../report/figure6.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "6", "shows": "sphere packing in two units", "file": "data"},
        ),
        gif=report(
            "results/{study}/figures/figure6.gif",
            caption="../report/figure6.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "6", "shows": "sphere packing in two units", "file": "animation"},
        ),
    log:
        "logs/{study}/figure6.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        study=sphere_packing_summary,
    script:
        "../scripts/figure6.py"


rule sphere_packing:
    """Figure 6 in numbers: power, scatter, isotropy, purity, vacant area, and the epoch of the partition."""
    input:
        geometries=lambda wildcards: bottleneck_records(wildcards, "geometry"),
        metrics=lambda wildcards: bottleneck_records(wildcards, "metrics"),
        provenance=lambda wildcards: bottleneck_records(wildcards, "provenance"),
    output:
        csv=report(
            "results/{study}/tables/sphere_packing.csv",
            caption="../report/sphere_packing.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "sphere packing", "shows": "figure 6 in numbers"},
        ),
        md="results/{study}/tables/sphere_packing.md",
        tex="results/{study}/tables/sphere_packing.tex",
    log:
        "logs/{study}/sphere_packing.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        study=sphere_packing_summary,
    script:
        "../scripts/sphere_packing.py"
