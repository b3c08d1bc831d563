"""Packed training: every network of a pack equals one that is trained alone, on every back-end, resumed or not."""

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch

from rate_distortion.models.back_ends import BACK_ENDS
from rate_distortion.models.convolutional import ConvolutionalNetwork, ModelSettings
from rate_distortion.models.packs import ConvolutionalPack
from rate_distortion.training import checkpoints, loop, runs, steps
from rate_distortion.training.convolutional import ConvolutionalTrainee, Member, RunName, Split, fresh_model
from rate_distortion.training.packs import PackTrainee
from rate_distortion.training.settings import TrainingError, TrainingSettings, set_up_process
from rate_distortion.training.steps import Stepper, choose_back_end

BOUND = 1e-10
SETTINGS = TrainingSettings(
    epochs=10, learning_rate=0.02, batch_size=6, history_points=3, evaluation_batch_size=10, precision="float64"
)
"""Ten epochs of 27 images in batches of 6: 50 steps, ten of them with the 3 images that are left."""


def make_split(count, seed, dtype=torch.float64):
    """Noise images with a bright quadrant that tells the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    images = 0.3 * rng.normal(size=(count, 1, 28, 28))
    for image, label in zip(images, labels, strict=True):
        image[0, 14 * (label // 2) :, 14 * (label % 2) :][:14, :14] += 1
    return Split(torch.from_numpy(images).to(dtype), torch.from_numpy(labels))


TRAIN, TEST = make_split(27, 0), make_split(12, 1)
DATA = {"sha256": {"train/images.npy": "0"}, "sources_md5": {}, "classes": 4}


def member(model, labels="original", seed=1, **changes):
    """A narrow network of one name, to be quick."""
    own = {key: changes.pop(key) for key in list(changes) if key in TrainingSettings.__dataclass_fields__}
    settings = replace(SETTINGS, labels=labels, **own)
    return Member(RunName("s", model, 6, labels, seed), settings, ModelSettings(**{"width": 0.125, **changes}))


PLAIN = [
    member("A"),
    member("B", weight_decay=0.05),
    member("B", seed=2, weight_decay=0.05),
    member("B", "random", weight_decay=0.05),
    member("weights", decayed_tensors="weights", weight_decay=0.3, initialization="he_normal"),
    member("slow", learning_rate=0.003, initialization="unit_norm_frobenius"),
    member("anew", "random", seed=3, random_labels="per_epoch"),
]
NORMALIZED = [
    member("C", normalization="batch", weight_decay=0.05),
    member("C", "random", 2, normalization="batch", batch_norm_evaluation="ema"),
    member("all", normalization="batch", decayed_tensors="all", weight_decay=0.2, batch_norm_evaluation="last"),
    member("population", normalization="batch", batch_norm_evaluation="population", seed=5),
]
PACKS = {"plain": PLAIN, "normalized": NORMALIZED}


def train_pack(members, train=TRAIN, test=TEST, back_end=None, **keywords):
    return loop.fit(PackTrainee(members, train, {"test": test}, DATA, back_end), **keywords)


def train_alone(one, train=TRAIN, test=TEST):
    return loop.fit(ConvolutionalTrainee([one], train, {"test": test}, DATA))[0]


def largest_difference(first, second):
    """Over all tensors of two models, statistics of batch normalization included."""
    first, second = first.model.state_dict(), second.model.state_dict()
    assert first.keys() == second.keys()
    return max((first[key] - second[key]).abs().max().item() for key in first)


@pytest.fixture(scope="module")
def alone():
    """Every network trained by itself."""
    return {kind: [train_alone(one) for one in members] for kind, members in PACKS.items()}


@pytest.mark.parametrize("back_end", BACK_ENDS)
@pytest.mark.parametrize("kind", PACKS)
def test_packed_networks_equal_separate_ones(alone, kind, back_end):
    """Mixed weight decays, decayed tensors, rates, initialisations, seeds and labels; 50 steps with short last ones."""
    packed = train_pack(PACKS[kind], back_end=back_end)
    for one, together, single in zip(PACKS[kind], packed, alone[kind], strict=True):
        assert largest_difference(together, single) < BOUND, one.name
        for key in ("train_accuracy", "first_fitted_epoch", "batch_norm_evaluations"):
            assert together.metrics[key] == single.metrics[key]
        assert together.metrics["train_loss"] == pytest.approx(single.metrics["train_loss"], abs=BOUND)
        ours, theirs = (run.arrays["predictions"]["test_confusion"] for run in (together, single))
        assert (ours == theirs).all()
        for ours, theirs in zip(together.tables["history"], single.tables["history"], strict=True):
            assert ours == pytest.approx(theirs, abs=BOUND)


def test_the_comparison_would_notice_another_seed_and_another_weight_decay(alone):
    """The networks above have moved and differ by far more than the bound."""
    first, decayed, other_seed, random = alone["plain"][:4]
    assert largest_difference(first, decayed) > 1e-3
    assert largest_difference(decayed, other_seed) > 1e-3
    assert largest_difference(decayed, random) > 1e-3


@pytest.mark.parametrize("back_end", BACK_ENDS)
@pytest.mark.parametrize("kind", PACKS)
def test_removing_or_reordering_networks_leaves_the_others_equal(kind, back_end):
    whole = dict(zip(PACKS[kind], train_pack(PACKS[kind], back_end=back_end), strict=True))
    fewer = [one for index, one in enumerate(PACKS[kind]) if index != 1][::-1]
    for one, run in zip(fewer, train_pack(fewer, back_end=back_end), strict=True):
        assert largest_difference(whole[one], run) < BOUND


def test_a_single_image_left_over_joins_the_last_minibatch_of_a_pack_too():
    members = [
        member("C", normalization="batch", batch_size=13),
        member("D", normalization="batch", batch_size=13, seed=2),
    ]
    for one, run in zip(members, train_pack(members), strict=True):
        assert largest_difference(run, train_alone(one)) < BOUND


def test_a_pack_of_one_and_a_batch_larger_than_the_set():
    one = member("A", batch_size=100)
    assert largest_difference(train_pack([one])[0], train_alone(one)) < BOUND


def test_at_full_width_and_in_float32_packed_and_separate_agree_to_rounding():
    one = replace(SETTINGS, epochs=2, precision="float32")
    members = [
        Member(RunName("s", name, 6, "original", 1), one, ModelSettings(weight_decay=decay))
        for name, decay in (("A", 0.0), ("B", 0.05))
    ]
    split, test = make_split(27, 0, torch.float32), make_split(12, 1, torch.float32)
    packed = train_pack(members, split, test, "grouped")
    for own, run in zip(members, packed, strict=True):
        single = train_alone(own, split, test)
        assert largest_difference(run, single) < 1e-5


@pytest.mark.parametrize("kind", PACKS)
def test_in_float32_a_pack_on_a_cpu_goes_through_the_kernels_of_networks_trained_alone(kind):
    """Those of batch normalization differ by the layout of the memory, and by a thousand times the rounding of one number."""
    split, test = make_split(270, 0, torch.float32), make_split(12, 1, torch.float32)
    settings = {"precision": "float32", "epochs": 1, "batch_size": 90}
    members = [replace(one, settings=replace(one.settings, **settings)) for one in PACKS[kind]]
    for own, run in zip(members, train_pack(members, split, test), strict=True):
        single = train_alone(own, split, test)
        assert largest_difference(run, single) < 5e-7, own.name


def test_tf32_is_float32_on_a_cpu():
    settings = replace(SETTINGS, epochs=1, precision="tf32")
    try:
        runs = [
            train_pack(
                [Member(RunName("s", "A", 6, "original", 1), replace(settings, precision=precision), ModelSettings())],
                Split.from_arrays(TRAIN.images.numpy(), TRAIN.labels.numpy(), replace(settings, precision=precision)),
                make_split(12, 1, torch.float32),
            )[0]
            for precision in ("float32", "tf32")
        ]
        assert torch.backends.cudnn.allow_tf32
    finally:
        set_up_process(1)
    assert not torch.backends.cudnn.allow_tf32
    assert largest_difference(*runs) == 0


def test_in_bfloat16_alone_and_packed_networks_learn_what_they_learn_in_float32():
    settings = replace(SETTINGS, epochs=3, precision="bfloat16")
    split, test = make_split(270, 0, torch.float32), make_split(120, 1, torch.float32)
    member = Member(RunName("s", "A", 6, "original", 1), settings, ModelSettings())
    alone, packed = train_alone(member, split, test), train_pack([member], split, test)[0]
    exact = train_alone(replace(member, settings=replace(settings, precision="float32")), split, test)
    for run in (alone, packed):
        assert {tensor.dtype for tensor in run.model.state_dict().values()} == {torch.float32}
        assert run.provenance["settings"]["precision"] == "bfloat16"
        assert 1e-6 < largest_difference(run, exact) < 0.1
        assert abs(run.metrics["train_loss"] - exact.metrics["train_loss"]) < 0.05


@pytest.mark.parametrize("kind", PACKS)
def test_a_resumed_pack_equals_one_that_was_never_stopped(tmp_path, monkeypatch, kind):
    members = [replace(one, settings=replace(one.settings, checkpoint_seconds=0)) for one in PACKS[kind]]
    undisturbed = train_pack(members, back_end="grouped")

    def stop_after_the_fourth_epoch(path, tensors, progress, fingerprint):
        original_save(path, tensors, progress, fingerprint)
        if progress.epoch == 4:
            raise KeyboardInterrupt

    original_save, resume_file = checkpoints.save, tmp_path / "resume.safetensors"
    monkeypatch.setattr(checkpoints, "save", stop_after_the_fourth_epoch)
    with pytest.raises(KeyboardInterrupt):
        train_pack(members, back_end="grouped", resume_file=resume_file)
    monkeypatch.setattr(checkpoints, "save", original_save)
    # Small enough to move: weights, statistics and history, a record of the pack and nothing of the images.
    weights = sum(tensor.numel() * 8 for run in undisturbed for tensor in run.model.state_dict().values())
    assert resume_file.stat().st_size < 1.5 * weights
    # The back-end is the one it began with, though a CPU would take another by default.
    resumed = train_pack(members, resume_file=resume_file)
    for before, after in zip(undisturbed, resumed, strict=True):
        assert after.provenance["resumed_from_epochs"] == [4]
        assert after.provenance["pack"]["back_end"] == "grouped"
        assert largest_difference(before, after) == 0
        assert before.tables == after.tables
        assert before.metrics["first_fitted_epoch"] == after.metrics["first_fitted_epoch"]


def test_a_checkpoint_of_another_pack_is_not_used(tmp_path, caplog):
    members = [replace(one, settings=replace(one.settings, epochs=2, checkpoint_seconds=0)) for one in PLAIN[:2]]
    train_pack(members, resume_file=tmp_path / "resume.safetensors")
    (run,) = train_pack(members[:1], resume_file=tmp_path / "resume.safetensors")
    assert run.provenance["resumed_from_epochs"] == []
    assert "other settings or data" in caplog.text


@pytest.mark.parametrize("kind", PACKS)
def test_measuring_the_back_ends_changes_no_weights_and_keeps_the_fastest(kind):
    members = PACKS[kind]
    modules = [fresh_model(one.name.seed, one.model, TRAIN.images, 4) for one in members]
    pack = ConvolutionalPack(modules, "grouped")
    labels = TRAIN.labels.expand(len(members), -1).contiguous()
    stepper = Stepper(pack, [one.model for one in members], [0.1] * len(members), TRAIN.images, labels)
    before = [module.state_dict() for module in pack.modules()]
    fastest, milliseconds = choose_back_end(stepper, 6, seconds=0.01)
    assert milliseconds.keys() == BACK_ENDS.keys()
    assert milliseconds[fastest] == min(milliseconds.values())
    assert isinstance(pack.back_end, BACK_ENDS[fastest])
    for one, other in zip(before, pack.modules(), strict=True):
        assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.items())
    assert stepper.correct.sum() == 0


def test_when_no_back_end_works_the_last_ones_error_is_told(monkeypatch):
    def too_little(*_):
        raise RuntimeError("CUDA out of memory")

    modules = [fresh_model(one.name.seed, one.model, TRAIN.images, 4) for one in PLAIN]
    pack = ConvolutionalPack(modules, "grouped")
    labels = TRAIN.labels.expand(len(PLAIN), -1).contiguous()
    stepper = Stepper(pack, [one.model for one in PLAIN], [0.1] * len(PLAIN), TRAIN.images, labels)
    monkeypatch.setattr(steps, "seconds_per_step", too_little)
    with pytest.raises(RuntimeError, match="CUDA out of memory"):
        choose_back_end(stepper, 6, seconds=0.01)


def test_the_decay_of_every_tensor_is_that_of_the_networks_own_optimizer():
    members = [PLAIN[0], PLAIN[4], replace(PLAIN[1], model=replace(PLAIN[1].model, decayed_tensors="all"))]
    modules = [fresh_model(one.name.seed, one.model, TRAIN.images, 4) for one in members]
    pack = ConvolutionalPack(modules, "grouped")
    stepper = Stepper(pack, [one.model for one in members], [0.1] * 3, TRAIN.images, TRAIN.labels.expand(3, -1))
    sizes = [3 * parameter.numel() for parameter in modules[0].parameters()]
    for own, name in zip(stepper._decays.split(sizes), dict(modules[0].named_parameters()), strict=True):
        weights_only = 0.3 if name.endswith("weight") else 0.0
        assert own.view(3, -1).unique(dim=1).flatten().tolist() == pytest.approx([0.0, weights_only, 0.05])


def test_what_cannot_be_packed_is_refused_in_one_sentence():
    own = replace(PLAIN[0], model=ModelSettings(factory="mine:build"))
    with pytest.raises(ValueError, match=r"user's own model 'mine:build', which cannot be packed: train it alone"):
        train_pack([own])
    with pytest.raises(ValueError, match=r"normalization is 'batch' for model C.* 'none' for model A.*use two packs"):
        train_pack([PLAIN[0], NORMALIZED[0]])
    with pytest.raises(ValueError, match=r"epochs is 3 for .*use two packs"):
        train_pack([PLAIN[0], member("B", epochs=3)])
    with pytest.raises(ValueError, match="twice"):
        train_pack([PLAIN[0], PLAIN[0]])
    with pytest.raises(ValueError, match="no members"):
        train_pack([])


def test_a_loss_that_is_not_finite_names_the_network():
    wild = member("wild", learning_rate=1e9)
    with pytest.raises(TrainingError, match=r"in epoch \d+, minibatch \d+, of model wild, .*learning_rate"):
        train_pack([PLAIN[0], wild])


def test_a_member_leaves_the_same_records_as_a_single_run(tmp_path, alone):
    trained = {"packed": train_pack(NORMALIZED)[0], "alone": alone["normalized"][0]}
    for folder, run in trained.items():
        runs.write(tmp_path / folder, run)
    names = {folder: sorted(path.name for path in (tmp_path / folder).iterdir()) for folder in trained}
    assert names["packed"] == names["alone"]
    metrics, provenance = (
        {folder: json.loads((tmp_path / folder / f"{name}.json").read_text()) for folder in trained}
        for name in ("metrics", "provenance")
    )
    for key, value in metrics["alone"].items():
        if key == "batch_norm_evaluations":
            assert metrics["packed"][key] == value
        elif key not in ("seconds", "images_per_second"):
            assert metrics["packed"][key] == pytest.approx(value, abs=1e-9), key
    assert metrics["packed"].keys() == metrics["alone"].keys()
    history = [(tmp_path / folder / "history.csv").read_text().splitlines() for folder in trained]
    assert history[0][0] == history[1][0]
    assert len(history[0]) == len(history[1])
    pack = provenance["packed"]["pack"]
    assert provenance["alone"]["pack"] is None
    assert (pack["networks"], pack["back_end"], pack["cuda_graph"]) == (4, "separate", False)
    assert pack["images_per_second"] == pytest.approx(4 * metrics["packed"]["images_per_second"])
    with np.load(tmp_path / "packed/predictions.npz") as ours, np.load(tmp_path / "alone/predictions.npz") as theirs:
        assert ours.files == theirs.files
        assert all(np.allclose(ours[name], theirs[name], atol=1e-6) for name in ours.files)
    loaded = runs.load_model(tmp_path / "packed", (1, 28, 28), 4)
    assert loaded.norm1.evaluation == "batch"
    weights = safetensors.torch.load_file(tmp_path / "packed/model.safetensors")
    assert weights.keys() == trained["alone"].model.state_dict().keys()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("back_end", BACK_ENDS)
@pytest.mark.parametrize("kind", PACKS)
def test_a_captured_step_equals_an_eager_one(kind, back_end):
    set_up_process(1)
    images, labels = TRAIN.images.cuda(), TRAIN.labels.cuda().expand(len(PACKS[kind]), -1).contiguous()
    ends = []
    for capture in (False, True):
        modules = [fresh_model(one.name.seed, one.model, images, 4) for one in PACKS[kind]]
        pack = ConvolutionalPack(modules, back_end)
        models_of = [one.model for one in PACKS[kind]]
        stepper = Stepper(pack, models_of, [0.02] * len(modules), images, labels, capture=capture)
        generator = torch.Generator().manual_seed(0)
        for size in (6, 6, 3, 6, 3):
            stepper.step(torch.randint(27, (len(modules), size), generator=generator).cuda())
        ends.append((pack.parameters.detach().clone(), stepper.correct.clone(), dict(pack.buffers)))
    assert torch.equal(ends[0][0], ends[1][0])
    assert torch.equal(ends[0][1], ends[1][1])
    assert all(torch.equal(ends[0][2][name], ends[1][2][name]) for name in ends[0][2])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", PACKS)
def test_on_a_gpu_packed_networks_equal_separate_ones(kind):
    on_gpu = {
        name: Split(split.images.cuda(), split.labels.cuda()) for name, split in (("train", TRAIN), ("test", TEST))
    }
    for one, run in zip(PACKS[kind], train_pack(PACKS[kind], **on_gpu), strict=True):
        assert largest_difference(run, train_alone(one, **on_gpu)) < BOUND
        assert run.provenance["device"].startswith("cuda")


def test_tensors_of_a_pack_are_those_of_its_modules():
    modules = [fresh_model(one.name.seed, one.model, TRAIN.images, 4) for one in NORMALIZED]
    for module, copied in zip(modules, ConvolutionalPack(modules, "separate").modules(), strict=True):
        assert isinstance(copied, ConvolutionalNetwork)
        assert all(torch.equal(tensor, copied.state_dict()[name]) for name, tensor in module.state_dict().items())
