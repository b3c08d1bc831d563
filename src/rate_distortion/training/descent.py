"""Plain stochastic gradient descent (section 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch


class GradientDescent:
    """One step is w <- w - rate (gradient + lambda w), the same bits as torch.optim.SGD leaves.

    torch's optimizers import its compiler when they are made, which takes seconds that every training would pay.
    """

    def __init__(self, groups: Iterable[Mapping[str, Any]], learning_rate: float):
        """Take groups of parameters as torch's optimizers do.

        Args:
            groups: mappings with "params" (tensors) and "weight_decay" (lambda).
            learning_rate: constant.
        """
        self.groups = [(list(group["params"]), group["weight_decay"]) for group in groups]
        self.learning_rate = learning_rate

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameters, _ in self.groups:
            for parameter in parameters:
                parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for parameters, weight_decay in self.groups:
            for parameter in parameters:
                if (gradient := parameter.grad) is None:
                    continue
                if weight_decay:
                    gradient = gradient.add(parameter, alpha=weight_decay)
                parameter.add_(gradient, alpha=-self.learning_rate)
