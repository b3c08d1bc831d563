"""A rate-distortion theory of adversarial examples: the paper's analysis as a library, usable without Snakemake."""

__version__ = "0.1.0"
