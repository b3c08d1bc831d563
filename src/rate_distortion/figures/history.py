"""Training curves: accuracy, loss and weight norm of the runs of Tables 1 and 2 against epoch. Not in the paper."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas

from rate_distortion.datasets import prepared_data
from rate_distortion.figures import Drawing, style
from rate_distortion.storage import files, provenance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPLITS = {"train": "-", "test": "--"}


def make(*, histories: Sequence[str | Path], dataset: str | Path, batch_size: int, study: Mapping[str, Any]) -> Drawing:
    """The training curves.

    Args:
        histories: history.csv of every run, whose folder says its model, batch size, labels and seed.
        dataset: a file in the folder of the prepared data.
        batch_size: of all runs.
        study: name, seeds, epochs.

    Raises:
        storage.files.DamagedFileError: a history is not as its run left it.
    """
    runs = {}
    for path in map(Path, histories):
        model, size, labels, seed = path.parts[-5:-1]
        run = model, int(size.removeprefix("batch")), labels, int(seed.removeprefix("seed"))
        runs[run] = files.read_table(provenance.verified(path))
    rows, data = tidy(runs), prepared_data.describe(Path(dataset).parent)
    source = style.source_line(study, data, f"batch size {batch_size}, {style.over_seeds(study)}")
    return style.drawing(rows, functools.partial(draw, rows, source))


def tidy(histories: Mapping[tuple[str, int, str, int], pandas.DataFrame]) -> pandas.DataFrame:
    """Every run's recorded epochs in long form: model, batch_size, labels, seed, epoch, quantity, value.

    Args:
        histories: (model, batch size, labels, seed) -> the run's history.csv.
    """
    frames = []
    for (model, batch_size, labels, seed), history in histories.items():
        long = history.melt("epoch", var_name="quantity", value_name="value")
        frames.append(long.assign(model=model, batch_size=batch_size, labels=labels, seed=seed))
    columns = ["model", "batch_size", "labels", "seed", "epoch", "quantity", "value"]
    return pandas.concat(frames, ignore_index=True)[columns]


def draw(rows: pandas.DataFrame, source: str) -> Figure:
    """Accuracy, loss and the norm of all weights against epoch, original labels above random labels.

    Lines are means over seeds, bands one standard error; solid lines are training, dashed ones test.

    Args:
        rows: as :func:`tidy` returns them.
        source: the lines under the figure.
    """
    kinds = [kind for kind in ("original", "random") if kind in set(rows["labels"])]
    models = list(dict.fromkeys(rows["model"]))
    colours, markers = style.model_colours(models), style.model_markers(models)
    figure = style.new_figure(0.8 + 1.75 * len(kinds))
    axes = figure.subplots(len(kinds), 3, squeeze=False)
    total = _total_norm(rows)
    for line, kind in zip(axes, kinds, strict=True):
        own = rows[rows["labels"] == kind]
        for axis, quantity in ((line[0], "accuracy_percent"), (line[1], "loss_nats")):
            for split, dash in SPLITS.items():
                _draw_curves(axis, own[own["quantity"] == f"{split}_{quantity}"], dash, colours, markers)
        _draw_curves(line[2], total[total["labels"] == kind], SPLITS["train"], colours, markers)
        for axis, words in zip(line, ("accuracy (%)", "loss (nats)", "weight norm ‖w‖₂"), strict=True):
            axis.set(title=f"{kind} labels", ylabel=words)
        line[0].set_ylim(-3, 103)
        _logarithmic(line[1])
    handles = [style.key(model, color=colours[model], marker=markers[model]) for model in models]
    handles += [style.key(words, linestyle=SPLITS[split]) for split, words in (("train", "training"), ("test", "test"))]
    style.add_legend(figure, handles, columns=min(len(handles), 6))
    style.add_source(figure, source, "epoch (linear to 1, then logarithmic)")
    return figure


def _total_norm(rows: pandas.DataFrame) -> pandas.DataFrame:
    """The norm of all weights, from those of the layers."""
    norms = rows[rows["quantity"].str.startswith("weight_norm_")]
    norms = norms.assign(value=norms["value"] ** 2)
    return norms.groupby(["model", "labels", "seed", "epoch"], sort=False)["value"].sum().pow(0.5).reset_index()


def _draw_curves(
    axis: Axes, rows: pandas.DataFrame, dash: str, colours: Mapping[str, str], markers: Mapping[str, str]
) -> None:
    import seaborn
    from matplotlib import ticker

    before = len(axis.get_lines())
    seaborn.lineplot(
        rows, x="epoch", y="value", hue="model", palette=colours, style="model", markers=markers, dashes=False,
        errorbar="se", linestyle=dash, markeredgewidth=0, err_kws={"linewidth": 0}, legend=False, ax=axis,
    )  # fmt: skip
    style.spread_markers(axis, axis.get_lines()[before:])
    axis.set_xscale("symlog", linthresh=1)
    axis.set(xlim=(0, None), xlabel="")
    axis.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))


def _logarithmic(axis: Axes) -> None:
    """A logarithmic vertical axis with few plain numbers."""
    from matplotlib import ticker

    axis.set_yscale("log")
    low, high = axis.get_ylim()
    axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1,) if high / low > 100 else (1, 2, 5)))
    axis.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(ticker.NullFormatter())
