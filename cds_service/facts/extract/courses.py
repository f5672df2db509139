"""Plans that name a cycle: CarePlans and RequestGroups of a drug's protocol."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cds_service.facts.extract.material import Material, moment_at, source
from cds_service.facts.extract.order_text import stated_place
from cds_service.facts.model import CourseStatement, DrugUse
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, each, text_at

_OVER = frozenset({"revoked", "entered-in-error", "completed"})


def read_courses(material: Material, drugs: Iterable[DrugUse]) -> tuple[CourseStatement, ...]:
    """The cycles that plans state for a drug they name, or whose orders are based on them.

    A plan that names no drug and no order is not read: "Cycle 2" may be of any protocol.
    """
    orders = _orders_by_plan(material, drugs)
    return tuple(
        statement
        for found in material.own("CarePlan", "RequestGroup")
        for statement in _statements(found, orders.get(found.reference, frozenset()), material)
    )


def _orders_by_plan(material: Material, drugs: Iterable[DrugUse]) -> dict[str, frozenset[str]]:
    """The substances of the orders based on each plan, or named by it."""
    links = [(plan, order) for plan, order in _links(material) if plan and order]
    uses = {use.source.reference: use for use in drugs} if links else {}
    found: dict[str, frozenset[str]] = {}
    for plan, order in links:
        if use := uses.get(order.reference):
            found[plan.reference] = found.get(plan.reference, frozenset()) | use.substances
    return found


def _links(material: Material) -> Iterator[tuple[Found | None, Found | None]]:
    """Plans with their orders: the order refers to the plan, or the plan to the order."""
    resolve = material.library.resolve
    for order in material.own("MedicationRequest"):
        for reference in each(order.resource, "basedOn"):
            yield resolve(reference, order), order
    for plan in material.own("CarePlan"):
        for activity in each(plan.resource, "activity"):
            yield plan, resolve(activity.get("reference"), plan)
    for plan in material.own("RequestGroup"):
        for action in each(plan.resource, "action"):
            yield plan, resolve(action.get("resource"), plan)


def _statements(
    found: Found, ordered: frozenset[str], material: Material
) -> Iterator[CourseStatement]:
    texts = list(_texts(found.resource))
    place = stated_place(texts)
    if place.cycle is None or text_at(found.resource, "status") in _OVER:
        return
    named = frozenset[str]().union(
        *(material.terminology.resolve_drug((), text).substances for text in texts if text)
    )
    substances = named | ordered
    if not substances:
        return
    resource = found.resource
    if found.type == "CarePlan":
        readable = material.readable(found, substances)
        if readable is None:
            return
        resource = readable
    yield CourseStatement(
        cycle=place.cycle,
        source=source(found),
        label=next(text for text in texts if text),
        day=place.day,
        start=moment_at(resource, "period", "start"),
        substances=substances,
    )


def _texts(plan: Resource) -> Iterator[str]:
    for part in (plan, *each(plan, "action")):
        yield text_at(part, "title")
        yield text_at(part, "description")
    for activity in each(plan, "activity"):
        yield text_at(activity, "detail", "description")
    yield from (text_at(note, "text") for note in each(plan, "note"))
    yield text_at(plan, "groupIdentifier", "value")
    yield from (text_at(identifier, "value") for identifier in each(plan, "identifier"))
