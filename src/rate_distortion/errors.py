"""Errors a user can fix; anything else is a bug."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class InputError(ValueError):
    """Unusable input from the user: a setting, data or a network. The message is one sentence."""


def require_known(settings: Any, **allowed: Iterable[str]) -> None:
    """Refuse settings that name what does not exist.

    Args:
        settings: with an attribute for each key.
        allowed: key -> the names that it may have.

    Raises:
        InputError: the first key with another name: what it is, and what it may be.
    """
    for key, names in allowed.items():
        if getattr(settings, key) not in names:
            raise InputError(f"{key} is {getattr(settings, key)!r}; use {' or '.join(names)}")
