"""Gradients of a loss with respect to images, for any classifier, leaving the classifier as it was found.

Directions matter here and not losses, which removes a trap. The cross-entropy of an image is softplus(a), where a is the
log-odds against its label, so its gradient is a positive number times the gradient of a. That number rounds to zero once the
model is confident (a below -17 in single precision): the gradient vanishes or loses the label's share, and an attack that
divides by its length stalls. The log-odds have the same direction and no such factor, in any precision.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from rate_distortion import seeds
from rate_distortion.errors import InputError

Objective = Callable[[Tensor, Tensor], Tensor]
"""(logits (N, classes), labels (N,)) -> losses (N,)."""


def log_odds_against(logits: Tensor, labels: Tensor) -> Tensor:
    """log sum_{j != y} exp z_j - z_y in nats, shape (N,): softplus of it is the cross-entropy of label y."""
    label_logits, others = _split(logits, labels)
    return others.logsumexp(1) - label_logits


def logit_margin(logits: Tensor, labels: Tensor) -> Tensor:
    """max_{j != y} z_j - z_y, shape (N,): positive exactly for misclassified images (Carlini and Wagner, 2017)."""
    label_logits, others = _split(logits, labels)
    return others.amax(1) - label_logits


def saturated(logits: Tensor, labels: Tensor) -> Tensor:
    """Images (N,) whose probability of the label rounds to one in the logits' precision.

    There the plain cross-entropy gradient has lost the label's share. Many of them are a reason to distrust an attack that
    uses it.
    """
    return log_odds_against(logits, labels).exp() < torch.finfo(logits.dtype).eps / 2


def input_gradient(model: nn.Module, images: Tensor, labels: Tensor, objective: Objective) -> tuple[Tensor, Tensor]:
    """Logits and the gradient of the summed objective with respect to one batch of images.

    No gradients of weights are computed. The model is used in the mode it is in, and is the same afterwards.

    Args:
        model: images (N, ...) -> logits (N, classes).
        images: the batch, on the model's device and in its precision.
        labels: integers (N,).
        objective: losses from logits and labels; their sum is differentiated, so that an image's gradient depends on the
            batch only where the model mixes images (batch normalization under batch statistics).

    Returns:
        Logits (N, classes) and gradient, shaped as ``images``.

    Raises:
        InputError: logits refused by :func:`usable`.
    """
    with left_as_found(model), torch.enable_grad():
        inputs = images.detach().requires_grad_()
        logits = usable(model(inputs), labels)
        (gradient,) = torch.autograd.grad(objective(logits, labels).sum(), inputs)
    return logits.detach(), gradient


def usable(logits: Tensor, labels: Tensor) -> Tensor:
    """The logits (N, K), unless they would be counted as predictions of these labels without being any.

    Raises:
        InputError: no tensor (N, K), fewer than two classes, a label that is none of them, or values that are not finite.
    """
    alone = "the model must return the logits alone, a tensor (images, classes)"
    require(isinstance(logits, Tensor), "logits", f"a {type(logits).__name__}", alone)
    require(logits.dim() == 2 and logits.shape[1] >= 2, "logits", tuple(logits.shape), "return (images, classes >= 2)")
    require(
        len(logits) == len(labels), "logits", tuple(logits.shape), f"return one row for each of {len(labels)} images"
    )
    require(
        int(labels.max()) < logits.shape[1], "labels", int(labels.max()), f"the model has {logits.shape[1]} classes"
    )
    scale = "check the model's weights and the scale of the images"
    require(bool(torch.isfinite(logits).all()), "logits", "nan or inf", scale)
    return logits


def require(condition: bool, name: str, value: Any, remedy: str) -> None:
    """Raise an InputError that names a setting or argument, its value and what is allowed."""
    if not condition:
        raise InputError(f"{name} is {value}: {remedy}")


@contextlib.contextmanager
def left_as_found(model: nn.Module) -> Iterator[None]:
    """Freeze the weights for a while; afterwards restore who requires a gradient, and buffers such as running statistics."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    for parameter in trainable:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)
        with torch.no_grad():
            for buffer, saved in buffers:
                buffer.copy_(saved)


def unit_length(gradient: Tensor) -> Tensor:
    """Each image's gradient divided by its L2 norm; a gradient of exactly zero stays zero.

    The largest entry is divided out first, so that squares of tiny or huge gradients neither vanish nor overflow.
    """
    flat = gradient.flatten(1)
    largest = flat.abs().amax(1, keepdim=True)
    scaled = flat / torch.where(largest > 0, largest, 1)
    return (scaled / norms(scaled).clamp_min(1).unsqueeze(1)).view_as(gradient)


def norms(images: Tensor) -> Tensor:
    """L2 norm of each image, shape (N,)."""
    return torch.linalg.vector_norm(images.flatten(1), dim=1)


def fixed_batches(count: int, batch_size: int, device: torch.device | str = "cpu") -> tuple[Tensor, ...]:
    """Row numbers of batches of nearly equal size, at most ``batch_size``, in one fixed shuffled order.

    The order is that of :func:`training.evaluation.predict`: under batch statistics an image's logits depend on its
    batch, and a sweep's clean point must be the accuracy that the run reports.
    """
    order = torch.from_numpy(seeds.generator(0, "evaluation_order").permutation(count)).to(device)
    return order.tensor_split(max(1, -(-count // batch_size)))


def _split(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The label's logit (N,), and all logits with the label's at minus infinity (N, classes)."""
    columns = labels.unsqueeze(1)
    return logits.gather(1, columns).squeeze(1), logits.scatter(1, columns, -torch.inf)
