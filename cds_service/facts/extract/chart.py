"""From a hook call to the chart: what is stated, what is missing, what had to be set aside."""

from __future__ import annotations

from datetime import datetime

from cds_service.errors import DataUnavailable
from cds_service.facts.extract.conditions import read_conditions
from cds_service.facts.extract.courses import read_courses
from cds_service.facts.extract.drugs import read_drugs
from cds_service.facts.extract.findings import read_findings
from cds_service.facts.extract.gaps import gaps_in
from cds_service.facts.extract.harms import read_harms
from cds_service.facts.extract.labs import read_labs
from cds_service.facts.extract.lines import read_lines
from cds_service.facts.extract.material import Material
from cds_service.facts.extract.patient import read_patient
from cds_service.facts.extract.procedures import read_procedures
from cds_service.facts.extract.responses import read_responses
from cds_service.facts.extract.strangers import set_strangers_aside
from cds_service.facts.extract.transplant import read_transplant
from cds_service.facts.model import Chart
from cds_service.facts.unknown import Reason
from cds_service.facts.vocabulary import PATIENT
from cds_service.fhir.hook_call import HookCall
from cds_service.fhir.library import DRAFT_ORDERS, Library
from cds_service.fhir.peek import at
from cds_service.terminology import Terminology

ORDER_HOOKS = frozenset({"order-sign", "order-select"})
NOT_ORDERS = frozenset(
    {"Medication", "Substance", "Patient", "Practitioner", "PractitionerRole", "Organization"}
    | {"Encounter", "Location", "Provenance", "Coverage"}
)
"""What a draft Bundle may carry beside orders."""


def read_chart(
    call: HookCall,
    keys: frozenset[str],
    terminology: Terminology,
    now: datetime,
    analytes: frozenset[str] | None = None,
) -> Chart:
    """Read everything a hook call brings about its patient.

    ``keys`` are the prefetch keys the service asks for: only they can be missing. Resources under
    other keys count as evidence all the same. ``analytes`` are those whose results are wanted
    (see ``asked_analytes``); None wants all, and takes longer.

    Raises:
        DataUnavailable: when there is no Patient, or when drafts were sent and none can be read.
    """
    material = Material(Library(call), terminology, now, analytes)
    set_strangers_aside(call, material)
    gaps = gaps_in(call, keys, material.library)
    if PATIENT in keys:
        material.patient, why = read_patient(call, material)
        gaps = {key: gap for key, gap in gaps.items() if key != PATIENT}
        if why is not None:
            gaps[PATIENT] = why
    drugs = read_drugs(material)
    chart = Chart(
        now=now,
        hook=call.hook,
        profile=call.profile,
        patient=material.patient,
        labs=read_labs(material),
        drugs=drugs,
        conditions=read_conditions(material),
        procedures=read_procedures(material),
        transplant=read_transplant(material),
        responses=read_responses(material),
        courses=read_courses(material, drugs),
        findings=read_findings(material),
        harms=read_harms(material),
        lines=read_lines(material),
        gaps=gaps,
        # Last, when everything has been read.
        set_aside=tuple(dict.fromkeys(material.aside)),
    )
    _refuse_without_any_draft(call, material, chart)
    return chart


def _refuse_without_any_draft(call: HookCall, material: Material, chart: Chart) -> None:
    """Raise when orders were sent and every one of them had to be set aside."""
    aside = [each for each in chart.set_aside if each.need == DRAFT_ORDERS]
    is_bundle = at(call.draft_orders, "resourceType") == "Bundle"
    if call.hook not in ORDER_HOOKS or (is_bundle and not aside):
        return
    drafts = [found for found in material.library.drafts() if found.type not in NOT_ORDERS]
    used = {use.source.reference for use in chart.drugs}
    used |= {statement.source.reference for statement in chart.transplant}
    lost = {each.reference for each in aside} - used
    if aside and all(found.reference in lost for found in drafts):
        raise DataUnavailable(DRAFT_ORDERS, f"no draft order can be read ({aside[0].reason})")
    if not drafts and not is_bundle:
        raise DataUnavailable(DRAFT_ORDERS, Reason.UNREADABLE)
