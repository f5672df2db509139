"""Brings the tables of a database to where this version of the code wants them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from cds_service.store.database import Database, StoreRefused, told
from cds_service.store.folders import locked, private_file
from cds_service.store.port import StoreUnavailable
from cds_service.store.tables import VERSION_TABLE

# Any number, as long as all versions of this service agree on it.
_ADVISORY_LOCK = 4_077_110_316


def upgrade_store(database_url: str) -> str:
    """Make or upgrade the tables; returns the revision they now have. Leaves no connection open.

    Safe when several processes and machines start at once: one works, the others wait for it.

    Raises:
        StoreRefused: when the URL is of no use, or the tables are of a newer version than this.
        StoreUnavailable: when the database cannot be reached or refuses to be changed.
    """
    database = Database(database_url)
    try:
        with _alone(database), database.writing(durably=True) as connection:
            return upgrade(connection)
    except (SQLAlchemyError, OSError) as error:
        raise StoreUnavailable(
            f"the card log's database cannot be reached or changed ({told(error)}); "
            "see that it runs, and that CDS_DATABASE_URL names a user who may make tables"
        ) from error
    finally:
        database.close()


def upgrade(connection: Connection) -> str:
    """Upgrade in the transaction of this connection; returns the revision.

    Raises:
        StoreRefused: when the tables are of a newer version than this code.
    """
    if not connection.dialect.name.startswith("sqlite"):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    scripts = _scripts()
    found = revision_of(connection)
    if found not in {None, *(each.revision for each in scripts.walk_revisions())}:
        raise StoreRefused(
            f'the card log\'s tables have revision "{found}", which this version of cds-service '
            "does not know: a newer one made them; install that version, or restore the backup "
            "taken before it"
        )
    newest = newest_revision()
    if found != newest:
        command.upgrade(configuration(connection), "head")
    return newest


def newest_revision() -> str:
    """The revision that this code works with."""
    return _scripts().get_current_head() or ""


def revision_of(connection: Connection) -> str | None:
    """The revision that the tables have; None when there are none."""
    options = {"version_table": VERSION_TABLE}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def configuration(connection: Connection) -> Config:
    """Alembic's settings, without a file: the scripts lie in this package."""
    config = Config()
    config.set_main_option("script_location", "cds_service.store:migrations")
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", "cds_service.store:migrations")
    return ScriptDirectory.from_config(config)


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Nobody else on this machine sets up the same SQLite file: turning it to WAL does not wait."""
    if database.file is None:
        with nullcontext():
            yield
        return
    private_file(database.file)
    with locked(database.file.parent, wait=True):
        yield
