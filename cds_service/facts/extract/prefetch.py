"""Which prefetch answers the questions a service's rules ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cds_service.facts.answers import Question
from cds_service.facts.vocabulary import (
    ADVERSE_EVENTS,
    ALLERGIES,
    CARE_PLANS,
    CONDITIONS,
    DOSES,
    GOALS,
    KINDS,
    MEDICATION_ADMINISTRATIONS,
    MEDICATION_REQUESTS,
    MEDICATION_STATEMENTS,
    OBSERVATIONS,
    PATIENT,
    PROCEDURES,
    RECENT_OBSERVATIONS,
    SERVICE_REQUESTS,
    TRANSPLANT,
)
from cds_service.fhir.prefetch import read_template, search_template, subject_template
from cds_service.terminology import Terminology

RESPONSE_ANALYTES = ("disease-status", "marrow-blasts-percent", "mrd")
"""What a response to treatment is coded as, where it is coded at all."""

COMPANIONS = {"anc": ("anc-segmented-only", "bands"), "cd22": ("immunophenotype",)}
"""Analytes another can be read from: neutrophils that are counted apart, a marker in a report."""

_BROUGHT_BY_SELECTOR = {
    "after_dose_of": DOSES,
    "dose_of": DOSES,
    "before_transplant": TRANSPLANT,
    "transfusion": (PROCEDURES, MEDICATION_ADMINISTRATIONS),
}


def templates(questions: Iterable[Question], terminology: Terminology) -> dict[str, str]:
    """Prefetch key → template, for exactly what the questions need, and always the patient."""
    asked = tuple(questions)
    needed = {PATIENT, *(need for question in asked for need in _needs(question))}
    every = _every_template(_observation_codes(asked, terminology))
    return {key: template for key, template in every.items() if key in needed}


def _needs(question: Question) -> Iterator[str]:
    yield from KINDS[question.kind].needs
    for selector, needs in _BROUGHT_BY_SELECTOR.items():
        if question.get(selector):
            yield from needs


def _observation_codes(questions: Iterable[Question], terminology: Terminology) -> list[str]:
    codings = (
        coding
        for analyte in dict.fromkeys(_with_companions(questions))
        for coding in terminology.codes(analyte)
    )
    return list(dict.fromkeys(f"{coding.system}|{coding.code}" for coding in codings))


def asked_analytes(questions: Iterable[Question]) -> frozenset[str]:
    """The analytes the questions name, those they can be read from, and those of a response."""
    return frozenset(_with_companions(questions))


def _with_companions(questions: Iterable[Question]) -> Iterator[str]:
    for analyte in _analytes(questions):
        yield analyte
        yield from COMPANIONS.get(analyte, ())


def _analytes(questions: Iterable[Question]) -> Iterator[str]:
    for question in questions:
        allowed = KINDS[question.kind].selectors
        for name, value in question.selectors:
            if name in allowed and allowed[name].type == "analyte":
                yield from value if isinstance(value, tuple) else (str(value),)
        yield from KINDS[question.kind].analytes
        if RECENT_OBSERVATIONS in KINDS[question.kind].needs:
            yield from RESPONSE_ANALYTES


def _every_template(observation_codes: Iterable[str]) -> dict[str, str]:
    return {
        PATIENT: read_template("Patient"),
        OBSERVATIONS: search_template("Observation", observation_codes, newest_first=True),
        # MRD and CRi have local codes or only words; a search by code would lose them.
        RECENT_OBSERVATIONS: search_template("Observation", newest_first=True),
        CONDITIONS: search_template("Condition"),
        # No code: it would miss orders by medicationReference. No status: amiodarone that was
        # stopped last month still counts.
        MEDICATION_REQUESTS: search_template("MedicationRequest"),
        MEDICATION_STATEMENTS: search_template("MedicationStatement"),
        MEDICATION_ADMINISTRATIONS: search_template("MedicationAdministration"),
        PROCEDURES: search_template("Procedure", newest_first=True),
        SERVICE_REQUESTS: search_template("ServiceRequest"),
        CARE_PLANS: search_template("CarePlan", newest_first=True),
        GOALS: search_template("Goal"),
        # An adverse event has no search parameter called patient.
        ADVERSE_EVENTS: subject_template("AdverseEvent"),
        ALLERGIES: search_template("AllergyIntolerance"),
    }
