"""What tables and figures need to know of a study: its description, their panels, and further records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rate_distortion import datasets
from rate_distortion.studies import sizes, targets
from rate_distortion.studies.runs import FIGURE5_PANELS, Cell, Run
from rate_distortion.studies.study import Study

BOTTLENECK_KEYS = (
    "variants seeds epochs figure_epochs points learning_rate batch_size optimizer weight_decay beta encoder_widths "
    "decoder_widths partition_purity"
)


def summary(study: Study) -> dict[str, Any]:
    """What a table or figure says of the study it shows."""
    own = _described(study)
    return own | _given_weights(study, trained(own)) | _own_networks(study)


def _described(study: Study) -> dict[str, Any]:
    """What every kind of network has, whose epochs and learning rate may be its own."""
    training = {key: study.config["training"][key] for key in ("epochs", "learning_rate")}
    return title(study) | {"seeds": study.config["seeds"]} | training


def trained(study: Mapping[str, Any]) -> str:
    """How long a study's networks are trained, or that their weights were given, in words.

    Args:
        study: as :func:`summary` returns it.
    """
    return study.get("training", f"{study['epochs']} epochs at learning rate {study['learning_rate']}")


def _given_weights(study: Study, trained: str) -> dict[str, Any]:
    """The networks that come with their weights, and what is said of the training in the place of epochs."""
    models = dict.fromkeys(run.model for run in study.runs())
    given = [model for model in models if study.weights(model)]
    if not given:
        return {}
    words = "given weights, not trained here"
    training = words if len(given) == len(models) else f"{trained}; {', '.join(given)}: {words}"
    return {"given_weights": given, "training": training}


def _own_networks(study: Study) -> dict[str, list[str]]:
    """The networks that are not the paper's, beside which nothing of the paper's is shown."""
    models = [model for model in dict.fromkeys(run.model for run in study.runs()) if not study.is_papers(model)]
    return {"own_networks": models} if models else {}


def title(study: Study) -> dict[str, str]:
    """What the study is called."""
    return {"name": study.name, "title": study.config["title"]}


def perceptron_summary(study: Study) -> dict[str, Any]:
    """What a table or figure of the multilayer perceptrons says of the study it shows."""
    targets.perceptron_data(study)
    settings = study.config["multilayer_perceptron"]
    own = {key: settings[key] for key in ("epochs", "learning_rate", "batch_size", "hidden_widths")}
    own["images"] = f"{' versus '.join(map(str, settings['digits']))} of {datasets.DESCRIPTIONS[settings['dataset']]}"
    return _described(study) | own | {"figure2_epochs": settings["gradient_snr"].get("epochs", settings["epochs"])}


def bottleneck_summary(study: Study) -> dict[str, Any]:
    """What figure 6 and its table say of the study they show."""
    settings = study.config["sphere_packing"]
    own = {key: settings[key] for key in BOTTLENECK_KEYS.split()}
    return title(study) | own | {"images": datasets.DESCRIPTIONS[settings["dataset"]]}


def capacity_law_summary(study: Study) -> dict[str, Any]:
    """What the capacity law says of the study it shows: its networks take epochs of their own."""
    cells = study.cells("capacity_law")
    epochs = [study.training(*cell)["epochs"] for cell in cells]
    words = " to ".join(f"{own:,}" for own in sorted({min(epochs), max(epochs)}))
    return _described(study) | _own_networks(study) | {"epochs": words, "train_on": study.train_on(cells[0].model)}


def calibration_summary(study: Study) -> dict[str, Any]:
    """What the calibration says of the study it shows: its networks may leave out images that others are trained on."""
    return summary(study) | {"train_on": study.train_on(study.cells("calibration")[0].model)}


def page_summary(study: Study) -> dict[str, Any]:
    """What the page says of the study beside its records."""
    config = study.config
    perceptron = config.get("multilayer_perceptron", {})
    own = {"networks_are_own": True} if not any(study.is_papers(run.model) for run in study.runs()) else {}
    return (
        summary(study)
        | own
        | {
            "dataset": config["data"]["dataset"],
            "tables": config["tables"],
            "figure4_model": _reversed_model(config),
            "ratio": perceptron.get("gradient_snr", {}).get("ratio"),
            "digits": perceptron.get("dataset"),
        }
    )


def page_datasets(study: Study) -> dict[str, str | None]:
    """Where the study's data are described, once they are prepared."""
    return {
        "data": targets.study_dataset(study),
        "digits_data": targets.digits_dataset(study) if study.digit_pair() else None,
    }


def claim_settings(study: Study) -> dict[str, Any]:
    """What decides on a claim beside the records: sizes by part, and how curves are read."""
    models = {cell.model: study.model(cell.model) for cell in study.cells("perturbations")}
    return {
        "sizes": sizes.study_sizes(study),
        "snr_ratio": gradient_ratio(study) if study.perceptron_cells() else "literal",
        "evaluation_modes": {name: _evaluation_mode(settings) for name, settings in models.items()},
    }


def gradient_ratio(study: Study) -> str:
    """The kind of figure 2's ratio."""
    return study.config["multilayer_perceptron"]["gradient_snr"]["ratio"]


def transfer_sizes(study: Study) -> dict[str, Any]:
    """What decides on whether the transfer is comparable with the paper: of networks, those that are transferred."""
    own = sizes.study_sizes(study)["transfer"]
    transferred = study.config["transfer"]["models"]
    networks = {name: network for name, network in own[sizes.NETWORKS].items() if name in transferred}
    return {"transfer": own | {sizes.NETWORKS: networks}}


def largest_batch_size(study: Study) -> int:
    """The batch size whose training curves are shown: the paper's conclusions are about its largest."""
    return max(cell.batch_size for cell in study.cells("table1"))


def history_records(study: Study) -> list[str]:
    """The training curves of the runs of Tables 1 and 2 at the largest batch size; networks with given weights have none."""
    size = largest_batch_size(study)
    runs = [run for run in study.runs("table1", "table2") if run.batch_size == size and not study.weights(run.model)]
    return targets.results(study, *(f"{run.folder}/history.csv" for run in runs))


def figure2_panels(study: Study) -> list[dict[str, str]]:
    """Activations below one another; without and with batch normalization side by side."""
    config = study.config["multilayer_perceptron"]["gradient_snr"]
    names = {"none": "", "batch": " with batch normalization"}
    return [
        {"activation": activation, "normalization": normalization, "title": activation + names[normalization]}
        for activation in config["activations"]
        for normalization in config["normalizations"]
    ]


def figure4_records(study: Study) -> dict[str, Any]:
    """Examples, the predictions of one network, and the first seed's reverse transmission of every probed network."""
    (cell,), first = study.cells("figure4"), study.config["seeds"][0]
    folders = [folder for folder in study.folders("perturbations") if folder.endswith(f"/seed{first}")]
    return {
        "examples": f"{targets.data_folder(study)}/examples.npz",
        "predictions": targets.results(study, f"{Run(*cell, first).folder}/predictions.npz")[0],
        "reverse_transmission": targets.results(study, *(f"{folder}/reverse_transmission.csv" for folder in folders)),
        "beside": targets.results(study, *(f"{folder}/reverse_transmission.npz" for folder in folders)),
    }


def figure5_records(study: Study) -> dict[str, Any]:
    """The sweeps of the networks that figure 5 shows, and what lies beside them."""
    runs = [Run(*cell, seed) for cell in _figure5_cells(study).values() for seed in study.config["seeds"]]
    return {
        "sweeps": targets.results(study, *(f"{run.folder}/perturbations/sweeps.npz" for run in runs)),
        "beside": targets.results(study, *(f"{run.folder}/metrics.json" for run in runs)),
    }


def figure5_panels(study: Study) -> list[dict[str, Any]]:
    """(a) weight decay, (b) batch normalization under the statistics that its model evaluates with."""
    panels = []
    for panel, cell in _figure5_cells(study).items():
        mode = _evaluation_mode(study.model(cell.model))
        panels.append(_figure5_panel(study, panel, panel, cell.model, mode))
    return panels


def batch_norm_model(study: Study) -> str | None:
    """The model of figure 5 that has batch normalization and is shown under each kind of statistics; None without one."""
    models = [cell.model for cell in reversed(_figure5_cells(study).values())]
    return next((model for model in models if len(study.evaluation_modes(model)) > 1), None)


def batch_norm_panels(study: Study) -> list[dict[str, Any]]:
    """One panel for each kind of statistics."""
    model = batch_norm_model(study)
    modes = study.evaluation_modes(model)
    return [_figure5_panel(study, mode, letter, model, mode) for letter, mode in zip("abcdef", modes, strict=False)]


def figure6_records(study: Study) -> dict[str, list[str]]:
    """The embeddings of the run that stands for each variant."""
    first = study.config["sphere_packing"]["seeds"][0]
    folders = [run.folder for run in study.bottleneck_runs() if run.seed == first]
    names = {"embeddings": "embedding.npz", "metrics": "metrics.json"}
    return {key: targets.results(study, *(f"{folder}/{name}" for folder in folders)) for key, name in names.items()}


def _figure5_cells(study: Study) -> dict[str, Cell]:
    drawn = study.config["figures"].get("figure5", {})
    return {panel: Cell(drawn[panel], drawn["batch_size"], "original") for panel in FIGURE5_PANELS if panel in drawn}


def _figure5_panel(study: Study, panel: str, letter: str, model: str, mode: str) -> dict[str, Any]:
    images, heading = study.config["perturbations"]["images"], f"({letter}) model {model}"
    return {"panel": panel, "title": heading, "model": model, "evaluation_mode": mode, "images": images}


def _evaluation_mode(settings: dict[str, Any]) -> str:
    """The batch-normalization statistics that a model evaluates with."""
    return settings["batch_norm_evaluation"] if settings["normalization"] == "batch" else "none"


def _reversed_model(config: dict[str, Any]) -> str | None:
    """Figure 4's model as the table of reverse transmission calls it, which tells batch sizes apart."""
    drawn = config["figures"].get("figure4", {})
    several = len(config.get("perturbations", {}).get("cells", {}).get(drawn.get("model"), [])) > 1
    return f"{drawn['model']}@{drawn['batch_size']}" if several else drawn.get("model")
