"""What the tables of the multilayer perceptrons share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rate_distortion.tables.layout import seeds_note

NETWORK = ["activation", "normalization"]


def network_name(activation: str, normalization: str) -> str:
    """A network in words."""
    return activation + (" + batch norm" if normalization == "batch" else "")


def perceptron_notes(study: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """Where the numbers of a multilayer perceptron come from."""
    own = study["figure2_epochs"]
    only_figure2 = f" ({own:,} for networks that only figure 2 shows)" if own != study["epochs"] else ""
    return [
        f"Study {study['name']}: {study['title']}.",
        f"Data: {data['description']}, {data['images']['train']:,} training images; hidden layers of "
        f"{', '.join(map(str, study['hidden_widths']))} units, {study['epochs']:,} epochs{only_figure2} at learning rate "
        f"{study['learning_rate']}, batch size {study['batch_size']}.",
        f"{seeds_note(study)}.",
    ]
