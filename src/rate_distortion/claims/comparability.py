"""Whether a part of a study can be compared with the paper: in full, at a reduced budget, or not, since its data are others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rate_distortion.claims.ledger import load
from rate_distortion.datasets import catalogue
from rate_distortion.studies import CALIBRATED, Study

FULL, REDUCED, OTHER_DATA = "full", "reduced", "other data"
SOURCES = ("dataset", "handwritten_digits", "image_shape", "classes")
"""What makes the data other ones, and not only fewer."""
AT_LEAST = ("images", "epochs", "max_steps", "largest_sigma")
"""Sizes whose names end so may exceed the paper's."""
AT_MOST = ("lowest_snr_db",)
"""Sizes that may fall short of it; everything else must be equal."""
NETWORKS = "networks"
"""Key of a part's networks, by name; one that the study does not have gives no records, and is not compared."""
BUILT_IN = "Table 3"
IMAGES_OF_TABLE_3 = {"image_shape": [1, 32, 32], "classes": 10}


def study_sizes(study: Study) -> dict[str, dict[str, Any]]:
    """The parts that a study has, each with the settings that decide on its comparability; images are counted later.

    Settings of a network are those that it trains with, its own ones included.

    Args:
        study: a merged study.
    """
    config = study.config
    models = dict.fromkeys(run.model for run in study.runs())
    source = {"dataset": _source(config["data"]), "extra_images": config["data"].get("extra_images", 0)}
    source |= _chosen(config["data"], "part_of") if "part_of" in config["data"] else {}
    runs = source | {NETWORKS: {model: _network(study, model) for model in models}}
    parts = {part: runs for part in ("table1", "table2", "further_models") if study.cells(part)}
    if study.cells("further_models"):
        parts["follow_up"] = runs
    if study.cells("calibration"):
        parts["calibration"] = source | _grid(study)
    if study.cells("ablations"):
        parts["ablations"] = runs
    if study.cells("perturbations"):
        settings = config["reverse_transmission"]
        parts["perturbations"] = runs | {"step_unit": "image"} | settings
        parts["figure5"] = runs | _swept(config["perturbations"])
    if "transfer" in config:
        parts["transfer"] = runs | _target(config["transfer"])
    data = {"dataset": "arrays"} if _source(config["data"]) == "arrays" else IMAGES_OF_TABLE_3
    return parts | _bottleneck_sizes(study) | _perceptron_sizes(study) | {"architecture": data, "arithmetic": {}}


def counted_sizes(
    sizes: Mapping[str, Mapping[str, Any]],
    descriptions: Sequence[Mapping[str, Any]],
    calibrated: float | None = None,
) -> dict[str, dict[str, Any]]:
    """The sizes of every part with the images that its data folder holds, and the weight decay that was found.

    Args:
        sizes: of :func:`study_sizes`.
        descriptions: contents of the ``dataset.json`` of the study's data folders.
        calibrated: what models with a calibrated weight decay train with; None where it is not known yet.
    """
    return {part: _resolved(_with_data(own, descriptions), calibrated) for part, own in sizes.items()}


def comparability(sizes: Mapping[str, Any], paper: Mapping[str, Any]) -> str:
    """One word for a part of a study.

    Args:
        sizes: what the study has.
        paper: what the ledger says the paper has; nothing stands for claims that need no data.
    """
    if any(sizes.get(key) != paper[key] for key in SOURCES if key in paper):
        return OTHER_DATA
    return FULL if first_deviation(sizes, paper) is None else REDUCED


def first_deviation(sizes: Mapping[str, Any], paper: Mapping[str, Any]) -> str | None:
    """In words, the first setting or size in which a part falls short of the paper; None where it does not.

    Args:
        sizes, paper: as for :func:`comparability`.
    """
    return next(_deviations(sizes, paper), None)


def is_comparable(
    part: str,
    sizes: Mapping[str, Mapping[str, Any]],
    descriptions: Sequence[Mapping[str, Any]],
    calibrated: float | None = None,
) -> bool:
    """Whether a part of a study is comparable in full, for tables beside the claims.

    Args:
        part: its name in the ledger.
        sizes, descriptions, calibrated: as for :func:`counted_sizes`.
    """
    own = counted_sizes(sizes, descriptions, calibrated)[part]
    return comparability(own, load().parts[part].sizes) == FULL


def of_claim(paper: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A part's sizes in the paper with the networks that a claim names; with all of them where it names none.

    Args:
        paper: as for :func:`comparability`.
        arguments: of the claim's measure; a network is its name there, or name@batch size.
    """
    named = {text.rsplit("@", 1)[0] for text in _texts(list(arguments.values()))}
    networks = paper.get(NETWORKS, {})
    chosen = {name: network for name, network in networks.items() if name in named}
    return {**paper, NETWORKS: chosen} if chosen else dict(paper)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def _deviations(sizes: Mapping[str, Any], paper: Mapping[str, Any]) -> Iterator[str]:
    if "part_of" in sizes and "dataset" in paper:
        yield f"a part of {sizes['part_of']} instead of all of it"
    for key, value in paper.items():
        own = sizes.get(key)
        if key == NETWORKS:
            for name in [name for name in value if name in (own or {})]:
                yield from (f"{name}: {words}" for words in _deviations(own[name], value[name]))
        elif not _suffices(key, own, value):
            shown = "unknown" if own is None else own
            yield f"{key.replace('_', ' ')} {shown} instead of {value}"


def _suffices(key: str, own: Any, paper: Any) -> bool:
    if own is None:
        return False
    if key.endswith(AT_LEAST):
        return own >= paper
    return own <= paper if key in AT_MOST else own == paper


def _network(study: Study, model: str) -> dict[str, Any]:
    """What a convolutional network trains with and is evaluated with. No batch size: cells name theirs."""
    network, training = study.model(model), study.training(model, 1, "original")
    whitening = study.whitening(study.preprocessing(model))
    splits = study.train_on(model).split("+")
    return {
        "network": network["factory"] or BUILT_IN,
        "whitening": whitening["method"],
        **{key: whitening.get(key) for key in ["colour", "components", "per_image_mean", "epsilon", "output_range"]},
        **_chosen(training, "epochs learning_rate evaluation_batch_size random_labels precision"),
        **_chosen(network, "weight_decay normalization width initialization decayed_tensors batch_norm_evaluation"),
        "calibrated": network["weight_decay"] == CALIBRATED,
        "data": "train+extra" if "extra" in splits else "train",
        "splits": splits,
    }


def _grid(study: Study) -> dict[str, Any]:
    """The networks of a calibration, which differ in their weight decay alone."""
    settings = study.config["calibration"]
    network = _network(study, study.calibration_model(settings["weight_decays"][0]))
    network.pop("weight_decay")
    return {"batch_size": settings["batch_size"], NETWORKS: {"grid": network}}


def _swept(settings: Mapping[str, Any]) -> dict[str, Any]:
    keys = "step_size step_growth max_steps lowest_snr_db largest_sigma"
    return {"swept_images": settings["images"], "attacked_together": settings["batch_size"]} | _chosen(settings, keys)


def _target(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a transfer reads, and how examples are tuned on."""
    available = catalogue.SPLIT_SIZES.get(settings["dataset"], {}).get("test")
    chosen = _chosen(settings, "target_whitening steps rotation_degrees validation_images tuned bins")
    return {
        "tuning_rate": settings["learning_rate"],
        "handwritten_digits": settings["dataset"],
        "read_images": settings.get("test_images", available),
        **chosen,
    }


def _bottleneck_sizes(study: Study) -> dict[str, dict[str, Any]]:
    if "sphere_packing" not in study.config:
        return {}
    settings = study.config["sphere_packing"]
    keys = (
        "dataset encoder_widths decoder_widths epochs learning_rate batch_size weight_decay beta batch_norm_epsilon "
        "batch_norm_momentum batch_norm_evaluation noise_log_variance train_noise kernel_log_variance fit_kernels "
        "information_samples bandwidth_samples bandwidth_dimension pixel_minimum activation optimizer decay_convention "
        "noisy_embedding precision"
    )
    available = catalogue.SPLIT_SIZES.get(settings["dataset"], {}).get("train")
    images = {"train_images": settings.get("train_images", available), "image_size": _side(settings)}
    return {"sphere_packing": _chosen(settings, keys) | images}


def _perceptron_sizes(study: Study) -> dict[str, dict[str, Any]]:
    if not study.perceptron_cells():
        return {}
    settings = study.config["multilayer_perceptron"]
    common = _chosen(settings, "dataset digits train_on") | {"image_size": _side(settings)}
    gradients, plane = settings["gradient_snr"], settings["information_plane"]
    shown = {f"{cell.activation}/{cell.normalization}": cell for cell in study.perceptron_cells("gradient_snr")}
    network = _perceptron(study, study.perceptron_cells("information_plane")[0])
    return {
        "gradient_snr": common
        | _chosen(gradients, "ratio weights")
        | {NETWORKS: {name: _perceptron(study, cell) for name, cell in shown.items()}},
        "information_plane": common | network | _chosen(plane, "activation normalization samples bins output"),
    }


def _perceptron(study: Study, cell: tuple[str, str, str]) -> dict[str, Any]:
    trained = study.perceptron(*cell)
    widths = trained["network"]["hidden_widths"]
    keys = "epochs learning_rate batch_size evaluation_batch_size precision"
    return {"layers": len(widths) + 1, "hidden_widths": widths} | _chosen(trained["training"], keys)


def _side(settings: Mapping[str, Any]) -> int:
    """Side in pixels of a part's digits."""
    return settings.get("image_size", catalogue.NATIVE_SIDES[settings["dataset"]])


def _chosen(settings: Mapping[str, Any], keys: str) -> dict[str, Any]:
    return {key: settings[key] for key in keys.split()}


def _source(data: Mapping[str, Any]) -> str:
    """The data set that images come from: a user's file may be a part of one."""
    return data.get("part_of", data["dataset"])


def _with_data(sizes: Mapping[str, Any], descriptions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A folder of two digits belongs to the parts that say which digits, every other folder to the parts that do not."""
    pair = "digits" in sizes
    for data in descriptions:
        of_digits = "test" not in data["images"]
        if "train_images" not in sizes and _source(data) == sizes.get("dataset") and pair == of_digits:
            return _with_image_counts(sizes, data)
    return dict(sizes)


def _with_image_counts(sizes: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    images = data["images"] | {"extra": sizes.get("extra_images", 0)}
    if "digits" in sizes:
        return {**sizes, "train_images": images["train"]}
    networks = {
        name: network | {"train_images": sum(images[split] for split in network["splits"])}
        for name, network in sizes.get(NETWORKS, {}).items()
    }
    shape = {key: data[key] for key in ("image_shape", "classes")}
    return {**shape, **sizes, "test_images": images["test"], NETWORKS: networks}


def _resolved(sizes: Mapping[str, Any], calibrated: float | None) -> dict[str, Any]:
    """With the weight decay that calibrated networks train with, where it is known."""
    if NETWORKS not in sizes or calibrated is None:
        return dict(sizes)
    found = {
        name: network | ({"weight_decay": calibrated} if network.get("weight_decay") == CALIBRATED else {})
        for name, network in sizes[NETWORKS].items()
    }
    return {**sizes, NETWORKS: found}
