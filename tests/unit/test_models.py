"""The network of Table 3, its variants, and a user's own model."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

from rate_distortion.errors import InputError
from rate_distortion.models import convolutional
from rate_distortion.models import own as own_network
from rate_distortion.models.convolutional import BatchNormalization, ModelSettings
from rate_distortion.models.convolve import convolve


def build(settings=None, image_shape=(1, 32, 32), classes=10, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return convolutional.build(settings or ModelSettings(), image_shape, classes, generator)


def test_parameters_equal_table_3():
    for normalization, expected in (("none", 180_906), ("batch", 181_098)):
        model = build(ModelSettings(normalization=normalization))
        assert sum(parameter.numel() for parameter in model.parameters()) == expected


@pytest.mark.parametrize("key", ["decayed_tensors", "normalization", "batch_norm_evaluation", "initialization"])
def test_a_setting_that_is_none_of_its_words_is_refused(key):
    with pytest.raises(ValueError, match=rf"{key} is 'nonne'; use \w+ or \w+"):
        ModelSettings(**{key: "nonne"})


def test_architecture_table_equals_the_printed_rows():
    rows = [tuple(vars(row).values())[:7] for row in convolutional.architecture_table(build())]
    assert rows == [
        ("Conv1", 8, 8, 1, 32, 2, 2_048),
        ("Conv2", 6, 6, 32, 64, 2, 73_728),
        ("Conv3", 5, 5, 64, 64, 1, 102_400),
        ("Fc", 1, 1, 256, 10, 1, 2_560),
    ]


def test_feature_maps_are_16_6_and_2():
    network, sizes = build(), []
    for layer in (network.conv1, network.conv2, network.conv3):
        layer.register_forward_hook(lambda _layer, _inputs, outputs: sizes.append(tuple(outputs.shape[1:])))
    assert network(torch.zeros(3, 1, 32, 32)).shape == (3, 10)
    assert sizes == [(32, 16, 16), (64, 6, 6), (64, 2, 2)]


def test_every_filter_and_output_unit_starts_with_unit_norm_and_zero_bias():
    for layer in (m for m in build().modules() if isinstance(m, nn.Conv2d | nn.Linear)):
        norms = layer.weight.flatten(1).norm(dim=1)
        torch.testing.assert_close(norms, torch.ones_like(norms))
        assert not layer.bias.any()


def test_other_initializations():
    frobenius = build(ModelSettings(initialization="unit_norm_frobenius"))
    assert frobenius.dense.weight.norm().item() == pytest.approx(1, abs=1e-5)
    he = build(ModelSettings(initialization="he_normal"))
    assert he.conv2.weight.std().item() == pytest.approx((2 / (36 * 32)) ** 0.5, rel=0.02)


def test_same_seed_same_weights():
    first, second, other = build(seed=3), build(seed=3), build(seed=4)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


def decayed_names(settings):
    model = build(settings)
    names = {id(p): name for name, p in model.named_parameters()}
    groups = convolutional.parameter_groups(model, settings)
    assert sum(len(group["params"]) for group in groups) == len(names)
    return {names[id(p)] for group in groups if group["weight_decay"] for p in group["params"]}


def test_which_tensors_decay():
    def settings(which):
        return ModelSettings(weight_decay=0.1, normalization="batch", decayed_tensors=which)

    kernels = {f"{layer}.weight" for layer in ("conv1", "conv2", "conv3", "dense")}
    biases = {name.replace("weight", "bias") for name in kernels}
    assert decayed_names(settings("weights")) == kernels
    assert decayed_names(settings("weights_and_biases")) == kernels | biases
    everything = {name for name, _ in build(settings("all")).named_parameters()}
    assert decayed_names(settings("all")) == everything


def test_weight_decay_adds_lambda_times_the_weight_to_the_gradient():
    """lambda/2 ||w||^2: with a zero loss gradient one step of rate r multiplies the weight by 1 - r lambda."""
    settings = ModelSettings(weight_decay=0.3)
    model = build(settings)
    before = model.conv1.weight.detach().clone()
    optimizer = torch.optim.SGD(convolutional.parameter_groups(model, settings), lr=0.1)
    (0.0 * model(torch.zeros(1, 1, 32, 32)).sum()).backward()
    optimizer.step()
    torch.testing.assert_close(model.conv1.weight.detach(), before * (1 - 0.1 * 0.3))


def batch_norm_after(batches, evaluation):
    layer = BatchNormalization(3, evaluation)
    layer.train()
    for batch in batches:
        layer(batch)
    layer.eval()
    return layer


BATCHES = [torch.from_numpy(np.random.default_rng(i).normal(i, 1 + i, (8, 3, 4, 4))).float() for i in range(3)]


def normalized(values, mean, variance):
    shape = (1, 3, 1, 1)
    return (values - mean.reshape(shape)) / (variance.reshape(shape) + 1e-5).sqrt()


def test_batch_statistics_in_evaluation():
    test = torch.randn(5, 3, 4, 4)
    outputs = batch_norm_after(BATCHES, "batch")(test)
    expected = normalized(test, test.mean((0, 2, 3)), test.var((0, 2, 3), unbiased=False))
    torch.testing.assert_close(outputs, expected)


def test_statistics_of_the_last_batch_and_the_moving_average_agree_with_torch():
    test = torch.randn(5, 3, 4, 4)
    for evaluation, momentum in (("last", 1.0), ("ema", 0.1)):
        reference = nn.BatchNorm2d(3, momentum=momentum)
        for batch in BATCHES:
            reference(batch)
        reference.eval()
        torch.testing.assert_close(batch_norm_after(BATCHES, evaluation)(test), reference(test))


def test_population_statistics_are_those_of_the_whole_set_whatever_the_batches():
    model = build(ModelSettings(normalization="batch", batch_norm_evaluation="population"))
    images = torch.randn(50, 1, 32, 32)
    model.eval()
    convolutional.estimate_population_statistics(model, images, 50)
    whole = model(images)
    convolutional.estimate_population_statistics(model, images, 7)
    torch.testing.assert_close(model(images), whole, rtol=1e-4, atol=1e-5)
    hidden = torch.relu(model.conv1(images))
    torch.testing.assert_close(model.norm1.population_mean, hidden.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    assert not model.training
    assert model.norm1.evaluation == "population"


@pytest.mark.parametrize(("size", "allowed"), [(27, False), (28, True), (64, True)])
def test_smallest_image_size(size, allowed):
    if allowed:
        assert build(image_shape=(3, size, size), classes=4)(torch.zeros(2, 3, size, size)).shape == (2, 4)
    else:
        with pytest.raises(ValueError, match="at least 28x28"):
            build(image_shape=(1, size, size))


def test_width_multiplies_the_channels():
    assert build(ModelSettings(width=0.5)).conv2.weight.shape == (32, 16, 6, 6)


def test_a_users_factory(tmp_path, monkeypatch):
    (tmp_path / "my_networks.py").write_text(
        "from torch import nn\n"
        "def small(image_shape, classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(image_shape[1] * image_shape[2], classes))\n"
        "def wrong(image_shape, classes):\n"
        "    return 'no network'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    first, second = (build(ModelSettings(factory="my_networks:small"), (1, 8, 8), 3, seed=5) for _ in range(2))
    assert torch.equal(first[1].weight, second[1].weight)
    with pytest.raises(InputError, match=r"must return a torch\.nn\.Module"):
        build(ModelSettings(factory="my_networks:wrong"))
    with pytest.raises(InputError, match="cannot be imported"):
        build(ModelSettings(factory="my_networks:absent"))
    sys.modules.pop("my_networks", None)


def test_a_users_code_is_found_without_being_run(tmp_path, monkeypatch):
    (tmp_path / "nets").mkdir()
    for name in ("plain.py", "nets/__init__.py", "nets/wide.py"):
        (tmp_path / name).write_text("raise AssertionError('it was run')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert own_network.source_file("plain:build") == tmp_path / "plain.py"
    assert own_network.source_file("nets:build") == tmp_path / "nets/__init__.py"
    assert own_network.source_file("nets.wide:build") == tmp_path / "nets/wide.py"
    assert own_network.source_file("absent:build") is None


def plain(network):
    """The same network of torch's own layers, in the order in which they are applied."""
    own = [network.conv1, nn.ReLU(), network.norm1, network.conv2, nn.ReLU(), network.norm2, network.conv3, nn.ReLU()]
    layers = nn.Sequential(*own, nn.Flatten(), network.dense)
    for index, layer in enumerate(own):
        if isinstance(layer, nn.Conv2d):
            layers[index] = torch.nn.Conv2d(layer.in_channels, layer.out_channels, *layer.kernel_size[:1], layer.stride)
            layers[index].padding = layer.padding
            layers[index].weight, layers[index].bias = layer.weight, layer.bias
    return layers


def gradients(function, tensors, errors):
    """Outputs of a function of tensors, and their gradients under errors of the outputs."""
    tensors = [tensor.detach().clone(memory_format=torch.preserve_format).requires_grad_() for tensor in tensors]
    outputs = function(*tensors)
    return [outputs, *torch.autograd.grad(outputs, tensors, errors(outputs))]


def largest_relative_difference(found, expected):
    return max(((a - b).norm() / b.norm()).item() for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(("dtype", "allowed"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(
    ("channels", "side", "outputs", "kernel", "padding"),
    [(1, 32, 32, 8, 3), (3, 33, 8, 8, 3), (32, 16, 64, 6, 0), (4, 13, 5, 6, 0), (2, 12, 5, 5, 1)],
)
def test_a_rearranged_convolution_equals_torchs(
    channels, side, outputs, kernel, padding, channels_last, dtype, allowed
):
    generator = torch.Generator().manual_seed(0)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    images, weight = (
        torch.rand(*shape, generator=generator, dtype=dtype).to(memory_format=layout)
        for shape in ((37, channels, side, side), (outputs, channels, kernel, kernel))
    )
    bias = torch.rand(outputs, generator=generator, dtype=dtype)

    def errors(outputs):
        return torch.rand(outputs.shape, generator=torch.Generator().manual_seed(1), dtype=dtype)

    def own(*tensors):
        return convolve(*tensors, 2, padding)

    def torchs(*tensors):
        return nn.functional.conv2d(*tensors, 2, padding)

    tensors = (images[:4], weight, bias)  # few, since sums over many images round in their own ways
    exact = gradients(torchs, [tensor.double() for tensor in tensors], lambda outputs: errors(outputs).double())
    assert largest_relative_difference(gradients(own, tensors, errors), exact) < allowed
    # Of the images alone, as in an attack.
    attacked = gradients(lambda shown: own(shown, weight, bias), (images,), errors)
    exact = gradients(
        lambda shown: torchs(shown, weight.double(), bias.double()),
        (images.double(),),
        lambda outputs: errors(outputs).double(),
    )
    assert largest_relative_difference(attacked, exact) < allowed


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_the_network_equals_one_of_torchs_layers(normalization):
    network = convolutional.placed(
        build(ModelSettings(normalization=normalization)), torch.device("cpu"), torch.float64
    )
    images, labels = torch.randn(20, 1, 32, 32, dtype=torch.float64), torch.arange(20) % 10
    found = []
    for model in (network, plain(network)):
        loss = nn.functional.cross_entropy(model(images), labels)
        found.append([loss, *torch.autograd.grad(loss, [*network.parameters()])])
    assert largest_relative_difference(*found) < 1e-12
    assert [*network.state_dict()][:2] == ["conv1.weight", "conv1.bias"]
