"""The synthetic patients: who is there, how they move with the clock, what is real about them.

And the broken requests beside them: each gets the answer that its index promises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import yaml
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given
from hypothesis import strategies as st

from cds_service.data import fixtures_dir
from cds_service.errors import CDSServiceError
from cds_service.fixtures import list_fixtures, load_fixture
from tests.golden import CAST, FIXTURES, WRITTEN_FOR, bench
from tests.wire_rules import assert_conforms

BROKEN = fixtures_dir() / "broken"
INDEX: dict[str, dict[str, Any]] = yaml.safe_load((BROKEN / "index.yaml").read_text("utf-8"))
REQUESTS = {file.stem for file in (fixtures_dir() / "requests").glob("*.json")}
DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")

ODD_ON_PURPOSE = {
    "farid-two-alkylators": "category is an object, as the CDS Hooks Sandbox sends it",
    "nadia-qt-three-drugs": "category is an object, as Epic sends it",
}

LEAVES_OUT = {
    "farid-two-alkylators": "the CDS Hooks Sandbox leaves out the keys of failed searches",
    "rosa-nothing-arrived": "one search was never made",
    "xenia-own-prefetch-keys": "the CRD request generator has keys of its own",
}

every_fixture = pytest.mark.parametrize("name", FIXTURES)
every_broken_file = pytest.mark.parametrize("name", INDEX)


def resources(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every resource of a request, those in Bundles one by one."""
    for value in (request["context"].get("draftOrders"), *request["prefetch"].values()):
        if not isinstance(value, dict):
            continue
        if value["resourceType"] == "Bundle":
            yield from (entry["resource"] for entry in value.get("entry", []))
        else:
            yield value


def strings(node: Any) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from strings(child)
    elif isinstance(node, str):
        yield node


def as_written(name: str) -> dict[str, Any]:
    request: dict[str, Any] = json.loads(
        (fixtures_dir() / "requests" / f"{name}.json").read_text("utf-8"), parse_float=Decimal
    )
    return request


class TestTheCast:
    def test_has_a_request_for_every_member_and_a_member_for_every_request(self) -> None:
        assert FIXTURES.keys() == REQUESTS

    def test_is_told_in_the_order_of_its_file(self) -> None:
        assert [each.name for each in list_fixtures()] == list(CAST["cast"])

    def test_is_told_apart_by_title(self) -> None:
        assert len({each.title for each in list_fixtures()}) == len(FIXTURES)

    @every_fixture
    def test_names_the_hook_that_the_request_is_for(self, name: str) -> None:
        info = FIXTURES[name]
        assert as_written(name)["hook"] == info.hook
        assert info.service_id == f"inotuzumab-{info.hook}"
        assert info.profile in ("US", "EU")

    @every_fixture
    def test_is_about_one_patient_each(self, name: str) -> None:
        request = load_fixture(name, WRITTEN_FOR)
        assert request["prefetch"]["patient"]["id"] == request["context"]["patientId"]

    @every_fixture
    def test_is_introduced_in_the_readme(self, name: str) -> None:
        assert f"`{name}`" in (fixtures_dir() / "README.md").read_text("utf-8")

    @every_fixture
    def test_sends_every_prefetch_key_except_where_it_means_not_to(self, name: str) -> None:
        services = bench("US").get("/cds-services").get_json()["services"]
        asked = {service["id"]: service["prefetch"].keys() for service in services}
        sent = load_fixture(name, WRITTEN_FOR)["prefetch"].keys()
        missing = asked[FIXTURES[name].service_id] - sent
        assert bool(missing) is (name in LEAVES_OUT), missing

    def test_has_everybody_under_an_id_and_a_name_of_their_own(self) -> None:
        patients = [as_written(name)["prefetch"]["patient"] for name in FIXTURES]
        assert len({patient["id"] for patient in patients}) == len(FIXTURES)
        assert len({patient["name"][0]["family"] for patient in patients}) == len(FIXTURES)

    @every_fixture
    def test_sends_valid_resources_except_where_it_means_not_to(self, name: str) -> None:
        wrong = [
            error
            for resource in resources(load_fixture(name, WRITTEN_FOR))
            if (error := fault(resource))
        ]
        assert bool(wrong) is (name in ODD_ON_PURPOSE), wrong


def fault(resource: dict[str, Any]) -> str:
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValueError as error:
        return f"{resource['resourceType']}/{resource.get('id')}: {error}"
    return ""


class TestMovingWithTheClock:
    @every_fixture
    def test_on_the_day_it_was_written_for_nothing_moves(self, name: str) -> None:
        assert load_fixture(name, WRITTEN_FOR) == as_written(name)

    @every_fixture
    def test_every_day_moves_by_the_same_number_of_days(self, name: str) -> None:
        moved = load_fixture(name, WRITTEN_FOR + timedelta(days=1000))
        for before, after in zip(strings(as_written(name)), strings(moved), strict=True):
            days = list(map(date.fromisoformat, DAY.findall(before)))
            if days and before != after:
                moved_days = list(map(date.fromisoformat, DAY.findall(after)))
                assert [each + timedelta(days=1000) for each in days] == moved_days
                assert DAY.sub("", before) == DAY.sub("", after)

    def test_ages_and_intervals_stay(self) -> None:
        later = load_fixture("ada-bilirubin-at-uln", WRITTEN_FOR + timedelta(days=400))
        assert later["prefetch"]["patient"]["birthDate"] == "1980-04-17"

    @given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
    def test_an_order_of_today_is_an_order_of_any_today(self, now: datetime) -> None:
        there = load_fixture("oscar-new-qt-drug", now)
        drafts = there["context"]["draftOrders"]["entry"]
        assert drafts[0]["resource"]["authoredOn"] == f"{now.date()}T08:45:00Z"

    def test_the_day_is_the_one_in_greenwich(self) -> None:
        late = datetime(2026, 11, 20, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
        moved = load_fixture("oscar-new-qt-drug", late)
        authored = moved["context"]["draftOrders"]["entry"][0]["resource"]["authoredOn"]
        assert authored == "2026-11-21T08:45:00Z"

    def test_numbers_stay_exact(self) -> None:
        request = load_fixture("ada-bilirubin-at-uln", datetime(2030, 1, 1, tzinfo=UTC))
        values = [
            resource["valueQuantity"]["value"]
            for resource in resources(request)
            if resource["resourceType"] == "Observation" and "valueQuantity" in resource
        ]
        assert Decimal("1.2") in values
        assert not any(isinstance(value, float) for value in values)

    @every_fixture
    def test_no_result_is_written_so_late_that_it_could_lie_in_the_future(self, name: str) -> None:
        for resource in resources(load_fixture(name, WRITTEN_FOR)):
            if resource["resourceType"] == "Observation":
                assert resource["effectiveDateTime"] < "2026-11-20"

    @pytest.mark.parametrize("name", ["nobody", "", "../cast", "..", "ada-bilirubin-at-uln.json"])
    def test_a_name_that_is_not_in_the_cast_is_refused(self, name: str) -> None:
        with pytest.raises(CDSServiceError, match="no fixture of that name"):
            load_fixture(name, WRITTEN_FOR)


class TestDialects:
    """What real clients send, each at least once."""

    def test_epic(self) -> None:
        request = load_fixture("nadia-qt-three-drugs", WRITTEN_FOR)
        drafts = [entry["resource"] for entry in request["context"]["draftOrders"]["entry"]]
        assert {each["resourceType"] for each in drafts} == {"MedicationRequest", "Medication"}
        assert drafts[0]["medicationReference"]["reference"].startswith("https://")
        assert isinstance(drafts[0]["category"], dict)
        assert len(drafts[0]["dosageInstruction"][0]["doseAndRate"]) > 1
        assert request["hookInstance"][14] == "1"
        assert any(key.startswith("com.epic.cdshooks.") for key in request["extension"])
        empty = request["prefetch"]["medicationAdministrations"]
        assert empty["total"] == 0
        assert empty["entry"][0]["resource"]["resourceType"] == "OperationOutcome"

    def test_cds_hooks_sandbox(self) -> None:
        request = load_fixture("farid-two-alkylators", WRITTEN_FOR)
        assert "fhirServer" in request
        assert "fhirAuthorization" not in request
        assert "type" not in request["context"]["draftOrders"]
        assert "encounterId" not in request["context"]
        assert "carePlans" not in request["prefetch"]

    def test_crd_request_generator(self) -> None:
        request = load_fixture("xenia-own-prefetch-keys", WRITTEN_FOR)
        assert request["fhirAuthorization"]["access_token"] == ""
        assert "davinci-crd.configuration" in request["extension"]
        assert request["prefetch"]["medicationRequestBundle"]["type"] == "collection"

    def test_european(self) -> None:
        request = load_fixture("elin-earlier-vod-eu", WRITTEN_FOR)
        text = json.dumps(request, default=str, ensure_ascii=False)
        for word in ("http://www.whocc.no/atc", "µmol/L", "µkat/L", "0,41", "intravenös"):
            assert word in text


class TestBrokenRequests:
    def test_the_index_names_every_file(self) -> None:
        assert {file.name for file in BROKEN.iterdir()} == {*INDEX, "index.yaml"}

    @every_broken_file
    def test_the_answer_is_the_one_the_index_promises(self, name: str) -> None:
        expected = INDEX[name]
        hook = expected.get("hook", "order-sign")
        response = bench("US").post(
            f"/cds-services/inotuzumab-{hook}", (BROKEN / name).read_bytes()
        )
        assert response.status_code == expected["status"]
        answer = response.get_json()
        if response.status_code == 200:
            assert_conforms(answer)
            said = {card["source"]["topic"]["code"]: card for card in answer["cards"]}
            assert set(expected["cards"]) <= said.keys()
            for rule in expected["cards"][:1]:
                words = f"{said[rule]['summary']} {said[rule]['detail']}"
                assert expected.get("says", "") in words
        else:
            assert answer["resourceType"] == "OperationOutcome"
            places = [issue.get("expression", [""])[0] for issue in answer["issue"]]
            assert expected.get("at", "") in places

    @every_broken_file
    def test_no_answer_names_the_patient(self, name: str) -> None:
        hook = INDEX[name].get("hook", "order-sign")
        response = bench("US").post(
            f"/cds-services/inotuzumab-{hook}", (BROKEN / name).read_bytes()
        )
        if response.status_code != 200:
            assert "Nemo" not in response.get_data(as_text=True)
            assert "pt-broken" not in response.get_data(as_text=True)
