"""Whose mistake an error is: a class of this package's own tells a person what to put right, any other is a defect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class InputError(ValueError):
    """What a person has set or brought cannot be used: a setting, data, a network; the message is one sentence for them."""


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
