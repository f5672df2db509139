"""Prefetch is what the questions need, and keeps to what CDS Hooks 2.0.1 allows."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cds_service.facts.answers import Question
from cds_service.facts.extract import asked_analytes, templates
from cds_service.facts.vocabulary import KINDS, PATIENT
from cds_service.fhir.prefetch import CONTEXT_FIELDS, lint_template, subject_template
from tests.fhir_builders import INO, terminology

EVERYTHING = [
    Question(name, (("analyte", "total-bilirubin"), ("after_dose_of", INO))) for name in KINDS
]


def keys_for(*questions: Question) -> set[str]:
    return set(templates(questions, terminology()))


def test_the_patient_is_always_asked_for() -> None:
    assert keys_for() == {"patient"}


def test_a_lab_is_asked_for_by_the_verified_codes_of_its_analyte_alone() -> None:
    question = Question("lab", (("analyte", ("alt", "ast")), ("within", Fraction(7))))
    template = templates([question], terminology())["observations"]

    assert template.startswith("Observation?patient={{context.patientId}}&code=http://loinc.org|")
    assert "http://loinc.org|1742-6," in template
    assert "1975-2" not in template
    assert template.endswith("&_sort=-date&_count=200")


def test_after_the_last_dose_brings_the_doses() -> None:
    plain = Question("lab", (("analyte", "alt"),))
    after = Question("lab", (("analyte", "alt"), ("after_dose_of", INO)))

    assert keys_for(plain) == {"patient", "observations"}
    assert keys_for(after) == {
        *("patient", "observations"),
        *("medicationAdministrations", "medicationRequests", "procedures"),
    }


def test_before_the_transplant_brings_what_tells_of_it() -> None:
    before = Question("lab", (("analyte", "alt"), ("before_transplant", True)))

    assert {"serviceRequests", "carePlans", "goals", "procedures"} <= keys_for(before)


def test_only_a_response_asks_for_observations_without_a_code() -> None:
    response = Question("response", (("substance", INO),))
    every = templates([response], terminology())

    assert every["recentObservations"] == (
        "Observation?patient={{context.patientId}}&_sort=-date&_count=200"
    )
    assert "http://loinc.org|97509-4" in every["observations"]
    assert "recentObservations" not in keys_for(Question("lab", (("analyte", "alt"),)))


def test_orders_are_asked_for_without_code_and_status() -> None:
    found = templates([Question("order", (("substance", INO),))], terminology())

    assert found["medicationRequests"] == (
        "MedicationRequest?patient={{context.patientId}}&_count=200"
    )


def test_the_analytes_asked_for_include_those_of_a_response() -> None:
    asked = asked_analytes([Question("lab", (("analyte", "alt"),)), Question("response")])

    assert asked == {"alt", "disease-status", "marrow-blasts-percent", "mrd"}


@pytest.mark.parametrize("hook", sorted(CONTEXT_FIELDS))
def test_every_template_of_ours_passes_the_lint(hook: str) -> None:
    found = templates(EVERYTHING, terminology())

    assert set(found) == {PATIENT, *(need for kind in KINDS.values() for need in kind.needs)}
    assert [lint_template(hook, template) for template in found.values()] == [[]] * len(found)


def test_a_search_by_subject_names_the_type_of_the_subject() -> None:
    template = subject_template("AdverseEvent")

    assert template == "AdverseEvent?subject=Patient/{{context.patientId}}&_count=200"
    assert lint_template("order-sign", template) == []


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("Patient/{context.patientId}", "between {{ and }}"),
        ("Patient/{{context.patientId", "between {{ and }}"),
        ("Patient/{{patientId}}", "context.<field>"),
        ("Patient/{{context.draftOrders.entry}}", "root of the context"),
        ("Patient/{{context.encounter}}", "no field"),
        ("MedicationRequest?_id={{context.selections}}", "does not allow"),
        ("Observation?encounter={{context.encounterId}}", "optional"),
        ("Practitioner/{{userPractitionerId}}", "who the user is"),
        ("Observation?date=ge{{today() - 7 days}}", "today()"),
        ("Observation?date=ge2026&date=le2027", "stands twice"),
        ("MedicationRequest?_include=MedicationRequest:medication", "_include"),
        ("Patient?_has:Observation:patient:code=1", "_has"),
        ("Observation?subject.name=a", "chained"),
        ("Condition?code:not=1", ":not"),
        ("Observation?sort:desc=date", ":desc"),
        ("Observation?date=ne2026-01-01", '"ne"'),
        ("Observation?_summary=count", "_summary"),
        ("Observation/$lastn?patient=1", "operations"),
        ("https://ehr.example.org/Patient/1", "relative"),
        ("Observation?code=", "no value"),
    ],
)
def test_the_lint_says_what_is_wrong(template: str, complaint: str) -> None:
    assert any(complaint in found for found in lint_template("order-sign", template))


def test_a_value_set_modifier_is_allowed() -> None:
    assert lint_template("order-sign", "Condition?code:in=http://example.org/vs") == []


def test_a_hook_we_do_not_know_has_no_tokens() -> None:
    assert lint_template("order-dispatch", "Patient/{{context.patientId}}") != []
