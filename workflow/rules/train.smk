"""Train one network on one seed to steady state, evaluate it and record it.

Inputs: a study's prepared data; for calibrated models results/{study}/weight_decay.json; for a
    user's own network the file of its factory.
Outputs: results/{study}/runs/cnn/{model}/batch{batch_size}/{labels}/seed{seed}/ with model.safetensors, metrics.json,
    history.csv, predictions.npz and provenance.json. A killed training leaves resume.safetensors there and goes on from it.
Steps: train | train_together_<study> (all seeds of a cell in one process, for studies with share_processes)
    | train_packed_<study>_<pack> (all networks of a batch size as one, for studies with packing).

All have the same inputs and params, so that a run made by one is up to date for the others.
"""


rule train:
    """Train one model on one seed."""
    input:
        data=checked_run,
        weight_decay=chosen_weight_decay,
    output:
        **RUN_FILES,
    log:
        "logs/{study}/train/{model}-batch{batch_size}-{labels}-seed{seed}.log",
    wildcard_constraints:
        study="|".join(set(STUDIES) - set(ARCHIVES)) or "no study",
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
        settings=run_settings,
    script:
        "../scripts/train.py"


for study in STUDIES.values():
    if trains_alone(study) or study.name in ARCHIVES:
        continue

    rule:
        """Train one model on every seed in one process."""
        name:
            f"train_together_{study.name}"
        input:
            data=checked_run,
            weight_decay=chosen_weight_decay,
        output:
            cell_files(study, RUN_FILES),
        log:
            "logs/{study}/train/{model}-batch{batch_size}-{labels}.log",
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
            settings=run_settings,
        script:
            "../scripts/train.py"

    workflow.ruleorder(f"train_together_{study.name}", "train")


for study in STUDIES.values():
    if names_a_run(study) or study.name in ARCHIVES:
        continue
    for pack in study.packs():

        rule:
            """Train all networks of a batch size as one."""
            name:
                f"train_packed_{study.name}_{pack.name}"
            input:
                data=run_data(study, pack.cells[0].model),
                weight_decay=weight_decay_file(study, pack.cells[0].model),
            output:
                pack_files(study, pack),
            log:
                f"logs/{study.name}/train/{pack.name}.log",
            conda:
                "../../envs/environment.yaml"
            threads: study.config["threads"]
            resources:
                **gpu_request(pack_gpus(study)),
                mem_mb=grows(16000),
                runtime=grows(8, "h"),
            params:
                settings=pack_settings(study, pack),
            script:
                "../scripts/train_packed.py"

        others = ["train"] if trains_alone(study) else [f"train_together_{study.name}", "train"]
        workflow.ruleorder(f"train_packed_{study.name}_{pack.name}", *others)
