"""Table 3: the network's architecture."""

from __future__ import annotations

import pandas

from rate_distortion.claims import ledger
from rate_distortion.tables.layout import Table


def table3(network: pandas.DataFrame) -> Table:
    """Table 3: the architecture; the rows count weights as printed, the total counts biases too.

    Args:
        network: one row per layer (:class:`rate_distortion.models.convolutional.LayerRow`).
    """
    total = int((network["kernel_parameters"] + network["bias_parameters"]).sum())
    rows = [
        {
            "block": row.block,
            "h": str(row.height),
            "w": str(row.width),
            "c_in": str(row.input_channels),
            "c_out": str(row.output_channels),
            "s": str(row.stride),
            "params": _thousands(row.kernel_parameters),
            "printed": _printed(row.block),
        }
        for row in network.itertuples()
    ]
    empty = dict.fromkeys(("h", "w", "c_in", "c_out", "s"), "—")
    rows.append({"block": "Total", **empty, "params": _thousands(total), "printed": _printed("Total")})
    return Table(
        network,
        pandas.DataFrame(rows),
        "Basic fully-convolutional CNN architecture",
        [
            "h, w, c_in, c_out, s: kernel height and width, input and output channels, stride.",
            f"Rows count weights; the total counts the {int(network['bias_parameters'].sum())} biases as well: {total:,}.",
        ],
    )


def _printed(block: str) -> str:
    return f"{ledger.load().printed('parameters', block=block)[0]:.1f}k"


def _thousands(count: int) -> str:
    return f"{count / 1000:.1f}k"
