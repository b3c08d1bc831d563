"""An upper bound on the information that a noisy layer carries about its input, for use as a penalty.

T = h + sqrt(s) Z of N equally likely inputs is a mixture of N equal Gaussians around h_1 .. h_N, whose entropy the pairwise
Kullback-Leibler divergences bound from above (Kolchinsky and Tracey, 2017). The nonlinear information bottleneck (Kolchinsky,
Tracey and Wolpert, 2017) takes the few inputs at hand for a sample of all and widens the kernels by a variance k:

    I(X; T) <= (n/2) log((s + k) / s) - mean_i log mean_j exp(-|h_i - h_j|^2 / (2 (s + k)))

with n units. For k = 0 it is the upper bound of :func:`rate_distortion.information.kernel_information`.
"""

from __future__ import annotations

import math

import torch
from scipy import optimize
from torch import Tensor

LOG_VARIANCE_BOUNDS = (-30.0, 10.0)
"""Search range of the bandwidth: without it, units that coincide (relu can switch both off) would drive it to zero."""

LEAST_EXPONENT = -80.0
"""Smaller exponents are taken for this one: e^-80 changes no sum, and what lies below float32's normal numbers is slow."""


def information_nats(points: Tensor, noise_log_variance: Tensor, kernel_log_variance: Tensor) -> Tensor:
    """The bound in nats, differentiable in the points and the noise.

    Args:
        points: the layer without noise, (N, units).
        noise_log_variance: log s, a scalar.
        kernel_log_variance: log k, a scalar; minus infinity for none.
    """
    total_log_variance = torch.logaddexp(noise_log_variance, kernel_log_variance)
    exponents = (square_distances(points) * (-0.5 * torch.exp(-total_log_variance))).clamp_min(LEAST_EXPONENT)
    overlap = torch.logsumexp(exponents, 1).mean() - math.log(len(points))
    return 0.5 * points.shape[1] * (total_log_variance - noise_log_variance) - overlap


def square_distances(points: Tensor) -> Tensor:
    """|h_i - h_j|^2, (N, N). By differences: squares of lengths would cancel to a wrong small distance, or a negative one."""
    return sum((column.unsqueeze(1) - column).square() for column in points.unbind(1))


def leave_one_out_log_likelihood(square: Tensor, log_variance: float, dimension: int) -> float:
    """Mean log density of each point under Gaussian kernels at all the others, in nats.

    Args:
        square: square distances with an infinite diagonal, (N, N).
        log_variance: of the kernels.
        dimension: that the kernel's normalization is taken for; the layer's, unless one wants the release's mistake.
    """
    exponents = square * (-0.5 * math.exp(-log_variance))
    mean = torch.logsumexp(exponents, 1).mean().item() - math.log(len(square) - 1)
    return mean - 0.5 * dimension * (math.log(2 * math.pi) + log_variance)


def kernel_bandwidth(points: Tensor, dimension: int) -> float:
    """The log variance of the kernels under which each point is likeliest given the others.

    Args:
        points: (N, units), N at least 2.
        dimension: see :func:`leave_one_out_log_likelihood`.

    Returns:
        log k, to 1e-3, inside :data:`LOG_VARIANCE_BOUNDS`; it does not depend on where an earlier search ended, so that a
        resumed training finds the same.
    """
    square = square_distances(points.detach().double()).fill_diagonal_(math.inf)
    found = optimize.minimize_scalar(
        lambda log_variance: -leave_one_out_log_likelihood(square, log_variance, dimension),
        bounds=LOG_VARIANCE_BOUNDS,
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(found.x)
