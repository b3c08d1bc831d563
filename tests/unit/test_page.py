"""The page: every section from tidy tables, what is missing, what a user wrote, and how it behaves in a browser."""

from __future__ import annotations

import dataclasses
import html
import html.parser
import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest
from playwright.sync_api import sync_playwright

from rate_distortion import page
from rate_distortion.claims import cards as ledger
from rate_distortion.page import assembly, charts, colours, pictures
from rate_distortion.studies import results
from rate_distortion.tables import comparisons, layout

DATA = {
    "description": "procedural street numbers, which stand in for SVHN",
    "images": {"train": 1000, "validation": 500, "test": 1000},
    "train_on": "train",
}
STUDY = page.Study(
    name="demo",
    title="Embedded data",
    seeds=[1, 2, 3, 4, 5],
    epochs=20,
    learning_rate=0.05,
    dataset="house_numbers",
    tables={"table1": {"A": [128, 32], "B": [128]}, "table2": {"A": [128]}},
    figure4_model="B",
    ratio="literal",
    digits="digits",
    data=DATA,
    digits_data={"description": "3 versus 7 of scikit-learn's digits"},
)
NAMES = {result.place: result.words for result in results.RESULTS} | {"claims": "the ledger of claims"}
SECTIONS = [*results.SECTIONS, "ledger"]
EVERYTHING = tuple(NAMES)
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="99pt" height="9pt" '
    'viewBox="0 0 99 9"><metadata>date</metadata><defs><style>*{stroke-linejoin: round}</style><path id="m1"/></defs>'
    '<path d="M 0 0" style="fill: #ffffff"/><path d="M 1 1" clip-path="url(#c1)" style="stroke: #0072b2"/>'
    '<use xlink:href="#m1" style="stroke: #000000"/><text>drawn</text></svg>'
)


def product(**values):
    """One row per combination."""
    return pandas.DataFrame(list(itertools.product(*values.values())), columns=list(values))


def means(frame, **more):
    rng = np.random.default_rng(0)
    return frame.assign(mean=50 + 10 * rng.random(len(frame)), standard_error=0.5, n=5, **more)


def synthetic_tables():
    """name -> rows, with the columns that the workflow writes."""
    rng = np.random.default_rng(0)
    printed = {"printed_mean": 85.9, "printed_standard_error": 0.2}
    table1 = means(
        product(
            model=["A", "B"], batch_size=[128, 32], quantity=["test_accuracy_percent", "generalization_gap_points"]
        ),
        seeds_planned=5,
        **printed,
    )
    table1.loc[table1["model"] == "B", "n"] = 3
    table1 = table1[~((table1["model"] == "B") & (table1["batch_size"] == 32))]
    table2 = means(
        product(
            model=["A"], batch_size=[128], quantity=["train_accuracy_percent", "absolute_generalization_gap_points"]
        ),
        seeds_planned=5,
        collapsed_seeds=1,
        **printed,
    )
    decays = means(
        product(
            weight_decay=[0.0, 0.1],
            quantity=[
                "random_label_train_accuracy_percent",
                "random_label_chance_bound_percent",
                "train_accuracy_percent",
                "validation_accuracy_percent",
            ],
        ),
        fitting_seeds=0,
    )
    decays = decays.assign(chosen=decays["weight_decay"] == 0.1, best_validation=decays["weight_decay"] == 0.0)
    law = means(
        product(
            train_images=[1000, 4000],
            labels=["random", "original"],
            weight_decay=[0.0, 0.1],
            quantity=["affordable_weight_decay", "test_accuracy_percent", "test_accuracy_change_points"],
        ),
        lower=float("nan"),
        upper=float("nan"),
    )
    law = law.assign(chosen=law["weight_decay"] == 0.1, best_validation=law["weight_decay"] == 0.0)
    thresholds = product(train_images=[1000, 4000], labels=["random", "original"], lower=[0.0], upper=[0.1])
    law = pandas.concat([law, thresholds.assign(quantity="smallest_sufficient_weight_decay", chosen=False)])
    law["best_validation"] = law["best_validation"].eq(True)
    networks = {"activation": ["relu"], "normalization": ["none", "batch"], "layer": [1, 2, 3]}
    ratios = product(**networks, epoch=[1, 10, 100]).assign(ratio=0.1, ratio_low=0.09, ratio_high=0.11, floor=0.02, n=5)
    plane = product(labels=["original", "random"], layer=[1, 2, 3], epoch=[0, 10, 100])
    plane = plane.assign(
        input_information_bits=8 - 0.01 * plane["epoch"] * plane["layer"],
        label_information_bits=0.3 + 0.005 * plane["epoch"],
        input_information_standard_error_bits=0.1,
        label_information_standard_error_bits=0.1,
        input_ceiling_bits=8.5,
        label_ceiling_bits=1.0,
        label_floor_bits=0.1,
        n=5,
    )
    sweep = product(noise=["l2", "linf", "gaussian"], seed=[1, 2], snr_db=[1.0, 20.0, 60.0], panel=["a", "b"])
    sweep = sweep.assign(
        model=sweep["panel"].map({"a": "B", "b": "C"}),
        batch_size=128,
        evaluation_mode="none",
        information_bits=sweep["snr_db"] / 30,
        floor_bits=0.1,
        accuracy_percent=sweep["snr_db"],
    )
    pixels = product(part=["a", "b"], label=[0, 1], row=range(4), column=range(4))
    pixels = pixels.assign(
        model=pixels["part"].map({"a": "", "b": "B"}),
        image=0,
        predicted_class=1,
        confidence_percent=80.0,
        steps=70,
        intensity=rng.normal(size=len(pixels)),
    )
    tolerance = product(model=["B", "C"], noise=["l2", "linf", "gaussian"]).assign(
        batch_size=128,
        evaluation_mode="none",
        area_bits_db=30.0,
        area_low_bits_db=28.0,
        area_high_bits_db=32.0,
        clean_information_bits=2.5,
        half_information_snr_db=25.0,
        lowest_accuracy_percent=0.0,
        last_snr_db=1.0,
        last_information_bits=0.5,
        nine_to_six_percent=float("nan"),
    )
    reverse = pandas.DataFrame(
        {
            "model": ["A", "B"],
            "mean_steps": [float("nan"), 120.0],
            "standard_error": [float("nan"), 4.0],
            "seeds": [float("nan"), 5],
            "smallest_steps": [float("nan"), 70],
            "largest_steps": [float("nan"), 200],
            "reached_percent": [0.0, 100.0],
        }
    )
    audit = product(
        model=["B"],
        batch_size=[128],
        evaluation_mode=["none"],
        compared_with=["l2"],
        attack=["plain", "margin"],
        snr_db=[30.0, 10.0],
    ).assign(accuracy_percent=20.0, stronger_than_plain_points=1.0)
    layers = pandas.DataFrame(
        {
            "block": ["Conv1", "Fc"],
            "height": [8, 1],
            "width": [8, 1],
            "input_channels": [1, 256],
            "output_channels": [32, 10],
            "stride": [2, 1],
            "kernel_parameters": [2048, 2560],
            "bias_parameters": [32, 10],
        }
    )
    cloud = product(variant=["none", "batch"], epoch=[0, 20], label=[0, 1, 2])
    bins = product(panel=["zero_shot", "one_shot"], bin=["0", "1", "all"])
    bins = bins.assign(
        lowest_margin=bins["bin"].map({"0": 0.0, "1": 0.5, "all": 0.0}),
        highest_margin=bins["bin"].map({"0": 0.5, "1": 1.0, "all": 1.0}),
        images=10,
        fraction=0.5,
        mean_margin=0.6,
        accuracy=0.7,
    )
    return {
        "figures/figure1": pandas.DataFrame({"method": ["simulation"], "rate_bits": [1.0]}),
        "figures/figure2": ratios.assign(plateau_epoch=50.0),
        "tables/gradient_snr": means(
            product(
                **networks,
                quantity=[
                    "plateau_epoch",
                    "final_level_log10",
                    "change_decades",
                    "above_floor_decades",
                    "debiased_signal_percent",
                ],
            ),
            seeds_planned=5,
            printed=1000.0,
        ),
        "figures/figure3": plane,
        "tables/information_plane": means(
            product(
                labels=["original", "random", "random minus original"],
                estimator=["pooled_bins"],
                layer=[1, 2],
                quantity=["input_information_bits", "label_information_bits", "memorization_bits", "drop_bits"],
            )
        ),
        "tables/table1": table1,
        "tables/table2": table2,
        "tables/further_models": means(
            product(
                model=["B+"],
                batch_size=[128],
                train_images=[4000],
                epochs=[5],
                weight_decay=[0.1],
                quantity=["train_accuracy_percent", "test_accuracy_percent", "generalization_gap_points"],
            ),
            seeds_planned=5,
            printed_mean=float("nan"),
            printed_standard_error=float("nan"),
        ),
        "tables/differences": means(
            product(quantity=["extra"], statement=["B+ minus B: test accuracy"]), seeds_planned=5, **printed
        ),
        "figures/history": pandas.DataFrame({"model": ["A"], "epoch": [1], "value": [1.0]}),
        "figures/weight_decay": decays,
        "tables/weight_decay": decays,
        "figures/capacity_law": pandas.DataFrame({"panel": ["cost"], "train_images": [1000], "mean": [-1.0]}),
        "tables/capacity_law": law,
        "figures/figure4": pixels,
        "tables/reverse_transmission": reverse,
        "figures/figure5": sweep,
        "tables/fault_tolerance": tolerance,
        "figures/figure5_batch_norm": sweep[sweep["panel"] == "b"].assign(panel="population"),
        "tables/attack_audit": audit,
        "figures/figure6": cloud.assign(x=cloud["epoch"] / 4.0 - cloud["label"], y=1.0 * cloud["label"]),
        "tables/sphere_packing": means(
            product(variant=["none", "batch"], quantity=["partition_epoch", "power_after_partition_db"])
        ),
        "tables/table3": layers,
        "figures/figure7": bins,
        "tables/transfer": means(
            product(model=["B+"], shot=["zero_shot", "one_shot"], quantity=["accuracy_percent"]),
            printed=72.6,
            support_sets=[0, 3],
            percentile_5_over_support_sets=60.0,
            percentile_95_over_support_sets=80.0,
            percentile_of_printed=float("nan"),
        ),
        "tables/sensitivity": means(
            product(
                choice=["as_in_the_study", "range_minmax"],
                model=["B"],
                labels=["original", "random"],
                quantity=["train_accuracy_percent"],
            )
        ),
        "tables/ablations": means(
            product(choice=["width_half"], model=["B"], labels=["original"], quantity=["train_accuracy_percent"])
        ),
        "claims": pandas.DataFrame(
            {
                "id": ["T1-A128-test", "T1-rank-test", "F5-acc0", "S-clean"],
                "statement": ["Test accuracy of A", "B is best", "Attacks end at 0", "Clean information"],
                "printed": ["85.9", "B > C > A", "0", "2.5"],
                "measured": ["84.0", "", "0", ""],
                "standard_error": [0.3, None, 0.0, None],
                "n": [5, 5, 5, 0],
                "comparability": ["full", "reduced", "other data", "other data"],
                "verdict": ["not reproduced", "reproduced", "reproduced", "undecided"],
                "reason": ["outside the margin", "p below 0.01", "never above 0.5", "no such part"],
                "unit": ["%", "ordering", "%", "bits"],
                "printed_standard_error": [0.2, None, None, None],
                "where": ["Table 1", "Table 1", "Figure 5", "follow-up"],
                "part": ["table1", "table1", "figure5", "follow_up"],
                "kind": ["number", "ordering", "number", "number"],
            }
        ),
    }


def write_study(folder, tables):
    for name, rows in tables.items():
        path = folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(path, index=False)
        if name.startswith("figures/"):
            path.with_suffix(".svg").write_text(DRAWING)
    return folder


def layout_of(name, rows):
    """The layout that the page takes, from the catalogue."""
    (result,) = (each for each in results.RESULTS if each.place == name)
    return assembly._layout(result)(rows)


@pytest.fixture(scope="module")
def tables():
    return synthetic_tables()


@pytest.fixture(scope="module")
def finished(tables, tmp_path_factory):
    """The page of a study that has everything."""
    folder = write_study(tmp_path_factory.mktemp("study"), tables)
    rows = tables["tables/table1"]
    made = layout.Table(rows, layout_of("tables/table1", rows), "Accuracy and gap", ["Study demo."])
    (folder / "tables" / "table1.md").write_text(made.markdown())
    page.write(folder / "paper.html", page.Records.of_study(folder, EVERYTHING), STUDY)
    return folder / "paper.html"


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


def test_a_table_says_how_many_seeds_a_cell_rests_on(tables, tmp_path):
    text = page.render(page.Records.of_study(write_study(tmp_path, tables), EVERYTHING), STUDY)
    assert "(3 of 5)" in text
    assert "In orange: on fewer seeds than planned." in text


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
    assert re.search(r'style="background: #[0-9A-Fa-f]{6}"></span>NA</th>', text)


def test_the_page_is_one_small_file_that_asks_for_nothing(finished):
    text = finished.read_text()
    assert finished.stat().st_size < 15e6
    assert "default-src 'none'" in text
    outside = without_scripts(text)
    addresses = {found for found in re.findall(r"https?://[^\s\"'<]+", outside) if "www.w3.org" not in found}
    assert not addresses


def test_many_points_stay_small(tables, tmp_path):
    rng = np.random.default_rng(0)
    cloud = product(variant=list(charts.PANELS), epoch=[0, 20, 30, 50, 500], label=range(10), image=range(2000))
    cloud = cloud.assign(x=rng.normal(size=len(cloud)), y=rng.normal(size=len(cloud)))
    assert len(charts.clusters(cloud).json()) < 1e6


def test_a_drawing_of_very_many_marks_is_embedded_as_pixels(tmp_path):
    path = tmp_path / "figure6.svg"
    path.write_text(DRAWING.replace("M 0 0", "M 0 0 " * 200_000))
    path.with_suffix(".png").write_bytes(b"\x89PNG pixels")
    assert pictures.figure(path, "what it <shows>").startswith('<img class="drawing" src="data:image/png;base64,')


def test_a_drawing_follows_the_theme_and_keeps_its_references():
    drawn = pictures.themed(DRAWING, "figure1", 'alternative "text" & more')
    assert f"light-dark(#ffffff, {colours.DARK_SURFACE})" in drawn
    assert f"light-dark(#000000, {colours.DARK_INK})" in drawn
    assert 'id="figure1-m1"' in drawn
    assert '"#figure1-m1"' in drawn
    assert "url(#figure1-c1)" in drawn
    assert "date" not in drawn
    assert "<style" not in drawn
    assert 'aria-label="alternative &quot;text&quot; &amp; more"' in drawn


@pytest.mark.parametrize("colour", ["#00306B", "#440154", "#D55E00", "#000", "#332288"])
def test_every_colour_can_be_seen_in_the_dark(colour):
    assert colours.contrast(colours.in_the_dark(colour), colours.DARK_SURFACE) >= 3


@pytest.mark.parametrize("colour", ["#E69F00", "#F0E442", "#56B4E9", "#CC79A7", "#009E73"])
def test_every_line_can_be_seen_in_the_light(colour):
    assert colours.contrast(colours.in_the_light(colour), colours.LIGHT_SURFACE) >= 3


def test_contrast_has_its_known_ends():
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#777777") == pytest.approx(1)


def test_the_information_plane_shows_each_epoch_at_its_stop(tables):
    chart = charts.information_plane(tables["figures/figure3"])
    assert chart.slider.stops == ["0", "10", "100"]
    last = chart.slider.frames[2][0]
    assert last["x"] == pytest.approx([7.0, 6.0, 5.0])
    assert last["y"] == pytest.approx([0.8] * 3)
    moving = chart.figure.data[chart.slider.traces[0]]
    assert list(moving.x) == pytest.approx(last["x"])


def test_curves_show_mean_over_the_seeds_that_reached_a_ratio(tables):
    sweep = tables["figures/figure5"]
    chart = charts.snr_curves(
        sweep[~((sweep["seed"] == 2) & (sweep["snr_db"] == 1.0))],
        lambda panel, model: model,
        {"B": "#0072B2", "C": "#009E73"},
    )
    lines = [trace for trace in chart.figure.data if trace.name == "B, L₂"]
    assert list(lines[0].x) == [20.0, 60.0]
    assert list(lines[0].y) == pytest.approx([20 / 30, 2.0])
    assert lines[0].line.color.lower() == "#0072b2"


def test_a_model_at_two_batch_sizes_has_rows_of_its_own_for_each(tables):
    for name in ("tables/fault_tolerance", "tables/attack_audit"):
        rows = tables[name]
        both = pandas.concat([rows, rows[rows["model"] == "B"].assign(batch_size=32)])
        once, twice = ([row["model"].text for row in layout_of(name, some).rows] for some in (rows, both))
        assert set(once) == set(rows["model"]), name
        assert set(twice) == {"B@128", "B@32", *set(rows["model"]) - {"B"}}, name
        assert len(twice) == len(once) + once.count("B")


def card(**row):
    defaults = {"id": "not-in-the-ledger", "statement": "x", "printed": "1", "unit": "points", "verdict": "undecided"}
    return ledger.cards(pandas.DataFrame([defaults | row]))[0]


@pytest.mark.parametrize(
    ("row", "printed", "measured", "seeds"),
    [
        ({"printed": "12.42", "printed_standard_error": 0.04}, "12.42 ± 0.04 points", "not measured", None),
        ({"printed": "B < C", "measured": "B < C < A", "unit": ""}, "B < C", "B < C < A", None),
        ({"printed": "2.0", "measured": 2.048, "standard_error": 0.0, "n": 0, "unit": "thousands"},
         "2.0 thousand", "2.048 thousand", None),
        ({"measured": 1.0, "standard_error": 0.0, "n": 5, "unit": "decades"}, "1 decade", "1 decade", 5),
        ({"printed": "M", "measured": 1.65358e-15, "unit": "relative difference"}, "M", "1.7 × 10⁻¹⁵", None),
        ({"printed": "none", "measured": -0.07, "standard_error": 0.07, "n": 2, "unit": "bits below 0.1",
          "kind": "ordering"}, "none", "fails by 0.07 ± 0.07 (bits below 0.1)", 2),
        ({"printed": "B", "verdict": "reproduced", "kind": "arithmetic"}, "B", "holds, without a number", None),
        ({"id": "F4b-steps", "printed": "100", "unit": "steps"}, "about 100 steps", "not measured", None),
        ({"id": "L-crit", "printed": "0.01", "measured": 0.1, "n": 5}, "about 0.01", "0.1 points", 5),
    ],
)  # fmt: skip
def test_a_card_reads_as_one_would_say_it(row, printed, measured, seeds):
    shown = card(**row)
    assert (shown.printed, shown.measured, shown.seeds) == (printed, measured, seeds)


def test_claims_are_counted_apart_by_what_they_are_checked_with():
    rows = pandas.DataFrame(
        {
            "id": ["A-1", "A-2", "A-3"],
            "statement": "x",
            "verdict": ["reproduced", "not reproduced", "undecided"],
            "kind": ["arithmetic", "number", "number"],
            "part": ["arithmetic", "architecture", "table1"],
        }
    )
    found = ledger.counts_by_group(ledger.cards(rows))
    assert {group: max(counts, key=counts.get) for group, counts in found.items()} == {
        "experiments": "undecided",
        "the architecture": "not reproduced",
        "the paper's arithmetic": "reproduced",
    }


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


# In a browser

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync"
)
DRAWN = "[...document.querySelectorAll('[data-chart]')].every((place) => place.dataset.ready)"


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium on the path: the page is not tried in a browser")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=FLAGS.split(), timeout=120_000)
        yield started
        started.close()


class Visit:
    """The page in a browser, with everything it complained of or asked for."""

    def __init__(self, browser, path: Path, width: int, scheme: str, unfold: bool):
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        self.complaints, self.requests = [], []
        self.view = self.context.new_page()
        self.view.set_default_timeout(120_000)
        self.view.on("console", lambda message: self._heard(message.type, message.text))
        self.view.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.view.route(re.compile("^(?!file:|data:|blob:)"), self._refuse)
        self.view.goto(path.as_uri())
        if unfold:
            self.view.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            self.view.wait_for_function(DRAWN)

    def _heard(self, kind, text):
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _refuse(self, route):
        self.requests.append(route.request.url)
        route.abort()

    def paths(self, figure):
        """Where the marks of a figure are."""
        return self.view.evaluate(
            f"[...document.querySelectorAll('#{figure} .chart .points path')].map((mark) => mark.getAttribute('transform'))"
        )


@pytest.fixture
def visit(browser, finished):
    visits = []

    def begin(width=1400, scheme="light", unfold=True):
        visits.append(Visit(browser, finished, width, scheme, unfold))
        return visits[-1]

    yield begin
    for each in visits:
        each.context.close()


CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (channels(colour)[3] > 0) return colour;
    }
    return "white";
  };
  const ratio = (colour, element) => {
    const [a, b] = [luminance(colour), luminance(behind(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const lines = {};
  for (const line of document.querySelectorAll(".chart .trace .js-line")) {
    const {opacity} = getComputedStyle(line.closest(".trace"));
    const own = getComputedStyle(line).stroke;
    if (opacity === "1" && own !== "none") lines[own] = ratio(own, line);
  }
  const found = {};
  for (const [selector, property] of [
    ["main p", "color"], [".source", "color"], [".kicker", "color"], ["td .printed", "color"], ["td.partial", "color"],
    [".badge.reproduced", "color"], [".badge.not-reproduced", "color"], [".badge.undecided", "color"], ["nav a", "color"],
    [".caution", "color"], [".card .reason", "color"], ["figcaption", "color"], [".wrong", "color"], [".right", "color"],
    [".hint", "color"], [".notes", "color"], [".counts td", "color"], [".title", "color"],
    ["#figure5 .xtick text", "fill"], ["#figure5 .legendtext", "fill"], ["#figure1 svg text", "fill"],
  ]) {
    const element = document.querySelector(selector);
    found[selector] = ratio(getComputedStyle(element)[property], element);
  }
  return [found, lines];
}"""


SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
STICKING_OUT = """[...document.querySelectorAll("body *")].filter((each) =>
  each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".scroll, .main-svg, .hidden")
).map((each) => each.outerHTML.slice(0, 80))"""
WIDER_THAN_THEIR_PLACE = """[...document.querySelectorAll(".scroll")].flatMap((place, number) =>
  place.scrollWidth > place.clientWidth + 1 ? [number] : [])"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1200])
def test_a_browser_shows_it_without_complaint_request_or_sideways_scrolling(visit, width, scheme):
    shown = visit(width, scheme)
    assert not shown.view.evaluate(SIDEWAYS)
    assert shown.view.evaluate(STICKING_OUT) == []
    assert shown.view.locator(".chart svg.main-svg").count() >= 5
    text, lines = shown.view.evaluate(CONTRASTS)
    assert {selector: ratio for selector, ratio in text.items() if ratio < 4.5} == {}
    assert len(lines) > 5
    assert {colour: ratio for colour, ratio in lines.items() if ratio < 3} == {}
    assert shown.complaints == []
    assert shown.requests == []


@pytest.mark.parametrize("width", [390, 768, 1200])
def test_what_is_wider_than_its_place_says_so_and_scrolls_by_keyboard(visit, width):
    shown = visit(width)
    wide = shown.view.evaluate(WIDER_THAN_THEIR_PLACE)
    assert len(wide) > 3 or width > 390
    for place in (shown.view.locator(".scroll").nth(number) for number in wide):
        assert place.evaluate(
            "(own) => own.nextElementSibling.matches('.hint') && own.nextElementSibling.checkVisibility()"
        )
        assert place.evaluate("(own) => getComputedStyle(own).borderRightWidth") == "2px"
        place.focus()
        place.press("ArrowRight")
        shown.view.wait_for_function("(own) => own.scrollLeft > 0", arg=place.element_handle())
    for number in range(shown.view.locator(".hint").count()):
        if number not in wide:
            assert not shown.view.locator(".hint").nth(number).is_visible()


def test_sections_are_folded_on_a_narrow_screen_and_links_open_them(visit):
    shown = visit(390, unfold=False)
    assert not shown.view.evaluate(SIDEWAYS)
    assert shown.view.evaluate("document.documentElement.scrollHeight") < 6000
    claim = shown.view.locator("#claim-T1-A128-test")
    assert not claim.is_visible()
    shown.view.evaluate("location.hash = '#claim-T1-A128-test'")
    claim.wait_for()
    shown.view.get_by_text("Contents").click()
    shown.view.get_by_role("button", name="Open every section").click()
    shown.view.wait_for_function(DRAWN)
    assert shown.view.locator("#figure5 .chart svg.main-svg").first.is_visible()
    assert shown.complaints == []


@pytest.mark.parametrize("figure", ["figure3", "figure6"])
def test_the_slider_moves_the_picture(visit, figure):
    shown = visit()
    before = shown.paths(figure)
    slider = shown.view.locator(f"#slider-{figure}")
    slider.press("Home")
    first = slider.evaluate("(element) => element.parentElement.querySelector('output').textContent")
    shown.view.wait_for_function(
        f"(before) => document.querySelectorAll('#{figure} .chart .points path')[0].getAttribute('transform') !== before",
        arg=before[0],
    )
    assert first == "0"
    slider.press("End")
    shown.view.wait_for_function(
        f"(before) => document.querySelectorAll('#{figure} .chart .points path')[0].getAttribute('transform') === before",
        arg=before[0],
    )
    assert shown.complaints == []


def test_the_theme_button_and_the_filters_of_the_ledger_work(visit):
    shown = visit(scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = shown.view.evaluate(ground)
    for _ in range(2):
        shown.view.locator("#theme").click()
    assert shown.view.evaluate(ground) != light
    assert shown.view.locator("#theme").inner_text() == "Theme: dark"
    rows = shown.view.locator(".ledger tbody tr")
    assert [row.is_visible() for row in rows.all()] == [True] * 3
    shown.view.get_by_label("not reproduced (1)").check()
    assert [row.is_visible() for row in rows.all()] == [True, False, False]
    shown.view.get_by_label("reproduced (2)", exact=True).check()
    shown.view.get_by_label("reduced").check()
    assert [row.is_visible() for row in rows.all()] == [False, True, False]
