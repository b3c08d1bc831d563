"""One integer seed per run, split into independent streams.

Initialisation, shuffling and random labels each have their own stream, so that the same seed gives every model of a study
the same labels and the same order of images, and so that the shuffle of epoch 300 can be drawn without the 299 before it
(which is what makes an exact resume cheap).
"""

from __future__ import annotations

import numpy as np

STREAMS = ("initialization", "shuffling", "labels", "evaluation_order", "noise", "support", "rotation", "layers")
"""A stream is drawn from its place here: new ones come last."""


def generator(seed: int, stream: str, *counters: int) -> np.random.Generator:
    """The numpy generator of one stream; further integers (an epoch, an image) select a sub-stream."""
    return np.random.default_rng([STREAMS.index(stream), *counters, seed])


def torch_seed(seed: int, stream: str, *counters: int) -> int:
    """A 63-bit seed for ``torch.Generator.manual_seed``, drawn from the same stream."""
    return int(generator(seed, stream, *counters).integers(2**63 - 1))
