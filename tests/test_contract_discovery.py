"""Discovery as an EHR reads it: CDS Hooks 2.0.1, and templates that every known client can fill in.

The linter here is independent of the service's own.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

HOOKS = {"order-sign", "order-select", "patient-view"}
TOKEN = re.compile(r"\{\{([^{}]*)\}\}")
READ = re.compile(r"[A-Z][A-Za-z]+/\{\{context\.patientId\}\}")
SEARCH = re.compile(r"[A-Z][A-Za-z]+\?[^?#$ ]+")
PARAMETERS = {"patient", "code", "category", "status", "_sort", "_count"}
OF_ADVERSE_EVENTS = {"subject", "_count"}
"""FHIR R4 gives AdverseEvent no parameter ``patient``."""
ACCEPTED = ["application/json", "*/*", "application/fhir+json, */*; q=0.1", "text/html"]


@pytest.fixture
def services(client: FlaskClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/cds-services").get_json()["services"]
    return found


def test_each_hook_has_one_service_of_its_own_id(services: list[dict[str, Any]]) -> None:
    assert {each["hook"]: each["id"] for each in services} == {
        hook: f"inotuzumab-{hook}" for hook in HOOKS
    }


def test_a_service_is_described_by_texts_that_say_something(services: list[dict[str, Any]]) -> None:
    for each in services:
        assert each.keys() == {
            *("hook", "id", "title", "description", "prefetch", "usageRequirements")
        }
        for name in ("title", "description", "usageRequirements"):
            assert each[name].strip()


def test_a_template_is_a_read_or_search_of_the_patients_own_that_any_client_can_fill_in(
    services: list[dict[str, Any]],
) -> None:
    for template in {t for each in services for t in each["prefetch"].values()}:
        assert set(TOKEN.findall(template)) == {"context.patientId"}
        assert READ.fullmatch(template) or SEARCH.fullmatch(template)
        names = [part.partition("=")[0] for part in template.partition("?")[2].split("&") if part]
        assert len(names) == len(set(names))
        is_of_events = template.startswith("AdverseEvent?")
        assert set(names) <= (OF_ADVERSE_EVENTS if is_of_events else PARAMETERS)


def test_every_advertised_id_answers_a_call(
    services: list[dict[str, Any]], client: FlaskClient
) -> None:
    for each in services:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", each["id"])
        answer = client.post(f"/cds-services/{each['id']}", json={})
        assert answer.status_code == 400


@pytest.mark.parametrize("accepted", ACCEPTED)
@pytest.mark.parametrize("authorization", [None, "Bearer junk", "Basic eDp5", "junk"])
def test_no_header_keeps_a_client_from_reading_it(
    client: FlaskClient, accepted: str, authorization: str | None
) -> None:
    headers = {"Accept": accepted, "Origin": "https://ehr.example.org"}
    if authorization:
        headers["Authorization"] = authorization

    answer = client.get("/cds-services", headers=headers)

    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_it_answers_head_and_options(client: FlaskClient) -> None:
    assert client.head("/cds-services").status_code == 200
    preflight = client.options("/cds-services/inotuzumab-order-sign")
    assert preflight.headers["Access-Control-Allow-Headers"] == "Content-Type, Authorization"
    assert preflight.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
