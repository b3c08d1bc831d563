"""The page's tables: what they say of seeds, title and notes, and that they show what the files show."""

from __future__ import annotations

import dataclasses
import re

import pandas
import pytest
from page_study import (
    EVERYTHING,
    STUDY,
    layout_of,
    write_study,
)

from rate_distortion import page
from rate_distortion.page import assembly
from rate_distortion.studies import results
from rate_distortion.tables import layout

OF_FINISHED_SEEDS = [
    "gradient_snr",
    "weight_decay",
    "information_plane",
    "fault_tolerance",
    "reverse_transmission",
    "sphere_packing",
    "sensitivity",
    "ablations",
    "transfer",
]


def test_a_table_says_how_many_seeds_a_cell_rests_on(tables, tmp_path):
    text = page.render(page.Records.of_study(write_study(tmp_path, tables), EVERYTHING), STUDY)
    assert "(3 of 5)" in text
    assert "In orange: on fewer seeds than planned." in text


@pytest.mark.parametrize("name", OF_FINISHED_SEEDS)
def test_a_table_of_finished_seeds_counts_as_resting_on_fewer_and_says_of_how_many(name, tables, tmp_path):
    own, study = f"tables/{name}", dataclasses.replace(STUDY, tables={})
    text = page.render(page.Records.of_study(write_study(tmp_path / "whole", {own: tables[own]}), [own]), study)
    assert "on fewer seeds than planned" not in text
    some = tables[own].assign(n=3, seeds_finished=3, seeds_planned=5)
    text = page.render(page.Records.of_study(write_study(tmp_path / "some", {own: some}), [own]), study)
    marked = len(re.findall('<td class="partial', text))
    assert re.search(rf"\b{marked} table cells? rests? on fewer seeds than planned", text)
    assert "of 5)" not in text


def test_title_and_notes_are_those_of_the_job_that_made_the_table(tables, tmp_path):
    folder, rows = write_study(tmp_path, tables), tables["tables/weight_decay"]
    made = layout.Table(rows, layout_of("tables/weight_decay", rows), "The title of the job", ["Study demo."])
    made = made.of_finished_seeds(3, 5)
    made.write(*(folder / f"tables/weight_decay.{suffix}" for suffix in ("csv", "md", "tex")))
    text = page.render(page.Records.of_study(folder, EVERYTHING), STUDY)
    assert "The title of the job" in text
    assert "<li>Study demo.</li><li>From 3 of 5 seeds.</li>" in text


@pytest.mark.parametrize("name", [name for name in EVERYTHING if name.startswith("tables/")])
def test_html_shows_what_markdown_shows(name, tables, tmp_path):
    folder = write_study(tmp_path, {name: tables[name]})
    shown = layout_of(name, page.Records.of_study(folder, [name]).read(name))
    of_html = {text for row in shown.rows for cell in shown.cells(row) for text in (cell.text, cell.printed) if text}
    of_markdown = {text.removesuffix(", printed") for line in shown.lines() for text in line if text}
    assert of_html - {"—"} == of_markdown - {"—"}


def test_a_table_without_a_layout_of_its_own_is_shown_as_it_is(tmp_path, monkeypatch):
    table1 = next(result for result in results.RESULTS if result.name == "table1")
    toy = dataclasses.replace(table1, name="toy", words="a toy", make="tables.layout:Table")
    monkeypatch.setattr(assembly, "RESULTS", (*results.RESULTS, toy))
    folder = write_study(tmp_path, {"tables/toy": pandas.DataFrame({"model": ["NA"], "area_bits": [12.5]})})
    text = page.render(page.Records.of_study(folder, ["tables/toy"]), STUDY)
    assert "<summary>A toy</summary>" in text
    assert re.search(r"area bits</th>.*>12.5<", text, re.DOTALL)


def test_seeds_that_fit_random_labels_are_counted_among_those_that_have_finished(tables):
    rows = tables["tables/weight_decay"].assign(n=3, fitting_seeds=2, seeds_finished=3, seeds_planned=5)
    shown = layout_of("tables/weight_decay", rows)
    assert {row["seeds that fit random labels"].text for row in shown.rows} == {"2 of 3"}


def test_a_model_at_two_batch_sizes_has_rows_of_its_own_for_each(tables):
    for name in ("tables/fault_tolerance", "tables/attack_audit"):
        rows = tables[name]
        both = pandas.concat([rows, rows[rows["model"] == "B"].assign(batch_size=32)])
        once, twice = ([row["model"].text for row in layout_of(name, some).rows] for some in (rows, both))
        assert set(once) == set(rows["model"]), name
        assert set(twice) == {"B@128", "B@32", *set(rows["model"]) - {"B"}}, name
        assert len(twice) == len(once) + once.count("B")
