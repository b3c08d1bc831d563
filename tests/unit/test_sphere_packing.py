"""The nonlinear information bottleneck of figure 6: its bound, its training, and the geometry of its embeddings."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.neighbors import KernelDensity

from rate_distortion import information, tables
from rate_distortion.analysis import geometry
from rate_distortion.errors import InputError
from rate_distortion.figures import figure6
from rate_distortion.models.bottleneck import Bottleneck, BottleneckSettings
from rate_distortion.models.pairwise_bound import (
    information_nats,
    kernel_bandwidth,
    leave_one_out_log_likelihood,
    square_distances,
)
from rate_distortion.models.shape import VARIANTS
from rate_distortion.storage import files
from rate_distortion.training import loop, runs
from rate_distortion.training.bottleneck import BottleneckTrainee, BottleneckTrainingSettings, load_images
from rate_distortion.training.settings import TrainingError

NO_KERNEL = torch.tensor(-math.inf, dtype=torch.float64)
NETWORK = {"encoder_widths": (12, 8), "decoder_widths": (6,)}
QUICK = {"epochs": 4, "points": 2, "figure_epochs": (0, 3), "batch_size": 16, "bandwidth_samples": 30}


def blobs(count=200, spread=0.1, seed=0):
    """Three round clusters at distance 5 from the origin, and their labels."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, count)
    angles = 2 * np.pi * labels / 3
    return 5 * np.stack([np.cos(angles), np.sin(angles)], 1) + spread * generator.standard_normal((count, 2)), labels


@pytest.fixture(scope="module")
def digits():
    """Images with 20 inputs in [-1, 1] that three classes differ in."""
    generator = np.random.default_rng(1)
    labels = np.arange(90) % 3
    images = np.clip(generator.normal(size=(3, 20))[labels] / 2 + 0.2 * generator.normal(size=(90, 20)), -1, 1)
    return images.astype(np.float32), labels


def train(*what, seed, **keywords):
    return loop.fit(BottleneckTrainee(*what, seed=seed), **keywords)[0]


# The bound


def log_variance(value):
    return torch.tensor(math.log(value), dtype=torch.float64)


def test_the_bound_is_that_of_the_information_plane_when_nothing_is_smoothed():
    points, _ = blobs(60)
    bits = information.kernel_information(points, 0.04).input_upper_bits
    nats = information_nats(torch.from_numpy(points), log_variance(0.04), NO_KERNEL).item()
    assert nats == pytest.approx(bits * math.log(2), rel=1e-9)


def test_the_bound_lies_above_the_entropy_of_the_mixture_integrated_on_a_grid():
    """I(X; T) = h(mixture) - h(noise); the bound is close to it where components overlap little and not below it."""
    points, variance = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]), 0.3
    axis = np.linspace(-5, 8, 800)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)
    square = ((grid[..., None, :] - points) ** 2).sum(-1)
    density = np.exp(-square / (2 * variance)).mean(-1) / (2 * np.pi * variance)
    entropy = -(density * np.log(np.maximum(density, 1e-300))).sum() * (axis[1] - axis[0]) ** 2
    exact = entropy - math.log(2 * math.pi * math.e * variance)
    bound = information_nats(torch.from_numpy(points), log_variance(variance), NO_KERNEL).item()
    assert exact <= bound <= math.log(4)
    assert bound == pytest.approx(exact, abs=0.25)


def test_one_gaussian_has_the_closed_form_and_far_points_the_logarithm_of_their_number():
    together, far = torch.zeros(50, 2).double(), 100 * torch.eye(2).double().repeat(1, 1)
    noise, kernel = log_variance(0.2), log_variance(0.6)
    assert information_nats(together, noise, kernel).item() == pytest.approx(math.log(0.8 / 0.2))
    assert information_nats(together, noise, NO_KERNEL).item() == pytest.approx(0.0, abs=1e-12)
    assert information_nats(far, noise, NO_KERNEL).item() == pytest.approx(math.log(2))


def test_the_gradient_of_the_bound_is_that_of_finite_differences():
    points = torch.from_numpy(blobs(7, spread=1.0)[0]).requires_grad_()
    noise = log_variance(0.7).requires_grad_()
    assert torch.autograd.gradcheck(lambda p, s: information_nats(p, s, log_variance(0.1)), (points, noise))


def test_the_gradient_of_the_bound_by_hand():
    """With p_ij the share of kernel j at point i, point i is pulled by sum_j (p_ij + p_ji) (h_j - h_i) / (N v)."""
    points = torch.from_numpy(blobs(9, spread=1.0)[0]).requires_grad_()
    information_nats(points, log_variance(0.3), log_variance(0.2)).backward()
    h = points.detach()
    shares = torch.softmax(-square_distances(h) / (2 * 0.5), 1)
    weights = shares + shares.T
    pull = (weights @ h - weights.sum(1, keepdim=True) * h) / (len(h) * 0.5)
    torch.testing.assert_close(points.grad, -pull)


def test_leave_one_out_likelihood_is_that_of_scikit_learn():
    points, _ = blobs(25, spread=0.5)
    scores = [
        KernelDensity(bandwidth=math.sqrt(0.3)).fit(np.delete(points, i, 0)).score_samples(points[i : i + 1])[0]
        for i in range(len(points))
    ]
    square = square_distances(torch.from_numpy(points)).fill_diagonal_(math.inf)
    assert leave_one_out_log_likelihood(square, math.log(0.3), 2) == pytest.approx(np.mean(scores))


def test_the_bandwidth_is_the_best_of_a_grid_and_the_inputs_dimension_makes_it_smaller():
    points = torch.from_numpy(blobs(60, spread=0.5)[0])
    square = square_distances(points).fill_diagonal_(math.inf)
    grid = np.linspace(-8, 4, 601)
    for dimension in (2, 64):
        best = grid[np.argmax([leave_one_out_log_likelihood(square, value, dimension) for value in grid])]
        assert kernel_bandwidth(points, dimension) == pytest.approx(best, abs=0.03)
    assert kernel_bandwidth(points, 64) < kernel_bandwidth(points, 2) - 1


def test_the_bandwidth_is_finite_where_all_points_coincide():
    assert math.isfinite(kernel_bandwidth(torch.zeros(10, 2), 2))


# The network


def test_the_papers_network_has_its_layers_and_the_variants_their_parameters():
    shapes = {v: Bottleneck(BottleneckSettings(v), 784, 10, -6.0, seed=1) for v in VARIANTS}
    counts = {v: sum(p.numel() for p in module.parameters()) for v, module in shapes.items()}
    plain = (784 + 1) * 392 + (392 + 1) * 196 + (196 + 1) * 2 + (2 + 1) * 49 + (49 + 1) * 10 + 1
    assert counts == {"none": plain, "batch": plain + 2 * (392 + 196), "batch_without_scale": plain + 392 + 196}
    assert len(shapes["batch"].decayed()) == 5
    assert all(weight.ndim == 2 for weight in shapes["batch"].decayed())


def test_variants_of_a_seed_begin_with_the_same_weights():
    first, second = (Bottleneck(BottleneckSettings(v, **NETWORK), 20, 3, -6.0, seed=4) for v in VARIANTS[:2])
    for one, other in zip(first.decayed(), second.decayed(), strict=True):
        assert torch.equal(one, other)


def test_batch_normalization_is_that_of_torch_and_follows_its_averages():
    module = Bottleneck(BottleneckSettings("batch", batch_norm_momentum=0.75, **NETWORK), 20, 3, -6.0, seed=1)
    images = torch.randn(30, 20)
    reference = torch.nn.BatchNorm1d(12, eps=1e-3, momentum=0.25)
    expected = reference(torch.relu(module.encoder[0](images)))
    hidden = torch.relu(module.encoder[1](expected))
    last = torch.nn.BatchNorm1d(8, eps=1e-3, momentum=0.25)
    before = module.encode(images, "batch")
    torch.testing.assert_close(before, module.embedding(last(hidden)))
    assert torch.equal(module.normalizations[0].running_mean, torch.zeros(12)), "only an update moves the averages"
    module.encode(images, "update")
    torch.testing.assert_close(module.normalizations[0].running_mean, reference.running_mean)
    assert not torch.allclose(module.encode(images, "ema"), before)


def test_relu_in_the_layer_of_two_units_leaves_no_negative_value():
    module = Bottleneck(BottleneckSettings(activation="relu", **NETWORK), 20, 3, -6.0, seed=1)
    assert module.encode(torch.randn(50, 20), "ema").min() >= 0


@pytest.mark.parametrize(
    "wrong", [{"variant": "layer"}, {"activation": "tanh"}, {"encoder_widths": ()}, {"batch_norm_momentum": 1.0}]
)
def test_a_network_that_cannot_be_built_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BottleneckSettings(**wrong)


# Training


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_killed_training_ends_as_if_it_had_not_been(digits, tmp_path, monkeypatch, variant, optimizer):
    network = BottleneckSettings(variant, **NETWORK)
    quick = BottleneckTrainingSettings(**QUICK, optimizer=optimizer, checkpoint_seconds=0.0)
    undisturbed = train(quick, network, *digits, seed=3)
    resume_file = tmp_path / "resume.safetensors"
    whole_epoch = BottleneckTrainee.train_epoch

    def killed(run, epoch):
        if epoch == 3:
            raise KeyboardInterrupt
        return whole_epoch(run, epoch)

    monkeypatch.setattr(BottleneckTrainee, "train_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        train(quick, network, *digits, seed=3, resume_file=resume_file)
    monkeypatch.undo()
    resumed = train(quick, network, *digits, seed=3, resume_file=resume_file)
    assert resumed.provenance["resumed_from_epochs"] == [2]
    assert resumed.tables == undisturbed.tables
    assert resumed.arrays["embedding"]["epochs"].tolist() == [0, 1, 3, 4]
    for name, array in undisturbed.arrays["embedding"].items():
        np.testing.assert_array_equal(array, resumed.arrays["embedding"][name])
    for name, tensor in undisturbed.model.state_dict().items():
        assert torch.equal(tensor, resumed.model.state_dict()[name]), name


def test_another_seed_or_setting_does_not_go_on_from_a_checkpoint(digits, tmp_path):
    resume_file = tmp_path / "resume.safetensors"
    network, often = BottleneckSettings(**NETWORK), BottleneckTrainingSettings(**QUICK, checkpoint_seconds=0.0)
    train(often, network, *digits, seed=1, resume_file=resume_file)
    assert resume_file.exists()
    assert train(often, network, *digits, seed=2, resume_file=resume_file).provenance["resumed_from_epochs"] == []


def test_one_step_is_that_of_the_loss_written_out(digits):
    """W <- W - rate * d(cross-entropy + beta I + lambda |W|^2)/dW, by automatic differentiation of the whole sum in float64."""
    images, labels = digits
    whole = BottleneckTrainingSettings(
        epochs=1, points=1, figure_epochs=(), batch_size=90, learning_rate=0.3, weight_decay=0.02, beta=0.7,
        precision="float64", fit_kernels=False, bandwidth_samples=30,
    )  # fmt: skip
    network = BottleneckSettings("batch", **NETWORK)
    trained = train(whole, network, images, labels, seed=5).model
    module = Bottleneck(network, 20, 3, whole.noise_log_variance, seed=5).double()
    from rate_distortion import seeds

    order = torch.from_numpy(seeds.generator(5, "shuffling", 0).permutation(90))
    stream = torch.Generator().manual_seed(seeds.torch_seed(5, "noise", 1))
    draws = torch.randn(90, 2, generator=stream, dtype=torch.float64)
    embedded = module.encode(torch.from_numpy(images).double()[order], "batch")
    noisy = embedded + torch.exp(module.noise_log_variance / 2) * draws
    loss = torch.nn.functional.cross_entropy(module.decode(noisy), torch.from_numpy(labels)[order])
    loss = loss + 0.7 * information_nats(embedded, module.noise_log_variance, torch.tensor(-5.0).double())
    loss = loss + 0.02 * sum(weight.square().sum() for weight in module.decayed())
    loss.backward()
    moved = dict(trained.named_parameters())
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(moved[name], parameter - 0.3 * parameter.grad, msg=name)


def test_options_change_what_they_name(digits):
    def end(network=None, **options):
        return train(
            BottleneckTrainingSettings(**{**QUICK, **options}),
            BottleneckSettings(**NETWORK, **(network or {})),
            *digits,
            seed=1,
        )

    as_is = end()
    half = end(decay_convention="half", weight_decay=0.002)
    for name, tensor in as_is.model.state_dict().items():
        torch.testing.assert_close(tensor, half.model.state_dict()[name], msg="half of twice the decay is the decay")
    assert as_is.tables["history"][-1]["noise_variance"] != pytest.approx(math.exp(-6), rel=1e-9)
    assert end(train_noise=False).tables["history"][-1]["noise_variance"] == pytest.approx(math.exp(-6))
    assert end(fit_kernels=False).tables["history"][-1]["kernel_variance"] == pytest.approx(math.exp(-5))
    assert (
        end(bandwidth_dimension="layer").tables["history"][-1]["kernel_variance"]
        > as_is.tables["history"][-1]["kernel_variance"]
    )
    assert end(information_samples=60).tables["history"][-1]["information_bits"] <= math.log2(60) + 1
    first, same, noisy = (
        run.arrays["embedding"]["embedding"][0] for run in (as_is, end(epochs=3, points=1), end(noisy_embedding=True))
    )
    np.testing.assert_array_equal(same, first)
    assert not np.array_equal(noisy, first)


def test_penalty_compresses(digits):
    longer = QUICK | {"epochs": 60, "learning_rate": 0.05, "bandwidth_dimension": "layer"}
    free, pressed = (
        train(BottleneckTrainingSettings(**longer, beta=beta), BottleneckSettings(**NETWORK), *digits, seed=1).tables[
            "history"
        ][-1]
        for beta in (0.0, 1.0)
    )
    assert pressed["information_bits"] < free["information_bits"] - 0.5


def test_training_that_diverges_says_what_to_change(digits):
    with pytest.raises(TrainingError, match="learning_rate"):
        train(BottleneckTrainingSettings(**QUICK, learning_rate=1e6), BottleneckSettings(**NETWORK), *digits, seed=1)


def test_a_single_image_left_over_joins_the_last_batch_and_batches_of_one_are_refused(digits):
    """33 images in minibatches of 16 and evaluated by 32: no layer normalizes a single image, which would be zero."""
    images, labels = digits[0][:33], digits[1][:33]
    network = BottleneckSettings("batch", batch_norm_evaluation="batch", **NETWORK)
    end = train(BottleneckTrainingSettings(**QUICK, evaluation_batch_size=32), network, images, labels, seed=1)
    whole = train(BottleneckTrainingSettings(**QUICK, evaluation_batch_size=33), network, images, labels, seed=1)
    np.testing.assert_array_equal(end.arrays["embedding"]["embedding"], whole.arrays["embedding"]["embedding"])
    for key in ("batch_size", "evaluation_batch_size"):
        settings = BottleneckTrainingSettings(**QUICK | {key: 1})
        with pytest.raises(InputError, match=rf"{key} is 1, and batch normalization needs .* use at least 2"):
            BottleneckTrainee(settings, network, images, labels, seed=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"optimizer": "lbfgs"}, {"decay_convention": "keras"}, {"bandwidth_dimension": "both"},
        {"information_samples": 1}, {"bandwidth_samples": 2}, {"figure_epochs": (0, 501)},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BottleneckTrainingSettings(**wrong)


# Geometry


def test_blobs_have_the_power_scatter_and_purity_they_were_made_with():
    found = geometry.describe(*blobs(3000, spread=0.1))
    assert found.power == pytest.approx(25.02, rel=0.01)
    assert found.within_scatter == pytest.approx(0.02, rel=0.1)
    assert found.cluster_radius == pytest.approx(math.sqrt(found.within_scatter))
    assert found.centre_distance == pytest.approx(5 * math.sqrt(3), rel=0.01)
    assert found.isotropy > 0.9
    assert found.purity == 1.0
    assert found.disc_radius == pytest.approx(5.2, abs=0.1)
    assert found.vacant_area > 0.9


def test_an_evenly_filled_disc_has_no_vacant_area_and_a_ring_has_its_hole():
    generator = np.random.default_rng(0)
    angles, radii = 2 * np.pi * generator.random(20_000), np.sqrt(generator.random(20_000))
    labels = generator.integers(0, 2, 20_000)
    circle = np.stack([np.cos(angles), np.sin(angles)], 1)
    disc, ring = radii[:, None] * circle, np.sqrt(0.5 + 0.5 * radii**2)[:, None] * circle
    assert geometry.describe(disc, labels).vacant_area < 0.01
    assert geometry.describe(ring, labels).vacant_area == pytest.approx(0.5, abs=0.06)
    assert geometry.describe(disc, labels).purity == pytest.approx(0.5, abs=0.02)


def test_all_points_in_one_place_have_no_shape():
    found = geometry.describe(np.zeros((30, 2)), np.arange(30) % 2)
    assert (found.power, found.isotropy, found.disc_radius, found.vacant_area) == (0.0, 0.0, 0.0, 0.0)


def test_isotropy_is_the_ratio_of_the_axes():
    generator = np.random.default_rng(0)
    points = generator.standard_normal((4000, 2)) * (3.0, 1.0)
    rotation = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert geometry.describe(points @ rotation.T, np.arange(4000) % 2).isotropy == pytest.approx(1 / 3, rel=0.05)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-5, 5), st.floats(0, 2 * math.pi),
)  # fmt: skip
def test_power_is_made_of_its_parts_and_shape_does_not_depend_on_scale_or_turn(seed, scale, shift, turn):
    generator = np.random.default_rng(seed)
    points, labels = generator.standard_normal((60, 2)) + shift, np.arange(60) % 4
    found = geometry.describe(points, labels)
    centre = float(np.square(points.mean(axis=0)).sum())
    assert found.power == pytest.approx(found.within_scatter + found.between_scatter + centre)
    cosine, sine = math.cos(turn), math.sin(turn)
    turned = geometry.describe(scale * points @ np.array([[cosine, -sine], [sine, cosine]]), labels)
    assert turned.power == pytest.approx(scale**2 * found.power)
    assert turned.isotropy == pytest.approx(found.isotropy)
    assert turned.purity == pytest.approx(found.purity)


def test_bad_points_are_refused():
    with pytest.raises(ValueError, match="points"):
        geometry.describe(np.zeros((5, 3)), np.arange(5))
    with pytest.raises(ValueError, match="labels"):
        geometry.describe(np.zeros((5, 2)), np.zeros(5, int))
    with pytest.raises(ValueError, match="neighbours"):
        geometry.neighbour_purity(np.zeros((5, 2)), np.zeros(5))


def rows_of(purities, powers):
    base = dict.fromkeys(geometry.Geometry.__annotations__, 1.0)
    return [base | {"epoch": e, "purity": p, "power": w} for e, (p, w) in enumerate(zip(purities, powers, strict=True))]


def test_the_partition_is_the_first_pure_epoch_and_power_is_compared_with_it():
    found = geometry.summary(rows_of([0.1, 0.5, 0.9, 0.95], [1.0, 8.0, 20.0, 2.0]), 0.9)
    assert (found["partition_epoch"], found["power_at_partition"]) == (2.0, 20.0)
    assert found["power_after_partition_db"] == pytest.approx(-10.0)
    assert (found["peak_power"], found["peak_power_epoch"], found["purity_at_second"]) == (20.0, 2.0, 0.5)


def test_without_a_partition_there_is_nothing_to_compare_with():
    found = geometry.summary(rows_of([0.1, 0.5], [1.0, 8.0]), 0.9)
    assert math.isnan(found["partition_epoch"])
    assert math.isnan(found["power_after_partition_db"])
    assert found["power"] == 8.0


# Files, figure and table


@pytest.fixture(scope="module")
def run_folders(tmp_path_factory):
    """Runs of two variants and two seeds on forty of scikit-learn's digits, as the workflow makes them."""
    root = tmp_path_factory.mktemp("runs")
    folders = [
        root / "mine/runs/sphere_packing" / v / f"seed{seed}"
        for v in ("none", "batch_without_scale")
        for seed in (1, 2)
    ]
    configuration = {
        "data": {"dataset": "digits", "image_size": 8, "train_images": 80, "pixel_minimum": -1.0},
        "network": NETWORK,
        "training": QUICK,
    }
    runs.train(folders, configuration, downloads=root / "data")
    return folders


STUDY = {
    "name": "mine", "title": "my study", "seeds": [1, 2], "epochs": 4, "points": 2, "figure_epochs": [0, 3],
    "optimizer": "sgd", "learning_rate": 0.01, "batch_size": 16, "weight_decay": 0.001, "beta": 0.05,
    "encoder_widths": [12, 8], "decoder_widths": [6], "partition_purity": 0.9,
}  # fmt: skip


def test_a_run_leaves_all_its_files_and_a_module_that_can_be_loaded(run_folders):
    folder = run_folders[0]
    assert {path.name for path in folder.iterdir()} == {
        "embedding.npz", "geometry.csv", "history.csv", "metrics.json", "model.safetensors", "provenance.json",
    }  # fmt: skip
    with np.load(folder / "embedding.npz", allow_pickle=False) as stored:
        assert stored["epochs"].tolist() == [0, 1, 3, 4]
        assert stored["embedding"].shape == (4, 80, 2)
    described = json.loads((folder / "provenance.json").read_text())
    assert described["data"]["images"] == 80
    assert described["run"] == {"study": "mine", "variant": "none", "seed": 1}
    history = pandas.read_csv(folder / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert (history["loss_nats"] > history["cross_entropy_nats"]).all()


def test_pixels_reach_from_the_stated_minimum_to_one():
    for low in (-1.0, 0.0):
        pixels, labels = load_images({"dataset": "digits", "image_size": 8, "pixel_minimum": low}, "data")
        assert (pixels.min(), pixels.max(), pixels.dtype, len(labels)) == (low, 1.0, np.float32, len(pixels))


def test_the_figures_data_are_the_embedding_to_a_hundredth_and_the_animation_has_a_frame_an_epoch(
    run_folders, tmp_path
):
    folders = run_folders[::2]
    drawing = figure6.make(
        embeddings=[folder / "embedding.npz" for folder in folders],
        metrics=[folder / "metrics.json" for folder in folders],
        study=STUDY | {"variants": [folder.parent.name for folder in folders]},
    )
    rows = drawing.rows
    assert rows.groupby(["variant", "epoch"]).size().tolist() == [80] * 4
    shown = rows.query("variant == 'none' and epoch == 3")[["x", "y"]].to_numpy()
    np.testing.assert_allclose(shown, figure6.Embedding.load(folders[0] / "embedding.npz").at(3), atol=0.0051)
    svg, png, gif = (tmp_path / f"figure6.{kind}" for kind in ("svg", "png", "gif"))
    drawing.save(svg, png)
    drawing.animate(gif)
    text = svg.read_text()
    assert "80 training images" in text
    assert "12-8-2-6" in text
    assert text.count("<image") == 4, "points are pictures, axes and text are not"
    with Image.open(gif) as picture:
        assert picture.n_frames == 4


def test_the_table_compares_variants_seed_by_seed(run_folders):
    table = tables.sphere_packing(
        [folder / "geometry.csv" for folder in run_folders], [folder / "metrics.json" for folder in run_folders], STUDY
    )
    power = table.tidy[table.tidy["quantity"] == "power"].set_index("variant")
    last = [pandas.read_csv(folder / "geometry.csv")["power"].iloc[-1] for folder in run_folders]
    assert power.loc["none", "mean"] == pytest.approx(np.mean(last[:2]))
    differences = np.subtract(last[2:], last[:2])
    compared = power.loc["batch_without_scale minus none"]
    assert compared["mean"] == pytest.approx(differences.mean())
    assert compared["standard_error"] == pytest.approx(differences.std(ddof=1) / math.sqrt(2))
    assert [*table.shown.frame().columns[1:]] == ["(a) none", "(c) batch without scale", "(c) − (a)"]


@pytest.mark.parametrize("name", ["geometry.csv", "metrics.json"])
def test_the_table_refuses_a_file_that_is_not_as_its_run_left_it(run_folders, tmp_path, name):
    folders = [Path(shutil.copytree(folder, tmp_path.joinpath(*folder.parts[-2:]))) for folder in run_folders]
    changed = folders[1] / name
    changed.write_text(changed.read_text().replace("1", "2", 1))
    geometries, metrics = ([folder / kind for folder in folders] for kind in ("geometry.csv", "metrics.json"))
    with pytest.raises(files.DamagedFileError, match="its checksum is not the one"):
        tables.sphere_packing(geometries, metrics, STUDY)
