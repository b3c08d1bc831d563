"""The paper's figures, as SVG, PNG and a CSV that holds exactly what is drawn.

Inputs: prepared data and what the runs recorded; figure 1 needs none. No figure job imports torch.
Outputs: results/{study}/figures/{figure}.{svg,png,csv}.
Steps: figure1 (diagrams of the channel; sphere packing simulated), figure2 (signal-to-noise ratio of the gradients), figure3 (the
    information plane), figure4 (test images with predictions; labels transmitted in reverse), figure5 (information against signal-to-noise
    ratio), figure5_batch_norm (the same under each kind of batch-normalization statistics), figure_weight_decay (the
    calibration), figure7 (margins and reliability after transfer), figure_history (training curves of the runs of Tables 1 and 2 at one batch size).
"""


# On a cluster these run where Snakemake runs, since each takes seconds. figure1 simulates, and is a job.
localrules:
    figure2,
    figure3,
    figure4,
    figure_weight_decay,
    figure_history,
    figure5,
    figure5_batch_norm,
    figure7,


rule figure1:
    """The channel, the causal model, and sphere packing simulated."""
    output:
        svg=report(
            "results/{study}/figures/figure1.svg",
            caption="../report/figure1.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "1", "shows": "channel and sphere packing", "file": "picture"},
        ),
        png="results/{study}/figures/figure1.png",
        csv=report(
            "results/{study}/figures/figure1.csv",
            caption="../report/figure1.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "1", "shows": "channel and sphere packing", "file": "data"},
        ),
    log:
        "logs/{study}/figure1.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(1, "h"),
    params:
        study=study_summary,
        simulation=lambda wildcards: study_of(wildcards).config["figures"]["figure1"],
    script:
        "../scripts/figure1.py"


rule figure2:
    """The gradients' signal-to-noise ratio against epoch, by layer."""
    input:
        records=lambda wildcards: perceptron_records(wildcards, "gradient_snr"),
        data=perceptron_data,
    output:
        svg=report(
            "results/{study}/figures/figure2.svg",
            caption="../report/figure2.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "2", "shows": "signal-to-noise ratio of gradients", "file": "picture"},
        ),
        png="results/{study}/figures/figure2.png",
        csv=report(
            "results/{study}/figures/figure2.csv",
            caption="../report/figure2.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "2", "shows": "signal-to-noise ratio of gradients", "file": "data"},
        ),
    log:
        "logs/{study}/figure2.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        study=perceptron_summary,
        kind=gradient_ratio,
        panels=figure2_panels,
    script:
        "../scripts/figure2.py"


rule figure3:
    """The information plane, on the original and on random labels."""
    input:
        records=lambda wildcards: perceptron_records(wildcards, "information_plane"),
        data=perceptron_data,
    output:
        svg=report(
            "results/{study}/figures/figure3.svg",
            caption="../report/figure3.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "3", "shows": "information plane", "file": "picture"},
        ),
        png="results/{study}/figures/figure3.png",
        csv=report(
            "results/{study}/figures/figure3.csv",
            caption="../report/figure3.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "3", "shows": "information plane", "file": "data"},
        ),
    log:
        "logs/{study}/figure3.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        study=perceptron_summary,
        plane=plane_settings,
    script:
        "../scripts/figure3.py"


rule figure4:
    """Test images with prediction and confidence; labels transmitted in reverse."""
    input:
        examples=study_examples,
        dataset=study_dataset,
        predictions=figure4_predictions,
        reverse_transmission=figure4_reverse,
    output:
        svg=report(
            "results/{study}/figures/figure4.svg",
            caption="../report/figure4.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "4", "shows": "both directions of the channel", "file": "picture"},
        ),
        png="results/{study}/figures/figure4.png",
        csv=report(
            "results/{study}/figures/figure4.csv",
            caption="../report/figure4.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "4", "shows": "both directions of the channel", "file": "data"},
        ),
    log:
        "logs/{study}/figure4.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        study=study_summary,
        shown=lambda wildcards: study_of(wildcards).config["figures"]["figure4"],
    script:
        "../scripts/figure4.py"


rule figure7:
    """Histogram of prediction margins and reliability curve after transfer."""
    input:
        predictions=lambda wildcards: transfer_files(wildcards, "predictions.npz", [figure7_model(wildcards)]),
        dataset=study_dataset,
    output:
        svg=report(
            "results/{study}/figures/figure7.svg",
            caption="../report/figure7.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "7", "shows": "calibration after transfer", "file": "picture"},
        ),
        png="results/{study}/figures/figure7.png",
        csv=report(
            "results/{study}/figures/figure7.csv",
            caption="../report/figure7.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "7", "shows": "calibration after transfer", "file": "data"},
        ),
    log:
        "logs/{study}/figure7.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        study=study_summary,
        settings=transfer_settings,
        model=figure7_model,
    script:
        "../scripts/figure7.py"


rule figure_weight_decay:
    """Accuracy on random and on original labels against weight decay."""
    input:
        table="results/{study}/tables/weight_decay.csv",
        dataset=study_dataset,
    output:
        svg=report(
            "results/{study}/figures/weight_decay.svg",
            caption="../report/figure_weight_decay.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "weight decay", "shows": "weight decay against fitted random labels", "file": "picture"},
        ),
        png="results/{study}/figures/weight_decay.png",
        csv=report(
            "results/{study}/figures/weight_decay.csv",
            caption="../report/figure_weight_decay.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "weight decay", "shows": "weight decay against fitted random labels", "file": "data"},
        ),
    log:
        "logs/{study}/figure_weight_decay.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        study=study_summary,
        calibration=lambda wildcards: study_of(wildcards).config["calibration"],
    script:
        "../scripts/figure_weight_decay.py"


rule figure_history:
    """Accuracy, loss and weight norms against epoch at the largest batch size."""
    input:
        histories=lambda wildcards: history_records(wildcards),
        dataset=study_dataset,
    output:
        svg=report(
            "results/{study}/figures/history.svg",
            caption="../report/figure_history.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "history", "shows": "training curves", "file": "picture"},
        ),
        png="results/{study}/figures/history.png",
        csv=report(
            "results/{study}/figures/history.csv",
            caption="../report/figure_history.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "history", "shows": "training curves", "file": "data"},
        ),
    log:
        "logs/{study}/figure_history.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        study=study_summary,
        batch_size=largest_batch_size,
    script:
        "../scripts/figure_history.py"


rule figure5:
    """Information and accuracy against signal-to-noise ratio: weight decay, batch normalization."""
    input:
        sweeps=figure5_sweeps,
        dataset=study_dataset,
    output:
        svg=report(
            "results/{study}/figures/figure5.svg",
            caption="../report/figure5.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "5", "shows": "information against signal-to-noise ratio", "file": "picture"},
        ),
        png="results/{study}/figures/figure5.png",
        csv=report(
            "results/{study}/figures/figure5.csv",
            caption="../report/figure5.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "5", "shows": "information against signal-to-noise ratio", "file": "data"},
        ),
    log:
        "logs/{study}/figure5.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        study=study_summary,
        panels=figure5_panels,
    script:
        "../scripts/figure5.py"


rule figure5_batch_norm:
    """The batch-normalized model of figure 5 under each kind of statistics in evaluation."""
    input:
        sweeps=figure5_sweeps,
        dataset=study_dataset,
    output:
        svg=report(
            "results/{study}/figures/figure5_batch_norm.svg",
            caption="../report/figure5.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "5, batch norm", "shows": "batch statistics in evaluation", "file": "picture"},
        ),
        png="results/{study}/figures/figure5_batch_norm.png",
        csv=report(
            "results/{study}/figures/figure5_batch_norm.csv",
            caption="../report/figure5.rst",
            category="Figures",
            subcategory="{study}",
            labels={"figure": "5, batch norm", "shows": "batch statistics in evaluation", "file": "data"},
        ),
    log:
        "logs/{study}/figure5_batch_norm.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        study=study_summary,
        panels=batch_norm_panels,
    script:
        "../scripts/figure5.py"
