"""Which differences between cells the paper states, in its text and captions: names and cells, no numbers.

On random labels they are differences of absolute gaps, as Table 2 prints them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

GAPS = {"original": "generalization_gap", "random": "absolute_gap"}
"""Labels -> the gap of the paper's table, signed in Table 1 and absolute in Table 2."""


class Difference(NamedTuple):
    """A difference that the paper states, or that follows from two of its cells: first minus second."""

    name: str
    statement: str
    column: str
    first: tuple[str, int, str]
    second: tuple[str, int, str]


def stated_differences(cells: Sequence[tuple[str, int, str]]) -> list[Difference]:
    """The differences of text and captions whose both cells exist, at the largest batch size (and the smallest).

    Args:
        cells: (model, batch size, labels) of the cells there are.
    """
    if not cells:
        return []
    sizes = [size for _, size, _ in cells]
    largest, smallest = max(sizes), min(sizes)
    models = list(dict.fromkeys(model for model, _, _ in cells))
    stated = [*_large_batch_gaps(models, largest, smallest), *_pairs(largest)]
    return [difference for difference in stated if {difference.first, difference.second} <= set(cells)]


def _large_batch_gaps(models: Sequence[str], largest: int, smallest: int) -> list[Difference]:
    if largest == smallest:
        return []
    return [
        Difference(
            f"{prefix}large_batch_gap_{model}",
            f"{model}{', random labels: absolute' if prefix else ':'} gap at {largest} minus gap at {smallest} (points)",
            GAPS[labels],
            (model, largest, labels),
            (model, smallest, labels),
        )
        for prefix, labels in (("", "original"), ("random_", "random"))
        for model in models
    ]


def _pairs(size: int) -> list[Difference]:
    at = f"at batch size {size}"

    def pair(name: str, words: str, column: str, first: str, second: str, labels: str = "original") -> Difference:
        return Difference(name, words, column, (first, size, labels), (second, size, labels))

    gap, test = GAPS["original"], "test_accuracy"
    return [
        pair("test_accuracy_B_minus_A", f"B minus A: test accuracy {at} (points)", test, "B", "A"),
        pair("test_accuracy_C_minus_A", f"C minus A: test accuracy {at} (points)", test, "C", "A"),
        pair("gap_A_BN_minus_A", f"A-BN minus A: gap {at} (points)", gap, "A-BN", "A"),
        pair("extra_data_accuracy_B", f"B+ minus B: test accuracy {at} (points)", test, "B+", "B"),
        pair("extra_data_gap_B", f"B+ minus B: gap {at} (points)", gap, "B+", "B"),
        pair("extra_data_accuracy_A_minus_B", f"A+ minus B+: test accuracy {at} (points)", test, "A+", "B+"),
        pair("loss_gap_orders_of_magnitude", f"log10 of loss gap of A over B {at}", "log10_loss_gap", "A", "B"),
        pair(
            "random_gap_C_minus_B",
            f"C minus B, random labels: absolute gap {at} (points)",
            GAPS["random"],
            "C",
            "B",
            "random",
        ),
    ]
