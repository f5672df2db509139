"""The tables are what the code thinks they are, and only a fitting database is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import column, inspect, table, text, update
from sqlalchemy.exc import DBAPIError

from cds_service.store.card_log import open_card_log
from cds_service.store.database import Database, StoreRefused, told
from cds_service.store.port import StoreUnavailable
from cds_service.store.schema import configuration, newest_revision, revision_of, upgrade_store
from cds_service.store.tables import VERSION_TABLE, metadata
from tests.store_builders import NOW, Place, call, card, rows


def tables(url: str) -> set[str]:
    with Database(url).reading() as connection:
        return set(inspect(connection).get_table_names())


def test_migrations_make_the_tables_that_the_code_knows(place: Place) -> None:
    options = {"version_table": VERSION_TABLE, "compare_server_default": True}
    with Database(place.url).reading() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_an_upgrade_of_what_is_new_changes_nothing(place: Place) -> None:
    log = place.open_log()
    log.record(call(card()))
    log.close()
    assert upgrade_store(place.url) == newest_revision()
    assert rows(place.url, "cards") == 1


def test_every_step_can_be_taken_back_and_again(place: Place) -> None:
    with Database(place.url).writing() as connection:
        command.downgrade(configuration(connection), "base")
    assert tables(place.url) == {VERSION_TABLE}
    upgrade_store(place.url)
    assert tables(place.url) == {VERSION_TABLE, *metadata.tables}


def test_a_step_that_fails_leaves_the_tables_as_they_were(
    empty_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(empty_place.url)
    if database.file:
        database.file.parent.mkdir()
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE token_ids (in_the_way INTEGER)"))
    with pytest.raises(StoreUnavailable):
        upgrade_store(empty_place.url)
    assert tables(empty_place.url) == {"token_ids"}


def test_tables_of_a_newer_version_are_refused_and_left_alone(place: Place) -> None:
    with Database(place.url).writing() as connection:
        versions = table(VERSION_TABLE, column("version_num"))
        connection.execute(update(versions).values(version_num="9999"))
    with pytest.raises(StoreRefused, match=r'revision "9999".*a newer one made them'):
        upgrade_store(place.url)
    with Database(place.url).reading() as connection:
        assert revision_of(connection) == "9999"


def test_processes_that_start_together_make_the_tables_once(empty_place: Place) -> None:
    code = "import sys; from cds_service.store.schema import upgrade_store as up; up(sys.argv[1])"
    starts = [
        subprocess.Popen([sys.executable, "-c", code, empty_place.url], stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    assert [start.communicate()[1] for start in starts] == [b""] * 4
    assert tables(empty_place.url) == {VERSION_TABLE, *metadata.tables}


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:secret@host/name",
        "postgresql+psycopg2://user:secret@host/name",
        "sqlite+aiosqlite:///secret",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:secret?mode=memory&uri=true",
        "not a url, secret",
    ],
)
def test_a_database_that_we_cannot_use_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StoreRefused, match="CDS_DATABASE_URL") as refused:
        open_card_log(url, Path("var"))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_spoken_to_through_psycopg(scheme: str) -> None:
    assert Database(f"{scheme}://user@host/name").url.drivername == "postgresql+psycopg"


def test_a_database_out_of_reach_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as away:
        upgrade_store(f"postgresql://user:secret@/name?host={tmp_path}")
    assert "OperationalError" in str(away.value)
    assert "secret" not in str(away.value)


def test_options_of_the_url_come_before_ours(place: Place) -> None:
    if not place.server:
        assert "options" not in Database(place.url).url.query
        return
    database = Database(f"{place.url}&application_name=mine&connect_timeout=7", patience=30)
    with database.reading() as connection:
        asked = "search_path", "application_name", "statement_timeout", "lock_timeout", "TimeZone"
        answers = [connection.execute(text(f"SHOW {name}")).scalar_one() for name in asked]
    database.close()
    assert answers[0].startswith("test_")
    assert answers[1:] == ["mine", "30s", "30s", "UTC"]


def test_files_are_for_the_service_alone(tmp_path: Path) -> None:
    var_dir = tmp_path / "deep" / "var"
    url = f"sqlite:///{var_dir / 'cds.sqlite'}"
    upgrade_store(url)
    log = open_card_log(url, var_dir, in_background=False)
    log.record(call(card()))
    log.is_first_use("issuer", "id", NOW, NOW)
    modes = {path.name: path.stat().st_mode & 0o777 for path in var_dir.iterdir()}
    log.close()
    assert var_dir.stat().st_mode & 0o777 == 0o700
    assert {"cds.sqlite", "cds.sqlite-wal", "spool.sqlite", "spool.sqlite-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_an_error_is_told_without_what_it_quotes(place: Place) -> None:
    with (
        Database(place.url).writing() as connection,
        pytest.raises(DBAPIError, match="Eve Everywoman") as raised,
    ):
        connection.execute(text('SELECT * FROM "Eve Everywoman"'))
    assert "Eve" not in told(raised.value)
