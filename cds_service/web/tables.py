"""A table that is the same on a page and in a CSV file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from io import StringIO
from typing import Literal

Kind = Literal["text", "aside", "number", "rule", "share", "trend"]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, and perhaps the lowest share that so few support (0 to 1)."""

    part: int
    whole: int
    at_least: Decimal | None = None

    @property
    def percent(self) -> Decimal | None:
        """The share in percent with one decimal; None of nothing."""
        return _percent(Fraction(self.part, self.whole)) if self.whole else None


@dataclass(frozen=True, slots=True)
class Trend:
    """Counts one after another, for a small picture; ``words`` say what it shows."""

    counts: tuple[int, ...]
    words: str


Cell = str | int | Decimal | date | Share | Trend | None


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and how the cells under it are shown; an ``aside`` only where there is room."""

    title: str
    kind: Kind = "number"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns. ``about`` is the caption; ``nothing`` what is said without rows."""

    name: str
    title: str
    about: str
    nothing: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def as_csv(table: Table) -> str:
    """The table as RFC 4180 writes it, pictures left out. No cell is taken for a formula."""
    written = StringIO()
    writer = csv.writer(written)
    kept = [place for place, column in enumerate(table.columns) if column.kind != "trend"]
    writer.writerow([table.columns[place].title for place in kept])
    writer.writerows([_written(row[place]) for place in kept] for row in table.rows)
    return written.getvalue()


# What a spreadsheet calculates, also after blanks and in full width.
_FORMULA = tuple("=+-@|%\t\r\n＝＋－＠")  # noqa: RUF001 - these very characters are meant.


def _written(cell: Cell) -> str:
    match cell:
        case str():
            return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell
        case Share():
            return "" if cell.percent is None else str(cell.percent)
        case date():
            return cell.isoformat()
        case None:
            return ""
    return str(cell)


def _percent(share: Fraction) -> Decimal:
    return (Decimal(100 * share.numerator) / share.denominator).quantize(Decimal("0.1"))
