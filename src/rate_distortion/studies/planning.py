"""What a study costs before it starts: trainings, images, hours, GPU hours, disk.

The hours are estimates from the rates below; the counts are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rate_distortion import datasets
from rate_distortion.studies import Cell, PerceptronCell, Run, Study

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

MODEL_BYTES = 4 * 180_906
RECORD_BYTES_PER_CLASS_AND_TEST_IMAGE = 4


@dataclass(frozen=True)
class Plan:
    """Counts and estimates; hours are of one training after another."""

    trainings: int
    processes: int
    images: int
    steps: int
    cpu_hours: float
    gpu_hours: float
    disk_gigabytes: float
    probes: int
    image_steps: int
    probe_cpu_hours: float
    transfers: int
    transfer_images: int
    transfer_cpu_hours: float
    perceptrons: int
    perceptron_packs: int
    perceptron_images: int
    perceptron_cpu_hours: float
    bottlenecks: int
    bottleneck_images: int
    bottleneck_cpu_hours: float


def plan(study: Study) -> Plan:
    """Count a study's trainings and estimate their cost."""
    sizes = split_sizes(study.config["data"])
    runs = study.runs()
    passes = [(run, _epochs(study, run), _training_images(study, run, sizes)) for run in runs]
    images = sum(epochs * count for _, epochs, count in passes)
    steps = sum(epochs * -(-count // run.batch_size) for run, epochs, count in passes)
    image_steps = sum(_image_steps(study, run) for run in study.runs("perturbations"))
    packed = {cell for pack in study.packs() for cell in pack.cells}
    alone = [run for run in runs if Cell(run.model, run.batch_size, run.labels) not in packed]
    cells = {(run.model, run.batch_size, run.labels) for run in alone}
    packed_images = sum(epochs * count for run, epochs, count in passes if run not in alone)
    steps_alone = sum(epochs * -(-count // run.batch_size) for run, epochs, count in passes if run in alone)
    packs = len(study.perceptron_cells())
    transfers = study.runs("transfer")
    transfer_images = len(transfers) * _transfer_images(study)
    perceptron_images = len(study.config["seeds"]) * _perceptron_images(study)
    bottlenecks = len(study.bottleneck_runs())
    bottleneck_images = bottlenecks * _bottleneck_images(study)
    return Plan(
        trainings=len(runs),
        processes=len(study.packs()) + len(cells if study.config["share_processes"] else alone),
        images=images,
        steps=steps,
        cpu_hours=images / (CPU_IMAGES_PER_SECOND_PER_THREAD * study.config["threads"]) / 3600,
        gpu_hours=(steps_alone * GPU_SECONDS_PER_STEP + packed_images / GPU_PACKED_IMAGES_PER_SECOND) / 3600,
        disk_gigabytes=_disk_bytes(study, sizes, runs) / 1e9,
        probes=len(study.runs("perturbations")),
        image_steps=image_steps,
        probe_cpu_hours=image_steps / (CPU_IMAGE_STEPS_PER_SECOND_PER_THREAD * study.config["threads"]) / 3600,
        transfers=len(transfers),
        transfer_images=transfer_images,
        transfer_cpu_hours=transfer_images
        / (CPU_TRANSFER_IMAGES_PER_SECOND_PER_THREAD * study.config["threads"])
        / 3600,
        perceptrons=packs * len(study.config["seeds"]),
        perceptron_packs=packs,
        perceptron_images=perceptron_images,
        perceptron_cpu_hours=perceptron_images / PERCEPTRON_IMAGES_PER_SECOND_PER_THREAD / 3600,
        bottlenecks=bottlenecks,
        bottleneck_images=bottleneck_images,
        bottleneck_cpu_hours=bottleneck_images / BOTTLENECK_IMAGES_PER_SECOND_PER_THREAD / 3600,
    )


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


def markdown(study: Study) -> str:
    """The plan as a page."""
    cost, sizes, config = plan(study), split_sizes(study.config["data"]), study.config
    device = {"cpu": "CPU", "cuda": "one GPU", "auto": "one GPU where present, else CPU"}[config["device"]]
    gpu_hours = "0 (the study does not use a GPU)" if config["device"] == "cpu" else f"{cost.gpu_hours:,.1f}"
    rows = {
        "data": f"{config['data']['dataset']}: " + ", ".join(f"{n:,} {split}" for split, n in sizes.items()),
        "trainings": f"{cost.trainings:,} in {cost.processes:,} processes ({device})",
        "training images passed through a network": f"{cost.images:,}",
        "steps": f"{cost.steps:,}",
        f"hours on a CPU, one training at a time, threads: {config['threads']}": f"{cost.cpu_hours:,.2f}",
        "GPU hours, one process at a time": gpu_hours,
        "networks probed": f"{cost.probes:,}, at most {cost.image_steps:,} image steps along gradient paths",
        f"hours to probe them on a CPU, threads: {config['threads']}": f"{cost.probe_cpu_hours:,.2f}",
        **_transfer_amounts(cost),
        **_perceptron_amounts(cost),
        **_bottleneck_amounts(cost),
        "disk": f"{cost.disk_gigabytes:,.2f} GB",
    }
    lines = [f"# Plan of study {study.name}", "", config["title"], "", "| what | how much |", "| --- | --- |"]
    lines += [f"| {what} | {amount} |" for what, amount in rows.items()]
    lines += [
        "",
        "## Trainings",
        "",
        "| model | batch size | labels | seeds | epochs |",
        "| --- | --- | --- | --- | --- |",
    ]
    cells: dict[tuple[str, int, str], list[Run]] = {}
    for run in study.runs():
        cells.setdefault((run.model, run.batch_size, run.labels), []).append(run)
    lines += [
        f"| {model} | {size} | {labels} | {len(members)} | {_epochs(study, members[0])} |"
        for (model, size, labels), members in cells.items()
    ]
    lines += _perceptron_lines(study) + _bottleneck_lines(study)
    lines += [
        "",
        f"Hours assume {CPU_IMAGES_PER_SECOND_PER_THREAD:,} images/s and thread on a CPU and "
        f"{1000 * GPU_SECONDS_PER_STEP} ms a step on a GPU (trainings packed as one: "
        f"{GPU_PACKED_IMAGES_PER_SECOND:,} images/s, assumed), and {CPU_IMAGE_STEPS_PER_SECOND_PER_THREAD:,} image steps/s and "
        f"thread on a CPU, {PERCEPTRON_IMAGES_PER_SECOND_PER_THREAD:,} images/s through multilayer perceptrons and "
        f"{BOTTLENECK_IMAGES_PER_SECOND_PER_THREAD:,} through figure 6's network; counts of trainings are exact, paths usually "
        "end earlier.",
        "",
    ]
    return "\n".join(lines)


def _transfer_amounts(cost: Plan) -> dict[str, str]:
    if not cost.transfers:
        return {}
    return {
        "networks transferred": f"{cost.transfers:,}, which read {cost.transfer_images:,} target images",
        "hours to transfer them on a CPU, one after another": f"{cost.transfer_cpu_hours:,.2f}",
    }


def _perceptron_amounts(cost: Plan) -> dict[str, str]:
    if not cost.perceptrons:
        return {}
    return {
        "multilayer perceptrons": f"{cost.perceptrons:,} in {cost.perceptron_packs:,} processes, all seeds of a cell as one",
        "images passed through them": f"{cost.perceptron_images:,}",
        "hours to train them on a CPU, one process after another": f"{cost.perceptron_cpu_hours:,.2f}",
    }


def _perceptron_lines(study: Study) -> list[str]:
    """A table of the multilayer perceptrons; nothing for a study without any."""
    cells = study.perceptron_cells()
    if not cells:
        return []
    seeds = len(study.config["seeds"])
    return [
        "",
        "## Multilayer perceptrons",
        "",
        "| activation | normalization | labels | seeds | epochs |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {cell.activation} | {cell.normalization} | {cell.labels} | {seeds} | {_perceptron_epochs(study, cell)} |"
            for cell in cells
        ),
    ]


def _transfer_images(study: Study) -> int:
    """Images that one network reads: the target's test images, as it is and after every tuning; tuning itself is cheap."""
    settings = study.config.get("transfer")
    if settings is None:
        return 0
    test = settings.get("test_images", datasets.sizes(settings["dataset"], file=settings.get("file"))["test"])
    return test * (1 + settings["support_sets"])


def _perceptron_images(study: Study) -> int:
    """Images that the multilayer perceptrons of one seed are shown."""
    cells = study.perceptron_cells()
    if not cells:
        return 0
    settings = study.config["multilayer_perceptron"]
    images = datasets.digit_pair_size(settings["dataset"], settings["digits"], settings["train_on"])
    return images * sum(_perceptron_epochs(study, cell) for cell in cells)


def _perceptron_epochs(study: Study, cell: PerceptronCell) -> int:
    return study.perceptron(*cell)["training"]["epochs"]


def _bottleneck_amounts(cost: Plan) -> dict[str, str]:
    if not cost.bottlenecks:
        return {}
    return {
        "information bottlenecks": f"{cost.bottlenecks:,}, {cost.bottleneck_images:,} images passed through them",
        "hours to train them on a CPU, one after another": f"{cost.bottleneck_cpu_hours:,.2f}",
    }


def _bottleneck_lines(study: Study) -> list[str]:
    """A table of the information bottlenecks of figure 6; nothing for a study without any."""
    if not study.bottleneck_runs():
        return []
    config = study.config["sphere_packing"]
    lines = ["", "## Information bottlenecks", "", "| variant | seeds | epochs |", "| --- | --- | --- |"]
    return lines + [f"| {variant} | {len(config['seeds'])} | {config['epochs']} |" for variant in config["variants"]]


def _bottleneck_images(study: Study) -> int:
    """Images that one information bottleneck is shown."""
    if not study.bottleneck_runs():
        return 0
    config = study.config["sphere_packing"]
    return config["epochs"] * config.get("train_images", datasets.sizes(config["dataset"])["train"])


def _epochs(study: Study, run: Run) -> int:
    return study.training(run.model, run.batch_size, run.labels)["epochs"]


def _image_steps(study: Study, run: Run) -> int:
    """Two gradient paths of the study's images, under each kind of batch-normalization statistics."""
    settings = study.config["perturbations"]
    kinds = 4 if study.model(run.model)["normalization"] == "batch" else 1
    return 2 * kinds * settings["images"] * settings["max_steps"]


def _training_images(study: Study, run: Run, sizes: dict[str, int]) -> int:
    return sum(sizes[split] for split in study.train_on(run.model).split("+"))


def _disk_bytes(study: Study, sizes: dict[str, int], runs: list[Run]) -> int:
    """Every preprocessing that a run uses has its own copy of the images; a whitening matrix is float64."""
    data = study.config["data"]
    side = datasets.image_side(data["dataset"], image_size=data.get("image_size"), file=data.get("file")) or 32
    classes = datasets.classes(data["dataset"], file=data.get("file"))
    total = len(runs) * (MODEL_BYTES + sizes["test"] * classes * RECORD_BYTES_PER_CLASS_AND_TEST_IMAGE)
    for preprocessing in {study.preprocessing(run.model) for run in runs}:
        values = side**2 * (1 if study.whitening(preprocessing)["colour"] == "grey" else 3)
        total += 4 * values * sum(sizes.values()) + 8 * values**2
    return total
