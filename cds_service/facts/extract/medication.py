"""Which drug a request, statement or administration is about."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.facts.extract.material import Material, codings
from cds_service.facts.extract.regimen_name import order_set_of
from cds_service.facts.order_sets import is_conditioning
from cds_service.fhir.library import Found
from cds_service.fhir.peek import each, text_at, text_in
from cds_service.terminology import Resolution
from cds_service.terminology.systems import ATC, HCPCS, NDC, RXNORM, SNOMED, canonical_system

DILUENTS = "diluent"
_DRUG_SYSTEMS = frozenset({RXNORM, ATC, NDC, SNOMED, HCPCS})
MEDICATION_USES = frozenset(
    {"MedicationRequest", "MedicationStatement", "MedicationAdministration"}
)
"""Resource types about the use of a medication."""

_STRENGTH = {"code": 2, "text": 1, "nothing": 0}


def drug_of(found: Found, material: Material) -> Resolution:
    """The substances of a medication in any form: concept, reference, mixture.

    Diluents are left out. A mixture is as well identified as its worst known ingredient, because
    an ingredient we do not know must be said. A medication with a code of a drug vocabulary and
    a name that holds none of our drugs is identified as another drug, one no rule is about; but
    not in a conditioning order set, where it may be an alkylator under a name we do not know.
    """
    drug = _drug_of(found, material)
    if drug.by != "nothing" or not drug.label or not _is_coded(found, material):
        return drug
    return drug if is_conditioning(order_set_of(found, material)) else drug._replace(by="code")


def _is_coded(found: Found, material: Material) -> bool:
    """Whether a vocabulary of drugs says what it is; a local code alone tells us nothing."""
    target = material.library.resolve(found.resource.get("medicationReference"), found)
    concepts = (
        found.resource.get("medicationCodeableConcept"),
        target.resource.get("code") if target else None,
    )
    return any(
        coding.code and coding.system and canonical_system(coding.system) in _DRUG_SYSTEMS
        for concept in concepts
        for coding in codings(concept)
    )


def _drug_of(found: Found, material: Material) -> Resolution:
    resource = found.resource
    concept = resource.get("medicationCodeableConcept")
    plain = _plainly_coded(concept, material)
    if plain is not None:
        return plain
    reference = resource.get("medicationReference")
    main = _resolve(concept, "", material)
    if main.by != "nothing":
        return _without_diluents([main], main.label, material)
    target = material.library.resolve(reference, found)
    if target is None:
        named = _resolve(None, text_at(reference, "display"), material)
        return named if named.label else main
    return _medication(target, text_at(reference, "display"), material)


def _plainly_coded(concept: object, material: Material) -> Resolution | None:
    """A drug with one code, of ours and in its usual spelling; None for any other concept."""
    codings = concept.get("coding") if type(concept) is dict else None
    if type(codings) is not list or len(codings) != 1 or type(codings[0]) is not dict:
        return None
    system, code = codings[0].get("system"), codings[0].get("code")
    if type(system) is not str or type(code) is not str:
        return None
    said = material.terminology.drug_of_code(system, code)
    if said is None:
        return None
    label = text_at(concept, "text") or text_in(codings[0], "display")
    return Resolution(said[0], "code", said[1], label)


def referred_drug(reference: object, base: Found, material: Material) -> Resolution:
    """The substances a reference names: a Medication, a Substance, an order or a dose of one."""
    target = material.library.resolve(reference, base)
    if target is None:
        return _resolve(None, text_at(reference, "display"), material)
    if target.type in MEDICATION_USES:
        return drug_of(target, material)
    return _medication(target, text_at(reference, "display"), material)


def _medication(target: Found, display: str, material: Material) -> Resolution:
    code = _resolve(target.resource.get("code"), display, material)
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


def parts_of(found: Found, material: Material) -> tuple[Resolution, ...]:
    """Each ingredient of the mixture a request refers to, diluents among them."""
    target = material.library.resolve(found.resource.get("medicationReference"), found)
    return tuple(_ingredients(target, material)) if target else ()


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
    if len(parts) == 1 and parts[0].substances and parts[0].substances.isdisjoint(diluents):
        return Resolution(parts[0].substances, parts[0].by, parts[0].local_use, label)
    drugs = [part for part in parts if not part.substances or part.substances - diluents]
    if not drugs:
        return Resolution(frozenset(), "code", False, label)
    substances = frozenset().union(*(part.substances for part in drugs)) - diluents
    weakest = min((part.by for part in drugs), key=_STRENGTH.__getitem__)
    return Resolution(substances, weakest, all(part.local_use for part in drugs), label)
