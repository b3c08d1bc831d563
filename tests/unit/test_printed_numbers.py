"""What the paper prints stands in claims.yaml and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

from rate_distortion.claims import ledger, wording

ROOT = Path(__file__).parents[2]
PLACES = [
    path
    for folder, kinds in (("src", (".py", ".html", ".css", ".js")), ("workflow", (".py", ".smk", ".rst")))
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in kinds
]
UNITS = {"%": r"\s*(?:&nbsp;)?(?:%|percent)", "points": r"\s*points?", "steps": r"\s*steps", "epochs": r"\s*epochs"}
UNITS |= {"thousands": r"\s*(?:k\b|thousand)", "bits": r"\s*bits", "weight decay": ""}


def patterns():
    """Every printed number: with its error, with its unit, or alone where it has three digits and a decimal point."""
    found = {rf"{ledger.load()['F7-72'].arguments['percent']}{UNITS['%']}"}
    for claim in ledger.load().claims:
        if isinstance(claim.printed, str):
            found |= {re.escape(text) for text in re.findall(r"[\d.]+ ± [\d.]+", claim.printed)}
            continue
        number, _, error = (
            wording.as_printed(str(claim.printed), claim.printed_standard_error).lstrip("-").partition(" ± ")
        )
        if error:
            found.add(f"{re.escape(number)} ± {re.escape(error)}")
        digits = len(re.sub(r"\D", "", number).lstrip("0"))
        if "." in number and digits > 2:
            found.add(re.escape(number))
        if claim.unit in UNITS:
            about = "" if digits > 1 and claim.printed not in (10, 100) else "about "
            found |= {about + re.escape(each) + UNITS[claim.unit] for each in (number, number.replace(",", ""))}
    return sorted(rf"(?<![\d.,]){pattern}(?!\d)" for pattern in found)


def test_no_printed_number_stands_in_the_library_its_templates_or_captions():
    searched = re.compile("|".join(patterns()))
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in PLACES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        for match in searched.finditer(line)
    ]
    assert len(PLACES) > 100
    assert not found, "claims.yaml says what the paper prints; take it from the ledger"


def test_the_search_finds_what_it_looks_for():
    text = "85.9 ± 0.2, 12.42, about 1,000 epochs, 72 percent, 4.8 points and 10.20 ± 0.03"
    hits = {match[0] for pattern in patterns() for match in re.finditer(pattern, text)}
    assert {"85.9 ± 0.2", "85.9", "12.42", "1,000 epochs", "72 percent", "4.8 points", "10.20 ± 0.03"} <= hits
    assert not any(re.search(pattern, "a learning rate of 0.05 and 3 seeds in 20 images") for pattern in patterns())
