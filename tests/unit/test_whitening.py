"""Whitening against known answers and scikit-learn's exact principal components."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from rate_distortion.datasets import whitening


def smooth_images(count: int, side: int = 12, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Correlated pixels with a steep spectrum, as natural images have."""
    rng = np.random.default_rng(seed)
    field = np.cumsum(np.cumsum(rng.normal(size=(count, side, side, channels)), axis=1), axis=2)
    field = field + 0.5 * rng.normal(size=field.shape)
    low, high = field.min(), field.max()
    return np.round((field - low) / (high - low) * 255).astype(np.uint8)


IMAGES = smooth_images(600)


def flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float64)


@pytest.mark.parametrize("components", [5, 60, 144])
def test_whitened_covariance_has_trace_equal_to_the_number_of_components(components):
    whitened = flat(whitening.fit(IMAGES, components=components)(IMAGES))
    assert np.trace(np.cov(whitened.T)) == pytest.approx(components, rel=1e-5)


def test_whitened_covariance_is_the_projector_onto_the_kept_components():
    transform = whitening.fit(IMAGES, components=40)
    covariance = np.cov(flat(transform(IMAGES)).T)
    np.testing.assert_allclose(covariance @ covariance, covariance, atol=1e-4)


def test_all_components_give_the_identity_covariance():
    whitened = flat(whitening.fit(IMAGES, components=144)(IMAGES))
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(144), atol=1e-4)


def test_transform_is_symmetric_to_the_last_bit():
    matrix = whitening.fit(IMAGES, components=50).matrix
    assert np.array_equal(matrix, matrix.T)


def test_agrees_with_full_svd_principal_components():
    intensities = whitening.intensities(IMAGES)
    reference = PCA(50, svd_solver="full").fit(intensities)
    transform = whitening.fit(IMAGES, components=50)
    np.testing.assert_allclose(transform.spectrum[:50], reference.explained_variance_, rtol=1e-9)
    basis = reference.components_
    expected = (basis.T / np.sqrt(reference.explained_variance_)) @ basis
    np.testing.assert_allclose(transform.matrix, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_epsilon_shrinks_the_trace_by_the_known_amount():
    transform = whitening.fit(IMAGES, components=60, epsilon=1e-3)
    kept = transform.spectrum[:60]
    trace = np.trace(np.cov(flat(transform(IMAGES)).T))
    assert trace == pytest.approx(np.sum(kept / (kept + 1e-3)), rel=1e-5)


def test_grey_uses_the_ntsc_weights():
    image = np.zeros((2, 1, 1, 3), np.uint8)
    image[0, 0, 0] = (255, 0, 0)
    image[1, 0, 0] = (255, 255, 255)
    np.testing.assert_allclose(whitening.intensities(image).ravel(), [0.2989, 0.9999])


def test_statistics_come_from_the_fitted_images_only():
    transform = whitening.fit(IMAGES[:300], components=40)
    other = flat(transform(IMAGES[300:]))
    assert np.abs(flat(transform(IMAGES[:300])).mean(axis=0)).max() < 1e-4
    assert np.abs(other.mean(axis=0)).max() > 1e-3


def test_more_components_than_the_rank_is_refused():
    with pytest.raises(ValueError, match=r"components is 144; allowed: 1 to 99, the numerical rank of 100"):
        whitening.fit(IMAGES[:100], components=144)


def test_per_image_mean_removes_the_offset_of_every_image():
    transform = whitening.fit(IMAGES, components=100, per_image_mean=True)
    brighter = np.clip(IMAGES[:20].astype(int) // 2 + 40, 0, 255).astype(np.uint8)
    darker = np.clip(IMAGES[:20].astype(int) // 2 + 10, 0, 255).astype(np.uint8)
    np.testing.assert_allclose(transform(brighter), transform(darker), atol=2e-3)


def test_output_ranges():
    unit = whitening.fit(IMAGES, components=40, output_range="unit_variance")(IMAGES)
    assert unit.std() == pytest.approx(1, abs=1e-4)
    bounded = whitening.fit(IMAGES, components=40, output_range="minmax")(IMAGES)
    assert (bounded.min(), bounded.max()) == pytest.approx((0, 1), abs=1e-5)


def test_rgb_keeps_three_channels_and_method_none_only_centres():
    assert whitening.fit(IMAGES, components=40, colour="rgb")(IMAGES[:2]).shape == (2, 3, 12, 12)
    centred = whitening.fit(IMAGES, method="none")(IMAGES)
    expected = whitening.intensities(IMAGES)
    np.testing.assert_allclose(flat(centred), expected - expected.mean(axis=0), atol=1e-6)


def test_pixels_stay_as_they_are_grey_or_in_colour():
    rgb = whitening.fit(IMAGES, method="pixels", colour="rgb")
    np.testing.assert_array_equal(rgb(IMAGES), (IMAGES.transpose(0, 3, 1, 2) / 255).astype(np.float32))
    grey = whitening.fit(IMAGES[..., :1], method="pixels", colour="rgb")
    np.testing.assert_array_equal(grey(IMAGES[..., :1])[:, 0], (IMAGES[..., 0] / 255).astype(np.float32))


@pytest.mark.parametrize("method", ["none", "pixels"])
def test_without_whitening_no_matrix_of_all_pixels_is_made(method, tmp_path):
    """Of 64 pixels in colour it would hold 12,288 rows of as many numbers."""
    transform = whitening.fit(smooth_images(3, side=64), method=method, colour="rgb")
    transform.save(tmp_path / "whitening.npz")
    assert (tmp_path / "whitening.npz").stat().st_size < 200_000
    assert whitening.Whitening.load(tmp_path / "whitening.npz")(IMAGES[:0].reshape(0, 64, 64, 3)).shape == (
        0,
        3,
        64,
        64,
    )


@pytest.mark.parametrize("method", ["zca", "none", "pixels"])
def test_images_that_are_all_the_same_are_refused(method):
    with pytest.raises(
        ValueError, match="the 9 training images are all the same, and a network learns nothing from them"
    ):
        whitening.fit(np.full((9, 8, 8, 1), 255, np.uint8), method=method, components=3)


@pytest.mark.parametrize("output_range", ["unit_variance", "minmax"])
def test_one_value_everywhere_cannot_be_scaled(output_range):
    flat_images = np.arange(9, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 1), np.uint8)
    with pytest.raises(ValueError, match=f"output_range is '{output_range}', and every pixel .* the same value"):
        whitening.fit(flat_images, method="none", per_image_mean=True, output_range=output_range)


def test_blocks_do_not_change_the_result(monkeypatch):
    whole = whitening.fit(IMAGES, components=40)(IMAGES)
    monkeypatch.setattr(whitening, "CHUNK_IMAGES", 37)
    np.testing.assert_allclose(whitening.fit(IMAGES, components=40)(IMAGES), whole, atol=1e-5)


def test_save_and_load_give_the_same_transform(tmp_path):
    transform = whitening.fit(IMAGES, components=40, output_range="minmax")
    transform.save(tmp_path / "whitening.npz")
    np.testing.assert_array_equal(whitening.Whitening.load(tmp_path / "whitening.npz")(IMAGES), transform(IMAGES))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["whitening.npz"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "pca"}, "method is 'pca'; allowed: zca, none"),
        ({"output_range": "0-1"}, "output_range is '0-1'; allowed"),
        ({"colour": "gray"}, "colour is 'gray'; allowed: grey, rgb"),
        ({"epsilon": -1}, "epsilon is -1"),
        ({"components": 0}, "components is 0; allowed: 1 to"),
    ],
)
def test_bad_settings_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        whitening.fit(IMAGES, **{"components": 10} | change)


@pytest.mark.parametrize("images", [IMAGES.astype(float), IMAGES[0], np.zeros((4, 8, 8, 2), np.uint8)])
def test_bad_images_are_described(images):
    with pytest.raises(ValueError, match=r"takes uint8 of shape \(N, H, W, 1 or 3\)"):
        whitening.fit(images, components=3)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_whitening_twice_changes_nothing_within_the_kept_space(seed, components):
    """W C W is a projector, so the trace is the number of components for any data of sufficient rank."""
    images = smooth_images(120, side=6, channels=1, seed=seed)
    whitened = flat(whitening.fit(images, components=components)(images))
    assert np.trace(np.cov(whitened.T)) == pytest.approx(components, rel=1e-4)
