"""Studies: merging, the closed schema, and the sentence that every mistake ends in."""

import copy
import functools
from pathlib import Path

import jsonschema
import pytest
import yaml

from rate_distortion import studies
from rate_distortion.studies import Run, StudyError, targets

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())


@functools.cache
def load(change=None):
    config = copy.deepcopy(CONFIG)
    if change:
        change(config)
    return studies.load(config, SCHEMA)


def setting(path, value):
    """A change that sets the key at a dotted path under studies.demo."""
    *parents, last = path.split(".")

    def change(config):
        target = config["studies"]["demo"]
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value

    return change


def test_the_schema_is_a_valid_schema_and_closed_everywhere():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def check(node):
        if isinstance(node, dict):
            if node.get("type") == "object":
                assert "additionalProperties" in node, node
            for value in node.values():
                check(value)

    check(SCHEMA)


def test_shipped_studies_are_accepted():
    assert {"ci", "demo", "small", "paper"} <= set(load())


def test_the_papers_study_has_the_papers_numbers():
    paper = load()["paper"]
    training = paper.training("B", 128, "original")
    assert (training["epochs"], training["learning_rate"]) == (500, 0.01)
    assert paper.model("B")["weight_decay"] == 0.01
    assert len(paper.config["seeds"]) == 5
    assert paper.config["whitening"]["components"] == 400
    assert sum(run.model in "ABC" and run.labels == "original" for run in paper.runs()) == 45


def test_every_number_of_the_papers_study_has_its_source():
    lines = (ROOT / "config.yaml").read_text().splitlines()
    block = lines[lines.index("  paper:") + 1 : lines.index("  demo:")]
    numbered = [line for line in block if any(c.isdigit() for c in line.partition("#")[0].partition(":")[2])]
    bare = [line for line in numbered if "#" not in line]
    assert bare == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (setting("models.B.weigth_decay", 0.1), r"studies.demo.models.B has the unknown key 'weigth_decay' \(value 0.1\); "
         r"allowed: base, weight_decay, .* \(did you mean weight_decay\?\)"),
        (setting("tables.table1.D", [128]), "demo.tables.table1 names the model 'D', which does not exist; allowed: A, B"),
        (setting("tables.table1.A", [0]), r"studies.demo.tables.table1.A\[0\] is 0; it must be at least 1"),
        (setting("whitening.per_image_mean", "false"), "per_image_mean is 'false'; it must be true or false .*without quotes"),
        (setting("data.dataset", "svnh"), r"data.dataset is 'svnh'; allowed: svhn, mnist, .*did you mean svhn"),
        (setting("training.learning_rate", "1e-2"), "learning_rate is '1e-2'; it must be a number .*write 0.01"),
        (setting("training.learning_rate", float("nan")), "learning_rate is nan; it must be a number"),
        (setting("training.epochs", 30.0), "epochs is 30.0; it must be a whole number"),
        (setting("training.epochs", True), "epochs is True; it must be a whole number"),
        (setting("whitening.method", False), "whitening.method is False; allowed: zca, none, pixels .*put the word in quotes"),
        (setting("models", {True: {}}), "the key True under studies.demo.models is not text: YAML reads yes, no"),
        (setting("models.B.base", "Z"), "studies.demo.models.B.base names the model 'Z', which does not exist"),
        (setting("models.A.base", "B"), "makes a circle: A -> B -> A"),
        (setting("models.A.weight_decay", -1), "weight_decay is -1; it must be at least 0"),
        (setting("seeds", []), "studies.demo.seeds is empty"),
        (setting("seeds", [1, 1]), r"studies.demo.seeds is \[1, 1\]; every entry may stand there once"),
        (setting("title", 3), "studies.demo.title is 3; it must be text"),
        (setting("data.dataset", "arrays"), "data.file is missing"),
        (setting("data.file", "x.npz"), "data.file is set"),
        (
            lambda c: c["studies"].update(mine={"extends": "demo", "parts": [[]]}),
            r"studies.mine.parts\[0\] is \[\]; allowed: table1",
        ),
        (setting("models.a\u00a0b", {}), r"the key 'a\\xa0b' under studies.demo.models holds a space that is no plain one"),
        (setting("data.dataset", None), "studies.demo.data names no images; set studies.demo.data.file to your own"),
        (setting("figures.figure4.model", "E"), "figures.figure4.model names the model 'E'"),
        (setting("capacity_law", {"model": "Q"}), "demo.capacity_law.model names the model 'Q'"),
        (setting("capacity_law", {"weight_decays": [0.01, 0.1]}), r"law.weight_decays is \[0.01, 0.1\], and .* none; add 0"),
        (setting("capacity_law", {"train_images": [1]}), r"capacity_law.train_images\[0\] is 1; it must be at least 2"),
        (
            lambda c: c["studies"]["capacity_law"]["data"].update(validation_images=0),
            "validation_images is 0, and studies.capacity_law.capacity_law compares validation accuracies",
        ),
        (
            lambda c: c["studies"]["capacity_law"]["models"].update(A={"weights": "a.safetensors"}),
            "capacity_law.capacity_law names A, whose models.A.weights is 'a.safetensors'; it is not trained",
        ),
        (setting("calibration.model", "Q"), "demo.calibration.model names the model 'Q'"),
        (setting("calibration.model", "B"), "calibration.model is B, whose weight decay is itself calibrated"),
        (
            lambda c: c["studies"].update(mine={"extends": "demo", "calibration": None}),
            r"mine.models.B.weight_decay is calibrated, but studies.mine has no calibration",
        ),
        (setting("models.B.weight_decay", "calibrate"), "weight_decay is 'calibrate'; it must be a number; or calibrated"),
        (setting("models.B.weight_decay", "1e-2"), "is '1e-2'; it must be a number .*write 0.01.*; or calibrated"),
        (setting("models.A.preprocessing", "sepia"), "models.A.preprocessing names the preprocessing 'sepia'"),
        (setting("data.validation_images", 0), "validation_images is 0, and studies.demo.calibration compares"),
        (setting("data.dataset", "mnist"), "extra_images is set and studies.demo.data.dataset is 'mnist', which has no extra"),
        (setting("data.extra_images", None), "models.B\\+.data is train\\+extra, but"),
        (setting("figures.figure5.b", "A-BN"), "figure5.b is 'A-BN' at batch size 128, which perturbations.cells"),
        (setting("perturbations.cells.D", [128]), "demo.perturbations.cells names the model 'D'"),
        (setting("attack_audit.cells", {"Z": [32]}), "demo.attack_audit.cells names the model 'Z'"),
        (
            lambda c: c["studies"].update(mine={"extends": "demo", "perturbations": None, "reverse_transmission": {}}),
            "mine.reverse_transmission is set and .*perturbations is not",
        ),
        (setting("seeds", [1]), "demo.attack_audit needs two seeds .* set attack_audit: null"),
        (
            setting("perturbations.largest_sigma", 0.001),
            "demo.perturbations.largest_sigma is 0.001, and .*smallest_sigma is 0.001; the largest must be above",
        ),
        (setting("attack_audit.at_db", [30, 0.5]), "demo.attack_audit.at_db has 0.5, and .*lowest_snr_db, 1.0; compare at"),
        (setting("transfer.models", ["B++"]), r"demo.transfer.models names the model 'B\+\+'.*did you mean B\+"),
        (setting("transfer.dataset", "omniglot"), "transfer.dataset is 'omniglot'; allowed: mnist, digits, svhn, arrays"),
        (setting("transfer.dataset", "arrays"), "transfer.file is missing and .*transfer.dataset is 'arrays'"),
        (setting("transfer.file", "mine.npz"), "transfer.file is set and .*transfer.dataset is 'digits'"),
        (setting("transfer.rotation_degrees", 270), "transfer.rotation_degrees is 270; it must be at most 180"),
        (setting("multilayer_perceptron.digits", [3, 3]), r"multilayer_perceptron.digits is \[3, 3\]; every entry may stand"),
        (setting("multilayer_perceptron.dataset", "svhn"), "multilayer_perceptron.dataset is 'svhn'; allowed: mnist, digits"),
        (setting("multilayer_perceptron.epochs", 0), "multilayer_perceptron.epochs is 0; it must be at least 1"),
        (setting("multilayer_perceptron.bins", 30), "multilayer_perceptron has the unknown key 'bins'"),
        (setting("multilayer_perceptron.gradient_snr.activations", ["elu"]), r"activations\[0\] is 'elu'; allowed: relu"),
        (setting("multilayer_perceptron.digits", [3]), r"digits is \[3\]; it needs at least 2 entries"),
        (setting("multilayer_perceptron.digits", [3, 5, 7]), r"digits is \[3, 5, 7\]; it may have at most 2 entries"),
        (setting("extends", "smal"), r"studies.demo.extends is 'smal', which does not exist.*did you mean small"),
        (setting("extends", "small"), "extends makes a circle"),
        (lambda c: c["studies"].update(Mine={"extends": "demo"}), "studies has the key 'Mine'"),
        (lambda c: c["studies"].update(mine={"title": "x"}), "studies.mine lacks the key 'data'"),
        (lambda c: c["studies"].update(mine=None), "studies.mine is None; it must be a mapping"),
        (lambda c: c.pop("studies"), "studies is missing"),
        (lambda c: c.update(study="papre"), r"study is 'papre', which does not exist.*did you mean paper"),
        (lambda c: c.update(stduy="paper"), "unknown key 'stduy'"),
        (lambda c: c["mirrors"].update(mnist=["ftp://x"]), r"mirrors.mnist\[0\] is 'ftp://x'; it must be the address"),
    ],
)  # fmt: skip
def test_a_mistake_ends_in_one_sentence_that_names_it(change, message):
    with pytest.raises(StudyError, match=message) as caught:
        load(change)
    assert "\n" not in str(caught.value)


def test_a_mistake_is_reported_where_it_was_written_and_not_in_a_study_that_inherits_it():
    with pytest.raises(StudyError, match=r"^studies\.demo\.threads"):
        load(setting("threads", 0))


def test_extends_merges_mappings_replaces_lists_and_removes_with_null():
    def change(config):
        config["studies"]["mine"] = {
            "extends": "demo",
            "seeds": [7],
            "models": {"C": None, "B": {"weight_decay": 0.3}, "A-BN": None},
            "tables": {"table1": {"C": None}, "table2": None, "further_models": None},
            "perturbations": None,
            "attack_audit": None,
            "figures": {"figure5": None},
        }

    mine = load(change)["mine"]
    assert mine.config["seeds"] == [7]
    assert {"A", "B"} <= set(mine.config["models"])
    assert not {"C", "A-BN"} & set(mine.config["models"])
    assert mine.model("B")["weight_decay"] == 0.3
    assert mine.config["training"] == load()["demo"].config["training"]


def test_a_model_inherits_along_its_bases():
    added = {"D": {"base": "C", "epochs": 3}}
    ci = load(lambda config: config["studies"]["ci"]["models"].update(added))["ci"]
    assert ci.model("D") == ci.model("C")
    assert ci.model("C")["weight_decay"] == ci.model("B")["weight_decay"]
    assert ci.training("D", 64, "original")["epochs"] == 3
    assert ci.training("C", 64, "original")["epochs"] == ci.config["training"]["epochs"]


def test_runs_are_each_cell_and_seed_once():
    demo = load()["demo"]
    assert len(demo.runs("table1")) == 3 * 2 * 2
    assert len(demo.runs("table2")) == 3 * 2
    assert len(demo.runs()) == len(set(demo.runs()))
    assert Run("B", 128, "original", 1) in demo.runs("table1", "figure4")


def test_the_papers_grid_is_the_printed_one():
    paper = load()["paper"]
    counts = {part: len(paper.runs(part)) for part in studies.PARTS}
    assert counts == {
        "table1": 45,
        "table2": 25,
        "figure4": 5,
        "further_models": 15,
        "calibration": 80,
        "capacity_law": 0,
        "perturbations": 20,
        "attack_audit": 10,
        "transfer": 10,
        "sensitivity": 0,
        "ablations": 0,
    }
    assert {run.model for run in paper.runs("further_models")} == {"A-BN", "A+", "B+"}


def test_figures_2_and_3_share_a_network_and_each_is_trained_once():
    paper = load()["paper"]
    figure2, figure3 = paper.perceptron_cells("gradient_snr"), paper.perceptron_cells("information_plane")
    assert [(cell.activation, cell.normalization) for cell in figure2] == [
        ("relu", "none"), ("tanh", "none"), ("relu", "batch"), ("tanh", "batch"),
    ]  # fmt: skip
    assert {cell.labels for cell in figure2} == {"original"}
    assert figure3 == [("relu", "none", "original"), ("relu", "none", "random")]
    assert len(paper.perceptron_cells()) == 5
    assert paper.digit_pair() == "mnist-3-versus-7"


def test_the_papers_perceptrons_have_the_papers_numbers():
    settings = load()["paper"].perceptron("relu", "none", "random")
    training, plane = settings["training"], settings["plane"]
    assert (training["epochs"], training["learning_rate"], training["batch_size"]) == (10_000, 0.001, 100)
    assert (training["labels"], plane["samples"], plane["bins"]) == ("random", 2000, 30)
    assert settings["network"] == {
        "hidden_widths": [128, 64, 32, 16, 16], "activation": "relu", "normalization": "none",
    }  # fmt: skip


def test_networks_that_only_figure_2_shows_may_train_for_fewer_epochs():
    paper = load()["paper"]
    epochs = {cell: paper.perceptron(*cell)["training"]["epochs"] for cell in paper.perceptron_cells()}
    assert {cell for cell, count in epochs.items() if count == 10_000} == set(
        paper.perceptron_cells("information_plane")
    )
    assert sorted(epochs.values()) == [4_000] * 3 + [10_000] * 2
    demo = load()["demo"]
    assert {demo.perceptron(*cell)["training"]["epochs"] for cell in demo.perceptron_cells()} == {300}


def test_what_is_drawn_is_no_setting_of_a_perceptrons_training():
    plain = load()["demo"].perceptron("relu", "none", "original")
    for key, value in (("ratio", "saxe"), ("activations", ["tanh"])):
        changed = load(setting(f"multilayer_perceptron.gradient_snr.{key}", value))["demo"]
        assert changed.perceptron("relu", "none", "original") == plain


def test_a_study_without_perceptrons_has_none():
    mine = load(lambda c: c["studies"].update(mine={"extends": "demo", "multilayer_perceptron": None}))["mine"]
    assert mine.perceptron_cells() == []
    assert mine.digit_pair() is None


def test_a_calibration_leaves_the_validation_images_out_and_reuses_a_model_that_does_so_anyway():
    demo, paper = load()["demo"], load()["paper"]
    assert demo.calibration_model(0.0) == "A"
    assert demo.calibration_model(0.01) == "A-decay-0.01"
    assert paper.calibration_model(0.001) == "A-decay-0.001"
    assert paper.train_on("A") == "train+validation"
    assert paper.train_on("A-decay-0.001") == "train"
    assert paper.model("A-decay-0.001") == paper.model("A") | {"weight_decay": 0.001}
    assert paper.train_on("B+") == "train+validation+extra"


def test_the_capacity_law_shows_every_network_as_many_images_and_none_that_is_held_out():
    study = load(lambda config: config["studies"]["capacity_law"]["data"].update(train_on="train+validation"))[
        "capacity_law"
    ]
    cells = study.cells("capacity_law")
    assert len(cells) == len(set(cells)) == 5 * 10 * 2
    for cell in cells:
        assert study.train_on(cell.model) == "train"
        assert study.train_images(cell.model) * study.training(*cell)["epochs"] == 1_280_000
    assert study.model("A-images-1000-decay-0.03") == study.model("A") | {"weight_decay": 0.03}
    assert (study.train_on("A"), study.train_images("A")) == ("train+validation", None)


def test_one_more_number_of_images_trains_its_own_networks_and_no_other():
    def settings(study):
        return {cell: targets.run_settings(study, *cell) for cell in study.cells("capacity_law")}

    before = settings(load()["capacity_law"])
    law = {"train_images": [500, 1000, 2000, 4000, 8000, 16000]}
    after = settings(load(lambda config: config["studies"]["capacity_law"]["capacity_law"].update(law))["capacity_law"])
    new = {cell.model.partition("-decay")[0] for cell in after.keys() - before.keys()}
    assert new == {"A-images-500"}
    assert {cell: after[cell] for cell in before} == before
    assert before["A-images-1000-decay-0.03", 128, "random"]["train_images"] == 1000
    demo = load()["demo"]
    assert all("train_images" not in targets.run_settings(demo, *cell) for cell in demo.cells("table1"))


def test_a_variation_changes_what_it_names_and_nothing_else():
    small = load()["small"]
    assert small.model("B-decay_everything") == small.model("B") | {"decayed_tensors": "all"}
    assert small.preprocessing("C-range_minmax") == "minmax"
    assert small.whitening("minmax") == small.config["whitening"] | {"output_range": "minmax"}
    assert small.training("B-random_labels_per_epoch", 128, "random")["random_labels"] == "per_epoch"
    assert small.training("A-stopped_early", 128, "original") == small.training("A", 128, "original") | {"epochs": 15}
    names = small.variant_names("ablations")
    assert names["as_in_the_study"] == {"A": "A", "B": "B"}
    assert names["width_half"] == {"A": "A-width_half", "B": "B-width_half"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda small: small["ablations"]["choices"].update(decay_everything={"decayed_tensors": "weights"}),
            r"small.ablations.choices.decay_everything makes the model 'B-decay_everything' .* already, .*'all'.*rename",
        ),
        (
            lambda small: small["models"].update({"A-width_half": {"base": "A", "width": 0.4}}),
            r"small.ablations.choices.width_half makes the model 'A-width_half' from .*'width': 0.5.* already, .*'width': 0.4",
        ),
        (
            lambda small: small["calibration"].update(weight_decays=[0.01, 0.010000001]),
            "small.calibration.weight_decays makes the model 'A-decay-0.01' .*0.010000001.* already",
        ),
        (
            lambda small: small.update(capacity_law={"weight_decays": [0, 0.01, 0.010000001], "train_images": [99]}),
            "small.capacity_law makes the model 'A-images-99-decay-0.01' .*0.010000001.* already",
        ),
    ],
)
def test_a_derived_model_takes_no_name_that_means_something_else(change, message):
    with pytest.raises(StudyError, match=message) as caught:
        load(lambda config: change(config["studies"]["small"]))
    assert "\n" not in str(caught.value)


def test_the_same_choice_in_two_analyses_is_one_model():
    def change(config):
        config["studies"]["small"]["ablations"]["choices"]["decay_everything"] = {"decayed_tensors": "all"}

    assert load(change)["small"].model("B-decay_everything")["decayed_tensors"] == "all"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("X", 128, 1), "has no model 'X'"),
        (("A", 16, 1), "has no batch size 16"),
        (("A", 128, 9), "has no seed 9; it has 1, 2"),
    ],
)
def test_a_run_that_the_study_lacks_is_refused(arguments, message):
    with pytest.raises(StudyError, match=message):
        load()["demo"].check_run(*arguments)


def test_packs_hold_every_cell_once_and_only_what_can_be_trained_as_one():
    for name, study in load(
        lambda config: [s.update(packing="batch_size") for s in config["studies"].values()]
    ).items():
        packed = [cell for pack in study.packs() for cell in pack.cells]
        assert len(packed) == len(set(packed)), name
        assert {(run.model, run.batch_size, run.labels) for run in study.runs()} == set(packed), name
        assert len({pack.name for pack in study.packs()}) == len(study.packs())
        for pack in study.packs():
            models, trainings = zip(*((study.model(c.model), study.training(*c)) for c in pack.cells), strict=True)
            for key in ("normalization", "width"):
                assert len({model[key] for model in models}) == 1
            assert len({model["weight_decay"] == "calibrated" for model in models}) == 1
            for key in ("epochs", "batch_size", "precision"):
                assert len({training[key] for training in trainings}) == 1
            for shared in (study.train_on, study.preprocessing):
                assert len({shared(cell.model) for cell in pack.cells}) == 1


def test_a_study_without_packing_has_no_packs():
    demo = load()["demo"]
    assert demo.packs() == []
    assert demo.pack_of(demo.cells("table1")[0]) is None


def test_figure_6_names_epochs_that_are_trained():
    with pytest.raises(StudyError, match=r"studies.demo.sphere_packing.figure_epochs names 50, .*epochs is 40"):
        load(lambda config: config["studies"]["demo"]["sphere_packing"].update(figure_epochs=[0, 50]))


def test_a_bottleneck_depends_on_its_own_keys_and_not_on_what_is_drawn():
    study = load()["paper"]
    settings = study.bottleneck()
    drawn = set(study.config["sphere_packing"]) - {key for part in settings.values() for key in part}
    assert drawn == {"seeds", "variants", "partition_purity"}
    assert [run.folder for run in study.bottleneck_runs()] == [
        f"runs/sphere_packing/{variant}/seed{seed}"
        for variant in ("none", "batch", "batch_without_scale")
        for seed in (1, 2, 3, 4, 5)
    ]
