"""The card log in a database, with a spool beside it for the time when the database is away."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cds_service.store.answers import last_answers
from cds_service.store.breaker import Breaker
from cds_service.store.counts import Statistics
from cds_service.store.database import STORE_ERRORS, Database, is_refusal, told
from cds_service.store.entries import Entry, call_entry, feedback_entry, token_entry
from cds_service.store.per_process import PerProcess
from cds_service.store.port import StoreUnavailable
from cds_service.store.records import Answered, CallRecord, FeedbackRecord
from cds_service.store.replay import Replay
from cds_service.store.settling import Settling
from cds_service.store.spool import Spool
from cds_service.store.statistics import statistics
from cds_service.store.straight_writing import is_first_use
from cds_service.store.writing import forget_expired, keep, write_nothing

logger = logging.getLogger(__name__)

_TIDY_EVERY = timedelta(minutes=10)

# A year of a large hospital may take that long to count; no call waits for it.
_LONGER_TO_COUNT = 20


def _now() -> datetime:
    return datetime.now(UTC)


def open_card_log(
    database_url: str,
    var_dir: Path,
    *,
    clock: Callable[[], datetime] = _now,
    in_background: bool = True,
    patience: float = 1.0,
) -> DatabaseLog:
    """The card log of a serving process. Connects to nothing yet, so it may be forked.

    ``clock`` tells since when the database is away. Without ``in_background`` nobody replays the
    spool but `DatabaseLog.replay`. ``patience``: after so many seconds a database that does not
    answer counts as away.

    Raises:
        StoreRefused: when the URL names a database that we do not know how to use.
    """
    database = Database(database_url, patience=patience)
    # Its own connections: one that counts for long does not mean that the database is away.
    counting = Database(database_url, patience=_LONGER_TO_COUNT * patience)
    return DatabaseLog(database, counting, Spool(var_dir), clock, in_background=in_background)


class DatabaseLog:
    """Keeps calls, cards, feedback and token ids; see `store.port.CardLog` for what it promises.

    Whatever the database cannot take now goes to the spool; a thread per process looks every second
    whether the database is back, and one of them on this machine moves the records there.
    """

    def __init__(
        self,
        database: Database,
        counting: Database,
        spool: Spool,
        clock: Callable[[], datetime],
        *,
        in_background: bool,
    ) -> None:
        self._database = database
        self._counting = counting
        self._spool = spool
        self._breaker = PerProcess(lambda: Breaker(clock))
        self._replay = PerProcess(
            lambda: Replay(database, spool, self._breaker.get(), in_background=in_background)
        )
        self._settling = PerProcess(lambda: Settling(database))
        self._settles = in_background and database.is_sqlite
        self._lost = 0
        self._tidied: datetime | None = None

    def start(self) -> None:
        """Begin to look after the spool; called by each worker after it was forked."""
        self._replay.get().wake()

    def close(self) -> None:
        """Stop looking after the spool and close this process's connections."""
        if replay := self._replay.take():
            replay.stop()
        if settling := self._settling.take():
            settling.stop()
        self._spool.close()
        self._counting.close()
        self._database.close()

    def replay(self) -> int:
        """Move what waits in the spool to the database, if it is back; returns how many records."""
        return self._replay.get().run_once()

    def record(self, call: CallRecord) -> None:
        """Keep a call with its cards; see the port. Never raises."""
        try:
            entry = call_entry(call)
            if not self._write([entry], durably=False):
                self._wait([entry], durably=False)
        except Exception as error:
            self._lost += 1
            logger.critical("call kept nowhere", extra={"call": call.id, "reason": told(error)})

    def keep_feedback(self, items: Sequence[FeedbackRecord]) -> None:
        """Keep feedback on disk; see the port.

        Raises:
            StoreUnavailable: when neither the database nor the spool could keep it.
        """
        entries = [feedback_entry(item) for item in items]
        if entries and not self._write(entries, durably=True):
            self._wait(entries, durably=True)

    def answered(self, keys: Iterable[str], since: datetime) -> Mapping[str, Answered]:
        """The last answer to each key; what waits in the spool is not seen. Never raises."""
        wanted = sorted({key for key in keys if key})
        if not wanted or self._breaker.get().is_open:
            return {}
        try:
            return last_answers(self._database, wanted, since)
        except Exception as error:
            self._failed(error)
            return {}

    def is_first_use(self, issuer: str, token_id: str, until: datetime, now: datetime) -> bool:
        """Remember a token id; see the port.

        Each id is remembered on this machine too. While the database is away a replay is refused
        on the same machine, and only there; afterwards everywhere.

        Raises:
            StoreUnavailable: when neither the machine nor the database can tell.
        """
        self._tidy(now)
        entry = token_entry(issuer, token_id, until)
        is_new_here = self._is_new_here(entry, until, now)
        if is_new_here is False:
            return False
        is_new = self._is_new_everywhere(entry, now)
        if is_new is not None:
            return is_new
        if is_new_here is None:
            raise StoreUnavailable("neither the database nor CDS_VAR_DIR can tell used tokens")
        with suppress(StoreUnavailable):  # this machine remembers it; only others would not hear
            self._wait([entry], durably=False)
        return True

    def statistics(self, since: datetime, until: datetime) -> Statistics:
        """The calls of a time in numbers; see the port.

        Raises:
            StoreUnavailable: when the database cannot tell.
        """
        if self._breaker.get().is_open:
            raise StoreUnavailable("the card log's database is away")
        try:
            with self._counting.reading() as connection:
                return statistics(connection, since, until)
        except STORE_ERRORS as error:
            raise StoreUnavailable(f"the card log cannot be counted ({told(error)})") from None

    def problems(self) -> Sequence[str]:
        """Why the store is not fit for use; asks the database, which may take two seconds."""
        found = tuple(filter(None, (self._away(), *self._waiting())))
        return (
            (*found, f"{self._lost} calls could be kept nowhere") if found and self._lost else found
        )

    @property
    def spooled(self) -> int:
        """How many records wait in the spool of this machine; 0 also when it cannot be read."""
        try:
            return self._spool.waiting()
        except StoreUnavailable:
            return 0

    @property
    def lost(self) -> int:
        """How many calls of this process neither the database nor the spool could keep."""
        return self._lost

    @property
    def set_aside(self) -> int:
        """How many records the database refused for good; 0 also when the spool cannot be read."""
        try:
            return self._spool.aside()
        except StoreUnavailable:
            return 0

    def _write(self, entries: Sequence[Entry], *, durably: bool) -> bool:
        """Whether the database has them; one that it refuses for good goes aside."""
        if self._breaker.get().is_open:
            return False
        try:
            keep(self._database, entries, durably=durably)
        except Exception as error:
            self._failed(error)
            return False
        if self._settles:
            self._settling.get().written()
        return True

    def _wait(self, entries: Sequence[Entry], *, durably: bool) -> None:
        self._spool.add(entries, durably=durably)
        self._replay.get().wake()

    def _failed(self, error: Exception) -> None:
        """Note that the database is away, unless it only refused this one record."""
        if not is_refusal(error) and self._breaker.get().open(told(error)):
            logger.error("database away", extra={"reason": told(error)})
        self._replay.get().wake()

    def _is_new_here(self, entry: Entry, until: datetime, now: datetime) -> bool | None:
        try:
            return self._spool.is_first_use(entry.key, until, now)
        except StoreUnavailable:
            return None

    def _is_new_everywhere(self, entry: Entry, now: datetime) -> bool | None:
        """None: the database cannot tell."""
        if self._breaker.get().is_open:
            return None
        try:
            (row,) = entry.rows["token_ids"]
            return is_first_use(self._database, row, now)
        except Exception as error:
            self._failed(error)
            return None

    def _tidy(self, now: datetime) -> None:
        """Every few minutes, forget the token ids that have expired."""
        if self._tidied and now - self._tidied < _TIDY_EVERY:
            return
        self._tidied = now
        with suppress(StoreUnavailable):
            self._spool.forget_token_ids(now)
        if not self._breaker.get().is_open:
            try:
                with self._database.writing() as connection:
                    forget_expired(connection, now)
            except Exception as error:
                self._failed(error)

    def _away(self) -> str:
        breaker = self._breaker.get()
        if not breaker.is_open:
            try:
                with self._database.writing() as connection:
                    write_nothing(connection)
            except Exception as error:
                self._failed(error)
        return breaker.problem

    def _waiting(self) -> Sequence[str]:
        try:
            self._spool.check()
            waiting = self._spool.waiting()
        except StoreUnavailable as error:
            return (str(error),)
        return (f"{waiting} records wait in the spool for the database",) if waiting else ()
