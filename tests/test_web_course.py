"""The address the workbench asks for the picture of a course."""

from __future__ import annotations

import json

from cds_service.fixtures import load_fixture
from cds_service.strict_json import dumps
from tests.golden import WRITTEN_FOR, bench
from tests.picture_bench import FIXTURES

PATH = "/workbench/course/inotuzumab-order-sign"


def body_of(name: str) -> bytes:
    return dumps(load_fixture(name, WRITTEN_FOR))


def test_a_hook_call_is_drawn_for_a_page_and_for_a_phone_and_told() -> None:
    answer = bench("US").post(PATH, body_of("bruno-both-liver-limits"))
    drawn = json.loads(answer.data)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert drawn.keys() == {"svg", "narrow", "text"}
    assert 'viewBox="0 0 980 ' in drawn["svg"]
    assert 'viewBox="0 0 360 ' in drawn["narrow"]
    assert [each["title"] for each in drawn["text"]][:2] == ["Treatment", "Liver"]


def test_every_patient_is_drawn_under_the_service_of_its_hook() -> None:
    for name, fixture in FIXTURES.items():
        answer = bench("US").post(f"/workbench/course/{fixture.service_id}", body_of(name))
        assert answer.status_code == 200, name


def test_the_name_and_the_identifiers_of_the_patient_stay_out() -> None:
    request = load_fixture("bruno-both-liver-limits", WRITTEN_FOR)
    patient = request["prefetch"]["patient"]
    answer = bench("US").post(PATH, dumps(request)).get_data(as_text=True)

    assert patient["name"][0]["family"] not in answer
    assert all(each["value"] not in answer for each in patient.get("identifier", ()))


def test_the_label_to_judge_by_can_be_chosen() -> None:
    body = body_of("elin-earlier-vod-eu")

    assert bench("US").post(f"{PATH}?profile=EU", body).status_code == 200
    assert bench("US").post(f"{PATH}?profile=UK", body).status_code == 400


def test_a_bad_request_reads_the_same_errors_as_a_hook_call() -> None:
    """
    Nothing is drawn from what could not be judged.
    """
    for body in (b"no JSON", b"{}", b'{"hook": "patient-view"}'):
        hook = bench("US").post("/cds-services/inotuzumab-order-sign", body)
        answer = bench("US").post(PATH, body)

        assert answer.status_code == hook.status_code == 400
        assert answer.json == hook.json


def test_a_service_that_is_not_there_is_not_found() -> None:
    answer = bench("US").post("/workbench/course/aspirin", body_of("quentin-all-well"))

    assert answer.status_code == 404
