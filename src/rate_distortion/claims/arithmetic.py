"""The paper's own arithmetic: what follows from its printed numbers, exact counts and closed forms alone, without any run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rate_distortion import information
from rate_distortion.analysis import channel
from rate_distortion.claims.ledger import PAPER_SEEDS, Ledger

SVHN_TEST_LABELS = np.array([1744, 5099, 4149, 2882, 2523, 2384, 1977, 2019, 1660, 1595])
"""Images of every class in SVHN's test set, digits 0 to 9."""

SVHN_TRAINING_IMAGES = 73_257
DRAWS = 20_000
"""Draws of random labels behind the accuracy of a constant predictor: its mean is known to 0.0004 points."""


@dataclass(frozen=True)
class Finding:
    """What a calculation comes to.

    Attributes:
        value: in the claim's unit; not a number where the claim has no single one.
        holds: whether the claim does.
        reason: one sentence.
        standard_error: where there is one.
    """

    value: float
    holds: bool
    reason: str
    standard_error: float = math.nan


CALCULATIONS: dict[str, Callable[[Ledger], Finding]] = {}


def calculation(function: Callable[[Ledger], Finding]) -> Callable[[Ledger], Finding]:
    """Register a calculation under its name."""
    CALCULATIONS[function.__name__] = function
    return function


@calculation
def implied_train_accuracy_of_a(ledger: Ledger) -> Finding:
    """Table 1: test accuracy plus gap of A."""
    sums = _implied_train_accuracies(ledger, "A")
    holds = all(abs(value - ledger["T1-A-train"].printed) <= 0.5 for value in sums)
    return Finding(min(sums), holds, f"test accuracy plus gap is {_listed(sums)} at batch sizes 128, 64 and 32")


@calculation
def implied_train_accuracy_of_b(ledger: Ledger) -> Finding:
    """Table 1: test accuracy plus gap of B, below that of A."""
    of_b, of_a = (_implied_train_accuracies(ledger, model) for model in "BA")
    holds = all(b < a for b, a in zip(of_b, of_a, strict=True))
    return Finding(
        float(np.mean(of_b)), holds, f"test accuracy plus gap is {_listed(of_b)} for B against {_listed(of_a)} for A"
    )


@calculation
def large_batch_gaps(ledger: Ledger) -> Finding:
    """Table 1: the gap at 128 less that at 32, of B and C."""
    (of_b, error_of_b), (of_c, error), (of_a, error_of_a) = (
        _difference(ledger, f"T1-{model}128-gap", f"T1-{model}32-gap") for model in "BCA"
    )
    holds = of_b <= 2 * error_of_b and of_c > 2 * error
    reason = (
        f"the cells give {of_b:.1f} ± {error_of_b:.1f} for B and {of_c:.1f} ± {error:.1f} for C; A, of which the caption says "
        f"nothing, has {of_a:.1f} ± {error_of_a:.1f}"
    )
    return Finding(of_c, holds, reason, error)


@calculation
def implied_test_accuracy_on_random_labels(ledger: Ledger) -> Finding:
    """Table 2: training accuracy less gap of A and C."""
    cells = ("A128", "A32", "C128", "C32")
    values = [ledger[f"T2-{cell}-train"].printed - ledger[f"T2-{cell}-gap"].printed for cell in cells]
    errors = [_error(ledger, f"T2-{cell}-train", f"T2-{cell}-gap") for cell in cells]
    holds = all(abs(value - 10) <= 2 * error for value, error in zip(values, errors, strict=True))
    reason = f"training accuracy less gap is {_listed(values)} for A and C at 128 and 32, within two errors of 10"
    return Finding(float(np.mean(values)), holds, reason)


@calculation
def gap_of_always_class_1(ledger: Ledger) -> Finding:
    """The gap of the seed that always predicts class 1."""
    train, class_1 = ledger["T2-B128-train"].printed, ledger["T2-class1"].printed
    difference = train - class_1
    holds = round(abs(difference), 1) == ledger["AR-T2-B-absolute"].printed
    return Finding(
        difference, holds, f"{train:.1f} less {class_1:.1f} is {difference:.1f}: the printed gap is its absolute value"
    )


@calculation
def always_class_1(ledger: Ledger) -> Finding:
    """The share of class 1 in SVHN's test set."""
    share = 100 * float(SVHN_TEST_LABELS[1] / SVHN_TEST_LABELS.sum())
    holds = round(share, 1) == ledger["T2-class1"].printed
    return Finding(share, holds, f"{SVHN_TEST_LABELS[1]:,} of {SVHN_TEST_LABELS.sum():,} test images are of class 1")


@calculation
def sign_of_large_batch_gap_of_a(ledger: Ledger) -> Finding:
    """Table 2: A's gap at 128 less that at 32."""
    difference, error = _difference(ledger, "T2-A128-gap", "T2-A32-gap")
    reason = "76 less 79 is negative: the smaller batches have the larger gap, and the caption prints the size without the sign"
    return Finding(difference, difference > 0, reason, error)


@calculation
def difference_of_gaps_of_c(ledger: Ledger) -> Finding:
    """Table 2: C's gap at 128 less that at 32."""
    return _follows(ledger, "T2-C128-gap", "T2-C32-gap", "T2-lbgg-C")


@calculation
def difference_of_gaps_of_c_and_b(ledger: Ledger) -> Finding:
    """Table 2: C's gap less B's at 128."""
    return _follows(ledger, "T2-C128-gap", "T2-B128-gap", "T2-C-B")


@calculation
def constant_predictor(ledger: Ledger) -> Finding:
    """The training accuracy of the best constant predictor on uniform labels, as a mean over five seeds."""
    mean, deviation, low, high = constant_predictor_percent()
    printed = ledger["T2-B128-train"].printed
    reason = (
        f"the best constant predictor of {SVHN_TRAINING_IMAGES:,} uniform labels scores {mean:.2f} %, with a standard error of "
        f"{deviation / math.sqrt(PAPER_SEEDS):.2f} over five draws; 95 of 100 such means lie from {low:.2f} to {high:.2f}"
    )
    return Finding(mean, bool(low <= printed <= high), reason, deviation / math.sqrt(PAPER_SEEDS))


@calculation
def over_chance(ledger: Ledger) -> Finding:
    """B's training accuracy on random labels less one in ten."""
    train = ledger["T2-B128-train"]
    mean = constant_predictor_percent()[0]
    excess = train.printed - 10
    reason = (
        f"{train.printed:.2f} less 10 is {excess:.2f}, and a constant predictor exceeds one in ten by {mean - 10:.2f}: "
        "B fits nothing"
    )
    return Finding(excess, round(excess, 2) == 0.2, reason, train.printed_standard_error)


@calculation
def information_of_constant_predictor(_: Ledger) -> Finding:
    """Mutual information of a constant prediction and the label."""
    table = np.zeros((10, 10), dtype=np.int64)
    table[:, 1] = SVHN_TEST_LABELS
    bits = information.confusion_information(table).value_bits
    return Finding(bits, bits == 0, "a table with one column of predictions has no information")


@calculation
def least_capacity_best_accuracy(ledger: Ledger) -> Finding:
    """Tables 1 and 2 at batch size 128: the model that fits random labels least has the highest test accuracy."""
    fitted = {model: ledger[f"T2-{model}128-train"].printed for model in "ABC"}
    tested = {model: ledger[f"T1-{model}128-test"].printed for model in "ABC"}
    least, best = min(fitted, key=fitted.get), max(tested, key=tested.get)
    return Finding(
        math.nan, least == best, f"{least} fits random labels least and {best} has the highest test accuracy"
    )


@calculation
def codewords_and_capacity(_: Ledger) -> Finding:
    """Equation 2's number of codewords against 2 to the power of n times Equation 1's capacity, at several ratios and n."""
    worst = 0.0
    for ratio in (0.1, 1.0, 10.0, 1000.0):
        for length in (1, 2, 64, 1000):
            exponent = length * float(channel.capacity_bits(ratio, 1.0))
            packed = length * math.log2(math.sqrt(ratio + 1.0))  # volumes grow with the length's power of the radius
            worst = max(worst, abs(packed - exponent) / exponent)
    return Finding(
        worst, worst < 1e-12, "both sides agree to rounding for ratios from 0.1 to 1,000 and lengths from 1 to 1,000"
    )


@calculation
def pixel_entropy(ledger: Ledger) -> Finding:
    """Entropy of a uniform 8-bit pixel, and of one that is not quite."""
    uniform = np.full(256, 1 / 256)
    tilted = uniform * (1 + 0.01 * np.linspace(-1, 1, 256))
    bits, less = (_entropy_bits(shares) for shares in (uniform, tilted))
    holds = abs(bits - ledger["AR-pixel-bits"].printed) < 1e-12 and less < bits
    return Finding(bits, holds, "256 equally likely values have log2 256 bits, and any other distribution has fewer")


@calculation
def entropy_of_test_labels(ledger: Ledger) -> Finding:
    """H(Y) of SVHN's test labels."""
    bits = _entropy_bits(SVHN_TEST_LABELS / SVHN_TEST_LABELS.sum())
    return Finding(bits, round(bits, 1) == ledger["S-HY"].printed, "from the number of test images of every class")


@calculation
def information_of_never_the_label(ledger: Ledger) -> Finding:
    """I(T; Y) where each of ten equally likely labels is read as one of the other nine: log2 10 - log2 9."""
    bits = math.log2(10 / 9)
    return Finding(bits, abs(bits - ledger["S-floor"].printed) < 0.02, "log2 (10 / 9)")


def constant_predictor_percent(
    images: int = SVHN_TRAINING_IMAGES, classes: int = 10, seeds: int = PAPER_SEEDS, draws: int = DRAWS
) -> tuple[float, float, float, float]:
    """Accuracy of the best constant predictor on uniform labels: mean and standard deviation over draws, and the 95 percent
    range of a mean over ``seeds`` draws."""
    rng = np.random.default_rng(0)
    shares = 100 * rng.multinomial(images, np.full(classes, 1 / classes), draws).max(axis=1) / images
    means = shares[: draws - draws % seeds].reshape(-1, seeds).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(shares.mean()), float(shares.std(ddof=1)), float(low), float(high)


def _implied_train_accuracies(ledger: Ledger, model: str) -> list[float]:
    return [
        ledger[f"T1-{model}{size}-test"].printed + ledger[f"T1-{model}{size}-gap"].printed for size in (128, 64, 32)
    ]


def _follows(ledger: Ledger, first: str, second: str, stated: str) -> Finding:
    """Whether a printed difference and its error follow from two printed cells, to the last printed digit."""
    difference, error = _difference(ledger, first, second)
    claim = ledger[stated]
    holds = difference == claim.printed and round(error) == claim.printed_standard_error
    return Finding(difference, holds, f"the cells give {difference:g} ± {error:.1f}", error)


def _difference(ledger: Ledger, first: str, second: str) -> tuple[float, float]:
    return ledger[first].printed - ledger[second].printed, _error(ledger, first, second)


def _error(ledger: Ledger, *ids: str) -> float:
    return math.hypot(*(ledger[name].printed_standard_error for name in ids))


def _entropy_bits(shares: np.ndarray) -> float:
    return float(-(shares * np.log2(shares)).sum())


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in values)
