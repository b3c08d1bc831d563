"""README and docs/reproduction.md show what is recorded of studies, by rule."""

from pathlib import Path

import pandas
import pytest

from rate_distortion.claims import ledger, overview, recorded

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("page", "table"),
    [
        (recorded.README, lambda: recorded.theses_table(overview.read(recorded.THESES))),
        (recorded.REPRODUCTION, lambda: overview.markdown(overview.read(recorded.VERDICTS))),
    ],
)
def test_a_page_shows_what_is_recorded(page, table, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = page.read_text()
    assert recorded.with_table(text, table()) == text, 'run: make readme STUDY="svhn_part/partial demo"'


def test_every_thesis_table_and_figure_is_recorded(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert list(overview.read(recorded.THESES)["thesis"].unique()) == list(ledger.load().theses)
    assert list(overview.read(recorded.VERDICTS)["item"]) == [item.name for item in overview.ITEMS]


def test_readme_can_be_read_in_two_minutes_and_keeps_its_commands():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 120
    targets = {line.partition(":")[0] for line in (ROOT / "Makefile").read_text().splitlines()}
    named = {line.split()[1] for line in lines if line.startswith("make ")}
    assert {"demo", "test"} <= named <= targets


@pytest.fixture
def studies(tmp_path, monkeypatch):
    """Two studies with one thesis each on either side: the unfinished one has nothing on the second thesis."""
    for page in (recorded.README, recorded.REPRODUCTION):
        (tmp_path / page).parent.mkdir(exist_ok=True)
        (tmp_path / page).write_text(f"Before\n{recorded.BEGIN}\nold\n{recorded.END}\nAfter\n")
    claims = pandas.DataFrame(
        [
            ("T2-restored", "ordering", "one", 5.0, "2 seeds"),
            ("T2-rank-train", "ordering", "one", -5.0, "2 seeds"),
            ("T2-decay", "ordering", "one", 9.0, "by construction: chosen for it"),
            ("T2-C128-gap", "number", "one", 9.0, "2 seeds"),
            ("L-best", "ordering", "one", -ledger.load()["L-best"].allowance / 2, "2 seeds"),
            ("F3-memo", "ordering", "two", None, "not measured"),
        ],
        columns=["id", "kind", "thesis", "measured", "reason"],
    )
    theses = pandas.DataFrame({"thesis": ["one", "two"], "statement": ["First", "Second"], "where": "Section 1"})
    folders = [Path("results/real/partial"), Path("results/mine")]
    for folder, compared in zip(folders, (["reduced", ""], ["other data", "other data"]), strict=True):
        (tmp_path / folder).mkdir(parents=True)
        theses.assign(verdict="undecided", comparability=compared).to_csv(tmp_path / folder / "theses.csv", index=False)
        claims.to_csv(tmp_path / folder / "claims.csv", index=False)
    columns = [
        "item",
        "study",
        "reproduced",
        "not_reproduced",
        "undecided",
        "comparability",
        "command",
        "training_minutes",
    ]
    row = pandas.DataFrame([["Table 1", "mine", 1, 0, 2, "full", "snakemake x", 3]], columns=columns)
    row.to_csv(tmp_path / "results/mine/overview.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return [str(folder) for folder in folders]


def test_recording_studies_writes_both_tables_and_leaves_the_rest(studies):
    recorded.main(*studies)
    readme, reproduction = recorded.README.read_text(), recorded.REPRODUCTION.read_text()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in readme.splitlines() if line.startswith("| ")]
    assert cells == [
        ["what the paper argues", "where", "`real` so far", "`mine`"],
        ["First", "Section 1", "undecided, 2 of 3", "undecided, 2 of 3"],
        ["Second", "Section 1", "—", "undecided"],
    ]
    assert "1 reproduced, 2 undecided" in reproduction
    for page in (readme, reproduction):
        assert page.startswith("Before\n")
        assert page.endswith("After\n")
        assert "old" not in page
    recorded.main(*studies)
    assert recorded.README.read_text() == readme


def test_a_page_without_its_markers_is_said():
    with pytest.raises(ValueError, match="lacks the lines"):
        recorded.with_table("no markers", "| table |")
