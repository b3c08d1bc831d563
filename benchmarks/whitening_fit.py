"""Time the fit of the whitening against scikit-learn's principal components by full singular value decomposition.

    python benchmarks/whitening_fit.py

Both keep 400 components of the same images in float64. The eigenvalues must agree to 1e-9 of the largest before anything is
timed.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from alternating import Result, markdown, measure
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA

from rate_distortion.datasets import whitening

COMPONENTS = 400


def smooth_images(count: int, seed: int = 0) -> np.ndarray:
    """uint8 grey images (count, 32, 32, 1) whose spectrum falls as that of photographs does."""
    noise = np.random.default_rng(seed).normal(size=(count, 32, 32))
    smooth = sum(gaussian_filter(noise, (0, width, width)) * width for width in (0, 1, 2, 4))
    return np.clip(128 + 32 * smooth / smooth.std(), 0, 255).astype(np.uint8)[..., None]


def results(rounds: int = 3, images: int = 5000) -> list[Result]:
    """One fit of each."""
    pixels = smooth_images(images)
    flat = pixels.reshape(len(pixels), -1) / 255

    def ours() -> np.ndarray:
        return whitening.fit(pixels, components=COMPONENTS).spectrum[:COMPONENTS]

    def peer(solver: str) -> np.ndarray:
        return PCA(COMPONENTS, svd_solver=solver, whiten=True).fit(flat).explained_variance_

    scale = (images - 1) / images  # scikit-learn divides by n - 1
    mine, theirs = ours(), peer("full")
    if np.abs(mine - theirs * scale).max() > 1e-9 * theirs[0] and np.abs(mine - theirs).max() > 1e-9 * theirs[0]:
        sys.exit("the spectra disagree; nothing was timed")
    runs = {
        "this project": ours,
        "scikit-learn, full": lambda: peer("full"),
        "scikit-learn, covariance_eigh": lambda: peer("covariance_eigh"),
    }
    return [Result(f"whitening fit, {images:,} images of 1,024 pixels", measure(runs, rounds), "scikit-learn, full")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=5000)
    arguments = parser.parse_args()
    print(markdown(results(arguments.rounds, arguments.images)))
