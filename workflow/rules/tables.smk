"""The paper's tables and those beside them, as CSV (tidy), Markdown and LaTeX (as printed).

Inputs: metrics.json of the runs in a table's cells; Table 3 is read from the network itself.
Outputs: results/{study}/tables/{table}.{csv,md,tex}; results/{study}/weight_decay.json, which calibrated models train with.
Steps: choose_weight_decay, weight_decay, table1, table2, further_models, differences, sensitivity, ablations, fault_tolerance,
    reverse_transmission, transfer_table, gradient_snr and information_plane (figures 2 and 3 in numbers), describe_network, table3 (architecture).
"""


# On a cluster these run where Snakemake runs, since each takes seconds. fault_tolerance resamples, and is a job.
localrules:
    choose_weight_decay,
    weight_decay,
    table1,
    table2,
    further_models,
    differences,
    sensitivity,
    ablations,
    reverse_transmission,
    describe_network,
    table3,
    gradient_snr,
    information_plane,
    transfer_table,


rule choose_weight_decay:
    """Find the smallest weight decay of the grid with which random labels are not fitted.

    A job of its own, apart from the table: calibrated models wait for it, and a new title must not retrain them.
    """
    input:
        metrics=lambda wildcards: part_records(wildcards, "calibration"),
    output:
        choice="results/{study}/weight_decay.json",
    log:
        "logs/{study}/choose_weight_decay.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        model=lambda wildcards: study_of(wildcards).config["calibration"]["model"],
    script:
        "../scripts/choose_weight_decay.py"


rule weight_decay:
    """The calibration by weight decay: random labels fitted or not, validation accuracy, and the choice."""
    input:
        metrics=lambda wildcards: part_records(wildcards, "calibration"),
        provenance=lambda wildcards: part_records(wildcards, "calibration", kind="provenance.json"),
        choice="results/{study}/weight_decay.json",
        dataset=study_dataset,
    output:
        csv=report(
            "results/{study}/tables/weight_decay.csv",
            caption="../report/weight_decay.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "weight decay", "shows": "the smallest sufficient weight decay"},
        ),
        md="results/{study}/tables/weight_decay.md",
        tex="results/{study}/tables/weight_decay.tex",
    log:
        "logs/{study}/weight_decay.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        study=study_summary,
    script:
        "../scripts/weight_decay.py"


rule table1:
    """Test accuracy and generalization gap: mean and standard error over seeds."""
    input:
        metrics=lambda wildcards: part_records(wildcards, "table1"),
        provenance=lambda wildcards: part_records(wildcards, "table1", kind="provenance.json"),
        dataset=study_dataset,
    output:
        csv=report(
            "results/{study}/tables/table1.csv",
            caption="../report/accuracy_table.rst",
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
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        table="table1",
        study=study_summary,
        cells=lambda wildcards: study_of(wildcards).config["tables"]["table1"],
    script:
        "../scripts/accuracy_table.py"


rule table2:
    """Training on random labels: train accuracy, gap, and whether the network collapsed."""
    input:
        metrics=lambda wildcards: part_records(wildcards, "table2"),
        provenance=lambda wildcards: part_records(wildcards, "table2", kind="provenance.json"),
        dataset=study_dataset,
    output:
        csv=report(
            "results/{study}/tables/table2.csv",
            caption="../report/accuracy_table.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "2", "shows": "training on random labels"},
        ),
        md="results/{study}/tables/table2.md",
        tex="results/{study}/tables/table2.tex",
    log:
        "logs/{study}/table2.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        table="table2",
        study=study_summary,
        cells=lambda wildcards: study_of(wildcards).config["tables"]["table2"],
    script:
        "../scripts/accuracy_table.py"


rule further_models:
    """Models beside Table 1: more data, batch normalization alone."""
    input:
        metrics=lambda wildcards: part_records(wildcards, "further_models"),
        provenance=lambda wildcards: part_records(wildcards, "further_models", kind="provenance.json"),
        dataset=study_dataset,
    output:
        csv=report(
            "results/{study}/tables/further_models.csv",
            caption="../report/accuracy_table.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "further models", "shows": "more data, batch normalization alone"},
        ),
        md="results/{study}/tables/further_models.md",
        tex="results/{study}/tables/further_models.tex",
    log:
        "logs/{study}/further_models.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        table="further_models",
        study=study_summary,
        cells=lambda wildcards: study_of(wildcards).config["tables"]["further_models"],
    script:
        "../scripts/accuracy_table.py"


rule differences:
    """The differences that the paper states in words, paired over seeds."""
    input:
        metrics=lambda wildcards: part_records(wildcards, "table1", "table2", "further_models"),
        provenance=lambda wildcards: part_records(
            wildcards, "table1", "table2", "further_models", kind="provenance.json"
        ),
        dataset=study_dataset,
    output:
        csv=report(
            "results/{study}/tables/differences.csv",
            caption="../report/differences.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "differences", "shows": "differences stated in words"},
        ),
        md="results/{study}/tables/differences.md",
        tex="results/{study}/tables/differences.tex",
    log:
        "logs/{study}/differences.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        study=study_summary,
        cells=tabulated_cells,
    script:
        "../scripts/differences.py"


rule sensitivity:
    """Vary one choice that the paper leaves open at a time."""
    input:
        metrics=lambda wildcards: part_records(wildcards, "sensitivity"),
        provenance=lambda wildcards: part_records(wildcards, "sensitivity", kind="provenance.json"),
        dataset=study_dataset,
    output:
        csv=report(
            "results/{study}/tables/sensitivity.csv",
            caption="../report/variations.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "sensitivity", "shows": "choices the paper leaves open"},
        ),
        md="results/{study}/tables/sensitivity.md",
        tex="results/{study}/tables/sensitivity.tex",
    log:
        "logs/{study}/sensitivity.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        part="sensitivity",
        study=study_summary,
        choices=lambda wildcards: study_of(wildcards).config["sensitivity"]["choices"],
        names=lambda wildcards: study_of(wildcards).variant_names("sensitivity"),
    script:
        "../scripts/variations.py"


rule ablations:
    """Take away or vary what the paper rests its conclusions on."""
    input:
        metrics=lambda wildcards: part_records(wildcards, "ablations"),
        provenance=lambda wildcards: part_records(wildcards, "ablations", kind="provenance.json"),
        dataset=study_dataset,
    output:
        csv=report(
            "results/{study}/tables/ablations.csv",
            caption="../report/variations.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "ablations", "shows": "colour, whitening, width and power"},
        ),
        md="results/{study}/tables/ablations.md",
        tex="results/{study}/tables/ablations.tex",
    log:
        "logs/{study}/ablations.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        part="ablations",
        study=study_summary,
        choices=lambda wildcards: study_of(wildcards).config["ablations"]["choices"],
        names=lambda wildcards: study_of(wildcards).variant_names("ablations"),
    script:
        "../scripts/variations.py"


rule fault_tolerance:
    """Information under unbounded noise: areas with intervals, and what remains at the end."""
    input:
        sweeps=lambda wildcards: part_records(wildcards, "perturbations", kind="perturbations/sweeps.npz"),
        provenance=lambda wildcards: part_records(wildcards, "perturbations", kind="provenance.json"),
        dataset=study_dataset,
    output:
        csv=report(
            "results/{study}/tables/fault_tolerance.csv",
            caption="../report/fault_tolerance.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "fault tolerance", "shows": "information under unbounded noise"},
        ),
        md="results/{study}/tables/fault_tolerance.md",
        tex="results/{study}/tables/fault_tolerance.tex",
    log:
        "logs/{study}/fault_tolerance.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(30, "m"),
    params:
        study=study_summary,
    script:
        "../scripts/fault_tolerance.py"


rule reverse_transmission:
    """Steps that a label takes backwards through each network to full confidence."""
    input:
        records=lambda wildcards: part_records(wildcards, "perturbations", kind="reverse_transmission.csv"),
        provenance=lambda wildcards: part_records(wildcards, "perturbations", kind="provenance.json"),
        dataset=study_dataset,
    output:
        csv=report(
            "results/{study}/tables/reverse_transmission.csv",
            caption="../report/reverse_transmission.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "reverse transmission", "shows": "steps to full confidence"},
        ),
        md="results/{study}/tables/reverse_transmission.md",
        tex="results/{study}/tables/reverse_transmission.tex",
    log:
        "logs/{study}/reverse_transmission.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        study=study_summary,
    script:
        "../scripts/reverse_transmission.py"


rule transfer_table:
    """Zero- and one-shot transfer in numbers, with calibration."""
    input:
        one_shot=lambda wildcards: transfer_files(wildcards, "one_shot.csv"),
        zero_shot=lambda wildcards: transfer_files(wildcards, "zero_shot.csv"),
        provenance=transferred_provenance,
        dataset=study_dataset,
        choice=transferred_weight_decay,
    output:
        csv=report(
            "results/{study}/tables/transfer.csv",
            caption="../report/transfer.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "transfer", "shows": "zero- and one-shot transfer, calibration"},
        ),
        md="results/{study}/tables/transfer.md",
        tex="results/{study}/tables/transfer.tex",
    log:
        "logs/{study}/transfer_table.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        study=study_summary,
        settings=transfer_settings,
        sizes=transfer_sizes,
    script:
        "../scripts/transfer_table.py"


rule describe_network:
    """Build the network of Table 3 and count its layers' parameters, for the images and classes that the study has."""
    input:
        description=network_data,
    output:
        network="results/{study}/network.csv",
    log:
        "logs/{study}/describe_network.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
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
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    script:
        "../scripts/table3.py"


rule gradient_snr:
    """Figure 2 in numbers: plateaus, levels and their distance from no signal, order of the layers."""
    input:
        records=lambda wildcards: perceptron_records(wildcards, "gradient_snr"),
        provenance=lambda wildcards: perceptron_records(wildcards, "gradient_snr", "provenance.json"),
        data=perceptron_data,
    output:
        csv=report(
            "results/{study}/tables/gradient_snr.csv",
            caption="../report/gradient_snr.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "gradient snr", "shows": "plateaus and order of layers"},
        ),
        md="results/{study}/tables/gradient_snr.md",
        tex="results/{study}/tables/gradient_snr.tex",
    log:
        "logs/{study}/gradient_snr.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        study=perceptron_summary,
        kind=gradient_ratio,
    script:
        "../scripts/gradient_snr.py"


rule information_plane:
    """Figure 3 in numbers: every estimator, degree of memorization, compression, violations."""
    input:
        records=lambda wildcards: perceptron_records(wildcards, "information_plane"),
        provenance=lambda wildcards: perceptron_records(wildcards, "information_plane", "provenance.json"),
        data=perceptron_data,
    output:
        csv=report(
            "results/{study}/tables/information_plane.csv",
            caption="../report/information_plane.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "information plane", "shows": "memorization and compression"},
        ),
        md="results/{study}/tables/information_plane.md",
        tex="results/{study}/tables/information_plane.tex",
    log:
        "logs/{study}/information_plane.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        study=perceptron_summary,
        plane=plane_settings,
    script:
        "../scripts/information_plane.py"
