"""The multilayer perceptron of Section 4.1: several seeds trained as one, with the records of Figures 2 and 3.

- ``select_digits``: two digits of a data set, 3 versus 7
- ``train``, ``write``: from images to records by seed
- ``train_pack``: the same from a study's settings and data, with metrics and provenance
- ``NetworkSettings``, ``build``: one network as an ordinary module
"""

from rate_distortion.datasets import select_digits
from rate_distortion.multilayer_perceptron.networks import NetworkPack, NetworkSettings, build
from rate_distortion.multilayer_perceptron.records import record_settings, train_pack
from rate_distortion.multilayer_perceptron.training import RecordSettings, TrainedNetwork, train, write

__all__ = [
    "NetworkPack",
    "NetworkSettings",
    "RecordSettings",
    "TrainedNetwork",
    "build",
    "record_settings",
    "select_digits",
    "train",
    "train_pack",
    "write",
]
