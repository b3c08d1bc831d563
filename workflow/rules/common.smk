"""Functions that several topics share: studies, their targets, and what a job asks of the machine.

Needs: `config` as merged by Snakemake, the schema, the library on the path.
Gives: STUDIES, the closed lists that constrain the wildcards, and functions of wildcards.
"""

import re
import yaml

from snakemake.exceptions import WorkflowError

from rate_distortion import datasets, studies

SCHEMA = yaml.safe_load((Path(workflow.basedir) / "workflow/schemas/config.schema.yaml").read_text())

try:
    STUDIES = studies.load(config, SCHEMA)
except studies.StudyError as error:
    raise WorkflowError(str(error))

DATASETS = sorted({study.config["data"]["dataset"] for study in STUDIES.values()})
MODELS = sorted({model for study in STUDIES.values() for model in study.config["models"]})
BATCH_SIZES = sorted({run.batch_size for study in STUDIES.values() for run in study.runs()})
SEEDS = sorted({seed for study in STUDIES.values() for seed in study.config["seeds"]})

RUN = "results/{study}/runs/cnn/{model}/batch{batch_size}/{labels}/seed{seed}"
RUN_FILES = {
    "metrics": f"{RUN}/metrics.json",
    "history": f"{RUN}/history.csv",
    "predictions": f"{RUN}/predictions.npz",
    "provenance": f"{RUN}/provenance.json",
    "model": f"{RUN}/model.safetensors",
}
DATA = "results/{study}/data/{dataset}"
DATA_FILES = [
    *(f"{split}/{part}.npy" for split in ("train", "validation", "test") for part in ("images", "labels")),
    "whitening.npz",
    "dataset.json",
]


def study_of(wildcards):
    return STUDIES[wildcards.study]


def study_targets(name):
    """Every file that a study promises."""
    folder = f"results/{name}"
    return [
        f"{folder}/config.yaml",
        f"{folder}/plan.md",
        *(f"{folder}/tables/table{n}.{kind}" for n in (1, 3) for kind in ("csv", "md", "tex")),
        *(f"{folder}/figures/figure4.{kind}" for kind in ("svg", "png", "csv")),
    ]


def data_folder(wildcards):
    return f"results/{wildcards.study}/data/{study_of(wildcards).config['data']['dataset']}"


def data_files(wildcards):
    return [f"{data_folder(wildcards)}/{name}" for name in DATA_FILES]


def source_files(wildcards):
    """The files a data set is read from: downloads, the user's own file, or none."""
    data = study_of(wildcards).config["data"]
    if data["dataset"] == "arrays":
        return [data["file"]]
    return datasets.source_paths(data["dataset"], "data")


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


def run_settings(wildcards):
    """What a training depends on; a change of any of it, and of nothing else in the config, retrains the run."""
    study, batch_size = study_of(wildcards), int(wildcards.batch_size)
    return {
        "model": study.model(wildcards.model),
        "training": study.training(wildcards.model, batch_size, wildcards.labels),
        "train_on": study.config["data"]["train_on"],
    }


def checked_run(wildcards):
    """The data of a run, once its path is known to name something the study has."""
    seed = wildcards.get("seed", study_of(wildcards).config["seeds"][0])
    try:
        study_of(wildcards).check_run(wildcards.model, int(wildcards.batch_size), int(seed))
    except studies.StudyError as error:
        raise WorkflowError(str(error))
    return data_files(wildcards)


def cell_files(study):
    """The files of all seeds of a cell, with the other wildcards left open."""
    return [pattern.replace("{seed}", str(seed)) for seed in study.config["seeds"] for pattern in RUN_FILES.values()]


def table_metrics(wildcards, table):
    """The metrics of every run in a table's cells."""
    study = study_of(wildcards)
    return [
        f"results/{study.name}/{run.folder}/metrics.json"
        for run in study.runs()
        if (run.model, run.batch_size) in study.table_cells(table)
    ]


def figure4_predictions(wildcards):
    study = study_of(wildcards)
    shown, seed = study.config["figures"]["figure4"], study.config["seeds"][0]
    run = studies.Run(shown["model"], shown["batch_size"], "original", seed)
    return f"results/{study.name}/{run.folder}/predictions.npz"


def training_threads(wildcards):
    return study_of(wildcards).config["threads"]


def training_gpus(wildcards):
    """Studies that may use a GPU ask for one; CPU studies ask for none."""
    return int(study_of(wildcards).config["device"] != "cpu")


def trains_alone(study):
    """Whether each seed has a process of its own: the study says so, or a run is named on the command line."""
    return not study.config["share_processes"] or any(f"results/{study.name}/runs/" in word for word in sys.argv)
