"""What the paper prints, as numbers: (mean, standard error) per cell. None of it enters any of our own results."""

import math
from collections.abc import Sequence
from typing import NamedTuple

TABLE1 = {
    # model: {batch size: ((test accuracy, error), (generalization gap, error))}, percent and points
    "A": {128: ((85.9, 0.2), (14.1, 0.2)), 64: ((86.3, 0.1), (13.7, 0.1)), 32: ((86.6, 0.1), (13.4, 0.1))},
    "B": {128: ((88.4, 0.2), (4.8, 0.1)), 64: ((87.6, 0.1), (5.5, 0.2)), 32: ((87.2, 0.4), (5.4, 0.2))},
    "C": {128: ((87.1, 0.4), (12.42, 0.04)), 64: ((85.1, 0.5), (11.3, 0.2)), 32: ((85.2, 0.4), (9.0, 0.3))},
}

TABLE2 = {
    # as TABLE1: ((train accuracy, error), (absolute generalization gap, error)) with random labels
    "A": {128: ((85, 3), (76, 3)), 32: ((90, 2), (79, 2))},
    "B": {128: ((10.20, 0.03), (3, 2))},
    "C": {128: ((67, 1), (57, 1)), 32: ((42, 1), (32, 1))},
}

FURTHER_MODELS = {
    # as TABLE1: model B's cell plus the gain that section 4.3 prints for B+, 2 ± 0.3 % and a gap smaller by 0.3 ± 0.1 points
    "B+": {128: ((90.4, 0.4), (4.5, 0.1))},
}

DIFFERENCES = {
    # name of a difference (stated_differences): (mean, error), where printed in words or in a caption
    "large_batch_gap_A": (0.7, 0.3),  # from Table 1
    "large_batch_gap_B": (-0.6, 0.2),  # from Table 1
    "large_batch_gap_C": (3.4, 0.3),  # from Table 1
    "extra_data_accuracy_B": (2.0, 0.3),  # section 4.3
    "extra_data_gap_B": (-0.3, 0.1),  # section 4.3
    "loss_gap_orders_of_magnitude": (1.0, math.nan),  # Table 1, caption
    "random_large_batch_gap_A": (-3.0, 4.0),  # Table 2, caption, where the sign is dropped
    "random_large_batch_gap_C": (25.0, 1.0),  # Table 2, caption
    "random_gap_C_minus_B": (54.0, 2.0),  # Table 2, caption
}

TABLE3 = {"Conv1": "2.0k", "Conv2": "73.7k", "Conv3": "102.4k", "Fc": "2.6k", "Total": "180.9k"}

PLATEAU_EPOCHS = {
    # (activation, normalization): section 4.1, "the number of epochs required" until the ratio is constant; no error is printed
    ("relu", "none"): 1000,
    ("tanh", "none"): 3000,
    ("relu", "batch"): 100,
    ("tanh", "batch"): 100,
}

TRANSFER = {
    # (what, shot): Appendix C, accuracy in percent; no error is printed, and the one-shot number is of a single support set
    ("B+", "zero_shot"): 72.6,
    ("B+", "one_shot"): 77.6,
    ("matching networks", "one_shot"): 72.0,  # quoted there from Vinyals et al. (2016)
}


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
            f"{model}{', random labels' if prefix else ''}: gap at {largest} minus gap at {smallest} (points)",
            "generalization_gap",
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

    gap, test = "generalization_gap", "test_accuracy"
    return [
        pair("test_accuracy_B_minus_A", f"B minus A: test accuracy {at} (points)", test, "B", "A"),
        pair("test_accuracy_C_minus_A", f"C minus A: test accuracy {at} (points)", test, "C", "A"),
        pair("gap_A_BN_minus_A", f"A-BN minus A: gap {at} (points)", gap, "A-BN", "A"),
        pair("extra_data_accuracy_B", f"B+ minus B: test accuracy {at} (points)", test, "B+", "B"),
        pair("extra_data_gap_B", f"B+ minus B: gap {at} (points)", gap, "B+", "B"),
        pair("extra_data_accuracy_A_minus_B", f"A+ minus B+: test accuracy {at} (points)", test, "A+", "B+"),
        pair("loss_gap_orders_of_magnitude", f"log10 of loss gap of A over B {at}", "log10_loss_gap", "A", "B"),
        pair("random_gap_C_minus_B", f"C minus B, random labels: gap {at} (points)", gap, "C", "B", "random"),
    ]
