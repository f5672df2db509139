"""What the log keeps of one client, as against all others."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from cds_service.store.tables import calls, feedback


def has_others(connection: Connection, client: str) -> bool:
    """Whether calls or answers of any other client are on record."""
    return any(
        connection.execute(select(table.c.client).where(table.c.client != client).limit(1)).first()
        for table in (calls, feedback)
    )


def forget(connection: Connection, client: str) -> Mapping[str, int]:
    """Delete a client's calls, with their cards and suggestions, and its answers.

    Returns how many calls and answers went, by table.
    """
    return {
        table.name: connection.execute(delete(table).where(table.c.client == client)).rowcount
        for table in (calls, feedback)
    }
