"""The multilayer perceptrons of section 4.1: their data, their training, and what is recorded on the way.

Inputs: nothing, or the downloaded files of a source.
Outputs: results/{study}/data/{digit_pair}/ with train/{images,labels}.npy and dataset.json;
    results/{study}/runs/mlp/{activation}/{normalization}/{labels}/seed{seed}/ with gradient_snr.csv, information_plane.csv,
    history.csv, metrics.json, provenance.json and model.safetensors. A killed training leaves resume.safetensors and goes on.
Steps: prepare_digit_pair, train_pack_<study> | train_perceptron (one seed, when a run is named on the command line).

Both training rules have the same script, inputs and params, so that a run made by one is up to date for the other.
"""


rule prepare_digit_pair:
    """Two digits of a source, with pixels in [0, 1] and without whitening."""
    input:
        sources=digit_source_files,
    output:
        images="results/{study}/data/{digit_pair}/train/images.npy",
        labels="results/{study}/data/{digit_pair}/train/labels.npy",
        description="results/{study}/data/{digit_pair}/dataset.json",
    log:
        "logs/{study}/prepare_digit_pair/{digit_pair}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(30, "m"),
    params:
        settings=digit_settings,
    script:
        "../scripts/prepare_digit_pair.py"


rule train_perceptron:
    """Train one multilayer perceptron on one seed."""
    input:
        data=perceptron_data,
    output:
        **PERCEPTRON_FILES,
    log:
        "logs/{study}/train_perceptrons/{activation}-{normalization}-{labels}-seed{seed}.log",
    conda:
        "../../envs/environment.yaml"
    threads: perceptron_threads
    resources:
        **gpu_request(perceptron_gpus),
        mem_mb=grows(4000),
        runtime=grows(12, "h"),
    params:
        settings=perceptron_settings,
    script:
        "../scripts/train.py"


for study in STUDIES.values():
    if names_a_run(study):
        continue

    rule:
        """Train the multilayer perceptrons of all seeds as one."""
        name:
            f"train_pack_{study.name}"
        input:
            data=perceptron_data,
        output:
            cell_files(study, PERCEPTRON_FILES),
        log:
            "logs/{study}/train_perceptrons/{activation}-{normalization}-{labels}.log",
        wildcard_constraints:
            study=study.name,
        conda:
            "../../envs/environment.yaml"
        threads: perceptron_threads
        resources:
            **gpu_request(perceptron_gpus),
            mem_mb=grows(4000),
            runtime=grows(12, "h"),
        params:
            settings=perceptron_settings,
        script:
            "../scripts/train.py"

    workflow.ruleorder(f"train_pack_{study.name}", "train_perceptron")
