"""Train networks to steady state, evaluate and record them.

Inputs: a study's prepared data; for calibrated models results/{study}/weight_decay.json; for a user's own network the file of its
    factory, whose checksum is one of the settings.
Outputs: results/{study}/runs/cnn/{model}/batch{batch_size}/{labels}/seed{seed}/ (the convolutional networks),
    results/{study}/runs/mlp/{activation}/{normalization}/{labels}/seed{seed}/ (the multilayer perceptrons of section 4.1) and
    results/{study}/runs/sphere_packing/{variant}/seed{seed}/ (the information bottleneck of appendix A), each with
    model.safetensors, metrics.json, history.csv, provenance.json and records of its own. A killed training leaves a resume file
    in its folder and goes on from it.
Steps: train | train_packed_<study>_<pack> (all networks of a batch size as one, for studies with packing);
    train_perceptrons_<study>; train_bottleneck.
"""


rule train:
    """Train one convolutional network on one seed."""
    input:
        data=of_study(targets.trained_data),
        weight_decay=of_study(targets.chosen_weight_decay),
    output:
        **targets.RUN_FILES,
    log:
        "logs/{study}/train/{model}-batch{batch_size}-{labels}-seed{seed}.log",
    wildcard_constraints:
        study=one_of(TRAINED),
    group:
        of_study(targets.run_group)
    conda:
        "../../envs/environment.yaml"
    threads: of_study(targets.threads)
    resources:
        **asks(of_study(needs.training), of_study(targets.gpus)),
    params:
        settings=of_study(targets.run_settings),
    script:
        "../scripts/train.py"


for study in TRAINED.values():
    # One rule per pack and study: a rule has a fixed number of outputs, and how many runs a pack has is the study's. Without
    # wildcards, Snakemake prefers it to the rule above, with whose input and params a run that it made is up to date.
    for pack in study.packs():

        rule:
            """Train all networks of a batch size as one."""
            name:
                f"train_packed_{study.name}_{pack.name}"
            input:
                data=targets.run_data(study, pack.cells[0].model),
                weight_decay=targets.chosen_weight_decay(study, pack.cells[0].model),
            output:
                targets.pack_files(study, pack),
            log:
                f"logs/{study.name}/train/{pack.name}.log",
            conda:
                "../../envs/environment.yaml"
            threads: targets.threads(study)
            resources:
                **asks(of_pack(needs.pack, study, pack), of_pack(targets.gpus, study)),
            params:
                settings=targets.pack_settings(study, pack),
            script:
                "../scripts/train.py"


for study in TRAINED.values():

    # One rule per study, as above: all seeds of a cell are trained as one, which takes a fraction of the time.
    rule:
        """Train the multilayer perceptrons of all seeds as one."""
        name:
            f"train_perceptrons_{study.name}"
        input:
            data=of_study(targets.perceptron_data),
        output:
            targets.perceptron_files(study),
        log:
            "logs/{study}/train_perceptrons/{activation}-{normalization}-{labels}.log",
        wildcard_constraints:
            study=study.name,
        conda:
            "../../envs/environment.yaml"
        threads: of_study(targets.threads, part="multilayer_perceptron")
        resources:
            **asks(of_study(needs.perceptron), of_study(targets.gpus, part="multilayer_perceptron")),
        params:
            settings=of_study(targets.perceptron_settings),
        script:
            "../scripts/train.py"


rule train_bottleneck:
    """Train one variant of the information bottleneck on one seed."""
    input:
        sources=of_study(targets.bottleneck_sources),
    output:
        **targets.BOTTLENECK_FILES,
    log:
        "logs/{study}/train_bottleneck/{variant}-seed{seed}.log",
    wildcard_constraints:
        study=one_of(TRAINED),
    conda:
        "../../envs/environment.yaml"
    threads: of_study(targets.threads, part="sphere_packing")
    resources:
        **asks(of_study(needs.bottleneck), of_study(targets.gpus, part="sphere_packing")),
    params:
        settings=of_study(targets.bottleneck_settings),
    script:
        "../scripts/train.py"
