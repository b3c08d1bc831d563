"""What the tables from unfinished studies are made of: the functions of the rule, called as the workflow calls them."""

import re
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[2] / "workflow/rules/functions/partial.smk"


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
