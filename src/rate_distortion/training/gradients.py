"""Mean and standard deviation of the stochastic gradients over an epoch, in one pass (Section 4.1)."""

from __future__ import annotations

import torch
from torch import Tensor

from rate_distortion.models.perceptrons import Pass, PerceptronPack


class GradientMoments:
    """Sums of the weight gradients and of their squares, elementwise and in float64, over the minibatches added.

    A short last minibatch counts as one like the others. In float64 the squares of float32 gradients lose nothing as long as
    the standard deviation is above a ten-millionth of the mean.
    """

    def __init__(self, pack: PerceptronPack):
        self.minibatches = 0
        self.sums = [torch.zeros_like(weight, dtype=torch.float64) for weight in pack.weights]
        self.squares = [torch.zeros_like(total) for total in self.sums]

    def add(self, found: Pass, errors: list[Tensor]) -> None:
        """Add the gradients of one minibatch, formed from the layers' inputs and errors."""
        self.minibatches += 1
        for total, squares, error, inputs in zip(self.sums, self.squares, errors, found.inputs, strict=True):
            gradient = torch.bmm(error, inputs.transpose(1, 2)).double()
            total.add_(gradient)
            squares.addcmul_(gradient, gradient)

    def norms(self) -> tuple[Tensor, Tensor]:
        """L2 norms of the mean and of the standard deviation (divisor m - 1), (K, layers) each.

        The deviation of a single minibatch is not a number.
        """
        count = self.minibatches
        mean = [(total / count).flatten(1).norm(dim=1) for total in self.sums]
        excess = [squares - total.square() / count for total, squares in zip(self.sums, self.squares, strict=True)]
        variance = [deviations.clamp_min(0).sum((1, 2)) / (count - 1 or torch.nan) for deviations in excess]
        return torch.stack(mean, 1), torch.stack(variance, 1).sqrt()

    def rows(self, pack: PerceptronPack) -> list[list[dict]]:
        """For each network a row for every layer: mean_norm, deviation_norm, weight_norm (now), minibatches."""
        columns = torch.stack([*self.norms(), pack.weight_norms()], 2).tolist()
        names = ("mean_norm", "deviation_norm", "weight_norm")
        return [
            [
                {"layer": layer, **dict(zip(names, norms, strict=True)), "minibatches": self.minibatches}
                for layer, norms in enumerate(layers, start=1)
            ]
            for layers in columns
        ]
