"""Appendix A: sphere packing in a layer of two units, the nonlinear information bottleneck of Figure 6.

- ``networks``: the network and its three variants
- ``pairwise_bound``: what the layer tells of the input, as a differentiable upper bound, and its kernel's bandwidth
- ``training``: from images to an embedding of every image at chosen epochs
- ``records``: the same from a study's settings, with the files of a run
- ``geometry``: power, scatter, purity and vacant area of an embedding; numpy only
- ``figure``: Figure 6 and its animation

Nothing is imported here, so that tables and figures need no torch.
"""

VARIANTS = ("none", "batch", "batch_without_scale")
"""Panels (a), (b) and (c): no normalization, batch normalization, and the same without the scale gamma."""
