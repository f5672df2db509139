"""What a hook call left open, fetched: all keys at once, then the medications they name."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from copy import copy
from dataclasses import replace
from typing import Protocol, TypeVar

from cds_service.fhir.access.asked import Asked, is_open
from cds_service.fhir.access.exchange import Exchange, FetchError
from cds_service.fhir.access.medications import (
    FETCHED_MEDICATIONS,
    MOST_MEDICATIONS,
    Named,
    ingredients_of,
    unresolved_medications,
)
from cds_service.fhir.access.permission import Permission, Refusal, permission_of
from cds_service.fhir.bundle import State
from cds_service.fhir.completion import Completed
from cds_service.fhir.hook_call import JSON, HookCall
from cds_service.fhir.peek import Resource
from cds_service.outbound import Outbound, PerProcess

log = logging.getLogger("cds_service.fhir")

THREADS = 64
"""Fetches at a time for one client, in one process; the calls of another are not in their way."""

SENT_BEFORE = "sentBefore"
"""The prefetch key of resources that were sent and that a later, complete search did not bring."""

_ANSWERED_WITH = {
    Refusal.OTHER_PATIENT: FetchError("forbidden", "token is for another patient"),
    Refusal.PATIENT_ID: FetchError("value", "patient id cannot be searched for"),
}
"""Refusals that the open keys are answered with; after the others they stay as they came."""


class _Job(Protocol):
    def fetch(self, exchange: Exchange) -> None:
        """Do it, and remember how it went."""

    def fail(self, problem: FetchError) -> None:
        """Remember that it could not be done."""


J = TypeVar("J", bound=_Job)


class FHIRAccess:
    """Completes hook calls from the EHR's FHIR server; see ``Completer``."""

    def __init__(
        self,
        outbound: Outbound,
        deadline_ms: int,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """``deadline_ms`` bounds everything done for one call; ``pause`` waits some seconds."""
        self._outbound = outbound
        self._seconds = deadline_ms / 1000
        self._pause = pause
        self._threads = PerProcess(_Threads)

    def complete(self, call: HookCall, templates: Mapping[str, str]) -> Completed:
        """Fetch exactly the keys that were not answered, and the medications nobody sent."""
        deadline = time.monotonic() + self._seconds
        granted = permission_of(call)
        if granted is Refusal.NO_SERVER:
            return Completed(call)
        asked = [
            Asked(key, template, call)
            for key, template in templates.items()
            if is_open(key, template, call)
        ]
        if isinstance(granted, Refusal):
            return _refused(call, asked, granted)
        return self._completed(call, asked, granted, deadline)

    def _completed(
        self, call: HookCall, asked: Sequence[Asked], granted: Permission, deadline: float
    ) -> Completed:
        exchange = Exchange(self._outbound, granted, deadline, self._pause)
        threads = self._threads().of(call.client.name)
        asked = _done(asked, exchange, threads)
        whole = _with_answers(call, asked)
        named = _medications(whole, exchange, threads)
        fetched = {each.key: each.state.name.lower() for each in asked}
        if named:
            found = [each.resource for each in named if each.resource]
            whole = _with_value(whole, FETCHED_MEDICATIONS, _collection(found))
            fetched[FETCHED_MEDICATIONS] = "answered" if len(found) == len(named) else "failed"
        _log_problems(call, asked, named)
        return Completed(whole, fetched)


class _Threads:
    """So many threads for each client, made when they are first needed."""

    def __init__(self) -> None:
        self._of: dict[str, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()

    def of(self, client: str) -> ThreadPoolExecutor:
        """The threads of one client."""
        with self._lock:
            if client not in self._of:
                self._of[client] = ThreadPoolExecutor(THREADS, "fhir")
            return self._of[client]


def _medications(call: HookCall, exchange: Exchange, threads: Executor) -> list[Named]:
    wanted = unresolved_medications(call, exchange.base)[:MOST_MEDICATIONS]
    named = _done([Named(each) for each in wanted], exchange, threads)
    parts = ingredients_of(named, call, exchange.base)[: MOST_MEDICATIONS - len(named)]
    return named + _done([Named(each) for each in parts], exchange, threads)


def _done(jobs: Sequence[J], exchange: Exchange, threads: Executor) -> list[J]:
    """The jobs as they stand when all are done, or at the deadline."""
    if not jobs:
        return []
    running = {threads.submit(job.fetch, exchange): job for job in jobs}
    done, late = wait(running, max(0.0, exchange.deadline - time.monotonic()))
    for future in late:
        future.cancel()
    for future in done:
        if problem := future.exception():
            log.error("a fetch ended in a fault of ours", exc_info=problem)
            running[future].fail(FetchError("exception", "a fault of ours"))
    # Copies, because a job that is late ends by its own deadline and may still write.
    return [copy(job) for job in jobs]


def _refused(call: HookCall, asked: Sequence[Asked], refusal: Refusal) -> Completed:
    if not asked:
        return Completed(call)
    log.warning("FHIR server not asked", extra={"client": call.client.name, "reason": str(refusal)})
    if refusal not in _ANSWERED_WITH:
        return Completed(call)
    for each in asked:
        each.fail(_ANSWERED_WITH[refusal])
    return Completed(
        _with_answers(call, asked), {each.key: each.state.name.lower() for each in asked}
    )


def _with_answers(call: HookCall, asked: Iterable[Asked]) -> HookCall:
    answers: dict[str, JSON] = {}
    leftovers: list[Resource] = []
    for each in asked:
        answers[each.key] = each.value
        leftovers += each.leftovers()
    whole = replace(call, prefetch={**call.prefetch, **answers})
    return _with_value(whole, SENT_BEFORE, _collection(leftovers)) if leftovers else whole


def _with_value(call: HookCall, key: str, value: JSON) -> HookCall:
    """The call with a value under a key of ours, beside what the EHR may have sent under it."""
    sent = [call.prefetch[key]] if key in call.prefetch else []
    return replace(call, prefetch={**call.prefetch, key: [*sent, value] if sent else value})


def _collection(resources: Iterable[Resource]) -> JSON:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": each} for each in resources],
    }


def _log_problems(call: HookCall, asked: Iterable[Asked], named: Iterable[Named]) -> None:
    states = ((each, each.state) for each in asked)
    problems = {
        each.key: each.problem or state.name.lower()
        for each, state in states
        if state is not State.ANSWERED
    }
    if lost := [each.problem for each in named if each.problem]:
        problems[FETCHED_MEDICATIONS] = lost[0]
    if problems:
        log.warning(
            "FHIR server did not answer completely",
            extra={"client": call.client.name, "problems": problems},
        )
