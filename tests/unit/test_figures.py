"""The figures: what is drawn, how it looks in print, and what every figure shares. Rows are made up, so answers are known."""

import functools
import itertools
import re
import subprocess
import sys

import matplotlib
import numpy as np
import pandas
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from rate_distortion.analysis import signal_to_noise
from rate_distortion.figures import (
    comparison,
    figure1,
    figure2,
    figure3,
    figure4,
    figure5,
    figure6,
    figure7,
    history,
    style,
    weight_decay,
)
from rate_distortion.page.colours import contrast
from rate_distortion.storage import files

IMAGES = np.random.default_rng(0).normal(size=(4, 1, 6, 6)).astype(np.float32)
EXAMPLES = {"images": IMAGES[[1, 0]], "labels": np.array([0, 1]), "places": np.array([1, 0])}  # of labels 1, 0, 0, 1
PROBABILITIES = np.array([[0.1, 0.8, 0.1], [0.6, 0.2, 0.2], [0.3, 0.3, 0.4], [0.9, 0.05, 0.05]])
REVERSED = pandas.DataFrame(
    {"label": [0, 1], "predicted": [0, 0], "confidence": [0.9996, 0.4], "steps": [120, 500], "reached": [True, False]}
)
SOURCE = (
    "Study mine: house numbers that someone photographed in the streets (Somebody and Others, 2011), 73,257 training images, "
    "500 epochs; 10,000 test images, mean and standard error over 5 seeds"
)
MODELS = ("A", "A+", "A-BN", "B", "B+", "C")


# Rows like those of a study in full


def network_rows():
    """Two activations, with and without batch normalization, six layers; layer 6 has a plateau from epoch 40."""
    frames = []
    for activation, normalization in itertools.product(("relu", "tanh"), ("none", "batch")):
        for layer in range(1, 7):
            epoch = np.unique(np.rint(np.geomspace(1, 10000, 30)))
            ratio = 10.0 ** (layer - 4) * (1 + 50 / epoch)
            floor, plateau = 10.0 ** (layer - 5), 40.0 if layer == 6 else np.nan
            frames.append(
                pandas.DataFrame(
                    {
                        "activation": activation, "normalization": normalization, "layer": layer, "epoch": epoch,
                        "ratio": ratio, "ratio_low": 0.8 * ratio, "ratio_high": 1.2 * ratio, "floor": floor,
                        "n": 5, "plateau_epoch": plateau,
                    }
                )
            )  # fmt: skip
    return pandas.concat(frames, ignore_index=True)


NETWORKS = [
    {"activation": activation, "normalization": normalization, "title": activation + words}
    for activation in ("relu", "tanh")
    for normalization, words in (("none", ""), ("batch", " with batch normalization"))
]


def plane_rows():
    """Layers 1 to 3 stay at the ceilings; the others leave them on the original labels."""
    rows = []
    for labels, layer, epoch in itertools.product(("original", "random"), range(1, 7), (0, 1, 10, 100, 10000)):
        drop = (layer - 3) * np.log10(1 + epoch) / 4 if layer > 3 else 0.0
        rows.append(
            {
                "labels": labels, "layer": layer, "epoch": epoch,
                "input_information_bits": 10.97 - drop * (1.0 if labels == "original" else 0.2),
                "input_information_standard_error_bits": 0.05 * drop,
                "label_information_bits": 1.0 - 0.02 * drop,
                "label_information_standard_error_bits": 0.001 * drop,
                "input_ceiling_bits": 10.97, "label_ceiling_bits": 1.0, "label_floor_bits": 0.3, "n": 5,
            }
        )  # fmt: skip
    return pandas.DataFrame(rows)


def pixel_rows():
    rng, classes = np.random.default_rng(1), 10
    examples = {
        "images": rng.normal(size=(classes, 1, 8, 8)),
        "labels": np.arange(classes),
        "places": np.arange(classes),
    }
    said = np.full((classes, classes), 1e-6) + np.eye(classes)
    reached = np.arange(classes) % 2 == 0
    records = pandas.DataFrame(
        {"label": range(classes), "predicted": 0, "confidence": np.where(reached, 1.0, 0.2),
         "steps": np.where(reached, 1234, 1500), "reached": reached}
    )  # fmt: skip
    return figure4.tidy(examples, said, dict.fromkeys(("A", "B@128", "A-BN@128", "C"), (examples["images"], records)))


STATISTICS_PANELS = [
    {"panel": mode, "title": f"({letter}) model C", "model": "C", "evaluation_mode": mode}
    for letter, mode in zip("abcd", figure5.STATISTICS, strict=True)
]
MODEL_PANELS = [
    {"panel": "a", "title": "(a) model B", "model": "B", "evaluation_mode": "none"},
    {"panel": "b", "title": "(b) model C", "model": "C", "evaluation_mode": "population"},
]


def sweep_rows(panels, seeds=(1, 2, 3)):
    """Information of seed s is s bits for L2 noise and half of it otherwise; seed 1 ends at 5 dB."""
    frames = []
    for panel, noise, seed in itertools.product(panels, style.NOISE_STYLES, seeds):
        ratio = np.arange(5.0 if seed == 1 else 1.0, 66.0)
        frames.append(
            pandas.DataFrame(
                {
                    "model": panel["model"], "batch_size": 128, "seed": seed, "noise": noise,
                    "evaluation_mode": panel["evaluation_mode"], "snr_db": ratio,
                    "information_bits": seed * (1.0 if noise == "l2" else 0.5), "floor_bits": 0.1,
                    "accuracy_percent": ratio, "panel": panel["panel"],
                }
            )
        )  # fmt: skip
    return pandas.concat(frames)


def cloud_rows():
    rng, frames = np.random.default_rng(2), []
    for (variant, scale), epoch in itertools.product(zip(figure6.PANELS, (1, 2, 3), strict=True), (0, 20, 30, 50, 500)):
        label = np.arange(300) % 10
        reach = scale * (epoch > 0) * 4.5
        angle = label * 0.63
        frames.append(
            pandas.DataFrame(
                {
                    "variant": variant, "epoch": epoch, "label": label,
                    "x": reach * np.cos(angle) + rng.normal(0, 0.4, 300),
                    "y": reach * np.sin(angle) + rng.normal(0, 0.4, 300),
                }
            )
        )  # fmt: skip
    return pandas.concat(frames, ignore_index=True)


def margin_rows():
    """Under-confident below a margin of one half, over-confident above; the last bin is right throughout, and one is empty."""
    frames = []
    for panel in figure7.PANELS:
        low = np.arange(10) / 10
        accuracy = np.append(np.full(9, 0.5), 1.0)
        bins = {
            "panel": panel, "bin": [str(number) for number in range(10)], "lowest_margin": low, "highest_margin": low + 0.1,
            "images": 100, "fraction": 0.1, "mean_margin": low + 0.05, "accuracy": accuracy,
            "fraction_standard_error": 0.01, "mean_margin_standard_error": 0.0, "accuracy_standard_error": 0.04,
        }  # fmt: skip
        frame = pandas.DataFrame(bins)
        empty = ["mean_margin", "accuracy", "mean_margin_standard_error", "accuracy_standard_error"]
        frame.loc[3, "images"], frame.loc[3, empty] = 0, np.nan
        whole = frame.iloc[:1].assign(bin="all", highest_margin=1.0, fraction=1.0, mean_margin=0.45, accuracy=0.6)
        frames.append(pandas.concat([frame, whole]))
    return pandas.concat(frames, ignore_index=True)


def history_rows():
    """Accuracy of seed s is 10 s percent in training and 5 s percent in testing, whatever the model."""
    runs = {}
    for model, labels, seed in itertools.product(MODELS, ("original", "random"), (1, 2, 3)):
        epoch = np.array([0, 1, 3, 10, 30, 100, 500])
        runs[model, 128, labels, seed] = pandas.DataFrame(
            {
                "epoch": epoch, "train_accuracy_percent": 10.0 * seed, "test_accuracy_percent": 5.0 * seed,
                "train_loss_nats": 2.3 * np.exp(-epoch / 50), "test_loss_nats": 2.3,
                "weight_norm_conv1": 3.0, "weight_norm_fc": 4.0,
            }
        )  # fmt: skip
    return history.tidy(runs)


def decay_rows():
    grid = (0.0, 0.003, 0.01, 0.03, 0.1)
    quantities = (*weight_decay.CURVES, weight_decay.BOUND)
    return pandas.DataFrame(
        [
            {"weight_decay": decay, "quantity": quantity, "mean": 100.0 - 20 * place - number, "standard_error": 1.5,
             "chosen": decay == 0.03}
            for (place, decay), (number, quantity) in itertools.product(enumerate(grid), enumerate(quantities))
        ]
    )  # fmt: skip


def compared_rows():
    return pandas.DataFrame(
        [
            {"part": part, "quantity": quantity, "model": model, "batch_size": size, "batch_norm_evaluation": "",
             "noise": "gaussian" if part == "fault_tolerance" else "", "first_mean": 40.0, "first_standard_error": 1.0,
             "second_mean": 42.0, "second_standard_error": np.nan}
            for (part, quantity), model, size in itertools.product(comparison.PANELS, ("A", "A-BN"), (128, 32))
        ]
    )  # fmt: skip


def channel_rows():
    rows = []
    for length, rate in itertools.product((2, 4, 8, 16, 64), np.linspace(0.1, 3.4, 12)):
        for method in (figure1.CURVE, figure1.SIMULATION) if length * rate < 8 else (figure1.CURVE,):
            rows.append(
                {"method": method, "dimensions": length, "rate_bits": rate, "codewords": 4.0, "capacity_bits": 1.73,
                 "error_probability": 1 / (1 + np.exp(-length * (rate - 1.73))), "standard_error": 0.02, "transmissions": 9}
            )  # fmt: skip
    return pandas.DataFrame(rows)


DRAWN = {
    "figure1": lambda: figure1.draw(channel_rows(), SOURCE),
    "figure2": lambda: figure2.draw(network_rows(), NETWORKS, "literal", SOURCE),
    "figure2 of one network": lambda: figure2.draw(network_rows(), NETWORKS[:1], "literal", SOURCE),
    "figure3": lambda: figure3.draw(plane_rows(), SOURCE),
    "figure4": lambda: figure4.draw(pixel_rows(), SOURCE),
    "figure5": lambda: figure5.draw(sweep_rows(MODEL_PANELS), MODEL_PANELS, SOURCE + ". " + figure5.RISING),
    "figure5_batch_norm": lambda: figure5.draw(sweep_rows(STATISTICS_PANELS), STATISTICS_PANELS, SOURCE),
    "figure6": lambda: figure6.draw(cloud_rows(), SOURCE),
    "figure7": lambda: figure7.draw(margin_rows(), "model B+", SOURCE),
    "history": lambda: history.draw(history_rows(), SOURCE),
    "weight_decay": lambda: weight_decay.draw(decay_rows(), SOURCE),
    "comparison": lambda: comparison.figure(compared_rows(), ["mine", "theirs"], [SOURCE, SOURCE]),
}
WIDTHS = {"weight_decay": style.SINGLE_COLUMN}


@functools.cache
def drawn(name):
    """The figure, drawn once, and the (words, size, place in pixels) of every text that was drawn."""
    with style.theme(WIDTHS.get(name, style.DOUBLE_COLUMN)), pytest.MonkeyPatch.context() as patch:
        figure, texts, draw = DRAWN[name](), [], Text.draw

        def recorded(text, renderer):
            if text.get_text().strip() and text.get_visible():
                texts.append((text.get_text(), text.get_fontsize(), text.get_window_extent(renderer)))
            draw(text, renderer)

        figure.draw_without_rendering()
        patch.setattr(Text, "draw", recorded)
        figure.draw(figure.canvas.get_renderer() if hasattr(figure.canvas, "get_renderer") else _renderer(figure))
    return figure, texts


def _renderer(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    return FigureCanvasAgg(figure).get_renderer()


# Print


@pytest.mark.parametrize("name", DRAWN)
def test_no_text_is_clipped_and_none_lies_on_another(name):
    figure, texts = drawn(name)
    width, height = figure.get_size_inches() * figure.dpi
    for words, _, place in texts:
        assert place.x0 >= 0, words
        assert place.y0 >= 0, words
        assert place.x1 <= width, words
        assert place.y1 <= height, words
    for (words, _, place), (others, _, other) in itertools.combinations(texts, 2):
        overlap = min(place.x1, other.x1) - max(place.x0, other.x0), min(place.y1, other.y1) - max(place.y0, other.y0)
        assert min(overlap) <= 1, (words, others)


@pytest.mark.parametrize("name", DRAWN)
def test_text_has_at_least_five_points_when_a_figure_is_printed_8_cm_wide(name):
    figure, texts = drawn(name)
    shrunk = style.SINGLE_COLUMN / figure.get_figwidth()
    assert figure.get_figwidth() in (style.SINGLE_COLUMN, style.DOUBLE_COLUMN)
    assert min(size for _, size, _ in texts) * shrunk >= 5


@pytest.mark.parametrize("name", ["figure1", "figure4", "figure5", "figure6"])
def test_the_same_rows_give_the_same_files(name, tmp_path):
    for copy in ("first", "second"):
        style.save(DRAWN[name], tmp_path / f"{copy}.svg", tmp_path / f"{copy}.png")
    for kind in ("svg", "png"):
        assert (tmp_path / f"first.{kind}").read_bytes() == (tmp_path / f"second.{kind}").read_bytes()


@pytest.mark.parametrize(
    ("name", "units"),
    {
        "figure1": ["rate (bits per dimension)", "block error (probability)"],
        "figure2": ["epoch", "(‖mean ∇L‖₂ / ‖w‖₂) / ‖std ∇L‖₂ (no unit)"],
        "figure3": ["I(X; T) (bits)", "I(T; Y) (bits)", "epoch"],
        "figure5": ["I(prediction; label)\n(bits)", "accuracy (%)", figure5.AXIS],
        "figure6": ["unit 1 (no unit)", "epoch 0\nunit 2 (no unit)"],
        "figure7": ["fraction of test set", "test accuracy (fraction)"],
        "history": ["accuracy (%)", "loss (nats)", "weight norm ‖w‖₂", "epoch (linear to 1, then logarithmic)"],
        "weight_decay": ["accuracy (%)", "weight decay λ\n(tried values, equally spaced; points set apart)"],
    }.items(),
)
def test_axes_say_their_units(name, units):
    assert set(units) <= {words for words, _, _ in drawn(name)[1]}


# Theme and palette


def test_the_theme_changes_no_setting_for_good():
    before = dict(matplotlib.rcParams)
    with style.theme():
        assert matplotlib.rcParams["svg.hashsalt"] == "rate-distortion"
    assert dict(matplotlib.rcParams) == before


def test_importing_the_figures_imports_nothing_that_draws():
    program = "import sys\n" + "".join(
        f"import rate_distortion.figures.{module}\n"
        for module in (
            "comparison",
            "figure1",
            "figure2",
            "figure3",
            "figure4",
            "figure5",
            "figure6",
            "figure7",
            "history",
        )
    )
    program += "print(*({'matplotlib', 'seaborn', 'torch'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


SEEN_WITHOUT_A_CONE = {
    "all cones": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""Of linear RGB: Machado, Oliveira and Fernandes (2009), severity 1."""
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(linear):
    """CIELAB of linear RGB under daylight (D65)."""
    relative = XYZ @ np.clip(linear, 0, 1) / [0.95047, 1, 1.08883]
    x, y, z = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", SEEN_WITHOUT_A_CONE)
def test_colours_of_models_can_be_told_apart_by_everyone(vision):
    channels = [np.array([int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)]) for c in style.MODEL_COLOURS.values()]
    linear = [np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) for c in channels]
    seen = [lab(np.array(SEEN_WITHOUT_A_CONE[vision]) @ colour) for colour in linear]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 20


def test_lines_stand_out_from_paper_and_models_differ_in_their_markers():
    assert min(contrast(colour, "#ffffff") for colour in (*style.PALETTE, style.GREY)) >= 3
    for given in (style.MODEL_COLOURS, style.MODEL_MARKERS):
        assert len(set(given.values())) == len(given)


def test_a_model_of_ones_own_takes_what_the_papers_models_leave():
    names = ["B", "mine", "yours"]
    colours, markers = style.model_colours(names), style.model_markers(names)
    assert colours["B"] == style.MODEL_COLOURS["B"]
    assert len(set(colours.values())) == len(set(markers.values())) == 3


def test_a_model_has_one_colour_in_every_figure():
    in_history = {to_hex(line.get_color()).upper() for axis in drawn("history")[0].axes for line in axis.get_lines()}
    assert in_history == set(style.MODEL_COLOURS.values())
    for axis, model in zip(drawn("figure5")[0].axes, ("B", "C"), strict=False):
        curves = {to_hex(line.get_color()).upper() for line in axis.get_lines()} - {style.GREY}
        assert curves == {style.MODEL_COLOURS[model]}


@pytest.mark.parametrize("name", ["figure2", "figure5", "figure5_batch_norm", "history", "weight_decay"])
def test_legends_name_every_colour_marker_and_dash(name):
    figure, _ = drawn(name)
    named = figure.legends[0].get_lines()
    for line in (line for axis in figure.axes for line in axis.get_lines()):
        if line.get_marker() == "_":  # the end of an error bar
            continue
        marker = (line.get_marker(), line.get_linestyle())
        assert marker in {(entry.get_marker(), entry.get_linestyle()) for entry in named} | {
            (entry.get_marker(), dash) for entry in named for dash in history.SPLITS.values() if name == "history"
        }, marker


# What is drawn


def test_figure1_draws_every_curve_and_names_its_dimensions():
    rows, axis = channel_rows(), drawn("figure1")[0].axes[2]
    named = dict(zip((text.get_text() for text in axis.get_legend().get_texts()), axis.get_lines(), strict=False))
    assert list(named) == ["n = 2", "n = 4", "n = 8", "n = 16", "n = 64"]
    own = rows[(rows["dimensions"] == 16) & (rows["method"] == figure1.CURVE)]
    np.testing.assert_allclose(named["n = 16"].get_xydata(), own[["rate_bits", "error_probability"]])


def test_figure2_draws_ratio_floor_band_and_plateau():
    rows, axis = network_rows(), drawn("figure2")[0].axes[0]
    own = rows[(rows["activation"] == "relu") & (rows["normalization"] == "none")]
    last = own[own["layer"] == 6]
    lines = [line for line in axis.get_lines() if to_hex(line.get_color()) == style.LAST_COLOUR]
    curve, floor, ring = lines
    np.testing.assert_allclose(curve.get_xydata(), last[["epoch", "ratio"]])
    np.testing.assert_allclose(floor.get_xydata(), last[["epoch", "floor"]])
    assert floor.get_linestyle() == ":"
    assert ring.get_xdata()[0] == 40
    band = axis.collections[5].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((last["ratio_low"].min(), last["ratio_high"].max()))
    titles = [axis.get_title() for axis in drawn("figure2")[0].axes]
    assert [title[:3] for title in titles] == ["(a)", "(b)", "(c)", "(d)"]
    legend = [text.get_text() for text in drawn("figure2")[0].legends[0].get_texts()]
    assert legend[5:] == ["layer 6 (last)", "no signal: ratio of pure noise", "plateau: constant from here on"]


def test_figure2_leaves_a_gap_where_a_layer_has_no_gradients():
    rows = network_rows()
    rows.loc[(rows["layer"] == 1) & rows["epoch"].between(20, 200), "ratio"] = np.nan
    with style.theme():
        axis = figure2.draw(rows, NETWORKS[:1], "literal", SOURCE).axes[0]
    first = [line for line in axis.get_lines() if line.get_color() == style.PALETTE[0] and line.get_linestyle() == "-"]
    drawn_epochs = [line.get_xdata() for line in first if len(line.get_xdata())]
    assert not any((epochs < 20).any() and (epochs > 200).any() for epochs in drawn_epochs)


def test_figure3_draws_every_point_and_enlarges_the_corner():
    rows, figure = plane_rows(), drawn("figure3")[0]
    for axis, kind in zip(figure.axes, ("original", "random"), strict=False):
        floors, points = axis.collections[:2]
        own = rows[rows["labels"] == kind]
        np.testing.assert_allclose(points.get_offsets(), own[["input_information_bits", "label_information_bits"]])
        np.testing.assert_allclose(floors.get_offsets(), own[["input_information_bits", "label_floor_bits"]])
    whole, _, corner, _ = figure.axes[:4]
    assert corner.get_title() == "the framed part\n(layers 1 to 3 at its corner)"
    low, high = corner.get_xlim()
    hidden = rows[(rows["labels"] == "original") & (rows["layer"] < 6)]["input_information_bits"]
    assert low < hidden.min()
    assert high > 10.97
    assert high - low < np.ptp(whole.get_xlim())


def test_figure4_shows_the_first_image_of_each_class_and_what_the_model_says_of_it():
    rows = figure4.tidy(EXAMPLES, PROBABILITIES)
    shown = rows.drop_duplicates("label").set_index("label")
    assert list(shown["image"]) == [1, 0]
    assert list(shown["predicted_class"]) == [0, 1]
    assert list(shown["confidence_percent"]) == pytest.approx([60, 80])
    pixels = rows[rows["label"] == 1].sort_values(["row", "column"])["intensity"].to_numpy().reshape(6, 6)
    np.testing.assert_allclose(pixels, IMAGES[0, 0])


def test_figure4_tells_labels_that_were_reached_from_those_that_were_not():
    rows = figure4.tidy(EXAMPLES, PROBABILITIES, {"B": (IMAGES[:2], REVERSED), "C": (IMAGES[2:], REVERSED)})
    reverse = rows[rows["part"] == "b"].drop_duplicates(["model", "label"])
    assert list(reverse["model"]) == ["B", "B", "C", "C"]
    assert list(reverse["reached"]) == [True, False, True, False]
    with style.theme():
        figure = figure4.draw(rows, SOURCE)
    said = {axis.texts[0].get_text(): axis.texts[0].get_color() for axis in figure.axes}
    assert said["100\u202f%\n✓ 120"] == style.RIGHT
    assert said["40.0\u202f%\n✗ 500"] == style.WRONG
    legend = " ".join(text.get_text() for text in figure.texts)
    assert "✓ (a) the predicted class is the label; (b) full confidence was reached" in legend
    assert "✗ (a) another class is predicted; (b) full confidence was never reached" in legend
    np.testing.assert_allclose(figure.axes[2].images[0].get_array(), IMAGES[0, 0])


def test_figure4_has_a_line_for_every_batch_size_of_a_model(tmp_path):
    reversed_runs = []
    for cell in ("B/batch128", "B/batch32", "C/batch128"):
        folder = tmp_path / cell / "original/seed1"
        files.write_arrays(folder / "reverse_transmission.npz", images=IMAGES[:1])
        files.write_rows(folder / "reverse_transmission.csv", REVERSED.head(1).to_dict("records"))
        reversed_runs.append(str(folder / "reverse_transmission.csv"))
    files.write_arrays(tmp_path / "examples.npz", **EXAMPLES)
    files.write_arrays(tmp_path / "predictions.npz", test_probabilities=PROBABILITIES)
    data = {"classes": 3, "images": {"train": 4}, "train_on": "train", "description": "images"}
    files.write_json(tmp_path / "dataset.json", data)
    drawing = figure4.make(
        examples=tmp_path / "examples.npz",
        dataset=tmp_path / "dataset.json",
        predictions=tmp_path / "predictions.npz",
        reverse_transmission=reversed_runs,
        study={"name": "mine", "epochs": 1, "seeds": [1]},
        shown={"model": "B", "batch_size": 128},
    )
    assert list(drawing.rows.loc[drawing.rows["part"] == "b", "model"].unique()) == ["B@128", "B@32", "C"]
    drawing.save(tmp_path / "figure4.svg", tmp_path / "figure4.png")
    assert "(b) B@32" in (tmp_path / "figure4.svg").read_text()


def test_figure5_draws_mean_and_standard_error_where_every_seed_has_a_point():
    information, accuracy = drawn("figure5")[0].axes[0], drawn("figure5")[0].axes[2]
    l2, linf, gaussian, floor = information.get_lines()
    assert [line.get_linestyle() for line in (l2, linf, gaussian)] == ["-", "--", ":"]
    assert (l2.get_xdata().min(), l2.get_xdata().max()) == (5, 65)  # seed 1 ends at 5 dB
    np.testing.assert_allclose(l2.get_ydata(), 2)
    np.testing.assert_allclose(linf.get_ydata(), 1)
    np.testing.assert_allclose(floor.get_ydata(), 0.1)
    heights = information.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((2 - 3**-0.5, 2 + 3**-0.5))
    np.testing.assert_allclose(accuracy.get_lines()[0].get_ydata(), accuracy.get_lines()[0].get_xdata())


def test_figure5_explains_its_axis_its_statistics_and_why_bits_rise():
    ratio = np.array([0.1, 1.0, 10.0, 1000.0])
    paper, usual = signal_to_noise.one_plus_db(ratio, 1.0), signal_to_noise.plain_db(ratio, 1.0)
    top = drawn("figure5")[0].axes[0].child_axes[0]
    to_usual, to_paper = top._functions
    np.testing.assert_allclose(to_usual(paper), usual, atol=1e-9)
    np.testing.assert_allclose(to_paper(usual), paper)
    titles = " ".join(axis.get_title().replace("\n", " ") for axis in drawn("figure5_batch_norm")[0].axes)
    assert "(d) model C, ema moving average of training batches" in titles
    said = " ".join(words.replace("\n", " ") for words, _, _ in drawn("figure5")[1])
    assert "Information can rise while accuracy falls to 0\u00a0%" in said


def test_figure6_draws_all_points_and_keeps_numbers_inside():
    rows, figure = cloud_rows(), drawn("figure6")[0]
    panel = rows[(rows["variant"] == "batch_without_scale") & (rows["epoch"] == 20)]
    axis = figure.axes[5]
    np.testing.assert_allclose(axis.collections[0].get_offsets(), panel[["x", "y"]])
    assert all(np.abs(text.get_position()).max() <= figure6.LIMIT - 0.5 for text in axis.texts)
    outside = 100 * (panel[["x", "y"]].abs() > figure6.LIMIT).any(axis=1).mean()
    assert axis.get_title() == f"{outside:.1f} % outside"


def test_figure7_draws_every_bin_and_no_error_bar_is_cut():
    rows, figure = margin_rows(), drawn("figure7")[0]
    own = rows[(rows["panel"] == "zero_shot") & (rows["bin"] != "all")]
    upper, lower = figure.axes[0], figure.axes[3]
    assert [bar.get_height() for bar in upper.patches] == pytest.approx(own["fraction"])
    bars, gaps = lower.patches[:10], lower.patches[10:]
    assert [bar.get_height() for bar in bars] == pytest.approx(own["accuracy"].fillna(0))
    known = own[own["images"] > 0]
    assert [gap.get_y() + gap.get_height() for gap in gaps] == pytest.approx(known["mean_margin"])
    legend = next(patch for patch in figure.legends[0].get_patches() if patch.get_hatch())
    assert (legend.get_hatch(), legend.get_facecolor()) == (gaps[0].get_hatch(), gaps[0].get_facecolor())
    assert gaps[0].get_facecolor()[3] == 1, "what lies behind a gap would change its colour"
    assert lower.get_ylim()[1] > (own["accuracy"] + own["accuracy_standard_error"]).max()


def test_the_training_curves_are_means_over_seeds_and_the_norm_is_of_all_weights():
    accuracy, _, norm = drawn("history")[0].axes[:3]
    training, test = accuracy.get_lines()[0], accuracy.get_lines()[len(MODELS)]
    np.testing.assert_allclose(training.get_ydata(), 20)
    np.testing.assert_allclose(test.get_ydata(), 10)
    assert (training.get_linestyle(), test.get_linestyle()) == ("-", "--")
    np.testing.assert_allclose(norm.get_lines()[0].get_ydata(), 5)


def test_weight_decay_curves_do_not_cover_one_another():
    rows, axis = decay_rows(), drawn("weight_decay")[0].axes[0]
    lines = {line.get_label(): line for line in axis.get_lines()}
    places = []
    for quantity, (words, _, _) in weight_decay.CURVES.items():
        np.testing.assert_allclose(lines[words].get_ydata(), rows.loc[rows["quantity"] == quantity, "mean"])
        places.append(lines[words].get_xdata()[0])
    assert len(set(places)) == 3
    assert lines["smallest sufficient λ: 0.03"].get_xdata()[0] == 3


def test_one_seed_has_lines_without_bands(tmp_path):
    rows = sweep_rows(MODEL_PANELS, seeds=(1,))
    with style.theme():
        figure = figure5.draw(rows, MODEL_PANELS, SOURCE)
    np.testing.assert_allclose(figure.axes[0].get_lines()[0].get_ydata(), 1)
    assert style.over_seeds({"seeds": [1]}) == "one seed"


def test_large_powers_are_written_as_such():
    simulation = {"snr_db": 10, "dimensions": [2, 64], "transmissions": 1000, "codebooks": 4}
    line = figure1.source_line({"name": "mine"}, simulation | {"simulated_codewords": 64, "messages": 20})
    assert re.search(r"11 \(n\s=\s2\), 2¹¹¹ \(n\s=\s64\) codewords", line)
