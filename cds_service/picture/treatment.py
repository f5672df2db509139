"""The treatment as rows: doses by cycle and day, transplant, conditioning, what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from cds_service.facts.course import GIVEN, Dose, cycles
from cds_service.facts.derive.order import planned_days, position
from cds_service.facts.derive.view import View, is_live_order
from cds_service.facts.derive.when import is_ahead
from cds_service.facts.model import DrugUse, Measured, Moment, ProcedureEntry, ResponseEntry
from cds_service.facts.regimen import Regimen
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import DOSES, TRANSPLANT
from cds_service.picture.model import Event, Row, State

_CONDITIONING = ("conditioning-alkylator", "conditioning-other")
_HSCT, _NOT_HSCT = "hsct", "not-hsct"
_TRANSFUSION, _VOD = "platelet-transfusion", "vod-sos"
_PROCEDURE_STATES: Mapping[str, State] = {
    "completed": "done",
    "in-progress": "done",
    "not-done": "not done",
}
_NOT_GIVEN = frozenset({"not-done", "stopped", "cancelled", "on-hold", "revoked"})


def rows_of(view: View, regimens: Iterable[str]) -> tuple[Row, ...]:
    """The rows of the treatment panel; those of drugs and events that are not there are left out.

    ``regimens`` are the substances whose doses make up cycles; their rows are always there.
    """
    substances = tuple(regimens)
    rows = [
        *(_doses(view, substance) for substance in substances),
        _transplant(view),
        *_conditioning(view, frozenset(substances)),
        _transfusions(view),
        _responses(view),
        _vod(view),
    ]
    kept = [row for row in rows if row.events or row.notes or row.has_places]
    return tuple(kept)


# ---------------------------------------------------------------- doses


def _doses(view: View, substance: str) -> Row:
    regimen = view.regimen(substance)
    given = tuple(_given(view, substance, regimen)) if regimen else ()
    ordered = tuple(_ordered(view, substance))
    not_given = tuple(_not_given(view, substance))
    undated = tuple(
        Event(view.name(substance), None, "done", source.reference)
        for source in view.doses(substance).undated
    )
    events = (*given, *undated, *ordered, *not_given)
    gaps = _gap_notes(view.gaps(DOSES, "doses", (substance,)))
    notes = gaps or (() if events else (str(Reason.NOT_FOUND),))
    return Row(view.name(substance), events, notes, has_places=True)


def _given(view: View, substance: str, regimen: Regimen) -> Iterator[Event]:
    uses = {use.source: use for use in view.chart.drugs}
    for cycle in cycles(view.doses(substance).doses, regimen):
        for dose in cycle.doses:
            use = uses.get(dose.source)
            day = (dose.day - cycle.day1).days + 1
            yield _dose_event(view.name(substance), dose, use, f"C{cycle.number}D{day}")


def _dose_event(what: str, dose: Dose, use: DrugUse | None, inferred: str) -> Event:
    stated = _stated(use)
    about = () if stated else ("cycle and day inferred",)
    when = Moment(dose.day, dose.day)
    amount = _amount(dose.per_m2, dose.amount)
    reference = dose.source.reference
    place = stated or inferred
    return Event(what, when, "done", reference, place=place, amount=amount, about=about)


def _stated(use: DrugUse | None) -> str:
    """Cycle and day as written with the order; empty unless both are."""
    if use is None or use.cycle is None or use.day is None:
        return ""
    return f"C{use.cycle}D{use.day}"


def _amount(per_m2: Measured | None, amount: Measured | None) -> str:
    """The dose per body surface where it is known, else as it was given."""
    known = per_m2 or amount
    return known.printed[:16] if known else ""


def _ordered(view: View, substance: str) -> Iterator[Event]:
    """Doses ordered now or on file for today or later."""
    now = [use for use in view.chart.drugs if substance in use.substances and is_live_order(use)]
    drafted = {day for use in now if use.role == "draft" for day in planned_days(view, use)}
    for use in now:
        if use.status == "on-hold":
            continue
        about = {"draft": "ordered now", "background": "draft, not selected"}.get(use.role, "")
        days = [day for day in planned_days(view, use) if use.role == "draft" or day not in drafted]
        if use.role == "on-file" and not _is_ahead(use, view.chart.today):
            continue
        for number, day in enumerate(days):
            place = _ordered_place(view, substance, use, (day - days[0]).days if number else 0)
            yield Event(
                view.name(substance),
                Moment(day, day),
                "planned",
                use.source.reference,
                place=place,
                amount=_amount(use.dose_per_m2, use.dose),
                about=(about or "ordered",),
            )


def _is_ahead(use: DrugUse, today: date) -> bool:
    named = use.days or ((use.start.first,) if use.start else ())
    return any(day >= today for day in named)


def _ordered_place(view: View, substance: str, use: DrugUse, later: int) -> str:
    """The cycle and day of a dose so many days after the first of its order."""
    found = position(view, substance, use)
    day = found.day or (found.inferred.day if found.inferred else None)
    regimen = view.regimen(substance)
    if found.cycle is None or day is None or regimen is None:
        return ""
    is_next_cycle = later and day + later > regimen.new_cycle_after
    return "" if is_next_cycle else f"C{found.cycle}D{day + later}"


def _not_given(view: View, substance: str) -> Iterator[Event]:
    """Doses withheld or stopped, and records of doses dated ahead of today."""
    for use in view.chart.drugs:
        if substance not in use.substances or use.kind == "statement":
            continue
        when = use.start or (Moment(use.days[0], use.days[0]) if use.days else use.authored)
        event = Event(
            view.name(substance),
            when,
            "not done",
            use.source.reference,
            place=_stated(use),
            amount=_amount(use.dose_per_m2, use.dose),
        )
        if use.status in _NOT_GIVEN or use.do_not_perform:
            yield replace(event, about=(use.status if use.status in _NOT_GIVEN else "not to give",))
        elif use.kind == "administration" and when and is_ahead(when, view.chart.now):
            yield replace(
                event, state="unclear", about=("recorded as given, dated ahead of today",)
            )
        elif use.kind == "administration" and use.status not in GIVEN:
            yield replace(event, state="unclear", about=(f"status {use.status}"[:40],))


# ---------------------------------------------------------------- transplant and conditioning


def _transplant(view: View) -> Row:
    done = [_performed(each) for each in view.chart.procedures if _is_graft(each)]
    wanted = [each for each in view.chart.transplant if each.stance == "yes"]
    planned = [
        Event(
            "transplant, day 0",
            each.day0,
            "planned",
            each.source.reference,
            place=f"planned for {each.day0}",
            about=("planned" if each.day0 else "planned, day not known",),
        )
        for each in wanted
    ]
    refused = [each for each in view.chart.transplant if each.stance == "no"]
    notes = [f"said not to be intended ({each.source.reference})" for each in refused]
    gaps = _gap_notes(view.gaps(TRANSPLANT, "transplant"))
    return Row("Transplant (HSCT)", (*done, *planned), (*notes, *gaps))


def _is_graft(procedure: ProcedureEntry) -> bool:
    return _HSCT in procedure.concepts and _NOT_HSCT not in procedure.concepts


def _performed(procedure: ProcedureEntry) -> Event:
    state = _PROCEDURE_STATES.get(procedure.status, "planned")
    about = (procedure.status[:24],)
    place = f"{state} {procedure.performed}"
    reference = procedure.source.reference
    return Event("transplant", procedure.performed, state, reference, place=place, about=about)


def _conditioning(view: View, besides: frozenset[str]) -> Iterator[Row]:
    """A row for each drug used in conditioning that is given or ordered, whatever it is for."""
    members = frozenset[str]().union(*map(view.terminology.substances_in, _CONDITIONING))
    found: dict[str, list[Event]] = {}
    for use in view.chart.drugs:
        if use.kind == "statement" or use.local_use:
            continue
        for substance in sorted((use.substances & members) - besides):
            found.setdefault(substance, []).extend(_drug_days(view, substance, use))
    for substance, events in found.items():
        yield Row(view.name(substance), tuple(events))


def _drug_days(view: View, substance: str, use: DrugUse) -> Iterator[Event]:
    known = use.days or tuple(each.first for each in (use.start, use.authored) if each)[:1]
    state = _state_of(use)
    for when in [Moment(day, day) for day in known] or (None,):
        yield Event(
            view.name(substance),
            when,
            state,
            use.source.reference,
            amount=_amount(use.dose_per_m2, use.dose),
            about=(use.status[:24],),
        )


def _state_of(use: DrugUse) -> State:
    if use.do_not_perform or use.status in _NOT_GIVEN:
        return "not done"
    if use.kind == "administration":
        return "done" if use.status in GIVEN else "unclear"
    return "done" if use.status == "completed" else "planned"


# ---------------------------------------------------------------- what else matters for both


def _transfusions(view: View) -> Row:
    events = tuple(
        Event("platelet transfusion", each.performed, "done", each.source.reference)
        for each in view.chart.procedures
        if _TRANSFUSION in each.concepts and each.status in GIVEN
    )
    return Row("Platelet transfusion", events)


def _responses(view: View) -> Row:
    return Row("Response", tuple(_response(each) for each in view.chart.responses))


def _response(entry: ResponseEntry) -> Event:
    words = {True: "remission", False: "no remission", None: ""}[entry.remission]
    residual = {True: "MRD negative", False: "MRD positive", None: ""}[entry.mrd_negative]
    said = ", ".join(filter(None, (words, residual))) or "response not understood"
    state: State = "done" if entry.status == "final" else "unclear"
    about = () if entry.status == "final" else (entry.status,)
    return Event(said, entry.when, state, entry.source.reference, place=said, about=about)


def _vod(view: View) -> Row:
    """Hepatic VOD/SOS on file, from its onset to its end or to today."""
    events = []
    for each in view.chart.conditions:
        if _VOD not in each.concepts or each.verification in ("refuted", "entered-in-error"):
            continue
        begun = each.onset or each.recorded
        today = Moment(view.chart.today, view.chart.today)
        is_open = each.clinical_status in ("active", "recurrence", "relapse")
        until = each.abatement or (today if is_open else None)
        events.append(
            Event(
                "hepatic VOD/SOS",
                begun,
                "done",
                each.source.reference,
                until=until if begun and until and begun.first <= until.first else None,
                about=tuple(filter(None, (each.clinical_status[:24], each.severity[:24]))),
            )
        )
    return Row("VOD/SOS", tuple(events))


def _gap_notes(gaps: Iterable[Unknown]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(gap) for gap in gaps))
