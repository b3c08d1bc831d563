"""Networks as users bring them: some work, some are refused, one is warned of (test_own_networks.py)."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, classes, mode):
        super().__init__()
        self.conv, self.fc, self.mode = nn.Conv2d(1, 6, 5, 2), nn.Linear(6 * 144, classes), mode

    def forward(self, x):
        h = self.conv(x).relu()
        h = h.view(h.size(0), -1) if self.mode == "view" else h.flatten(1)
        out = self.fc(h)
        if self.mode == "dict":
            return {"logits": out}
        if self.mode == "tuple":
            return out, h
        if self.mode == "tuple in training" and self.training:
            return out, out
        if self.mode == "predictions":
            return out.argmax(1)
        if self.mode == "detached":
            return out.detach()
        if self.mode == "infinite":
            return out / 0
        return out.softmax(1) if self.mode == "softmax" else out


def _factory(mode, more=0):
    return lambda image_shape, classes: Net(classes + more, mode)


plain, view, dictionary, pair, pair_in_training, softmax = map(
    _factory, ("plain", "view", "dict", "tuple", "tuple in training", "softmax")
)
predictions, detached, infinite = map(_factory, ("predictions", "detached", "infinite"))
too_many, too_few = _factory("plain", 5), _factory("plain", -2)


def lazy(image_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(classes))


def lazy_colour(image_shape, classes):
    return nn.Sequential(nn.Conv2d(3, 4, 5), nn.Flatten(), nn.LazyLinear(classes))


def colour(image_shape, classes):
    return nn.Sequential(nn.Conv2d(3, 4, 5), nn.Flatten(), nn.Linear(4 * 24 * 24, classes))


class Tied(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first, self.second = nn.Linear(784, 784, bias=False), nn.Linear(784, 784, bias=False)
        self.second.weight = self.first.weight
        self.head = nn.Linear(784, classes)

    def forward(self, x):
        return self.head(self.second(self.first(x.flatten(1)).relu()).relu())


def tied(image_shape, classes):
    return Tied(classes)


def normalized(image_shape, classes):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, classes)
    )


def not_a_network(image_shape, classes):
    return torch.zeros(2, classes)
