"""The procedural stand-in for SVHN: reproducible image by image, distributed as promised, and learnable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from rate_distortion.datasets import glyphs, house_numbers
from rate_distortion.datasets.house_numbers import BLOCK, CLASS_COUNTS, SPLIT_SIZES, generate

SOURCE = Path(house_numbers.__file__).parents[2]


@pytest.fixture(scope="module")
def train() -> tuple[np.ndarray, np.ndarray]:
    return generate("train", 8 * BLOCK)


@pytest.fixture(scope="module")
def test() -> tuple[np.ndarray, np.ndarray]:
    return generate("test", 4 * BLOCK)


def _grey(images: np.ndarray) -> np.ndarray:
    return images @ np.array([0.2989, 0.5870, 0.1140])


def _standardized(images: np.ndarray) -> np.ndarray:
    pixels = _grey(images).reshape(len(images), -1)
    return (pixels - pixels.mean(1, keepdims=True)) / pixels.std(1, keepdims=True)


def _high_frequency_share(images: np.ndarray) -> float:
    grey = _grey(images)
    differences = np.diff(grey, 2, axis=2).var((1, 2)) / grey.var((1, 2))
    return float(np.median(differences))


class TestContract:
    def test_shapes_and_types(self, train):
        images, labels = train
        assert images.shape == (8 * BLOCK, 32, 32, 3)
        assert images.dtype == np.uint8
        assert labels.shape == (8 * BLOCK,)
        assert labels.dtype == np.int64
        assert set(labels) == set(range(10))

    def test_sizes_are_svhn_s_own(self):
        assert SPLIT_SIZES == {"train": 73_257, "test": 26_032, "extra": 531_131}
        assert {split: sum(counts) for split, counts in CLASS_COUNTS.items()} == {"train": 73_257, "test": 26_032}

    def test_the_last_images_of_a_split_can_be_had(self):
        images, _ = generate("extra", 3, start=SPLIT_SIZES["extra"] - 3)
        assert len(images) == 3

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("validation", 10), "no split 'validation'; choose one of train, test, extra"),
            (("train", 0), "is 0; it must be between 1 and 73257"),
            (("test", 26_033), "is 26033; it must be between 1 and 26032"),
            (("extra", -1), "is -1; it must be between 1 and 531131"),
            (("train", 10, -1), "seed of house_numbers is -1"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            generate(*arguments)

    def test_bad_keywords_are_named(self):
        with pytest.raises(ValueError, match=r"start .* is 73250; for 10 images it must be between 0 and 73247"):
            generate("train", 10, start=73_250)
        with pytest.raises(ValueError, match="processes of house_numbers is 0"):
            generate("train", 10, processes=0)


class TestDeterminism:
    def test_same_seed_same_bytes(self, train):
        again = generate("train", 8 * BLOCK)
        assert train[0].tobytes() == again[0].tobytes()
        assert train[1].tobytes() == again[1].tobytes()

    @settings(max_examples=8, deadline=None)
    @given(start=st.integers(0, 8 * BLOCK - 1), count=st.integers(1, 8 * BLOCK))
    def test_an_image_depends_on_its_index_only(self, train, start, count):
        count = min(count, 8 * BLOCK - start)
        images, labels = generate("train", count, start=start)
        np.testing.assert_array_equal(images, train[0][start : start + count])
        np.testing.assert_array_equal(labels, train[1][start : start + count])

    def test_worker_processes_change_nothing(self, train):
        images, labels = generate("train", 8 * BLOCK - 7, start=5, processes=3)
        np.testing.assert_array_equal(images, train[0][5:-2])
        np.testing.assert_array_equal(labels, train[1][5:-2])

    @pytest.mark.parametrize("threads", ["1", "4"])
    def test_a_fresh_process_with_any_number_of_threads_draws_the_same(self, train, threads):
        program = (
            "import sys; from rate_distortion.datasets.house_numbers import generate; "
            "sys.stdout.buffer.write(generate('train', 300)[0].tobytes())"
        )
        variables = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
        environment = os.environ | variables | {"PYTHONPATH": str(SOURCE)}
        drawn = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
        assert drawn.stdout == train[0][:300].tobytes()

    def test_global_random_state_is_neither_read_nor_moved(self, train):
        np.random.seed(3)
        images, _ = generate("train", 10)
        moved = np.random.random()
        np.random.seed(3)
        assert moved == np.random.random()
        np.testing.assert_array_equal(images, train[0][:10])

    def test_splits_seeds_and_blocks_are_different_streams(self, train):
        images = train[0]
        others = [generate("test", BLOCK)[0], generate("extra", BLOCK)[0], generate("train", BLOCK, seed=1)[0]]
        for other in [*others, images[BLOCK : 2 * BLOCK]]:
            same = (other == images[:BLOCK]).all((1, 2, 3))
            assert not same.any()

    def test_no_image_occurs_twice(self, train, test):
        images = np.concatenate([train[0], test[0]])
        assert len({image.tobytes() for image in images}) == len(images)


class TestDistribution:
    @pytest.mark.parametrize("split", ["train", "test"])
    def test_classes_are_as_frequent_as_in_svhn(self, split, request):
        labels = request.getfixturevalue(split)[1]
        expected = len(labels) * np.array(CLASS_COUNTS[split]) / SPLIT_SIZES[split]
        chi_squared = ((np.bincount(labels, minlength=10) - expected) ** 2 / expected).sum()
        assert chi_squared < 27.88  # 99.9 % point for 9 degrees of freedom

    def test_crops_vary_most_where_the_digit_is(self, train):
        # Every crop has ink in the middle; the corners hold background or a cut neighbour.
        grey = _grey(train[0])
        gradient = np.abs(np.diff(grey, axis=2)).mean(0)
        assert gradient[10:22, 8:24].mean() > 2.5 * gradient[[0, 1, 2, -3, -2, -1]].mean()

    def test_the_digit_of_interest_is_centred(self, train):
        # Only the middle tells the classes apart: the spread between class means peaks there, and is symmetric about it.
        pixels, labels = np.abs(_standardized(train[0])).reshape(-1, 32, 32), train[1]
        means = np.stack([pixels[labels == digit].mean(0) for digit in range(10)])
        between = means.var(0)
        axis = np.arange(32) - 15.5
        weight = between / between.sum()
        assert abs((weight.sum(0) * axis).sum()) < 0.5
        assert abs((weight.sum(1) * axis).sum()) < 0.5
        assert between[8:24, 8:24].mean() > 8 * between[:, [0, 1, 2, -3, -2, -1]].mean()

    def test_both_polarities_and_all_exposures_occur(self, train):
        grey = _grey(train[0])
        middle, rim = grey[:, 8:24, 13:19].mean((1, 2)), grey[:, [0, -1]].mean((1, 2))
        assert 0.3 < (middle > rim).mean() < 0.7
        low, high = np.percentile(grey.mean((1, 2)), [5, 95])
        assert low < 70
        assert high > 160

    def test_hardly_a_crop_is_blank(self, train):
        assert (_grey(train[0]).std((1, 2)) < 8).mean() < 0.02

    def test_extra_is_milder_than_train(self, train):
        extra, _ = generate("extra", 4 * BLOCK)
        assert np.median(_grey(extra).std((1, 2))) > np.median(_grey(train[0]).std((1, 2)))
        assert _high_frequency_share(extra) > _high_frequency_share(train[0])


class TestLearnability:
    def test_nearest_neighbours_beat_chance_clearly(self, train, test):
        # Polarity carries no class, so the probe looks at squared contrast; the largest class has a share of 19 %.
        probe = KNeighborsClassifier(5).fit(_standardized(train[0]) ** 2, train[1])
        assert probe.score(_standardized(test[0]) ** 2, test[1]) > 0.33

    def test_the_middle_carries_the_label_and_the_sides_do_not(self, train, test):
        scores = {}
        for name, columns in {"middle": slice(8, 24), "sides": np.r_[0:5, 27:32]}.items():
            first, second = (_standardized(part[0]).reshape(-1, 32, 32)[:, :, columns] for part in (train, test))
            probe = KNeighborsClassifier(15).fit((first**2).reshape(len(first), -1), train[1])
            scores[name] = probe.score((second**2).reshape(len(second), -1), test[1])
        assert scores["middle"] > 0.45
        assert scores["sides"] < 0.25  # the share of the largest class is 0.19


class TestGlyphs:
    def test_every_typeface_prints_ten_different_digits(self):
        fields, widths = glyphs.digit_fields()
        assert fields.shape == (len(glyphs.TYPEFACES), 10, glyphs.CELL, glyphs.CELL)
        assert widths.shape == (len(glyphs.TYPEFACES), 10)
        for face in fields > 0:
            overlap = np.array([[(a & b).sum() / (a | b).sum() for a in face] for b in face])
            assert np.all(overlap[~np.eye(10, dtype=bool)] < 0.9)

    def test_ink_has_unit_height_and_the_stated_width(self):
        fields, widths = glyphs.digit_fields()
        texel = 2 * glyphs.HALF_SIDE / glyphs.CELL
        rows = (fields > 0).any(3).sum(2) * texel
        columns = (fields > 0).any(2).sum(2) * texel
        assert np.abs(rows - 1).max() < 2.5 * texel
        assert np.abs(columns - widths).max() < 2.5 * texel

    def test_distance_falls_by_one_texel_a_texel_outside_the_ink(self):
        fields, _ = glyphs.digit_fields()
        texel = 2 * glyphs.HALF_SIDE / glyphs.CELL
        slope = np.diff(fields[0, 0, glyphs.CELL // 2, -8:])
        np.testing.assert_allclose(slope, -texel, rtol=0.02)

    def test_a_footless_one_is_its_stem_below(self):
        plain = glyphs.TYPEFACES.index(glyphs.Typeface("DejaVuSans"))
        cut = glyphs.TYPEFACES.index(glyphs.Typeface("DejaVuSans", footless=True))
        fields, widths = glyphs.digit_fields()
        assert widths[cut, 1] < widths[plain, 1]
        np.testing.assert_array_equal(fields[cut, 2:], fields[plain, 2:])

    def test_the_cached_fields_cannot_be_changed(self):
        with pytest.raises(ValueError, match="read-only"):
            glyphs.digit_fields()[0][0, 0, 0, 0] = 1.0
