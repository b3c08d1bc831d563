"""Transfer trained networks to other images of the same classes, as they are and after ten steps on one example of each.

Inputs: a run's model and records; the prepared data it was trained on, for their shape and whitening; the target's source files;
    SVHN's test images for networks of procedural street numbers, if they are there.
Outputs: results/{study}/transfer/{model}/seed{seed}/ with zero_shot.csv (a row per target), one_shot.csv (a row per support set) and
    predictions.npz. Figure 7 and the table of transfer are made from them (figures.smk, tables.smk).
Steps: transfer | transfer_together_<study> (all seeds of a model in one process, for studies with share_processes).
"""


rule transfer:
    """Transfer one network, zero-shot and one-shot."""
    input:
        run=transferred_run,
        data=transfer_data,
        target=transfer_target_files,
        real_svhn=real_svhn_files,
    output:
        **TRANSFER_FILES,
    log:
        "logs/{study}/transfer/{model}-seed{seed}.log",
    conda:
        "../../envs/environment.yaml"
    threads: training_threads
    resources:
        **gpu_request(training_gpus),
        mem_mb=grows(8000),
        runtime=grows(4, "h"),
    params:
        settings=transfer_settings,
        machine=machine_settings,
    script:
        "../scripts/transfer.py"


for study in STUDIES.values():
    if not study.config["share_processes"] or names_a_transfer(study):
        continue

    rule:
        """Transfer the networks of every seed in one process."""
        name:
            f"transfer_together_{study.name}"
        input:
            run=transferred_run,
            data=transfer_data,
            target=transfer_target_files,
            real_svhn=real_svhn_files,
        output:
            cell_files(study, TRANSFER_FILES),
        log:
            "logs/{study}/transfer/{model}.log",
        wildcard_constraints:
            study=study.name,
        conda:
            "../../envs/environment.yaml"
        threads: training_threads
        resources:
            **gpu_request(training_gpus),
            mem_mb=grows(8000),
            runtime=grows(4, "h"),
        params:
            settings=transfer_settings,
            machine=machine_settings,
        script:
            "../scripts/transfer.py"

    workflow.ruleorder(f"transfer_together_{study.name}", "transfer")
