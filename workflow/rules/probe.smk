"""Probe trained networks: noise sent through them, labels sent backwards, attacks audited, and transfer to other images.

Inputs: a run's files; the prepared data it was trained on; for transfer the target's source files, and SVHN's test images for
    networks of procedural street numbers, if they are there.
Outputs: results/{study}/runs/cnn/{model}/batch{batch_size}/{labels}/seed{seed}/ with perturbations/{l2,linf,gaussian}.csv,
    perturbations/sweeps.npz (predictions behind them), reverse_transmission.csv and reverse_transmission.npz (images);
    results/{study}/tables/attack_audit.csv; results/{study}/transfer/{model}/seed{seed}/ with zero_shot.csv (a row per target),
    one_shot.csv (a row per support set) and predictions.npz; results/{study}/network.csv.
Steps: probe, audit_attacks, transfer, describe_network.
"""


# On a cluster it runs where Snakemake runs, since it takes seconds.
localrules:
    describe_network,


rule probe:
    """Sweep one network along three unbounded paths and transmit every label in reverse."""
    input:
        run=of_study(targets.run_files),
        data=of_study(targets.trained_data),
    output:
        **targets.PROBE_FILES,
    log:
        "logs/{study}/probe/{model}-batch{batch_size}-{labels}-seed{seed}.log",
    group:
        of_study(targets.run_group)
    conda:
        "../../envs/environment.yaml"
    threads: of_study(targets.threads)
    resources:
        **asks(of_study(needs.probe), of_study(targets.gpus)),
    params:
        settings=of_study(targets.probe_settings),
    script:
        "../scripts/probe.py"


rule audit_attacks:
    """Compare the plain attack with attacks that gradient masking would not stop."""
    input:
        runs=of_study(targets.audited_networks),
        data=of_study(targets.study_data),
    output:
        csv=report(
            "results/{study}/tables/attack_audit.csv",
            caption="../report/result.rst",
            category="Tables",
            subcategory="{study}",
            labels={"shows": results.TABLES["attack_audit"].words, "file": "data"},
        ),
    log:
        "logs/{study}/audit_attacks.log",
    conda:
        "../../envs/environment.yaml"
    threads: of_study(targets.threads)
    resources:
        **asks(of_study(needs.audit), of_study(targets.gpus)),
    params:
        settings=of_study(targets.audit_settings),
        caption=of_study(results.TABLES["attack_audit"].caption_of),
    script:
        "../scripts/audit_attacks.py"


rule transfer:
    """Transfer one network, zero-shot and one-shot."""
    input:
        run=of_study(targets.transferred_run),
        data=of_study(targets.transfer_data),
        target=of_study(targets.transfer_target_files),
        real_svhn=of_study(targets.real_svhn_files),
    output:
        **targets.TRANSFER_FILES,
    log:
        "logs/{study}/transfer/{model}-seed{seed}.log",
    conda:
        "../../envs/environment.yaml"
    threads: of_study(targets.threads)
    resources:
        **asks(of_study(needs.transfer), of_study(targets.gpus)),
    params:
        settings=of_study(targets.transfer_settings),
        machine=of_study(targets.machine),
    script:
        "../scripts/transfer.py"


rule describe_network:
    """Build the network of Table 3 and count its layers' parameters, for the images and classes that the study has."""
    input:
        description=of_study(targets.network_data),
    output:
        network="results/{study}/network.csv",
    log:
        "logs/{study}/describe_network.log",
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/describe_network.py"
