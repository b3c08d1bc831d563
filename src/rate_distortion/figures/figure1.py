"""Figure 1: (a) the Gaussian channel, (b) recognition as a causal model, (c) sphere packing simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

from rate_distortion.analysis import channel
from rate_distortion.figures import Drawing
from rate_distortion.figures.style import STYLE, TEXT_WIDTH_INCHES, add_source, plt, save

NETWORK_COLOUR = "#D55E00"
CURVE, SIMULATION = "random_code_error", "simulation"
LARGE_NUMBER = 1e6
RADIUS = 0.34
"""Of a node of the diagrams, in their units."""


def sphere_packing_rows(
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
    columns = ["method", "dimensions", "rate_bits", "codewords", "capacity_bits", "error_probability", "standard_error"]
    rows = pandas.concat(frames, ignore_index=True)[[*columns, "transmissions"]]
    return rows.drop_duplicates(["method", "dimensions", "codewords"], ignore_index=True)


def figure1(rows: pandas.DataFrame, source: str, svg: str | Path, png: str | Path) -> None:
    """Draw the three panels.

    Args:
        rows: as :func:`sphere_packing_rows` returns them.
        source: the line under the figure.
    """
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(TEXT_WIDTH_INCHES, 3.1), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.15), height_ratios=(1, 1.5))
        _draw_channel(figure.add_subplot(grid[0, 0]))
        _draw_causal_model(figure.add_subplot(grid[1, 0]))
        _draw_sphere_packing(figure.add_subplot(grid[:, 1]), rows)
        add_source(figure, source)
        save(figure, svg, png)


def source_line(study: Mapping[str, Any], simulation: Mapping[str, Any]) -> str:
    """The line under the figure: what Equation 2 counts, and the scale of the simulation."""
    power = float(channel.signal_to_noise_ratio(simulation["snr_db"]))
    packed = ", ".join(f"{_codewords(power, length)} (n = {length})" for length in simulation["dimensions"])
    return (
        f"Study {study['name']}, (c): signal-to-noise ratio {simulation['snr_db']:g} dB, at which Equation 2 counts {packed} "
        f"codewords and Equation 1 gives the capacity C; curves over "
        f"{simulation['transmissions']:,} transmissions; points: {simulation['codebooks']} codes of up to "
        f"{simulation['simulated_codewords']:,} codewords with {simulation['messages']} messages each, one standard error"
    )


def _codewords(power: float, dimensions: int) -> str:
    """The number of codewords at a ratio of power to noise; a large one as a power of 2."""
    number = float(channel.number_of_codewords(power, 1.0, dimensions))
    if number < LARGE_NUMBER:
        return f"{number:,.0f}"
    return f"2^{float(channel.codewords_log2(power, 1.0, dimensions)):.0f}"


def _draw_channel(axis: plt.Axes) -> None:
    """X and independent noise Z add up to Y."""
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
    axis.text(1.05, 0.08, "power P", ha="center", va="bottom", fontsize=6.5)


def _draw_causal_model(axis: plt.Axes) -> None:
    """The message Φ causes X by f and Y by g; the network is the channel from X to Y."""
    _diagram(axis, "(b) recognition as a structural causal model", (-1.7, 5.7), (-0.75, 2.8))
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
    axis.text(2, -0.12, "network", color=NETWORK_COLOUR, ha="center", va="top", fontsize=7)


def _draw_sphere_packing(axis: plt.Axes, rows: pandas.DataFrame) -> None:
    """Block error against rate: darker for more dimensions, capacity marked."""
    dimensions = sorted(rows["dimensions"].unique())
    shades = plt.get_cmap("viridis")(np.linspace(0.85, 0.0, len(dimensions)))
    for block_length, colour in zip(dimensions, shades, strict=True):
        own = rows[rows["dimensions"] == block_length].sort_values("rate_bits")
        curve, points = (own[own["method"] == method] for method in (CURVE, SIMULATION))
        axis.plot(
            curve["rate_bits"], curve["error_probability"], color=colour, linewidth=1.2, label=f"n = {block_length}"
        )
        axis.errorbar(
            points["rate_bits"],
            points["error_probability"],
            yerr=points["standard_error"],
            fmt="o",
            color=colour,
            markersize=3,
            elinewidth=0.8,
            capsize=1.5,
        )
    capacity = rows["capacity_bits"].iloc[0]
    axis.axvline(capacity, color="0.3", linestyle="--", linewidth=0.8)
    axis.annotate(
        f"C = {capacity:.2f}",
        (capacity, 0),
        xytext=(3, 3),
        textcoords="offset points",
        fontsize=7,
    )
    axis.set(
        title="(c) sphere packing with random codes",
        xlabel="rate (bits per dimension)",
        ylabel="block error",
        ylim=(-0.02, 1.02),
    )
    axis.legend(frameon=False, fontsize=7, loc="upper left")


def _diagram(axis: plt.Axes, title: str, horizontal: tuple[float, float], vertical: tuple[float, float]) -> None:
    axis.set(title=title, xlim=horizontal, ylim=vertical, aspect="equal")
    axis.set_axis_off()


def _node(axis: plt.Axes, place: tuple[float, float], name: str, style: str = "-") -> None:
    """A variable; dashed for one that is not observed."""
    axis.add_patch(Circle(place, RADIUS, facecolor="white", edgecolor="0.1", linewidth=0.9, linestyle=style, zorder=2))
    axis.text(*place, name, ha="center", va="center", zorder=3)


def _arrow(axis: plt.Axes, start: Any, end: Any, colour: str = "0.1", width: float = 0.9) -> None:
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


def make(study: dict, simulation: dict) -> Drawing:
    """What panel (c) draws, and how."""
    rows = sphere_packing_rows(**simulation)
    return Drawing(rows, lambda svg, png: figure1(rows, source_line(study, simulation), svg, png))
