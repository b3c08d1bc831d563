"""The page's interactive figures, drawings and colours."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from page_study import (
    DRAWING,
    product,
)

from rate_distortion.figures import figure6, figure7, style
from rate_distortion.page import charts, colours, pictures


def test_many_points_stay_small(tables, tmp_path):
    rng = np.random.default_rng(0)
    cloud = product(variant=list(charts.PANELS), epoch=[0, 20, 30, 50, 500], label=range(10), image=range(2000))
    cloud = cloud.assign(x=rng.normal(size=len(cloud)), y=rng.normal(size=len(cloud)))
    assert len(charts.clusters(cloud).json()) < 1e6


def test_a_drawing_of_very_many_marks_is_embedded_as_pixels(tmp_path):
    path = tmp_path / "figure6.svg"
    path.write_text(DRAWING.replace("M 0 0", "M 0 0 " * 200_000))
    path.with_suffix(".png").write_bytes(b"\x89PNG pixels")
    assert pictures.figure(path, "what it <shows>").startswith('<img class="drawing" src="data:image/png;base64,')


def test_a_drawing_follows_the_theme_and_keeps_its_references():
    drawn = pictures.themed(DRAWING, "figure1", 'alternative "text" & more')
    assert f"light-dark(#ffffff, {colours.DARK_SURFACE})" in drawn
    assert f"light-dark(#000000, {colours.DARK_INK})" in drawn
    assert 'id="figure1-m1"' in drawn
    assert '"#figure1-m1"' in drawn
    assert "url(#figure1-c1)" in drawn
    assert "date" not in drawn
    assert "<style" not in drawn
    assert 'aria-label="alternative &quot;text&quot; &amp; more"' in drawn


@pytest.mark.parametrize("colour", [*style.PALETTE, *figure6.LABEL_COLOURS, figure7.SHARE, "#440154", "#000"])
def test_every_colour_can_be_seen_in_the_dark(colour):
    assert colours.contrast(colours.in_the_dark(colour), colours.DARK_SURFACE) >= 3


@pytest.mark.parametrize("colour", [*style.PALETTE, style.GREY, figure7.SHARE, "#E69F00", "#F0E442"])
def test_every_line_can_be_seen_in_the_light(colour):
    assert colours.contrast(colours.in_the_light(colour), colours.LIGHT_SURFACE) >= 3


def test_contrast_has_its_known_ends():
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#777777") == pytest.approx(1)


def test_the_information_plane_shows_each_epoch_at_its_stop(tables):
    chart = charts.information_plane(tables["figures/figure3"])
    assert chart.slider.stops == ["0", "10", "100"]
    last = chart.slider.frames[2][0]
    assert last["x"] == pytest.approx([7.0, 6.0, 5.0])
    assert last["y"] == pytest.approx([0.8] * 3)
    moving = chart.figure.data[chart.slider.traces[0]]
    assert list(moving.x) == pytest.approx(last["x"])


def test_curves_show_mean_over_the_seeds_that_reached_a_ratio(tables):
    sweep = tables["figures/figure5"]
    chart = charts.snr_curves(
        sweep[~((sweep["seed"] == 2) & (sweep["snr_db"] == 1.0))],
        lambda panel, model: model,
        {"B": "#0072B2", "C": "#009E73"},
    )
    lines = [trace for trace in chart.figure.data if trace.name == "B, L₂"]
    assert list(lines[0].x) == [20.0, 60.0]
    assert list(lines[0].y) == pytest.approx([20 / 30, 2.0])
    assert lines[0].line.color.lower() == "#0072b2"


def test_one_model_under_several_statistics_has_a_panel_for_each(tables):
    sweep = tables["figures/figure5_batch_norm"]
    rows = pandas.concat([sweep.assign(panel=panel, model="C") for panel in ("batch", "ema")])
    figure = charts.snr_curves(rows, lambda panel, model: f"{model}, {panel}", {"C": style.GREEN}).figure
    curves = {
        trace.name: (trace.xaxis, trace.line.color.lower()) for trace in figure.data if trace.name.endswith(", L₂")
    }
    assert curves == {"C, batch, L₂": ("x3", style.GREEN.lower()), "C, ema, L₂": ("x4", style.GREEN.lower())}
    titles = [note.text for note in figure.layout.annotations]
    assert titles[:2] == ["(a) C, batch", "(b) C, ema"]


def test_a_ring_lies_on_its_curve_where_a_layer_becomes_constant(tables):
    rows = tables["figures/figure2"]
    figure = charts.gradient_ratios(rows, "literal").figure
    rings = [trace for trace in figure.data if trace.mode == "markers" and trace.x[0] is not None]
    assert len(rings) == len(rows.groupby(["activation", "normalization", "layer"]))
    assert all(ring.x[0] == 50 for ring in rings)
    never = charts.gradient_ratios(rows.assign(plateau_epoch=float("nan")), "literal").figure
    assert not [trace for trace in never.data if trace.mode == "markers" and len(trace.x) and trace.x[0] is not None]


def test_bars_carry_their_standard_error(tables):
    rows = tables["figures/figure7"]
    bars = [trace for trace in charts.reliability(rows).figure.data if trace.type == "bar"]
    assert bars
    assert all(len(bar.error_y.array) == len(bar.y) for bar in bars)
