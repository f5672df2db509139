"""Whatever a FHIR server answers, the call is answered, and nothing bad turns into "all clear"."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.app import create_app
from cds_service.fhir.access import FHIRAccess
from cds_service.fixtures import load_fixture
from cds_service.outbound import Answer
from cds_service.settings import Settings
from cds_service.strict_json import dumps
from tests.fault_matrix import GAP, chart_of
from tests.fhir_search import answer
from tests.story import NOW

SERVER = "http://127.0.0.1:1/fhir"
LOUD = frozenset({"critical", "warning"})

leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
NAMES = (
    "resourceType entry resource link relation url total issue severity code subject reference id "
    "fullUrl medicationReference response x"
)
WORDS = (
    "Bundle Patient Observation MedicationRequest OperationOutcome Medication next error forbidden "
    f"Medication/1 Patient/p ?page=2 {SERVER}/x?y #"
)
names, words = st.sampled_from(NAMES.split()), st.sampled_from(WORDS.split())
anything = st.recursive(
    leaves | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
bundles = st.fixed_dictionaries(
    {"resourceType": st.just("Bundle")},
    optional={
        "entry": anything | st.lists(st.fixed_dictionaries({"resource": anything}), max_size=3),
        "link": anything
        | st.lists(st.fixed_dictionaries({"relation": words, "url": words}), max_size=2),
        "total": leaves,
    },
)


class Scripted:
    """Stands where ``Outbound`` stands: a whole chart, but for one type something else."""

    def __init__(self) -> None:
        self.chart: list[dict[str, Any]] = []
        self.type = ""
        self.body = b""
        self.status = 200

    def get(self, url: str, *_: object) -> Answer:
        path = unquote(url.removeprefix(f"{SERVER}/"))
        if path.startswith(self.type) or "page=" in path or "?y" in path:
            return Answer(self.status, {}, self.body)
        found = answer(path, self.chart)
        return Answer(200 if found else 404, {}, dumps(found))


class Ward:
    """The service over a scripted server, for a patient whose bilirubin stops the order."""

    def __init__(self) -> None:
        self.server = Scripted()
        access = FHIRAccess(self.server, 60_000, pause=lambda _: None)
        self.client = create_app(Settings(), clock=lambda: NOW, fhir=access).test_client()
        request = load_fixture("bruno-both-liver-limits", NOW)
        self.server.chart = chart_of(request)
        self.body = dumps({**request, "fhirServer": SERVER, "prefetch": {}})

    def ask(self, resource_type: str, body: bytes, status: int = 200) -> Any:
        self.server.type, self.server.body, self.server.status = resource_type, body, status
        return self.client.post(
            "/cds-services/inotuzumab-order-sign", data=self.body, content_type="application/json"
        )


@pytest.fixture(scope="module")
def ward() -> Ward:
    return Ward()


def check(answered: Any) -> None:
    assert answered.status_code in (200, 412)
    if answered.status_code == 200:
        cards = answered.get_json()["cards"]
        rules = {card["source"]["topic"]["code"] for card in cards}
        assert GAP in rules or LOUD & {card["indicator"] for card in cards}


def test_the_complete_chart_is_no_all_clear(ward):
    cards = ward.ask("Nothing", b"").get_json()["cards"]
    assert ("INO-LIV-01", "critical") in {
        (card["source"]["topic"]["code"], card["indicator"]) for card in cards
    }


TYPES = st.sampled_from(["Observation", "Patient", "Condition", "MedicationRequest"])
slow = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@slow
@given(TYPES, anything | bundles)
def test_any_json_is_answered_and_never_all_clear(ward, resource_type, value):
    check(ward.ask(resource_type, dumps(value)))


@slow
@given(TYPES, st.binary(max_size=60), st.integers(200, 599))
def test_any_bytes_with_any_status_are_answered_and_never_all_clear(
    ward, resource_type, body, status
):
    check(ward.ask(resource_type, body, status))
