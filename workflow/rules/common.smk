"""Functions that several topics share: studies, their targets, and what a job asks of the machine.

Needs: `config` as merged by Snakemake, the schema, the library on the path.
Gives: STUDIES, ARCHIVES, the closed lists that constrain the wildcards, and functions of wildcards.
"""

import os
import re
import yaml

from pathlib import PurePosixPath

from snakemake.exceptions import WorkflowError

from rate_distortion import datasets, records_archive, studies
from rate_distortion.claims import comparability

SCHEMA = yaml.safe_load((Path(workflow.basedir) / "workflow/schemas/config.schema.yaml").read_text())


def image_side(study):
    """Side in pixels of a study's images; None where the user's file is not there yet."""
    data = study.config["data"]
    return datasets.image_side(data["dataset"], image_size=data.get("image_size"), file=data.get("file"))


try:
    # A study that an archive brings is the archive's, whatever config.yaml says of one with its name.
    ARCHIVES = records_archive.studies_of(config.get("records", []))
    config["studies"] |= {study: manifest.configuration for study, (_, manifest) in ARCHIVES.items()}
    STUDIES = studies.load(config, SCHEMA)
    for study in STUDIES.values():
        if study.name not in ARCHIVES:
            study.check_image_side(image_side(study))
except (records_archive.ArchiveError, studies.StudyError) as error:
    # An exception would be shown with the place in this file, which is not where the mistake is.
    sys.exit(f"Configuration error: {error}")

DATASETS = sorted(
    {
        study.data_name(preprocessing)
        for study in STUDIES.values()
        for preprocessing in (None, *study.config.get("preprocessings", {}))
    }
)
MODELS = sorted({model for study in STUDIES.values() for model in study.config["models"]})
BATCH_SIZES = sorted({run.batch_size for study in STUDIES.values() for run in study.runs()})
DIGIT_PAIRS = sorted({study.digit_pair() for study in STUDIES.values()} - {None})
SEEDS = sorted(
    {seed for study in STUDIES.values() for seed in study.config["seeds"]}
    | {run.seed for study in STUDIES.values() for run in study.bottleneck_runs()}
)

RUN = "results/{study}/runs/cnn/{model}/batch{batch_size}/{labels}/seed{seed}"
RUN_FILES = {
    "metrics": f"{RUN}/metrics.json",
    "history": f"{RUN}/history.csv",
    "predictions": f"{RUN}/predictions.npz",
    "provenance": f"{RUN}/provenance.json",
    "model": f"{RUN}/model.safetensors",
}
PROBE_FILES = {
    **{noise: f"{RUN}/perturbations/{noise}.csv" for noise in ("l2", "linf", "gaussian")},
    "sweeps": f"{RUN}/perturbations/sweeps.npz",
    "reverse_transmission": f"{RUN}/reverse_transmission.csv",
    "images": f"{RUN}/reverse_transmission.npz",
}
TRANSFER = "results/{study}/transfer/{model}/seed{seed}"
TRANSFER_FILES = {
    "zero_shot": f"{TRANSFER}/zero_shot.csv",
    "one_shot": f"{TRANSFER}/one_shot.csv",
    "predictions": f"{TRANSFER}/predictions.npz",
}
PERCEPTRON = "results/{study}/runs/mlp/{activation}/{normalization}/{labels}/seed{seed}"
PERCEPTRON_FILES = {
    "metrics": f"{PERCEPTRON}/metrics.json",
    "history": f"{PERCEPTRON}/history.csv",
    "gradient_snr": f"{PERCEPTRON}/gradient_snr.csv",
    "information_plane": f"{PERCEPTRON}/information_plane.csv",
    "provenance": f"{PERCEPTRON}/provenance.json",
    "model": f"{PERCEPTRON}/model.safetensors",
}
BOTTLENECK = "results/{study}/runs/sphere_packing/{variant}/seed{seed}"
BOTTLENECK_FILES = {
    "metrics": f"{BOTTLENECK}/metrics.json",
    "history": f"{BOTTLENECK}/history.csv",
    "geometry": f"{BOTTLENECK}/geometry.csv",
    "embedding": f"{BOTTLENECK}/embedding.npz",
    "provenance": f"{BOTTLENECK}/provenance.json",
    "model": f"{BOTTLENECK}/model.safetensors",
}
DATA = "results/{study}/data/{dataset}"
DATA_FILES = [
    *(f"{split}/{part}.npy" for split in ("train", "validation", "test") for part in ("images", "labels")),
    "whitening.npz",
    "dataset.json",
]
COMPARED_TABLES = ("table1", "table2", "further_models", "fault_tolerance")
EXTRA_FILES = ["extra/images.npy", "extra/labels.npy", "extra.json"]


def refuse_folders_that_cannot_be_written():
    """Before the first job, where Snakemake itself would end in a traceback."""
    folders = [Path(name) for name in ("results", "data", "logs")] + sorted(Path("results").glob("*/"))
    for folder in folders:
        if folder.exists() and not os.access(folder, os.W_OK):
            raise WorkflowError(
                f"the folder {folder.resolve()} cannot be written: make it writable, or work in a copy of the project that is"
            )


def study_of(wildcards):
    return STUDIES[wildcards.study]


def study_targets(name):
    """Every file that a study promises: its results, and what describes them to an archive."""
    return [*study_results(name), f"results/{name}/ro-crate-metadata.json"]


def study_results(name):
    """Every table, figure and page of a study; what its configuration leaves out is left out."""
    study, folder = STUDIES[name], f"results/{name}"
    tables = ["table1", *(["table3"] if study.built_in_models() else [])]
    tables += ["differences"] if study.stated_differences() else []
    tables += [table for table in ("table2", "further_models") if table in study.config["tables"]]
    tables += ["weight_decay"] if "calibration" in study.config else []
    tables += [part for part in ("sensitivity", "ablations") if part in study.config]
    tables += ["fault_tolerance", "reverse_transmission"] if "perturbations" in study.config else []
    tables += ["transfer"] if "transfer" in study.config else []
    tables += ["gradient_snr", "information_plane"] if study.perceptron_cells() else []
    tables += ["sphere_packing"] if study.bottleneck_runs() else []
    figures = [figure for figure in ("figure1", "figure4", "figure5") if figure in study.config["figures"]]
    figures += ["history", *(["weight_decay"] if "calibration" in study.config else [])]
    figures += ["figure2", "figure3"] if study.perceptron_cells() else []
    figures += ["figure5_batch_norm"] if batch_norm_model(study) else []
    figures += ["figure6"] if study.bottleneck_runs() else []
    figures += ["figure7"] if "transfer" in study.config else []
    return [
        f"{folder}/config.yaml",
        f"{folder}/plan.md",
        *(f"{folder}/claims.{kind}" for kind in ("csv", "md")),
        f"{folder}/overview.csv",
        *(f"{folder}/tables/{table}.{kind}" for table in tables for kind in ("csv", "md", "tex")),
        *([f"{folder}/tables/attack_audit.csv"] if "attack_audit" in study.config else []),
        *(f"{folder}/figures/{figure}.{kind}" for figure in figures for kind in ("svg", "png", "csv")),
        *([f"{folder}/figures/figure6.gif"] if study.bottleneck_runs() else []),
        f"{folder}/paper.html",
    ]


def recorded_targets(name):
    """The promised files that cannot be made again from records: they need the networks or the source of the images."""
    kept = [f"results/{name}/plan.md", f"results/{name}/tables/attack_audit.csv"]
    return [path for path in study_targets(name) if path in kept]


def inside_study(wildcards, paths):
    """Paths as they are inside the study's folder."""
    return [str(PurePosixPath(path).relative_to(f"results/{wildcards.study}")) for path in paths]


def derived_targets(wildcards):
    """The promised files that are made from records."""
    kept = recorded_targets(wildcards.study)
    return inside_study(wildcards, [path for path in study_targets(wildcards.study) if path not in kept])


def dataset_record(name):
    """What the data of a study are."""
    return f"results/{name}/data/{STUDIES[name].data_name()}/dataset.json"


def compared_tables(name):
    """The tables of a study that are compared with another's."""
    compared = {f"results/{name}/tables/{table}.csv" for table in COMPARED_TABLES}
    return [path for path in study_targets(name) if path in compared]


def data_folder(wildcards):
    """The prepared data of a run: those of its model's own preprocessing, or the study's."""
    study = study_of(wildcards)
    preprocessing = study.preprocessing(wildcards.model) if "model" in wildcards.keys() else None
    return f"results/{study.name}/data/{study.data_name(preprocessing)}"


def data_files(wildcards):
    return [f"{data_folder(wildcards)}/{name}" for name in DATA_FILES]


def preprocessing_of(wildcards):
    """The named change of the whitening that a data folder's name ends in, or None."""
    return wildcards.dataset.partition("-")[2] or None


def source_files(wildcards):
    """The files a data set is read from: downloads, the user's own file (which is looked at before any job), or none."""
    data = study_of(wildcards).config["data"]
    if data["dataset"] == "arrays":
        try:
            if Path(data["file"]).exists():  # records may come from an archive, without the images
                datasets.check_arrays(data["file"])
        except datasets.DatasetError as error:
            sys.exit(f"Data error: {error}")  # an exception would be shown with the place in this file, as above
        return [data["file"]]
    return datasets.source_paths(data["dataset"], "data")


def extra_source_files(wildcards):
    return datasets.source_paths("svhn_extra", "data") if wildcards.dataset.startswith("svhn") else []


def study_summary(wildcards):
    """What a table or figure says of the study it shows."""
    study = study_of(wildcards)
    return {
        "name": study.name,
        "title": study.config["title"],
        "seeds": study.config["seeds"],
        "epochs": study.config["training"]["epochs"],
        "learning_rate": study.config["training"]["learning_rate"],
    }


def study_title(wildcards):
    study = study_of(wildcards)
    return {"name": study.name, "title": study.config["title"]}


def cell_settings(study, cell):
    return {
        "model": study.model(cell.model),
        "training": study.training(*cell),
        "train_on": study.train_on(cell.model),
    }


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


def run_data(study, model):
    """The prepared data that a model is trained on."""
    folder = f"results/{study.name}/data/{study.data_name(study.preprocessing(model))}"
    extra = EXTRA_FILES if "extra" in study.train_on(model).split("+") else []
    return [f"{folder}/{name}" for name in (*DATA_FILES, *extra)]


def checked_run(wildcards):
    """The data of a run, once its path is known to name something the study has."""
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


def cell_files(study, run_files):
    """The files of all seeds of a cell, with the other wildcards left open."""
    return [pattern.replace("{seed}", str(seed)) for seed in study.config["seeds"] for pattern in run_files.values()]


def run_files(wildcards):
    """What a training has left of the run that the wildcards name."""
    return [pattern.format(**wildcards) for pattern in RUN_FILES.values()]


def machine_settings(wildcards):
    """Where networks run: the study's device and threads."""
    return {key: study_of(wildcards).config[key] for key in ("device", "threads")}


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


def part_records(wildcards, *parts, kind="metrics.json"):
    """One file of every run that the named parts of a study need."""
    study = study_of(wildcards)
    return [f"results/{study.name}/{run.folder}/{kind}" for run in study.runs(*parts)]


def finished_runs(wildcards):
    """The metrics that exist when the workflow is read: a partial table is made again when there are more of them."""
    parts = [part for part in ("table1", "table2", "further_models") if study_of(wildcards).cells(part)]
    return {part: [path for path in part_records(wildcards, part) if Path(path).exists()] for part in parts}


def largest_batch_size(wildcards):
    """The batch size whose training curves are shown: the paper's conclusions are about its largest."""
    return max(cell.batch_size for cell in study_of(wildcards).cells("table1"))


def history_records(wildcards):
    size = f"/batch{largest_batch_size(wildcards)}/"
    return [path for path in part_records(wildcards, "table1", "table2", kind="history.csv") if size in path]


def study_dataset(wildcards):
    """What the study's data are, for the notes of a table or figure."""
    return dataset_record(wildcards.study)


def network_data(wildcards):
    """What says the images' shape and the number of classes: the record of a user's data; the paper's data are known."""
    own = study_of(wildcards).config["data"]["dataset"] == "arrays"
    return study_dataset(wildcards) if own else []


def study_examples(wildcards):
    """The first test image of each class."""
    study = study_of(wildcards)
    return f"results/{study.name}/data/{study.data_name()}/examples.npz"


def figure4_predictions(wildcards):
    study = study_of(wildcards)
    shown, seed = study.config["figures"]["figure4"], study.config["seeds"][0]
    run = studies.Run(shown["model"], shown["batch_size"], "original", seed)
    return f"results/{study.name}/{run.folder}/predictions.npz"


def figure4_reverse(wildcards):
    """The first seed's reverse transmission of every probed network."""
    seed = f"/seed{study_of(wildcards).config['seeds'][0]}/"
    records = part_records(wildcards, "perturbations", kind="reverse_transmission.csv")
    return [path for path in records if seed in path]


def figure5_cells(wildcards):
    shown = study_of(wildcards).config["figures"]["figure5"]
    panels = [panel for panel in studies.FIGURE5_PANELS if panel in shown]
    return {panel: studies.Cell(shown[panel], shown["batch_size"], "original") for panel in panels}


def figure5_sweeps(wildcards):
    study, cells = study_of(wildcards), figure5_cells(wildcards).values()
    runs = [studies.Run(*cell, seed) for cell in cells for seed in study.config["seeds"]]
    return [f"results/{study.name}/{run.folder}/perturbations/sweeps.npz" for run in runs]


def batch_norm_model(study):
    """The model of figure 5 that has batch normalization and is shown under each kind of statistics; None without one."""
    shown = study.config["figures"].get("figure5", {})
    models = [shown[panel] for panel in reversed(studies.FIGURE5_PANELS) if panel in shown]
    return next((model for model in models if len(study.evaluation_modes(model)) > 1), None)


def figure5_panel(wildcards, panel, title, model, mode):
    return {
        "panel": panel,
        "title": title,
        "model": model,
        "evaluation_mode": mode,
        "images": study_of(wildcards).config["perturbations"]["images"],
    }


def figure5_panels(wildcards):
    """(a) weight decay, (b) batch normalization under the statistics that its model evaluates with."""
    study, panels = study_of(wildcards), []
    for panel, cell in figure5_cells(wildcards).items():
        settings = study.model(cell.model)
        normalized = settings["normalization"] == "batch"
        mode = settings["batch_norm_evaluation"] if normalized else "none"
        statistics = f", {mode} statistics" if normalized else ""
        panels.append(figure5_panel(wildcards, panel, f"({panel}) model {cell.model}{statistics}", cell.model, mode))
    return panels


def batch_norm_panels(wildcards):
    """One panel for each kind of statistics."""
    study = study_of(wildcards)
    model = batch_norm_model(study)
    if model is None:
        raise WorkflowError(f"study {study.name} has no model with batch normalization in figures.figure5")
    return [figure5_panel(wildcards, mode, f"{mode} statistics", model, mode) for mode in study.evaluation_modes(model)]


def training_threads(wildcards):
    return study_of(wildcards).config["threads"]


def training_gpus(wildcards):
    """Studies that may use a GPU ask for one; CPU studies ask for none."""
    return int(study_of(wildcards).config["device"] != "cpu")


def perceptron_gpus(wildcards):
    return int(study_of(wildcards).config["multilayer_perceptron"]["device"] != "cpu")


def gpu_request(gpus):
    """How a job asks for its GPU: as a number, or in the words of a cluster that wants it otherwise (slurm/README.md)."""
    request = {"gpu": gpus}
    if gres := os.environ.get("RATE_DISTORTION_GRES"):
        # With a number beside it the same GPU would be asked for twice.
        request = {"gpu": 0, "gres": lambda wildcards: gres if gpus(wildcards) else ""}
    if partition := os.environ.get("RATE_DISTORTION_GPU_PARTITION"):
        other = os.environ.get("RATE_DISTORTION_PARTITION", "")
        request["slurm_partition"] = lambda wildcards: partition if gpus(wildcards) else other
    return request


def grows(amount, unit=""):
    """A resource that is asked for once, twice, ... with every attempt: what did not suffice is not asked for again."""
    return lambda wildcards, attempt: f"{amount * attempt}{unit}" if unit else amount * attempt


def run_group(wildcards):
    """On a cluster the training of a run and its probe are one job; one without a probe is a job of its own."""
    cell = studies.Cell(wildcards.model, int(wildcards.batch_size), wildcards.labels)
    return "run" if cell in study_of(wildcards).cells("perturbations") else None


def names_a_run(study):
    """Whether a run of the study is named on the command line: then exactly that run is made."""
    return any(f"results/{study.name}/runs/" in word for word in sys.argv)


def trains_alone(study):
    """Whether each seed has a process of its own: the study says so, or a run is named on the command line."""
    return not study.config["share_processes"] or names_a_run(study)


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


def figure7_model(wildcards):
    """Figure 7 shows the first of the transferred models."""
    return transfer_config(wildcards)["models"][0]


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


def bottleneck_sources(wildcards):
    """The files that a run of figure 6 reads its images from, once its path names something the study has."""
    study = study_of(wildcards)
    if "variant" in wildcards.keys():
        try:
            study.check_bottleneck(wildcards.variant, int(wildcards.seed))
        except studies.StudyError as error:
            raise WorkflowError(str(error))
    return datasets.source_paths(study.config["sphere_packing"]["dataset"], "data")


def bottleneck_settings(wildcards):
    """What every training of figure 6 depends on; a change of any of it, and of nothing else in the config, retrains it."""
    return study_of(wildcards).bottleneck()


def bottleneck_threads(wildcards):
    return study_of(wildcards).config["sphere_packing"]["threads"]


def bottleneck_gpus(wildcards):
    return int(study_of(wildcards).config["sphere_packing"]["device"] != "cpu")


def bottleneck_files(study, *kinds):
    """Files of all runs of figure 6, those of one run beside one another."""
    return [
        BOTTLENECK_FILES[kind].format(study=study.name, variant=run.variant, seed=run.seed)
        for run in study.bottleneck_runs()
        for kind in kinds
    ]


def bottleneck_records(wildcards, kind):
    """One file of every run of figure 6."""
    study = study_of(wildcards)
    if not study.bottleneck_runs():
        raise WorkflowError(f"study {study.name} has no sphere_packing; add it to its configuration")
    return bottleneck_files(study, kind)


def first_seed(wildcards, kind):
    """One file of the run of figure 6 that stands for each variant."""
    records = bottleneck_records(wildcards, kind)
    seed = f"/seed{study_of(wildcards).config['sphere_packing']['seeds'][0]}/"
    return [path for path in records if seed in path]


def sphere_packing_summary(wildcards):
    """What figure 6 and its table say of the study they show."""
    study = study_of(wildcards)
    keys = (
        "variants seeds epochs figure_epochs points learning_rate batch_size optimizer weight_decay beta encoder_widths "
        "decoder_widths partition_purity"
    )
    settings = study.config["sphere_packing"]
    return {"name": study.name, "title": study.config["title"]} | {key: settings[key] for key in keys.split()}


def claim_records(wildcards):
    """Every record that a claim may rest on, by kind; of parts that the study leaves out there are none."""
    study = study_of(wildcards)
    folder, perceptrons = f"results/{study.name}", bool(study.perceptron_cells())
    packing, transfer = (study.config.get(part, {}) for part in ("sphere_packing", "transfer"))
    return {
        "metrics": part_records(wildcards, "table1", "table2", "further_models", "calibration"),
        "weight_decay": [f"{folder}/weight_decay.json"] if "calibration" in study.config else [],
        "sweeps": part_records(wildcards, "perturbations", kind="perturbations/sweeps.npz"),
        "reverse_transmission": part_records(wildcards, "perturbations", kind="reverse_transmission.csv"),
        "gradient_snr": perceptron_records(wildcards, "gradient_snr") if perceptrons else [],
        "information_plane": perceptron_records(wildcards, "information_plane") if perceptrons else [],
        "sphere_packing": [
            f"{folder}/runs/sphere_packing/{variant}/seed{seed}/geometry.csv"
            for variant in packing.get("variants", ())
            for seed in packing["seeds"]
        ],
        "transfer": [
            f"{folder}/transfer/{model}/seed{seed}/{shots}.csv"
            for model in transfer.get("models", ())
            for seed in study.config["seeds"]
            for shots in ("zero_shot", "one_shot")
        ],
        "network": [f"{folder}/network.csv"] if study.built_in_models() else [],
    }


def finished_claim_records(wildcards):
    """Those of the claims' records that exist when the workflow is read."""
    kinds = claim_records(wildcards) | {"datasets": claim_datasets(wildcards)}
    return {kind: [path for path in paths if Path(path).exists()] for kind, paths in kinds.items()}


def claim_datasets(wildcards):
    """What the study's data are, by the part of the study."""
    digits = [perceptron_data(wildcards)] if study_of(wildcards).perceptron_cells() else []
    return [study_dataset(wildcards), *digits]


def claim_settings(wildcards):
    """What decides on a claim beside the records: sizes by part, and how curves are read."""
    study = study_of(wildcards)
    models = {cell.model: study.model(cell.model) for cell in study.cells("perturbations")}
    normalized = {name for name, settings in models.items() if settings["normalization"] == "batch"}
    return {
        "sizes": comparability.study_sizes(study),
        "snr_ratio": gradient_ratio(wildcards) if study.perceptron_cells() else "literal",
        "evaluation_modes": {
            name: settings["batch_norm_evaluation"] if name in normalized else "none"
            for name, settings in models.items()
        },
    }


def overview_records(wildcards):
    """The metrics of the trainings behind each part of a study, for what they cost."""
    study = study_of(wildcards)
    parts = ("table1", "table2", "calibration", "further_models", "perturbations", "transfer")
    records = {part: part_records(wildcards, part) for part in parts if study.cells(part)}
    for figure in ("gradient_snr", "information_plane"):
        paths = perceptron_records(wildcards, figure) if study.perceptron_cells() else []
        records[figure] = [str(Path(path).with_name("metrics.json")) for path in paths]
    packing = claim_records(wildcards)["sphere_packing"]
    return records | {"sphere_packing": [str(Path(path).with_name("metrics.json")) for path in packing]}


def page_records(wildcards):
    """The tables, figures and claims that the study promises; not what is made of the finished study, which lists the page too."""
    return [path for path in study_targets(wildcards.study) if path.endswith((".csv", ".svg", ".png"))]


def page_record_names(wildcards):
    """The names of the tidy tables among them: their paths inside the study's folder, without suffix."""
    folder = Path("results", wildcards.study)
    tidy = [Path(path) for path in page_records(wildcards) if path.endswith(".csv")]
    return [path.relative_to(folder).with_suffix("").as_posix() for path in tidy]


def page_study(wildcards):
    """What the page says of the study beside its records."""
    config = study_of(wildcards).config
    perceptron = config.get("multilayer_perceptron", {})
    return study_summary(wildcards) | {
        "dataset": config["data"]["dataset"],
        "tables": config["tables"],
        "figure4_model": config["figures"].get("figure4", {}).get("model"),
        "ratio": perceptron.get("gradient_snr", {}).get("ratio"),
        "digits": perceptron.get("dataset"),
    }


def page_datasets(wildcards):
    """Where the study's data are described, once they are prepared."""
    study = study_of(wildcards)
    digits = f"results/{study.name}/data/{study.digit_pair()}/dataset.json" if study.digit_pair() else None
    return {"data": study_dataset(wildcards), "digits_data": digits}


def finished_page_records(wildcards):
    """The records of the page that exist when the workflow is read."""
    return [name for name in page_record_names(wildcards) if Path("results", wildcards.study, f"{name}.csv").exists()]
