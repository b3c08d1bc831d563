"""The catalogue: every table and figure of the project, once.

What a study promises, what its rules make, what ``partial`` builds and what the page and the overview show derive from
:data:`RESULTS`. A new table or figure is one function that makes it, one entry here and one test. No other list names results.

The catalogue is read while a workflow is planned, so it imports nothing that computes: each entry names its maker, which the
job that makes it imports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rate_distortion.studies import shown, targets
from rate_distortion.studies.result import Claims, Result, Section, of_dataset, of_study
from rate_distortion.studies.shown import trained
from rate_distortion.studies.study import Study

SECTIONS: Mapping[str, Section] = {
    "channel": Section("The network as a channel", "sections 1 to 3"),
    "gradients": Section("Convergence, by the gradients' signal-to-noise ratio", "section 4.1", ("gradient_snr",)),
    "plane": Section("Memorization is the lack of compression", "section 4.2", ("information_plane",)),
    "regularization": Section(
        "Explicit regularization and the generalization gap", "section 4.3", ("table1", "table2", "further_models")
    ),
    "calibration": Section("Calibrating weight decay", "sections 4.3 and 5", ("calibration",)),
    "tolerance": Section("Fault tolerance", "section 4.4", ("perturbations", "figure5")),
    "spheres": Section("Sphere packing", "appendix A", ("sphere_packing",)),
    "architecture": Section("Architecture", "appendix B", ("architecture",)),
    "transfer": Section("Zero- and one-shot transfer, and calibration", "appendix C", ("transfer",)),
    "variations": Section("What the conclusions depend on", "not in the paper", ("ablations",)),
}
"""Sections that show results; the page adds the ledger and how it was made."""


def _table(name: str, words: str, section: str, parts: tuple[str, ...], **own: Any) -> Result:
    own.setdefault("make", f"tables.making:{name}")
    return Result(name, "table", words, section, parts=parts, **own)


def _figure(name: str, words: str, section: str, parts: tuple[str, ...], **own: Any) -> Result:
    own.setdefault("make", f"figures.{name}:make")
    return Result(name, "figure", words, section, parts=parts, **own)


def _listed(values: Any) -> str:
    return ", ".join(str(value) for value in values)


def _of(study: Mapping[str, Any]) -> str:
    return f"study **{study['name']}** ({study['title']})"


def _on(study: Mapping[str, Any]) -> str:
    """For results on other images than the study's ``data``."""
    return f"study **{study['name']}**, on {study['images']}"


def _seeds(study: Mapping[str, Any]) -> str:
    return f"seeds {_listed(study['seeds'])}"


def _accuracies(name: str, title: str, words: str, claims: Claims) -> Result:
    """Table 1, Table 2 and the models beside them are the same table of other cells."""

    def caption(study: Mapping[str, Any], cells: Mapping[str, Any], **_: Any) -> str:
        batch_sizes = "; ".join(
            f"{model} at batch size{'s' * (len(sizes) > 1)} {' and '.join(map(str, sizes))}"
            for model, sizes in cells.items()
        )
        return (
            f"{title} for {_of(study)}: {batch_sizes}; {trained(study)} where a model has no settings of its own, "
            f"{_seeds(study)}. One row per model, batch size and "
            "quantity: mean, standard error of the mean and number of seeds; where the paper prints the cell, its mean and "
            "error beside it. Accuracies in percent, gaps (train minus test) in points, losses in nats, information in bits."
        )

    return _table(
        name,
        words,
        "regularization",
        (name,),
        records={"metrics": "metrics.json"},
        settings_of=lambda study: of_study(study) | {"table": name, "cells": study.config["tables"][name]},
        caption=caption,
        claims=claims,
        by_cell=True,
        is_compared=True,
    )


def _variations(part: str, words: str) -> Result:
    """A sensitivity analysis and ablations are the same table of other choices."""

    def caption(study: Mapping[str, Any], choices: Mapping[str, Any], **_: Any) -> str:
        varied = "; ".join(
            f"{choice} ({_listed(f'{key} {value}' for key, value in changes.items())})"
            for choice, changes in choices.items()
        )
        return (
            f"{part.capitalize()} in {_of(study)}: {varied}. Each is compared, paired over {_seeds(study)}, with the study's "
            f"own choice; {trained(study)}."
        )

    return _table(
        part,
        words,
        "variations",
        (part,),
        records={"metrics": "metrics.json"},
        settings_of=lambda study: (
            of_study(study)
            | {"part": part, "choices": study.config[part]["choices"], "names": study.variant_names(part)}
        ),
        caption=caption,
    )


def _figure5(name: str, words: str, panels: Callable[[Study], list[dict[str, Any]]], **own: Any) -> Result:
    """Figure 5, and the same under each kind of batch statistics, are the same curves in other panels."""

    def caption(study: Mapping[str, Any], panels: list[Mapping[str, Any]]) -> str:
        titles = "; ".join(
            panel["title"]
            + ("" if panel["evaluation_mode"] == "none" else f" with {panel['evaluation_mode']} statistics")
            for panel in panels
        )
        return (
            "Information about the label (above) and accuracy (below) against signal-to-noise ratio "
            f"in {_of(study)}, for L2 and L∞ gradient noise without bound and for white Gaussian noise: {titles}. The first "
            f"{panels[0]['images']} test images; mean and one standard error over "
            f"{_seeds(study)}; grey: the information that permuted labels would show."
        )

    return _figure(
        name,
        words,
        "tolerance",
        ("perturbations", "figure5"),
        make="figures.figure5:make",
        reads=lambda study: of_dataset(study) | shown.figure5_records(study),
        settings_of=lambda study: of_study(study) | {"panels": panels(study)},
        caption=caption,
        **own,
    )


def _capacity_law(study: Study) -> dict[str, Any]:
    own = {key: study.config["capacity_law"][key] for key in ("model", "batch_size")}
    return {"study": shown.capacity_law_summary(study)} | own


def _gradient_ratio(study: Study) -> dict[str, Any]:
    return {"study": shown.perceptron_summary(study), "kind": shown.gradient_ratio(study)}


def _plane(study: Study) -> dict[str, Any]:
    plane = study.config["multilayer_perceptron"]["information_plane"]
    return {"study": shown.perceptron_summary(study), "plane": plane}


def _bottleneck(study: Study) -> dict[str, Any]:
    return {"study": shown.bottleneck_summary(study)}


RESULTS: tuple[Result, ...] = (
    _figure(
        "figure1",
        "Figure 1, the channel",
        "channel",
        ("figure1",),
        reads=lambda study: {},
        settings_of=lambda study: of_study(study) | {"simulation": study.config["figures"]["figure1"]},
        caption=lambda study, simulation: (
            "Figure 1. (a) The Gaussian channel. (b) A recognition task as a structural causal model; the red arrow is the "
            f"network. (c) What equations 1 and 2 promise, simulated for study **{study['name']}**: block error of random "
            f"codes at {simulation['snr_db']} dB against rate, in {_listed(simulation['dimensions'])} dimensions. Lines are "
            f"computed over {simulation['transmissions']} transmissions, points are {simulation['codebooks']} simulated "
            f"codes of up to {simulation['simulated_codewords']} codewords with {simulation['messages']} messages each and "
            "one standard error. Below capacity the error falls with the dimension, above it the error tends to 1."
        ),
        claims=Claims("F1-", "Figure 1: the channel"),
        is_job=True,
    ),
    _figure(
        "figure2",
        "Figure 2, the gradients' signal-to-noise ratio",
        "gradients",
        ("gradient_snr",),
        reads=lambda study: {
            "records": targets.records(study, "gradient_snr", kind="gradient_snr.csv"),
            "data": targets.digits_dataset(study),
        },
        settings_of=lambda study: _gradient_ratio(study) | {"panels": shown.figure2_panels(study)},
        caption=lambda study, kind, panels: (
            f"Signal-to-noise ratio of the stochastic gradients ({kind} ratio) against epoch in {_on(study)}: "
            f"{'; '.join(panel['title'] for panel in panels)}. Layers by colour, the last one black; geometric mean over "
            f"{_seeds(study)} and one standard error. Dotted: the ratio that minibatch gradients without any signal would "
            "have. A ring marks the epoch from which on a layer's ratio is constant, where every seed has one. "
            f"{study['figure2_epochs']} epochs at learning rate {study['learning_rate']}, batch size {study['batch_size']}."
        ),
        claims=Claims("F2-", "Figure 2: gradients"),
    ),
    _table(
        "gradient_snr",
        "Figure 2 in numbers",
        "gradients",
        ("gradient_snr",),
        records={"records": "gradient_snr.csv"},
        reads=lambda study: {"dataset": targets.digits_dataset(study)},
        settings_of=_gradient_ratio,
        caption=lambda study, kind: (
            f"Figure 2 in numbers for {_on(study)}, {kind} ratio: by network and layer the epoch from which on the ratio is "
            "constant, its levels (log10) and their distance from the ratio without any signal, and how the layers lie to each "
            f"other; mean and standard error over {_seeds(study)}; {study['figure2_epochs']} epochs at learning rate "
            f"{study['learning_rate']}, batch size {study['batch_size']}."
        ),
    ),
    _figure(
        "figure3",
        "Figure 3, the information plane",
        "plane",
        ("information_plane",),
        reads=lambda study: {
            "records": targets.records(study, "information_plane", kind="information_plane.csv"),
            "data": targets.digits_dataset(study),
        },
        settings_of=_plane,
        caption=lambda study, plane: (
            f"Information plane of {_on(study)}: I(X; T) against I(T; Y) of every layer of the {plane['activation']} "
            f"network, (a) on the original and (b) on random labels; {plane['bins']} bins of equal mass in each layer, at "
            f"most {plane['samples']} training images, mean over {_seeds(study)}. Colour is the epoch, the marker the layer; "
            "below, the corner of the hidden layers is enlarged. Dashed: the ceilings log2 n and H(Y). Grey: what I(T; Y) "
            "would read with labels paired at random. A point at the ceiling of I(X; T) says that every image has a code of "
            "its own."
        ),
        claims=Claims("F3-", "Figure 3: information plane"),
    ),
    _table(
        "information_plane",
        "Figure 3 in numbers",
        "plane",
        ("information_plane",),
        records={"records": "information_plane.csv"},
        reads=lambda study: {"dataset": targets.digits_dataset(study)},
        settings_of=_plane,
        caption=lambda study, plane: (
            f"Figure 3 in numbers for {_on(study)}: estimates at the last epoch by estimator and layer on the original and "
            "on random labels, their difference (the paper's degree of memorization, a proxy), compression, violations of "
            f"the data processing inequality, and the upper bound on H(X); {plane['activation']}, mean and standard error "
            f"over {_seeds(study)}."
        ),
    ),
    _accuracies(
        "table1", "Table 1", "Table 1, accuracy and generalization gap", Claims("T1-", "Table 1: accuracy and gap")
    ),
    _accuracies(
        "table2",
        "Table 2 (labels drawn uniformly at random)",
        "Table 2, training on random labels",
        Claims("T2-", "Table 2: random labels"),
    ),
    _accuracies(
        "further_models", "Models beside Table 1", "the models beside Table 1", Claims("BP-", "Section 4.3: more data")
    ),
    _table(
        "differences",
        "the differences stated in words",
        "regularization",
        ("table1", "table2", "further_models"),
        promised_if=lambda study: bool(study.stated_differences()),
        records={"metrics": "metrics.json"},
        settings_of=lambda study: of_study(study) | {"cells": [list(cell) for cell in study.tabulated_cells()]},
        caption=lambda study, **_: (
            f"Differences that the paper states in words, measured in {_of(study)}, paired over {_seeds(study)}; "
            f"{trained(study)}. Accuracies and gaps in points."
        ),
        by_cell=True,
    ),
    _figure(
        "history",
        "the training curves",
        "regularization",
        ("table1",),
        promised_if=lambda study: study.has("table1") and bool(shown.history_records(study)),
        reads=lambda study: of_dataset(study) | {"histories": shown.history_records(study)},
        settings_of=lambda study: of_study(study) | {"batch_size": shown.largest_batch_size(study)},
        caption=lambda study, batch_size: (
            f"Training curves of {_of(study)} at batch size {batch_size}: accuracy, loss and weight norm against epoch for "
            f"original and random labels; mean over {_seeds(study)} and one standard error. Test accuracy on random-label "
            "runs is measured against the original test labels."
        ),
    ),
    _figure(
        "weight_decay",
        "the calibration's figure",
        "calibration",
        ("calibration",),
        reads=lambda study: of_dataset(study) | {"table": targets.results(study, "tables/weight_decay.csv")[0]},
        settings_of=lambda study: {
            "study": shown.calibration_summary(study),
            "calibration": study.config["calibration"],
        },
        caption=lambda study, calibration: (
            f"Accuracy against weight decay in {_of(study)}: model {calibration['model']} at batch size "
            f"{calibration['batch_size']}, {trained(study)}, {_seeds(study)}. Red: training accuracy on random labels, "
            "with the bound that a network without information does not exceed; grey and blue: training and validation "
            "accuracy on the original labels; error bars: one standard error."
        ),
    ),
    _table(
        "weight_decay",
        "the calibration's table",
        "calibration",
        ("calibration",),
        records={"metrics": "metrics.json"},
        settings_of=lambda study: {
            "study": shown.calibration_summary(study),
            "model": study.config["calibration"]["model"],
        },
        caption=lambda study, **_: (
            f"The weight-decay calibration of {_of(study)}: every weight decay of the grid on random and on original labels, "
            f"{_seeds(study)}, {trained(study)}. The smallest value with which no seed fits random labels is marked chosen; "
            "validation images are never trained on."
        ),
        claims=Claims("L-", "Section 4.3: weight decay"),
    ),
    _figure(
        "capacity_law",
        "the capacity law's figure",
        "calibration",
        ("capacity_law",),
        reads=lambda study: of_dataset(study) | {"table": targets.results(study, "tables/capacity_law.csv")[0]},
        settings_of=_capacity_law,
        caption=lambda study, model, batch_size: (
            "The smallest weight decay with which labels are not fitted against the number of training images in "
            f"{_of(study)}: model {model} at batch size {batch_size}, {trained(study)}, {_seeds(study)}. Left, bars: the "
            "interval of the grid in which it lies, red on random and blue on the original labels; lines: the weight decay up "
            "to which a fitted network costs less than a constant predictor. Right: what weight decay changes in test accuracy."
        ),
    ),
    _table(
        "capacity_law",
        "the capacity law's table",
        "calibration",
        ("capacity_law",),
        records={"metrics": "metrics.json"},
        settings_of=_capacity_law,
        caption=lambda study, model, batch_size: (
            f"The capacity law of {_of(study)}: model {model} at batch size {batch_size}, {trained(study)}, {_seeds(study)}. "
            "By number of training images the smallest weight decay with which labels are not fitted, the one that the norm of "
            "fitted networks predicts, and its cost in test accuracy."
        ),
    ),
    _figure(
        "figure4",
        "Figure 4, both directions of the channel",
        "tolerance",
        ("figure4",),
        reads=lambda study: of_dataset(study) | shown.figure4_records(study),
        settings_of=lambda study: of_study(study) | {"shown": study.config["figures"]["figure4"]},
        caption=lambda study, shown: (
            f"Figure 4 for {_of(study)}, seed {study['seeds'][0]}. (a) The first test image of each class after "
            f"preprocessing, with the class that model {shown['model']} (batch size {shown['batch_size']}; "
            f"{trained(study)}) predicts and its softmax confidence; blue with a tick where prediction and label agree, red "
            "with a cross where not. (b) For every probed network, the image that each label is transmitted to in reverse, "
            "from faint noise around the population mean: the confidence reached, and the steps it took; a cross marks a "
            "label that never reached full confidence in the steps allowed. The CSV holds one row per pixel."
        ),
        claims=Claims("F4", "Figure 4: both directions"),
    ),
    _table(
        "reverse_transmission",
        "the steps of reverse transmission",
        "tolerance",
        ("perturbations",),
        records={"records": "reverse_transmission.csv", "beside": "metrics.json"},
        caption=lambda study: (
            f"Reverse transmission in {_of(study)}, {_seeds(study)}: gradient steps from faint noise around the population "
            "mean to full confidence in a label, by model."
        ),
    ),
    _figure5(
        "figure5",
        "Figure 5, information under noise",
        shown.figure5_panels,
        claims=Claims("F5-", "Figure 5: fault tolerance"),
    ),
    _table(
        "fault_tolerance",
        "Figure 5 in numbers",
        "tolerance",
        ("perturbations",),
        records={"sweeps": "perturbations/sweeps.npz", "beside": "metrics.json"},
        caption=lambda study: (
            f"Fault tolerance in {_of(study)}, {_seeds(study)}: the area under the curve of I(prediction; label) against "
            "signal-to-noise ratio from 3 to 60 dB with a 95 percent interval over seeds and images, per model, "
            "noise and kind of batch-normalization statistics; where information has halved; what remains at the end of the "
            "path."
        ),
        is_job=True,
        is_compared=True,
    ),
    _figure5(
        "figure5_batch_norm",
        "Figure 5 under each kind of batch statistics",
        shown.batch_norm_panels,
        promised_if=lambda study: shown.batch_norm_model(study) is not None,
    ),
    _table(
        "attack_audit",
        "the audit of attacks",
        "tolerance",
        ("attack_audit",),
        make="",  # rule audit_attacks: it opens the networks
        settings_of=lambda study: of_study(study) | {"audit": study.config["attack_audit"]},
        caption=lambda study, audit: (
            f"Attacks that gradient masking would not stop, in {_of(study)}, on {audit['images']} test images at "
            f"{_listed(audit['at_db'])} dB: margin loss, {audit['starts']} random start(s), transfer from another seed, blind "
            "Gaussian noise, and the authors' clamped gradient, each beside the plain attack. A positive difference means the "
            "plain attack was weaker."
        ),
        suffixes=("csv",),
    ),
    _figure(
        "figure6",
        "Figure 6, sphere packing",
        "spheres",
        ("sphere_packing",),
        reads=shown.figure6_records,
        settings_of=_bottleneck,
        caption=lambda study: (
            f"Sphere packing in {_on(study)}: every training image in the layer of two units, without its noise, coloured by "
            f"label, after {_listed(study['figure_epochs'])} epochs (0 is before the first step). Columns: "
            f"{_listed(study['variants']).replace('_', ' ')} (normalization in the encoder); axes end at ±10 and a panel "
            f"says how many points lie outside. Seed {study['seeds'][0]}; learning rate {study['learning_rate']} "
            f"({study['optimizer']}), batch size {study['batch_size']}, weight decay {study['weight_decay']}, β "
            f"{study['beta']}. The animation has one frame for every recorded epoch. The data have a row per panel and "
            "image: x and y are the outputs of the two units, without a unit, to a hundredth."
        ),
        suffixes=("svg", "png", "csv", "gif"),
        claims=Claims("F6-", "Figure 6: sphere packing"),
    ),
    _table(
        "sphere_packing",
        "Figure 6 in numbers",
        "spheres",
        ("sphere_packing",),
        records={"geometries": "geometry.csv", "metrics": "metrics.json"},
        reads=lambda study: {},
        settings_of=_bottleneck,
        caption=lambda study: (
            f"Figure 6 in numbers for {_on(study)}: power, scatter, isotropy, purity of neighbourhoods and vacant area of "
            f"the layer of two units, the first recorded epoch with purity {study['partition_purity']} (the partition), and "
            "the difference that batch normalization makes with and without its scale; mean and standard error over "
            f"{_seeds(study)}."
        ),
    ),
    _table(
        "table3",
        "Table 3, the architecture",
        "architecture",
        (),
        promised_if=lambda study: bool(study.built_in_models()),
        reads=lambda study: {"network": targets.results(study, "network.csv")},
        settings_of=lambda study: {},
        caption=lambda study: (
            "Table 3: the network's layers with kernel sizes, channels, stride and parameters, counted from the network "
            f"that study **{study['name']}** trains (for grey 32x32 images and ten classes, or those of the user's own data)."
        ),
        claims=Claims("T3-", "Table 3: architecture"),
    ),
    _figure(
        "figure7",
        "Figure 7, margins and calibration",
        "transfer",
        ("transfer",),
        reads=lambda study: (
            of_dataset(study)
            | {
                "predictions": targets.transfer_files(
                    study, "predictions", models=study.config["transfer"]["models"][:1]
                )
            }
        ),
        settings_of=lambda study: (
            of_study(study)
            | {"settings": targets.transfer_settings(study), "model": study.config["transfer"]["models"][0]}
        ),
        caption=lambda study, settings, model: (
            f"Figure 7 for {_of(study)}: model {model} transferred to {settings['dataset']}, zero-shot (left) and one-shot "
            f"(right: {settings['steps']} steps on one example per class, {settings['support_sets']} support sets a seed, "
            "pooled). Top: share of the test images by prediction margin, with the mean margin (dashed) and the mean "
            f"accuracy (solid). Bottom: accuracy by margin in {settings['bins']} bins; hatched, the gap to the bin's mean "
            "margin: above the diagonal the network is under-confident, below it over-confident. Mean and one standard "
            f"error over {_seeds(study)}. A third column, where there is one, shows the same networks on real SVHN test "
            "images, zero-shot. In the data fraction, margins and accuracy are shares from 0 to 1, and images are counted "
            "over seeds and support sets."
        ),
        claims=Claims("F7-", "Figure 7: transfer"),
    ),
    _table(
        "transfer",
        "Figure 7 in numbers",
        "transfer",
        ("transfer",),
        reads=lambda study: (
            of_dataset(study)
            | {
                "one_shot": targets.transfer_files(study, "one_shot"),
                "beside": targets.transfer_files(study, "zero_shot"),
                "provenance": targets.records(study, "transfer", kind="provenance.json"),
                "choice": targets.transferred_weight_decay(study),
            }
        ),
        settings_of=lambda study: (
            of_study(study) | {"settings": targets.transfer_settings(study), "sizes": shown.transfer_sizes(study)}
        ),
        caption=lambda study, settings, **_: (
            f"Transfer in {_of(study)}, {_seeds(study)}: accuracy on {settings['dataset']} zero-shot, and one-shot after "
            f"{settings['steps']} steps on one example per class, repeated for {settings['support_sets']} support sets; how "
            f"far confidence differs from accuracy, by prediction margin and by top probability, in {settings['bins']} bins; "
            "beside it what the paper quotes for matching networks, which had never seen digits."
        ),
    ),
    _variations("sensitivity", "the sensitivity analysis"),
    _variations("ablations", "the ablations"),
)
"""In the order of the page, which is the paper's."""

TABLES: Mapping[str, Result] = {result.name: result for result in RESULTS if result.kind == "table"}
FIGURES: Mapping[str, Result] = {result.name: result for result in RESULTS if result.kind == "figure"}
