"""A toy capacity law through the workflow: networks of the first images, packed by their number, to table, figure and page."""

import json

import pytest

from project_copy import rows

MINE = {
    "extends": "capacity_law",
    "title": "A toy law",
    "packing": "batch_size",
    "seeds": [1, 2],
    "data": {"train_images": 300, "validation_images": 50, "test_images": 100},
    "whitening": {"components": 64},
    "training": {"epochs": 1, "history_points": 2},
    "tables": {"table1": {"A": [32]}},
    "capacity_law": {"train_images": [150, 300], "weight_decays": [0.0, 0.2], "batch_size": 32, "presentations": 1200},
}


@pytest.mark.slow
def test_a_toy_law_is_made_and_grows_by_what_is_new(project):
    project.edit_config(lambda config: config["studies"].update(mine=MINE))
    table, figure = "results/mine/tables/capacity_law.csv", "results/mine/figures/capacity_law.svg"
    packs = {f"train_packed_mine_batch32-{images}_images-{1200 // images}_epochs": 1 for images in (150, 300)}
    assert project.planned_jobs(figure) == packs | {"prepare_data": 1, "table": 1, "figure": 1}
    project.snakemake("--cores", "2", figure)
    found = [row for row in rows(project.folder / table) if row["train_images"]]
    assert {row["train_images"] for row in found} == {"150", "300"}
    assert {row["n"] for row in found if row["quantity"] == "train_accuracy_percent"} == {"2"}
    folder = project.folder / "results/mine/runs/cnn/A-images-150-decay-0.2/batch32/random/seed1"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["train_images"], metrics["epochs"], metrics["weight_decay"]) == (150, 8, 0.2)
    assert "validation_accuracy" in metrics
    law = MINE["capacity_law"] | {"train_images": [150, 200, 300]}
    project.edit_config(lambda config: config["studies"].update(mine=MINE | {"capacity_law": law}))
    assert project.planned_jobs(figure) == {
        "train_packed_mine_batch32-200_images-6_epochs": 1, "table": 1, "figure": 1,
    }  # fmt: skip
    project.snakemake("--cores", "1", "results/mine/partial")
    page = (project.folder / "results/mine/partial/paper.html").read_text()
    assert "Capacity law" in page
