"""A reference in any form finds its resource, and none is followed elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.fhir.library import Library
from cds_service.fhir.references import parse_reference
from tests.fhir_builders import bundle, hook_call, medication_request, observation, outcome

SERVER = "https://ehr.example.org/fhir"
MEDICATION = {"resourceType": "Medication", "id": "ino", "code": {"text": "inotuzumab"}}


@pytest.mark.parametrize(
    ("text", "local", "origin"),
    [
        ("Medication/1", "Medication/1", ""),
        ("Medication/1/_history/2", "Medication/1", ""),
        (f"{SERVER}/Medication/1", "Medication/1", "ehr.example.org"),
        (f"{SERVER}/Medication/1/_history/7", "Medication/1", "ehr.example.org"),
        ("HTTP://EHR.example.org:8443/x/Medication/1", "Medication/1", "ehr.example.org:8443"),
        ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "", ""),
        ("nonsense", "", ""),
        ("https://[/Medication/1", "Medication/1", "unreadable"),
    ],
)
def test_a_reference_is_taken_apart(text: str, local: str, origin: str) -> None:
    parsed = parse_reference(text)

    assert (parsed.local, parsed.origin) == (local, origin)


@pytest.mark.parametrize(
    "reference",
    [
        "Medication/ino",
        "Medication/ino/_history/3",
        f"{SERVER}/Medication/ino",
        "http://ehr.example.org/fhir/Medication/ino",
        "urn:uuid:9f2b",
        "https://elsewhere.example/Medication/named-by-full-url",
    ],
)
def test_a_medication_is_found_by_any_form_of_reference(reference: str) -> None:
    order = medication_request(medicationReference={"reference": reference})
    url = reference if "urn" in reference or "elsewhere" in reference else ""
    call = hook_call(drafts=[order, {"resource": MEDICATION, "fullUrl": url}])
    library = Library(call)
    (base,) = library.of_type("MedicationRequest")

    found = library.resolve(order["medicationReference"], base)

    assert found is not None
    assert found.resource["code"]["text"] == "inotuzumab"


@pytest.mark.parametrize("contained_id", ["med", "#med"])
def test_a_contained_medication_is_found(contained_id: str) -> None:
    order = medication_request(contained=[{**MEDICATION, "id": contained_id}])
    library = Library(hook_call(drafts=[order]))
    (base,) = library.of_type("MedicationRequest")

    assert library.resolve({"reference": "#med"}, base) is not None


def test_a_reference_to_another_server_is_not_resolved_here() -> None:
    order = medication_request()
    library = Library(hook_call(drafts=[order, MEDICATION]))
    (base,) = library.of_type("MedicationRequest")

    assert library.resolve({"reference": "https://evil.example/Medication/ino"}, base) is None


@pytest.mark.parametrize("reference", [None, {}, {"reference": 7}, {"reference": ""}, "x", [1]])
def test_a_reference_that_is_none_finds_nothing(reference: Any) -> None:
    library = Library(hook_call(drafts=[medication_request()]))
    (base,) = library.of_type("MedicationRequest")

    assert library.resolve(reference, base) is None


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/ada"},
        {"reference": "Patient/ada/_history/1"},
        {"reference": f"{SERVER}/Patient/ada"},
        {"reference": "urn:uuid:ada"},
        {"reference": "#someone"},
        {"identifier": {"value": "MRN-1"}},
        {"display": "the patient"},
        None,
    ],
)
def test_a_resource_of_our_patient_is_ours(subject: Any) -> None:
    library = Library(hook_call(observation(subject=subject)))

    assert [library.ownership(each) for each in library.of_type("Observation")] == ["ours"]


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/grace"},
        {"reference": "Patient/ADA"},
        {"reference": "Group/ada"},
        {"reference": "https://elsewhere.example/fhir/Patient/ada"},
        {"reference": "urn:uuid:somebody"},
    ],
)
def test_a_resource_of_another_patient_is_foreign(subject: Any) -> None:
    library = Library(hook_call(observation(subject=subject)))

    assert [library.ownership(each) for each in library.of_type("Observation")] == ["foreign"]


def test_a_subject_by_full_url_is_known_by_the_patient_behind_it() -> None:
    other = {"resourceType": "Patient", "id": "grace"}
    call = hook_call(
        prefetch={
            "patient": {"resourceType": "Patient", "id": "ada"},
            "more": bundle(
                {"resource": other, "fullUrl": "urn:uuid:1"},
                {"resource": observation(subject={"reference": "urn:uuid:1"})},
            ),
        }
    )
    library = Library(call)

    assert [library.ownership(each) for each in library.of_type("Observation")] == ["foreign"]


def test_a_subject_that_is_not_text_cannot_be_checked() -> None:
    library = Library(hook_call(observation(subject={"reference": 7})))

    assert [library.ownership(each) for each in library.of_type("Observation")] == ["unreadable"]


def test_of_two_copies_the_draft_counts() -> None:
    draft = medication_request(id="1", status="draft")
    call = hook_call(medication_request(id="1", status="active"), drafts=[draft])
    (found,) = Library(call).of_type("MedicationRequest")

    assert (found.role, found.resource["status"]) == ("draft", "draft")


def test_a_resource_without_an_id_is_known_by_its_full_url() -> None:
    entry = {"resource": observation(id=None), "fullUrl": "urn:uuid:1"}
    library = Library(hook_call(prefetch={"one": bundle(entry), "two": bundle(entry)}))

    assert [found.reference for found in library.of_type("Observation")] == ["urn:uuid:1"]


def test_outcomes_are_no_resources() -> None:
    assert Library(hook_call(prefetch={"x": outcome()}, drafts=[])).types == frozenset()


@pytest.mark.parametrize(
    "selection",
    ["MedicationRequest/1", "1", f"{SERVER}/MedicationRequest/1", "urn:uuid:one"],
)
def test_a_selected_draft_is_a_draft_and_the_others_are_background(selection: str) -> None:
    selected = {"resource": medication_request(id="1"), "fullUrl": "urn:uuid:one"}
    call = hook_call(
        drafts=[selected, medication_request(id="2")],
        hook="order-select",
        selections=(selection,),
    )

    roles = [found.role for found in Library(call).of_type("MedicationRequest")]

    assert roles == ["draft", "background"]


FIRST = "2026-11-20T10:00:00.123Z"
LATER = "2026-11-20T12:30:00+02:00"


def forms(*updated: str | None) -> list[dict[str, Any]]:
    """One result in several forms, told apart by their notes, updated at these instants."""
    return [
        observation(
            id="bilirubin", meta={"lastUpdated": instant}, note=[{"text": f"form {number}"}]
        )
        for number, instant in enumerate(updated)
    ]


@pytest.mark.parametrize(
    ("updated", "counts"),
    [
        ((FIRST, LATER), "form 1"),
        ((LATER, FIRST), "form 0"),
        ((FIRST, FIRST), "form 0"),
        ((FIRST, None), "form 0"),
        ((None, LATER), "form 0"),
        ((FIRST, "2026-11-21"), "form 0"),
        ((FIRST, "soon"), "form 0"),
        ((FIRST, LATER, FIRST), "form 1"),
    ],
)
def test_of_two_forms_of_a_result_the_one_updated_later_counts(
    updated: tuple[str | None, ...], counts: str
) -> None:
    call = hook_call(*forms(*updated))

    (found,) = Library(call).of_type("Observation")

    assert found.resource["note"] == [{"text": counts}]


def test_of_a_draft_and_what_is_on_file_the_draft_counts() -> None:
    draft = medication_request(id="ino", meta={"lastUpdated": FIRST}, status="draft")
    on_file = {**draft, "meta": {"lastUpdated": LATER}, "status": "active"}

    (found,) = Library(hook_call(on_file, drafts=[draft])).of_type("MedicationRequest")

    assert found.resource["status"] == "draft"


def test_every_address_of_a_corrected_resource_leads_to_the_correction() -> None:
    older, newer = (
        {
            "resource": {**MEDICATION, "code": {"text": text}, "meta": {"lastUpdated": instant}},
            "fullUrl": f"https://{text}.example/Medication/ino",
        }
        for text, instant in (("older", FIRST), ("newer", LATER))
    )
    library = Library(hook_call(prefetch={"medicationRequests": bundle(older, newer)}))
    (base,) = library.of_type("MedicationRequest")

    for reference in ("Medication/ino", older["fullUrl"], newer["fullUrl"]):
        found = library.resolve({"reference": reference}, base)
        assert found is not None
        assert found.resource["code"]["text"] == "newer"
