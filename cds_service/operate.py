"""What an operator asks of the card log: ``cds-service log …`` and ``cds-service store …``.

The database and the spool are those of CDS_DATABASE_URL and CDS_VAR_DIR.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from cds_service.errors import CDSServiceError
from cds_service.settings import Settings

# The database's libraries are imported by the commands that use them: the others start twice as
# fast without.
if TYPE_CHECKING:
    from cds_service.store.database import Database
    from cds_service.store.spool import Spool

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("log")
def log_group() -> None:
    """Ask the card log what was shown and why, and keep it in bounds."""


@click.group("store")
def store_group() -> None:
    """Look after the card log's database."""


@log_group.command("show")
@click.argument("card_uuid")
@_json
def log_show(card_uuid: str, as_json: bool) -> None:
    """Print what was shown in the card CARD_UUID, why, and what the clinician did."""
    from cds_service.store.reading import feedback_on, shown_card
    from cds_service.store.telling import card_text, safe

    uuid = card_uuid.strip()
    with _database() as (database, spool), database.reading() as connection:
        card = shown_card(connection, uuid)
        answers = 0 if card else len(feedback_on(connection, uuid))
        waiting = 0 if card else spool.waiting()
    if card is None:
        raise click.ClickException(_unknown(safe(uuid), answers, waiting))
    if as_json:
        _print_json(asdict(card))
    else:
        _print(card_text(card))


def _unknown(uuid: str, answers: int, waiting: int) -> str:
    said = f"no card {uuid} is on record"
    if answers:
        said += f", though {answers} answers to it are"
    if waiting:
        said += f"; {waiting} records still wait in the spool of this machine"
    return said


@log_group.command("status")
@_json
def log_status(as_json: bool) -> None:
    """Print how much the card log holds, since when, and what waits in the spool."""
    from cds_service.store.telling import holdings_text
    from cds_service.store.upkeep import holdings

    with _database() as (database, spool):
        with database.reading() as connection:
            held = holdings(connection)
        waiting, set_aside = spool.waiting(), spool.aside()
    if as_json:
        _print_json({**asdict(held), "spooled": waiting, "set_aside": set_aside})
    else:
        _print(holdings_text(held, waiting=waiting, set_aside=set_aside))


def _age(_context: click.Context, _option: click.Parameter, words: str) -> timedelta:
    from cds_service.store.upkeep import age

    try:
        return age(words)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from None


@log_group.command("purge")
@click.option(
    "--older-than",
    required=True,
    callback=_age,
    metavar="AGE",
    help="What is older goes: 90d, 12w, 18m (months of 30 days), 10y, or a number of days.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def log_purge(older_than: timedelta, dry_run: bool) -> None:
    """Delete calls with their cards, and feedback, of a certain age; and expired token ids."""
    from cds_service.store.telling import counts_text
    from cds_service.store.upkeep import compact, doomed, purge

    now = datetime.now(UTC)
    before = now - older_than
    with _database() as (database, spool):
        if dry_run:
            with database.reading() as connection:
                click.echo(f"Would delete {counts_text(doomed(connection, before, now))}")
            return
        gone = purge(database, before, now)
        aside = spool.forget_aside(before)
        compact(database)
    click.echo(f"Deleted {counts_text(gone)}, {aside} refused records")


@log_group.command("retry")
def log_retry() -> None:
    """Queue again the records of this machine that the database refused."""
    with _database() as (_, spool):
        click.echo(f"{spool.put_back()} records wait to be taken in by the running service")


@store_group.command("upgrade")
def store_upgrade() -> None:
    """Make the tables, or bring them to this version; does nothing when they are."""
    from cds_service.store.schema import upgrade_store

    with clear_errors():
        revision = upgrade_store(Settings.from_environment().database_url)
    click.echo(f"The tables have revision {revision}")


@contextmanager
def _database() -> Iterator[tuple[Database, Spool]]:
    """The database and spool that the settings name, for one command."""
    from cds_service.store.database import Database
    from cds_service.store.spool import Spool

    with clear_errors():
        settings = Settings.from_environment()
        database, spool = Database(settings.database_url), Spool(settings.var_dir)
        if database.file and not database.file.exists():
            raise click.ClickException(
                "there is no card log yet: CDS_DATABASE_URL names a file that does not exist"
            )
        try:
            yield database, spool
        finally:
            spool.close()
            database.close()


@contextmanager
def clear_errors() -> Iterator[None]:
    """Errors as one sentence; those of the database without what they may quote."""
    from sqlalchemy.exc import SQLAlchemyError

    from cds_service.store.database import told

    try:
        yield
    except CDSServiceError as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        raise click.ClickException(
            f"the card log's database cannot be used ({told(error)}); see that it runs, and that "
            "`cds-service store upgrade` was run"
        ) from None


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(line)


def _print_json(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value, indent=2, default=_iso))


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
