"""What the tables of an unfinished study are made of."""

from pathlib import Path

import pytest
import yaml

from rate_distortion import studies
from rate_distortion.studies import promises, unfinished
from rate_distortion.studies.results import TABLES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ci():
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    return studies.load(yaml.safe_load((ROOT / "config.yaml").read_text()), schema)["ci"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of its own, and a function that puts empty files there."""
    monkeypatch.chdir(tmp_path)

    def put(*paths):
        for path in map(Path, paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return put


def all_inputs(study, name):
    return [
        path for some in TABLES[name].inputs(study).values() for path in ([some] if isinstance(some, str) else some)
    ]


@pytest.mark.parametrize(
    ("path", "seed"),
    [
        ("results/seed7/runs/cnn/seed8/batch128/original/seed2/perturbations/sweeps.npz", 2),
        ("results/ci/transfer/seed8/seed3/one_shot.csv", 3),
        ("results/ci/runs/sphere_packing/none/seed12/geometry.csv", 12),
        ("results/seed7/network.csv", None),
    ],
)
def test_the_seed_of_a_file_is_that_of_its_run(path, seed):
    assert unfinished.seed_of(path) == seed


def test_a_study_that_has_not_begun_lacks_every_table(ci, place):
    parts = unfinished.tables(ci)
    assert set(parts) == {result.name for result in promises.promised(ci) if result.kind == "table"} - {"attack_audit"}
    assert parts["table1"]["missing"] == parts["differences"]["missing"] == "no run has finished yet"
    assert parts["transfer"]["missing"] == "no seed has finished all of its networks yet"
    assert parts["table3"]["missing"] == "results/ci/network.csv is not there yet"
    assert not any(unfinished.claim_records(ci).values())
    assert unfinished.page_records(ci) == []


def test_a_finished_study_has_every_table_whole(ci, place):
    for result in promises.promised(ci):
        if result.kind == "table" and result.make:
            place(*all_inputs(ci, result.name))
    for name, part in unfinished.tables(ci).items():
        assert part["missing"] == "", name
        assert part["inputs"] == TABLES[name].inputs(ci), name
        assert part["settings"] == TABLES[name].settings(ci), name
        assert part["seeds"] is None or part["seeds"]["finished"] == part["seeds"]["planned"], name


def test_accuracies_take_every_finished_run(ci, place):
    run = "results/ci/runs/cnn/B/batch128/original/seed2"
    place(f"{run}/metrics.json", f"{run}/provenance.json")
    part = unfinished.tables(ci)["table1"]
    assert part["inputs"]["metrics"] == [f"{run}/metrics.json"]
    assert part["inputs"]["provenance"] == [f"{run}/provenance.json"]
    assert part["seeds"] is None


@pytest.mark.parametrize("lacking", ["provenance.json", "metrics.json", "reverse_transmission.csv"])
def test_a_seed_counts_once_all_that_its_table_reads_is_there(ci, place, lacking):
    inputs = all_inputs(ci, "reverse_transmission")
    late = next(path for path in inputs if path.endswith(f"A/batch128/original/seed2/{lacking}"))
    place(*(path for path in inputs if path != late))
    part = unfinished.tables(ci)["reverse_transmission"]
    assert part["seeds"] == {"finished": 1, "planned": 2}
    assert part["settings"]["study"]["seeds"] == [1]
    assert {unfinished.seed_of(path) for path in part["inputs"]["records"]} == {1}


def test_a_partial_transfer_is_judged_by_how_its_own_networks_were_made(ci, place):
    inputs = TABLES["transfer"].inputs(ci)
    place(*(path for path in all_inputs(ci, "transfer") if not path.endswith("B+/seed2/zero_shot.csv")))
    part = unfinished.tables(ci)["transfer"]
    assert part["inputs"]["one_shot"] == inputs["one_shot"][:1]
    assert part["inputs"]["provenance"] == inputs["provenance"][:1]
    assert part["inputs"]["choice"] == inputs["choice"]


def test_the_choice_of_weight_decay_is_left_out_while_it_is_not_there(ci, place):
    place(*(path for path in all_inputs(ci, "transfer") if not path.endswith("weight_decay.json")))
    part = unfinished.tables(ci)["transfer"]
    assert (part["inputs"]["choice"], part["missing"]) == ([], "")
