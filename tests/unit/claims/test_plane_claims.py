"""Figure 3: measures with known answers."""

import math

import pandas
import pytest
from claim_records import LEDGER

from rate_distortion.analysis.records import StudyRecords
from rate_distortion.claims import measures


def test_figure_3_is_measured_as_it_was_made(tmp_path):
    def rows(labels, hidden, output):
        return [
            {"labels": labels, "estimator": estimator, "layer": layer, "epoch": epoch}
            | {"input_information_bits": bits, "label_information_bits": told}
            for estimator in ("pooled_bins", "other")
            for epoch, bits, told in zip((0, 10, 100, 1000), hidden, output, strict=True)
            for layer in (1, 2, 3)
        ]

    paths = []
    for labels, made in {
        "original": ([10, 10.9, 9.5, 8.9], [0.0, 0.9, 1.0, 1.0]),
        "random": ([10, 10.9, 10.9, 10.9], [0.0, 0.0, 0.1, 0.8]),
    }.items():
        frame = pandas.DataFrame(rows(labels, *made)).assign(seed=1)
        path = tmp_path / f"mlp/relu/none/{labels}/seed1/information_plane.csv"
        path.parent.mkdir(parents=True)
        frame.to_csv(path, index=False)
        paths.append(path)
    records = StudyRecords({"information_plane": paths})
    found = {
        name: measures.MEASURES[LEDGER[name].measure](records, **LEDGER[name].arguments)
        for name in ("F3-compress", "F3-nocompress", "F3-rise", "F3-monotonic", "F3-memo")
    }
    values = {f"{name}: {part}": series.loc[1] for name, parts in found.items() for part, series in parts.items()}
    assert values["F3-compress: drop above 0.1 bits"] == pytest.approx(1.9)
    assert values["F3-nocompress: drop below 0.1 bits"] == pytest.approx(0.1)
    assert values["F3-memo: random above original"] == pytest.approx(2.0)
    assert values["F3-rise: rises"] == pytest.approx(0.8)
    assert values["F3-monotonic: no fall"] == pytest.approx(0.08)
    assert values["F3-rise: later than on original labels"] == pytest.approx(math.log10(1001 / 11))
