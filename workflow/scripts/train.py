"""Train the runs that a rule's outputs name: one, all seeds of a cell, a pack, or all of figure 6."""

from pathlib import Path

from rate_distortion.analysis import capacity
from rate_distortion.storage.job_log import job_log
from rate_distortion.training import runs


def main(outputs: list[str], settings: dict, data: list[str], weight_decay: list[str]) -> None:
    """Train and record the run of every folder with a metrics.json.

    Args:
        outputs: of the rule.
        settings: of the runs, as their kind takes them.
        data: prepared data; none for figure 6, which reads a source.
        weight_decay: the calibration's choice, for models that use it.
    """
    inputs = {}
    if data:
        inputs["data_folder"] = next(Path(path).parent for path in data if path.endswith("dataset.json"))
    if weight_decay:
        inputs["weight_decay"] = capacity.calibrated_weight_decay(weight_decay[0])
    runs.train([Path(path).parent for path in outputs if path.endswith("metrics.json")], settings, **inputs)


def paths(name: str) -> list[str]:
    """An input of the rule as a list; empty where it has none of that name."""
    found = snakemake.input.get(name, [])
    return [found] if isinstance(found, str) else list(found)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(list(snakemake.output), snakemake.params.settings, paths("data"), paths("weight_decay"))
