"""What all rules share: offered resources are valid FHIR with known codes, reasons bear a code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from rulebook_files import terminology

from cds_service.data import rules_dir
from cds_service.rulebook.complaints import Complaints
from cds_service.rulebook.model import OverrideReason
from cds_service.rulebook.shared_files import load_shared
from cds_service.terminology import Coding

SHARED = load_shared(rules_dir(), Complaints("rules"))
HL7 = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
HL7_CODES = {
    "cds-not-applicable",
    "cds-suboptimal-context",
    "recipient-disagrees-evidence",
    "recipient-concerns-outcomes",
    "does-not-align-preferences",
    "not-convenient-feasible",
    "action-completed",
    "patient-contraindication",
    "patient-refuses",
    "too-costly-uncovered",
    "service-not-available",
    "recipient-does-not-understand",
}

RESOURCES = pytest.mark.parametrize("name", SHARED.resources)


@RESOURCES
def test_an_offered_resource_is_valid_once_the_card_has_filled_it_in(name: str) -> None:
    resource = json.loads(json.dumps(SHARED.resources[name]))
    resource["subject"] = {"reference": "Patient/1"}

    model = get_fhir_model_class(str(resource["resourceType"]))
    assert model.model_validate(resource)


def kinds(value: object) -> set[type]:
    """The types of a value and of everything in it."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return {type(value)}.union(*map(kinds, inner))
    return {type(value)}


@RESOURCES
def test_an_offered_resource_is_plain_json(name: str) -> None:
    assert kinds(SHARED.resources[name]) <= {dict, list, str, int, Decimal, bool}


@RESOURCES
def test_an_offered_resource_names_what_it_is_in_words(name: str) -> None:
    resource: Mapping[str, Any] = SHARED.resources[name]

    assert (resource.get("code") or resource["medicationCodeableConcept"])["text"]


def codings(value: object) -> Iterator[Coding]:
    """Every coding anywhere in a resource."""
    if isinstance(value, Mapping):
        if "system" in value:
            yield Coding(str(value["system"]), str(value["code"]))
        for inner in value.values():
            yield from codings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from codings(inner)


@RESOURCES
def test_an_offered_resource_uses_verified_codes_only(name: str) -> None:
    words = terminology()
    for coding in codings(SHARED.resources[name]):
        assert words.concepts_of([coding]) or words.resolve_drug([coding]).substances, coding


def test_ursodiol_is_offered_without_a_dose() -> None:
    """No source that was read gives one."""
    assert "dosageInstruction" not in SHARED.resources["ursodiol"]


def test_no_number_hides_in_a_resource() -> None:
    def numbers(value: object) -> bool:
        if isinstance(value, Mapping):
            return any(map(numbers, value.values()))
        if isinstance(value, list):
            return any(map(numbers, value))
        return isinstance(value, (int, float, Decimal))

    assert not numbers(SHARED.resources)


@pytest.mark.parametrize("reason", SHARED.reasons.values(), ids=lambda reason: reason.id)
def test_a_reason_bears_a_code_of_its_system(reason: OverrideReason) -> None:
    assert reason.display
    if reason.system == HL7:
        assert reason.code in HL7_CODES
    else:
        assert (reason.system, reason.code) == ("urn:cds-service:override-reason", reason.id)


def test_no_two_reasons_bear_one_code() -> None:
    """Feedback would not tell them apart."""
    codes = [(reason.system, reason.code) for reason in SHARED.reasons.values()]

    assert len(codes) == len(set(codes))
