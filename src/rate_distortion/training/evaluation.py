"""What a trained model says of a split: accuracy, loss, confusion table and I(prediction; label)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from rate_distortion import information, seeds


@dataclass(frozen=True)
class Evaluation:
    """Results on one split.

    Attributes:
        accuracy_percent: percent of images whose most probable class is the label.
        loss_nats: mean cross-entropy.
        confusion: counts, shape (classes, classes); rows are labels, columns predictions.
    """

    accuracy_percent: float
    loss_nats: float
    confusion: np.ndarray

    @property
    def information_bits(self) -> float:
        """Plug-in mutual information between prediction and label."""
        return information.confusion_information(self.confusion).value_bits


@torch.no_grad()
def predict(model: nn.Module, images: Tensor, batch_size: int = 1000) -> Tensor:
    """Logits (N, classes) of ``images`` (N, C, H, W) in evaluation mode, on the model's device.

    Images are taken in one fixed shuffled order and in batches of nearly equal size, at most ``batch_size``: with batch
    normalization under batch statistics an image's logits depend on its batch, which must therefore be a random sample and
    not, say, a remainder of three images.
    """
    was_training = model.training
    model.eval()
    order = torch.from_numpy(seeds.generator(0, "evaluation_order").permutation(len(images))).to(images.device)
    batches = order.tensor_split(max(1, -(-len(images) // batch_size)))
    shuffled = torch.cat([model(images[rows]) for rows in batches])
    logits = torch.empty_like(shuffled)
    logits[order] = shuffled
    model.train(was_training)
    return logits


def evaluate(logits: Tensor, labels: Tensor) -> Evaluation:
    """Accuracy, loss and confusion table from logits (N, classes) and integer labels (N,)."""
    predictions, classes = logits.argmax(1), logits.shape[1]
    counts = torch.bincount(labels * classes + predictions, minlength=classes**2)
    return Evaluation(
        accuracy_percent=100.0 * (predictions == labels).double().mean().item(),
        loss_nats=functional.cross_entropy(logits.double(), labels).item(),
        confusion=counts.reshape(classes, classes).cpu().numpy(),
    )
