"""What there is to show of a study: its tables and figures as tidy records, each there, missing, or no part of the study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas

from rate_distortion.storage import files


@dataclass(frozen=True)
class Records:
    """The records of a study by name, such as "tables/table1", "figures/figure5" and "claims".

    Attributes:
        places: name -> path without suffix, of everything that the study promises.
    """

    places: Mapping[str, Path]

    @classmethod
    def of_study(
        cls, folder: str | Path, promised: Iterable[str], instead: Mapping[str, Path] | None = None
    ) -> Records:
        """The promised records under the study's folder.

        Args:
            folder: results/<study>.
            promised: their names.
            instead: name -> path without suffix, of records to prefer to those in the folder where they exist.
        """
        places = {name: Path(folder) / name for name in promised}
        preferred = {name: place for name, place in (instead or {}).items() if place.with_suffix(".csv").exists()}
        return cls(places | preferred)

    def is_promised(self, *names: str) -> bool:
        """Whether any of the records is part of the study."""
        return any(name in self.places for name in names)

    def is_missing(self, name: str) -> bool:
        """Whether a record is part of the study but not there, or without a row."""
        return name in self.places and self.read(name) is None

    def read(self, name: str) -> pandas.DataFrame | None:
        """A record's rows; None where it is missing, empty or no part of the study."""
        path = self._file(name, ".csv")
        return None if path is None else _rows(path)

    def theses(self) -> pandas.DataFrame | None:
        """What came of each thesis of the paper, beside the claims where they were judged; None without."""
        claims = self.places.get("claims")
        path = claims and claims.with_name("theses.csv")
        rows = _rows(path) if path and path.exists() else None
        return None if rows is None else rows.astype(object).where(rows.notna(), "")

    def text(self, name: str) -> str | None:
        """A table's Markdown, where it exists."""
        path = self._file(name, ".md")
        return None if path is None else path.read_text(encoding="utf-8")

    def drawing(self, name: str) -> Path | None:
        """A figure's SVG, where it exists."""
        return self._file(name, ".svg")

    def missing(self) -> list[str]:
        """The names of the promised records that are not there."""
        return [name for name in self.places if self.is_missing(name)]

    def _file(self, name: str, suffix: str) -> Path | None:
        place = self.places.get(name)
        path = place and place.with_name(place.name + suffix)
        return files.verified(path) if path and path.exists() else None


def _rows(path: Path) -> pandas.DataFrame | None:
    """A file's rows; None without any."""
    # A model may be called NA; only an empty field and the nan that Python's csv writes are missing values.
    rows = pandas.read_csv(path, keep_default_na=False, na_values=["", "nan"])
    return None if rows.empty else rows
