"""How much a study computes, and how fast machines are: the counts are exact, the rates are estimates."""

from __future__ import annotations

from typing import Any

from rate_distortion import datasets
from rate_distortion.studies.study import Study

CPU_IMAGES_PER_SECOND_PER_THREAD = 2800
"""Training images of 32x32 pixels per second and thread (float32, one thread of a 2020s server processor)."""

GPU_SECONDS_PER_STEP = 0.0007
"""One small network's step on a fast GPU is bound by launching about 45 kernels, whatever the batch size."""

GPU_PACKED_IMAGES_PER_SECOND = 1_000_000
"""Training images of a pack per second, assumed and not measured: 30 % of what 67 TFLOP/s allow at 20.5 MFLOP an image."""

CPU_IMAGE_STEPS_PER_SECOND_PER_THREAD = 2300
"""Images moved one step along a gradient path per second and thread, as above."""

PERCEPTRON_IMAGES_PER_SECOND_PER_THREAD = 140_000
"""28x28 images that section 4.1's perceptrons take per second and thread, five trained as one, recording included."""

CPU_TRANSFER_IMAGES_PER_SECOND_PER_THREAD = 8_000
"""32x32 images read by tuned networks per second and thread, tuning included (8,400 on a busy machine)."""

BOTTLENECK_IMAGES_PER_SECOND_PER_THREAD = 17_000
"""28x28 images that figure 6's network takes per second and thread, recording included (processor time of two epochs)."""


def split_sizes(data: dict[str, Any]) -> dict[str, int]:
    """Images in train, validation and test, and extra images where the study has them."""
    source = datasets.sizes(data["dataset"], file=data.get("file"))
    train = data.get("train_images", source["train"] - data["validation_images"])
    extra = {"extra": data["extra_images"]} if "extra_images" in data else {}
    return {
        "train": train,
        "validation": data["validation_images"],
        "test": data.get("test_images", source["test"]),
        **extra,
    }


def training_images(study: Study, model: str) -> int:
    """Images that a convolutional network is trained on."""
    return study.train_images(model) or available_images(study, model)


def available_images(study: Study, model: str) -> int:
    """Images that a convolutional network could be trained on."""
    sizes = split_sizes(study.config["data"])
    return sum(sizes[split] for split in study.train_on(model).split("+"))


def image_values(study: Study, preprocessing: str | None = None) -> int:
    """Numbers that a prepared image has."""
    data = study.config["data"]
    side = datasets.image_side(data["dataset"], image_size=data.get("image_size"), file=data.get("file")) or 32
    return side**2 * (1 if study.whitening(preprocessing)["colour"] == "grey" else 3)


def image_steps(study: Study, model: str) -> int:
    """Images moved one step: two gradient paths of the study's images, under each kind of batch-normalization statistics."""
    settings = study.config["perturbations"]
    return 2 * len(study.evaluation_modes(model)) * settings["images"] * settings["max_steps"]


def transfer_images(study: Study) -> int:
    """Images that one network reads: the target's test images, as it is and after every tuning; tuning itself is cheap."""
    settings = study.config.get("transfer")
    if settings is None:
        return 0
    test = settings.get("test_images", datasets.sizes(settings["dataset"], file=settings.get("file"))["test"])
    return test * (1 + settings["support_sets"])


def perceptron_images(study: Study) -> int:
    """Images of two digits that the multilayer perceptrons learn."""
    settings = study.config["multilayer_perceptron"]
    return datasets.digit_pair_size(settings["dataset"], settings["digits"], settings["train_on"])


def bottleneck_passes(study: Study) -> int:
    """Images that go through the encoder in an epoch; a fixed sample for the information goes through it with every step."""
    settings = study.config["sphere_packing"]
    images, samples = bottleneck_images(study), settings["information_samples"]
    return images + (-(-images // settings["batch_size"]) * min(samples, images) if isinstance(samples, int) else 0)


def bottleneck_images(study: Study) -> int:
    """Images that the information bottleneck learns."""
    settings = study.config["sphere_packing"]
    return settings.get("train_images", datasets.sizes(settings["dataset"])["train"])
