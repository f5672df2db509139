"""Signs that a transplant is intended, or that somebody decided against it.

From service requests, plans and goals. Conditioning orders, procedures in preparation and finished
ones are read elsewhere; what they mean together is for ``derive`` to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cds_service.facts.extract.material import Material, moment_at, source
from cds_service.facts.extract.words import Stance, transplant_stance
from cds_service.facts.model import Moment, TransplantStatement
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, at, each, text_at, texts_of

HSCT, AUTOLOGOUS, NOT_HSCT = "hsct", "hsct-autologous", "not-hsct"

_LIVE_REQUEST = frozenset({"draft", "active", "on-hold"})
_LIVE_ACTIVITY = frozenset({"not-started", "scheduled", "in-progress", "on-hold"})
_LIVE_GOAL = frozenset({"proposed", "planned", "accepted", "active", "on-hold"})
_OFF = frozenset({"revoked", "cancelled", "rejected", "stopped"})
_NO_INTENT = frozenset({"option"})
"""An option of a request group that may not be taken."""


def read_transplant(material: Material) -> tuple[TransplantStatement, ...]:
    """Every statement for or against a transplant, each with its source."""
    return tuple(
        statement
        for statements in (_requests, _plans, _goals)
        for statement in statements(material)
    )


def _requests(material: Material) -> Iterator[TransplantStatement]:
    for found in (*material.own("ServiceRequest"), *_contained_requests(material)):
        code = found.resource.get("code")
        about = _about(code, material)
        if about is None:
            continue
        resource = material.readable(found, {HSCT})
        if resource is None or text_at(resource, "intent") in _NO_INTENT:
            continue
        stance = _by_status(
            about, text_at(resource, "status") or "draft", _LIVE_REQUEST, _is_refusal(resource)
        )
        if stance:
            yield _statement(stance, found, code, _occurrence(resource), material)


def _contained_requests(material: Material) -> Iterator[Found]:
    """The requests that plans contain and refer to; all others come on their own."""
    for plan in material.own("CarePlan"):
        for activity in each(plan.resource, "activity"):
            if text_at(activity, "reference", "reference").startswith("#"):
                request = material.library.resolve(at(activity, "reference"), plan)
                if request is not None and request.type == "ServiceRequest":
                    yield request


def _plans(material: Material) -> Iterator[TransplantStatement]:
    for found in material.own("CarePlan"):
        if not _mentions(found, material):
            continue
        resource = material.readable(found, {HSCT})
        status = text_at(resource, "status")
        if resource is None or status in ("entered-in-error", "completed"):
            continue
        texts = [text_at(resource, "title"), text_at(resource, "description")]
        texts += [text_at(note, "text") for note in each(resource, "note")]
        said = transplant_stance(texts)
        if said and (stance := _by_status(said, status, _LIVE_REQUEST, False)):
            label = next(text for text in texts if transplant_stance([text]) == said)
            yield TransplantStatement(stance, source(found, "title"), label)
        for number, activity in enumerate(each(resource, "activity")):
            yield from _activity(activity, number, status, found, material)


def _activity(
    activity: Resource, number: int, plan_status: str, found: Found, material: Material
) -> Iterator[TransplantStatement]:
    """An activity described in place; one by reference counts as the request it points to."""
    detail = at(activity, "detail")
    if not isinstance(detail, dict):
        return
    code = detail.get("code")
    about = _about(code, material) or transplant_stance([text_at(detail, "description")])
    if about is None:
        return
    status = plan_status if plan_status in _OFF else text_at(detail, "status")
    stance = _by_status(about, status, _LIVE_ACTIVITY, _is_refusal(detail))
    if stance:
        day0 = moment_at(detail, "scheduledPeriod", "start") or _first_event(
            at(detail, "scheduledTiming", "event")
        )
        label = next(texts_of(code), text_at(detail, "description"))
        element = f"activity[{number}]"
        autologous = AUTOLOGOUS in material.concepts(code)
        yield TransplantStatement(stance, source(found, element), label, day0, autologous)


def _goals(material: Material) -> Iterator[TransplantStatement]:
    for found in material.own("Goal"):
        about = _about(found.resource.get("description"), material)
        if about is None:
            continue
        resource = material.readable(found, {HSCT})
        if resource is None:
            continue
        status = text_at(resource, "lifecycleStatus")
        stance = _by_status(about, status, _LIVE_GOAL, refused=False)
        if stance:
            yield _statement(stance, found, resource.get("description"), None, material)


def _about(concept: object, material: Material) -> Stance | None:
    """What a code (or, where no code is known, its words) says of a transplant."""
    concepts = material.concepts(concept)
    if NOT_HSCT in concepts:
        return None
    return "yes" if HSCT in concepts else transplant_stance(texts_of(concept))


def _mentions(found: Found, material: Material) -> bool:
    """Whether a plan is worth reading: it has a text or an activity about a transplant."""
    resource = found.resource
    texts = [text_at(resource, "title"), text_at(resource, "description")]
    texts += [text_at(note, "text") for note in each(resource, "note")]
    details = [at(activity, "detail") for activity in each(resource, "activity")]
    texts += [text_at(detail, "description") for detail in details]
    if any(transplant_stance([text]) for text in texts):
        return True
    return any(_about(at(detail, "code"), material) for detail in details)


def _by_status(said: Stance, status: str, live: Iterable[str], refused: bool) -> Stance | None:
    """What a request means given its status: a live refusal and a withdrawn request mean no."""
    if status in live:
        return "no" if refused else said
    return "no" if status in _OFF and said == "yes" and not refused else None


def _is_refusal(resource: Resource) -> bool:
    return resource.get("doNotPerform") is True


def _occurrence(request: Resource) -> Moment | None:
    """The planned day of the graft; a date alone is day 0."""
    return (
        moment_at(request, "occurrenceDateTime")
        or moment_at(request, "occurrencePeriod", "start")
        or _first_event(at(request, "occurrenceTiming", "event"))
    )


def _first_event(events: object) -> Moment | None:
    days = [
        day
        for event in (events if isinstance(events, list) else ())
        if (day := moment_at({"event": event}, "event"))
    ]
    return min(days, key=lambda day: day.first, default=None)


def _statement(
    stance: Stance, found: Found, code: object, day0: Moment | None, material: Material
) -> TransplantStatement:
    return TransplantStatement(
        stance=stance,
        source=source(found),
        label=next(texts_of(code), "stem cell transplant"),
        day0=day0,
        autologous=AUTOLOGOUS in material.concepts(code),
        role=found.role,
    )
