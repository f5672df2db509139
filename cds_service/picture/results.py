"""Results as panels: each on the value axis its limits are written for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from cds_service.facts.derive.lab import times_uln
from cds_service.facts.derive.numbers import plain, times_text
from cds_service.facts.derive.results import Usable
from cds_service.facts.derive.view import View
from cds_service.facts.derive.when import is_ahead
from cds_service.facts.interval import Interval
from cds_service.facts.model import LabResult
from cds_service.facts.quantity import canonical_unit, normal_unit
from cds_service.facts.unknown import Reason
from cds_service.facts.vocabulary import OBSERVATIONS
from cds_service.picture.limits import limits_of
from cds_service.picture.marks import Marks
from cds_service.picture.model import Limit, Panel, Result, Series
from cds_service.rulebook.model import Rulebook

TIMES_ULN = "× ULN"
MAX_PRINTED = 28
"""A value with its unit is no longer; what is, is cut."""


@dataclass(frozen=True, slots=True)
class _Plan:
    title: str
    analytes: tuple[str, ...]
    field: Literal["times_uln", "value"]
    from_zero: bool = True


_PLANS = (
    _Plan("Liver", ("total-bilirubin", "alt", "ast"), "times_uln"),
    _Plan("Neutrophils (ANC)", ("anc", "anc-segmented-only"), "value"),
    _Plan("Platelets", ("platelets",), "value"),
    _Plan("QTc", ("qtc-fridericia", "qtc", "qtc-bazett"), "value", from_zero=False),
)


def panels_of(
    view: View, rulebook: Rulebook, marks: Marks, asked: frozenset[str] | None
) -> tuple[Panel, ...]:
    """The panels of a chart; none for analytes that nobody ``asked`` the chart for.

    ``asked`` None: everything was asked for.
    """
    wanted = [
        plan
        for plan in _PLANS
        if asked is None or asked & set(plan.analytes) or any(map(view.labs, plan.analytes))
    ]
    return tuple(_panel(plan, view, rulebook, marks) for plan in wanted)


def _panel(plan: _Plan, view: View, rulebook: Rulebook, marks: Marks) -> Panel:
    series = tuple(
        Series(view.name(analyte), _results(plan, analyte, view, marks))
        for analyte in plan.analytes
        if view.labs(analyte) or analyte == plan.analytes[0] or plan.field == "times_uln"
    )
    unit = TIMES_ULN if plan.field == "times_uln" else unit_words(canonical_unit(plan.analytes[0]))
    gaps = dict.fromkeys(
        str(gap)
        for analyte in plan.analytes
        for gap in view.gaps((OBSERVATIONS,), plan.title, (analyte,))
    )
    limits = _limits(plan, view, rulebook)
    return Panel(plan.title, unit, series, limits, tuple(gaps), plan.from_zero)


def unit_words(unit: str) -> str:
    """A unit as people read it."""
    return {"10*9/L": "×10⁹/L"}.get(unit, unit)


def _limits(plan: _Plan, view: View, rulebook: Rulebook) -> tuple[Limit, ...]:
    """The limits, with the names of their analytes where the panel holds several kinds."""
    found = limits_of(rulebook, plan.analytes, plan.field, view.chart.patient)
    named = plan.field == "times_uln"
    return tuple(
        replace(limit, names=tuple(map(view.name, limit.names)) if named else ()) for limit in found
    )


def _results(plan: _Plan, analyte: str, view: View, marks: Marks) -> tuple[Result, ...]:
    found = [_result(plan, each, view, marks) for each in view.labs(analyte)]
    return tuple(sorted(found, key=lambda each: each.when.first if each.when else date.max))


def _result(plan: _Plan, lab: LabResult, view: View, marks: Marks) -> Result:
    at, about = _place(plan, lab, view)
    doubts = tuple(_doubts(lab, view))
    return Result(
        what=view.name(lab.analyte),
        when=lab.when,
        at=at,
        printed=_printed(lab),
        reference=lab.source.reference,
        about=(*about, *doubts),
        sure=at is not None and not doubts,
        rules=marks.get(lab.source, ()),
    )


def _place(plan: _Plan, lab: LabResult, view: View) -> tuple[Interval | None, tuple[str, ...]]:
    """Where a result stands on the axis, and the words for it or for why it stands nowhere."""
    if lab.value is None:
        return None, ()
    if plan.field == "value":
        return _in_canonical(lab)
    usable = Usable.of(lab)
    if usable is None:
        return None, ()
    times = times_uln(usable, view.name(lab.analyte))
    if not isinstance(times, Interval):
        return None, (f"{times.reason}, no multiple of ULN",)
    limit = lab.uln.printed if lab.uln else ""
    notes = (lab.uln_from, lab.uln_note)
    return times, (f"{times_text(times)} × ULN", f"ULN {limit}", *filter(None, notes))


def _in_canonical(lab: LabResult) -> tuple[Interval | None, tuple[str, ...]]:
    if lab.canonical is None or lab.value is None:
        return None, (str(Reason.UNIT),)
    unit = canonical_unit(lab.analyte)
    if lab.value.unit == normal_unit(unit) or lab.canonical.number is None:
        return lab.canonical, ()
    return lab.canonical, (f"{plain(lab.canonical.number)} {unit_words(unit)}",)


def _doubts(lab: LabResult, view: View) -> Iterator[str]:
    """What keeps a result from being taken as it stands."""
    if lab.value is None:
        yield str(lab.problem.reason if lab.problem else Reason.UNREADABLE)
    if lab.status == "preliminary":
        yield "preliminary"
    if lab.when is None:
        yield str(Reason.NO_DATE)
    if lab.when and is_ahead(lab.when, view.chart.now):
        yield "dated ahead of today"


def _printed(lab: LabResult) -> str:
    text = " ".join(lab.value.printed.split()) if lab.value else "?"
    return text if len(text) <= MAX_PRINTED else f"{text[: MAX_PRINTED - 1]}…"
