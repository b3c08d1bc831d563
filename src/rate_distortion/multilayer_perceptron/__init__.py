"""The multilayer perceptron of Section 4.1: several seeds trained as one, with the records of Figures 2 and 3.

- ``select_digits``: two digits of a data set, 3 versus 7
- ``train``, ``write``: from images to records by seed
- ``NetworkSettings``, ``build``: one network as an ordinary module
"""

from rate_distortion.multilayer_perceptron.digits import select_digits
from rate_distortion.multilayer_perceptron.networks import NetworkPack, NetworkSettings, build
from rate_distortion.multilayer_perceptron.training import RecordSettings, TrainedNetwork, train, write

__all__ = [
    "NetworkPack",
    "NetworkSettings",
    "RecordSettings",
    "TrainedNetwork",
    "build",
    "select_digits",
    "train",
    "write",
]
