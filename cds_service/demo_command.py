"""``cds-service demo-traffic``: made-up records for a log that holds no others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from cds_service.operate import clear_errors
from cds_service.settings import Settings

# As in `operate`: the libraries of the database, and the service, only for those who use them.
if TYPE_CHECKING:
    from cds_service.demo import Made
    from cds_service.store.card_log import DatabaseLog
    from cds_service.store.database import Database


@click.command("demo-traffic")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True)
@click.option("--calls-per-day", type=click.IntRange(1, 1000), default=40, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Another one, other traffic.")
@click.option("--force", is_flag=True, help="Also beside the records of real callers.")
@click.option("--remove", is_flag=True, help="Delete all demonstration traffic, and make none.")
def demo_traffic(days: int, calls_per_day: int, seed: int, force: bool, remove: bool) -> None:
    """Fill the card log with made-up calls and answers of the last days, to try /analytics.

    They go into the database of CDS_DATABASE_URL, under the client name "demo".
    """
    with clear_errors():
        settings = Settings.from_environment()
        with _database(settings) as database:
            if remove:
                _remove(database)
                return
            _refuse_others(settings, database, force=force)
        click.echo(f"Making {days} days of about {calls_per_day} calls; give it a minute.")
        with _card_log(settings) as card_log:
            from cds_service.demo import make_traffic

            now = datetime.now(UTC)
            made = make_traffic(
                settings, card_log, days=days, calls_per_day=calls_per_day, seed=seed, until=now
            )
            spooled = card_log.spooled
        click.echo(_told(made))
        if spooled:
            click.echo(f"{spooled} records wait in CDS_VAR_DIR until the service runs.")


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    """The database with its tables."""
    from cds_service.store.database import Database
    from cds_service.store.schema import upgrade_store

    upgrade_store(settings.database_url)
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _card_log(settings: Settings) -> Iterator[DatabaseLog]:
    from cds_service.store.card_log import open_card_log

    # It is no caller who waits here; a busy disk is waited for.
    log = open_card_log(settings.database_url, settings.var_dir, in_background=False, patience=30.0)
    try:
        yield log
    finally:
        log.close()


def _refuse_others(settings: Settings, database: Database, *, force: bool) -> None:
    """A record of care must not be mixed with inventions by mistake."""
    from cds_service.demo import CLIENT
    from cds_service.store.of_client import has_others

    if force:
        return
    with database.reading() as connection:
        others = has_others(connection, CLIENT)
    if others or not settings.is_sandbox:
        found = "this card log holds records of real callers" if others else "CDS_CLIENTS is set"
        raise click.ClickException(
            f"{found}, and made-up traffic would stand among them; name another database in "
            "CDS_DATABASE_URL, or insist with --force (`demo-traffic --remove` takes it out again)"
        )


def _remove(database: Database) -> None:
    from cds_service.demo import CLIENT
    from cds_service.store.of_client import forget

    with database.writing(durably=True) as connection:
        gone = forget(connection, CLIENT)
    click.echo(f"Deleted {gone['calls']:,} calls and {gone['feedback']:,} answers of demo traffic")


def _told(made: Made) -> str:
    cards, answers = made.cards, made.answers
    shown = cards["shown"] + cards["softened"]
    return (
        f"{made.calls.total():,} calls, of which {made.calls[412]:,} could not be judged; "
        f"{shown:,} cards shown, {cards['left out']:,} left out as answered before; "
        f"{answers['accepted']:,} times accepted, {answers['overridden']:,} times overridden.\n"
        'All of it is kept under the client "demo". Start `cds-service serve` and open /analytics; '
        "`cds-service demo-traffic --remove` deletes it."
    )
