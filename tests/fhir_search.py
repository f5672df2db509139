"""A small FHIR search over a list of resources: what an EHR does to satisfy a prefetch template."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

Resource = dict[str, Any]

DATES = {
    "Observation": ("effectiveDateTime", "effectivePeriod"),
    "MedicationRequest": ("authoredOn",),
    "MedicationStatement": ("effectiveDateTime", "effectivePeriod"),
    "MedicationAdministration": ("effectiveDateTime", "effectivePeriod"),
    "Procedure": ("performedDateTime", "performedPeriod"),
    "ServiceRequest": ("authoredOn",),
    "Condition": ("recordedDate",),
}


def prefetched(templates: dict[str, str], patient_id: str, chart: list[Resource]) -> dict[str, Any]:
    """Answer every template of a service from a chart."""
    return {
        key: answer(template.replace("{{context.patientId}}", patient_id), chart)
        for key, template in templates.items()
    }


def answer(query: str, chart: list[Resource]) -> Any:
    """A read gives the resource or None; a search gives a searchset Bundle, newest first."""
    if "?" not in query:
        kind, wanted = query.split("/")
        found = [r for r in chart if r["resourceType"] == kind and r.get("id") == wanted]
        return found[0] if found else None
    kind, _, rest = query.partition("?")
    found = [r for r in chart if r["resourceType"] == kind]
    for name, value in parse_qsl(rest):
        if name in ("_sort", "_count"):
            continue
        found = [r for r in found if _matches(r, name, value)]
    found.sort(key=_date, reverse=True)
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "entry": [
            {"fullUrl": f"http://ehr.invalid/fhir/{kind}/{r.get('id')}", "resource": r}
            for r in found
        ],
    }


def _matches(resource: Resource, name: str, value: str) -> bool:
    if name in ("patient", "subject"):
        reference = (resource.get("subject") or resource.get("patient") or {}).get("reference", "")
        return bool(reference.split("/")[-1] == value.split("/")[-1])
    if name == "code":
        wanted = {tuple(token.split("|")) for token in value.split(",")}
        codings = resource.get("code", {}).get("coding", [])
        for component in resource.get("component", []):
            codings = codings + component.get("code", {}).get("coding", [])
        return any((c.get("system"), c.get("code")) in wanted for c in codings)
    raise AssertionError(f"the little search does not know the parameter {name!r}")


def _date(resource: Resource) -> str:
    for element in DATES.get(resource["resourceType"], ()):
        value = resource.get(element)
        if isinstance(value, dict):
            value = value.get("start")
        if value:
            return str(value)
    return ""
