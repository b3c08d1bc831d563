"""The page put together: a study's records laid out by section, and the template filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import jinja2
import pandas
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from rate_distortion.claims import cards as ledger
from rate_distortion.figures.style import model_colours
from rate_distortion.page import charts, colours, comparisons, pictures, tables
from rate_distortion.page.records import Records
from rate_distortion.storage import files

SECTIONS = {
    # name: (title, where in the paper, records, parts of the ledger)
    "channel": ("The network as a channel", "sections 1 to 3", ["figures/figure1"], []),
    "gradients": (
        "Convergence, by the gradients' signal-to-noise ratio",
        "section 4.1",
        ["figures/figure2", "tables/gradient_snr"],
        ["gradient_snr"],
    ),
    "plane": (
        "Memorization is the lack of compression",
        "section 4.2",
        ["figures/figure3", "tables/information_plane"],
        ["information_plane"],
    ),
    "regularization": (
        "Explicit regularization and the generalization gap",
        "section 4.3",
        ["tables/table1", "tables/table2", "tables/further_models", "tables/differences", "figures/history"],
        ["table1", "table2", "further_models"],
    ),
    "calibration": (
        "Calibrating weight decay",
        "sections 4.3 and 5",
        ["figures/weight_decay", "tables/weight_decay"],
        ["calibration"],
    ),
    "tolerance": (
        "Fault tolerance",
        "section 4.4",
        [
            "figures/figure4",
            "tables/reverse_transmission",
            "figures/figure5",
            "tables/fault_tolerance",
            "figures/figure5_batch_norm",
            "tables/attack_audit",
        ],
        ["perturbations", "figure5"],
    ),
    "spheres": ("Sphere packing", "appendix A", ["figures/figure6", "tables/sphere_packing"], ["sphere_packing"]),
    "architecture": ("Architecture", "appendix B", ["tables/table3"], ["architecture"]),
    "transfer": (
        "Zero- and one-shot transfer, and calibration",
        "appendix C",
        ["figures/figure7", "tables/transfer"],
        ["transfer"],
    ),
    "variations": (
        "What the conclusions depend on",
        "not in the paper",
        ["tables/sensitivity", "tables/ablations"],
        [],
    ),
    "ledger": ("The ledger of claims", "every printed number and ordering", ["claims"], []),
}
"""In the order of the page, which is the paper's; "claims" stands for the ledger's own table."""

NAMES = {
    "figures/figure1": "Figure 1, the channel",
    "figures/figure2": "Figure 2, the gradients' signal-to-noise ratio",
    "tables/gradient_snr": "Figure 2 in numbers",
    "figures/figure3": "Figure 3, the information plane",
    "tables/information_plane": "Figure 3 in numbers",
    "tables/table1": "Table 1, accuracy and generalization gap",
    "tables/table2": "Table 2, training on random labels",
    "tables/further_models": "the models beside Table 1",
    "tables/differences": "the differences stated in words",
    "figures/history": "the training curves",
    "figures/weight_decay": "the calibration's figure",
    "tables/weight_decay": "the calibration's table",
    "figures/figure4": "Figure 4, both directions of the channel",
    "tables/reverse_transmission": "the steps of reverse transmission",
    "figures/figure5": "Figure 5, information under noise",
    "tables/fault_tolerance": "Figure 5 in numbers",
    "figures/figure5_batch_norm": "Figure 5 under each kind of batch statistics",
    "tables/attack_audit": "the audit of attacks",
    "figures/figure6": "Figure 6, sphere packing",
    "tables/sphere_packing": "Figure 6 in numbers",
    "tables/table3": "Table 3, the architecture",
    "figures/figure7": "Figure 7, margins and calibration",
    "tables/transfer": "Figure 7 in numbers",
    "tables/sensitivity": "the sensitivity analysis",
    "tables/ablations": "the ablations",
    "claims": "the ledger of claims",
}
"""Every record that the page knows, in words."""

PAPER_DATA = ("svhn", "mnist")


@dataclass(frozen=True)
class Study:
    """What the page says of the study it shows.

    Attributes:
        name, title, seeds, epochs, learning_rate: of its configuration.
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
    figures, printed = _figures(records, study), _tables(records, study)
    cards = ledger.cards(records.read("claims"))
    sections = {
        name: {
            "title": title,
            "where": where,
            "cards": ledger.of_parts(cards, parts),
        }
        for name, (title, where, own, parts) in SECTIONS.items()
        if records.is_promised(*own)
    }
    elsewhere = {card.id for section in sections.values() for card in section["cards"]}
    of_the_paper = [card for card in cards if card.of_the_paper]
    interactive = [figure for figure in figures.values() if figure.chart]
    return environment.get_template("page.html").render(
        study=study,
        partial=partial,
        records=records,
        names=NAMES,
        sections=sections,
        figures=figures,
        tables=printed,
        cards=of_the_paper,
        other_cards=[card for card in of_the_paper if card.id not in elsewhere],
        reference_cards=[card for card in cards if not card.of_the_paper],
        counts=ledger.counts(of_the_paper),
        verdicts=ledger.VERDICTS,
        comparabilities=ledger.COMPARABILITIES,
        missing=[NAMES[name] for name in records.missing() if name in NAMES],
        left_out=[words for name, words in NAMES.items() if not records.is_promised(name)],
        partial_cells=tables.partial_cells(printed.values()),
        model_colours=_model_colours(records, study),
        figure4=_figure4(records),
        charts={figure.key: Markup(figure.chart.json()) for figure in interactive},
        recolouring=Markup(_recolouring(interactive)),
        plotly=Markup(get_plotlyjs()) if interactive else "",
    )


def _figures(records: Records, study: Study) -> dict[str, Figure]:
    """Every figure that the page knows, by the end of its name."""

    def panel_names(panel: str, model: str) -> str:
        return f"({panel}) {model}" if len(panel) == 1 else f"{model}, {panel} statistics"

    def curves(rows: pandas.DataFrame) -> charts.Chart:
        return charts.snr_curves(rows, panel_names, _model_colours(records, study))

    makers = {
        "figure1": None,
        "figure2": lambda rows: charts.gradient_ratios(rows, study.ratio or "literal"),
        "figure3": charts.information_plane,
        "history": None,
        "weight_decay": charts.weight_decay,
        "figure4": None,
        "figure5": curves,
        "figure5_batch_norm": curves,
        "figure6": charts.clusters,
        "figure7": charts.reliability,
    }
    compared = {
        "figure2": comparisons.gradient_ratios(records.read("tables/gradient_snr")),
        "figure3": comparisons.memorization(records.read("tables/information_plane")),
        "weight_decay": comparisons.weight_decay(records.read("tables/weight_decay")),
        "figure4": comparisons.reverse_transmission(records.read("tables/reverse_transmission"), study.figure4_model),
        "figure5": comparisons.fault_tolerance(records.read("tables/fault_tolerance")),
        "figure6": comparisons.sphere_packing(records.read("tables/sphere_packing")),
        "figure7": comparisons.transfer(records.read("tables/transfer")),
    }
    found = {}
    for key, maker in makers.items():
        name = f"figures/{key}"
        rows, svg = records.read(name), records.drawing(name)
        alternative = f"{NAMES[name]}, as drawn for print"
        found[key] = Figure(
            name,
            promised=records.is_promised(name),
            missing=records.is_promised(name) and rows is None,
            chart=maker(rows) if maker and rows is not None else None,
            drawing=pictures.figure(svg, alternative) if svg and key != "figure4" else None,
            compared=compared.get(key, []),
        )
    return found


def _tables(records: Records, study: Study) -> dict[str, tables.PageTable | None]:
    """Every table that the page knows and the study has, by the end of its name."""
    seeds = len(study.seeds)
    rows = {name.rpartition("/")[2]: records.read(name) for name in NAMES if name.startswith("tables/")}
    accuracy = {"test_accuracy_percent": "test (%)", "generalization_gap_points": "gap (points)"}
    memorized = {"train_accuracy_percent": "train (%)", "absolute_generalization_gap_points": "gap (points)"}
    return {
        "gradient_snr": tables.gradient_ratios(rows["gradient_snr"]),
        "information_plane": tables.information_plane(rows["information_plane"]),
        "table1": tables.accuracies(
            rows["table1"],
            study.tables.get("table1", {}),
            accuracy,
            "Table 1. Test accuracy and generalization gap, original labels",
            seeds,
        ),
        "table2": tables.accuracies(
            rows["table2"],
            study.tables.get("table2", {}),
            memorized,
            "Table 2. Train accuracy and absolute gap, random labels",
            seeds,
            tables.collapsed(rows["table2"]),
        ),
        "further_models": tables.further_models(rows["further_models"]),
        "differences": tables.differences(rows["differences"]),
        "weight_decay": tables.weight_decays(rows["weight_decay"]),
        "reverse_transmission": tables.reverse_transmission(rows["reverse_transmission"]),
        "fault_tolerance": tables.fault_tolerance(rows["fault_tolerance"]),
        "attack_audit": tables.attack_audit(rows["attack_audit"]),
        "sphere_packing": tables.by_column(rows["sphere_packing"], "Sphere packing in numbers", "variant"),
        "table3": tables.architecture(rows["table3"]),
        "transfer": tables.by_column(
            rows["transfer"], "Transfer, and how well confidence says accuracy", "shot", "model"
        ),
        "sensitivity": tables.variations(
            rows["sensitivity"], "Choices that the paper leaves open, varied one at a time"
        ),
        "ablations": tables.variations(rows["ablations"], "What the conclusions rest on, taken away or varied"),
    }


def _model_colours(records: Records, study: Study) -> dict[str, str]:
    """A colour for every model that the page shows in one."""
    models = [model for cells in study.tables.values() for model in cells]
    for name in ("figures/figure5", "figures/figure5_batch_norm"):
        rows = records.read(name)
        models += [] if rows is None else list(rows["model"])
    return model_colours(list(dict.fromkeys(models)))


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
