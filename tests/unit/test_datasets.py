"""The named sources: what they give, and what they say to someone who asks for something else."""

import functools
import gzip
import hashlib
import http.server
import os
import re
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from hypothesis import given
from hypothesis import strategies as st

from rate_distortion import datasets
from rate_distortion.datasets import DatasetError, LabelledImages, house_numbers, load, remote, split_validation
from rate_distortion.datasets.catalogue import SPLIT_SIZES
from rate_distortion.datasets.resizing import resize

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("RATE_DISTORTION_SHARED", ROOT.parent / "shared")) / "data"


def numbered(labels, channels=1):
    """Images that tell their own number: pixel (0, 0) counts the ones and (0, 1) the 256s."""
    labels = np.asarray(labels, dtype=np.int64)
    images = np.zeros((len(labels), 8, 8, channels), dtype=np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = np.arange(len(labels)) % 256, np.arange(len(labels)) // 256
    return LabelledImages(images, labels)


def numbers(data):
    return data.images[:, 0, 0, 0] + 256 * data.images[:, 0, 1, 0].astype(int)


@pytest.fixture
def serve(monkeypatch):
    """A function that serves a folder on loopback and returns its address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers = []

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    def start(folder):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


# LabelledImages


def test_labelled_images_count_themselves_and_their_classes():
    data = numbered([3, 0, 3])
    assert (len(data), data.classes) == (3, 4)
    assert LabelledImages(np.zeros((0, 8, 8, 3), np.uint8), np.zeros(0, np.int64)).classes == 0
    assert numbers(data.take(np.array([2, 0]))).tolist() == [2, 0]
    assert np.shares_memory(data.take(slice(1)).images, data.images)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 8, 8, 1), np.float32), np.zeros(2, np.int64), "images is of type float32"),
        ([[0]], np.zeros(2, np.int64), "images is of type list"),
        (np.zeros((2, 8, 8), np.uint8), np.zeros(2, np.int64), r"images has shape \(2, 8, 8\)"),
        (np.zeros((2, 8, 9, 1), np.uint8), np.zeros(2, np.int64), r"images has shape \(2, 8, 9, 1\)"),
        (np.zeros((2, 8, 8, 2), np.uint8), np.zeros(2, np.int64), "1 or 3 channels"),
        (np.zeros((2, 8, 8, 1), np.uint8), np.zeros(2, np.int32), "labels is of type int32"),
        (np.zeros((2, 8, 8, 1), np.uint8), np.zeros(3, np.int64), "2 images need one label each"),
        (np.zeros((2, 8, 8, 1), np.uint8), np.zeros((2, 1), np.int64), r"labels has shape \(2, 1\)"),
        (np.zeros((2, 8, 8, 1), np.uint8), np.array([0, -1]), r"labels\[1\] is -1"),
    ],
)
def test_labelled_images_name_what_does_not_fit(images, labels, message):
    with pytest.raises(DatasetError, match=message):
        LabelledImages(images, labels)


# split_validation


@st.composite
def divisions(draw):
    """(data, validation_images, seed) with anything that is allowed, classes of one image included."""
    labels = draw(st.lists(st.integers(0, 5), min_size=1, max_size=120))
    held_out = draw(st.integers(0, len(labels) - len(set(labels))))
    return numbered(labels), held_out, draw(st.integers(0, 2**32))


@given(divisions())
def test_validation_is_disjoint_complete_in_order_and_leaves_every_class(division):
    data, held_out, seed = division
    train, validation = split_validation(data, held_out, seed)
    assert len(validation) == held_out
    assert sorted([*numbers(train), *numbers(validation)]) == list(range(len(data)))
    for part in (train, validation):
        assert (np.diff(numbers(part)) > 0).all()
        assert (part.labels == data.labels[numbers(part)]).all()
    assert set(train.labels) == set(data.labels)


@given(divisions())
def test_validation_takes_each_class_in_proportion(division):
    data, held_out, seed = division
    _, validation = split_validation(data, held_out, seed)
    counts, taken = np.bincount(data.labels), np.bincount(validation.labels, minlength=data.classes)
    if (held_out * counts[counts > 0] <= (counts[counts > 0] - 1) * len(data)).all():  # nobody's last image is at stake
        assert (np.abs(taken - held_out * counts / len(data)) < 1).all()


@given(divisions())
def test_validation_is_determined_by_its_seed(division):
    data, held_out, seed = division
    assert (
        numbers(split_validation(data, held_out, seed)[1]) == numbers(split_validation(data, held_out, seed)[1])
    ).all()


def test_validation_depends_on_its_seed_and_draws_uniformly():
    data = numbered([0] * 30 + [1] * 10)
    drawn = np.zeros(40)
    for seed in range(2000):
        drawn[numbers(split_validation(data, 8, seed)[1])] += 1
    # Each image is held out with probability 1/5: 400 times, standard deviation 18.
    assert (np.abs(drawn - 400) < 90).all()


def test_validation_shares_agree_with_scikit_learn():
    from sklearn.model_selection import train_test_split

    labels = np.random.default_rng(0).choice(10, size=1000, p=np.arange(1, 11) / 55)
    _, validation = split_validation(numbered(labels), 137, seed=0)
    _, expected = train_test_split(labels, test_size=137, stratify=labels, random_state=0)
    assert np.abs(np.bincount(validation.labels) - np.bincount(expected)).max() <= 1


def test_without_validation_nothing_is_copied():
    data = numbered([0, 1])
    train, validation = split_validation(data, 0, seed=0)
    assert train is data
    assert validation.images.shape == (0, 8, 8, 1)


@pytest.mark.parametrize("held_out", [-1, 3, 4])
def test_a_validation_split_that_empties_a_class_is_refused(held_out):
    with pytest.raises(
        DatasetError, match=f"validation_images is {held_out}; of 4 images in 2 classes 0 to 2 can be held out"
    ):
        split_validation(numbered([0, 0, 1, 1]), held_out, seed=0)


# load


def test_asking_for_names_and_sizes_imports_nothing_heavy():
    program = (
        "import sys; from rate_distortion import datasets; datasets.sizes('svhn'); datasets.source_paths('mnist');"
        "print(sorted({'torch', 'torchvision', 'sklearn', 'scipy', 'PIL', 'matplotlib'} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


@pytest.mark.parametrize(
    "ask",
    [datasets.sizes, datasets.checksums, datasets.source_paths, datasets.missing_files, datasets.fetch_dataset],
)
def test_a_misspelt_source_is_named_by_whatever_is_asked(ask):
    with pytest.raises(DatasetError, match=r"no data set 'minst'.*did you mean 'mnist'"):
        ask("minst")


def test_every_source_is_described_and_has_its_sizes():
    assert SPLIT_SIZES["house_numbers"] == house_numbers.SPLIT_SIZES
    assert set(datasets.DATASETS) == set(datasets.DESCRIPTIONS) == {*SPLIT_SIZES, "arrays"}
    assert "stand in for SVHN" in datasets.DESCRIPTIONS["house_numbers"]
    assert datasets.sizes("svhn") == {"train": 73257, "test": 26032}


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        (("svnh", "train"), {}, "no data set 'svnh'; allowed: svhn, .*did you mean 'svhn'"),
        (("digits", "tset"), {}, "digits has no split 'tset'; allowed: train, test; did you mean 'test'"),
        (("svhn_extra", "test"), {}, "svhn_extra has no split 'test'; allowed: train"),
        (("digits", "train"), {"count": 1298}, "1,298 images of digits train are asked for and it has 1,297"),
        (("digits", "train"), {"count": 0}, "count is 0; it must be at least 1"),
        (("digits", "train"), {"image_size": 7}, "image_size is 7; it must be 8 to 64"),
        (("house_numbers", "test"), {"image_size": 28}, "image_size is for mnist, digits, .*; house_numbers keeps"),
        (
            ("house_numbers", "test"),
            {"count": 26033},
            "26,033 images of house_numbers test are asked for and it has 26,032",
        ),
        (("arrays", "train"), {}, "arrays needs file"),
        (("digits", "train"), {"file": "mine.npz"}, "file is 'mine.npz', and only arrays reads a file"),
    ],
)
def test_load_names_what_is_allowed(arguments, keywords, message):
    with pytest.raises(DatasetError, match=message):
        load(*arguments, **keywords)


def test_a_count_that_leaves_classes_out_is_warned_of(tmp_path, caplog):
    np.savez(
        tmp_path / "many.npz",
        images=np.arange(20 * 64, dtype=np.uint8).reshape(20, 8, 8),
        labels=np.arange(20) % 5,
        split=np.repeat(["train", "test"], 10),
    )
    load("arrays", "train", count=3, file=tmp_path / "many.npz")
    assert re.search("the first 3 images of arrays train show [123] of its 5 classes", caplog.text)


# house_numbers


def test_house_numbers_are_the_generators_own():
    data = load("house_numbers", "test", count=12, seed=3)
    images, labels = house_numbers.generate("test", 12, 3)
    assert (data.images == images).all()
    assert (data.labels == labels).all()
    assert data.images.shape == (12, 32, 32, 3)
    assert datasets.checksums("house_numbers") == {}


# digits


@pytest.mark.parametrize("side", [28, 32])
def test_digits_are_scikit_learns_divided_by_class(side):
    from sklearn.datasets import load_digits

    train, test = (load("digits", split, image_size=side) for split in ("train", "test"))
    assert (len(train), len(test)) == (1297, 500)
    assert train.images.shape[1:] == (side, side, 1)
    originals = load_digits()
    assert (np.bincount(train.labels) + np.bincount(test.labels) == np.bincount(originals.target)).all()
    assert np.abs(np.bincount(test.labels) - 500 * np.bincount(originals.target) / 1797).max() < 1


def test_digits_keep_every_original_once_with_its_label():
    from sklearn.datasets import load_digits

    originals = load_digits()
    expected = sorted(
        zip(map(bytes, np.rint(originals.data * 255 / 16).astype(np.uint8)), originals.target, strict=True)
    )
    parts = [load("digits", split, image_size=8) for split in ("train", "test")]
    assert expected == sorted(
        (image.tobytes(), label) for part in parts for image, label in zip(part.images, part.labels, strict=True)
    )


def test_digits_do_not_depend_on_the_seed_and_begin_with_all_classes():
    first = load("digits", "train", count=100, seed=1)
    assert (first.images == load("digits", "train", seed=2).images[:100]).all()
    assert first.images.shape == (100, 28, 28, 1)
    assert np.bincount(first.labels, minlength=10).min() > 0


def test_enlarging_agrees_with_torch():
    small = load("digits", "test", count=50, image_size=8)
    ours = resize(small, 28).images[..., 0]
    pixels = torch.tensor(small.images[..., 0], dtype=torch.float64)[:, None]
    theirs = torch.nn.functional.interpolate(pixels, size=(28, 28), mode="bilinear", align_corners=False)
    assert np.abs(ours - theirs[:, 0].numpy()).max() <= 1.0  # Pillow rounds after each of its two passes


def test_digits_name_the_file_they_come_from():
    assert list(datasets.checksums("digits")) == ["digits.csv.gz"]
    assert re.fullmatch("[0-9a-f]{32}", datasets.checksums("digits")["digits.csv.gz"])


# SVHN


def write_svhn(path, images, labels):
    """The official layout: X uint8 (32, 32, 3, N), y uint8 (N, 1) with 10 for the digit zero."""
    path.parent.mkdir(parents=True, exist_ok=True)
    y = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
    scipy.io.savemat(path, {"X": images.transpose(1, 2, 3, 0), "y": y}, do_compression=True)


def accept_svhn(monkeypatch, split, path):
    """Make this file the one that torchvision's checksum, and our length, are of."""
    from torchvision.datasets import SVHN

    entry = [SVHN.split_list[split][0], path.name, md5(path)]
    monkeypatch.setattr(SVHN, "split_list", SVHN.split_list | {split: entry})
    monkeypatch.setitem(remote.SIZES_BYTES, "svhn", remote.SIZES_BYTES["svhn"] | {path.name: path.stat().st_size})


@pytest.fixture
def crops():
    generator = np.random.default_rng(0)
    return generator.integers(256, size=(25, 32, 32, 3), dtype=np.uint8), np.arange(25) % 10


@pytest.mark.parametrize(
    ("dataset", "split", "name"),
    [("svhn", "train", "train"), ("svhn", "test", "test"), ("svhn_extra", "train", "extra")],
)
def test_svhn_is_read_exactly_and_without_a_copy(dataset, split, name, crops, tmp_path, monkeypatch):
    path = tmp_path / "svhn" / f"{name}_32x32.mat"
    write_svhn(path, *crops)
    accept_svhn(monkeypatch, name, path)
    data = load(dataset, split, data_folder=tmp_path)
    assert (data.images == crops[0]).all()
    assert data.labels.tolist() == crops[1].tolist()
    assert not data.images.flags.owndata
    assert (load(dataset, split, count=4, data_folder=tmp_path).images == crops[0][:4]).all()
    assert datasets.checksums(dataset, tmp_path)[path.name] == md5(path)


def test_svhn_is_downloaded_and_then_read(crops, tmp_path, monkeypatch, serve):
    for split, labels in (("train", crops[1]), ("test", crops[1][::-1])):
        path = tmp_path / "elsewhere" / f"{split}_32x32.mat"
        write_svhn(path, crops[0], labels)
        accept_svhn(monkeypatch, split, path)
    data_folder = tmp_path / "data"
    assert [file.name for file in datasets.missing_files("svhn", data_folder)] == ["train_32x32.mat", "test_32x32.mat"]
    paths = datasets.fetch_dataset("svhn", data_folder, [serve(tmp_path / "elsewhere")])
    assert paths == datasets.source_paths("svhn", data_folder)
    assert datasets.missing_files("svhn", data_folder) == []
    assert load("svhn", "test", data_folder=data_folder).labels.tolist() == crops[1][::-1].tolist()


def test_a_missing_svhn_says_what_to_put_where(tmp_path):
    with pytest.raises(DatasetError, match="svhn is not complete") as raised:
        load("svhn", "train", data_folder=tmp_path)
    assert "train_32x32.mat (md5 e26dedcc434d2e4c54c9b2d4a06d8373, 182,040,794 bytes)" in str(raised.value)
    assert str(tmp_path / "svhn") in str(raised.value)
    assert "test_32x32.mat" not in str(raised.value)
    assert datasets.checksums("svhn", tmp_path) == {"train_32x32.mat": None, "test_32x32.mat": None}


def test_a_wrong_svhn_is_refused(crops, tmp_path):
    write_svhn(tmp_path / "svhn" / "train_32x32.mat", *crops)
    with pytest.raises(DatasetError, match="in place of the file there"):
        load("svhn", "train", data_folder=tmp_path)


def test_the_first_real_crops_survive_the_official_layout(tmp_path, monkeypatch):
    source = SHARED / "svhn_train_first1083_rgb.npz"
    if not source.exists():
        pytest.skip(f"{source} is absent: real SVHN crops are not part of the project")
    with np.load(source, allow_pickle=False) as archive:
        images, labels = archive["X"], archive["y"]
    path = tmp_path / "svhn" / "train_32x32.mat"
    write_svhn(path, images, labels)
    accept_svhn(monkeypatch, "train", path)
    data = load("svhn", "train", data_folder=tmp_path)
    assert (data.images == images).all()
    assert (data.labels == labels).all()
    assert np.bincount(data.labels).tolist() == [66, 227, 141, 134, 110, 112, 78, 70, 78, 67]


# MNIST


def write_idx(path, array):
    """The official layout: a big-endian header (type and rank, then the shape), the bytes, gzip around it."""
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """A folder with a small MNIST whose checksums torchvision accepts, and its arrays."""
    from torchvision.datasets import MNIST

    generator, folder, arrays, resources = np.random.default_rng(0), tmp_path / "elsewhere", {}, []
    for split, prefix, total in (("train", "train", 30), ("test", "t10k", 20)):
        arrays[split] = (generator.integers(256, size=(total, 28, 28)), np.arange(total) % 10)
        for array, kind in zip(arrays[split], ("images-idx3", "labels-idx1"), strict=True):
            path = folder / f"{prefix}-{kind}-ubyte.gz"
            write_idx(path, array)
            resources.append((path.name, md5(path)))
    monkeypatch.setattr(MNIST, "resources", resources)
    lengths = {name: (folder / name).stat().st_size for name, _ in resources}
    monkeypatch.setitem(remote.SIZES_BYTES, "MNIST/raw", lengths)
    return folder, arrays


def test_mnist_is_downloaded_unpacked_and_read_exactly(small_mnist, tmp_path, serve):
    folder, arrays = small_mnist
    datasets.fetch_dataset("mnist", tmp_path, [serve(folder)])
    for split, (images, labels) in arrays.items():
        data = load("mnist", split, data_folder=tmp_path)
        assert (data.images[..., 0] == images).all()
        assert data.labels.tolist() == labels.tolist()
    assert load("mnist", "test", count=7, image_size=32, data_folder=tmp_path).images.shape == (7, 32, 32, 1)
    assert datasets.checksums("mnist", tmp_path) == {path.name: md5(path) for path in folder.iterdir()}


def test_mnist_unpacks_again_what_is_damaged_and_nothing_else(small_mnist, tmp_path, serve):
    folder, arrays = small_mnist
    datasets.fetch_dataset("mnist", tmp_path, [serve(folder)])
    load("mnist", "train", data_folder=tmp_path)
    images = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"
    labels = images.with_name("train-labels-idx1-ubyte")
    untouched = labels.stat().st_mtime_ns
    images.write_bytes(images.read_bytes()[:-1] + b"?")
    assert (load("mnist", "train", data_folder=tmp_path).images[..., 0] == arrays["train"][0]).all()
    assert labels.stat().st_mtime_ns == untouched


def test_mnist_says_what_is_missing_or_wrong(small_mnist, tmp_path, serve):
    folder, _ = small_mnist
    paths = datasets.fetch_dataset("mnist", tmp_path, [serve(folder)])
    paths[0].unlink()
    paths[3].write_bytes(b"damaged")
    with pytest.raises(DatasetError) as raised:
        load("mnist", "test", data_folder=tmp_path)
    assert "missing or not the right file: train-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz;" in str(raised.value)


def test_mnist_does_not_read_unverified_files_of_old_versions(tmp_path):
    (tmp_path / "MNIST" / "processed").mkdir(parents=True)
    with pytest.raises(DatasetError, match="remove that folder"):
        load("mnist", "train", data_folder=tmp_path)


def test_the_real_mnist_is_downloaded_verified_and_read(tmp_path, serve):
    if not (SHARED / "mnist").exists():
        pytest.skip(f"{SHARED / 'mnist'} is absent: MNIST is not part of the project")
    datasets.fetch_dataset("mnist", tmp_path, [serve(SHARED / "mnist")])
    train, test = (load("mnist", split, data_folder=tmp_path) for split in ("train", "test"))
    assert train.images.shape == (60_000, 28, 28, 1)
    assert test.images.shape == (10_000, 28, 28, 1)
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert train.images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)  # the mean that everyone normalises by


# What is downloaded


def test_checksums_and_folders_are_torchvisions():
    from torchvision.datasets import MNIST, SVHN

    for names, listed in (
        (("svhn", "svhn_extra"), {name: checksum for _, name, checksum in SVHN.split_list.values()}),
        (("mnist",), dict(MNIST.resources)),
    ):
        assert {file.name: file.md5 for dataset in names for file in datasets.remote_files(dataset)} == listed
    assert set(datasets.DEFAULT_MIRRORS["mnist"]) == set(MNIST.mirrors)
    assert datasets.source_paths("svhn_extra", "data") == [Path("data/svhn/extra_32x32.mat")]
    assert datasets.source_paths("digits") == []


def test_sources_without_files_need_no_download(tmp_path):
    assert datasets.fetch_dataset("digits", tmp_path) == []
    assert datasets.missing_files("house_numbers", tmp_path) == []


def test_a_file_of_no_data_set_is_named():
    with pytest.raises(DatasetError, match=r"'svhn/train\.mat' is no file of a data set"):
        datasets.remote_file("svhn", "train.mat")


# arrays


def fitting(**changes):
    """Arrays that fit, 20 grey images of 2 classes, with changes; ``None`` leaves an array out."""
    data = {"images": numbered(np.zeros(20)).images[..., 0], "labels": np.arange(20) % 2} | changes
    return {name: array for name, array in data.items() if array is not None}


@pytest.fixture
def npz(tmp_path):
    def write(**changes):
        np.savez(tmp_path / "mine.npz", **fitting(**changes))
        return tmp_path / "mine.npz"

    return write


@pytest.mark.parametrize("shape", [(20, 8, 8), (20, 9, 9, 1), (20, 64, 64, 3)])
@pytest.mark.parametrize("label_type", [np.uint8, np.int32, np.uint64, np.int64])
def test_arrays_of_allowed_shapes_and_types(npz, shape, label_type):
    images = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    labels = (np.arange(20) % 2).astype(label_type)
    path = npz(images=images, labels=labels, split=np.repeat(["train", "test"], [15, 5]))
    train = load("arrays", "train", file=path)
    found = {(image.tobytes(), label) for image, label in zip(train.images, train.labels.tolist(), strict=True)}
    assert found == {(image.tobytes(), label) for image, label in zip(images[:15], labels[:15].tolist(), strict=True)}
    assert train.images.shape == (15, *shape[1:3], *(shape[3:] or (1,)))
    assert datasets.sizes("arrays", file=path) == {"train": 15, "test": 5}
    assert datasets.checksums("arrays", file=path) == {"mine.npz": md5(path)}


@pytest.mark.parametrize("kind", [lambda s: s, lambda s: s.astype("S5"), lambda s: (s == "test").astype(np.uint8)])
def test_a_split_is_named_by_text_or_number(npz, kind):
    path = npz(split=kind(np.repeat(["test", "train"], 10)))
    assert sorted(numbers(load("arrays", "test", file=path))) == list(range(10))
    assert sorted(numbers(load("arrays", "train", file=path))) == list(range(10, 20))


def test_the_first_images_of_a_file_that_is_sorted_by_class_are_of_many_classes(npz):
    images = np.random.default_rng(0).integers(256, size=(1000, 8, 8), dtype=np.uint8)
    path = npz(images=images, labels=np.repeat(np.arange(10), 100), split=np.tile(["train", "test"], 500))
    for split in ("train", "test"):
        first = load("arrays", split, file=path, seed=1, count=100)
        assert np.bincount(first.labels, minlength=10).min() >= 3
        assert (load("arrays", split, file=path, seed=1).images[:100] == first.images).all()
    assert (load("arrays", "test", file=path, seed=2, count=100).images != first.images).any()


def test_without_a_split_a_fifth_of_each_class_is_test(npz):
    path = npz(labels=np.repeat([0, 1], 10))
    train, test = (load("arrays", split, file=path, seed=4) for split in ("train", "test"))
    assert sorted([*numbers(train), *numbers(test)]) == list(range(20))
    assert np.bincount(test.labels).tolist() == [2, 2]
    assert (train.labels == (numbers(train) >= 10)).all()
    assert (np.diff(train.labels) < 0).any()  # in a drawn order, although the file is sorted by class
    assert numbers(load("arrays", "test", file=path, seed=5)).tolist() != numbers(test).tolist()
    assert datasets.sizes("arrays", file=path) == {"train": 16, "test": 4}


UINT8 = np.zeros((20, 8, 8), np.uint8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": None}, "has no array 'images'; it has 'labels'"),
        ({"labels": None, "label": np.zeros(20, int)}, "has no array 'labels'.*is it 'label'?"),
        ({"images": UINT8.astype(np.float32)}, r"images in .* is of type float32.*\(images \* 255\)"),
        ({"images": UINT8 + 200.5}, r"is of type float64; it must be uint8; convert with images\.round\(\)"),
        ({"images": UINT8.astype(int)}, r"is of type int64; it must be uint8; convert with images\.round\(\)"),
        ({"images": UINT8 - 1.0}, "its values range from -1 to -1; bring them to 0..255"),
        ({"images": UINT8 == 0}, r"is of type bool.*\(images \* 255\)"),
        ({"images": UINT8 + np.nan}, "is of type float64.*, and 20 of the images hold what is no number"),
        ({"images": np.zeros((20, 3, 32, 32), np.uint8)}, r"channels first.*transpose\(0, 2, 3, 1\)"),
        ({"images": np.zeros((20, 1, 28, 28), np.uint8)}, "channels first"),
        ({"images": np.zeros((20, 32, 32, 4), np.uint8)}, r"has 4 channels.*images\[\.\.\., :3\]"),
        ({"images": np.zeros((20, 32, 32, 2), np.uint8)}, "has 2 channels"),
        ({"images": np.zeros((20, 32, 28), np.uint8)}, "is 32x28 pixels; images must be square"),
        ({"images": np.zeros((20, 7, 7), np.uint8)}, "is 7x7 pixels.*8 to 64"),
        ({"images": np.zeros((20, 65, 65), np.uint8)}, "is 65x65 pixels"),
        ({"images": np.zeros((20, 784), np.uint8)}, r"has shape \(20, 784\)"),
        ({"images": np.zeros((0, 8, 8), np.uint8), "labels": np.zeros(0, int)}, "images in .* is empty"),
        ({"labels": np.zeros(20)}, "labels in .* is of type float64; it must be whole numbers"),
        ({"labels": np.tile(["cat", "dog"], 10)}, "labels in .* is of type <U3"),
        ({"labels": np.zeros(20, bool)}, "is of type bool"),
        ({"labels": np.zeros((20, 1), int)}, r"has shape \(20, 1\).*labels\.ravel\(\)"),
        ({"labels": np.eye(2, dtype=int)[np.arange(20) % 2]}, r"has shape \(20, 2\); it must be one label per image"),
        ({"labels": np.zeros(19, int)}, "has 19 entries and there are 20 images; each needs one"),
        ({"labels": np.eye(5, dtype=int)[np.arange(20) % 5].ravel()}, r"labels.reshape\(20, 5\).argmax\(1\)"),
        ({"labels": np.arange(20) % 2 - 1}, "labels in .* holds -1"),
        ({"labels": np.arange(20) % 2 + 1}, "goes up to 2 and no image has the label 0"),
        ({"labels": np.arange(20) % 2 * 2}, "goes up to 2 and no image has the label 1"),
        ({"labels": np.full(20, 2**64 - 1, np.uint64)}, "goes up to 18446744073709551615"),
        ({"labels": np.array([None] * 20)}, "labels in .* is an array of Python objects"),
        ({"split": np.tile(["train", "valid"], 10)}, "split in .* holds 'valid'; allowed are 'train' and 'test'"),
        ({"split": np.arange(20)}, "holds 2; allowed"),
        ({"split": np.arange(20) % 2 == 0}, "holds (True|False); allowed"),
        ({"split": np.tile(["train", "test"], 9)}, r"split in .* has shape \(18,\)"),
        ({"split": np.full(20, "train")}, "puts no image into test"),
        ({"labels": np.arange(20)}, "has no split and too few images"),
    ],
)
def test_arrays_that_do_not_fit_are_named(npz, changes, message):
    path = npz(**changes)
    with pytest.raises(DatasetError, match=message) as raised:
        load("arrays", "train", file=path)
    assert str(path) in str(raised.value)


def test_a_file_that_is_no_npz_is_named(tmp_path, npz):
    np.save(tmp_path / "array.npy", UINT8)
    damaged = tmp_path / "damaged.npz"
    content = bytearray(npz().read_bytes())
    content[200:400] = b"\1" * 200
    damaged.write_bytes(content)
    for path, message in [
        (tmp_path / "absent.npz", "does not exist"),
        (tmp_path, "has 0 folders with images"),
        (tmp_path / "array.npy", "is no .npz file"),
        (damaged, "damaged"),
    ]:
        with pytest.raises(DatasetError, match=message) as raised:
            load("arrays", "train", file=path)
        assert str(path) in str(raised.value)
