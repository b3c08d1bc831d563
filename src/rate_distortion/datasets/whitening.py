"""From uint8 images to whitened float32 images: NTSC grey, principal components, zero-phase whitening.

Section 4.3 of the paper: colour is not a cause of a digit's class, so RGB becomes grey (NTSC weights); principal component
analysis keeps the 400 strongest directions; zero-phase whitening (ZCA, Bell & Sejnowski 1997) gives each kept direction unit
variance and rotates back to pixels, which decorrelates neighbouring pixels and emphasizes edges.

With the training split's pixel mean ``m`` and covariance ``C = U diag(s) U^T``, an image ``x`` (flattened, in [0, 1]) becomes
``W (x - m)`` with the symmetric matrix ``W = U_k diag(s_k + epsilon)^(-1/2) U_k^T``. The fit is float64 by covariance and
``eigh``: whitening divides by the square root of the smallest kept eigenvalue, which a randomized solver gets wrong first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import scipy.linalg

from rate_distortion.errors import InputError
from rate_distortion.storage import files

NTSC_WEIGHTS = np.array([0.2989, 0.5870, 0.1140])
"""Red, green and blue in NTSC luminance (ITU-R BT.601 to four digits)."""

COLOURS = ("grey", "rgb")
METHODS = ("zca", "none", "pixels")
OUTPUT_RANGES = ("none", "unit_variance", "minmax")
CHUNK_IMAGES = 4096
"""Images per block: bounds the memory of every pass at about 100 MB of float64, whatever the size of the data set."""


@dataclass(frozen=True)
class Whitening:
    """A fitted transform from uint8 images to float32 images of the same height and width.

    Attributes:
        mean: what is taken off every pixel, shape (D,), in units of [0, 1] intensity: the training split's mean, or zero for
            method "pixels".
        matrix: the symmetric whitening matrix W, shape (D, D); empty where nothing is whitened.
        spectrum: all D eigenvalues of the training covariance, descending (intensity squared); empty where nothing is whitened.
        components: number of kept principal components; D where nothing is whitened.
        epsilon: added to each kept eigenvalue before the inverse square root.
        scale, offset: the output range; the output is ``W (x - mean) * scale + offset``.
        colour: "grey" or "rgb"; whether images are first reduced to NTSC luminance.
        per_image_mean: whether each image's own mean over its pixels is removed first.
    """

    mean: np.ndarray
    matrix: np.ndarray
    spectrum: np.ndarray
    components: int
    epsilon: float
    scale: float
    offset: float
    colour: str
    per_image_mean: bool

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Whiten uint8 images (N, H, W, C) into float32 (N, C', H, W), C' = 1 for grey and 3 for RGB."""
        height, width = images.shape[1:3]
        whitened = np.empty((len(images), self.mean.size), np.float32)
        for block, rows in _blocks(images, self.colour, per_image_mean=False):
            whitened[rows] = self.of_intensities(block)
        channels = self.mean.size // (height * width)
        return whitened.reshape(len(images), channels, height, width)

    def of_intensities(self, values: np.ndarray) -> np.ndarray:
        """Whiten intensities in [0, 1], flattened to (N, C' * H * W), channel first; float64 of the same shape."""
        if self.per_image_mean:
            values = values - values.mean(axis=1, keepdims=True)
        centred = values - self.mean
        return (centred @ self.matrix if self.matrix.size else centred) * self.scale + self.offset

    def save(self, path: str | Path) -> None:
        """Write every attribute to an .npz file."""
        files.write_arrays(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: str | Path) -> Whitening:
        """Read what :meth:`save` wrote."""
        values = files.read_arrays(path)
        return cls(**{name: value.item() if value.ndim == 0 else value for name, value in values.items()})


def fit(
    images: np.ndarray,
    *,
    components: int = 400,
    epsilon: float = 0.0,
    method: str = "zca",
    colour: str = "grey",
    per_image_mean: bool = False,
    output_range: str = "none",
) -> Whitening:
    """Fit the transform on the training split.

    Args:
        images: uint8, shape (N, H, W, C) with C = 1 or 3.
        components: principal components to keep, at most the numerical rank of the data.
        epsilon: added to each kept eigenvalue; with 0 the whitened covariance has trace ``components`` exactly, otherwise
            the sum of s_i / (s_i + epsilon).
        method: "zca"; "none" to remove the mean only; or "pixels" to leave intensities in [0, 1] as they are.
        colour: "grey" (NTSC) or "rgb".
        per_image_mean: remove each image's own mean intensity first.
        output_range: "none"; "unit_variance" divides by the standard deviation over all whitened training pixels;
            "minmax" maps the extremes of the whitened training pixels to 0 and 1.

    Raises:
        InputError: unsuitable images or images that are all the same, an unknown option, or more components than the data's
            numerical rank.
    """
    _check_option("method", method, METHODS)
    _check_option("output_range", output_range, OUTPUT_RANGES)
    _check_images(images, colour)
    if len(images) < 2:
        raise InputError(f"whitening needs at least 2 images to estimate a covariance; there is {len(images)}")
    if epsilon < 0:
        raise InputError(f"whitening epsilon is {epsilon}; it must be 0 or greater")
    if all(np.array_equal(image, images[0]) for image in images[1:]):
        raise InputError(
            f"the {len(images):,} training images are all the same, and a network learns nothing from them; look at the file"
        )
    mean = _mean(images, colour, per_image_mean)
    if method == "zca":
        eigenvalues, eigenvectors = scipy.linalg.eigh(_covariance(images, mean, colour, per_image_mean))
        spectrum, vectors = np.maximum(eigenvalues[::-1], 0.0), eigenvectors[:, ::-1]
        _check_components(components, spectrum, len(images))
        kept = vectors[:, :components]
        matrix = (kept / np.sqrt(spectrum[:components] + epsilon)) @ kept.T
        matrix = (matrix + matrix.T) / 2  # symmetric to the last bit, as zero-phase demands
    else:
        components, matrix, spectrum = mean.size, np.empty((0, 0)), np.empty(0)
        mean = np.zeros_like(mean) if method == "pixels" else mean
    unscaled = Whitening(mean, matrix, spectrum, components, epsilon, 1.0, 0.0, colour, per_image_mean)
    scale, offset = _output_scale(unscaled, images, output_range)
    return Whitening(mean, matrix, spectrum, components, epsilon, scale, offset, colour, per_image_mean)


def numerical_rank(spectrum: np.ndarray, images: int) -> int:
    """Number of eigenvalues above the rounding error of the largest one (the usual max(N, D) * machine epsilon rule)."""
    tolerance = spectrum[0] * max(images, spectrum.size) * np.finfo(np.float64).eps
    return int(np.sum(spectrum > tolerance))


def intensities(images: np.ndarray, colour: str = "grey") -> np.ndarray:
    """uint8 images (N, H, W, C) as float64 intensities in [0, 1], flattened to (N, C' * H * W), channel first."""
    _check_images(images, colour)
    scaled = images.astype(np.float64) / 255.0
    if images.shape[-1] == 1:
        return scaled.reshape(len(images), -1)
    if colour == "grey":
        return (scaled @ NTSC_WEIGHTS).reshape(len(images), -1)
    return scaled.transpose(0, 3, 1, 2).reshape(len(images), -1)


def _blocks(images: np.ndarray, colour: str, per_image_mean: bool) -> Iterator[tuple[np.ndarray, slice]]:
    for start in range(0, len(images), CHUNK_IMAGES):
        rows = slice(start, min(start + CHUNK_IMAGES, len(images)))
        block = intensities(images[rows], colour)
        if per_image_mean:
            block -= block.mean(axis=1, keepdims=True)
        yield block, rows


def _mean(images: np.ndarray, colour: str, per_image_mean: bool) -> np.ndarray:
    return sum(block.sum(axis=0) for block, _ in _blocks(images, colour, per_image_mean)) / len(images)


def _covariance(images: np.ndarray, mean: np.ndarray, colour: str, per_image_mean: bool) -> np.ndarray:
    """In a pass after that of the mean, so that no large numbers cancel; with the divisor N - 1, as numpy.cov."""
    covariance = np.zeros((mean.size, mean.size))
    for block, _ in _blocks(images, colour, per_image_mean):
        block -= mean
        covariance += block.T @ block
    return covariance / (len(images) - 1)


def _output_scale(unscaled: Whitening, images: np.ndarray, output_range: str) -> tuple[float, float]:
    if output_range == "none":
        return 1.0, 0.0
    count, total, squares, low, high = 0, 0.0, 0.0, np.inf, -np.inf
    for block, _ in _blocks(images, unscaled.colour, per_image_mean=False):
        whitened = unscaled.of_intensities(block)
        count, total = count + whitened.size, total + whitened.sum()
        squares += (whitened**2).sum()
        low, high = min(low, whitened.min()), max(high, whitened.max())
    if high - low < 1e-9:  # of intensities up to 1, in steps of 1/255
        raise InputError(
            f"whitening output_range is {output_range!r}, and every pixel of the training images has the same value after "
            "preprocessing; use output_range: none, or look at the file"
        )
    if output_range == "unit_variance":
        return float(1.0 / np.sqrt(squares / count - (total / count) ** 2)), 0.0
    return float(1.0 / (high - low)), float(-low / (high - low))


def _check_option(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"whitening {name} is {value!r}; allowed: {', '.join(allowed)}")


def _check_images(images: np.ndarray, colour: str) -> None:
    _check_option("colour", colour, COLOURS)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise InputError(
            f"images have type {images.dtype} and shape {images.shape}; whitening takes uint8 of shape (N, H, W, 1 or 3)"
        )


def _check_components(components: int, spectrum: np.ndarray, images: int) -> None:
    rank = numerical_rank(spectrum, images)
    if not 1 <= components <= rank:
        if rank == 0:
            raise InputError(f"the {images} training images are all the same, and whitening has no direction to keep")
        raise InputError(
            f"whitening components is {components}; allowed: 1 to {rank}, the numerical rank of {images} training images of "
            f"{spectrum.size} values each (lower whitening.components or use more training images)"
        )
