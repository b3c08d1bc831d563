"""The page put together: a study's records laid out by section, and the template filled in."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import jinja2
import pandas
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from rate_distortion.analysis.precision import with_minus
from rate_distortion.claims import cards as claim_cards
from rate_distortion.claims import ledger, wording
from rate_distortion.claims.ledger import PAPER_SEEDS
from rate_distortion.claims.verdicts import FEWEST_SEEDS
from rate_distortion.figures.style import model_colours
from rate_distortion.page import charts, colours, pictures
from rate_distortion.page.records import Records
from rate_distortion.storage import files
from rate_distortion.studies.results import RESULTS, SECTIONS, Result, Section
from rate_distortion.tables import comparisons
from rate_distortion.tables.layout import Layout, is_users_own, plain, read_notes

CLAIMS = "claims"
LEDGER = Section("The ledger of claims", "every printed number and ordering")
PAPER_DATA = ("svhn", "mnist")


@dataclass(frozen=True)
class Study:
    """What the page says of the study it shows.

    Attributes:
        name, title, seeds, epochs, learning_rate: of its configuration.
        training: how its networks are trained, in words, where some come with their weights.
        own_networks: those of them that are not the paper's; networks_are_own: whether none is.
        dataset: the name of its data set.
        tables: table -> model -> batch sizes.
        figure4_model: the model that figure 4 shows; None without figure 4.
        ratio: the kind of figure 2's ratio; None without multilayer perceptrons.
        digits: the data set of the multilayer perceptrons; None without.
        data, digits_data: what dataset.json says of both; None while they are not prepared.
    """

    name: str
    title: str
    seeds: Sequence[int]
    epochs: int
    learning_rate: float
    dataset: str
    tables: Mapping[str, Mapping[str, Sequence[int]]]
    figure4_model: str | None = None
    ratio: str | None = None
    digits: str | None = None
    training: str = ""
    own_networks: Sequence[str] = ()
    networks_are_own: bool = False
    data: Mapping[str, Any] | None = None
    digits_data: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, summary: Mapping[str, Any], datasets: Mapping[str, str | None]) -> Study:
        """The study of a summary with its other attributes, and of the paths of its dataset.json files, which may not exist."""
        own = {item.name for item in fields(cls)}
        described = {
            name: files.read_json(path) for name, path in datasets.items() if path is not None and Path(path).exists()
        }
        return cls(**{key: value for key, value in summary.items() if key in own} | described)

    @property
    def is_users_own(self) -> bool:
        """Whether images or all networks are a user's own, so that the page is about these and not about the paper."""
        return self.networks_are_own or is_users_own(self.data or {"dataset": self.dataset})

    @property
    def foreign_data(self) -> list[str]:
        """The data sets that are not the paper's, in words."""
        sets = ((self.dataset, self.data), (self.digits, self.digits_data))
        return [
            (described or {}).get("description", name.replace("_", " "))
            for name, described in sets
            if name is not None and name not in PAPER_DATA
        ]

    @property
    def train_images(self) -> int | None:
        """Images that the convolutional networks of the tables are trained on."""
        return self.data and sum(self.data["images"][split] for split in self.data["train_on"].split("+"))


@dataclass(frozen=True)
class Figure:
    """A figure of the page: promised or not, there or missing; interactive, drawn, or both."""

    name: str
    promised: bool
    missing: bool
    chart: charts.Chart | None = None
    drawing: Markup | None = None
    compared: Sequence[comparisons.Comparison] = field(default=())

    @property
    def key(self) -> str:
        return self.name.rpartition("/")[2]


@dataclass(frozen=True)
class PageTable:
    """A table of the page: its layout, and its title and notes as the job that made it wrote them."""

    heading: str
    title: str
    shown: Layout
    notes: Sequence[str]


def write(target: str | Path, records: Records, study: Study, *, partial: bool = False) -> None:
    """Write the page, whole or not at all; arguments as of :func:`render`."""
    files.write_text(target, render(records, study, partial=partial))


def render(records: Records, study: Study, *, partial: bool = False) -> str:
    """The page as HTML.

    Args:
        records: what the study promises, and where it lies.
        study: what the page says of it.
        partial: whether the page is made before the study is finished.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rate_distortion.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["printed"] = _printed
    environment.globals["sizes"] = lambda part: ledger.load().parts[part].sizes
    environment.filters["minus"] = with_minus
    environment.filters["themed"] = colours.themed
    names = _names(study)
    figures = _figures(records, study)
    tables = {result.name: _table(records, result, study) for result in RESULTS if result.kind == "table"}
    cards = [] if study.is_users_own else claim_cards.cards(records.read(CLAIMS))
    sections = _sections(records, study, cards, environment.loader)
    elsewhere = {card.id for section in sections.values() for card in section["cards"]}
    of_the_paper = [card for card in cards if card.of_the_paper]
    interactive = [figure for figure in figures.values() if figure.chart]
    return environment.get_template("page.html").render(
        study=study,
        partial=partial,
        records=records,
        names=names,
        sections=sections,
        figures=figures,
        tables=tables,
        theses=None if study.is_users_own else records.theses(),
        cards=of_the_paper,
        other_cards=[card for card in of_the_paper if card.id not in elsewhere],
        reference_cards=[card for card in cards if not card.of_the_paper],
        counts=claim_cards.counts(of_the_paper),
        counts_by_group=claim_cards.counts_by_group(of_the_paper),
        paper_seeds=PAPER_SEEDS,
        fewest_seeds=FEWEST_SEEDS,
        plane_samples=_plane_samples(records),
        verdicts=claim_cards.VERDICTS,
        comparabilities=claim_cards.COMPARABILITIES,
        missing=[names[name] for name in records.missing() if name in names],
        left_out=[words for name, words in names.items() if not records.is_promised(name)],
        partial_cells=sum(table.shown.partial_cells for table in tables.values() if table),
        model_colours=_model_colours(records, study),
        figure4=_figure4(records),
        charts={figure.key: Markup(figure.chart.json()) for figure in interactive},
        recolouring=Markup(_recolouring(interactive)),
        plotly=Markup(get_plotlyjs()) if interactive else "",
    )


def _printed(claim: str) -> str:
    """What the paper prints, for a template: of a claim, with its unit."""
    return with_minus(wording.printed(ledger.load()[claim]))


def _names(study: Study) -> dict[str, str]:
    """Every record that the page knows, in words, in its order."""
    names = {result.place: result.words for result in RESULTS}
    return names if study.is_users_own else names | {CLAIMS: "the ledger of claims"}


def _sections(
    records: Records, study: Study, cards: Sequence[claim_cards.Card], templates: jinja2.PackageLoader
) -> dict[str, dict[str, Any]]:
    """The sections of which the study has any record, in the order of the paper.

    A section's template places its results among its text; "others" are those that it does not name.
    """
    described = dict(SECTIONS)
    if not study.is_users_own:
        described["ledger"] = LEDGER
    found = {}
    for name, section in described.items():
        results = [result for result in RESULTS if result.section == name]
        places = [result.place for result in results] or [CLAIMS]
        if records.is_promised(*places):
            text = _template(templates, name)
            found[name] = {
                "title": section.title,
                "where": section.where,
                "cards": claim_cards.of_parts(cards, section.parts),
                "others": [each for each in results if not re.search(rf"[./]{each.name}\b", text)],
            }
    return found


def _template(templates: jinja2.PackageLoader, section: str) -> str:
    """The template of a section; nothing where it has none."""
    name = f"sections/{section}.html"
    return templates.get_source(jinja2.Environment(), name)[0] if name in templates.list_templates() else ""


def _figures(records: Records, study: Study) -> dict[str, Figure]:
    """Every figure of the catalogue by its name; one that has no interactive form is shown as drawn."""

    def panel_names(panel: str, model: str) -> str:
        return f"({panel}) {model}" if len(panel) == 1 else f"{model}, {panel}"

    def curves(rows: pandas.DataFrame) -> charts.Chart:
        return charts.snr_curves(rows, panel_names, _model_colours(records, study))

    makers = {
        "figure2": lambda rows: charts.gradient_ratios(rows, study.ratio or "literal"),
        "figure3": charts.information_plane,
        "weight_decay": charts.weight_decay,
        "figure5": curves,
        "figure5_batch_norm": curves,
        "figure6": charts.clusters,
        "figure7": charts.reliability,
    }
    compared = {} if study.is_users_own else _compared(records, study)
    found = {}
    for result in RESULTS:
        if result.kind == "figure":
            rows, svg, make = records.read(result.place), records.drawing(result.place), makers.get(result.name)
            alternative = f"{result.words}, as drawn for print"
            found[result.name] = Figure(
                result.place,
                promised=records.is_promised(result.place),
                missing=records.is_promised(result.place) and rows is None,
                chart=make(rows) if make and rows is not None else None,
                drawing=pictures.figure(svg, alternative) if svg and result.name != "figure4" else None,
                compared=compared.get(result.name, []),
            )
    return found


def _compared(records: Records, study: Study) -> dict[str, Sequence[comparisons.Comparison]]:
    """What the paper says of a figure beside what was measured of its networks, by figure."""

    def read(name: str) -> pandas.DataFrame | None:
        rows = records.read(name)
        if rows is None or "model" not in rows:
            return rows
        return rows[~rows["model"].str.partition("@")[0].isin(study.own_networks)]

    return {
        "figure2": comparisons.gradient_ratios(read("tables/gradient_snr")),
        "figure3": comparisons.memorization(read("tables/information_plane")),
        "weight_decay": comparisons.weight_decay(read("tables/weight_decay")),
        "figure4": comparisons.reverse_transmission(read("tables/reverse_transmission"), study.figure4_model),
        "figure5": comparisons.fault_tolerance(read("tables/fault_tolerance")),
        "figure6": comparisons.sphere_packing(read("tables/sphere_packing")),
        "figure7": comparisons.transfer(read("tables/transfer")),
    }


def _table(records: Records, result: Result, study: Study) -> PageTable | None:
    """A table as its own module lays it out; None where it is not there."""
    rows = records.read(result.place)
    if rows is None:
        return None
    shown = _layout(result)(rows)
    if "seeds_finished" in rows:
        shown = shown.of_finished_seeds()
    if study.is_users_own:
        shown = shown.without_printed()
    text = records.text(result.place)
    title, notes = read_notes(text) if text else (result.heading, shown.dash_note())
    return PageTable(title if study.is_users_own else result.heading, title, shown, notes)


def _layout(result: Result) -> Any:
    """The function that lays a table out, which stands beside the one that makes it; else the tidy form is shown as it is."""
    module, _, function = (result.make or f"tables.making:{result.name}").partition(":")
    make = getattr(importlib.import_module(f"rate_distortion.{module}"), function, None)
    return getattr(make, "shown", plain)


def _plane_samples(records: Records) -> int | None:
    """On how many images the information plane rests, whose logarithm is its ceiling."""
    rows = records.read("figures/figure3")
    return None if rows is None else round(2 ** float(rows["input_ceiling_bits"].max()))


def _model_colours(records: Records, study: Study) -> dict[str, str]:
    """A colour for every model that the page shows in one."""
    models = [model for cells in study.tables.values() for model in cells]
    for name in ("tables/table1", "tables/table2", "figures/figure5", "figures/figure5_batch_norm"):
        rows = records.read(name)
        models += [] if rows is None else list(rows["model"])
    return {model: colours.in_the_light(colour) for model, colour in model_colours(list(dict.fromkeys(models))).items()}


def _figure4(records: Records) -> list[tuple[str, str, list[pictures.Shown]]]:
    rows: pandas.DataFrame | None = records.read("figures/figure4")
    return [] if rows is None else list(pictures.figure4_lines(rows))


def _recolouring(interactive: Sequence[Figure]) -> str:
    """Style rules that give the lines, marks and areas of interactive figures their colours in the dark.

    Plotly writes colours into each element; a rule that outweighs them follows the theme without redrawing.
    """
    used = set().union(*(figure.chart.colours() for figure in interactive)) if interactive else set()
    rules = []
    for colour in sorted(used):
        dark, written = colours.in_the_dark(colour), colours.rgb(colour)
        if dark != colour:
            rules += [
                f'.chart [style*="{paint}: {written}"] {{ {paint}: light-dark({colour}, {dark}) !important }}'
                for paint in ("stroke", "fill")
            ]
    return "\n".join(rules)
