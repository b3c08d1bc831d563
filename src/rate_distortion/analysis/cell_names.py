"""How the cells of a study are called where their models alone would not tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def names_apart(models: Iterable[str], batch_sizes: Iterable[int]) -> list[str]:
    """A name for each cell: its model, or model@batch size where that model is there at several batch sizes."""
    cells = list(zip(models, batch_sizes, strict=True))
    sizes = Counter(model for model, _ in set(cells))
    return [f"{model}@{size}" if sizes[model] > 1 else model for model, size in cells]
