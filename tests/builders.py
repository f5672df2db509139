"""Chart facts in a line each: ``chart(lab("total-bilirubin", "1.9 mg/dL", uln="1.2 mg/dL"))``.

Days are written as in FHIR, or as a number of days before today (``-3`` lies ahead).
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import count
from pathlib import Path

from cds_service.facts.answers import Answer, Question, Reading, Selector, Source
from cds_service.facts.dates import moment
from cds_service.facts.derive import answer_all
from cds_service.facts.model import (
    Chart,
    ConditionEntry,
    CourseStatement,
    DrugUse,
    FindingResult,
    HarmEntry,
    LabResult,
    LineStatement,
    Measured,
    Moment,
    Patient,
    ProcedureEntry,
    ResponseEntry,
    SetAside,
    TransplantStatement,
)
from cds_service.facts.quantity import canonical, parse_measured
from cds_service.facts.regimen import Regimen, load_regimens
from cds_service.facts.unknown import Reason, Unknown
from cds_service.terminology import Terminology

RULES = Path(__file__).parent.parent / "rules"
INO = "inotuzumab-ozogamicin"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TODAY = NOW.date()

When = str | int | date | None
_numbers = count(1)


@cache
def terminology() -> Terminology:
    """The value sets of the project, read once."""
    return Terminology.load(RULES / "valuesets")


@cache
def regimens() -> dict[str, Regimen]:
    """The regimens of the project, read once."""
    return load_regimens(RULES / "regimens")


def on(when: When) -> Moment | None:
    """A moment: FHIR text, a date, or so many days before today."""
    if when is None:
        return None
    if isinstance(when, int):
        when = TODAY - timedelta(days=when)
    return moment(str(when))


def day(when: When) -> date:
    """A full calendar day, written as for ``on``."""
    found = on(when)
    assert found is not None
    return found.first


def measured(text: str) -> Measured:
    """``1.8 mg/dL``, ``<0.2 mg/dL``."""
    found = parse_measured(text)
    assert found is not None, text
    return found


def source(type_: str) -> Source:
    """A source nobody else has."""
    return Source(f"{type_}/{next(_numbers)}")


def lab(
    analyte: str,
    value: str | None,
    *,
    uln: str | None = None,
    at: When = 1,
    status: str = "final",
    issued: datetime | None = None,
    problem: Unknown | None = None,
    **more: object,
) -> LabResult:
    """A result, by default final and of yesterday; a value of None could not be read."""
    amount = measured(value) if value else None
    return LabResult(
        analyte=analyte,
        value=amount,
        when=on(at),
        source=source("Observation"),
        status=status,
        canonical=canonical(analyte, amount) if amount else None,
        uln=measured(uln) if uln else None,
        issued=issued,
        problem=problem,
        **more,
    )


def dose(when: When, substance: str = INO, *, amount: str | None = None, **more: object) -> DrugUse:
    """A dose given, recorded as an administration unless ``kind`` and ``source`` say otherwise."""
    given = DrugUse(
        substances=frozenset({substance}),
        kind="administration",
        role="on-file",
        status="completed",
        source=source("MedicationAdministration"),
        label=substance,
        start=on(when),
        dose=measured(amount) if amount else None,
    )
    return replace(given, **more)


def doses(*days: When, substance: str = INO) -> tuple[DrugUse, ...]:
    """Doses given on several days."""
    return tuple(dose(each, substance) for each in days)


def claim(when: When, substance: str = INO) -> DrugUse:
    """A dose known from a procedure or claim line."""
    return dose(when, substance, source=source("Procedure"))


def draft(substance: str = INO, *, when: When = None, **more: object) -> DrugUse:
    """An order being signed now."""
    return order_on_file(substance, when=when, **{"role": "draft", "status": "draft", **more})


def order_on_file(substance: str, *, when: When = None, **more: object) -> DrugUse:
    """An active order of the chart."""
    start, end = more.pop("start", when), more.pop("end", None)
    order = DrugUse(
        substances=frozenset({substance}),
        kind="order",
        role="on-file",
        status="active",
        source=source("MedicationRequest"),
        label=substance.replace("-", " "),
        intent="order",
        start=on(start),
        end=on(end),
        days=() if when is None else (day(when),),
    )
    return replace(order, **more)


def statement(substance: str, **more: object) -> DrugUse:
    """An active entry of the medication list."""
    return order_on_file(
        substance, **{"kind": "statement", "source": source("MedicationStatement"), **more}
    )


def unidentified(label: str, **more: object) -> DrugUse:
    """An active order of a drug that nobody could identify."""
    return order_on_file(
        "", **{"substances": frozenset(), "resolved_by": "nothing", "label": label, **more}
    )


def condition(
    *concepts: str,
    status: str = "active",
    verification: str = "confirmed",
    onset: When = None,
    abatement: When = None,
    recorded: When = None,
    severity: str = "",
) -> ConditionEntry:
    """A diagnosis."""
    return ConditionEntry(
        concepts=frozenset(concepts),
        clinical_status=status,
        verification=verification,
        source=source("Condition"),
        label=concepts[0],
        onset=on(onset),
        abatement=on(abatement),
        recorded=on(recorded),
        severity=severity,
    )


def procedure(*concepts: str, at: When = None, status: str = "completed") -> ProcedureEntry:
    """A procedure that was done."""
    return ProcedureEntry(
        frozenset(concepts), status, source("Procedure"), concepts[0], performed=on(at)
    )


def transplant(stance: str = "yes", *, day0: When = None, **more: object) -> TransplantStatement:
    """A sign that a transplant is or is not intended."""
    label = "transplant planned" if stance == "yes" else "no transplant"
    return TransplantStatement(stance, source("ServiceRequest"), label, on(day0), **more)


def response(
    when: When,
    *,
    remission: bool | None = None,
    mrd_negative: bool | None = None,
    status: str = "final",
) -> ResponseEntry:
    """An assessment of response, of MRD, or of both."""
    return ResponseEntry(
        on(when), source("Observation"), "disease status", remission, mrd_negative, status
    )


def plan(cycle: int, *, day: int | None = None, start: When = None) -> CourseStatement:
    """A care plan that names a cycle."""
    return CourseStatement(cycle, source("CarePlan"), f"cycle {cycle}", day, on(start))


def harm(
    *substances: str, kind: str = "adverse-event", label: str = "", at: When = None, **more: object
) -> HarmEntry:
    """An adverse event, or an allergy."""
    type_ = "AllergyIntolerance" if kind == "allergy" else "AdverseEvent"
    return HarmEntry(
        kind, frozenset(substances), label or kind, source(type_), onset=on(at), **more
    )


def unreadable(need: str, *concerns: str, reason: Reason = Reason.UNREADABLE) -> SetAside:
    """A resource that could not be used."""
    return SetAside(need, "Observation/broken", reason, concerns=frozenset(concerns))


def gap(reason: Reason = Reason.FAILED) -> Unknown:
    """Why a search was not answered."""
    return Unknown("a search", reason)


_HOLDS = {
    LabResult: "labs",
    DrugUse: "drugs",
    ConditionEntry: "conditions",
    ProcedureEntry: "procedures",
    TransplantStatement: "transplant",
    ResponseEntry: "responses",
    CourseStatement: "courses",
    FindingResult: "findings",
    LineStatement: "lines",
    HarmEntry: "harms",
    SetAside: "set_aside",
}


def chart(*facts: object, gaps: dict[str, Reason] | None = None, **more: object) -> Chart:
    """A chart of facts (or tuples of them); what is not given was searched and not found."""
    parts: dict[str, list[object]] = {name: [] for name in _HOLDS.values()}
    for fact in facts:
        for each in fact if isinstance(fact, tuple) else (fact,):
            if isinstance(each, Patient):
                more["patient"] = each
            else:
                parts[_HOLDS[type(each)]].append(each)
    held = {name: tuple(found) for name, found in parts.items()}
    why = {key: gap(reason) for key, reason in (gaps or {}).items()}
    return Chart(now=NOW, gaps=why, **{**held, **more})


def patient(*, birth: When = None, sex: str = "") -> Patient:
    """The patient."""
    return Patient(on(birth), sex)


def question(kind: str, **selectors: Selector) -> Question:
    """A question; ``class_`` is written for the selector ``class``."""
    named = {name.rstrip("_"): _selector(value) for name, value in selectors.items()}
    return Question(kind, tuple(sorted(named.items())))


def _selector(value: object) -> Selector:
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    return tuple(value) if isinstance(value, list) else value


def ask(of: Chart, kind: str, **selectors: object) -> Answer:
    """The answer of a chart to one question."""
    asked = question(kind, **selectors)
    return answer_all([asked], of, terminology(), regimens())[asked]


def the_reading(of: Chart, kind: str, **selectors: object) -> Reading:
    """The one reading of an answer."""
    (reading,) = ask(of, kind, **selectors).readings
    return reading


def with_gaps(of: Chart, *keys: str, reason: Reason = Reason.FAILED) -> Chart:
    """The same chart with some searches unanswered."""
    return replace(of, gaps={**of.gaps, **{key: gap(reason) for key in keys}})


def everything(of: Chart) -> tuple[object, ...]:
    """All facts of a chart."""
    lists = frozenset(_HOLDS.values())
    return tuple(
        fact for each in fields(of) if each.name in lists for fact in getattr(of, each.name)
    )
