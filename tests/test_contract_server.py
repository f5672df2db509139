"""The served process as the contract promises it: many patients, bad clients, a clean end."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from tests.fhir_search import prefetched
from tests.servers import Served, serving
from tests.story import order

SIGN = "/cds-services/inotuzumab-order-sign"
HEAD = f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
SECRETS = ("Lovelace", "pt-secret", "555-0116", "MRN-778")


FOR_ALL = {"CDS_WORKERS": "2", "CDS_MAX_BODY_MB": "1"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), **FOR_ALL) as running:
        yield running


@pytest.fixture
def ending(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, **FOR_ALL) as running:
        yield running


def call(served: Served, patient: str, bilirubin: str) -> bytes:
    """An order of inotuzumab for somebody with a name, a number and bad liver tests."""
    services = served.ask("GET", "/cds-services")[1]["services"]
    templates = next(each["prefetch"] for each in services if each["hook"] == "order-sign")
    subject = {"reference": f"Patient/{patient}", "display": "Ada Lovelace"}
    person = {
        "resourceType": "Patient",
        "id": patient,
        "name": [{"family": "Lovelace"}],
        "telecom": [{"value": "555-0116"}],
        "identifier": [{"value": "MRN-778"}],
    }
    results = [
        {
            "resourceType": "Observation",
            "id": f"{patient}-{code}",
            "status": "final",
            "subject": subject,
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "effectiveDateTime": today(),
            "valueQuantity": {"value": float(value), "unit": unit},
            "referenceRange": [{"high": {"value": high, "unit": unit}}],
        }
        for code, value, unit, high in (
            ("1975-2", bilirubin, "mg/dL", 1.2),
            ("1742-6", "300", "U/L", 40),
            ("1920-8", "20", "U/L", 40),
        )
    ]
    draft = {**order("inotuzumab"), "id": f"order-{patient}", "subject": subject}
    drafts = {"resourceType": "Bundle", "entry": [{"resource": draft}]}
    body = {
        "hook": "order-sign",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": patient, "draftOrders": drafts},
        "prefetch": prefetched(templates, patient, [person, *results]),
    }
    return json.dumps(body).encode()


def today() -> str:
    """An instant of today, or of yesterday shortly after midnight."""
    return (datetime.now(UTC) - timedelta(hours=2)).isoformat()


def test_eight_patients_at_once_are_never_mixed(served: Served) -> None:
    patients = [(f"pt-{number}", f"{number + 2}.5") for number in range(8)] * 5
    bodies = [call(served, *each) for each in patients]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda body: served.ask("POST", SIGN, body), bodies))

    for (patient, bilirubin), (status, answer) in zip(patients, answers, strict=True):
        assert status == 200
        card = answer["cards"][0]
        assert card["indicator"] == "critical"
        assert f"Bilirubin {bilirubin} mg/dL" in card["summary"]
        assert card["extension"]["cds-service.card"]["orders"] == [
            f"MedicationRequest/order-{patient}"
        ]


def test_clients_that_send_half_a_request_keep_nobody_waiting(served: Served) -> None:
    halves = (
        HEAD,
        f'{HEAD}Content-Length: 5000\r\n\r\n{{"hook":',
        f'{HEAD}Transfer-Encoding: chunked\r\n\r\n8\r\n{{"hook":\r\n',
    )
    held = [served.socket() for _ in range(24)]
    for number, each in enumerate(held):
        each.sendall(halves[number % 3].encode())

    with requests.Session() as client:
        address = f"http://127.0.0.1:{served.port}{SIGN}"
        answer = client.post(address, json={}, timeout=5)

    assert answer.status_code == 400
    for each in held:
        each.close()


@pytest.mark.parametrize("megabytes", [2, 4])
def test_a_body_too_large_is_answered_although_the_client_sends_on(
    served: Served, megabytes: int
) -> None:
    status, answer = served.ask("POST", SIGN, b"x" * megabytes * 1_000_000)

    assert status == 413
    assert answer["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"2\r\n{}!\r\n0\r\n\r\n"])
def test_a_body_that_is_not_chunked_as_announced_is_malformed(
    served: Served, chunks: bytes
) -> None:
    with served.socket() as client:
        client.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks)
        answer = http.client.HTTPResponse(client)
        answer.begin()

        assert answer.status == 400
        assert json.loads(answer.read())["resourceType"] == "OperationOutcome"


def test_a_connection_stays_although_nobody_read_the_chart_that_was_sent(served: Served) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", served.port)) as client:
        for _ in range(3):
            client.request("POST", "/cds-services/unknown", b"x" * 500_000)
            answer = client.getresponse()
            answer.read()
            assert answer.status == 404
            assert answer.headers["Connection"] == "keep-alive"
            assert client.sock is not None


@pytest.mark.parametrize(
    "junk",
    [
        b"Ada Lovelace\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nAda Lovelace\r\n\r\n",
        f"{HEAD}Content-Length: Lovelace\r\n\r\n".encode(),
        b"GET /Lovelace" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"a" * 9000 + b"\r\n\r\n",
    ],
    ids=["no HTTP", "no header", "no length", "endless address", "endless token"],
)
def test_what_is_no_http_is_refused_in_json_and_quoted_nowhere(served: Served, junk: bytes) -> None:
    with served.socket() as client:
        client.sendall(junk)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        body = answer.read().decode()

    assert 400 <= answer.status < 500
    assert json.loads(body)["resourceType"] == "OperationOutcome"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Lovelace" not in body + served.log.read_text()


def test_calls_begun_before_the_end_are_finished_and_no_line_says_who_the_patient_is(
    ending: Served,
) -> None:
    body = call(ending, "pt-secret", "3.5")
    begun = [ending.socket() for _ in range(4)]
    for each in begun:
        each.sendall(f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body[:200])
    ending.ask("POST", SIGN, body)

    ending.process.send_signal(signal.SIGTERM)
    for each in begun:
        each.sendall(body[200:])
    answers = [http.client.HTTPResponse(each) for each in begun]
    for answer in answers:
        answer.begin()
        assert answer.status == 200
        assert json.loads(answer.read())["cards"]
    for each in begun:
        each.close()

    assert ending.process.wait(timeout=15) == 0
    assert all("event" in line for line in ending.lines())
    assert not [secret for secret in SECRETS if secret in ending.log.read_text()]
