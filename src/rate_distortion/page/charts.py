"""The page's interactive figures, each from a tidy table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import ascii_lowercase

import pandas
import plotly.graph_objects as go

from rate_distortion.figures.figure2 import RATIO_LABELS, plateau
from rate_distortion.figures.figure6 import LABEL_COLOURS, LIMIT, PANELS
from rate_distortion.figures.figure7 import ACCURACY, GAP, SHARE
from rate_distortion.figures.style import GREY, ORIGINAL, RANDOM, layer_colours
from rate_distortion.page import traces
from rate_distortion.page.panels import AROUND_PANELS, INK, MUTED, SURFACE, Chart, Panels, Slider
from rate_distortion.tables.fault_tolerance import NOISE_NAMES
from rate_distortion.tables.perceptrons import network_name
from rate_distortion.tables.transfer import SHOTS

DASHES = {"l2": "solid", "linf": "dash", "gaussian": "dot"}
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x")
WHY_BITS_RISE = "<i>it can rise at 0 % accuracy, where<br>the wrong answers tell the label</i>"
MOST_POINTS = 1500
"""Points of a scatter plot by class; more cannot be told apart on a screen."""


def gradient_ratios(rows: pandas.DataFrame, kind: str) -> Chart:
    """Figure 2: ratio against epoch by layer, one panel per network.

    Args:
        rows: figure2.csv.
        kind: the ratio, for the axis.
    """
    activations = list(dict.fromkeys(rows["activation"]))
    networks = sorted(
        dict.fromkeys(zip(rows["activation"], rows["normalization"], strict=True)),
        key=lambda network: (activations.index(network[0]), network[1] == "batch"),
    )
    titles = [
        f"({letter}) {network_name(*network)}" for letter, network in zip(ascii_lowercase, networks, strict=False)
    ]
    columns = len({normalization for _, normalization in networks})
    lines = -(-len(networks) // columns)
    panels = Panels(titles, columns, AROUND_PANELS + 285 * lines, AROUND_PANELS + 285 * len(networks))
    layer_colour = layer_colours(int(rows["layer"].max()))
    for panel, (activation, normalization) in enumerate(networks):
        own = rows[(rows["activation"] == activation) & (rows["normalization"] == normalization)]
        for layer, curve in own.groupby("layer"):
            curve, colour = curve.sort_values("epoch"), layer_colour[layer]
            name = f"layer {layer}" + (" (last)" if layer == max(layer_colour) else "")
            panels.add(panel, traces.band(curve["epoch"], curve["ratio_low"], curve["ratio_high"], colour, name))
            panels.add(panel, traces.line(curve["epoch"], curve["ratio"], colour, name, panel == 0, hover="%{y:.3g}"))
            floor = traces.line(curve["epoch"], curve["floor"], colour, name, hover=None)
            floor.update(line={"dash": "dot", "width": 1}, opacity=0.7)
            panels.add(panel, floor)
            panels.add(panel, traces.ring(*plateau(curve), colour, name))
        panels.style_axes(
            panel,
            {"type": "log", "dtick": 1, "title": {"text": "epoch"}, "matches": None if panel == 0 else "x"},
            {
                "type": "log",
                "dtick": 1,
                "exponentformat": "power",
                "title": {"text": "ratio (no unit)"},
                "matches": None if panel == 0 else "y",
            },
        )
    no_signal = traces.line([None], [None], MUTED, "no signal: ratio of pure noise", True)
    panels.add(0, no_signal.update(line={"dash": "dot", "width": 1}))
    panels.add(0, traces.ring([None], [None], MUTED, "plateau: constant from here on", legend=True))
    words = (
        f"Signal-to-noise ratio of the gradients, {RATIO_LABELS.get(kind, kind)}, against epoch, both logarithmic, by layer, "
        f"for {_listed(titles)}. Thin broken lines: the ratio without any signal; rings: where a curve is constant."
    )
    return panels.chart(words, hovermode="x unified")


def information_plane(rows: pandas.DataFrame) -> Chart:
    """Figure 3: the information plane with a slider over epochs, one panel per kind of labels.

    Args:
        rows: figure3.csv.
    """
    kinds = [kind for kind in ("original", "random") if kind in set(rows["labels"])]
    panels = Panels([f"({letter}) {kind} labels" for letter, kind in zip("ab", kinds, strict=False)], 2, 480, 860)
    epochs, last = sorted(rows["epoch"].unique()), rows["epoch"].max()
    layer_colour, heads = layer_colours(int(rows["layer"].max())), []
    x, y = "input_information_bits", "label_information_bits"
    extent = rows[x].dropna()
    for panel, kind in enumerate(kinds):
        own = rows[rows["labels"] == kind]
        for layer, path in own.groupby("layer"):
            path = path.sort_values("epoch")
            trail = traces.line(path[x], path[y], layer_colour[layer], f"layer {layer}", hover=None)
            trail.update(line={"width": 1.5}, opacity=0.35)
            panels.add(panel, trail)
        joined = go.Scatter(**_layers_at(own, last), mode="lines", line={"color": MUTED, "width": 1}, hoverinfo="skip")
        joined.update(showlegend=False)
        heads.append(panels.add(panel, joined))
        for place, (layer, colour) in enumerate(layer_colour.items()):
            head = go.Scatter(
                **_layers_at(own[own["layer"] == layer], last),
                mode="markers",
                marker={
                    "color": traces.on_page(colour),
                    "size": 11,
                    "symbol": SYMBOLS[place % len(SYMBOLS)],
                    "line": {"width": 0},
                },
                name=f"layer {layer}" + (" (last)" if layer == max(layer_colour) else ""),
                legendgroup=str(layer),
                showlegend=panel == 0,
                hovertemplate="I(X; T) %{x:.2f} bits<br>I(T; Y) %{y:.3f} bits",
            )
            heads.append(panels.add(panel, head))
        ceiling = float(own["input_ceiling_bits"].max())
        top = float(rows["label_ceiling_bits"].max())
        limit = go.Scatter(
            x=[ceiling, ceiling],
            y=[-0.04 * top, 1.1 * top],
            mode="lines",
            line={"color": MUTED, "width": 1, "dash": "dash"},
            name="ceiling of I(X; T)",
            hovertemplate=f"ceiling {ceiling:.2f} bits<extra></extra>",
            showlegend=panel == 0,
        )
        panels.add(panel, limit)
        right = max(ceiling, float(extent.max()))
        room = 0.08 * (right - float(extent.min())) or 0.5
        panels.style_axes(
            panel,
            {"title": {"text": "I(X; T) (bits)"}, "range": [float(extent.min()) - room, right + room]},
            {"title": {"text": "I(T; Y) (bits)"}, "range": [-0.04 * top, 1.1 * top]},
        )
    frames = []
    for epoch in epochs:
        at, moved = rows[rows["epoch"] == epoch], []
        for kind in kinds:
            own = at[at["labels"] == kind]
            moved.append(_layers_at(own, epoch))
            moved += [_layers_at(own[own["layer"] == layer], epoch) for layer in layer_colour]
        frames.append(moved)
    words = (
        "Information plane: I(X; T) against I(T; Y) of every layer, with a slider over epochs; "
        f"{_listed([f'{kind} labels' for kind in kinds])} in panels of their own. Faint lines are the layers' whole paths."
    )
    return panels.chart(words, Slider("Epoch", [f"{epoch:,}" for epoch in epochs], heads, frames))


def snr_curves(rows: pandas.DataFrame, names: Callable[[str, str], str], model_colours: Mapping[str, str]) -> Chart:
    """Figure 5: information above and accuracy below against signal-to-noise ratio.

    Models lie over one another in their colours. The same model under several kinds of statistics has a column for each, since
    its curves would cover one another.

    Args:
        rows: figure5.csv or figure5_batch_norm.csv.
        names: (panel, model) -> what its curves are called.
        model_colours: model -> its colour on this page.
    """
    drawn = list(dict.fromkeys(zip(rows["panel"], rows["model"], strict=True)))
    is_apart = len({model for _, model in drawn}) < len(drawn)
    columns = len(drawn) if is_apart else 1
    if is_apart:
        titles = [f"({letter}) {names(*each)}" for letter, each in zip(ascii_lowercase, drawn, strict=False)]
        panels = Panels([*titles, *titles], columns, 560, 220 * 2 * columns)
    else:
        panels = Panels([f"information about the label<br>{WHY_BITS_RISE}", "accuracy"], 1, 800, 830)
    shown = [noise for noise in NOISE_NAMES if noise in set(rows["noise"])]
    information = "information" if is_apart else "I(prediction; label)"
    quantities = (
        ("information_bits", f"{information} (bits)", "%{y:.2f} bits"),
        ("accuracy_percent", "accuracy (%)", "%{y:.1f} %"),
    )
    for number, (panel, model) in enumerate(drawn):
        own, name = rows[(rows["panel"] == panel) & (rows["model"] == model)], names(panel, model)
        if not is_apart:
            panels.add(0, traces.line([None], [None], model_colours[model], name, True))
        for noise in shown:
            of_noise, spoken = own[own["noise"] == noise], f"{NOISE_NAMES[noise]} noise"
            group = spoken if is_apart else name
            for line, (quantity, _, hover) in enumerate(quantities):
                curve, place = _over_seeds(of_noise, quantity), line * columns + (number if is_apart else 0)
                low, high = curve["mean"] - curve["error"], curve["mean"] + curve["error"]
                panels.add(place, traces.band(curve["snr_db"], low, high, model_colours[model], group))
                mean = traces.line(
                    curve["snr_db"], curve["mean"], model_colours[model], f"{name}, {NOISE_NAMES[noise]}", hover=hover
                )
                panels.add(place, mean.update(line={"dash": DASHES[noise]}, legendgroup=group))
    for noise in shown:
        key = traces.line([None], [None], INK, f"{NOISE_NAMES[noise]} noise", True)
        panels.add(0, key.update(line={"dash": DASHES[noise]}))
    for number in range(columns):
        own = rows[rows["panel"] == drawn[number][0]] if is_apart else rows
        floor = own.groupby("snr_db")["floor_bits"].mean()
        line = traces.line(floor.index, floor, MUTED, "information floor", number == 0, hover="%{y:.2f} bits")
        panels.add(number, line.update(line={"width": 1}))
    widest = float(rows["snr_db"].max())
    for place in range(2 * columns):
        quantity, title, _ = quantities[place // columns]
        top = 100.0 if quantity == "accuracy_percent" else 1.08 * float(rows[quantity].max())
        panels.style_axes(
            place,
            {
                "title": {"text": "ratio (dB)" if is_apart else "20 log10(1 + ‖x‖ / ‖δ‖) (dB)"},
                "range": [widest, 0],
                "dtick": 20 if is_apart else 10,
                "matches": None if place == 0 else "x",
            },
            {
                "title": {"text": title},
                "range": [-0.02 * top, top],
            },
        )
    words = (
        "Information about the label with its floor, and below it accuracy, against signal-to-noise ratio, which falls to the "
        f"right, under {_listed([NOISE_NAMES[noise] for noise in shown])} noise."
    )
    return panels.chart(words, hovermode="x unified", margin={"t": 48})


def weight_decay(rows: pandas.DataFrame) -> Chart:
    """The calibration: accuracy against weight decay on random and on original labels.

    Args:
        rows: weight_decay.csv.
    """
    panels = Panels([""], 1, 420, 430)
    grid = [f"{value:g}" for value in sorted(rows["weight_decay"].unique())]
    curves = {
        "train_accuracy_percent": ("original labels, training", GREY, "triangle-down", "solid"),
        "validation_accuracy_percent": ("original labels, validation", ORIGINAL, "square", "solid"),
        "random_label_chance_bound_percent": ("chance bound of random labels", RANDOM, None, "dash"),
        "random_label_train_accuracy_percent": ("random labels, training", RANDOM, "circle", "solid"),
    }
    for quantity, (name, colour, symbol, dash) in curves.items():
        curve = rows[rows["quantity"] == quantity].sort_values("weight_decay")
        line = traces.line(
            [f"{value:g}" for value in curve["weight_decay"]], curve["mean"], colour, name, True, hover="%{y:.1f} %"
        )
        line.update(line={"dash": dash}, mode="lines+markers" if symbol else "lines")
        if symbol:
            line.update(
                marker={"symbol": symbol, "size": 8},
                error_y={
                    "type": "data",
                    "array": curve["standard_error"].fillna(0.0),
                    "color": traces.on_page(colour),
                    "thickness": 1,
                },
            )
        panels.add(0, line)
    chosen = rows.loc[rows["chosen"], "weight_decay"]
    if len(chosen):
        mark = go.Scatter(
            x=[f"{chosen.iloc[0]:g}"] * 2,
            y=[0, 102],
            mode="lines",
            line={"color": INK, "width": 1, "dash": "dot"},
            name=f"smallest sufficient λ: {chosen.iloc[0]:g}",
            hoverinfo="skip",
        )
        panels.add(0, mark)
    panels.style_axes(
        0,
        {
            "title": {"text": "weight decay λ (values of the grid, not to scale)"},
            "type": "category",
            "categoryorder": "array",
            "categoryarray": grid,
        },
        {"title": {"text": "accuracy (%)"}, "range": [0, 102]},
    )
    words = (
        "Accuracy against weight decay: in training on random labels, in training and validation on the original ones."
    )
    return panels.chart(words, hovermode="x unified")


def reliability(rows: pandas.DataFrame) -> Chart:
    """Figure 7: share of images by prediction margin above, accuracy by margin below; one column per panel.

    Args:
        rows: figure7.csv.
    """
    shown = [panel for panel in SHOTS if panel in set(rows["panel"])]
    panels = Panels([*(SHOTS[panel] for panel in shown), *("" for _ in shown)], len(shown), 620, 300 * 2 * len(shown))
    for column, name in enumerate(shown):
        own = rows[(rows["panel"] == name) & (rows["bin"].astype(str) != "all")]
        whole = rows[(rows["panel"] == name) & (rows["bin"].astype(str) == "all")]
        middle, width = (own["lowest_margin"] + own["highest_margin"]) / 2, own["highest_margin"] - own["lowest_margin"]
        for line, quantity, colour in ((0, "fraction", SHARE), (1, "accuracy", ACCURACY)):
            bars = go.Bar(
                x=middle,
                y=own[quantity],
                width=width,
                error_y={
                    "type": "data",
                    "array": own[f"{quantity}_standard_error"].fillna(0.0),
                    "color": INK,
                    "thickness": 1,
                },
                marker={"color": traces.on_page(colour), "line": {"color": SURFACE, "width": 1}},
                name={"fraction": "fraction of images", "accuracy": "accuracy"}[quantity],
                legendgroup=quantity,
                showlegend=column == 0,
                hovertemplate="%{y:.3f}",
            )
            panels.add(column + line * len(shown), bars)
        panels.add(
            column + len(shown), traces.line([0, 1], [0, 1], MUTED, "margin = accuracy", column == 0, hover=None)
        )
        marks = (("mean_margin", "mean margin", GAP, "dash"), ("accuracy", "mean accuracy", ACCURACY, "solid"))
        for quantity, label, colour, dash in marks:
            for value in whole[quantity].dropna().head(1):
                mark = traces.line([value, value], [0, 1], colour, label, column == 0, hover=f"{label} {value:.3f}")
                mark.update(line={"dash": dash})
                panels.add(column, mark)
        for line, title in ((0, "fraction of images"), (1, "accuracy")):
            panels.style_axes(
                column + line * len(shown),
                {"range": [0, 1], "title": {"text": "prediction margin"}},
                {"range": [0, 1], "title": {"text": title}},
            )
    words = (
        f"Share of images, and below it accuracy, by prediction margin: {_listed([SHOTS[panel] for panel in shown])}."
    )
    return panels.chart(words, bargap=0)


def clusters(rows: pandas.DataFrame) -> Chart:
    """Figure 6: the two-dimensional layer with a slider over epochs, one panel per variant; classes by colour.

    Args:
        rows: figure6.csv.
    """
    variants = [variant for variant in PANELS if variant in set(rows["variant"])]
    panels = Panels([PANELS[variant] for variant in variants], len(variants), 380, AROUND_PANELS + 330 * len(variants))
    epochs, labels = sorted(rows["epoch"].unique()), sorted(rows["label"].unique())
    clouds = dict(list(rows.groupby(["variant", "epoch", "label"])))
    empty, last, moving = rows.iloc[:0], epochs[-1], []

    def cloud(variant: str, epoch: int, label: int) -> dict[str, list[float]]:
        own = clouds.get((variant, epoch, label), empty).head(MOST_POINTS // len(labels))
        return {axis: own[axis].round(3).tolist() for axis in ("x", "y")}

    for panel, variant in enumerate(variants):
        for place, label in enumerate(labels):
            points = go.Scatter(
                **cloud(variant, last, label),
                mode="markers",
                marker={"color": LABEL_COLOURS[place % len(LABEL_COLOURS)], "size": 4, "opacity": 0.7},
                name=str(label),
                legendgroup=str(label),
                showlegend=panel == 0,
                hoverinfo="skip",
            )
            moving.append(panels.add(panel, points))
        reach = {"range": [-LIMIT, LIMIT]}
        panels.style_axes(
            panel, reach | {"title": {"text": "unit 1 (no unit)"}}, reach | {"title": {"text": "unit 2 (no unit)"}}
        )
    frames = [[cloud(variant, epoch, label) for variant in variants for label in labels] for epoch in epochs]
    words = (
        "Outputs of the two-neuron layer for images of every class, axes from -10 to 10, with a slider over epochs: "
        f"{_listed([PANELS[variant] for variant in variants])}."
    )
    slider = Slider("Epoch", [f"{epoch:,}" for epoch in epochs], moving, frames)
    return panels.chart(words, slider, legend={"itemsizing": "constant"})


def _layers_at(rows: pandas.DataFrame, epoch: int) -> dict[str, list[float]]:
    """The layers' places at an epoch; a layer that is dead in every seed has none."""
    columns = {"x": "input_information_bits", "y": "label_information_bits"}
    own = rows[rows["epoch"] == epoch].dropna(subset=[*columns.values()]).sort_values("layer")
    return {axis: own[column].round(4).tolist() for axis, column in columns.items()}


def _over_seeds(rows: pandas.DataFrame, quantity: str) -> pandas.DataFrame:
    """Mean and standard error over the ratios that every seed reached, as the drawn figure shows them."""
    by_ratio = rows.groupby("snr_db")[quantity]
    curve = pandas.DataFrame({"mean": by_ratio.mean(), "error": by_ratio.sem().fillna(0.0)})
    return curve[by_ratio.count() == rows["seed"].nunique()].reset_index()


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
