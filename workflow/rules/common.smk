"""What all topics share: studies, their targets and paths, and what a job asks of the machine.

Each topic's own functions of wildcards stand in functions/.

Needs: `config` as merged by Snakemake, the schema, the library on the path.
Gives: STUDIES, ARCHIVES, the closed lists that constrain the wildcards, and functions of wildcards.
"""

import os
import re
import yaml

from pathlib import PurePosixPath

from snakemake.exceptions import WorkflowError

from rate_distortion import datasets, studies
from rate_distortion.claims import comparability
from rate_distortion.models import own as own_network
from rate_distortion.studies import archive as records_archive

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
        *(f"{folder}/{name}" for name in ("claims.csv", "claims.md", "theses.csv")),
        f"{folder}/overview.csv",
        *(f"{folder}/tables/{table}.{kind}" for table in tables for kind in ("csv", "md", "tex")),
        *([f"{folder}/tables/attack_audit.csv"] if "attack_audit" in study.config else []),
        *(f"{folder}/figures/{figure}.{kind}" for figure in figures for kind in ("svg", "png", "csv")),
        *([f"{folder}/figures/figure6.gif"] if study.bottleneck_runs() else []),
        f"{folder}/paper.html",
    ]


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


def tabulated_cells(wildcards):
    """[model, batch size, labels] of the cells between which the table of differences has its differences."""
    return [list(cell) for cell in study_of(wildcards).tabulated_cells()]


def cell_files(study, run_files):
    """The files of all seeds of a cell, with the other wildcards left open."""
    return [pattern.replace("{seed}", str(seed)) for seed in study.config["seeds"] for pattern in run_files.values()]


def machine_settings(wildcards):
    """Where networks run: the study's device and threads."""
    return {key: study_of(wildcards).config[key] for key in ("device", "threads")}


def part_records(wildcards, *parts, kind="metrics.json"):
    """One file of every run that the named parts of a study need."""
    study = study_of(wildcards)
    return [f"results/{study.name}/{run.folder}/{kind}" for run in study.runs(*parts)]


def study_dataset(wildcards):
    """What the study's data are, for the notes of a table or figure."""
    return dataset_record(wildcards.study)


def training_threads(wildcards):
    return study_of(wildcards).config["threads"]


def training_gpus(wildcards):
    """Studies that may use a GPU ask for one; CPU studies ask for none."""
    return int(study_of(wildcards).config["device"] != "cpu")


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


def names_a_run(study):
    """Whether a run of the study is named on the command line: then exactly that run is made."""
    return any(f"results/{study.name}/runs/" in word for word in sys.argv)


def trains_alone(study):
    """Whether each seed has a process of its own: the study says so, or a run is named on the command line."""
    return not study.config["share_processes"] or names_a_run(study)
