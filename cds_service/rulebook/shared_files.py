"""The files all rules share: services, override reasons, resources of suggestions, evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_service.rulebook.complaints import Complaints
from cds_service.rulebook.model import Evidence, OverrideReason, Service
from cds_service.rulebook.reading import Fields, read, without_lines
from cds_service.rulebook.schema import (
    EvidenceFileForm,
    Form,
    OverridesForm,
    ServicesForm,
    SuggestionsForm,
    in_form,
)

SERVICES = "services.yaml"
OVERRIDES = "overrides.yaml"
SUGGESTIONS = "suggestions.yaml"
EVIDENCE = "evidence.yaml"
NAMES = (SERVICES, OVERRIDES, SUGGESTIONS, EVIDENCE)

_CREATABLE = ("ServiceRequest", "MedicationRequest")
_FILLED_IN = ("id", "subject", "encounter", "requester", "authoredOn")


@dataclass(frozen=True, slots=True)
class Shared:
    """What rules may refer to."""

    services: tuple[Service, ...]
    reasons: Mapping[str, OverrideReason]
    resources: Mapping[str, Mapping[str, object]]
    evidence: Mapping[str, Evidence]


def load_shared(folder: Path, complaints: Complaints) -> Shared:
    """Read these files of a rules folder; what is wrong with them is complained about."""
    services = _entries(folder, SERVICES, ServicesForm, "services", complaints)
    reasons = _entries(folder, OVERRIDES, OverridesForm, "override_reasons", complaints)
    resources = _entries(folder, SUGGESTIONS, SuggestionsForm, "resources", complaints)
    evidence = _entries(folder, EVIDENCE, EvidenceFileForm, "evidence", complaints)
    for name, resource in resources.items():
        _check_resource(name, resource, f"{folder.name}/{SUGGESTIONS}", complaints)
    return Shared(
        tuple(Service(id_, **form) for id_, form in services.items()),
        {id_: OverrideReason(id_, **form) for id_, form in reasons.items()},
        {name: without_lines(resource) for name, resource in resources.items()},
        {
            id_: Evidence(id_, **{**form, "grades": tuple(form["grades"])})
            for id_, form in evidence.items()
        },
    )


def _entries(
    folder: Path, name: str, form: type[Form], key: str, complaints: Complaints
) -> dict[str, Any]:
    mine = Complaints(f"{folder.name}/{name}")
    document = read(folder / name, mine)
    loaded = in_form(form, document, mine) if document is not None else None
    complaints.take(mine)
    return loaded[key] if loaded else {}


def _check_resource(name: str, resource: Fields, file: str, complaints: Complaints) -> None:
    """A resource we create is a draft order without what the card fills in."""
    mine = Complaints(file)
    if resource.get("resourceType") not in _CREATABLE:
        mine.at(resource.line, f"{name}.resourceType must be one of: {', '.join(_CREATABLE)}")
    for key, word in (("status", "draft"), ("intent", "order")):
        if resource.get(key) != word:
            mine.at(resource.lines.get(key, resource.line), f'{name}.{key} must be "{word}"')
    for key in _FILLED_IN:
        if key in resource:
            mine.at(resource.lines[key], f"{name}.{key} is filled in by the card; leave it out")
    complaints.take(mine)
