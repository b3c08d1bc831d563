"""What a study costs before it starts: trainings, images, hours, GPU hours, disk.

The hours are estimates from the rates below; the counts are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

from rate_distortion import datasets
from rate_distortion.studies import amounts, needs
from rate_distortion.studies.runs import Cell, PerceptronCell, Run
from rate_distortion.studies.study import Study

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
    sizes = amounts.split_sizes(study.config["data"])
    runs = study.runs()
    models = {run.model: amounts.training_images(study, run.model) for run in runs}
    passes = [(run, _epochs(study, run), models[run.model]) for run in runs]
    images = sum(epochs * count for _, epochs, count in passes)
    steps = sum(epochs * -(-count // run.batch_size) for run, epochs, count in passes)
    image_steps = sum(amounts.image_steps(study, run.model) for run in study.runs("perturbations"))
    packed = {cell for pack in study.packs() for cell in pack.cells}
    alone = [run for run in runs if Cell(run.model, run.batch_size, run.labels) not in packed]
    packed_images = sum(epochs * count for run, epochs, count in passes if run not in alone)
    steps_alone = sum(epochs * -(-count // run.batch_size) for run, epochs, count in passes if run in alone)
    packs = len(study.perceptron_cells())
    transfers = study.runs("transfer")
    transfer_images = len(transfers) * amounts.transfer_images(study)
    perceptron_images = len(study.config["seeds"]) * _perceptron_images(study)
    bottlenecks = len(study.bottleneck_runs())
    bottleneck_images = bottlenecks * _bottleneck_images(study)
    return Plan(
        trainings=len(runs),
        processes=len(study.packs()) + len(alone),
        images=images,
        steps=steps,
        cpu_hours=images / (amounts.CPU_IMAGES_PER_SECOND_PER_THREAD * study.config["threads"]) / 3600,
        gpu_hours=(steps_alone * amounts.GPU_SECONDS_PER_STEP + packed_images / amounts.GPU_PACKED_IMAGES_PER_SECOND)
        / 3600,
        disk_gigabytes=_disk_bytes(study, sizes, runs) / 1e9,
        probes=len(study.runs("perturbations")),
        image_steps=image_steps,
        probe_cpu_hours=image_steps / (amounts.CPU_IMAGE_STEPS_PER_SECOND_PER_THREAD * study.config["threads"]) / 3600,
        transfers=len(transfers),
        transfer_images=transfer_images,
        transfer_cpu_hours=transfer_images
        / (amounts.CPU_TRANSFER_IMAGES_PER_SECOND_PER_THREAD * study.config["threads"])
        / 3600,
        perceptrons=packs * len(study.config["seeds"]),
        perceptron_packs=packs,
        perceptron_images=perceptron_images,
        perceptron_cpu_hours=perceptron_images / amounts.PERCEPTRON_IMAGES_PER_SECOND_PER_THREAD / 3600,
        bottlenecks=bottlenecks,
        bottleneck_images=bottleneck_images,
        bottleneck_cpu_hours=bottleneck_images / amounts.BOTTLENECK_IMAGES_PER_SECOND_PER_THREAD / 3600,
    )


def markdown(study: Study) -> str:
    """The plan as a page."""
    cost, sizes, config = plan(study), amounts.split_sizes(study.config["data"]), study.config
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
    lines += _perceptron_lines(study) + _bottleneck_lines(study) + _needs_lines(study)
    lines += [
        "",
        f"Hours assume {amounts.CPU_IMAGES_PER_SECOND_PER_THREAD:,} images/s and thread on a CPU and "
        f"{1000 * amounts.GPU_SECONDS_PER_STEP} ms a step on a GPU (trainings packed as one: "
        f"{amounts.GPU_PACKED_IMAGES_PER_SECOND:,} images/s, assumed), and {amounts.CPU_IMAGE_STEPS_PER_SECOND_PER_THREAD:,} "
        f"image steps/s and thread on a CPU, {amounts.PERCEPTRON_IMAGES_PER_SECOND_PER_THREAD:,} images/s through multilayer "
        f"perceptrons and {amounts.BOTTLENECK_IMAGES_PER_SECOND_PER_THREAD:,} through figure 6's network; counts of "
        "trainings are exact, paths usually "
        "end earlier.",
        "",
    ]
    return "\n".join(lines)


def _needs_lines(study: Study) -> list[str]:
    """What jobs ask a cluster for."""
    asked = needs.largest(study)
    return [
        "",
        "## Memory and time that jobs ask a cluster for",
        "",
        "The largest job of each kind. A second attempt asks for twice as much, a third for three times.",
        "",
        "| job | memory (MB) | minutes |",
        "| --- | --- | --- |",
        *(f"| {job} | {need.megabytes:,} | {need.minutes:,} |" for job, need in asked.items()),
    ]


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


def _perceptron_images(study: Study) -> int:
    """Images that the multilayer perceptrons of one seed are shown."""
    cells = study.perceptron_cells()
    if not cells:
        return 0
    return amounts.perceptron_images(study) * sum(_perceptron_epochs(study, cell) for cell in cells)


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
    """Images that go through the encoder of one information bottleneck."""
    if not study.bottleneck_runs():
        return 0
    return study.config["sphere_packing"]["epochs"] * amounts.bottleneck_passes(study)


def _epochs(study: Study, run: Run) -> int:
    return study.training(run.model, run.batch_size, run.labels)["epochs"]


def _disk_bytes(study: Study, sizes: dict[str, int], runs: list[Run]) -> int:
    """Every preprocessing that a run uses has its own copy of the images; a whitening matrix is float64."""
    data = study.config["data"]
    classes = datasets.classes(data["dataset"], file=data.get("file"))
    total = len(runs) * (MODEL_BYTES + sizes["test"] * classes * RECORD_BYTES_PER_CLASS_AND_TEST_IMAGE)
    for preprocessing in {study.preprocessing(run.model) for run in runs}:
        values = amounts.image_values(study, preprocessing)
        total += 4 * values * sum(sizes.values()) + 8 * values**2
    return total
