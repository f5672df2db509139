"""How long a call takes when nothing is sent along and every search takes its time.

The whole prefetch is fetched from a FHIR server whose every answer takes 50 ms; or all but eight
keys are sent. What is above 50 ms is ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection
from statistics import median
from typing import Any

from benchmarks.chart import PATIENT, SERVICE, order_sign_call
from benchmarks.client import Client
from benchmarks.goal import Goal, Spread
from benchmarks.rounds import in_rounds
from benchmarks.servers import running
from benchmarks.slow_server import slow_server

SECONDS = 0.05
EIGHT = 8
CALLS = 20
WARM_UP = 10

JSON = dict[str, Any]


def measure(rounds: int, calls: int = CALLS) -> list[Goal]:
    """Call with all keys open, with eight, and with none, one call at a time.

    Raises:
        SystemExit: when the searches of a call did not all wait at the same time.
    """
    with running("full") as service:
        templates = _templates(service.port)
        call: JSON = json.loads(order_sign_call())
        answers = {path: _answer(key, call["prefetch"]) for key, path in templates.items()}
        with slow_server(answers, SECONDS) as fhir:
            call["fhirServer"] = fhir.url
            clients = {
                name: Client(service.port, _leaving_open(call, templates, count))
                for name, count in {"all": len(templates), "eight": EIGHT, "none": 0}.items()
            }
            took = in_rounds(clients, rounds, calls, WARM_UP)
            if fhir.most_at_once < len(templates):
                raise SystemExit(f"only {fhir.most_at_once} searches were made at once")
    spreads = {name: Spread.of([median(times) for times in each]) for name, each in took.items()}
    medians = {
        f"all {len(templates)} searches ms": spreads["all"],
        "everything sent ms": spreads["none"],
    }
    return [Goal("FHIR-only, 8 searches of 50 ms each", 120, "ms", spreads["eight"], medians)]


def _templates(port: int) -> Mapping[str, str]:
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/cds-services")
    services = json.loads(connection.getresponse().read())["services"]
    connection.close()
    (prefetch,) = (each["prefetch"] for each in services if each["id"] == SERVICE)
    return {key: each.replace("{{context.patientId}}", PATIENT) for key, each in prefetch.items()}


def _answer(key: str, sent: JSON) -> JSON:
    empty: JSON = {"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": []}
    answer: JSON = sent.get(key, empty)
    return answer


def _leaving_open(call: JSON, keys: Iterable[str], count: int) -> bytes:
    """The call without so many of its keys, the largest answers first."""
    whole = {key: _answer(key, call["prefetch"]) for key in keys}
    by_size = sorted(whole, key=lambda key: len(json.dumps(whole[key])), reverse=True)
    return json.dumps({**call, "prefetch": {key: whole[key] for key in by_size[count:]}}).encode()
