"""How long a call takes when nothing is sent along and every search takes its time.

``python -m benchmarks.fhir_only`` prints it as JSON. The whole prefetch is fetched from a FHIR
server whose every answer takes 50 ms; or all but eight keys are sent. What is above 50 ms is ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection
from statistics import median
from typing import Any

from benchmarks.chart import PATIENT, SERVICE, order_sign_call
from benchmarks.client import Client
from benchmarks.rounds import in_rounds, percentile
from benchmarks.servers import running
from benchmarks.slow_server import slow_server

SECONDS = 0.05
EIGHT = 8
CALLS = 20
WARM_UP = 10
ROUNDS = 10

JSON = dict[str, Any]


def measure(rounds: int, calls: int = CALLS) -> JSON:
    """Milliseconds of a call: p50 and p99, with all keys open, with eight, and with none."""
    with running("full", CDS_LOG_LEVEL="ERROR") as service:
        templates = _templates(service.port)
        call: JSON = json.loads(order_sign_call())
        answers = {path: _answer(key, call["prefetch"]) for key, path in templates.items()}
        with slow_server(answers, SECONDS) as fhir:
            call["fhirServer"] = fhir.url
            clients = {
                count: Client(service.port, _leaving_open(call, templates, count))
                for count in (len(templates), EIGHT, 0)
            }
            took = in_rounds(clients, rounds, calls, WARM_UP)
            whole, eight, none = took.values()
            return {
                "ms_per_search": SECONDS * 1000,
                "all_keys": {"searches": len(templates), **_told(whole)},
                "eight_keys": {"searches": EIGHT, **_told(eight)},
                "everything_sent": _told(none),
                "most_searches_at_once": fhir.most_at_once,
                "searches": fhir.asked,
                "connections": fhir.connections,
            }


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


def _told(rounds: list[list[float]]) -> JSON:
    times = [each for one in rounds for each in one]
    return {
        "median_ms": round(median(times), 2),
        "p99_ms": round(percentile(times, 0.99), 2),
        "least_ms": round(min(times), 2),
    }


if __name__ == "__main__":
    print(json.dumps(measure(ROUNDS), indent=1))
