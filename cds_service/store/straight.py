"""Values as sqlite3 takes them from us, with no SQLAlchemy in between.

For what every hook call waits for: there the library takes longer than the database. A value is
kept exactly as the library would keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cds_service.store.tables import in_utc


def as_sqlite(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose moments are texts, as sqlite3 knows no moments."""
    return {
        name: _text(value) if isinstance(value, datetime) else value for name, value in row.items()
    }


def from_sqlite(text: str) -> datetime:
    """The moment that `as_sqlite` wrote."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return in_utc(moment).replace(tzinfo=None).isoformat(" ", "microseconds")
