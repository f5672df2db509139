"""One door to the database: which kinds there are, how each is opened, how long it may take."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    InvalidatePoolError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from urllib3.util.wait import wait_for_read

from cds_service.errors import CDSServiceError
from cds_service.store.folders import private_file
from cds_service.store.per_process import PerProcess

POSTGRESQL = "postgresql+psycopg"
SQLITE = "sqlite+pysqlite"

# The names that people write for the two.
_KINDS: Mapping[str, str] = {
    "postgres": POSTGRESQL,
    "postgresql": POSTGRESQL,
    "postgresql+psycopg": POSTGRESQL,
    "sqlite": SQLITE,
    "sqlite+pysqlite": SQLITE,
}

_OPERATOR_SECONDS = 60.0
"""How long an operator's command waits for a lock."""

# The server keeps to its time by itself; only when it does not, do we.
_SLACK = 1.5

# SQLSTATE classes that speak of the record: data exception, integrity, program limit exceeded.
_REFUSALS = ("22", "23", "54")


# Pages of SQLite's journal, 32 megabytes, at which the call that wrote last empties it; `settling`
# does so long before, unless calls come too fast for it.
_LONGEST_JOURNAL = 8192

# A connection that idled for longer may have been forgotten by something on the way.
_IDLE_SECONDS = 30.0


Values = Mapping[str, Any] | tuple[Any, ...]
"""What a statement is run with, by name or by place."""


class Cursor(Protocol):
    """What both drivers give back for a statement."""

    rowcount: int

    def fetchall(self) -> list[Any]:
        """The rows, as tuples."""


class Driver(Protocol):
    """What the connections of both drivers can do."""

    def execute(self, statement: str, values: Values, /) -> Cursor:
        """Run one statement in the driver's own dialect."""

    def executemany(self, statement: str, values: Iterable[Values], /) -> Cursor:
        """Run one statement for each of some values (SQLite)."""


class StoreRefused(CDSServiceError):  # noqa: N818 - it says what is the matter, like StoreUnavailable.
    """The database cannot be used as it stands, and waiting will not help."""


class Database:
    """Connections to the card log's database, opened when first needed, anew in each process.

    ``patience``: seconds that a statement or a lock may take, because a caller waits. None: an
    operator waits, and statements take what they need.

    Raises:
        StoreRefused: when the URL names a database that we do not know how to use.
    """

    def __init__(self, url: str, *, patience: float | None = None) -> None:
        self.url = _checked(url)
        self._patience = patience
        self._engine = PerProcess(self._open)
        self._turn = PerProcess(threading.Lock)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite; else it is PostgreSQL."""
        return self.url.drivername == SQLITE

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database."""
        return Path(self.url.database or "") if self.is_sqlite else None

    @property
    def engine(self) -> Engine:
        """This process's engine."""
        return self._engine.get()

    @contextmanager
    def writing(self, *, durably: bool = False) -> Iterator[Connection]:
        """A transaction that writes; ``durably``: on the disk itself when it ends.

        What is not written durably survives the end of this process, though not that of the
        machine (SQLite; PostgreSQL always writes durably).
        """
        # SQLite lets one write at a time and makes others poll, which is unfair; so we queue.
        turn = self._turn.get() if self.is_sqlite else nullcontext()
        with turn, self.engine.connect() as connection:
            connection.execution_options(cds_begin="durably" if durably else "to write")
            try:
                with connection.begin():
                    yield connection
            finally:
                if durably and self.is_sqlite:
                    _wait_for_no_disk(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing_straight(self) -> Iterator[Driver]:
        """The driver's own connection, for the writes that every call waits for.

        On SQLite one transaction, kept as `writing` keeps it; on PostgreSQL each statement is one,
        and so costs one exchange. Fails with the errors of `writing`.
        """
        turn = self._turn.get() if self.is_sqlite else nullcontext()
        with turn, self._straight() as driver:
            if not self.is_sqlite:
                yield driver
                return
            driver.execute("BEGIN IMMEDIATE")
            yield driver
            driver.execute("COMMIT")

    @contextmanager
    def reading_straight(self) -> Iterator[Driver]:
        """The driver's own connection, for one question. Fails with the errors of `reading`."""
        with self._straight() as driver:
            yield driver

    @contextmanager
    def _straight(self) -> Iterator[Any]:
        """A connection of the pool; a transaction that is not ended is undone."""
        engine = self.engine
        try:
            with closing(engine.raw_connection()) as pooled:
                try:
                    with _each_for_itself(pooled.driver_connection, self.is_sqlite) as driver:
                        yield driver
                except engine.dialect.loaded_dbapi.Error as error:
                    if engine.dialect.is_disconnect(error, pooled.driver_connection, None):
                        pooled.invalidate(error)
                    raise
        except engine.dialect.loaded_dbapi.Error as error:
            # As the library would tell it, without the statement and what was in it.
            raise DBAPIError.instance(None, None, error, type(error), True) from error

    @contextmanager
    def outside_transactions(self) -> Iterator[Connection]:
        """A connection to PostgreSQL for what no transaction may hold, such as VACUUM."""
        with self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        """Close this process's connections."""
        if engine := self._engine.take():
            engine.dispose()

    def _open(self) -> Engine:
        # At DEBUG the library would log statements and rows, and slow every call for it.
        logging.getLogger("sqlalchemy").setLevel(logging.WARNING)
        return self._open_sqlite() if self.is_sqlite else self._open_postgresql()

    def _open_sqlite(self) -> Engine:
        engine = sqlalchemy.create_engine(
            self.url,
            connect_args={
                "timeout": self._patience or _OPERATOR_SECONDS,
                "check_same_thread": False,
            },
            hide_parameters=True,
            **self._pooling(),
        )
        event.listen(engine, "do_connect", self._make_file)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _open_postgresql(self) -> Engine:
        engine = sqlalchemy.create_engine(
            self.url,
            connect_args=_postgresql_arguments(self.url, self._patience),
            hide_parameters=True,
            **self._pooling(),
        )
        if self._patience is not None:
            event.listen(engine, "do_connect", _connector(self._patience))
            event.listen(engine, "checkout", _take_out)
            event.listen(engine, "checkin", _put_back)
        return engine

    def _pooling(self) -> dict[str, Any]:
        """Few connections for many threads: a database has not that many slots.

        The one used last is used next: SQLite forgets the pages it read when another has written.
        """
        if self._patience is None:
            return {"poolclass": NullPool}
        return {
            "pool_size": 4,
            "max_overflow": 4,
            "pool_timeout": self._patience,
            "pool_use_lifo": True,
        }

    def _make_file(self, *_: object) -> None:
        if self.file:
            private_file(self.file)


def is_refusal(error: Exception) -> bool:
    """Whether the database will never take this record; else it is the database that is away."""
    if isinstance(error, DataError | IntegrityError):
        return True
    if isinstance(error, DBAPIError):
        return str(getattr(error.orig, "sqlstate", None) or "").startswith(_REFUSALS)
    return not isinstance(error, PoolTimeout | OSError | CDSServiceError)


def told(error: Exception) -> str:
    """An error in words that hold nothing of a record or a password: its kind, and its code."""
    if not isinstance(error, DBAPIError):
        return str(error) if isinstance(error, CDSServiceError) else type(error).__name__
    cause = error.orig
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return f"{type(cause).__name__} {code}" if code else type(cause).__name__


STORE_ERRORS = (SQLAlchemyError, OSError, CDSServiceError)
"""What any use of the database may raise when it is away."""


def _checked(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise StoreRefused(
            "CDS_DATABASE_URL: not a database URL; write postgresql://user@host/name "
            "or sqlite:///folder/file"
        ) from None
    if url.drivername not in _KINDS:
        raise StoreRefused(
            f'CDS_DATABASE_URL: "{url.drivername}" is not a database that the card log can use; '
            "write postgresql://user@host/name or sqlite:///folder/file"
        )
    url = url.set(drivername=_KINDS[url.drivername])
    if url.drivername == SQLITE and not _is_file(url.database):
        raise StoreRefused(
            "CDS_DATABASE_URL: SQLite needs a file, as in sqlite:///folder/file; "
            "a record in memory is none"
        )
    return url


def _is_file(database: str | None) -> bool:
    return bool(database) and database != ":memory:" and not str(database).startswith("file:")


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # We begin transactions ourselves, see _begin_sqlite.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    # A new file gives space back after a purge without being written anew as a whole.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LONGEST_JOURNAL}")


def _begin_sqlite(connection: Connection) -> None:
    """Whoever means to write says so at once, so that two never wait for each other."""
    match connection.get_execution_options().get("cds_begin", "to read"):
        case "to read":
            connection.exec_driver_sql("BEGIN")
        case "to write":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        case "durably":
            connection.exec_driver_sql("PRAGMA synchronous = FULL")
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def _wait_for_no_disk(connection: Connection) -> None:
    """Later transactions need not be on the disk when they end; if this fails, they will be."""
    with suppress(sqlite3.Error, SQLAlchemyError):
        if driver := connection.connection.driver_connection:
            driver.execute("PRAGMA synchronous = NORMAL")


def _postgresql_arguments(url: URL, patience: float | None) -> dict[str, Any]:
    """What libpq is told beside the URL; what the URL says itself comes first."""
    wait = round((patience or _OPERATOR_SECONDS) * 1000)
    options = [str(url.query.get("options", "")), "-c timezone=UTC", f"-c lock_timeout={wait}"]
    if patience is not None:
        options.append(f"-c statement_timeout={wait}")
    ours = {
        "application_name": "cds-service",
        # libpq takes nothing below two seconds.
        "connect_timeout": 10 if patience is None else max(2, round(patience)),
        "tcp_user_timeout": 2 * wait,
    }
    told = {name: value for name, value in ours.items() if name not in url.query}
    return told | {"options": " ".join(filter(None, options))}


def _connector(patience: float) -> Callable[..., Any]:
    # Imported here: who keeps the log in SQLite need not wait for psycopg at each start.
    from cds_service.store.bounded import BoundedConnection

    def connect(_: object, __: object, arguments: Any, named: Any) -> BoundedConnection:
        connection = BoundedConnection.connect(*arguments, **named)
        connection.longest_wait = _SLACK * patience
        return connection

    return connect


def _take_out(connection: Any, record: ConnectionPoolEntry, _: object) -> None:
    """See that the server is still there; mostly without asking it, which would cost an exchange.

    A server says nothing to a connection that idles, but for its good-bye.
    """
    connection.start_clock()
    idle = monotonic() - record.info.get("cds_put_back", monotonic())
    if connection.closed or idle > _IDLE_SECONDS or wait_for_read(connection, timeout=0):
        try:
            with _each_for_itself(connection, is_sqlite=False):
                connection.execute("SELECT 1")
        except connection.Error:
            raise InvalidatePoolError from None


def _put_back(connection: Any, record: ConnectionPoolEntry) -> None:
    if connection is not None:  # None: it was lost on the way
        connection.stop_clock()
        record.info["cds_put_back"] = monotonic()


@contextmanager
def _each_for_itself(connection: Any, is_sqlite: bool) -> Iterator[Any]:
    """Keep psycopg from opening a transaction before the first statement."""
    if is_sqlite:
        yield connection
        return
    connection.autocommit = True
    try:
        yield connection
    finally:
        if not connection.closed:
            connection.autocommit = False
