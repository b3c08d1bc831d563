"""Files of a user's own images by the hundred: each is read, or ends in one sentence; never a traceback, a hang or nonsense.

What is asked before any job (:func:`check_arrays`) and what a job reads agree: both take a file or both refuse it.
"""

import os
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from rate_distortion import datasets

# A flipped bit may leave a type that numpy still knows, but by a name of which it warns.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
COMMON = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
COUNT = 24
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 10, 10), dtype=np.uint8)
INTEGERS = [f"{order}{kind}{size}" for order in "<>" for kind in "iu" for size in (1, 2, 4, 8)]
EXTREMES = [-(2**63), -1, 0, 1, 2, 3, 254, 255, 1000, 2**31, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1]


def read_splits(path):
    return [datasets.load("arrays", split, file=path) for split in ("train", "test")]


def refusal(look, path):
    """What a look at the file returns, or the sentence that it is refused with."""
    try:
        return look(path)
    except datasets.DatasetError as error:
        sentence = str(error)
    assert str(path) in sentence
    assert sentence.isprintable(), repr(sentence)
    return sentence


def verdict(path):
    """The splits as read, or the sentence that the file is refused with."""
    asked, read = refusal(datasets.check_arrays, path), refusal(read_splits, path)
    assert isinstance(asked, str) == isinstance(read, str) or "are all the same" in read, (asked, read)
    sizes = refusal(lambda file: datasets.sizes("arrays", file=file), path)
    classes = refusal(lambda file: datasets.classes("arrays", file=file), path)
    if not isinstance(read, str):
        assert sizes == {"train": len(read[0]), "test": len(read[1])}
        assert classes == read[0].classes
    return read


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("classes", [3, 120])
def test_labels_of_every_integer_type_and_byte_order_are_read(tmp_path, dtype, classes):
    images = np.random.default_rng(0).integers(0, 256, (2 * classes + 2, 8, 8), dtype=np.uint8)
    labels = np.arange(len(images)) % classes
    np.savez(tmp_path / "mine.npz", images=images, labels=labels.astype(dtype))
    train, test = verdict(tmp_path / "mine.npz")
    assert np.bincount(np.concatenate([train.labels, test.labels])).tolist() == np.bincount(labels).tolist()
    assert datasets.classes("arrays", file=tmp_path / "mine.npz") == classes
    assert train.labels.dtype == np.int64


DTYPES = st.one_of(
    st.sampled_from([*INTEGERS, "?", "f2", "f8", ">f4", "c8", "S3", "S5", "U4", "M8[s]", "m8[s]", "V4", "i4,f4", "O"])
)
SHAPES = st.one_of(
    st.sampled_from([(COUNT,), (COUNT, 1), (1, COUNT), (COUNT, 3), (), (0,), (COUNT - 1,), (COUNT, 0), (2, 12)]),
    st_numpy.array_shapes(max_dims=5, max_side=30),
)


@st.composite
def side_arrays(draw):
    """Labels or split of any type, shape and content."""
    dtype, shape = np.dtype(draw(DTYPES)), draw(SHAPES)
    array = np.zeros(shape, dtype)
    if dtype.kind in "iu":
        information = np.iinfo(dtype)
        allowed = [value for value in EXTREMES if information.min <= value <= information.max]
        values = draw(st.lists(st.sampled_from(allowed), min_size=1, max_size=4))
        array.flat = np.resize(np.array(values, dtype), array.size)
    elif dtype.kind in "SU":
        words = st.sampled_from(["train", "test", "Train", "", "\x00", "\udc80", "é"])
        values = draw(st.lists(words, min_size=1, max_size=3))
        encoded = [value.encode("utf-8", "surrogatepass") if dtype.kind == "S" else value for value in values]
        array.flat = np.resize(np.array(encoded), array.size)
    elif dtype.kind == "f":
        array.flat = np.resize(np.array(draw(st.lists(st.floats(width=16), min_size=1, max_size=4)), dtype), array.size)
    return array


@st.composite
def image_arrays(draw):
    if draw(st.booleans()):
        return IMAGES
    dtype = np.dtype(draw(DTYPES))
    shape = draw(
        st.one_of(
            SHAPES,
            st.sampled_from(
                [(COUNT, 10, 10, 1), (COUNT, 10, 10, 3), (COUNT, 3, 10, 10), (COUNT, 7, 7), (COUNT, 65, 65)]
            ),
        )
    )
    array = np.zeros(shape, dtype)
    if dtype.kind in "iuf" and draw(st.booleans()):
        array.flat = np.resize(np.array([0, 1, draw(st.sampled_from([2, 100]))], dtype), array.size)
    if dtype.kind == "f" and draw(st.booleans()):
        array.flat = np.resize(np.array([0, np.nan, np.inf], dtype), array.size)
    return array


@st.composite
def files(draw):
    arrays = {"images": draw(image_arrays()), "labels": np.arange(COUNT) % 3}
    if draw(st.booleans()):
        arrays["labels"] = draw(side_arrays())
    if draw(st.booleans()):
        arrays["split"] = draw(side_arrays())
    if draw(st.integers(0, 9)) == 0:
        arrays.pop(draw(st.sampled_from(sorted(arrays))))
    return (
        arrays,
        draw(st.booleans()),
        draw(st.one_of(st.none(), st.floats(0, 1))),
        draw(st.one_of(st.none(), st.floats(0, 1))),
    )


def check(file, folder):
    arrays, compressed, cut, flipped = file
    path = folder / "mine.npz"
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    content = bytearray(path.read_bytes())
    if flipped is not None:
        content[min(int(flipped * len(content)), len(content) - 1)] ^= 0x21
    path.write_bytes(content if cut is None else content[: int(cut * len(content))])
    verdict(path)


@settings(max_examples=200, **COMMON)
@given(file=files())
def test_a_few_generated_files(file, tmp_path_factory):
    check(file, tmp_path_factory.getbasetemp())


@pytest.mark.slow
@settings(max_examples=2500, **COMMON)
@given(file=files())
def test_thousands_of_generated_files(file, tmp_path_factory):
    check(file, tmp_path_factory.getbasetemp())


def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "mine.npz")
    assert "is no file" in verdict(tmp_path / "mine.npz")
    assert datasets.image_side("arrays", file=tmp_path / "mine.npz") is None


def test_a_few_bytes_that_claim_many_labels_are_not_unpacked(tmp_path):
    np.savez_compressed(tmp_path / "mine.npz", images=IMAGES, labels=np.zeros(10_000_001, np.int64))
    assert "at most 10,000,000 images" in verdict(tmp_path / "mine.npz")


def test_a_member_that_is_no_array_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00\xff\xffnonsense")
        archive.writestr("labels.npy", b"")
    verdict(tmp_path / "mine.npz")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels": np.eye(5, dtype=int)[np.arange(COUNT) % 5]}, "use labels.argmax(1)"),
        ({"labels": np.eye(5)[np.arange(COUNT) % 5]}, "use labels.argmax(1)"),
        ({"labels": (np.arange(COUNT) % 3).astype(float)}, "labels.astype(numpy.int64) makes them"),
        ({"images": np.where(IMAGES > 250, np.nan, IMAGES)}, "hold what is no number (NaN or infinity)"),
        ({"images": np.full_like(IMAGES, 7)}, "are all the same"),
        ({"split": np.where(np.arange(COUNT) % 3 == 2, "test", "train")}, "leaves class 2 without a training image"),
        ({"split": np.array([b"tr\xe9in"] * COUNT)}, "holds 'tr\\\\xe9in'"),
        ({"labels": np.full(COUNT, 2**64 - 1, np.uint64)}, "goes up to 18446744073709551615"),
    ],
)
def test_the_sentence_says_what_to_do(tmp_path, changes, sentence):
    np.savez(tmp_path / "mine.npz", **{"images": IMAGES, "labels": np.arange(COUNT) % 3, **changes})
    assert sentence in verdict(tmp_path / "mine.npz")
