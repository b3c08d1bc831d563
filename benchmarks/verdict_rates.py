"""How often a verdict is right and wrong, by simulation: numbers of five seeds against printed ones, orderings, whole families.

python benchmarks/verdict_rates.py [draws]

A draw of a number makes five seeds of ours and five of the paper's, of which only the mean and the standard error are kept, as
they are printed. Nothing here is measured against a peer; tests/unit/test_claims.py holds the tests against statsmodels.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas

from rate_distortion.claims import verdicts
from rate_distortion.claims.ledger import load

SEEDS = 5
SPREAD = 0.4
"""Standard deviation over seeds, in points: a standard error of 0.18, in the middle of Table 1's."""


def number(rng: np.random.Generator, difference: float, margin: float) -> verdicts.Evidence:
    """A printed mean whose true value lies a difference away from ours."""
    ours, theirs = rng.normal(difference, SPREAD, SEEDS), rng.normal(0.0, SPREAD, SEEDS)
    return verdicts.equivalence(verdicts.sample(ours), verdicts.sample(theirs), margin)


def ordering(rng: np.random.Generator, means: tuple[float, ...]) -> verdicts.Evidence:
    """Parts with true mean differences, in units of their standard deviation over seeds."""
    return verdicts.ordering([verdicts.sample(rng.normal(mean, 1.0, SEEDS)) for mean in means])


def table1(rng: np.random.Generator, margins: float) -> Counter:
    """The verdicts of Table 1's family when every true value lies a multiple of its margin away from the printed one."""
    evidence = {}
    for claim in load().claims:
        if claim.family == "table 1" and not claim.linked_to:
            error = claim.printed_standard_error
            ours = verdicts.sample(rng.normal(claim.printed + margins * claim.margin.value, SPREAD, SEEDS))
            printed = verdicts.Sample(rng.normal(claim.printed, error) if error else claim.printed, error, SEEDS)
            evidence[claim.id] = verdicts.equivalence(ours, printed, claim.margin.value)
    return Counter(verdict for verdict, _ in verdicts.family_verdicts(evidence).values())


def rates(draw: Callable[[np.random.Generator], verdicts.Evidence], draws: int) -> dict[str, float]:
    """Percent of draws with each verdict."""
    rng = np.random.default_rng(0)
    counts = Counter(verdicts.verdict(draw(rng)) for _ in range(draws))
    return {name: 100 * counts[name] / draws for name in verdicts.VERDICTS}


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
    print(pandas.DataFrame(rows).to_markdown(index=False, floatfmt=".1f"))
    rng, families = np.random.default_rng(1), max(draws // 5, 1)
    rows = []
    for margins in (0.0, 0.999, 1.001, 2.0):
        counts = [table1(rng, margins) for _ in range(families)]
        row = {"Table 1, margins between true and printed values": margins}
        for name in verdicts.VERDICTS:
            row[f"{name} (of {sum(counts[0].values())} claims)"] = np.mean([count[name] for count in counts])
        row["any reproduced (%)"] = 100 * np.mean([count[verdicts.REPRODUCED] > 0 for count in counts])
        row["any not reproduced (%)"] = 100 * np.mean([count[verdicts.NOT_REPRODUCED] > 0 for count in counts])
        rows.append(row)
    print(f"\n{families:,} families:\n")
    print(pandas.DataFrame(rows).to_markdown(index=False, floatfmt=".3g"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
