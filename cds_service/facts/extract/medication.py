"""Which drug a request, statement or administration is about."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.facts.extract.material import Material, codings
from cds_service.fhir.library import Found
from cds_service.fhir.peek import each, text_at
from cds_service.terminology import Resolution

DILUENTS = "diluent"
_STRENGTH = {"code": 2, "text": 1, "nothing": 0}


def drug_of(found: Found, material: Material) -> Resolution:
    """The substances of a medication in any form: concept, reference, mixture.

    Diluents are left out. A mixture is as well identified as its worst known ingredient, because
    an ingredient we do not know must be said.
    """
    resource = found.resource
    concept = resource.get("medicationCodeableConcept")
    reference = resource.get("medicationReference")
    main = _resolve(concept, "", material)
    if main.by != "nothing":
        return _without_diluents([main], main.label, material)
    target = material.library.resolve(reference, found)
    if target is None:
        named = _resolve(None, text_at(reference, "display"), material)
        return named if named.label else main
    code = _resolve(target.resource.get("code"), text_at(reference, "display"), material)
    parts = list(_ingredients(target, material))
    if code.by == "code":
        parts = [part for part in parts if part.by == "code"]
    elif not parts:
        return _without_diluents([code], code.label, material)
    else:
        parts = [*parts, *([code] if code.by == "text" else [])]
    label = code.label or ", ".join(part.label for part in parts if part.label)
    return _without_diluents([*parts, *([code] if code.by == "code" else [])], label, material)


def _resolve(concept: object, text: str, material: Material) -> Resolution:
    return material.terminology.resolve_drug(
        codings(concept), text_at(concept, "text") or text or None
    )


def _ingredients(medication: Found, material: Material) -> Iterator[Resolution]:
    for ingredient in each(medication.resource, "ingredient"):
        reference = ingredient.get("itemReference")
        target = material.library.resolve(reference, medication)
        concept = ingredient.get("itemCodeableConcept")
        if concept is None and target is not None:
            concept = target.resource.get("code")
        yield _resolve(concept, text_at(reference, "display"), material)


def _without_diluents(parts: list[Resolution], label: str, material: Material) -> Resolution:
    diluents = material.terminology.substances_in(DILUENTS)
    drugs = [part for part in parts if not part.substances or part.substances - diluents]
    if not drugs:
        return Resolution(frozenset(), "code", False, label)
    substances = frozenset().union(*(part.substances for part in drugs)) - diluents
    weakest = min((part.by for part in drugs), key=_STRENGTH.__getitem__)
    return Resolution(substances, weakest, all(part.local_use for part in drugs), label)
