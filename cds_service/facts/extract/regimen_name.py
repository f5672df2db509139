"""Which regimen, protocol or order set an order belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.facts.extract.material import Material
from cds_service.fhir.library import Found
from cds_service.fhir.peek import each, text_at, texts_of

_SETTINGS = frozenset({"inpatient", "outpatient", "community", "discharge"})
"""Categories that say where an order is carried out, not what it belongs to."""


def order_set_of(found: Found, material: Material) -> str:
    """The names an order gives its plan, group, protocol and category, each once."""
    return "; ".join(dict.fromkeys(_names(found, material)))


def _names(found: Found, material: Material) -> Iterator[str]:
    resource = found.resource
    for reference in each(resource, "basedOn"):
        plan = material.library.resolve(reference, found)
        if name := text_at(plan.resource, "title") if plan else text_at(reference, "display"):
            yield name
    if group := text_at(resource, "groupIdentifier", "value"):
        yield group
    for element in ("instantiatesCanonical", "instantiatesUri"):
        if links := resource.get(element):
            for link in links if isinstance(links, list) else [links]:
                if isinstance(link, str) and link.strip():
                    yield link.strip()
    for words in texts_of(resource.get("category")):
        if words.casefold() not in _SETTINGS:
            yield words
