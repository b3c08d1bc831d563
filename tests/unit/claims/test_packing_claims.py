"""Figure 6: measures with known answers, and records on which a careless rule goes wrong."""

import math

import numpy as np
import pytest
from claim_records import assessed, line, packing_run, ring

from rate_distortion.analysis.records import StudyRecords
from rate_distortion.claims import measures


def test_figure_6_is_measured_as_it_was_made(tmp_path):
    made = {"none": (1.0, [0.2, 0.5, 0.95, 0.99], line), "batch": (3.0, [0.3, 0.8, 0.95, 0.96], line)}
    made["batch_without_scale"] = (2.5, made["batch"][1], ring)
    paths = []
    for number, (variant, (size, purity, shape)) in enumerate(made.items()):
        means = np.stack([shape(radius) for radius in ((1, 9, 16, 4) if variant == "none" else (1, 2, 3, 4))])
        rows = {"epoch": [0, 1, 20, 500], "purity": purity, "power": [1.0, 9.0 + number, 16.0, 4.0 + 3 * number]}
        rows |= {"cluster_radius": size, "centre_distance": 2 * size, "isotropy": [0.2, 0.3, 0.5, 0.6 - number / 5]}
        paths.append(packing_run(tmp_path, variant, 1, means, rows))
    records = StudyRecords({"sphere_packing": paths})
    partition, spreading = (
        measures.packing.partition_epoch(records, "none", 0.9),
        measures.packing.spreading_epochs(records, "none"),
    )
    assert (partition.low.loc[1], partition.high.loc[1]) == (1.0, 20.0)
    assert (spreading.low.loc[1], spreading.high.loc[1]) == (1.0, 500.0)
    falling = measures.packing.falling_power(records, "none", 0.9)["power at the end below that at the partition"]
    assert (falling.low.loc[1], falling.high.loc[1]) == (0.75, 0.75)
    larger = measures.packing.larger_clusters(records, "none", ["batch", "batch_without_scale"])
    assert larger["batch: clusters"].loc[1] == pytest.approx(math.log10(3))
    for quantity, difference in (("purity", 0.3), ("power", 1.0)):
        early = measures.packing.at_the_start(records, quantity, "none", "batch")
        assert early["batch above none"].loc[1] == pytest.approx(difference)
    rounder = measures.packing.rounder_clusters(records, "none", 0.9)["rounder at the end than at the partition"]
    assert rounder.loc[1] == pytest.approx(0.1)
    # the arrangement counts, not the clusters' own shapes: the ring's clusters are the least isotropic here
    circular = measures.packing.circular_arrangement(records, "batch", "batch_without_scale")
    assert circular["batch_without_scale above batch"].loc[1] == pytest.approx(1 - 0.43, abs=0.03)
    assert measures.packing.stationary(records, "none", "batch")["batch moves less than none"].loc[1] > 0.5
    transition = measures.packing.less_transition(records, "none", "batch")["batch falls less than none"]
    assert transition.loc[1] == pytest.approx(math.log10(7 / 4))
    inside = measures.packing.inside_axes(records, ["none", "batch_without_scale"], 2.5, 99)
    assert (inside["none"].loc[1], inside["batch_without_scale"].loc[1]) == (1.0, -99.0)


def test_a_network_that_never_parts_its_classes_counts_against_the_phase_transition(tmp_path):
    rows = {"epoch": [0, 1], "purity": [0.1, 0.2], "power": [1.0, 2.0], "isotropy": 0.5}
    records = StudyRecords({"sphere_packing": [packing_run(tmp_path, "none", 1, np.stack([line(1), line(2)]), rows)]})
    partition = measures.packing.partition_epoch(records, "none", 0.9)
    assert (partition.low.loc[1], partition.high.loc[1]) == (1.0, math.inf)
    falling = measures.packing.falling_power(records, "none", 0.9)["power at the end below that at the partition"]
    assert (falling.low.loc[1], falling.high.loc[1]) == (-math.inf, 0.0)


def test_five_networks_that_never_part_their_classes_refute_that_they_do_after_20_epochs(tmp_path):
    rows = {"epoch": [0, 1, 500], "purity": 0.2, "power": [1.0, 2.0, 3.0], "isotropy": 0.5}
    paths = [packing_run(tmp_path, "none", seed, np.stack([line(1), line(2), line(3)]), rows) for seed in range(1, 6)]
    found = assessed([], sphere_packing=paths)
    assert (found["F6-partition"].verdict, found["F6-partition"].censored) == ("not reproduced", 5)


def test_round_clusters_on_a_line_are_arranged_less_circularly_than_elongated_ones_on_a_ring(tmp_path):
    rows = {"epoch": [0, 500], "purity": 0.99, "power": 1.0, "cluster_radius": 1.0, "centre_distance": 1.0}
    paths = [
        packing_run(tmp_path, variant, seed, np.stack([shape(1), shape(3)]), rows | {"isotropy": isotropy})
        for variant, shape, isotropy in (("batch", ring, 0.2), ("batch_without_scale", line, 0.9))
        for seed in range(1, 6)
    ]
    assert assessed([], sphere_packing=paths)["F6-circular"].verdict == "not reproduced"
