"""How often a verdict is right and wrong, by simulation: claims, families, values that are not reached, information.

python benchmarks/verdict_rates.py [draws]

Draws have five seeds a side. Of the paper's five only the mean and the standard error are kept, as they are printed. Nothing
here is measured against a peer; tests/unit/claims holds the tests against statsmodels. It prints verdict_rates.md.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas
from scipy.optimize import brentq

from rate_distortion import information
from rate_distortion.analysis import fault_tolerance
from rate_distortion.claims import verdicts
from rate_distortion.claims.ledger import Claim, load

SEEDS = 5
SPREAD = 0.4
"""Standard deviation over seeds, in points: a standard error of 0.18, in the middle of Table 1's."""
DECADES = 0.1
"""Standard deviation over seeds of the logarithm of a number that is printed as a round one."""
END = 4.0
"""log10 of the last epoch of trainings that may never settle."""
FACTOR_2 = math.log10(2)
RATIOS_DB = (np.inf, 60, 45, 35, 30, 25, 20, 15, 10, 5, 2.0)


def number(rng: np.random.Generator, difference: float, margin: float) -> verdicts.Evidence:
    """A printed mean whose true value lies a difference away from ours."""
    ours, theirs = rng.normal(difference, SPREAD, SEEDS), rng.normal(0.0, SPREAD, SEEDS)
    return verdicts.equivalence(verdicts.observed(ours), verdicts.sample(theirs), margin)


def ordering(rng: np.random.Generator, means: tuple[float, ...]) -> verdicts.Evidence:
    """Parts with true mean differences, in units of their standard deviation over seeds."""
    return verdicts.ordering([verdicts.observed(rng.normal(mean, 1.0, SEEDS)) for mean in means])


def unsettled(rng: np.random.Generator, share: float, printed: float, seeds: int) -> verdicts.Evidence:
    """Epochs of a plateau around 1,000, of which a share of the networks has none by the end (Figure 2's resolution)."""
    values = rng.normal(3.0, DECADES, seeds)
    never = rng.random(seeds) < share
    observed = verdicts.observed(np.where(never, END, values), np.where(never, np.inf, values), resolution=0.5)
    return verdicts.equivalence(observed, verdicts.Sample(printed, 0.0, 5), FACTOR_2)


def on_a_grid(rng: np.random.Generator, true: float, ratio: float) -> verdicts.Evidence:
    """A weight decay read off a grid of a given ratio, of which the printed value is a member; logarithms."""
    step = math.log10(ratio)
    high = np.ceil(rng.normal(true, DECADES / 2, SEEDS) / step - 1e-9) * step
    return verdicts.equivalence(verdicts.observed(high - step, high), verdicts.Sample(0.0, 0.0, 5), FACTOR_2)


def curves(rng: np.random.Generator, differences: tuple[float, ...], noises: int = 3) -> verdicts.Evidence:
    """F5-bn: differences in bits at its six ratios under three noises, with a spread of 0.05 bits, half of it common to all."""
    parts = []
    for _ in range(noises):
        common = rng.normal(0, 0.05 * math.sqrt(0.5), (SEEDS, 1))
        bits = np.array(differences) + common + rng.normal(0, 0.05 * math.sqrt(0.5), (SEEDS, len(differences)))
        parts += [verdicts.observed(bits.mean(axis=1)), *(verdicts.observed(own + 0.1) for own in bits.T)]
    return verdicts.ordering(parts)


def guessed(rng: np.random.Generator, images: int, shares: tuple[float, ...], classes: int, among: int, seeds: int = 1):
    """Labels (N,), and for every seed predictions (points, N) of which a share is guessed among some classes.

    Which images are guessed first belongs to the images and not to the seed, so that seeds fail on the same ones.
    """
    labels, patience = rng.integers(0, classes, images), rng.random(images)
    guesses = rng.integers(0, among, (seeds, images))
    return labels, [np.array([np.where(patience < share, own, labels) for share in shares]) for own in guesses]


def true_bits(share: float, classes: int, among: int) -> float:
    """Information of predictions of which a share is guessed."""
    joint = np.eye(classes) * (1 - share) / classes
    joint[:, :among] += share / classes / among
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    there = joint > 0
    return float((joint[there] * np.log2(joint[there] / independent[there])).sum())


SHARES = {
    "all": lambda _: 1.0,
    "half": lambda _: 0.5,
    "a tenth": lambda _: 0.1,
    "from a tenth to all": lambda ratio: float(np.clip((40 - ratio) / 30, 0.1, 1)),
}
"""Shares of the images that are guessed at a ratio."""


def largest_errors(rng: np.random.Generator, images: int, classes: int, among: int, draws: int) -> dict[str, object]:
    """The largest mean error of each estimate of information, over shares of guesses, in bits."""
    errors = []
    for share in (0.02, 0.1, 0.2, 0.3, 0.5, 0.65, 0.8, 0.9, 1.0):
        found = []
        for _ in range(draws):
            labels, [[predictions]] = guessed(rng, images, (share,), classes, among)
            plug_in = information.mutual_information(labels, predictions, permutations=30)
            entropy = information.entropy(labels).value_bits
            in_proportion = entropy * (plug_in.value_bits - plug_in.floor_bits) / (entropy - plug_in.floor_bits)
            corrected = information.pair_information(labels, predictions).mean()
            found.append((plug_in.value_bits, in_proportion, plug_in.miller_madow_bits, corrected))
        errors.append(np.mean(found, axis=0) - true_bits(share, classes, among))
    names = ("plug-in", "plug-in, chance taken off", "Miller and Madow", "corrected (Grassberger, chance taken off)")
    largest = [max(own, key=abs) for own in np.transpose(errors)]
    where = {"images, classes, guessed among": f"{images:,}, {classes}, {among}"}
    return where | dict(zip(names, largest, strict=True))


def share_with(bits: float, among: int) -> float:
    """The share of guesses among some of ten classes that leaves so much information."""
    return brentq(lambda share: true_bits(share, 10, among) - bits, 0, 1) if bits else 1.0


def same_information(rng: np.random.Generator, bits: float, corrected: bool) -> verdicts.Evidence:
    """256 images, a model that guesses among two classes against one that guesses among ten, with the same information."""

    def estimate(among: int) -> float:
        labels, [[predictions]] = guessed(rng, 256, (share_with(bits, among),), 10, among)
        if corrected:
            return float(information.pair_information(labels, predictions).mean())
        return information.mutual_information(labels, predictions).value_bits

    return verdicts.ordering([verdicts.observed([estimate(2) - estimate(10) for _ in range(SEEDS)])])


def coverage(
    rng: np.random.Generator, images: int, classes: int, among: int, name: str, draws: int
) -> dict[str, object]:
    """How often the 95 percent interval of an area over three seeds holds the true one."""
    shares, ratios = tuple(map(SHARES[name], RATIOS_DB)), pandas.DataFrame({"snr_db": RATIOS_DB})
    true = fault_tolerance.area(RATIOS_DB, [true_bits(share, classes, among) for share in shares])

    def interval() -> tuple[float, float, float]:
        labels, of_seeds = guessed(rng, images, shares, classes, among, seeds=3)
        sweeps = [
            fault_tolerance.RecordedSweep("B", 128, seed, "l2", "none", ratios, predictions, labels)
            for seed, predictions in enumerate(of_seeds)
        ]
        return fault_tolerance.area_interval(sweeps)

    found = np.array([interval() for _ in range(draws)])
    return {
        "images": images,
        "classes": classes,
        "guessed": f"{name}, among {among}",
        "true area (bits dB)": true,
        "mean estimate": found[:, 0].mean(),
        "mean width": (found[:, 2] - found[:, 1]).mean(),
        "in the interval (%)": 100 * np.mean((found[:, 1] <= true + 1e-9) & (true <= found[:, 2])),
    }


def table1(rng: np.random.Generator, margins: float) -> Counter:
    """The verdicts of Table 1's family when every true value lies a multiple of its margin away from the printed one."""
    evidence = {}
    for claim in load().claims:
        if claim.family == "table 1" and not claim.linked_to:
            error = claim.printed_standard_error
            ours = verdicts.observed(rng.normal(claim.printed + margins * claim.margin.value, SPREAD, SEEDS))
            printed = verdicts.Sample(rng.normal(claim.printed, error) if error else claim.printed, error, SEEDS)
            evidence[claim.id] = verdicts.equivalence(ours, printed, claim.margin.value)
    return Counter(verdict for verdict, _ in verdicts.family_verdicts(evidence).values())


PARTS = {
    "run_chains": lambda own: sum(len(chain) - 1 for chain in own["chains"]),
    "plateau_chains": lambda own: sum(len(chain) - 1 for chain in own["chains"]),
    "training_beyond_fitting": lambda own: len(own["batch_sizes"]),
    "relative_sensitivity": lambda own: len(own["pairs"]),
    "decay_beyond_width": lambda own: len(own["narrower"]),
    "best_weight_decay": lambda _: 7,  # of the eight values of the paper's study
    "collapse": lambda _: 2,
    "more_data": lambda _: 2,
    "slow_rise": lambda _: 2,
    "one_shot_calibration": lambda _: 2,
    "settles": lambda own: len(own["networks"]),
    "change_by_depth": lambda own: 2 * len(own["activations"]),
    "distinct_levels": lambda own: len(own["activations"]),
    "sorted_by_depth": lambda own: len(own["activations"]),
    "last_layer_noise": lambda own: len(own["activations"]),
    "collapse_of_layers": lambda own: len(own["activations"]),
    "more_information": lambda own: len(own["noises"]) * (1 + len(own["at_db"])),
    "plateau_of_information": lambda own: 2 * len(own["noises"]),
    "residual_information": lambda own: len(own["models"]) * len(own["noises"]),
    "half_information": lambda own: len(own["models"]),
    "read_as": lambda own: len(own["noises"]),
    "larger_clusters": lambda own: 2 * len(own["others"]),
    "inside_axes": lambda own: len(own["variants"]),
}
"""Measure -> the number of parts of an ordering; every other has one."""


def spread_of(claim: Claim) -> float:
    """Standard deviation over seeds: that of the paper's five where it prints one."""
    if claim.scale == "log10" or claim.unit == "decades":
        return DECADES
    return math.sqrt(SEEDS) * claim.printed_standard_error if claim.printed_standard_error else SPREAD / 4


def true_claim(rng: np.random.Generator, claim: Claim, effect: float) -> verdicts.Evidence:
    """Five seeds of a claim that holds: a number equal to the printed one, or parts of a given effect."""
    if claim.kind == "ordering":
        return ordering(rng, (effect,) * PARTS.get(claim.measure, lambda _: 1)(claim.arguments))
    scale = spread_of(claim)
    printed = math.log10(claim.printed) if claim.scale == "log10" else claim.printed
    ours = verdicts.observed(rng.normal(printed, scale, SEEDS), resolution=claim.resolution)
    if claim.printed_as == "single_run":
        return verdicts.equivalence_to_one_run(ours.shown, rng.normal(printed, scale), claim.margin.value)
    error = claim.printed_standard_error or 0.0
    return verdicts.equivalence(
        ours, verdicts.Sample(rng.normal(printed, error) if error else printed, error, SEEDS), claim.margin.value
    )


def found_percent(claims: list[Claim], effect: float, draws: int) -> dict[str, tuple[float, float]]:
    """Claim -> percent of draws in which it is reproduced where all of its family hold: alone, and within its family."""
    rng, alone, together = np.random.default_rng(2), Counter(), Counter()
    for family in dict.fromkeys(claim.family for claim in claims):
        own = [claim for claim in claims if claim.family == family]
        for _ in range(draws):
            evidence = {claim.id: true_claim(rng, claim, effect) for claim in own}
            alone.update(name for name, each in evidence.items() if verdicts.verdict(each) == verdicts.REPRODUCED)
            judgements = verdicts.family_verdicts(evidence)
            together.update(name for name, (verdict, _) in judgements.items() if verdict == verdicts.REPRODUCED)
    return {claim.id: (100 * alone[claim.id] / draws, 100 * together[claim.id] / draws) for claim in claims}


def powers(draws: int) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Rows for numbers that are the printed ones, and for orderings whose parts are one, two and three deviations."""
    judged = [
        claim
        for claim in load().claims
        if claim.rests_on == "experiments"
        and claim.of_the_paper
        and not claim.linked_to
        and claim.measure != "unrecorded"
    ]
    sizes = Counter(claim.family for claim in judged)
    numbers, orderings = ([claim for claim in judged if claim.kind == kind] for kind in ("number", "ordering"))
    found = found_percent(numbers, 0.0, draws)
    of_numbers = [
        {"claim": claim.id, "family": f"{claim.family} ({sizes[claim.family]})"}
        | dict(zip(("alone (%)", "in its family (%)"), found[claim.id], strict=True))
        for claim in numbers
    ]
    by_effect = {effect: found_percent(orderings, effect, draws) for effect in (1.0, 2.0, 3.0)}
    of_orderings = [
        {"claim": claim.id, "family": f"{claim.family} ({sizes[claim.family]})"}
        | {"parts": PARTS.get(claim.measure, lambda _: 1)(claim.arguments)}
        | {f"{effect:g} σ (%)": percent[claim.id][1] for effect, percent in by_effect.items()}
        for claim in orderings
    ]
    return of_numbers, of_orderings


def rates(draw: Callable[[np.random.Generator], verdicts.Evidence], draws: int) -> dict[str, float]:
    """Percent of draws with each verdict."""
    rng = np.random.default_rng(0)
    counts = Counter(verdicts.verdict(draw(rng)) for _ in range(draws))
    return {name: 100 * counts[name] / draws for name in verdicts.VERDICTS}


def shown(title: str, rows: list[dict[str, object]], digits: str = ".1f") -> None:
    """Print a table under its heading."""
    print(f"\n## {title}\n")
    print(pandas.DataFrame(rows).to_markdown(index=False, floatfmt=digits))


def main(draws: int = 10_000) -> None:
    """Print the rates."""
    rows = [
        {"claim": f"number, margin 1, true difference {difference:g}"}
        | rates(lambda rng, difference=difference: number(rng, difference, 1.0), draws)
        for difference in (0.0, 0.5, 0.999, 1.001, 1.5, 2.0)
    ]
    rows.append(
        {"claim": "number, margin 0.1, true difference 0.0999"} | rates(lambda rng: number(rng, 0.0999, 0.1), draws)
    )
    rows += [
        {"claim": f"ordering, true differences {', '.join(map(str, means))} standard deviations"}
        | rates(lambda rng, means=means: ordering(rng, means), draws)
        for means in ((0.0,), (1.0,), (2.0,), (-2.0,), (0.0, 5.0, 5.0), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0))
    ]
    shown("Single claims", rows)
    rows = [
        {"networks that never settle (%)": 100 * share, "seeds": seeds, "printed": f"{10**printed:,.0f}"}
        | rates(lambda rng, own=(share, printed, seeds): unsettled(rng, *own), draws // 5)
        for share, printed, seeds in (
            (0.0, 3.0, 5), (0.2, 3.0, 5), (0.5, 3.0, 5), (0.5, 3.0, 10), (1.0, 3.0, 5), (0.0, 3.0 + FACTOR_2, 5), (0.5, 2.0, 5)
        )
    ]  # fmt: skip
    shown("Values that are not reached: plateaus around 1,000 epochs in trainings of 10,000", rows)
    rows = [
        {"true over printed": f"{10**true:.2f}", "ratio of the grid": ratio}
        | rates(lambda rng, own=(true, ratio): on_a_grid(rng, *own), draws // 5)
        for ratio in (1.4, 2.0)
        for true in (-0.1, 0.0, FACTOR_2, 0.5)
    ]
    shown("Values that are read off a grid: the smallest sufficient weight decay", rows)
    rows = [
        {"difference at 50, 40, 30, 20, 10, 5 dB (bits)": ", ".join(f"{own:g}" for own in differences)}
        | rates(lambda rng, differences=differences: curves(rng, differences), draws // 20)
        for differences in (
            (0.05, 0.3, 0.6, 0.6, 0.3, 0.1), (0.0,) * 6, (0.5, 0.5, 0.5, 0.5, 0.5, -0.1), (0.5, 0.5, -0.3, -0.3, -0.3, -0.3)
        )
    ]  # fmt: skip
    shown("Information at the same ratio (F5-bn)", rows)
    rows = [
        {"true information (bits)": bits, "estimate": "corrected" if corrected else "plug-in"}
        | rates(lambda rng, own=(bits, corrected): same_information(rng, *own), draws // 10)
        for bits in (0.0, 0.5, 1.5, 2.5)
        for corrected in (True, False)
    ]
    shown("The same information at 256 images: guesses among two classes (B) against ten (C)", rows)
    rng = np.random.default_rng(5)
    sizes = ((256, 10, 10), (256, 10, 2), (1000, 10, 10), (80, 40, 40))
    rows = [largest_errors(rng, *own, max(draws // 10, 10)) for own in sizes]
    shown(
        "Estimates of information: the largest mean error over shares of guesses from 2 to 100 %, in bits", rows, ".2f"
    )
    rng = np.random.default_rng(3)
    rows = [
        coverage(rng, *sizes, share, max(draws // 10, 10))
        for sizes in ((256, 10, 10), (256, 10, 2), (1000, 10, 10), (10_000, 10, 10), (80, 40, 40))
        for share in SHARES
    ]
    shown("The interval of an area, three seeds", rows)
    rng, families = np.random.default_rng(1), max(draws // 5, 1)
    rows = []
    for margins in (0.0, 0.999, 1.001, 2.0):
        counts = [table1(rng, margins) for _ in range(families)]
        row = {"margins between true and printed values": margins}
        for name in verdicts.VERDICTS:
            row[f"{name} (of {sum(counts[0].values())} claims)"] = np.mean([count[name] for count in counts])
        row["any reproduced (%)"] = 100 * np.mean([count[verdicts.REPRODUCED] > 0 for count in counts])
        row["any not reproduced (%)"] = 100 * np.mean([count[verdicts.NOT_REPRODUCED] > 0 for count in counts])
        rows.append(row)
    shown(f"Table 1 together, {families:,} families", rows, ".3g")
    of_numbers, of_orderings = powers(max(draws // 20, 1))
    shown("Power of every number at five seeds, where ours is the printed one", of_numbers, ".0f")
    shown("Power of every ordering at five seeds, within its family, by the size of its parts", of_orderings, ".0f")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
