"""One call computes at a time in a process, and no long one holds up the others."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from http import HTTPStatus
from io import BytesIO
from threading import Event
from typing import Any

import pytest
from flask import Flask
from web_parts import app, parts

from cds_service.fhir.completion import Completed, Completer
from cds_service.fhir.hook_call import HookCall
from cds_service.strict_json import dumps
from cds_service.turns import Turns

LONG = 60.0
NO_TIME = 0.0


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


class Stay:
    """A thread that is inside until it is told to come out."""

    def __init__(self, threads: ThreadPoolExecutor, inside: AbstractContextManager[None]) -> None:
        self._is_in, self._may_leave = Event(), Event()
        self.done: Future[None] = threads.submit(self._stay, inside)

    def _stay(self, inside: AbstractContextManager[None]) -> None:
        with inside:
            self._is_in.set()
            assert self._may_leave.wait(LONG)

    def is_in(self) -> bool:
        return self._is_in.is_set()

    def has_come_in(self) -> None:
        assert self._is_in.wait(LONG)

    def leave(self) -> None:
        self._may_leave.set()
        self.done.result(LONG)


def test_a_call_waits_until_the_one_before_is_done(threads: ThreadPoolExecutor) -> None:
    turns = Turns(LONG)
    first = Stay(threads, turns.taken())
    first.has_come_in()
    second = Stay(threads, turns.taken())
    assert not second.is_in()
    first.leave()
    second.has_come_in()
    second.leave()


def test_a_call_that_has_waited_long_enough_computes_beside_the_other(
    threads: ThreadPoolExecutor,
) -> None:
    turns = Turns(NO_TIME)
    first = Stay(threads, turns.taken())
    first.has_come_in()
    second = Stay(threads, turns.taken())
    second.has_come_in()
    second.leave()
    assert not first.done.done()
    first.leave()


def test_who_computed_beside_the_other_does_not_end_its_turn(threads: ThreadPoolExecutor) -> None:
    turns = Turns(NO_TIME)
    first = Stay(threads, turns.taken())
    first.has_come_in()
    with turns.taken(), turns.aside():
        pass
    assert turns._turn.locked()
    first.leave()
    assert not turns._turn.locked()


def test_who_waits_for_somebody_else_lets_the_next_compute(threads: ThreadPoolExecutor) -> None:
    turns = Turns(LONG)
    with turns.taken():
        with turns.aside():
            next_one = Stay(threads, turns.taken())
            next_one.has_come_in()
            next_one.leave()
        assert turns._turn.locked()
    assert not turns._turn.locked()


def test_a_call_that_fails_gives_its_turn_back() -> None:
    turns = Turns(LONG)
    with pytest.raises(ZeroDivisionError), turns.taken():
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), turns.taken(), turns.aside():
        raise ZeroDivisionError
    assert not turns._turn.locked()


def test_who_has_not_taken_the_turn_just_waits() -> None:
    turns = Turns(LONG)
    with turns.aside():
        assert not turns._turn.locked()
    assert not turns._turn.locked()


CALL: Mapping[str, Any] = {
    "hook": "patient-view",
    "hookInstance": "4f7a2a55-92d7-4ec1-9b83-2b6a9f2ac1f0",
    "context": {"userId": "Practitioner/1", "patientId": "1"},
    "prefetch": {"patient": {"resourceType": "Patient", "id": "1"}},
}
ABOUT_A_SERVER = {**CALL, "fhirServer": "http://127.0.0.1:1/fhir"}


class Held:
    """Stands for somebody we wait for: says that it was asked, and goes on when it is told to."""

    def __init__(self) -> None:
        self._is_asked, self._may_answer = Event(), Event()

    def hold(self) -> None:
        self._is_asked.set()
        assert self._may_answer.wait(LONG)

    def was_asked(self) -> None:
        assert self._is_asked.wait(LONG)

    def answer(self) -> None:
        self._may_answer.set()


class HeldFHIR(Held):
    def complete(self, call: HookCall, templates: Mapping[str, str]) -> Completed:
        self.hold()
        return Completed(call)


class HeldBody(BytesIO):
    """A body of which nothing comes before it is told to."""

    def __init__(self, body: bytes, held: Held) -> None:
        super().__init__(body)
        self._held = held

    def read(self, size: int | None = -1) -> bytes:
        self._held.hold()
        return super().read(size)

    def readinto(self, buffer: Any) -> int:
        self._held.hold()
        return super().readinto(buffer)


def service(fhir: Completer | None = None) -> Flask:
    """The service, in which nobody computes out of turn."""
    return app(replace(parts(), fhir=fhir, turns=Turns(LONG)))


def answered(service: Flask, body: BytesIO) -> int:
    called = service.test_client().post(
        "/cds-services/inotuzumab-patient-view",
        input_stream=body,
        content_type="application/json",
        content_length=len(body.getvalue()),
    )
    return called.status_code


def test_a_call_that_waits_for_a_fhir_server_holds_up_nobody(threads: ThreadPoolExecutor) -> None:
    fhir = HeldFHIR()
    asked = service(fhir)
    waiting = threads.submit(answered, asked, BytesIO(dumps(ABOUT_A_SERVER)))
    fhir.was_asked()
    assert answered(asked, BytesIO(dumps(CALL))) == HTTPStatus.OK
    fhir.answer()
    assert waiting.result(LONG) == HTTPStatus.OK


def test_a_call_that_is_still_on_its_way_holds_up_nobody(threads: ThreadPoolExecutor) -> None:
    asked, client = service(), Held()
    waiting = threads.submit(answered, asked, HeldBody(dumps(CALL), client))
    client.was_asked()
    assert answered(asked, BytesIO(dumps(CALL))) == HTTPStatus.OK
    client.answer()
    assert waiting.result(LONG) == HTTPStatus.OK
