"""The served process: it starts or says why not, keeps what it answers, counts, ends cleanly."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from cds_service.data import rules_dir
from cds_service.fixtures import load_fixture
from cds_service.strict_json import dumps
from tests import golden
from tests.exposition import samples, series
from tests.golden import FIXTURES, indicators
from tests.servers import Served, refused, serving, started
from tests.tokens import ec_key, key_set

ADA, ADAS_SERVICE = "ada-bilirubin-at-uln", "/cds-services/inotuzumab-order-sign"
OF_THE_MOMENT = ("uuid", "evaluated", "authoredOn")
EVALUATED = re.compile(r"Evaluated [0-9-]+ [0-9:]+ UTC\.")
CAST = [name for name, info in FIXTURES.items() if info.profile == "US"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two workers over one SQLite file."""
    with serving(tmp_path_factory.mktemp("served"), CDS_WORKERS="2") as running:
        yield running


def body(name: str = ADA) -> bytes:
    """A fixture that happens now."""
    return dumps(load_fixture(name, datetime.now(UTC)))


def path_of(name: str) -> str:
    """Where a fixture is sent."""
    return f"/cds-services/{FIXTURES[name].service_id}"


def rows(served: Served, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What the card log holds, read as an operator would."""
    file = served.folder / "var" / "cds.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query, values).fetchall()


def uuids(answer: dict[str, Any]) -> set[str]:
    """The cards of an answer."""
    return {card["uuid"] for card in answer["cards"]}


# ------------------------------------------------------------------ start and end


def test_it_starts_in_an_empty_folder_and_ends_when_told(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        status, ready = served.ask("GET", "/health/ready")
        (waiting,) = served.events("ready to judge")
        metrics = list(Path("/dev/shm").glob("cds-metrics-*"))  # noqa: S108 - Only looked at.

        assert served.stop() == 0

    assert status == 200
    assert (ready["mode"], ready["store"]) == ("sandbox", "ready")
    assert ready["engine"] == waiting["engine"] == "durable-rules and plain evaluator"
    assert any("sandbox mode" in line["event"] for line in served.lines())
    assert not [folder for folder in metrics if folder.exists() and _is_of(folder, served)]


def _is_of(folder: Path, served: Served) -> bool:
    return any(folder.glob(f"*_{served.process.pid}.db"))


def test_what_it_writes_is_for_its_own_user_alone(served: Served) -> None:
    files = [file for file in (served.folder / "var").rglob("*") if file.is_file()]

    assert {"cds.sqlite", "hash.key"} <= {file.name for file in files}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_told_to_end_it_finishes_the_call_in_flight_and_keeps_it(tmp_path: Path) -> None:
    sent = body()
    head = f"POST {ADAS_SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with serving(tmp_path) as served, served.socket() as caller:
        caller.sendall(f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent[:200])
        # Another call is answered after this one has begun, so the worker has it in hand.
        served.ask("POST", ADAS_SERVICE, sent)
        served.process.send_signal(signal.SIGTERM)
        caller.sendall(sent[200:])
        answer = HTTPResponse(caller)
        answer.begin()
        shown = uuids(json.loads(answer.read()))
        caller.close()

        assert served.process.wait(timeout=15) == 0
        kept = {uuid for (uuid,) in rows(served, "SELECT uuid FROM cards")}

    assert answer.status == 200
    assert shown
    assert shown <= kept


def test_clients_mode_says_how_many_may_call_and_warns_of_an_open_line(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(ec_key()))
    (tmp_path / "clients.yaml").write_text(CLIENTS)
    everywhere = {"CDS_HOST": "0.0.0.0", "CDS_CLIENTS": "clients.yaml"}  # noqa: S104 - As an operator would.
    with serving(tmp_path, **everywhere) as served:
        refusal, _ = served.ask("GET", "/cds-services")
        ready = served.ask("GET", "/health/ready")[1]
        lines = served.lines()

    assert refusal == 401
    assert ready["mode"] == "clients"
    assert [line["clients"] for line in lines if line["event"] == "clients mode"] == [1]
    assert any(line["event"].startswith("CDS_PUBLIC_URL is http") for line in lines)


CLIENTS = """
clients:
  - name: General Hospital
    issuer: https://ehr.example.org
    keys: {jwks_file: keys.json}
    fhir_servers: [https://ehr.example.org/fhir]
"""


def test_wrong_settings_are_refused_together() -> None:
    problems = refused(CDS_PORT="no", CDS_WORKERS="0", CDS_CLIENTS="nowhere.yaml")

    assert {each.split(":")[0] for each in problems} == {"CDS_PORT", "CDS_WORKERS", "CDS_CLIENTS"}


def test_a_broken_rule_file_is_refused_with_its_place(tmp_path: Path) -> None:
    rules = copytree(rules_dir(), tmp_path / "rules")
    broken = next(rules.glob("liver/ino-liv-01*.yaml"))
    broken.write_text(broken.read_text().replace("times_uln:", "times_ulm:"))

    problems = refused(CDS_RULES_DIR=str(rules), CDS_VAR_DIR=str(tmp_path / "var"))

    assert any("ino-liv-01" in each and "times_uln" in each for each in problems)


def test_a_database_we_do_not_know_is_refused_without_repeating_its_password(
    tmp_path: Path,
) -> None:
    url = "mysql://cds:hunter2@db.example.org/cds"

    (problem,) = refused(CDS_DATABASE_URL=url, CDS_VAR_DIR=str(tmp_path))

    assert "CDS_DATABASE_URL" in problem
    assert "hunter2" not in problem


# ------------------------------------------------------------------ what is kept


def test_a_hook_call_leaves_its_cards_on_record(served: Served) -> None:
    status, answer = served.ask("POST", ADAS_SERVICE, body())

    kept = {row for uuid in uuids(answer) for row in rows(served, CALL_OF_A_CARD, uuid)}
    assert status == 200
    assert kept == {("inotuzumab-order-sign", "sandbox", 200)}


CALL_OF_A_CARD = """
SELECT service_id, client, status FROM calls JOIN cards ON cards.call = calls.key
WHERE uuid = ?
"""


def test_while_the_database_is_locked_calls_are_answered_and_wait_in_the_spool(
    served: Served,
) -> None:
    file = served.folder / "var" / "cds.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        status, answer = served.ask("POST", ADAS_SERVICE, body())
        sick, told = served.ask("GET", "/health/ready")
        other.execute("ROLLBACK")
    served.wait_until_it_answers("/health/ready")

    assert status == 200
    assert answer["cards"]
    assert sick == 503
    assert told["store"] == "not ready"
    assert told["reasons"]
    kept = {uuid for (uuid,) in rows(served, "SELECT uuid FROM cards")}
    assert uuids(answer) <= kept


def test_a_store_that_is_broken_at_the_start_is_told_and_calls_are_answered(
    tmp_path: Path,
) -> None:
    (tmp_path / "a-file").touch()
    url = f"sqlite:///{tmp_path}/a-file/cds.sqlite"
    with started(tmp_path, CDS_DATABASE_URL=url) as served:
        served.wait_until_it_answers("/health/live")
        sick, told = served.ask("GET", "/health/ready")
        status, answer = served.ask("POST", ADAS_SERVICE, body())
        spooled = samples(served.raw("GET", "/metrics")[1].decode())[series("cds_spool_records")]

    assert sick == 503
    assert told["store"] == "not ready"
    assert told["reasons"]
    assert (status, spooled) == (200, 1)
    assert answer["cards"]
    assert any(line["event"].startswith("store away at the start") for line in served.lines())


# ------------------------------------------------------------------ many at once


def test_patients_of_calls_at_once_are_never_mixed(served: Served) -> None:
    bodies = {name: body(name) for name in CAST}

    def fire(name: str) -> tuple[str, Any]:
        return name, told(served.ask("POST", path_of(name), bodies[name])[1])

    alone = dict(map(fire, CAST))
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(fire, CAST * 2))

    for name, answer in together:
        assert answer == alone[name], name
        assert indicators(answer) == indicators(golden.kept(name)), name


def told(answer: Any) -> Any:
    """An answer without its random ids and the moment it was given."""
    if isinstance(answer, dict):
        return {name: told(value) for name, value in answer.items() if name not in OF_THE_MOMENT}
    if isinstance(answer, str):
        return EVALUATED.sub("", answer)
    return [told(each) for each in answer] if isinstance(answer, list) else answer


def test_what_both_workers_count_adds_up_and_survives_one_of_them(served: Served) -> None:
    first, second = workers(served)
    before = counted(served)

    with paused(second):
        for _ in range(2):
            served.ask("POST", ADAS_SERVICE, body())
    with paused(first):
        for _ in range(3):
            served.ask("POST", ADAS_SERVICE, body())
    assert counted(served) == before + 5

    os.kill(second, signal.SIGKILL)
    while len(workers(served)) < 3 or len(served.events("ready to judge")) < 3:
        assert served.ask("GET", "/health/live")[0] == 200
    assert counted(served) == before + 5
    assert number(served, "cds_workers") == 2


def workers(served: Served) -> list[int]:
    """The process ids of all workers there ever were, the oldest first."""
    return [
        int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", served.log.read_text())
    ]


class paused:  # noqa: N801 - it reads as a verb after "with".
    """A worker that takes no calls meanwhile."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def __enter__(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGCONT)


def number(served: Served, name: str, **labels: str) -> float:
    """One sample of the page of metrics."""
    return samples(served.raw("GET", "/metrics")[1].decode()).get(series(name, **labels), 0)


def counted(served: Served) -> float:
    """How many hook calls were answered by either worker."""
    return number(served, "cds_calls_total", service="inotuzumab-order-sign", status="200")


class Clinicians:
    """Four who fire fixtures and answer the cards, until the service is gone."""

    ENOUGH = 60

    def __init__(self, served: Served) -> None:
        self._served = served
        self._bodies = {name: body(name) for name in CAST}
        self._heard = threading.Condition()
        self.shown: set[str] = set()
        self.answered: set[str] = set()

    def work(self, first: int) -> None:
        """Go round the cast, each beginning with somebody else."""
        try:
            for turn in range(10_000):
                self._one(CAST[(first + turn) % len(CAST)])
        except (OSError, HTTPException, ValueError):  # gone, perhaps in the midst of an answer
            return

    def _one(self, name: str) -> None:
        status, answer = self._served.ask("POST", path_of(name), self._bodies[name])
        assert status == 200
        self._note(self.shown, uuids(answer))
        items = [
            {"card": uuid, "outcome": "accepted", "outcomeTimestamp": "2026-11-20T09:40:00Z"}
            for uuid in uuids(answer)
        ]
        status, _ = self._served.ask("POST", f"{path_of(name)}/feedback", {"feedback": items})
        if status == 200:
            self._note(self.answered, uuids(answer))

    def _note(self, kept: set[str], cards: set[str]) -> None:
        with self._heard:
            kept |= cards
            self._heard.notify_all()

    def wait_until_busy(self) -> None:
        """Return when some sixty cards were shown and some were answered."""
        with self._heard:
            assert self._heard.wait_for(
                lambda: len(self.shown) >= self.ENOUGH and len(self.answered) > 0, timeout=60
            )


def test_no_card_and_no_feedback_is_lost_when_everything_is_killed_under_load(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, CDS_WORKERS="2") as served, ThreadPoolExecutor(4) as threads:
        clinicians = Clinicians(served)
        done = [threads.submit(clinicians.work, 9 * number) for number in range(4)]
        clinicians.wait_until_busy()
        served.kill()
        for each in done:
            each.result()

    with serving(tmp_path) as again:
        kept = {uuid for (uuid,) in rows(again, "SELECT uuid FROM cards")}
        answers = {card for (card,) in rows(again, "SELECT card FROM feedback")}

    assert len(clinicians.shown) >= Clinicians.ENOUGH
    assert clinicians.answered
    assert clinicians.shown <= kept
    assert clinicians.answered <= answers
