"""What happened to the patient, how bad it was, and which drug is suspected."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.facts.model import HarmEntry
from cds_service.facts.unknown import Reason
from tests.fhir_builders import (
    INO,
    Resource,
    administration,
    adverse_event,
    allergy,
    chart_of,
    concept,
    condition,
    medication_request,
    outcome,
    prefetch,
)
from tests.fhir_builders import hook_call as call
from tests.test_extract_chart import read

INO_ONLY = frozenset({INO})
GRADE = "http://hl7.org/fhir/us/ctcae/StructureDefinition/ctcae-grade"


def event(text: str = "Infusion reaction", *beside: Resource, **elements: Any) -> HarmEntry:
    """The one adverse event of a chart."""
    (harm,) = chart_of(adverse_event(text, **elements), *beside).harms
    return harm


def allergic(**elements: Any) -> HarmEntry:
    """The one allergy of a chart."""
    (harm,) = chart_of(allergy(**elements)).harms
    return harm


def causality(**said: Any) -> list[Resource]:
    return [{"instance": {"reference": "#drug"}, "causality": [said]}]


def graded(**value: Any) -> list[Resource]:
    return [{"url": GRADE, **value}]


def test_an_adverse_event_says_what_happened_when_and_by_which_drug() -> None:
    harm = event(id="1", severity={"coding": [{"code": "severe"}]})

    assert (harm.kind, harm.label, harm.substances) == (
        "adverse-event",
        "Infusion reaction",
        INO_ONLY,
    )
    assert (harm.severity, harm.grade, harm.ended, harm.related) == ("severe", None, False, True)
    assert str(harm.onset) == "2026-11-12"
    assert harm.source.reference == "AdverseEvent/1"


def test_an_event_that_only_might_have_happened_is_none() -> None:
    assert chart_of(adverse_event(actuality="potential")).harms == ()


@pytest.mark.parametrize(
    ("elements", "date"),
    [
        ({"detected": "2026-11-13"}, "2026-11-13"),
        ({"recordedDate": "2026-11-14"}, "2026-11-14"),
        ({}, "None"),
    ],
)
def test_an_event_without_a_date_is_dated_by_when_it_was_noticed(
    elements: dict[str, Any], date: str
) -> None:
    assert str(event(date=None, **elements).onset) == date


@pytest.mark.parametrize("suspect", [administration(id="s"), medication_request(id="s")])
def test_a_dose_or_an_order_may_be_the_suspect(suspect: Resource) -> None:
    instance = {"reference": f"{suspect['resourceType']}/s"}
    harm = event("Rash", suspect, contained=None, suspectEntity=[{"instance": instance}])

    assert harm.substances == INO_ONLY


def test_a_suspect_that_was_not_sent_is_known_by_its_display() -> None:
    gone = {"reference": "Medication/gone", "display": "Besponsa"}

    assert event("Rash", suspectEntity=[{"instance": gone}]).substances == INO_ONLY


def test_a_suspect_that_no_value_set_knows_is_named_all_the_same() -> None:
    other = {"reference": "Medication/gone", "display": "Compound X-17"}

    assert event("Rash", suspectEntity=[{"instance": other}]).substances == {"compound-x-17"}


def test_an_event_may_name_the_drug_in_its_own_words() -> None:
    harm = event("Infusion reaction to inotuzumab", suspectEntity=None)

    assert (harm.substances, harm.related) == (INO_ONLY, True)


def test_an_event_that_names_no_drug_is_kept_without_one() -> None:
    assert event("Fall", suspectEntity=None).substances == frozenset()


@pytest.mark.parametrize(
    ("said", "related"),
    [
        ({"assessment": {"coding": [{"code": "Possible"}]}}, True),
        ({"assessment": {"text": "Unrelated"}}, False),
        ({"assessment": {"coding": [{"display": "Not related"}]}}, False),
        ({"productRelatedness": "unrelated"}, False),
        ({"assessment": {"coding": [{"code": "Unlikely"}]}}, True),
    ],
)
def test_an_event_is_put_down_to_a_drug_unless_that_is_denied(
    said: dict[str, Any], related: bool
) -> None:
    harm = event(suspectEntity=causality(**said))

    assert (harm.substances, harm.related) == (INO_ONLY, related)


def test_of_several_suspects_those_found_unrelated_do_not_count() -> None:
    other = {"instance": {"display": "ondansetron"}}
    suspects = [*causality(assessment={"text": "unrelated"}), other]
    harm = event(suspectEntity=suspects)

    assert (harm.substances, harm.related) == (frozenset({"ondansetron"}), True)


@pytest.mark.parametrize(
    ("elements", "grade", "severity"),
    [
        ({"extension": graded(valueInteger=2)}, 2, "moderate"),
        (
            {"extension": graded(valueCodeableConcept={"coding": [{"code": "4"}]})},
            4,
            "life-threatening",
        ),
        ({"extension": graded(valueCodeableConcept={"text": "Grade 3"})}, 3, "severe"),
        ({"extension": graded(valueCoding={"code": "1"})}, 1, "mild"),
        ({"extension": graded(valueString="5")}, 5, "life-threatening"),
        ({"extension": graded(valueBoolean=True)}, None, ""),
        ({"extension": [{"url": "urn:x:upgraded-by", "valueInteger": 3}]}, None, ""),
        ({"severity": {"text": "Grade III"}}, 3, "severe"),
        ({"event": {"text": "CTCAE grade 2-3 rash"}}, 3, "severe"),
        ({"event": {"text": "Hepatotoxicity gr. ≥ 3"}}, 3, "severe"),
        ({"event": {"text": "Grade 12 rash"}}, None, ""),
        ({"event": {"text": "low-grade fever 38.3"}}, None, ""),
        ({"severity": {"text": "mild"}, "event": {"text": "grade 3 rash"}}, 3, "mild"),
    ],
)
def test_the_grade_is_the_one_written(
    elements: dict[str, Any], grade: int | None, severity: str
) -> None:
    harm = event(**elements)

    assert (harm.grade, harm.severity) == (grade, severity)


def test_grade_zero_says_that_nothing_happened() -> None:
    assert chart_of(adverse_event(extension=graded(valueInteger=0))).harms == ()


@pytest.mark.parametrize(
    ("elements", "severity"),
    [
        ({"severity": {"coding": [{"code": "moderate"}]}}, "moderate"),
        ({"severity": {"text": "Life threatening"}}, "life-threatening"),
        ({"seriousness": {"text": "Results in death"}}, "life-threatening"),
        ({"seriousness": {"text": "Serious"}}, ""),
        ({"event": {"text": "Anaphylactic reaction"}}, "severe"),
        ({"event": {"text": "Infusion reaction without anaphylaxis"}}, ""),
    ],
)
def test_the_severity_of_an_event(elements: dict[str, Any], severity: str) -> None:
    assert event(**elements).severity == severity


@pytest.mark.parametrize(
    ("elements", "ended"),
    [
        ({"outcome": {"coding": [{"code": "resolved"}]}}, True),
        ({"outcome": {"coding": [{"code": "resolvedWithSequelae"}]}}, True),
        ({"outcome": {"text": "Recovered"}}, True),
        ({"outcome": {"coding": [{"code": "recovering"}]}}, False),
        ({"outcome": {"coding": [{"code": "ongoing"}]}}, False),
        ({"extension": [{"url": "x/ae-resolvedDate", "valueDateTime": "2026-11-13"}]}, True),
    ],
)
def test_an_event_is_over_when_that_is_recorded(elements: dict[str, Any], ended: bool) -> None:
    assert event(**elements).ended is ended


def test_the_condition_an_event_led_to_says_what_it_was() -> None:
    harm = event(
        "Liver failure",
        condition("vod-sos", id="vod"),
        resultingCondition=[{"reference": "Condition/vod"}],
    )

    assert "vod-sos" in harm.concepts


def test_an_allergy_says_to_what_and_how_bad() -> None:
    harm = allergic(
        id="1", onsetDateTime="2026-05", reaction=[{"severity": "mild"}, {"severity": "severe"}]
    )

    assert (harm.kind, harm.substances, harm.severity) == ("allergy", INO_ONLY, "severe")
    assert (harm.active, harm.ended, str(harm.onset)) == (True, False, "2026-05")
    assert harm.source.reference == "AllergyIntolerance/1"


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_an_allergy_that_was_refuted_is_none(status: str) -> None:
    refuted = allergy(verificationStatus={"coding": [{"code": status}]})

    assert chart_of(refuted).harms == ()


@pytest.mark.parametrize(
    ("status", "active", "ended"), [("inactive", False, False), ("resolved", False, True)]
)
def test_an_allergy_may_be_over(status: str, active: bool, ended: bool) -> None:
    harm = allergic(status=status)

    assert (harm.active, harm.ended) == (active, ended)


@pytest.mark.parametrize(
    ("elements", "severity"),
    [
        ({"criticality": "high"}, "severe"),
        ({"criticality": "low"}, ""),
        ({"criticality": "high", "reaction": [{"severity": "mild"}]}, "mild"),
        ({"reaction": [{"manifestation": [{"text": "Anaphylaxis"}]}]}, "severe"),
    ],
)
def test_without_a_graded_reaction_criticality_tells(
    elements: dict[str, Any], severity: str
) -> None:
    assert allergic(**elements).severity == severity


def test_the_substance_of_a_reaction_counts() -> None:
    harm = allergic(code={"text": "antibody"}, reaction=[{"substance": concept(INO)}])

    assert harm.substances == INO_ONLY


def test_an_allergy_in_words_is_read() -> None:
    assert allergic(code={"text": "Besponsa"}).substances == INO_ONLY


def test_an_allergy_to_anything_else_is_left_unread() -> None:
    chart = chart_of(allergy(code={"text": "Peanut"}))

    assert (chart.harms, chart.set_aside) == ((), ())


def test_an_allergy_to_nobody_knows_what_is_said() -> None:
    chart = chart_of(allergy(code=None))

    assert [(each.need, each.reason) for each in chart.set_aside] == [
        ("allergyIntolerances", Reason.UNRESOLVED)
    ]


def test_a_broken_date_costs_only_itself_and_is_said() -> None:
    chart = chart_of(adverse_event(date="soon"))

    assert [str(harm.onset) for harm in chart.harms] == ["None"]
    assert [(each.need, each.concerns) for each in chart.set_aside] == [("adverseEvents", INO_ONLY)]


def test_another_patients_allergy_is_not_read() -> None:
    stranger = allergy(patient={"reference": "Patient/grace"})
    chart = chart_of(stranger)

    assert chart.harms == ()
    assert [each.reason for each in chart.set_aside] == [Reason.FOREIGN]


def test_a_search_that_failed_is_a_gap() -> None:
    chart = read(call(prefetch=prefetch(adverseEvents=outcome())))

    assert {key: gap.reason for key, gap in chart.gaps.items()} == {"adverseEvents": Reason.FAILED}
