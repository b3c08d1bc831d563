"""What the data or the code of a study do not have is said before any job, without running that code."""

import copy
from pathlib import Path

import numpy as np
import pytest
import yaml

from rate_distortion import datasets, studies

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
MINE = {"extends": "ci", "title": "Mine"}


def check(**settings):
    config = copy.deepcopy(CONFIG)
    config["studies"]["mine"] = MINE | settings
    studies.check_feasible(studies.load(config, SCHEMA)["mine"])


def refused(sentence, **settings):
    with pytest.raises(studies.StudyError) as caught:
        check(**settings)
    assert sentence in str(caught.value)


def test_shipped_studies_are_feasible():
    for study in studies.load(CONFIG, SCHEMA).values():
        studies.check_feasible(study)


def own(factory):
    return {"models": {"N": {"factory": factory}}, "tables": {"table1": {"N": [32]}}}


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "def biuld(image_shape, classes): ...\n",
            "my_networks.py defines no build; it defines biuld (did you mean biuld?)",
        ),
        ("def build(:\n", "is not Python"),
        ("raise SystemExit('code was run')\nfrom x import *\n", None),
        ("from torchvision.models import resnet18 as build\n", None),
        ("build, other = 1, 2\n", None),
    ],
)
def test_the_code_of_a_network_is_looked_at_and_not_run(tmp_path, monkeypatch, source, sentence):
    (tmp_path / "my_networks.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    if sentence:
        refused(sentence, **own("my_networks:build"))
    else:
        check(**own("my_networks:build"))


def test_a_module_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    refused(f"there is no my/nowhere.py in {tmp_path} or on the Python path", **own("my.nowhere:build"))


def test_more_images_than_a_users_file_has(tmp_path):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (100, 32, 32), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.arange(100) % 10)
    data = {"dataset": "arrays", "file": str(tmp_path / "mine.npz"), "extra_images": None}
    left_out = {
        "models": {"B+": None, "A+": None},
        "tables": {"further_models": None},
        "perturbations": {"cells": {"B+": None}, "images": 10},
        "attack_audit": None,
        "transfer": None,
        "figures": {"figure4": {"model": "B"}},
        "whitening": {"components": 20},
    }
    small = data | {"train_images": 60, "validation_images": 10, "test_images": 20}
    check(data=small, **left_out)
    refused("data.train_images is 81, and there are 80 training images", data=small | {"train_images": 81}, **left_out)
    refused("together 85, and arrays has 80", data=small | {"train_images": 75}, **left_out)
    refused("data.test_images is 21, and there are 20 test images", data=small | {"test_images": 21}, **left_out)
    refused("at most 70 can be held out", data=data | {"train_images": None, "validation_images": 71}, **left_out)


def test_a_law_of_more_images_than_there_are_beside_the_validation_images():
    check(capacity_law={"train_images": [100, 300]})
    sentence = (
        "capacity_law.train_images is 301, and there are 300 images to train on beside the validation images; lower it"
    )
    refused(sentence, capacity_law={"train_images": [301, 100]})
    refused(sentence, capacity_law={"train_images": [301, 100]}, data={"train_on": "train+validation"})


def test_a_target_with_other_classes(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (400, 32, 32), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.arange(400) % 3)
    transfer = {"dataset": "arrays", "file": str(tmp_path / "mine.npz"), "test_images": 20}
    refused("which has 3 classes, and the study's own images have 10", transfer=transfer)


WITHOUT_EXTRA = {
    "models": {"B+": None, "A+": None}, "tables": {"further_models": {"B+": None, "A+": None}}, "transfer": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "train", "test"),
    [
        ("usps", 7_291, 2_007),
        ("cifar10", 50_000, 10_000),
        ("kmnist", 60_000, 10_000),
        ("emnist_letters", 124_800, 20_800),
    ],
)
def test_the_sizes_of_public_data_sets_are_known_before_they_are_downloaded(dataset, train, test):
    data = {"dataset": dataset, "extra_images": None}
    check(data=data | {"train_images": train - 50, "test_images": test}, **WITHOUT_EXTRA)
    sentence = f"data.train_images is {train + 1:,}, and there are {train:,} training images in {dataset}"
    refused(sentence, data=data | {"train_images": train + 1}, **WITHOUT_EXTRA)
    refused(f"there are {test:,} test images in {dataset}", data=data | {"test_images": test + 1}, **WITHOUT_EXTRA)


def test_a_target_whose_last_images_lack_a_class(tmp_path):
    """One-shot transfer would refuse them, after every training."""
    refused("of each of 10 classes, and the last 29 training images of digits", transfer={"validation_images": 28})
    check(transfer={"validation_images": 29})
    images = np.random.default_rng(0).integers(0, 256, (400, 32, 32), dtype=np.uint8)
    labels = np.where(np.arange(400) < 10, 9, np.arange(400) % 9)  # of the last class there are few
    np.savez(tmp_path / "mine.npz", images=images, labels=labels, split=(np.arange(400) >= 350).astype(int))
    target = {"dataset": "arrays", "file": str(tmp_path / "mine.npz"), "test_images": 20}
    train = datasets.load("arrays", "train", file=tmp_path / "mine.npz").labels
    needed = next(count for count in range(1, 400) if len(np.unique(train[-count:])) == 10)
    refused(
        f"the last {needed} training images of arrays have them", transfer=target | {"validation_images": needed - 1}
    )
    check(transfer=target | {"validation_images": needed})
