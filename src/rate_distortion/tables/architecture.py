"""Table 3: the network's architecture."""

from __future__ import annotations

import pandas

from rate_distortion.claims import ledger
from rate_distortion.tables.layout import Cell, Column, Layout, Table, columns

SIZES = {"height": "h", "width": "w", "input_channels": "c_in", "output_channels": "c_out", "stride": "s"}


def table3(network: pandas.DataFrame) -> Table:
    """Table 3: the architecture; the rows count weights as printed, the total counts biases too.

    Args:
        network: one row per layer (:class:`rate_distortion.models.convolutional.LayerRow`).
    """
    return Table(
        network,
        shown(network),
        "Basic fully-convolutional CNN architecture",
        [
            "h, w, c_in, c_out, s: kernel height and width, input and output channels, stride.",
            f"Rows count weights; the total counts the {int(network['bias_parameters'].sum())} biases as well: "
            f"{_total(network):,}.",
        ],
    )


def shown(network: pandas.DataFrame) -> Layout:
    """One row per layer, and the total."""
    printed = _printed if _is_for_the_papers_images(network) else lambda _: ""
    rows = [
        {
            "block": Cell(row["block"]),
            **{heading: Cell(str(row[name])) for name, heading in SIZES.items()},
            "params": Cell(_thousands(row["kernel_parameters"]), printed(row["block"])),
        }
        for row in network.to_dict("records")
    ]
    rows.append({"block": Cell("Total"), "params": Cell(_thousands(_total(network)), printed("Total"))})
    layout = Layout(columns("block", *SIZES.values(), "params"), rows, dash="has no such size")
    theirs = [Column("printed", printed_of="params")] if layout.has_printed else []
    return Layout([*layout.columns, *theirs], rows, dash=layout.dash)


def _total(network: pandas.DataFrame) -> int:
    return int((network["kernel_parameters"] + network["bias_parameters"]).sum())


def _is_for_the_papers_images(network: pandas.DataFrame) -> bool:
    """Whether it has the paper's colour channels and classes, without which the printed counts are of another network."""
    sizes = ledger.load().parts["architecture"].sizes
    ends = network["input_channels"].iloc[0], network["output_channels"].iloc[-1]
    return ends == (sizes["image_shape"][0], sizes["classes"])


def _printed(block: str) -> str:
    value, _ = ledger.load().printed_or_nan("parameters", block=block)
    return "" if pandas.isna(value) else f"{value:.1f}k"


def _thousands(count: int) -> str:
    return f"{count / 1000:.1f}k"
