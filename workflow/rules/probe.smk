"""Probe trained networks: unbounded noise sent through them, labels sent backwards, and a check against gradient masking.

Inputs: a run's model, metrics and provenance; the prepared data it was trained on.
Outputs: results/{study}/runs/cnn/{model}/batch{batch_size}/{labels}/seed{seed}/ with perturbations/{l2,linf,gaussian}.csv,
    perturbations/sweeps.npz (predictions behind them), reverse_transmission.csv and reverse_transmission.npz (images);
    results/{study}/tables/attack_audit.csv.
Steps: probe | probe_together_<study> (as in train.smk), audit_attacks.
"""


rule probe:
    """Sweep one network along three unbounded paths and transmit every label in reverse."""
    input:
        run=run_files,
        data=checked_run,
    output:
        **PROBE_FILES,
    log:
        "logs/{study}/probe/{model}-batch{batch_size}-{labels}-seed{seed}.log",
    group:
        run_group
    conda:
        "../../envs/environment.yaml"
    threads: training_threads
    resources:
        **gpu_request(training_gpus),
        mem_mb=grows(8000),
        runtime=grows(4, "h"),
    params:
        settings=probe_settings,
    script:
        "../scripts/probe.py"


for study in STUDIES.values():
    if trains_alone(study):
        continue

    rule:
        """Probe the networks of every seed in one process."""
        name:
            f"probe_together_{study.name}"
        input:
            run=cell_files(study, RUN_FILES),
            data=checked_run,
        output:
            cell_files(study, PROBE_FILES),
        log:
            "logs/{study}/probe/{model}-batch{batch_size}-{labels}.log",
        wildcard_constraints:
            study=study.name,
        group:
            run_group
        conda:
            "../../envs/environment.yaml"
        threads: training_threads
        resources:
            **gpu_request(training_gpus),
            mem_mb=grows(8000),
            runtime=grows(4, "h"),
        params:
            settings=probe_settings,
        script:
            "../scripts/probe.py"

    workflow.ruleorder(f"probe_together_{study.name}", "probe")


rule audit_attacks:
    """Compare the plain attack with attacks that gradient masking would not stop."""
    input:
        runs=lambda wildcards: part_records(wildcards, "attack_audit", kind="model.safetensors"),
        data=data_files,
    output:
        csv=report(
            "results/{study}/tables/attack_audit.csv",
            caption="../report/attack_audit.rst",
            category="Tables",
            subcategory="{study}",
            labels={"table": "attack audit", "shows": "attacks that gradient masking would not stop"},
        ),
    log:
        "logs/{study}/audit_attacks.log",
    conda:
        "../../envs/environment.yaml"
    threads: training_threads
    resources:
        **gpu_request(training_gpus),
        mem_mb=grows(8000),
        runtime=grows(4, "h"),
    params:
        study=study_summary,
        audit=lambda wildcards: study_of(wildcards).config["attack_audit"],
        perturbations=lambda wildcards: study_of(wildcards).config["perturbations"],
        machine=machine_settings,
    script:
        "../scripts/audit_attacks.py"
