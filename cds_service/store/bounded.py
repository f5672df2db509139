"""A PostgreSQL connection that waits for its server only so long.

PostgreSQL's own `statement_timeout` is kept by the server, and one that hangs keeps nothing.
"""

from __future__ import annotations

import time
from typing import TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

RV = TypeVar("RV")

_GLANCE = 0.1


class BoundedConnection(Connection[TupleRow]):
    """Closes itself, with an `OperationalError`, when its server keeps it waiting.

    ``longest_wait``: seconds for one exchange with the server, and for all of one checkout.
    """

    longest_wait = 60.0
    _until: float | None = None

    def start_clock(self) -> None:
        """From now on everything together may take ``longest_wait``."""
        self._until = time.monotonic() + self.longest_wait

    def stop_clock(self) -> None:
        """Back to every exchange for itself."""
        self._until = None

    def wait(self, gen: PQGen[RV], interval: float = _GLANCE, timeout: float | None = None) -> RV:
        """Finish an exchange with the server, as psycopg does, but in time."""
        left = self.longest_wait if self._until is None else self._until - time.monotonic()
        try:
            return super().wait(gen, interval, max(left, 0.001))
        except OperationalError as error:
            if error.sqlstate is None:  # not the server's word: the exchange stands half way
                self.pgconn.finish()
            raise
