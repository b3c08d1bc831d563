"""Figure 1: (a) the Gaussian channel, (b) recognition as a causal model, (c) sphere packing simulated."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from rate_distortion.analysis import channel
from rate_distortion.figures import Drawing, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NETWORK_COLOUR = style.RED
"""The paper's colour."""
CURVE, SIMULATION = "random_code_error", "simulation"
LARGE_NUMBER = 1e6
RADIUS = 0.34
"""Radius of a node, in units of the diagram."""
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
COLUMNS = [
    "method", "dimensions", "rate_bits", "codewords", "capacity_bits", "error_probability", "standard_error", "transmissions",
]  # fmt: skip


def make(*, study: Mapping[str, Any], simulation: Mapping[str, Any]) -> Drawing:
    """Figure 1.

    Args:
        study: name.
        simulation: the arguments of :func:`tidy`.
    """
    rows = tidy(**simulation)
    return style.drawing(rows, functools.partial(draw, rows, source_line(study, simulation)))


def tidy(
    snr_db: float,
    dimensions: Sequence[int],
    rates: int,
    simulated_codewords: int,
    codebooks: int,
    messages: int,
    transmissions: int,
) -> pandas.DataFrame:
    """What panel (c) draws: block error against rate, as curves and, where codes are small enough, simulated.

    Args:
        snr_db: ratio of signal power to noise variance.
        dimensions: block lengths.
        rates: rates of a curve, evenly spaced up to twice the capacity.
        simulated_codewords: the largest code that is simulated.
        codebooks, messages: of each simulated point (every third rate of the curve).
        transmissions: behind each point of a curve.

    Returns:
        method (random_code_error or simulation), dimensions, rate_bits, codewords, capacity_bits, error_probability,
        standard_error, transmissions. Rates that need the same number of codewords are there once.
    """
    power = float(channel.signal_to_noise_ratio(snr_db))
    grid = 2 * float(channel.capacity_bits(power, 1.0)) * np.arange(1, rates + 1) / rates
    powers = {"signal_power": power, "noise_variance": 1.0}
    frames = []
    for block_length in dimensions:
        curve = channel.random_code_error([block_length], grid, **powers, transmissions=transmissions)
        frames.append(pandas.DataFrame(curve).assign(method=CURVE))
        small = grid[::3][block_length * grid[::3] <= np.log2(simulated_codewords)]
        if len(small):
            points = channel.simulate_sphere_packing(
                [block_length], small, **powers, codebooks=codebooks, messages=messages
            )
            frames.append(pandas.DataFrame(points).assign(method=SIMULATION))
    rows = pandas.concat(frames, ignore_index=True)[COLUMNS]
    return rows.drop_duplicates(["method", "dimensions", "codewords"], ignore_index=True)


def draw(rows: pandas.DataFrame, source: str) -> Figure:
    """The three panels; seaborn has no function for the diagrams of (a) and (b).

    Args:
        rows: as :func:`tidy` returns them.
        source: the lines under the figure.
    """
    figure = style.new_figure(3.0)
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.1), height_ratios=(1, 1.5))
    _draw_channel(figure.add_subplot(grid[0, 0]))
    _draw_causal_model(figure.add_subplot(grid[1, 0]))
    _draw_sphere_packing(figure.add_subplot(grid[:, 1]), rows)
    style.add_source(figure, source)
    return figure


def source_line(study: Mapping[str, Any], simulation: Mapping[str, Any]) -> str:
    """The lines under the figure: what Equation 2 counts, and the scale of the simulation."""
    power = float(channel.signal_to_noise_ratio(simulation["snr_db"]))
    packed = ", ".join(f"{_codewords(power, length)} (n\u00a0=\u00a0{length})" for length in simulation["dimensions"])
    return (
        f"Study {study['name']}, (c): n dimensions at {simulation['snr_db']:g} dB; C is the capacity of Equation 1, and "
        f"Equation 2 counts {packed} codewords; curves over {simulation['transmissions']:,} transmissions; "
        f"dots: {simulation['codebooks']} simulated codes of up to {simulation['simulated_codewords']:,} codewords, "
        f"{simulation['messages']} messages each, and one standard error"
    )


def _codewords(power: float, dimensions: int) -> str:
    """The number of codewords at a ratio of power to noise; a large one as a power of 2."""
    number = float(channel.number_of_codewords(power, 1.0, dimensions))
    if number < LARGE_NUMBER:
        return f"{number:,.0f}"
    exponent = f"{float(channel.codewords_log2(power, 1.0, dimensions)):.0f}"
    return "2" + exponent.translate(SUPERSCRIPTS)


def _draw_channel(axis: Axes) -> None:
    """X and independent noise Z add up to Y."""
    from matplotlib.patches import Circle

    _diagram(axis, "(a) Gaussian channel", (-0.6, 4.6), (-0.6, 1.7))
    _node(axis, (0, 0), "X")
    _node(axis, (4, 0), "Y")
    axis.add_patch(Circle((2, 0), 0.26, facecolor="none", edgecolor="0.1", linewidth=0.9))
    for step in (((1.86, 0), (2.14, 0)), ((2, -0.14), (2, 0.14))):
        axis.plot(*zip(*step, strict=True), color="0.1", linewidth=0.9)
    _arrow(axis, (RADIUS, 0), (1.74, 0))
    _arrow(axis, (2.26, 0), (4 - RADIUS, 0))
    _arrow(axis, (2, 1.0), (2, 0.26))
    axis.text(2, 1.1, "Z ~ Normal(0, N)", ha="center", va="bottom")  # a script N is a box where no mathematical font is
    axis.text(1.05, 0.1, "power P", ha="center", va="bottom")


def _draw_causal_model(axis: Axes) -> None:
    """The message Φ causes X by f and Y by g; the network is the channel from X to Y."""
    from matplotlib.patches import Rectangle

    _diagram(axis, "(b) structural causal model", (-1.7, 5.7), (-0.75, 2.8))
    message, image, label = (2, 2.1), (0.6, 0), (3.4, 0)
    _node(axis, message, "Φ", style="--")
    _node(axis, image, "X")
    _node(axis, label, "Y")
    for target, mechanism, side in ((image, "f", -1), (label, "g", 1)):
        middle = (np.add(message, target)) / 2
        axis.add_patch(
            Rectangle(middle - 0.24, 0.48, 0.48, facecolor="white", edgecolor="0.1", linewidth=0.9, zorder=2)
        )
        axis.text(*middle, mechanism, ha="center", va="center", style="italic", zorder=3)
        _arrow(axis, _towards(message, target, RADIUS), _towards(middle, message, 0.27))
        _arrow(axis, _towards(middle, target, 0.27), _towards(target, message, RADIUS))
        noise = (target[0] + side * 1.75, 1.05)
        _node(axis, noise, "Z$_X$" if side < 0 else "Z$_Y$", style="--")
        _arrow(axis, _towards(noise, middle, RADIUS), _towards(middle, noise, 0.25))
    _arrow(axis, (image[0] + RADIUS, 0), (label[0] - RADIUS, 0), NETWORK_COLOUR, 1.6)
    axis.text(2, -0.12, "network", color=NETWORK_COLOUR, ha="center", va="top")


def _draw_sphere_packing(axis: Axes, rows: pandas.DataFrame) -> None:
    """Block error against rate: darker for more dimensions, capacity marked."""
    import seaborn

    dimensions = sorted(rows["dimensions"].unique())
    shades = seaborn.color_palette("viridis", 256)
    colours = {
        length: shades[int(place)]
        for length, place in zip(dimensions, np.linspace(150, 0, len(dimensions)), strict=True)
    }
    curves, points = (rows[rows["method"] == method] for method in (CURVE, SIMULATION))
    seaborn.lineplot(
        curves,
        x="rate_bits",
        y="error_probability",
        hue="dimensions",
        style="dimensions",
        palette=colours,
        estimator=None,
        ax=axis,
    )
    for block_length, own in points.groupby("dimensions"):
        axis.errorbar(
            own["rate_bits"], own["error_probability"], yerr=own["standard_error"], fmt="o", color=colours[block_length],
            elinewidth=0.9, capsize=2,
        )  # fmt: skip
    capacity = rows["capacity_bits"].iloc[0]
    axis.axvline(capacity, color=style.INK, linestyle=":", linewidth=0.9)
    axis.annotate(f"C = {capacity:.2f} bits", (capacity, 0), xytext=(4, 1), textcoords="offset points")
    axis.set(
        title="(c) sphere packing with random codes", xlabel="rate (bits per dimension)", ylabel="block error (probability)",
        ylim=(-0.02, 1.02),
    )  # fmt: skip
    handles, names = axis.get_legend_handles_labels()
    axis.legend(handles, [f"n = {name}" for name in names], loc="upper left")


def _diagram(axis: Axes, title: str, horizontal: tuple[float, float], vertical: tuple[float, float]) -> None:
    axis.set(title=title, xlim=horizontal, ylim=vertical, aspect="equal")
    axis.set_axis_off()


def _node(axis: Axes, place: tuple[float, float], name: str, style: str = "-") -> None:
    """A variable; dashed for one that is not observed."""
    from matplotlib.patches import Circle

    axis.add_patch(Circle(place, RADIUS, facecolor="white", edgecolor="0.1", linewidth=0.9, linestyle=style, zorder=2))
    axis.text(*place, name, ha="center", va="center", zorder=3)


def _arrow(axis: Axes, start: Any, end: Any, colour: str = "0.1", width: float = 0.9) -> None:
    from matplotlib.patches import FancyArrowPatch

    axis.add_patch(
        FancyArrowPatch(
            tuple(start),
            tuple(end),
            arrowstyle="-|>",
            mutation_scale=8,
            shrinkA=0,
            shrinkB=0,
            color=colour,
            linewidth=width,
        )
    )


def _towards(start: Any, end: Any, distance: float) -> np.ndarray:
    """The point at a distance from start in the direction of end."""
    way = np.subtract(end, start)
    return np.add(start, distance * way / np.linalg.norm(way))
