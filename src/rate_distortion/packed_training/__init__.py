"""Several convolutional networks trained as one: variants, weight decays, seeds and labels as an axis of every tensor.

- ``Member``, ``train``: from images and labels to one :class:`rate_distortion.training.TrainedRun` per network
- ``train_pack``: the same from a study's settings and data to the files of every run
- ``NetworkPack``, ``BACK_ENDS``: the networks, and the ways to convolve them
- ``Stepper``: one step of gradient descent, as it is or as a CUDA graph
"""

from rate_distortion.packed_training.back_ends import BACK_ENDS
from rate_distortion.packed_training.networks import NetworkPack
from rate_distortion.packed_training.records import train_pack
from rate_distortion.packed_training.steps import Stepper
from rate_distortion.packed_training.training import Member, train

__all__ = ["BACK_ENDS", "Member", "NetworkPack", "Stepper", "train", "train_pack"]
