"""The multilayer perceptrons of figures 2 and 3."""


def perceptron_gpus(wildcards):
    return int(study_of(wildcards).config["multilayer_perceptron"]["device"] != "cpu")


def digit_settings(wildcards):
    """What the images of the two digits depend on."""
    settings = study_of(wildcards).config.get("multilayer_perceptron", {})
    return {key: settings[key] for key in ("dataset", "image_size", "digits", "train_on") if key in settings}


def digit_source_files(wildcards):
    study = study_of(wildcards)
    if study.digit_pair() != wildcards.digit_pair:
        raise WorkflowError(f"study {study.name} has no digits {wildcards.digit_pair}; it has {study.digit_pair()}")
    return datasets.source_paths(study.config["multilayer_perceptron"]["dataset"], "data")


def perceptron_data(wildcards):
    """The record of the two digits, once the study is known to have multilayer perceptrons and the seed."""
    study = study_of(wildcards)
    if "multilayer_perceptron" not in study.config:
        raise WorkflowError(f"study {study.name} has no multilayer_perceptron; add it to its configuration")
    try:
        study.check_seed(int(wildcards.get("seed", study.config["seeds"][0])))
    except studies.StudyError as error:
        raise WorkflowError(str(error))
    return f"results/{study.name}/data/{study.digit_pair()}/dataset.json"


def perceptron_settings(wildcards):
    """What a multilayer perceptron depends on; a change of any of it, and of nothing else in the config, retrains it."""
    return study_of(wildcards).perceptron(wildcards.activation, wildcards.normalization, wildcards.labels)


def perceptron_threads(wildcards):
    return study_of(wildcards).config["multilayer_perceptron"]["threads"]


def perceptron_records(wildcards, figure, kind=None):
    """The records behind figure 2 (gradient_snr) or 3 (information_plane), or another file, of every network and seed."""
    study = study_of(wildcards)
    cells = study.perceptron_cells(figure)
    seeds = study.config["seeds"]
    return [
        f"results/{study.name}/{cell.folder}/seed{seed}/{kind or f'{figure}.csv'}" for cell in cells for seed in seeds
    ]


def perceptron_summary(wildcards):
    """What a table or figure of the multilayer perceptrons says of the study it shows."""
    settings = study_of(wildcards).config["multilayer_perceptron"]
    own = {key: settings[key] for key in ("epochs", "learning_rate", "batch_size", "hidden_widths")}
    return (
        study_summary(wildcards) | own | {"figure2_epochs": settings["gradient_snr"].get("epochs", settings["epochs"])}
    )


def gradient_ratio(wildcards):
    return study_of(wildcards).config["multilayer_perceptron"]["gradient_snr"]["ratio"]


def figure2_panels(wildcards):
    """Activations below one another; without and with batch normalization side by side."""
    shown = study_of(wildcards).config["multilayer_perceptron"]["gradient_snr"]
    names = {"none": "", "batch": " with batch normalization"}
    return [
        {"activation": activation, "normalization": normalization, "title": activation + names[normalization]}
        for activation in shown["activations"]
        for normalization in shown["normalizations"]
    ]


def plane_settings(wildcards):
    return study_of(wildcards).config["multilayer_perceptron"]["information_plane"]
