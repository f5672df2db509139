"""Moves records from the spool to the database when it is back, while calls go on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import suppress

from cds_service.store.breaker import Breaker
from cds_service.store.database import Database, is_refusal, told
from cds_service.store.port import StoreUnavailable
from cds_service.store.spool import Spool, Waiting
from cds_service.store.writing import keep, write_nothing

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
# Nothing is known to wait; but a worker of this machine may have died with records in the spool.
_LOOK_SECONDS = 30.0
_BATCH = 100


class Replay:
    """One process's look after the spool; its thread begins with the first reason to look.

    A record leaves the spool after the database has it, and the database takes a record once: so
    wherever this is cut off, none is lost and none comes twice.
    """

    def __init__(
        self, database: Database, spool: Spool, breaker: Breaker, *, in_background: bool
    ) -> None:
        self._database = database
        self._spool = spool
        self._breaker = breaker
        self._in_background = in_background
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._reason = threading.Event()
        self._is_stopped = threading.Event()

    def wake(self) -> None:
        """There may be something to do."""
        self._reason.set()
        if self._in_background and self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._look_after, name="card-log-replay", daemon=True
                    )
                    self._thread.start()

    def stop(self) -> None:
        """End the thread; a record that is on its way is finished."""
        self._is_stopped.set()
        self._reason.set()
        if self._thread:
            self._thread.join(timeout=3)

    def run_once(self) -> int:
        """Replay what can be replayed now; returns how many records went over.

        Each round is also the test of an open breaker: it closes when the database takes writes.
        """
        try:
            self._make_ready()
        except Exception as error:
            self._away(error)
            return 0
        if self._breaker.close():
            logger.warning("database back")
        with suppress(StoreUnavailable), self._spool.sole_replayer() as is_mine:
            return self._drain() if is_mine else 0
        return 0

    def _look_after(self) -> None:
        while not self._is_stopped.is_set():
            self._reason.clear()
            try:
                self.run_once()
            except Exception as error:
                # Whatever it was, the next round may do better; without one, nothing ever would.
                logger.exception("replay failed", exc_info=error)
            self._rest()

    def _rest(self) -> None:
        if self._breaker.is_open:
            self._is_stopped.wait(_RETRY_SECONDS)
        else:
            self._reason.wait(_LOOK_SECONDS)

    def _make_ready(self) -> None:
        """See that the database takes writes, and has its tables when it was not there at start."""
        if not self._breaker.is_open:
            return
        from cds_service.store.schema import newest_revision, revision_of, upgrade_store

        with self._database.reading() as connection:
            is_current = revision_of(connection) == newest_revision()
        if not is_current:
            upgrade_store(self._database.url.render_as_string(hide_password=False))
        with self._database.writing() as connection:
            write_nothing(connection)

    def _drain(self) -> int:
        done = 0
        while not self._is_stopped.is_set() and (batch := self._spool.first(_BATCH)):
            moved = self._move(batch)
            self._spool.remove(each.place for each in moved)
            done += len(moved)
            if len(moved) < len(batch) and self._breaker.is_open:
                break
        if done:
            logger.warning("records replayed", extra={"records": done})
        return done

    def _move(self, batch: Sequence[Waiting]) -> list[Waiting]:
        """The records of a batch that the database now has, as far as it went."""
        moved = []
        for waiting in batch:
            try:
                entry = waiting.entry()
                keep(self._database, [entry], durably=waiting.kind == "feedback")
            except Exception as error:
                if not is_refusal(error):
                    self._away(error)
                    break
                self._set_aside(waiting, error)
            else:
                moved.append(waiting)
        return moved

    def _set_aside(self, waiting: Waiting, error: Exception) -> None:
        self._spool.set_aside(waiting.key, waiting.kind, waiting.body, told(error))
        logger.error(
            "record refused by the database and set aside",
            extra={"kind": waiting.kind, "key": waiting.key, "reason": told(error)},
        )

    def _away(self, error: Exception) -> None:
        if self._breaker.open(told(error)):
            logger.error("database away", extra={"reason": told(error)})
