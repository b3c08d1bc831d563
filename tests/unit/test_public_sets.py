"""Public data sets in their official layout, and folders of images by class."""

import bz2
import gzip
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rate_distortion import datasets
from rate_distortion.datasets import DatasetError, remote
from rate_distortion.datasets.catalogue import EMNIST

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (30, 28, 28), dtype=np.uint8)
LABELS = np.arange(30, dtype=np.uint8) % 10


def idx(array):
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes())


def of_mnist(images, labels):
    return {
        f"{prefix}-{part}-ubyte.gz": idx(array)
        for prefix in ("train", "t10k")
        for part, array in (("images-idx3", images), ("labels-idx1", labels))
    }


def of_emnist(kind, images, labels):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for split in ("train", "test"):
            archive.writestr(f"gzip/emnist-{kind}-{split}-images-idx3-ubyte.gz", idx(images))
            archive.writestr(f"gzip/emnist-{kind}-{split}-labels-idx1-ubyte.gz", idx(labels))
    return {"gzip.zip": stream.getvalue()}


def of_usps(images, labels):
    lines = [
        f"{label + 1} " + " ".join(f"{place}:{pixel / 127.5 - 1:.6f}" for place, pixel in enumerate(image.ravel(), 1))
        for image, label in zip(images, labels, strict=True)
    ]
    content = bz2.compress("\n".join([*lines, ""]).encode())
    return {"usps.bz2": content, "usps.t.bz2": content}


def of_cifar(images, labels):
    records = np.concatenate([labels[:, None], images.transpose(0, 3, 1, 2).reshape(len(images), -1)], axis=1)
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    parts = dict(zip(names, [*np.array_split(records, 5), records], strict=True))
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, part in parts.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = part.nbytes
            archive.addfile(member, io.BytesIO(np.ascontiguousarray(part).tobytes()))
    return {"cifar-10-binary.tar.gz": stream.getvalue()}


@pytest.fixture
def official(tmp_path, monkeypatch):
    """Write files where a data set has its own, and let their checksums be the official ones."""

    def write(dataset, files):
        folder = tmp_path / remote.FOLDERS[dataset]
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        md5 = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
        monkeypatch.setattr(remote, "_md5_by_name", lambda _: md5)
        return tmp_path

    return write


def read(dataset, folder):
    train, test = (datasets.load(dataset, split, data_folder=folder) for split in ("train", "test"))
    np.testing.assert_array_equal(train.images, test.images)
    return train


@pytest.mark.parametrize("dataset", ["fashion_mnist", "kmnist"])
def test_the_layout_of_mnist(official, dataset):
    found = read(dataset, official(dataset, of_mnist(GREY, LABELS)))
    np.testing.assert_array_equal(found.images[..., 0], GREY)
    np.testing.assert_array_equal(found.labels, LABELS)


@pytest.mark.parametrize("kind", sorted(EMNIST))
def test_emnist_is_turned_upright_and_its_letters_begin_at_0(official, kind):
    first = int(kind == "letters")
    folder = official(f"emnist_{kind}", of_emnist(kind, GREY.transpose(0, 2, 1), LABELS + first))
    found = read(f"emnist_{kind}", folder)
    np.testing.assert_array_equal(found.images[..., 0], GREY)
    np.testing.assert_array_equal(found.labels, LABELS)


def test_usps(official):
    images = GREY[:, :16, :16]
    found = read("usps", official("usps", of_usps(images, LABELS)))
    assert np.abs(found.images[..., 0].astype(int) - images).max() <= 1
    np.testing.assert_array_equal(found.labels, LABELS)


def test_usps_is_what_torchvision_reads(official, tmp_path):
    from torchvision.datasets import USPS

    folder = official("usps", of_usps(GREY[:, :16, :16], LABELS))
    np.testing.assert_array_equal(read("usps", folder).images[..., 0], USPS(str(tmp_path / "usps")).data)


def test_cifar10_in_its_binary_version(official):
    colour = RNG.integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    found = read("cifar10", official("cifar10", of_cifar(colour, LABELS)))
    np.testing.assert_array_equal(found.images, colour)
    np.testing.assert_array_equal(found.labels, LABELS)


@pytest.mark.parametrize("dataset", ["fashion_mnist", "emnist_letters", "usps", "cifar10"])
def test_other_bytes_and_absent_files_are_refused_with_the_checksum(tmp_path, dataset):
    """Against the true checksums: what the tests above write is not the data set."""
    with pytest.raises(DatasetError, match=r"is not complete in .*, missing or not the right file"):
        datasets.load(dataset, "train", data_folder=tmp_path)
    for path in datasets.source_paths(dataset, tmp_path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not it")
    with pytest.raises(DatasetError, match="is not complete in"):
        datasets.load(dataset, "train", data_folder=tmp_path)


def test_a_grey_set_is_resized(official):
    folder = official("usps", of_usps(GREY[:, :16, :16], LABELS))
    assert datasets.load("usps", "train", data_folder=folder, image_size=28).images.shape == (30, 28, 28, 1)
    assert datasets.image_side("usps") == 16


def test_a_folder_has_the_mirrors_of_the_configuration_or_the_official_one():
    assert datasets.mirrors("svhn", {"svhn": ["http://here"]}) == ["http://here"]
    assert datasets.mirrors("EMNIST/raw", {}) == datasets.DEFAULT_MIRRORS["emnist_letters"]


# Folders of images by class


def write_folder(folder, names, images, suffix="png"):
    for number, image in enumerate(images):
        path = folder / names[number % len(names)] / f"{number:03}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return folder


def test_a_folder_of_images_is_read_as_torchvision_reads_it(tmp_path):
    from torchvision.datasets import ImageFolder

    write_folder(tmp_path, ["zebra", "ant", "bee"], GREY)
    train, test = (datasets.load("arrays", split, file=tmp_path) for split in ("train", "test"))
    theirs = ImageFolder(str(tmp_path))
    ours = {
        image.tobytes(): label for part in (train, test) for image, label in zip(part.images, part.labels, strict=True)
    }
    assert ours == {np.asarray(image.convert("L")).tobytes(): label for image, label in theirs}
    assert datasets.sizes("arrays", file=tmp_path) == {"train": 24, "test": 6}
    assert (datasets.classes("arrays", file=tmp_path), datasets.image_side("arrays", file=tmp_path)) == (3, 28)
    assert len(datasets.own_files(tmp_path)) == 30


def test_splits_of_its_own_and_one_checksum_of_everything(tmp_path):
    for split, images in (("train", GREY[:20]), ("test", GREY[20:])):
        write_folder(tmp_path / split, ["a", "b"], np.repeat(images[..., None], 3, axis=3))
    train = datasets.load("arrays", "train", file=tmp_path)
    assert train.images.shape == (20, 28, 28, 3)
    before = datasets.checksums("arrays", file=tmp_path)
    Image.fromarray(GREY[0] ^ 1).save(tmp_path / "train/a/000.png")
    assert before.keys() == {tmp_path.name}
    assert datasets.checksums("arrays", file=tmp_path) != before


def spoil(folder: Path, fault: str) -> None:
    target = folder / "a/000.png"
    match fault:
        case "no classes":
            for path in list(folder.glob("b/*")):
                path.unlink()
        case "another size":
            Image.fromarray(GREY[0, :20, :20]).save(target)
        case "not square":
            for path in folder.glob("*/*.png"):
                Image.fromarray(GREY[0, :20]).save(path)
        case "transparency":
            Image.fromarray(np.zeros((28, 28, 4), np.uint8)).save(target)
        case "text":
            target.write_text("no image")
        case "truncated":
            target.write_bytes(target.read_bytes()[:200])


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("no classes", "has 1 folders with images; it must have one for each class"),
        ("another size", "all images must have one size"),
        ("not square", "images must be square"),
        ("transparency", "has pixels of kind RGBA; allowed are grey"),
        ("text", "000.png is no image or damaged"),
        ("truncated", "000.png is damaged"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, fault, sentence):
    write_folder(tmp_path, ["a", "b"], GREY)
    spoil(tmp_path, fault)
    with pytest.raises(DatasetError) as caught:
        datasets.load("arrays", "train", file=tmp_path)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
