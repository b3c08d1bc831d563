"""The made-up study and its page."""

from __future__ import annotations

import pytest
from page_study import (
    EVERYTHING,
    STUDY,
    layout_of,
    synthetic_tables,
    write_study,
)

from rate_distortion import page
from rate_distortion.tables import layout


@pytest.fixture(scope="session")
def tables():
    return synthetic_tables()


@pytest.fixture(scope="session")
def finished(tables, tmp_path_factory):
    """The page of a study that has everything."""
    folder = write_study(tmp_path_factory.mktemp("study"), tables)
    rows = tables["tables/table1"]
    made = layout.Table(rows, layout_of("tables/table1", rows), "Accuracy and gap", ["Study demo."])
    (folder / "tables" / "table1.md").write_text(made.markdown())
    page.write(folder / "paper.html", page.Records.of_study(folder, EVERYTHING), STUDY)
    return folder / "paper.html"
