"""Every fault of a FHIR server against what the service then says.

``.venv/bin/python -m tests.fault_matrix`` prints the table: fault, transport, and how the service
answered over the situations. A situation is a patient of the cast whose answer rests on one kind of
resource, which the server then fails to give. One fault of each kind is put to all of them; the
others end in the same few ways, and are put to a search, a read, and everything at once. In the
transport "FHIR" nothing is prefetched, in "mixed" everything but that kind.

An answer is safe when it is 412, or the same cards as without the fault, or the same rules as
urgently (in other words, because another fact made them speak), or carries INO-DATA-01 with a
reason that the answer without the fault did not give.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.fhir.access import FHIRAccess
from cds_service.fhir.bundle import entries_in
from cds_service.fixtures import list_fixtures, load_fixture
from cds_service.outbound import Outbound
from cds_service.settings import Settings
from cds_service.strict_json import dumps
from tests import fhir_stub as stub
from tests.fhir_search import Resource
from tests.fhir_stub import Fault, FHIRStub
from tests.story import NOW

TRANSPORTS = ("FHIR", "mixed")
DEADLINE_MS = 60_000
SHORT_DEADLINE_MS = 200
GAP = "INO-DATA-01"
REASONS = (
    "search failed",
    "not allowed",
    "more pages unread",
    "unreadable resource",
    "other patient's data",
    "not sent by the EHR",
    "nothing found",
    "drug not identified",
)

OVERCOME: Mapping[str, Fault] = {
    "429 once": stub.busy(429, "0", times=1),
    "503 once": stub.busy(503, None, times=1),
    "one entry per page, relative links": stub.small_relative_pages,
}
"""What must not change the answer at all."""

FAULTS: Mapping[str, Fault] = {
    "400": stub.status(400),
    "401": stub.status(401),
    "403": stub.status(403),
    "404": stub.status(404),
    "500": stub.status(500),
    "HTML page with 200": stub.html,
    "HTML page with 502": stub.html_error,
    "429, Retry-After an hour": stub.busy(429, "3600"),
    "503 without end": stub.busy(503, "0"),
    "connection reset": stub.reset,
    "connection lost half-way": stub.cut_short,
    "no answer": stub.hang,
    "body byte by byte": stub.drip,
    "headers byte by byte": stub.drip_head,
    "11 MB": stub.huge,
    "empty body": stub.empty_body,
    "half the JSON": stub.broken_json,
    "a key twice": stub.duplicate_key,
    "NaN": stub.nan,
    "compressed unasked": stub.zipped,
    "JSON null": stub.json_value(None),
    "wrong resource type": stub.wrong_type,
    "OperationOutcome with 200": stub.outcome("exception"),
    "OperationOutcome: not allowed": stub.outcome("security"),
    "OperationOutcome among entries": stub.outcome_among_entries,
    "redirect on the same host": stub.redirect_here,
    "redirect to another host": stub.redirect_to("http://127.0.0.2/fhir"),
    "next page: 500": stub.next_fails,
    "next page: itself": stub.page_circle,
    "next page: another host": stub.next_is("http://127.0.0.2/fhir/Observation?page=2"),
    "next page: other path": stub.next_is("{origin}/elsewhere?page=2"),
    "another patient's resources": stub.of_patient("somebody-else"),
    **OVERCOME,
}
WAITING = frozenset({"no answer", "body byte by byte", "headers byte by byte"})


@dataclass(frozen=True)
class Situation:
    """A patient of the cast, and the kind of resource (``*``: any) the server does not give."""

    fixture: str
    lacks: str


SITUATIONS = (
    Situation("bruno-both-liver-limits", "Observation"),
    Situation("farid-two-alkylators", "MedicationRequest"),
    Situation("karim-cycle-7", "MedicationAdministration"),
    Situation("dmitri-vod-now", "Condition"),
    Situation("ada-bilirubin-at-uln", "ServiceRequest"),
    Situation("quentin-all-well", "Observation"),
    Situation("quentin-all-well", "*"),
    Situation("bruno-both-liver-limits", "Patient"),
)


IN_ALL_SITUATIONS = frozenset(
    {
        "403",
        "500",
        "wrong resource type",
        "next page: 500",
        "another patient's resources",
        "one entry per page, relative links",
    }
)
"""One fault for each way in which a key can stay open, and the longest way round."""

TELLING = (
    Situation("bruno-both-liver-limits", "Observation"),
    Situation("quentin-all-well", "*"),
    Situation("bruno-both-liver-limits", "Patient"),
)
"""What speaks loudly without the fault, what is silent, and what is read rather than searched."""


def situations(fault: str) -> tuple[Situation, ...]:
    """The situations that a fault is put to."""
    return SITUATIONS if fault in IN_ALL_SITUATIONS else TELLING


@dataclass(frozen=True)
class Seen:
    """An answer: its status, its cards by rule, and the reasons INO-DATA-01 gives."""

    status: int
    cards: Mapping[str, tuple[str, str, str]]
    reasons: frozenset[str]

    @property
    def rules(self) -> Mapping[str, str]:
        """The rules that speak, with how urgently."""
        return {rule: indicator for rule, (indicator, _, _) in self.cards.items()}


def judged(seen: Seen, whole: Seen) -> str:
    """How an answer under a fault compares with the whole one; begins with UNSAFE if it is not."""
    if seen.status != 200:
        return str(seen.status) if seen.status == 412 else f"UNSAFE: {seen.status}"
    if seen.cards == whole.cards:
        return "same cards"
    if seen.rules == whole.rules:
        return "same rules, as urgent"
    said = ", ".join(sorted(seen.reasons - whole.reasons))
    return f"{GAP}: {said}" if said else f"UNSAFE: {dict(seen.rules)} for {dict(whole.rules)}"


@cache
def client(deadline_ms: int) -> FlaskClient:
    """The whole service with FHIR access; its ids do not matter, its clock stands still."""
    access = FHIRAccess(Outbound(), deadline_ms, pause=lambda _: None)
    return create_app(Settings(), clock=lambda: NOW, fhir=access).test_client()


def chart_of(request: Mapping[str, Any]) -> list[Resource]:
    """Every resource a request brings in its prefetch, once."""
    found = (
        entry.resource for value in request["prefetch"].values() for entry in entries_in(value)
    )
    chart = {f"{each['resourceType']}/{each['id']}": dict(each) for each in found}
    return list(chart.values())


@cache
def _loaded(fixture: str) -> Mapping[str, Any]:
    return load_fixture(fixture, NOW)


@contextmanager
def served(fixture: str) -> Iterator[tuple[FHIRStub, dict[str, Any]]]:
    """A fixture's chart on a server of its own, and its request, which names that server."""
    request = _loaded(fixture)
    with FHIRStub([]) as server:
        moved = _moved(request, request["fhirServer"], server.url)
        server.chart = chart_of(moved)
        yield server, moved


def _moved(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {name: _moved(child, old, new) for name, child in value.items()}
    if isinstance(value, list):
        return [_moved(child, old, new) for child in value]
    return value.replace(old, new) if isinstance(value, str) else value


def transported(request: Mapping[str, Any], transport: str, lacks: str) -> dict[str, Any]:
    """The request as a transport sends it."""
    if transport == "FHIR":
        return {**request, "prefetch": {}}
    templates = _templates(request["hook"])
    prefetch = {
        key: value
        for key, value in request["prefetch"].items()
        if lacks != "*" and not templates.get(key, "").startswith(lacks)
    }
    return {**request, "prefetch": prefetch}


@cache
def whole_answer(fixture: str) -> Seen:
    """The answer when the server gives everything."""
    with served(fixture) as (_, request):
        return ask(transported(request, "FHIR", "*"))


@cache
def _templates(hook: str) -> dict[str, str]:
    services = client(DEADLINE_MS).get("/cds-services").get_json()["services"]
    return next(each["prefetch"] for each in services if each["hook"] == hook)


def ask(request: Mapping[str, Any], deadline_ms: int = DEADLINE_MS) -> Seen:
    """Send a request and keep of the answer what matters here."""
    service = next(each.service_id for each in list_fixtures() if each.hook == request["hook"])
    answer = client(deadline_ms).post(
        f"/cds-services/{service}", data=dumps(request), content_type="application/json"
    )
    cards = answer.get_json().get("cards", [])
    by_rule = {
        card["source"]["topic"]["code"]: (card["indicator"], card["summary"], card["detail"])
        for card in cards
    }
    detail = by_rule.get(GAP, ("", "", ""))[2]
    return Seen(answer.status_code, by_rule, frozenset(r for r in REASONS if f"- {r}" in detail))


def run(fault: str, transport: str) -> dict[Situation, str]:
    """What becomes of each situation under one fault."""
    deadline = SHORT_DEADLINE_MS if fault in WAITING else DEADLINE_MS
    results = {}
    for situation in situations(fault):
        with served(situation.fixture) as (server, request):
            server.fault(situation.lacks, FAULTS[fault])
            seen = ask(transported(request, transport, situation.lacks), deadline)
            results[situation] = judged(seen, whole_answer(situation.fixture))
    return results


def table() -> Iterator[str]:
    """The matrix as Markdown, one line at a time."""
    yield "| fault | transport | answers, with the number of situations |"
    yield "|---|---|---|"
    for fault in FAULTS:
        for transport in TRANSPORTS:
            counts = Counter(run(fault, transport).values())
            told = "; ".join(f"{number} × {answer}" for answer, number in sorted(counts.items()))
            yield f"| {fault} | {transport} | {told} |"


if __name__ == "__main__":
    for line in table():
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
