"""The synthetic patients, each with a FHIR server that holds what their request was sent with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Flask
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.fhir.access import FHIRAccess
from cds_service.fhir.bundle import entries_in
from cds_service.fhir.peek import each
from cds_service.fixtures import load_fixture
from cds_service.outbound import Outbound
from cds_service.settings import Settings
from cds_service.strict_json import dumps, parse
from tests.golden import FIXTURES, WRITTEN_FOR
from tests.medplum import TOKEN, Asked, Medplum

JSON = dict[str, Any]

A_MINUTE = 60_000
"""Milliseconds to fetch in: nothing may be late here, however busy the machine."""

NOT_A_DIFFERENCE = ("uuid",)
OF_THE_SERVER = ("versionId", "lastUpdated")
HOW_MUCH_OF_IT = ("_count", "_offset")

Search = tuple[str, frozenset[tuple[str, str]]]
"""What is searched, whichever page of it: path and parameters."""


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a hook call that sent a prefetch along, and what was fetched for it.

    ``cards`` are without their random ids, their addresses those of the fixture.
    """

    prefetch: Mapping[str, Any] = field(repr=False)
    status: int
    cards: list[JSON]
    asked: list[Asked] = field(repr=False)

    @property
    def searches(self) -> set[Search]:
        """What was asked of the FHIR server, apart from Medications that orders refer to."""
        return {search_of(one.path) for one in self.asked if not one.path.startswith("Medication/")}

    @property
    def medications(self) -> set[str]:
        """The Medications that were read one by one."""
        return {one.path for one in self.asked if one.path.startswith("Medication/")}


class Patient:
    """A synthetic patient: the request, the keys of its service, and the server with the chart."""

    def __init__(self, name: str, server: Medplum) -> None:
        self.info = FIXTURES[name]
        self._server = server
        request = load_fixture(name, WRITTEN_FOR)
        self._elsewhere, self.base = request["fhirServer"], server.base(name)
        self._request: JSON = _moved(request, self._elsewhere, self.base)
        self._request.pop("fhirAuthorization", None)
        # A page that only the server of the story has cannot be fetched from here.
        self.sent: JSON = {
            key: value for key, value in self._request["prefetch"].items() if not _next(value)
        }
        self.queries = {
            key: template.replace("{{context.patientId}}", self.patient_id)
            for key, template in _templates(self.info.service_id).items()
        }
        self.chart: dict[str, Any] = {}
        for one in resources_in(*self._request["prefetch"].values()):
            self.chart.setdefault(_name(one), one)
        self.stored = server.store(name, self.chart.values())

    @property
    def patient_id(self) -> str:
        """The FHIR id."""
        return str(self._request["context"]["patientId"])

    def open_keys(self, prefetch: Mapping[str, Any]) -> set[str]:
        """The keys that a prefetch leaves unanswered or answers in part."""
        return {key for key in self.queries if not _is_answered(prefetch.get(key))}

    def medications(self, keys: Iterable[str]) -> set[str]:
        """The Medications that come with the answers to some keys when the EHR sends them."""
        values = (self.sent.get(key) for key in keys)
        return {
            name for name in map(_name, resources_in(*values)) if name.startswith("Medication/")
        }

    def searches(self, keys: Iterable[str]) -> set[Search]:
        """What some keys ask of the server."""
        return {search_of(self.queries[key]) for key in keys}

    def whole(self, key: str) -> JSON:
        """What the server has for a key, on one page."""
        found = page = self._page(self.queries[key])
        while following := _next(page):
            page = self._page(following.removeprefix(f"{self.base}/"))
            found = {**found, "link": [], "entry": found["entry"] + page["entry"]}
        return found

    def half(self, key: str) -> JSON:
        """The first page of what the server has for a key, with a link to the next."""
        length = len(resources_in(self.whole(key))) // 2
        page = self._page(self.queries[key].replace("_count=200", f"_count={length}"))
        assert _next(page)
        return page

    def call(self, prefetch: Mapping[str, Any], token: str | None = TOKEN) -> Called:
        """Call the service with this prefetch, and with permission to fetch unless it is None."""
        request = {**self._request, "prefetch": prefetch}
        if token is not None:
            request["fhirAuthorization"] = self._permission(token)
        self._server.asked()
        path = f"/cds-services/{self.info.service_id}"
        answer = _service(self.info.profile).post(
            path, data=dumps(request), content_type="application/json"
        )
        body = _moved(parse(answer.data), self.base, self._elsewhere)
        return Called(prefetch, answer.status_code, told(body), self._server.asked())

    def _permission(self, token: str) -> JSON:
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.read",
            "subject": "cds-service",
            "patient": self.patient_id,
        }

    def _page(self, query: str) -> JSON:
        found: JSON = self._server.get(self.info.name, query)
        return found


def as_stored(resource: JSON, base: str) -> JSON:
    """A resource as a server keeps it: versions of its own, references to itself relative.

    Numbers become text, so that 2.0 is not 2.
    """
    text = dumps(resource).replace(f"{base}/".encode(), b"")
    kept: JSON = json.loads(text, parse_float=str, parse_int=str)
    meta = {
        name: value for name, value in kept.get("meta", {}).items() if name not in OF_THE_SERVER
    }
    return {**kept, "meta": meta}


def told(answer: Mapping[str, Any]) -> list[JSON]:
    """The cards of an answer without the ids that are new every time."""
    return [_lasting(card) for card in answer.get("cards", ())]


def _lasting(part: JSON) -> JSON:
    kept = {name: value for name, value in part.items() if name not in NOT_A_DIFFERENCE}
    if "suggestions" in kept:
        kept["suggestions"] = [_lasting(one) for one in kept["suggestions"]]
    return kept


def search_of(query: str) -> Search:
    """A read or search without the part of it that says which page."""
    path, parameters = urlsplit(query).path, parse_qsl(urlsplit(query).query)
    return path, frozenset(one for one in parameters if one[0] not in HOW_MUCH_OF_IT)


@cache
def _app() -> Flask:
    fhir = FHIRAccess(Outbound(), A_MINUTE)
    return create_app(Settings.from_environment({}), clock=lambda: WRITTEN_FOR, fhir=fhir)


def _service(profile: str) -> FlaskClient:
    """The service under a label profile. Only that changes: rules take long to load."""
    app = _app()
    parts = app.extensions["cds_service"]
    settings = replace(parts.settings, profile=profile)
    app.extensions["cds_service"] = replace(parts, settings=settings)
    return app.test_client()


@cache
def _templates(service_id: str) -> Mapping[str, str]:
    services = _service("US").get("/cds-services").get_json()["services"]
    (prefetch,) = (one["prefetch"] for one in services if one["id"] == service_id)
    return prefetch


def _moved(value: Any, old: str, new: str) -> Any:
    return parse(dumps(value).replace(old.encode(), new.encode()))


def resources_in(*values: Any) -> list[Any]:
    """Every resource in some prefetch values."""
    return [entry.resource for value in values for entry in entries_in(value)]


def _name(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _next(value: Any) -> str:
    links = {link["relation"]: link["url"] for link in each(value, "link")}
    return str(links.get("next", ""))


def _is_answered(value: Any) -> bool:
    if not isinstance(value, dict) or value["resourceType"] == "OperationOutcome":
        return False
    return not _next(value)
