"""A study: one configuration under which every table and figure is built.

``config.yaml`` holds studies side by side; a user's file adds more. This module merges them (``extends``), checks them
against the closed schema, and says which runs a study needs. Whatever is wrong ends in one :class:`StudyError` whose
sentence names the key, the value and what is allowed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rate_distortion import network_shape
from rate_distortion.configuration import StudyError, listed, plain, refuse_non_text_keys, suggestion, validate
from rate_distortion.stated_differences import Difference, stated_differences

CALIBRATED = "calibrated"
"""As a weight decay: the one that the study's own calibration finds."""

MODEL_DEFAULTS = {
    "weight_decay": 0.0,
    "decayed_tensors": "weights_and_biases",
    "normalization": "none",
    "batch_norm_evaluation": "batch",
    "initialization": "unit_norm",
    "width": 1.0,
    "factory": None,
}
"""A model that says nothing is the baseline A of the paper."""


BATCH_NORM_EVALUATIONS = ("batch", "last", "population", "ema")

OF_THE_BUILT_IN_NETWORK = ("normalization", "batch_norm_evaluation", "initialization", "width")
"""Settings that a user's own network (factory) does not have."""

HOLD_OUT = "hold_out_validation"
"""Key of the models that a calibration derives: they train without the validation images."""

AS_IN_THE_STUDY = "as_in_the_study"
"""The choice that a sensitivity analysis compares with."""

LABELS = ("original", "random")
PARTS = (
    "table1",
    "table2",
    "figure4",
    "further_models",
    "calibration",
    "perturbations",
    "attack_audit",
    "transfer",
    "sensitivity",
    "ablations",
)
"""The parts of a study that need trainings."""


class Cell(NamedTuple):
    """A cell of a table: one training per seed."""

    model: str
    batch_size: int
    labels: str


@dataclass(frozen=True, order=True)
class Run:
    """One training of the convolutional network: the wildcards of its folder, without the study."""

    model: str
    batch_size: int
    labels: str
    seed: int

    @property
    def folder(self) -> str:
        """The run's folder inside results/<study>."""
        return f"runs/cnn/{self.model}/batch{self.batch_size}/{self.labels}/seed{self.seed}"


@dataclass(frozen=True)
class Pack:
    """Cells whose networks, one per seed, are trained as one.

    Attributes:
        name: what they share, as far as it is not the study's own: ``batch128-batch_norm``.
        cells: in a fixed order.
    """

    name: str
    cells: tuple[Cell, ...]


class PerceptronCell(NamedTuple):
    """A multilayer perceptron of figures 2 and 3: one network per seed."""

    activation: str
    normalization: str
    labels: str

    @property
    def folder(self) -> str:
        """The cell's folder inside results/<study>; each seed has one inside it."""
        return f"runs/mlp/{self.activation}/{self.normalization}/{self.labels}"


class BottleneckRun(NamedTuple):
    """One training of the information bottleneck of figure 6."""

    variant: str
    seed: int

    @property
    def folder(self) -> str:
        """The run's folder inside results/<study>."""
        return f"runs/sphere_packing/{self.variant}/seed{self.seed}"


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
    """A merged and checked study."""

    name: str
    config: dict[str, Any]

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
            "batch_size": batch_size,
            "labels": labels,
            "threads": self.config["threads"],
            "device": self.config["device"],
        }

    def train_on(self, model: str) -> str:
        """The splits that a model is trained on, joined by "+"; a calibration's models leave the validation images out."""
        merged = self._merged_model(model)
        splits = "train" if merged.get(HOLD_OUT) else self.config["data"]["train_on"]
        return splits + ("+extra" if merged.get("data") == "train+extra" else "")

    def preprocessing(self, model: str) -> str | None:
        """The name of a model's own preprocessing, or None for the study's."""
        return self._merged_model(model).get("preprocessing")

    def whitening(self, preprocessing: str | None) -> dict[str, Any]:
        """The study's whitening settings, with a named change laid over them."""
        changes = self.config["preprocessings"][preprocessing] if preprocessing else {}
        return self.config["whitening"] | changes

    def data_name(self, preprocessing: str | None = None) -> str:
        """The name of the folder of the prepared data."""
        return self.config["data"]["dataset"] + (f"-{preprocessing}" if preprocessing else "")

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
        """The cells that are trained as one (:mod:`rate_distortion.packed_training`); none where the study trains each alone.

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

    def stated_differences(self) -> list[Difference]:
        """The differences stated in words or captions whose both cells the study's tables have."""
        parts = ("table1", "table2", "further_models")
        cells = [cell for part in parts for cell in self.cells(part)]
        return stated_differences([tuple(cell) for cell in cells])

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
    """The name of a model that a calibration, a sensitivity analysis or an ablation derives from another."""
    return base if variant is None else f"{base}-{variant}"


def _with_variants(config: dict[str, Any]) -> dict[str, Any]:
    """The study with the models that its calibration, sensitivity analysis and ablations derive."""
    models = dict(config["models"])
    for part in ("sensitivity", "ablations"):
        for choice, changes in config.get(part, {}).get("choices", {}).items():
            for base in config[part]["models"]:
                models.setdefault(variant_name(base, choice), {"base": base, **changes})
    for value in config.get("calibration", {}).get("weight_decays", []):
        base = config["calibration"]["model"]
        changes = {"weight_decay": value, HOLD_OUT: True}
        models.setdefault(variant_name(base, f"decay-{value:g}"), {"base": base, **changes})
    return {**config, "models": models}


def load(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Study]:
    """Merge and check every study of a configuration.

    Args:
        config: the merged content of config.yaml, --configfile and --config.
        schema: the JSON schema of the whole configuration.

    Raises:
        StudyError: the first thing that is wrong, as one sentence.
    """
    written = copy.deepcopy(plain(config))
    refuse_non_text_keys(written, "")
    if not isinstance(written.get("studies"), dict):
        raise StudyError(
            "studies is missing or empty; a configuration has studies: with at least one named study under it"
        )
    for name, study in written["studies"].items():
        if not isinstance(study, dict):
            raise StudyError(f"studies.{name} is {study!r}; it must be a mapping of settings")
    merged = {name: merged_study(name, written["studies"]) for name in written["studies"]}
    validate({**written, "studies": merged}, schema, written)
    for name, study in merged.items():
        _check_references(Study(name, study))
    studies = {name: Study(name, _with_variants(study)) for name, study in merged.items()}
    if written["study"] not in studies:
        raise StudyError(
            f"study is {written['study']!r}, which does not exist; allowed: {listed(studies)}"
            f"{suggestion(written['study'], studies)}"
        )
    return studies


def merged_study(name: str, studies: Mapping[str, Any]) -> dict[str, Any]:
    """The study with everything it extends laid underneath (RFC 7396 merge: mappings merge, null removes)."""
    chain = [name]
    while (parent := studies[chain[-1]].get("extends")) is not None:
        if parent not in studies:
            raise StudyError(
                f"studies.{chain[-1]}.extends is {parent!r}, which does not exist; allowed: {listed(studies)}"
                f"{suggestion(parent, studies)}"
            )
        if parent in chain:
            raise StudyError(f"studies.{chain[-1]}.extends makes a circle: {' -> '.join([*chain, parent])}")
        chain.append(parent)
    merged: dict[str, Any] = {}
    for link in reversed(chain):
        merged = _merge_patch(merged, studies[link])
    merged.pop("extends", None)
    return merged


def _merge_patch(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge_patch(merged.get(key), value)
    return merged


def _check_references(study: Study) -> None:
    """Names that one part of a study uses and another must have."""
    config, path = study.config, f"studies.{study.name}"
    named = [(f"{path}.tables.{table}", model) for table, cells in config["tables"].items() for model in cells]
    named += [(f"{path}.figures.figure4.model", cell.model) for cell in study.cells("figure4")]
    for part in ("perturbations", "attack_audit"):
        named += [(f"{path}.{part}.cells", model) for model in config.get(part, {}).get("cells", {})]
    if "calibration" in config:
        named.append((f"{path}.calibration.model", config["calibration"]["model"]))
    for part in ("transfer", "sensitivity", "ablations"):
        named += [(f"{path}.{part}.models", model) for model in config.get(part, {}).get("models", [])]
    for key, model in named:
        _check_name(key, "model", model, config["models"])
    if "figure5" in config["figures"]:
        _check_figure5(study)
    preprocessings = config.get("preprocessings", {})
    variations = [
        ("models", config["models"]),
        *((p, config.get(p, {}).get("choices", {})) for p in ("sensitivity", "ablations")),
    ]
    for part, entries in variations:
        for name, entry in entries.items():
            if "preprocessing" in entry:
                _check_name(
                    f"{path}.{part}.{name}.preprocessing", "preprocessing", entry["preprocessing"], preprocessings
                )
    for model in config["models"]:
        _check_model(study, model)
    data = config["data"]
    for part in ("data", "transfer"):
        _check_file(f"{path}.{part}", config.get(part, {}))
    if "sphere_packing" in config:
        _check_bottleneck(path, config["sphere_packing"])
    if "perturbations" in config and "reverse_transmission" not in config:
        raise StudyError(
            f"{path}.perturbations is set and {path}.reverse_transmission is not; a study has both or neither"
        )
    if "attack_audit" in config and len(config["seeds"]) < 2:
        raise StudyError(
            f"{path}.attack_audit needs two seeds at least, one network to attack and one to transfer from, and {path}.seeds "
            f"is {config['seeds']}; add a seed or set attack_audit: null"
        )
    if "attack_audit" in config and "perturbations" not in config:
        raise StudyError(
            f"{path}.attack_audit needs {path}.perturbations for its steps; set both or attack_audit: null"
        )
    if "calibration" in config and data["validation_images"] < 1:
        raise StudyError(
            f"{path}.data.validation_images is 0, and {path}.calibration compares validation accuracies; hold some images out"
        )
    if "extra_images" in data and data["dataset"] not in EXTRA_DATASETS:
        raise StudyError(
            f"{path}.data.extra_images is set and {path}.data.dataset is {data['dataset']!r}, which has no extra images; "
            f"they exist for {listed(EXTRA_DATASETS)}"
        )


FIGURE5_PANELS = ("a", "b")


def _check_file(path: str, part: Mapping[str, Any]) -> None:
    """A user's own images have a file, and no other source has."""
    if (part.get("dataset") == "arrays") != ("file" in part):
        raise StudyError(
            f"{path}.file {'is set' if 'file' in part else 'is missing'} and {path}.dataset is "
            f"{part['dataset']!r}; a file goes with dataset: arrays and only with it"
        )


def _check_figure5(study: Study) -> None:
    """Figure 5 is drawn from sweeps, so its models must be among those that are swept."""
    shown, swept = study.config["figures"]["figure5"], study.cells("perturbations")
    for panel in FIGURE5_PANELS:
        if panel in shown and Cell(shown[panel], shown["batch_size"], "original") not in swept:
            cells = listed(f"{cell.model} at {cell.batch_size}" for cell in swept) or "nothing"
            raise StudyError(
                f"studies.{study.name}.figures.figure5.{panel} is {shown[panel]!r} at batch size {shown['batch_size']}, "
                f"which perturbations.cells does not sweep; it sweeps {cells}"
            )


def _check_bottleneck(path: str, config: Mapping[str, Any]) -> None:
    beyond = [epoch for epoch in config["figure_epochs"] if epoch > config["epochs"]]
    if beyond:
        raise StudyError(
            f"{path}.sphere_packing.figure_epochs names {listed(beyond)}, and {path}.sphere_packing.epochs is "
            f"{config['epochs']}; show epochs up to that one"
        )


def _check_model(study: Study, model: str) -> None:
    config, path = study.config, f"studies.{study.name}"
    settings = study.model(model)
    for key in OF_THE_BUILT_IN_NETWORK:
        if settings["factory"] is not None and settings[key] != MODEL_DEFAULTS[key]:
            raise StudyError(
                f"{path}.models.{model}.{key} is {settings[key]!r}, and the model is your own network "
                f"({settings['factory']}), which does not have it; leave {key} out, or build it into a network of its own"
            )
    if study.model(model)["weight_decay"] == CALIBRATED:
        if "calibration" not in config:
            raise StudyError(f"{path}.models.{model}.weight_decay is calibrated, but {path} has no calibration")
        if study.model(config["calibration"]["model"])["weight_decay"] == CALIBRATED:
            raise StudyError(
                f"{path}.calibration.model is {config['calibration']['model']}, whose weight decay is itself calibrated"
            )
    if "+extra" in study.train_on(model) and "extra_images" not in config["data"]:
        raise StudyError(f"{path}.models.{model}.data is train+extra, but {path}.data.extra_images is not set")


EXTRA_DATASETS = ("svhn", "house_numbers")


def _check_name(key: str, kind: str, name: str, allowed: Iterable[str]) -> None:
    if name not in allowed:
        raise StudyError(
            f"{key} names the {kind} {name!r}, which does not exist; allowed: {listed(allowed)}{suggestion(name, allowed)}"
        )
