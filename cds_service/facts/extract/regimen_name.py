"""Which regimen, protocol or order set an order belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.facts.extract.material import Material
from cds_service.fhir.library import Found
from cds_service.fhir.peek import each, text_at, texts_of

_SETTINGS = frozenset({"inpatient", "outpatient", "community", "discharge"})
"""Categories that say where an order is carried out, not what it belongs to."""


_LINKS = frozenset({"basedOn", "groupIdentifier", "instantiatesCanonical", "instantiatesUri"})


def order_set_of(found: Found, material: Material) -> str:
    """The names an order gives its plan, group, protocol and category, each once."""
    resource = found.resource
    names = {} if _LINKS.isdisjoint(resource) else dict.fromkeys(_linked(found, material))
    if "category" in resource:
        for words in texts_of(resource["category"]):
            if words.casefold() not in _SETTINGS:
                names[words] = None
    return "; ".join(names) if names else ""


def _linked(found: Found, material: Material) -> Iterator[str]:
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
