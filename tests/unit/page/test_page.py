"""The page: every section from tidy tables, what is missing, and what a user wrote."""

from __future__ import annotations

import dataclasses
import html
import html.parser
import itertools
import re
import subprocess
import sys

import pandas
import pytest
from page_study import (
    DATA,
    EVERYTHING,
    NAMES,
    SECTIONS,
    STUDY,
    write_study,
)

from rate_distortion import page
from rate_distortion.tables import comparisons


class Structure(html.parser.HTMLParser):
    """What of a page's structure the tests ask for."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.images, self.headings, self.open = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes.get("href", ""))
        if tag == "img" or attributes.get("role") == "img":
            self.images.append(attributes.get("alt") or attributes.get("aria-label"))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))


def without_scripts(text):
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_every_section_of_the_paper_is_there_in_its_order(finished):
    structure = Structure(without_scripts(finished.read_text()))
    sections = [name for name in structure.ids if name in SECTIONS]
    assert sections == SECTIONS
    for name in ("figure1", "figure2", "figure3", "figure4", "figure5", "figure6", "figure7", "table1", "table3"):
        assert name in structure.ids


def test_ids_are_unique_links_lead_somewhere_and_images_have_words(finished):
    structure = Structure(without_scripts(finished.read_text()))
    assert len(structure.ids) == len(set(structure.ids))
    assert all(link.startswith("#") and link[1:] in structure.ids for link in structure.links)
    assert len(structure.images) > 10
    assert all(structure.images)
    assert structure.headings[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(structure.headings) if after > before)


def test_measured_numbers_stand_beside_the_printed_ones(finished, tables):
    text = without_scripts(finished.read_text())
    assert "85.9 ± 0.2" in text
    assert f"{tables['tables/table1'].iloc[0]['mean']:.1f} ± 0.5" in text
    assert re.search(r"constant from epoch</th><td>about 1,000</td>", text)
    assert re.search(r">2.0k<span class=\"printed\"><span class=\"hidden\">, the paper: </span>2.0k</span>", text)
    assert "180.9k" in text


def test_a_model_swept_at_several_batch_sizes_is_compared_at_each(tables):
    rows = tables["tables/fault_tolerance"]
    small = rows[rows["model"] == "B"].assign(batch_size=32, lowest_accuracy_percent=7.0)
    lowest = comparisons.fault_tolerance(pandas.concat([rows, small]))[0]
    assert lowest.here.replace(comparisons.NO_BREAK, " ") == "B@128 0.0 %, C 0.0 %, B@32 7.0 %"


def test_a_verdict_comes_with_comparability_and_reason(finished):
    text = without_scripts(finished.read_text())
    card = re.search(r'<article[^>]*id="claim-T1-A128-test".*?</article>', text, re.DOTALL)[0]
    for part in ("not reproduced", "full", "outside the margin", "85.9 ± 0.2 %", "84.0 ± 0.3 %", "5 seeds"):
        assert part in card
    regularization = text[text.index('<section id="regularization"') : text.index('<section id="calibration"')]
    assert "claim-T1-rank-test" in regularization
    assert "claim-F5-acc0" not in regularization
    ledger_part = text[text.index('<section id="ledger"') :]
    assert 'id="claim-S-clean"' in ledger_part
    assert "Beside the paper, and not counted" in ledger_part
    assert "all (3)" in ledger_part
    assert ledger_part.count("<tr data-verdict") == 3


def test_what_is_not_made_yet_is_said_and_how_to_make_it(tmp_path):
    text = without_scripts(page.render(page.Records.of_study(tmp_path, EVERYTHING), STUDY, partial=True))
    assert text.count("has not been made yet") >= len(EVERYTHING) - 2
    assert "snakemake --cores 2 results/demo/figures/figure5.svg" in text
    assert "snakemake --cores 1 results/demo/partial" in text


@pytest.mark.parametrize("first", range(5))
def test_missing_parts_leave_the_rest(first, tables, tmp_path):
    absent = EVERYTHING[first::5]
    folder = write_study(tmp_path, {name: rows for name, rows in tables.items() if name not in absent})
    text = without_scripts(page.render(page.Records.of_study(folder, EVERYTHING), STUDY))
    said = html.unescape(re.search("Missing so far: (.*?)</p>", text)[1])
    assert said == "; ".join(NAMES[name] for name in absent) + "."


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_table_with_a_heading_and_no_rows_is_missing(name, tables, tmp_path):
    folder = write_study(tmp_path, {name: tables[name].iloc[:0]})
    assert page.Records.of_study(folder, EVERYTHING).is_missing(name)


def test_what_a_study_leaves_out_is_left_out(tables, tmp_path):
    folder = write_study(tmp_path, tables)
    own = ["tables/table1", "tables/table3", "figures/figure1", "claims"]
    text = without_scripts(page.render(page.Records.of_study(folder, own), dataclasses.replace(STUDY, digits=None)))
    sections = [name for name in Structure(text).ids if name in SECTIONS]
    assert sections == ["channel", "regularization", "architecture", "ledger"]
    assert re.search("Not part of this study:.*the information plane", text)
    assert "has not been made yet" not in text


def test_every_embedded_study_says_that_its_data_are_not_the_papers(finished, tables, tmp_path):
    assert "Not the paper's data" in finished.read_text()
    svhn = dataclasses.replace(STUDY, dataset="svhn", digits="mnist", data=DATA | {"description": "SVHN"})
    assert "Not the paper's data" not in page.render(page.Records.of_study(tmp_path, []), svhn)


def test_text_of_a_user_cannot_become_markup(tables, tmp_path):
    attack = '</script><script>alert("1")</script><img src=x onerror=alert(1)>'
    tables = {name: rows.replace({"A": attack, "B": attack + "2"}) for name, rows in tables.items()}
    tables["claims"] = tables["claims"].assign(reason=attack, statement=attack, id="A<b>")
    study = dataclasses.replace(
        STUDY,
        title=attack,
        figure4_model=attack,
        tables={"table1": {attack: [128]}},
        data=DATA | {"description": attack},
    )
    text = page.render(page.Records.of_study(write_study(tmp_path, tables), EVERYTHING), study)
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_an_own_model_has_a_colour_that_cannot_become_a_style(tables, tmp_path):
    study = dataclasses.replace(STUDY, tables={"table1": {"NA": [128]}, "table2": {}})
    tables = {"tables/table1": tables["tables/table1"].assign(model="NA").drop_duplicates(["batch_size", "quantity"])}
    text = page.render(page.Records.of_study(write_study(tmp_path, tables), EVERYTHING), study)
    assert re.search(r'style="background: light-dark\(#[0-9A-Fa-f]{6}, #[0-9A-Fa-f]{6}\)"></span>NA</th>', text)


def test_the_page_is_one_small_file_that_asks_for_nothing(finished):
    text = finished.read_text()
    assert finished.stat().st_size < 15e6
    assert "default-src 'none'" in text
    outside = without_scripts(text)
    addresses = {found for found in re.findall(r"https?://[^\s\"'<]+", outside) if "www.w3.org" not in found}
    assert not addresses


def test_the_theses_open_the_page_where_they_were_judged(tables, tmp_path):
    folder = write_study(tmp_path, tables)
    records = page.Records.of_study(folder, EVERYTHING)
    assert 'id="theses"' not in page.render(records, STUDY)
    thesis = {"thesis": "decay", "statement": "Weight decay <removes>", "verdict": "supported", "where": "Section 4.3"}
    effects = {"supports": "T1-A128-test", "contradicts": "", "undecided": ""}
    row = thesis | effects | {"comparability": "other data", "would_decide": "more seeds"}
    pandas.DataFrame([row]).to_csv(folder / "theses.csv", index=False)
    text = without_scripts(page.render(records, STUDY))
    assert text.index('id="theses"') < text.index('<section id="channel"')
    assert "Weight decay &lt;removes&gt;" in text
    assert '<a href="#claim-T1-A128-test">' in text


def test_a_page_of_a_users_own_data_speaks_of_the_users_models_alone(tables, tmp_path):
    own = dataclasses.replace(STUDY, dataset="arrays", title="My networks", data=DATA | {"dataset": "arrays"})
    own = dataclasses.replace(own, data=own.data | {"description": "my images"})
    text = without_scripts(page.render(page.Records.of_study(write_study(tmp_path, tables), EVERYTHING), own))
    visible = re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<style>.*?</style>|<svg.*?</svg>", "", text))
    assert "<h1>My networks</h1>" in text
    for word in ("paper", "claim", "undecided", "svhn"):
        assert word not in visible.lower(), word
    assert 'class="printed"' not in text


def test_a_page_whose_networks_are_all_the_users_own_is_theirs_on_the_papers_data_too():
    assert dataclasses.replace(STUDY, dataset="mnist", data=None, networks_are_own=True).is_users_own
    assert not dataclasses.replace(STUDY, dataset="mnist", data=None).is_users_own


def test_the_page_needs_no_torch():
    code = "import sys; from rate_distortion import page; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0
