"""A study that is merged and checked: what its configuration means, and which runs it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rate_distortion.models import shape as network_shape
from rate_distortion.studies.configuration import StudyError, listed, suggestion
from rate_distortion.studies.runs import LABELS, PARTS, BottleneckRun, Cell, Pack, PerceptronCell, Run
from rate_distortion.studies.stated_differences import Difference, stated_differences

CALIBRATED = "calibrated"
"""Value of ``weight_decay`` for the one that the study's own calibration finds."""

MODEL_DEFAULTS = {
    "weight_decay": 0.0,
    "decayed_tensors": "weights_and_biases",
    "normalization": "none",
    "batch_norm_evaluation": "batch",
    "initialization": "unit_norm",
    "width": 1.0,
    "factory": None,
}
"""Defaults of a model: the paper's baseline A."""

PIXELS = {"method": "pixels", "colour": "rgb", "per_image_mean": False, "output_range": "none"}
"""The whitening that leaves images as they are, divided by 255; where it is chosen, nothing else is inherited."""

BATCH_NORM_EVALUATIONS = ("batch", "last", "population", "ema")

OF_THE_BUILT_IN_NETWORK = ("normalization", "batch_norm_evaluation", "initialization", "width")
"""Settings that a user's own network (factory) does not have."""

HOLD_OUT = "hold_out_validation"
"""Key of the models that a calibration or the capacity law derives: they train without the validation images."""

TRAIN_IMAGES = "train_images"
"""Key of the models that the capacity law derives: how many of the images they train on, the first ones."""

AS_IN_THE_STUDY = "as_in_the_study"
"""The choice that a sensitivity analysis compares with."""

BOTTLENECK_KEYS = {
    "data": "dataset image_size train_images pixel_minimum",
    "network": "encoder_widths decoder_widths activation batch_norm_epsilon batch_norm_momentum batch_norm_evaluation",
    "training": (
        "epochs learning_rate batch_size optimizer weight_decay decay_convention beta noise_log_variance train_noise "
        "kernel_log_variance fit_kernels information_samples bandwidth_samples bandwidth_dimension noisy_embedding points "
        "figure_epochs evaluation_batch_size threads device precision checkpoint_seconds"
    ),
}
"""The keys of ``sphere_packing`` that a training depends on, by what they describe."""


@dataclass(frozen=True)
class Study:
    """A merged and checked study.

    Attributes:
        name: of its folder under results.
        config: its settings.
        archive: the file that brought its records; None for a study that is trained here.
    """

    name: str
    config: dict[str, Any]
    archive: str | None = None

    def has(self, part: str) -> bool:
        """Whether the study has a part: a key of its own, of its tables or figures, or of its multilayer perceptrons."""
        config = self.config
        return any(
            part in own
            for own in (config, config["tables"], config["figures"], config.get("multilayer_perceptron", ()))
        )

    def folders(self, *parts: str) -> list[str]:
        """The folders, inside results/<study>, of every training that the named parts need, each once, in a fixed order.

        Args:
            parts: of :data:`PARTS`, "gradient_snr" and "information_plane" (multilayer perceptrons), "sphere_packing".
        """
        seeds, convolutional = self.config["seeds"], [part for part in parts if part in PARTS]
        perceptrons = [part for part in parts if part in ("gradient_snr", "information_plane")]
        folders = [run.folder for run in self.runs(*convolutional)] if convolutional else []
        if perceptrons:
            folders += [f"{cell.folder}/seed{seed}" for cell in self.perceptron_cells(*perceptrons) for seed in seeds]
        if "sphere_packing" in parts:
            folders += [run.folder for run in self.bottleneck_runs()]
        return folders

    def model(self, name: str) -> dict[str, Any]:
        """The settings of a model's network with its bases resolved and every default filled in."""
        merged = self._merged_model(name)
        return MODEL_DEFAULTS | {key: value for key, value in merged.items() if key in MODEL_DEFAULTS}

    def training(self, model: str, batch_size: int, labels: str) -> dict[str, Any]:
        """The training settings of a cell, the model's own epochs and learning rate included."""
        merged = self._merged_model(model)
        return {
            **self.config["training"],
            **{key: value for key, value in merged.items() if key in self.config["training"]},
            **({"epochs": 0} if "weights" in merged else {}),
            "batch_size": batch_size,
            "labels": labels,
            "threads": self.config["threads"],
            "device": self.config["device"],
        }

    def train_on(self, model: str) -> str:
        """The splits that a model is trained on, joined by "+"; models of the calibration and of the
        capacity law are not trained on the validation images."""
        merged = self._merged_model(model)
        splits = "train" if merged.get(HOLD_OUT) else self.config["data"]["train_on"]
        return splits + ("+extra" if merged.get("data") == "train+extra" else "")

    def train_images(self, model: str) -> int | None:
        """How many of these images a model is trained on, the first; None for all."""
        return self._merged_model(model).get(TRAIN_IMAGES)

    def weights(self, model: str) -> str | None:
        """The file of a model's trained weights; None for a model that is trained here."""
        return self._merged_model(model).get("weights")

    def preprocessing(self, model: str) -> str | None:
        """The name of a model's own preprocessing, or None for the study's."""
        return self._merged_model(model).get("preprocessing")

    def whitening(self, preprocessing: str | None) -> dict[str, Any]:
        """The study's whitening settings, with a named change laid over them."""
        changes = self.config["preprocessings"][preprocessing] if preprocessing else {}
        return (PIXELS if changes.get("method") == "pixels" else self.config["whitening"]) | changes

    def data_name(self, preprocessing: str | None = None) -> str:
        """The name of the folder of the prepared data."""
        return self.config["data"]["dataset"] + (f"-{preprocessing}" if preprocessing else "")

    def data_names(self) -> list[str]:
        """The folders of prepared data that the study may have: its own, and one for every preprocessing."""
        return [self.data_name(preprocessing) for preprocessing in (None, *self.config.get("preprocessings", {}))]

    def seeds(self) -> list[int]:
        """The seeds of all trainings."""
        return sorted({*self.config["seeds"], *(run.seed for run in self.bottleneck_runs())})

    def cells(self, part: str) -> list[Cell]:
        """The cells of a part of the study, in a fixed order; none when the study leaves the part out.

        Parts are those of :data:`PARTS`.
        """
        config = self.config
        if part in ("table1", "table2", "further_models"):
            labels = "random" if part == "table2" else "original"
            listed = config["tables"].get(part, {})
            return [Cell(model, size, labels) for model, sizes in listed.items() for size in sizes]
        if part == "figure4":
            if "figure4" not in config["figures"]:
                return []
            return [Cell(config["figures"]["figure4"]["model"], config["figures"]["figure4"]["batch_size"], "original")]
        if part not in config:
            return []
        if part in ("perturbations", "attack_audit"):
            return [Cell(model, size, "original") for model, sizes in config[part]["cells"].items() for size in sizes]
        if part == "transfer":
            return [Cell(model, config[part]["batch_size"], "original") for model in config[part]["models"]]
        if part == "calibration":
            models = [self.calibration_model(value) for value in config[part]["weight_decays"]]
        elif part == "capacity_law":
            models = [name for name, _ in capacity_law_models(config[part])]
        else:
            models = [name for by_base in self.variant_names(part).values() for name in by_base.values()]
        return [Cell(model, config[part]["batch_size"], labels) for labels in LABELS for model in models]

    def variant_names(self, part: str) -> dict[str, dict[str, str]]:
        """choice -> base model -> name, for a sensitivity analysis or ablations; the study's own choice comes first."""
        choices = {AS_IN_THE_STUDY: None} | {choice: choice for choice in self.config[part]["choices"]}
        return {
            choice: {base: variant_name(base, variant) for base in self.config[part]["models"]}
            for choice, variant in choices.items()
        }

    def calibration_model(self, weight_decay: float) -> str:
        """The model of one weight decay of the calibration.

        Where no validation images are trained on and the base model has that very weight decay, it is the base model.
        """
        base = self.config["calibration"]["model"]
        same = self.config["data"]["train_on"] == "train" and self.model(base)["weight_decay"] == weight_decay
        return base if same else variant_name(base, f"decay-{weight_decay:g}")

    def runs(self, *parts: str) -> list[Run]:
        """Every training that the named parts (by default: all) need, each once, in a fixed order."""
        cells = dict.fromkeys(cell for part in parts or PARTS for cell in self.cells(part))
        return [Run(*cell, seed) for cell in cells for seed in self.config["seeds"]]

    def packs(self) -> list[Pack]:
        """The cells that are trained as one (:mod:`rate_distortion.training.packs`); none where the study trains each alone.

        A model of the user's own is in no pack.
        """
        if self.config.get("packing", "none") == "none":
            return []
        packs: dict[str, list[Cell]] = {}
        for cell in dict.fromkeys(cell for part in PARTS for cell in self.cells(part)):
            if self.model(cell.model)["factory"] is None:
                packs.setdefault(self._pack_name(cell), []).append(cell)
        return [Pack(name, tuple(cells)) for name, cells in packs.items()]

    def pack_of(self, cell: Cell) -> Pack | None:
        """The pack that a cell is trained in, or None."""
        return next((pack for pack in self.packs() if cell in pack.cells), None)

    def digit_pair(self) -> str | None:
        """The name of the folder of the two digits that the multilayer perceptrons tell apart; None without any."""
        settings = self.config.get("multilayer_perceptron")
        return settings and f"{settings['dataset']}-{settings['digits'][0]}-versus-{settings['digits'][1]}"

    def perceptron_cells(self, *figures: str) -> list[PerceptronCell]:
        """The multilayer perceptrons of the named figures (by default: both), each once, in a fixed order.

        Args:
            figures: "gradient_snr" (figure 2), "information_plane" (figure 3).
        """
        if "multilayer_perceptron" not in self.config:
            return []
        config = self.config["multilayer_perceptron"]
        shown, plane = config["gradient_snr"], config["information_plane"]
        cells = {
            "gradient_snr": [
                PerceptronCell(activation, normalization, "original")
                for normalization in shown["normalizations"]
                for activation in shown["activations"]
            ],
            "information_plane": [
                PerceptronCell(plane["activation"], plane["normalization"], labels) for labels in LABELS
            ],
        }
        return list(dict.fromkeys(cell for figure in figures or cells for cell in cells[figure]))

    def perceptron(self, activation: str, normalization: str, labels: str) -> dict[str, Any]:
        """What the training of a multilayer perceptron depends on: training, network and records."""
        config = self.config["multilayer_perceptron"]
        training = (
            "epochs learning_rate batch_size evaluation_batch_size history_points checkpoint_seconds precision device "
            "threads"
        )
        gradients, plane = config["gradient_snr"], config["information_plane"]
        settings = {"labels": labels} | {key: config[key] for key in training.split()}
        if PerceptronCell(activation, normalization, labels) not in self.perceptron_cells("information_plane"):
            settings["epochs"] = gradients.get("epochs", config["epochs"])
        return {
            "training": settings,
            "network": {
                "hidden_widths": config["hidden_widths"],
                "activation": activation,
                "normalization": normalization,
            },
            "gradients": {key: gradients[key] for key in ("points", "weights")},
            "plane": {key: value for key, value in plane.items() if key not in ("activation", "normalization")},
        }

    def is_papers(self, model: str) -> bool:
        """Whether a model is the paper's network, trained here: no network of the user's own, and no weights from elsewhere."""
        return self.model(model)["factory"] is None and self.weights(model) is None

    def stated_differences(self) -> list[Difference]:
        """The differences stated in words or captions whose both cells the study's tables have."""
        return stated_differences(self.tabulated_cells())

    def tabulated_cells(self) -> list[tuple[str, int, str]]:
        """(model, batch size, labels) of the cells of Tables 1 and 2 and of the further models."""
        return [tuple(cell) for part in ("table1", "table2", "further_models") for cell in self.cells(part)]

    def built_in_models(self) -> list[str]:
        """The models that are trained as the CNN of Table 3, and not as the user's own network."""
        trained = dict.fromkeys(run.model for run in self.runs())
        return [model for model in trained if self.model(model)["factory"] is None]

    def evaluation_modes(self, model: str) -> tuple[str, ...]:
        """The kinds of batch-normalization statistics under which a model is swept; "none" without batch normalization."""
        return BATCH_NORM_EVALUATIONS if self.model(model)["normalization"] == "batch" else ("none",)

    def check_image_side(self, side: int | None) -> None:
        """Refuse images that are too small for the CNN of Table 3; a side of None is not known yet."""
        models = self.built_in_models()
        if side is not None and models and side < network_shape.SMALLEST_SIDE:
            smallest = network_shape.SMALLEST_SIDE
            raise StudyError(
                f"studies.{self.name}.data has images of {side}x{side} pixels, and the CNN of Table 3 "
                f"(models.{models[0]}) takes at least {smallest}x{smallest}; bring larger images, or name your own network "
                f"with models.{models[0]}.factory"
            )

    def bottleneck_runs(self) -> list[BottleneckRun]:
        """The trainings of figure 6, in the order of its panels; none when the study leaves it out."""
        config = self.config.get("sphere_packing", {"variants": (), "seeds": ()})
        return [BottleneckRun(variant, seed) for variant in config["variants"] for seed in config["seeds"]]

    def bottleneck(self) -> dict[str, dict[str, Any]]:
        """What the trainings of figure 6 depend on beside variant and seed: data, network and training."""
        config = self.config["sphere_packing"]
        return {
            part: {key: config[key] for key in keys.split() if key in config} for part, keys in BOTTLENECK_KEYS.items()
        }

    def check_bottleneck(self, variant: str, seed: int) -> None:
        """Refuse a path that names a variant or a seed of figure 6 that the study does not have."""
        if "sphere_packing" not in self.config:
            raise StudyError(f"study {self.name} has no sphere_packing; add it to its configuration")
        config = self.config["sphere_packing"]
        for key, value in (("variants", variant), ("seeds", seed)):
            if value not in config[key]:
                raise StudyError(
                    f"studies.{self.name}.sphere_packing.{key} lacks {value}; it has {listed(config[key])} (add it there to "
                    "train it)"
                )

    def check_seed(self, seed: int) -> None:
        """Refuse a path that names a seed the study does not have."""
        if seed not in self.config["seeds"]:
            raise StudyError(
                f"study {self.name} has no seed {seed}; it has {listed(self.config['seeds'])} (add it to seeds to train it)"
            )

    def check_run(self, model: str, batch_size: int, seed: int) -> None:
        """Refuse a path that names something the study does not have."""
        sizes = sorted({run.batch_size for run in self.runs()})
        if model not in self.config["models"]:
            raise StudyError(
                f"study {self.name} has no model {model!r}; it has {listed(self.config['models'])}"
                f"{suggestion(model, self.config['models'])}"
            )
        if batch_size not in sizes:
            raise StudyError(f"study {self.name} has no batch size {batch_size}; it has {listed(sizes)}")
        self.check_seed(seed)

    def _pack_name(self, cell: Cell) -> str:
        """What a network must share with the others of its pack: batch size, shape, images, epochs, and what it waits for."""
        network, training = self.model(cell.model), self.training(*cell)
        redrawn = cell.labels == "random" and training["random_labels"] == "per_epoch"
        own = {
            "batch_norm": network["normalization"] == "batch",
            f"width_{network['width']:g}": network["width"] != 1,
            f"preprocessing_{self.preprocessing(cell.model)}": self.preprocessing(cell.model) is not None,
            f"on_{self.train_on(cell.model).replace('+', '_')}": self.train_on(cell.model)
            != self.config["data"]["train_on"],
            f"{self.train_images(cell.model)}_images": self.train_images(cell.model) is not None,
            f"{training['epochs']}_epochs": training["epochs"] != self.config["training"]["epochs"],
            "labels_per_epoch": redrawn,
            # These wait for trainings that would otherwise be in the same pack.
            "calibrated": network["weight_decay"] == CALIBRATED,
        }
        return "-".join([f"batch{cell.batch_size}", *(part for part, is_own in own.items() if is_own)])

    def _merged_model(self, name: str) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for link in self._base_chain(name):
            merged = {**self.config["models"][link], **merged}
        merged.pop("base", None)
        return merged

    def _base_chain(self, name: str) -> Iterator[str]:
        seen: list[str] = []
        link: str | None = name
        while link is not None:
            path = f"studies.{self.name}.models.{seen[-1]}.base" if seen else f"studies.{self.name}.models"
            if link not in self.config["models"]:
                raise StudyError(
                    f"{path} names the model {link!r}, which does not exist; "
                    f"allowed: {listed(self.config['models'])}{suggestion(link, self.config['models'])}"
                )
            if link in seen:
                raise StudyError(
                    f"{path} is {link!r}, which makes a circle: {' -> '.join([*seen, link])}; remove one base"
                )
            seen.append(link)
            yield link
            link = self.config["models"][link].get("base")


def variant_name(base: str, variant: str | None) -> str:
    """The name of a model that a part of the study derives from another."""
    return base if variant is None else f"{base}-{variant}"


def capacity_law_models(settings: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and settings of every model that the capacity law derives, by number of images and weight decay.

    All are shown as many images, so that those with fewer take more epochs.

    Args:
        settings: the study's ``capacity_law``.
    """
    base, presentations = settings["model"], settings["presentations"]
    for images in settings["train_images"]:
        shared = {"base": base, TRAIN_IMAGES: images, "epochs": max(1, round(presentations / images)), HOLD_OUT: True}
        for value in settings["weight_decays"]:
            yield variant_name(base, f"images-{images}-decay-{value:g}"), {**shared, "weight_decay": value}
