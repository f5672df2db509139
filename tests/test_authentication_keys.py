"""The keys of a client: read seldom, new ones found soon, old ones kept while the set is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cds_service.clients import Client
from cds_service.outbound import Outbound
from cds_service.web.keys import (
    FRESH_SECONDS,
    JUST_READ_SECONDS,
    LARGEST_SET,
    LOOK_AGAIN_SECONDS,
    RETRY_SECONDS,
    STALE_SECONDS,
    ClientKeys,
    KeysUnavailable,
    keys_of,
)
from tests.tokens import ec_key, key_set, rsa_key

OLD, NEW = ec_key("old"), ec_key("new")


class Published:
    """A key set that somebody publishes, and a clock: both stand still until they are told."""

    def __init__(self) -> None:
        self.data: bytes | None = key_set(OLD)
        self.readings = 0
        self.seconds = 1000.0

    def load(self) -> bytes:
        """Read the set."""
        self.readings += 1
        if self.data is None:
            raise KeysUnavailable("away")
        return self.data

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@pytest.fixture
def published() -> Published:
    return Published()


@pytest.fixture
def keys(published: Published) -> ClientKeys:
    return ClientKeys("General Hospital", published.load, lambda: published.seconds)


@pytest.fixture
def finds(keys: ClientKeys) -> Callable[[str], bool]:
    return lambda kid: bool(keys.find(kid))


def test_nothing_is_read_before_a_key_is_asked_for(keys, published):
    assert published.readings == 0


def test_a_known_key_is_read_once_in_its_time(finds, published):
    for _ in range(10):
        assert finds("old")
        published.wait(FRESH_SECONDS / 11)

    assert published.readings == 1


def test_a_new_key_is_found_within_a_little_more_than_a_minute(finds, published):
    assert finds("old")
    published.wait(1)
    published.data = key_set(OLD, NEW)

    waited = 0
    while not finds("new"):
        published.wait(1)
        waited += 1
    assert waited <= JUST_READ_SECONDS

    published.data = key_set(OLD, NEW, ec_key("newer"))
    assert not finds("newer")
    published.wait(LOOK_AGAIN_SECONDS)
    assert finds("newer")


def test_unknown_keys_cause_few_readings(finds, published):
    for second in range(300):
        assert not finds(f"unknown-{second}")
        published.wait(1)

    assert published.readings <= 1 + 300 / LOOK_AGAIN_SECONDS


def test_the_first_unknown_key_causes_one_reading(finds, published):
    assert not finds("unknown")
    assert published.readings == 1


def test_a_key_that_was_withdrawn_is_refused_when_its_time_is_over(finds, published):
    assert finds("old")
    published.data = key_set(NEW)

    published.wait(FRESH_SECONDS - 1)
    assert finds("old")
    published.wait(1)
    assert not finds("old")
    assert finds("new")


def test_a_set_without_keys_lets_nobody_in(finds, published):
    assert finds("old")
    published.data = key_set()
    published.wait(FRESH_SECONDS)

    assert not finds("old")


@pytest.mark.parametrize("data", [None, b"", b"<html>", b"{}"])
def test_while_the_set_is_away_known_keys_go_on_for_a_day(finds, published, data):
    assert finds("old")
    published.data = data

    published.wait(STALE_SECONDS - 1)
    assert finds("old")
    published.wait(1)
    assert not finds("old")


def test_a_set_that_is_away_is_not_asked_for_at_every_call(finds, published):
    assert finds("old")
    published.data = None
    published.wait(FRESH_SECONDS)

    for _ in range(100):
        assert finds("old")
    assert published.readings == 2
    published.wait(RETRY_SECONDS)
    assert finds("old")
    assert published.readings == 3


def test_a_set_that_comes_back_is_read(finds, published):
    published.data = None
    assert not finds("old")
    assert not finds("old")
    assert published.readings == 1

    published.data = key_set(OLD)
    published.wait(RETRY_SECONDS)
    assert finds("old")


def test_a_set_that_is_away_is_logged_without_anything_of_it(finds, published, caplog):
    published.data = b"-----BEGIN SECRET"

    with caplog.at_level(logging.DEBUG):
        finds("Ada")

    (record,) = [each for each in caplog.records if each.name.startswith("cds_service")]
    assert record.getMessage() == "key set cannot be read"
    assert record.client == "General Hospital"
    assert "SECRET" not in str(vars(record))
    assert "Ada" not in str(vars(record))


class Held:
    """A reading that waits in the middle until the test lets it go on."""

    def __init__(self, published: Published) -> None:
        self._published = published
        self.is_begun = threading.Event()
        self.may_end = threading.Event()

    def load(self) -> bytes:
        """Begin to read, wait, and end."""
        self.is_begun.set()
        assert self.may_end.wait(20)
        return self._published.load()


def started(action: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def test_many_first_calls_cause_one_reading(published):
    held = Held(published)
    keys = ClientKeys("x", held.load, lambda: published.seconds)
    found: list[int] = []
    threads = [started(lambda: found.append(len(keys.find("old")))) for _ in range(8)]

    assert held.is_begun.wait(20)
    held.may_end.set()
    for each in threads:
        each.join()

    assert found == [1] * 8
    assert published.readings == 1


def test_while_one_call_reads_anew_the_others_use_what_is_known(published):
    held = Held(published)
    keys = ClientKeys("x", held.load, lambda: published.seconds)
    held.may_end.set()
    assert keys.find("old")
    held.may_end.clear()
    held.is_begun.clear()
    published.wait(FRESH_SECONDS)

    reading = started(lambda: keys.find("old"))
    assert held.is_begun.wait(20)
    assert keys.find("old")
    assert published.readings == 1

    held.may_end.set()
    reading.join()
    assert published.readings == 2


def test_while_one_call_looks_for_a_new_key_the_others_do_not_wait(published):
    held = Held(published)
    keys = ClientKeys("x", held.load, lambda: published.seconds)
    held.may_end.set()
    assert keys.find("old")
    held.may_end.clear()
    held.is_begun.clear()
    published.data = key_set(OLD, NEW)
    published.wait(JUST_READ_SECONDS)

    found: list[int] = []
    looking = started(lambda: found.append(len(keys.find("new"))))
    assert held.is_begun.wait(20)
    others = [started(lambda: found.append(len(keys.find("made up")))) for _ in range(4)]
    for each in others:
        each.join(10)
    assert found == [0] * 4

    held.may_end.set()
    looking.join()
    assert found == [0] * 4 + [1]
    assert published.readings == 2


def test_the_first_set_is_waited_for_no_longer_than_its_reading_may_take(published, monkeypatch):
    monkeypatch.setattr("cds_service.web.keys.FIRST_SECONDS", 0.001)
    held = Held(published)
    keys = ClientKeys("x", held.load, lambda: published.seconds)

    reading = started(lambda: keys.find("old"))
    assert held.is_begun.wait(20)
    assert keys.find("old") == ()
    held.may_end.set()
    reading.join()
    assert keys.find("old")


class TestFromAFile:
    def test_a_changed_file_is_read_without_a_restart(self, tmp_path: Path, published):
        file = tmp_path / "keys.json"
        file.write_bytes(key_set(OLD))
        keys = keys_of(Client("x", jwks_file=file), Outbound(), lambda: published.seconds)
        assert keys.find("old")

        file.write_bytes(key_set(NEW))
        published.wait(JUST_READ_SECONDS)

        assert keys.find("new")
        assert not keys.find("old")

    def test_a_file_that_went_away_is_like_a_set_that_is_away(self, tmp_path: Path, caplog):
        keys = keys_of(Client("x", jwks_file=tmp_path / "none.json"), Outbound())

        assert not keys.find("old")
        assert caplog.records[0].problem == "the key file cannot be read: No such file or directory"


class KeyServer(ThreadingHTTPServer):
    """Publishes what it is told, and counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Publish)
        self.asked: list[str] = []
        self.status = 200
        self.body = key_set(OLD, rsa_key())
        self.location = ""

    @property
    def url(self) -> str:
        """Where the set is."""
        return f"http://127.0.0.1:{self.server_port}/jwks.json"


class _Publish(BaseHTTPRequestHandler):
    server: KeyServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with KeyServer() as made:
        thread = started(made.serve_forever)
        yield made
        made.shutdown()
        thread.join()


class TestFromAnAddress:
    def test_the_set_is_fetched(self, server):
        keys = keys_of(Client("x", jwks_url=server.url), Outbound())

        assert keys.find("old")
        assert keys.find("rsa-1")
        assert server.asked == ["/jwks.json"]

    def test_no_redirect_is_followed(self, server):
        server.status, server.location = 302, "/elsewhere"
        keys = keys_of(Client("x", jwks_url=server.url), Outbound())

        assert not keys.find("old")
        assert server.asked == ["/jwks.json"]

    @pytest.mark.parametrize("status", [404, 500, 204])
    def test_a_failure_is_no_set(self, server, status, caplog):
        server.status, server.body = status, b""
        keys = keys_of(Client("x", jwks_url=server.url), Outbound())

        assert not keys.find("old")
        assert caplog.records[-1].problem == f"status {status}"

    def test_a_set_beyond_all_measure_is_not_read_to_its_end(self, server, caplog):
        server.body = b" " * (LARGEST_SET + 1)
        keys = keys_of(Client("x", jwks_url=server.url), Outbound())

        assert not keys.find("old")
        assert caplog.records[-1].problem == "too-large"

    def test_a_server_that_is_away_lets_nobody_in(self, server):
        keys = keys_of(Client("x", jwks_url="http://127.0.0.1:1/jwks.json"), Outbound())

        assert not keys.find("old")
        assert server.asked == []
