"""What the tables from unfinished studies are made of: the functions of the rule, called as the workflow calls them."""

import importlib.util
import re
from pathlib import Path

import pandas
import pytest

from rate_distortion import tables
from rate_distortion.tables.layout import plain

WORKFLOW = Path(__file__).parents[2] / "workflow"
FUNCTIONS = WORKFLOW / "rules/functions/partial.smk"


@pytest.fixture
def functions():
    """The functions by name, over those of the workflow that a test puts beside them."""
    names = {"re": re, "Path": Path}
    exec(compile(FUNCTIONS.read_text(), str(FUNCTIONS), "exec"), names)
    return names


@pytest.mark.parametrize(
    ("path", "seed"),
    [
        ("results/seed7/runs/cnn/seed8/batch128/original/seed2/perturbations/sweeps.npz", 2),
        ("results/ci/transfer/seed8/seed3/one_shot.csv", 3),
        ("results/ci/runs/sphere_packing/none/seed12/geometry.csv", 12),
        ("results/seed7/network.csv", None),
    ],
)
def test_the_seed_of_a_file_is_that_of_its_run(functions, path, seed):
    assert functions["seed_of"](path) == seed


def test_a_partial_transfer_is_judged_by_how_its_own_networks_were_made(functions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    transfers = [f"results/ci/transfer/B/seed{seed}/one_shot.csv" for seed in (1, 2)]
    networks = [f"results/ci/runs/cnn/B/batch128/original/seed{seed}/provenance.json" for seed in (1, 2)]
    for path in (transfers[0], transfers[0].replace("one_shot", "zero_shot")):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    functions["table_files"] = lambda _: {"transfer": ({"one_shot": transfers}, {"study": {"seeds": [1, 2]}})}
    functions["transferred_provenance"] = lambda _: networks
    made = functions["partial_tables"](None)["transfer"]
    assert made["files"] == {"one_shot": transfers[:1]}
    assert made["provenance"] == networks[:1]


def test_a_table_of_finished_seeds_knows_how_many_were_planned_and_says_so(functions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records = [f"results/ci/runs/cnn/A/batch128/original/seed{seed}/metrics.json" for seed in range(1, 6)]
    for path in records[:3]:
        Path(path).parent.mkdir(parents=True)
        Path(path).touch()
    part = functions["from_finished_seeds"]({"metrics": records}, {"study": {"seeds": [1, 2, 3, 4, 5]}}, [])
    assert part["arguments"]["study"]["seeds"] == [1, 2, 3]
    spec = importlib.util.spec_from_file_location("partial", WORKFLOW / "scripts/partial.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    frame = pandas.DataFrame({"mean": [1.0]})
    maker = {"ablations": lambda metrics, study: tables.Table(frame, plain(frame), "Ablations")}
    monkeypatch.setattr(script.making, "ablations", maker["ablations"])
    table = script.made("ablations", part)
    assert table.tidy.iloc[0].to_dict() == {"mean": 1.0, "seeds_finished": 3, "seeds_planned": 5}
    assert "From 3 of 5 seeds." in table.markdown()
    assert "From 3 of 5 seeds." in table.latex()
    for path in records[3:]:
        Path(path).parent.mkdir(parents=True)
        Path(path).touch()
    whole = functions["from_finished_seeds"]({"metrics": records}, {"study": {"seeds": [1, 2, 3, 4, 5]}}, [])
    assert script.made("ablations", whole).tidy.equals(frame)
