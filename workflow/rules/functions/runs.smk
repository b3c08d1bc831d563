"""The trainings of the convolutional network and their probes: settings, inputs, files."""


def cell_settings(study, cell):
    """What the runs of a cell are trained with; of a user's own network the checksum of its file as well."""
    model = study.model(cell.model)
    settings = {"model": model, "training": study.training(*cell), "train_on": study.train_on(cell.model)}
    code = own_network.checksum(model["factory"]) if model["factory"] else None
    return settings | ({"network_sha256": code} if code else {})


def pack_settings(study, pack):
    return {f"{cell.model}/{cell.labels}": cell_settings(study, cell) for cell in pack.cells}


def run_settings(wildcards):
    """What a training depends on; a change of any of it, and of nothing else in the config, retrains the run.

    A pack is trained anew as a whole, so a run that could be trained in one depends on the settings of all its members, and is
    up to date for the pack when it was trained alone.
    """
    study, cell = study_of(wildcards), studies.Cell(wildcards.model, int(wildcards.batch_size), wildcards.labels)
    pack = study.pack_of(cell)
    return pack_settings(study, pack) if pack else cell_settings(study, cell)


def pack_files(study, pack):
    """The files of all runs of a pack."""
    runs = [
        {"study": study.name, **cell._asdict(), "seed": seed} for cell in pack.cells for seed in study.config["seeds"]
    ]
    return [pattern.format(**run) for run in runs for pattern in RUN_FILES.values()]


def pack_gpus(study):
    """A pack's request; its job has no wildcards that would name the study."""
    return lambda wildcards: int(study.config["device"] != "cpu")


def run_data(study, model):
    """The prepared data that a model is trained on."""
    folder = f"results/{study.name}/data/{study.data_name(study.preprocessing(model))}"
    extra = EXTRA_FILES if "extra" in study.train_on(model).split("+") else []
    return [f"{folder}/{name}" for name in (*DATA_FILES, *extra)]


def checked_run(wildcards):
    """The data of a run, once its path is known to name something the study has and may train here."""
    study = study_of(wildcards)
    try:
        study.check_run(
            wildcards.model, int(wildcards.batch_size), int(wildcards.get("seed", study.config["seeds"][0]))
        )
    except studies.StudyError as error:
        raise WorkflowError(str(error))
    return run_data(study, wildcards.model)


def weight_decay_file(study, model):
    """The calibration's choice, for the models that use it."""
    calibrated = study.model(model)["weight_decay"] == studies.CALIBRATED
    return [f"results/{study.name}/weight_decay.json"] if calibrated else []


def chosen_weight_decay(wildcards):
    return weight_decay_file(study_of(wildcards), wildcards.model)


def run_files(wildcards):
    """What a training has left of the run that the wildcards name."""
    return [pattern.format(**wildcards) for pattern in RUN_FILES.values()]


def probe_settings(wildcards):
    """What a probe depends on beside the run itself; which cells the study's figures show is no part of it."""
    study = study_of(wildcards)
    if "perturbations" not in study.config:
        raise WorkflowError(f"study {study.name} has no perturbations; add them to its configuration to probe a run")
    perturbations = {key: value for key, value in study.config["perturbations"].items() if key != "cells"}
    return {
        "perturbations": perturbations,
        "reverse_transmission": study.config["reverse_transmission"],
        "train_on": study.train_on(wildcards.model),
        "machine": machine_settings(wildcards),
    }


def largest_batch_size(wildcards):
    """The batch size whose training curves are shown: the paper's conclusions are about its largest."""
    return max(cell.batch_size for cell in study_of(wildcards).cells("table1"))


def history_records(wildcards):
    size = f"/batch{largest_batch_size(wildcards)}/"
    return [path for path in part_records(wildcards, "table1", "table2", kind="history.csv") if size in path]


def run_group(wildcards):
    """On a cluster the training of a run and its probe are one job; one without a probe is a job of its own."""
    cell = studies.Cell(wildcards.model, int(wildcards.batch_size), wildcards.labels)
    return "run" if cell in study_of(wildcards).cells("perturbations") else None
