"""Transfer: the networks, the target, the files."""


def names_a_transfer(study):
    """Whether one seed's transfer is named on the command line, as in names_a_run."""
    return any(f"results/{study.name}/transfer/" in word for word in sys.argv)


def transfer_config(wildcards):
    """The study's transfer; a study without one is told so."""
    study = study_of(wildcards)
    if "transfer" not in study.config:
        raise WorkflowError(f"study {study.name} has no transfer; add it to its configuration")
    return study.config["transfer"]


def transfer_settings(wildcards):
    """What a transfer depends on beside the run itself; which models are transferred is no part of it."""
    return {key: value for key, value in transfer_config(wildcards).items() if key not in ("models", "batch_size")}


def transferred_run(wildcards):
    """What a training has left of the network that is transferred: of one seed, or of all where the wildcards name none."""
    study, batch_size = study_of(wildcards), transfer_config(wildcards)["batch_size"]
    seeds = [int(wildcards.seed)] if "seed" in wildcards.keys() else study.config["seeds"]
    try:
        for seed in seeds:
            study.check_run(wildcards.model, batch_size, seed)
    except studies.StudyError as error:
        raise WorkflowError(str(error))
    names = {"study": study.name, "model": wildcards.model, "batch_size": batch_size, "labels": "original"}
    return [pattern.format(**names, seed=seed) for seed in seeds for pattern in RUN_FILES.values()]


def transfer_data(wildcards):
    """What is needed of the images that a transferred network was trained on."""
    return [f"{data_folder(wildcards)}/{name}" for name in ("whitening.npz", "dataset.json")]


def transfer_target_files(wildcards):
    """The files that the target is read from: downloads, the user's own file, or none."""
    settings = transfer_config(wildcards)
    return [settings["file"]] if "file" in settings else datasets.source_paths(settings["dataset"], "data")


def real_svhn_files(wildcards):
    """SVHN's test images where they lie in place already, for networks of the procedural images that stand in for SVHN."""
    read = (
        study_of(wildcards).config["data"]["dataset"] == "house_numbers"
        and transfer_config(wildcards)["dataset"] != "svhn"
    )
    return [
        path
        for path in map(str, datasets.source_paths("svhn", "data"))
        if "test" in path and read and Path(path).exists()
    ]


def transfer_files(wildcards, kind, models=None):
    """One file of every seed of the named models (by default: all that the study transfers)."""
    study, names = study_of(wildcards), models or transfer_config(wildcards)["models"]
    folders = [f"results/{study.name}/transfer/{model}" for model in names]
    return [f"{folder}/seed{seed}/{kind}" for folder in folders for seed in study.config["seeds"]]


def transferred_provenance(wildcards):
    """How the transferred networks were made."""
    study, settings = study_of(wildcards), transfer_config(wildcards)
    names = {"study": study.name, "batch_size": settings["batch_size"], "labels": "original"}
    return [
        RUN_FILES["provenance"].format(**names, model=model, seed=seed)
        for model in settings["models"]
        for seed in study.config["seeds"]
    ]


def transferred_weight_decay(wildcards):
    """The calibration's answer, where a transferred network trained with it."""
    study, settings = study_of(wildcards), transfer_config(wildcards)
    calibrated = any(study.model(model)["weight_decay"] == studies.CALIBRATED for model in settings["models"])
    return [f"results/{study.name}/weight_decay.json"] if calibrated else []


def transfer_sizes(wildcards):
    """What decides on whether the transfer is comparable with the paper: of networks, those that are transferred."""
    sizes = comparability.study_sizes(study_of(wildcards))["transfer"]
    transferred = transfer_config(wildcards)["models"]
    networks = {name: network for name, network in sizes["networks"].items() if name in transferred}
    return {"transfer": sizes | {"networks": networks}}


def figure7_model(wildcards):
    """Figure 7 shows the first of the transferred models."""
    return transfer_config(wildcards)["models"][0]
