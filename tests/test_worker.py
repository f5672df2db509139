"""The worker under gunicorn: what is no HTTP is refused in JSON, and stopping loses no call."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.gthread import TConn, ThreadWorker

from cds_service.settings import Settings
from cds_service.web.errors import Issue
from cds_service.worker import Worker, refusal


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setattr(ThreadWorker, "set_accept_enabled", lambda *_: None)
    made = Worker.__new__(Worker)
    made.alive = False
    made.app = SimpleNamespace(parts=SimpleNamespace(settings=Settings()))
    return made


def refused(worker: Worker, problem: Exception) -> tuple[str, dict[str, Any]]:
    """The status line and the body a client reads after this problem."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker.handle_error(None, ours, ("", 0), problem)
        head, _, body = theirs.recv(10_000).decode().partition("\r\n\r\n")
    assert "Content-Type: application/json" in head
    assert "Access-Control-Allow-Origin: *" in head
    assert f"Content-Length: {len(body)}\r\n" in head
    return head.splitlines()[0], json.loads(body)


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (errors.InvalidRequestLine("Ada Lovelace"), "400"),
        (errors.InvalidHeader("Ada Lovelace"), "400"),
        (errors.LimitRequestLine(9000, 4094), "414"),
        (errors.LimitRequestHeaders("Ada Lovelace"), "431"),
        (errors.UnsupportedTransferCoding("Ada Lovelace"), "501"),
        (RuntimeError("Ada Lovelace"), "500"),
    ],
)
def test_a_failure_before_the_app_is_an_outcome_that_quotes_nothing(
    worker: Worker, caplog: pytest.LogCaptureFixture, problem: Exception, status: str
) -> None:
    line, body = refused(worker, problem)

    assert line.split()[1] == status
    assert body["resourceType"] == "OperationOutcome"
    assert "Ada" not in str(body)
    assert "Ada" not in " ".join(record.getMessage() for record in caplog.records)
    assert {record.levelno for record in caplog.records} <= {logging.WARNING, logging.ERROR}


def test_no_origin_may_read_a_refusal_when_clients_are_authenticated() -> None:
    head = refusal(HTTPStatus.BAD_REQUEST, Issue("structure", "no HTTP"), any_origin=False)

    assert b"Access-Control" not in head
    assert b"\r\nVary: Origin\r\n" in head


def test_a_client_that_left_is_no_failure(worker: Worker) -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        worker.handle_error(None, ours, ("", 0), errors.InvalidHeader("x"))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_a_stopping_worker_takes_in_the_connections_that_wait(
    worker: Worker, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[socket.socket] = []
    monkeypatch.setattr(worker, "accept", lambda found: taken.append(found.accept()[0]))
    worker.sockets = [listener]

    with socket.create_connection(listener.getsockname()) as client:
        worker.set_accept_enabled(False)
        assert [each.getpeername() for each in taken] == [client.getsockname()]
    for each in taken:
        each.close()

    worker.set_accept_enabled(False)
    assert listener.fileno() == -1


def test_a_worker_that_is_merely_full_keeps_its_listener(
    worker: Worker, listener: socket.socket
) -> None:
    worker.alive = True
    worker.sockets = [listener]

    worker.set_accept_enabled(False)

    assert listener.fileno() != -1


@pytest.mark.parametrize("half", [b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\n"])
def test_a_client_that_stops_in_the_middle_of_a_request_is_given_up(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, half: bytes
) -> None:
    monkeypatch.setattr("cds_service.worker._PATIENCE_SECONDS", 0.01)
    config = Config()
    worker.log = Logger(config)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(half)
        connection = TConn(config, ours, ("127.0.0.1", 1), ("127.0.0.1", 2))

        assert worker.handle(connection) is False
