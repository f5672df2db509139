"""Which drug, in which role, by which route, from when to when, how much, in which cycle."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from cds_service.facts.model import DrugUse
from cds_service.facts.unknown import Reason
from tests.fhir_builders import (
    INO,
    Resource,
    administration,
    bundle,
    care_plan,
    chart_of,
    concept,
    hook_call,
    medication_request,
    medication_statement,
    procedure,
    quantity,
    terminology,
)
from tests.test_extract_chart import read

HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
INO_ONLY = frozenset({INO})


def use_of(resource: Resource, *beside: Resource) -> DrugUse:
    """The one use of a drug in a chart with nothing else but what its references need."""
    call = hook_call(resource, drafts=list(beside))
    (use,) = read(call).drugs
    return use


def ordered(**elements: Any) -> DrugUse:
    return use_of(medication_request(**elements))


def dosed(*dosages: Resource, **elements: Any) -> DrugUse:
    return ordered(dosageInstruction=list(dosages), **elements)


def by_reference(medication: Resource, **elements: Any) -> DrugUse:
    reference = {"reference": f"Medication/{medication['id']}"}
    order = medication_request(
        medicationCodeableConcept=None, medicationReference=reference, **elements
    )
    return use_of(order, medication)


def medication(code: Resource | None = None, *ingredients: Resource) -> Resource:
    whole = {
        "resourceType": "Medication",
        "id": "bag",
        "code": code,
        "ingredient": [{"itemCodeableConcept": each} for each in ingredients] or None,
    }
    return {name: value for name, value in whole.items() if value is not None}


def test_an_order_says_what_it_is() -> None:
    use = ordered(id="1")

    assert (use.substances, use.kind, use.role) == (INO_ONLY, "order", "on-file")
    assert (use.status, use.intent, use.resolved_by) == ("active", "order", "code")
    assert use.source.reference == "MedicationRequest/1"
    assert str(use.authored) == "2026-11-19"


def test_a_draft_is_ordered_now() -> None:
    (use,) = chart_of(drafts=[medication_request(status="draft")]).drugs

    assert (use.role, use.status) == ("draft", "draft")


@pytest.mark.parametrize(
    "status", ["active", "on-hold", "cancelled", "stopped", "completed", "entered-in-error"]
)
def test_a_draft_keeps_whatever_status_it_has(status: str) -> None:
    (use,) = chart_of(drafts=[medication_request(status=status)]).drugs

    assert (use.role, use.status) == ("draft", status)


def test_a_draft_that_is_not_selected_is_background() -> None:
    drafts = [medication_request("ondansetron", id="1"), medication_request(id="2")]
    call = hook_call(drafts=drafts, hook="order-select", selections=("MedicationRequest/1",))

    assert {use.source.reference: use.role for use in read(call).drugs} == {
        "MedicationRequest/1": "draft",
        "MedicationRequest/2": "background",
    }


def test_an_order_not_to_give_a_drug_is_known_as_such() -> None:
    assert ordered(doNotPerform=True).do_not_perform


def test_a_draft_without_medication_and_intent_is_a_drug_nobody_knows() -> None:
    bare = {"resourceType": "MedicationRequest", "id": "1"}
    (use,) = chart_of(drafts=[bare]).drugs

    assert (use.substances, use.resolved_by) == (frozenset(), "nothing")
    assert (use.status, use.label) == ("draft", "")


def test_a_drug_named_in_words_is_found_by_text() -> None:
    use = ordered(medicationCodeableConcept={"text": "Besponsa 1 mg vial"})

    assert (use.substances, use.resolved_by) == (INO_ONLY, "text")
    assert use.label == "Besponsa 1 mg vial"


def test_a_drug_that_shares_the_suffix_is_another_drug() -> None:
    use = ordered(medicationCodeableConcept={"text": "gemtuzumab ozogamicin"})

    assert INO not in use.substances


@pytest.mark.parametrize("by", ["code", "ingredient"])
def test_a_medication_sent_beside_the_order_is_the_drug(by: str) -> None:
    sent = medication(concept(INO)) if by == "code" else medication(None, concept(INO))

    assert by_reference(sent).substances == INO_ONLY


def test_a_mixture_is_its_drugs_without_the_diluent() -> None:
    use = by_reference(medication(None, concept(INO), {"text": "sodium chloride 0.9 %"}))

    assert (use.substances, use.resolved_by) == (INO_ONLY, "code")


def test_a_mixture_with_an_ingredient_nobody_knows_says_so() -> None:
    use = by_reference(medication(None, concept(INO), {"text": "compound X-17"}))

    assert (use.substances, use.resolved_by) == (INO_ONLY, "nothing")


def test_an_ingredient_by_reference_is_found() -> None:
    order = medication_request(
        medicationCodeableConcept=None,
        medicationReference={"reference": "#mix"},
        contained=[
            {
                "resourceType": "Medication",
                "id": "mix",
                "ingredient": [{"itemReference": {"reference": "Medication/ino"}}],
            }
        ],
    )
    part = {"resourceType": "Medication", "id": "ino", "code": concept(INO)}

    assert use_of(order, part).substances == INO_ONLY


def test_a_reference_that_leads_nowhere_is_a_drug_nobody_knows() -> None:
    use = ordered(
        medicationCodeableConcept=None, medicationReference={"reference": "Medication/gone"}
    )

    assert (use.substances, use.resolved_by) == (frozenset(), "nothing")


def test_the_display_of_a_reference_helps_when_it_leads_nowhere() -> None:
    reference = {"reference": "Medication/gone", "display": "inotuzumab ozogamicin 0.9 mg"}
    use = ordered(medicationCodeableConcept=None, medicationReference=reference)

    assert (use.substances, use.resolved_by) == (INO_ONLY, "text")


@pytest.mark.parametrize(
    ("route", "local"),
    [
        ({"coding": [{"system": "http://snomed.info/sct", "code": "54485002"}]}, True),
        ({"coding": [{"code": "47625008", "display": "Intravenous route"}]}, False),
        ({"text": "Left eye"}, True),
        ({"text": "topical"}, True),
        ({"text": "by mouth"}, False),
        ({"text": "vaginal"}, True),
        (None, False),
    ],
)
def test_a_route_says_whether_use_is_local(route: Resource | None, local: bool) -> None:
    assert dosed({"route": route} if route else {}).local_use is local


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("dexamethasone 0.1 % eye drops", True),
        ("ciprofloxacin ophthalmic solution", True),
        ("hydrocortisone 1 % cream", True),
        ("dexamethasone 4 mg tablet", False),
        ("ondansetron after eye surgery", False),
    ],
)
def test_where_no_route_is_named_the_name_of_the_product_tells(name: str, local: bool) -> None:
    assert ordered(medicationCodeableConcept={"text": name}).local_use is local


def test_a_route_weighs_more_than_the_name_of_the_product() -> None:
    by_mouth = {"route": {"text": "oral"}}
    use = ordered(
        medicationCodeableConcept={"text": "prednisone (not the cream)"},
        dosageInstruction=[by_mouth],
    )

    assert not use.local_use


def test_a_drug_is_used_locally_only_when_every_route_is_local() -> None:
    use = dosed({"route": {"text": "ophthalmic"}}, {"route": {"text": "oral"}})

    assert not use.local_use


@pytest.mark.parametrize(
    ("dosage", "once"),
    [
        ({"timing": {"event": ["2026-11-20"]}}, True),
        ({"timing": {"repeat": {"count": 1}}}, True),
        ({"timing": {"code": {"text": "Once"}}}, True),
        ({"text": "25 mg IV once before inotuzumab"}, True),
        ({"text": "50 mg single dose"}, True),
        ({"text": "25 mg once daily"}, False),
        ({"text": "25 mg every 6 hours"}, False),
        ({"timing": {"event": ["2026-11-20", "2026-11-27"]}}, False),
        ({"text": "once", "timing": {"repeat": {"frequency": 4}}}, False),
        ({}, False),
    ],
)
def test_a_single_dose_is_told_from_a_course(dosage: Resource, once: bool) -> None:
    assert dosed(dosage).one_off is once


def bounds(**period: str) -> Resource:
    return {"timing": {"repeat": {"boundsPeriod": period}}}


@pytest.mark.parametrize(
    ("elements", "end"),
    [
        ({"dosageInstruction": [bounds(end="2026-10-01")]}, "2026-10-01"),
        ({"dosageInstruction": [bounds(end="2026-10-01"), bounds(end="2026-10-09")]}, "2026-10-09"),
        ({"dispenseRequest": {"validityPeriod": {"end": "2026-10-05"}}}, "2026-10-05"),
        (
            {
                "dosageInstruction": [bounds(end="2026-10-01")],
                "dispenseRequest": {"validityPeriod": {"end": "2026-10-05"}},
            },
            "2026-10-05",
        ),
        ({"dosageInstruction": [{"timing": {"event": ["2026-11-20"]}}]}, "2026-11-20"),
        ({}, "None"),
    ],
)
def test_the_end_of_an_order_is_the_latest_the_chart_states(
    elements: dict[str, Any], end: str
) -> None:
    assert str(ordered(**elements).end) == end


def test_a_statement_ends_with_its_period() -> None:
    period = {"start": "2026-01-01", "end": "2026-10-20"}
    use = use_of(medication_statement("amiodarone", "stopped", effectivePeriod=period))

    assert (use.kind, use.status, str(use.end)) == ("statement", "stopped", "2026-10-20")


@pytest.mark.parametrize(
    ("elements", "days"),
    [
        (
            {"dosageInstruction": [{"timing": {"event": ["2026-11-27", "2026-11-20T09:00:00Z"]}}]},
            (date(2026, 11, 20), date(2026, 11, 27)),
        ),
        ({"dosageInstruction": [bounds(start="2026-11-21")]}, (date(2026, 11, 21),)),
        ({}, (date(2026, 11, 19),)),
        ({"authoredOn": None}, ()),
    ],
)
def test_the_planned_days_of_an_order(elements: dict[str, Any], days: tuple[date, ...]) -> None:
    assert ordered(**elements).days == days


@pytest.mark.parametrize(
    ("elements", "place"),
    [
        ({"dosageInstruction": [{"text": "C2D8: 1.0 mg IV over 1 hour"}]}, (2, 8)),
        ({"note": [{"text": "Cycle 3, day 1"}]}, (3, 1)),
        ({"dosageInstruction": [{"patientInstruction": "cycle 1 day 15"}]}, (1, 15)),
        ({"dosageInstruction": [{"text": "Cycle 2, days 1, 8 and 15"}]}, (2, None)),
        ({"note": [{"text": "C2D1; next C3D1"}]}, (None, None)),
        ({"note": [{"text": "CD22 positive, 2 cycles planned"}]}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_the_cycle_and_day_an_order_states(
    elements: dict[str, Any], place: tuple[int | None, int | None]
) -> None:
    use = ordered(**elements)

    assert (use.cycle, use.day) == place
    assert use.cycle_source == ("order text" if use.cycle else "")


def dose(value: str, unit: str, kind: str | None = None) -> Resource:
    amount = {"doseQuantity": quantity(value, unit)}
    return {**amount, "type": {"coding": [{"code": kind}]}} if kind else amount


def test_the_ordered_dose_comes_before_the_calculated() -> None:
    doses = [dose("3.6", "mL", "admin-amount"), dose("0.9", "mg", "calculated")]
    use = dosed({"doseAndRate": [*doses, dose("0.88", "mg", "ordered")]})

    assert use.dose is not None
    assert use.dose.printed == "0.88 mg"


def test_a_dose_per_surface_stands_beside_the_dose() -> None:
    use = dosed({"doseAndRate": [dose("0.5", "mg/m²", "ordered"), dose("900", "ug", "calculated")]})

    assert use.dose is not None
    assert use.dose_per_m2 is not None
    assert (use.dose.unit, use.dose.value.number) == ("mg", Fraction(9, 10))
    assert use.dose_per_m2.printed == "0.5 mg/m²"


def test_a_volume_is_no_dose() -> None:
    assert dosed({"doseAndRate": [dose("50", "mL")]}).dose is None


def test_an_order_names_its_plan_group_protocol_and_category() -> None:
    plan = care_plan("Bu/TT conditioning", id="plan")
    order = medication_request(
        "busulfan",
        basedOn=[{"reference": "CarePlan/plan"}],
        groupIdentifier={"value": "HSCT-7"},
        instantiatesCanonical=["http://example.org/protocol"],
        category={"text": "Outpatient"},
    )

    assert use_of(order, plan).order_set == (
        "Bu/TT conditioning; HSCT-7; http://example.org/protocol"
    )


@pytest.mark.parametrize("category", [{"text": "conditioning"}, [{"text": "conditioning"}]])
def test_a_category_may_be_an_object(category: Any) -> None:
    assert ordered(category=category).order_set == "conditioning"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ({"text": "hepatotoxicity"}, "hepatotoxicity"),
        ({"coding": [{"code": "TOX"}]}, "TOX"),
        (None, ""),
    ],
)
def test_a_reason_for_a_status_is_kept(reason: Resource | None, words: str) -> None:
    assert ordered(status="on-hold", statusReason=reason).status_reason == words


def test_a_dose_given_has_its_day_and_amount() -> None:
    use = use_of(administration(dosage={"dose": quantity("0.9", "mg"), "text": "C1D8"}))

    assert (use.kind, use.status, use.days) == (
        "administration",
        "completed",
        (date(2026, 11, 12),),
    )
    assert use.dose is not None
    assert (use.cycle, use.day) == (1, 8)


def test_a_dose_given_over_a_period_is_of_its_first_day() -> None:
    period = {"start": "2026-11-12T23:30:00+01:00", "end": "2026-11-13T00:30:00+01:00"}
    dose_given = administration(effectivePeriod=period, effectiveDateTime=None)
    use = use_of(dose_given)

    assert use.days == (date(2026, 11, 12),)
    assert str(use.end) == "2026-11-13"


@pytest.mark.parametrize("code", ["J9229", "j9229"])
def test_a_procedure_coded_as_the_drug_is_a_dose(code: str) -> None:
    billed = procedure(code={"coding": [{"system": HCPCS, "code": code}]})
    use = use_of(billed)

    assert (use.kind, use.substances, use.days) == ("administration", INO_ONLY, (date(2026, 5, 1),))


def test_a_procedure_that_only_mentions_the_drug_is_no_dose() -> None:
    talk = procedure(code={"text": "Education about inotuzumab"})

    assert chart_of(talk, drafts=[]).drugs == ()


@pytest.mark.parametrize("ndc", ["0008-0100-01", "00008-0100-01", "00008010001"])
def test_a_national_drug_code_is_known_in_any_hyphenation(ndc: str) -> None:
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": ndc}]}

    assert use_of(administration(medicationCodeableConcept=code)).substances == INO_ONLY


def test_a_broken_dosage_leaves_the_order_and_is_said() -> None:
    order = medication_request(dosageInstruction={"timing": 7})
    chart = chart_of(order, drafts=[])

    assert len(chart.drugs) == 1
    (aside,) = chart.set_aside
    assert (aside.reason, aside.concerns) == (Reason.UNREADABLE, INO_ONLY)


def test_an_epic_order_is_read_whole() -> None:
    """
    References are absolute, the Medication is a further entry, category is an object.
    """
    server = "https://ehr.example.org/fhir"
    order = medication_request(
        status="draft",
        subject={"reference": f"{server}/Patient/ada"},
        medicationCodeableConcept=None,
        medicationReference={"reference": f"{server}/Medication/bag", "display": "INOTUZUMAB"},
        category={"coding": [{"code": "inpatient"}], "text": "Inpatient"},
    )
    codes = [
        {"system": "urn:oid:2.16.840.1.113883.6.253", "code": "99"},
        {"system": "urn:oid:2.16.840.1.113883.6.88", "code": "1942950"},
    ]
    bag = medication({"coding": codes})
    (use,) = read(hook_call(draft_orders=bundle(order, bag, type=None, total=None))).drugs

    assert (use.substances, use.resolved_by, use.order_set) == (INO_ONLY, "code", "")


@pytest.mark.parametrize("status", ["not-done", "stopped", "on-hold"])
def test_a_dose_that_was_not_given_keeps_its_day_and_reason(status: str) -> None:
    use = use_of(administration(status=status, statusReason=[{"text": "neutropenia"}]))

    assert (use.status, use.status_reason) == (status, "neutropenia")
    assert use.days == (date(2026, 11, 12),)


def test_an_order_for_a_live_vaccine_is_known_as_one() -> None:
    use = ordered(
        medicationCodeableConcept={
            "coding": [{"system": "http://www.whocc.no/atc", "code": "J07BD52"}]
        }
    )
    classes = [terminology().classes_of(substance) for substance in use.substances]

    assert use.substances == {"measles-vaccine-live", "mumps-vaccine-live", "rubella-vaccine-live"}
    assert all("live-vaccine-candidate" in found for found in classes)


def test_a_recombinant_vaccine_is_no_live_one() -> None:
    use = ordered(medicationCodeableConcept={"text": "recombinant zoster vaccine"})

    assert not any(
        "live-vaccine-candidate" in terminology().classes_of(substance)
        for substance in use.substances
    )
