"""Files dated in the future, which Snakemake would take for newer than whatever is made of them.

It makes a file again when an input is newer, and deletes the old one first: with a clock that was set back, or an input with a
wrong date, a finished run and its weights would be deleted and trained again, at every start.
"""

from __future__ import annotations

import datetime
import os
import shlex
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from rate_distortion.storage import files

TOLERANCE_SECONDS = 60.0
"""How far the clocks of a cluster's machines may be apart."""

LISTED = 3
"""Files that are named one by one; more are found by a command."""


class ClockError(RuntimeError):
    """Files are dated in the future; the message names them and says what to do."""


def refuse_future(places: Iterable[str | Path], now: float | None = None) -> None:
    """Refuse to start while a file is dated later than now.

    Args:
        places: files and folders; what lies in a folder is looked at too. Those that do not exist are passed over.
        now: seconds since 1970; None for this machine's clock.

    Raises:
        ClockError: the newest of the files that are dated in the future, how many there are, and how to go on.
    """
    places, now = list(places), time.time() if now is None else now
    dated = {path: modified for path, modified in _dates(places) if modified > now + TOLERANCE_SECONDS}
    if not dated:
        return
    newest = max(dated, key=dated.__getitem__)
    command = f"touch {shlex.join(sorted(dated))}"
    if len(dated) > LISTED:
        roots = shlex.join(str(place) for place in places if Path(place).exists())
        command = f"find {roots} -newermt now -exec touch {{}} +"
    raise ClockError(
        f"{newest} is dated {_text(dated[newest])}, after this machine's clock ({_text(now)}; files dated so: {len(dated):,}), "
        "and finished work would be deleted and done again: set the clock right if it is wrong; if the dates are wrong, "
        f"`{command}`, then `snakemake --touch` with your targets, which takes what is there as up to date, and start again"
    )


def _dates(places: Iterable[str | Path]) -> Iterator[tuple[str, float]]:
    for place in map(Path, places):
        if place.is_dir():
            for folder, folders, names in os.walk(place):
                folders[:] = [name for name in folders if name != files.CHECKSUMS]  # no rule knows them
                yield from _dates(Path(folder, name) for name in names)
        elif place.exists():
            yield str(place), place.stat().st_mtime


def _text(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
