"""The line of therapy is what a plan or an extension plainly states, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir_builders import Resource, care_plan, chart_of, condition, medication_request

URL = "http://example.org/fhir/StructureDefinition/line-of-therapy"


def lines(*resources: Resource, **more: Any) -> list[int]:
    return [each.line for each in chart_of(*resources, **more).lines]


def line_in(text: str) -> int | None:
    return next(iter(lines(care_plan(text))), None)


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ("Second-line therapy: inotuzumab ozogamicin", 2),
        ("2nd line inotuzumab", 2),
        ("First line", 1),
        ("Frontline induction", 1),
        ("Line of therapy: 3", 3),
        ("Therapy line 3", 3),
        ("Line 3", 3),
        ("Treatment line #4 inotuzumab", 4),
        ("Salvage 1", 2),
        ("2nd salvage", 3),
        ("Inotuzumab, second salvage therapy", 3),
        ("Salvage therapy 2: inotuzumab", 3),
        ("Second-line therapy (first salvage)", 2),
        ("Second-line therapy for relapsed or refractory ALL", 2),
        ("Line of therapy no. 3 before stem cell transplant", 3),
    ],
)
def test_a_plan_may_state_the_line(title: str, line: int) -> None:
    assert line_in(title) == line


@pytest.mark.parametrize(
    "title",
    [
        "Inotuzumab salvage",
        "Second-line salvage",
        "Relapse after first-line therapy",
        "Refractory to first-line therapy",
        "Progression under second-line therapy",
        "Second-line or later",
        "Failed second-line therapy",
        "Consider third-line therapy",
        "Not a candidate for second-line therapy",
        "First-line or second-line therapy",
        "First line. Second line",
        "Central line 2",
        "PICC line care, second line",
        "Second-line antiemetic",
        "2L",
        "Pipeline 3",
        "Line 3.5",
        "Salvage 2 cycles",
        "Line 99",
        "First relapse",
        "CD22-positive cell line 3",
    ],
)
def test_what_is_not_plain_states_no_line(title: str) -> None:
    assert line_in(title) is None


def test_a_description_states_it_too_and_a_statement_says_where_it_was_read() -> None:
    plan = care_plan(id="1", description="Third-line therapy", period={"start": "2026-11-01"})
    (statement,) = chart_of(plan).lines

    assert (statement.line, statement.label) == (3, "Third-line therapy")
    assert (statement.source.reference, statement.source.element) == ("CarePlan/1", "description")
    assert str(statement.when) == "2026-11-01"


@pytest.mark.parametrize("status", ["entered-in-error", "revoked"])
def test_a_plan_that_was_withdrawn_states_nothing(status: str) -> None:
    assert lines(care_plan("Second-line therapy", status)) == []


def test_the_title_of_an_order_or_a_diagnosis_states_no_line() -> None:
    order = medication_request(note=[{"text": "second-line therapy"}])

    assert lines(order, condition(code={"text": "second-line therapy"})) == []


def extended(**value: Any) -> dict[str, Any]:
    return {"extension": [{"url": URL, **value}]}


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"valueInteger": 3}, 3),
        ({"valuePositiveInt": 2}, 2),
        ({"valueString": "2"}, 2),
        ({"valueString": "third"}, 3),
        ({"valueString": "Line 2"}, 2),
        ({"valueString": "2nd line"}, 2),
        ({"valueCodeableConcept": {"text": "Second salvage"}}, 3),
        ({"valueCodeableConcept": {"coding": [{"code": "3"}]}}, 3),
        ({"valueCoding": {"code": "x", "display": "First-line"}}, 1),
        ({"valueInteger": 0}, None),
        ({"valueInteger": True}, None),
        ({"valueInteger": 400}, None),
        ({"valueString": "unknown"}, None),
        ({"valueCodeableConcept": {"text": "2", "coding": [{"display": "third"}]}}, None),
    ],
)
def test_an_extension_may_state_the_line(value: dict[str, Any], line: int | None) -> None:
    assert lines(care_plan("Inotuzumab", **extended(**value))) == ([line] if line else [])


@pytest.mark.parametrize(
    "resource",
    [
        medication_request("ondansetron", **extended(valueInteger=2)),
        condition(code={"text": "B-ALL"}, **extended(valueInteger=2)),
    ],
)
def test_an_order_or_a_diagnosis_may_bear_the_extension(resource: Resource) -> None:
    assert lines(resource) == [2]


def test_the_draft_may_bear_the_extension() -> None:
    draft = medication_request(status="draft", **extended(valueInteger=4))
    (statement,) = chart_of(drafts=[draft]).lines

    assert (statement.line, str(statement.when)) == (4, "2026-11-19")


def test_another_extension_states_no_line() -> None:
    other = {"url": "http://example.org/line", "valueInteger": 2}

    assert lines(care_plan("Inotuzumab", extension=[other])) == []
