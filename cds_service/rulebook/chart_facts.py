"""The chart facts a case may give: their keys, and how each becomes a fact of ``facts.model``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cds_service.facts.answers import Source
from cds_service.facts.interval import Interval
from cds_service.facts.model import (
    ConditionEntry,
    CourseStatement,
    DrugUse,
    FindingResult,
    HarmEntry,
    Infusion,
    LabResult,
    LineStatement,
    Patient,
    ProcedureEntry,
    ResponseEntry,
    SetAside,
    TransplantStatement,
)
from cds_service.facts.quantity import canonical
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import (
    ADVERSE_EVENTS,
    ALLERGIES,
    CARE_PLANS,
    CONDITIONS,
    GOALS,
    MEDICATION_ADMINISTRATIONS,
    MEDICATION_REQUESTS,
    MEDICATION_STATEMENTS,
    OBSERVATIONS,
    PATIENT,
    PROCEDURES,
    RECENT_OBSERVATIONS,
    SERVICE_REQUESTS,
)
from cds_service.rulebook.entries import CaseError, Entry, moment_of

GAP_REASONS: Mapping[str, Reason] = {
    "nothing sent": Reason.NOT_SENT,
    "null": Reason.NULL,
    "search failed": Reason.FAILED,
    "not allowed": Reason.NOT_ALLOWED,
    "more pages": Reason.TRUNCATED,
}
"""How a case says why a search was not answered."""

PREFETCH_KEYS: Mapping[str, str] = {
    PATIENT: "patient",
    OBSERVATIONS: "laboratory results",
    RECENT_OBSERVATIONS: "recent results",
    CONDITIONS: "diagnoses",
    MEDICATION_REQUESTS: "medication orders",
    MEDICATION_STATEMENTS: "medication statements",
    MEDICATION_ADMINISTRATIONS: "doses given",
    PROCEDURES: "procedures",
    SERVICE_REQUESTS: "service requests",
    CARE_PLANS: "care plans",
    GOALS: "goals",
    ADVERSE_EVENTS: "adverse events",
    ALLERGIES: "allergies",
}
"""Prefetch keys a case may declare unanswered, in clinical words."""


def gap_of(key: str, why: object) -> Unknown:
    """The gap of a prefetch key. Raises CaseError for an unknown key or reason."""
    word = "null" if why is None else why
    if key not in PREFETCH_KEYS:
        raise CaseError(key, f"is not a prefetch key: {', '.join(PREFETCH_KEYS)}")
    if not isinstance(word, str) or word not in GAP_REASONS:
        raise CaseError(key, f"must say why: {', '.join(GAP_REASONS)}")
    return Unknown(PREFETCH_KEYS[key], GAP_REASONS[word])


def read_entry(entry: Entry) -> Iterable[tuple[str, object]]:
    """The part of a chart an entry belongs to, with the fact; several for several days.

    Raises:
        CaseError: when the fact or one of its keys cannot be read.
    """
    reader = READERS.get(entry.fact)
    if reader is None:
        raise CaseError("fact", f'"{entry.fact}" is not a chart fact: {", ".join(READERS)}')
    for key in entry.values:
        if key not in (*KEYS[entry.fact], "fact"):
            raise CaseError(
                key, f'is not a key of "{entry.fact}"; keys: {", ".join(KEYS[entry.fact])}'
            )
    return reader(entry)


_DRUG_KEYS = (
    "substance",
    "dose",
    "cycle",
    "day",
    "on",
    "status",
    "role",
    "route",
    "order_set",
    "label",
    "resolved_by",
    "local_use",
    "one_off",
    "start",
    "end",
    "authored",
    "status_reason",
    "do_not_perform",
    "text",
    "minutes",
    "diluent",
    "mixed_with",
    "syringe",
)
KEYS: Mapping[str, tuple[str, ...]] = {
    "order": _DRUG_KEYS,
    "drug": ("kind", *_DRUG_KEYS),
    "dose": ("substance", "on", "dose", "status", "label", "status_reason", "text"),
    "lab": ("analyte", "value", "uln", "lln", "at", "status", "problem", "uln_from"),
    "condition": (
        "concept",
        "status",
        "verification",
        "onset",
        "abatement",
        "recorded",
        "severity",
        "label",
        "by_words",
    ),
    "procedure": ("concept", "status", "on", "label"),
    "transplant": ("stance", "day0", "role", "autologous", "label"),
    "response": ("on", "remission", "mrd_negative", "status", "label"),
    "plan": ("cycle", "day", "start", "label"),
    "finding": ("analyte", "positive", "on", "text", "status"),
    "therapy_line": ("line", "on", "label"),
    "patient": ("birth", "sex"),
    "harm": (
        "kind",
        "substance",
        "concept",
        "on",
        "severity",
        "grade",
        "active",
        "resolved",
        "related",
        "label",
    ),
    "unreadable": ("need", "reason", "concerns", "reference"),
}
"""The keys of each chart fact a case may give."""


def _order(entry: Entry) -> Iterable[tuple[str, object]]:
    yield "drugs", _drug_use(entry, "draft", ("draft", "background", "on-file"), "order")


def _drug(entry: Entry) -> Iterable[tuple[str, object]]:
    kind = entry.one_of("kind", ("order", "statement"))
    yield "drugs", _drug_use(entry, "active", ("on-file", "draft", "background"), kind)


def _drug_use(entry: Entry, status: str, roles: Sequence[str], kind: Any) -> DrugUse:
    substances = entry.substances()
    resource = "MedicationStatement" if kind == "statement" else "MedicationRequest"
    default = "code" if substances else "nothing"
    dose = entry.amount("dose")
    per_m2 = dose if dose and dose.unit.endswith("/m2") else None
    cycle = entry.whole("cycle")
    days = entry.days("on")
    return DrugUse(
        substances=substances,
        kind=kind,
        role=entry.one_of("role", roles),
        status=entry.text("status", status),
        source=entry.source(resource),
        label=entry.text("label", _label(entry, substances)),
        resolved_by=entry.one_of("resolved_by", (default, "code", "text", "nothing")),
        intent="order",
        local_use=bool(entry.flag("local_use")),
        route=entry.text("route"),
        one_off=bool(entry.flag("one_off")),
        do_not_perform=bool(entry.flag("do_not_perform")),
        start=entry.moment("start") or (moment_of("on", days[0]) if days else None),
        end=entry.moment("end"),
        authored=entry.moment("authored"),
        days=days,
        dose=None if per_m2 else dose,
        dose_per_m2=per_m2,
        cycle=cycle,
        day=entry.whole("day"),
        cycle_source="the order's text" if cycle else "",
        status_reason=entry.text("status_reason"),
        order_set=entry.text("order_set"),
        text=entry.text("text"),
        infusion=_infusion(entry),
    )


def _infusion(entry: Entry) -> Infusion | None:
    """How the dose is run; None when the entry says nothing of it."""
    if not any(entry.has(key) for key in ("minutes", "diluent", "mixed_with", "syringe")):
        return None
    minutes = entry.whole("minutes")
    return Infusion(
        minutes=None if minutes is None else Interval.exactly(minutes),
        diluents=entry.substances("diluent"),
        mixed_with=entry.substances("mixed_with"),
        syringe=bool(entry.flag("syringe")),
    )


def _label(entry: Entry, concepts: Iterable[str]) -> str:
    names = sorted(entry.terminology.display_name(concept) for concept in concepts)
    return " / ".join(names) or entry.name


def _dose(entry: Entry) -> Iterable[tuple[str, object]]:
    substances = entry.substances()
    days, dose = entry.days("on"), entry.amount("dose")
    per_m2 = dose if dose and dose.unit.endswith("/m2") else None
    if not days:
        raise CaseError("", 'needs "on": a day or a list of days')
    for number, day in enumerate(days):
        yield (
            "drugs",
            DrugUse(
                substances=substances,
                kind="administration",
                role="on-file",
                status=entry.text("status", "completed"),
                source=Source(f"MedicationAdministration/{entry.name}-{number + 1}"),
                label=entry.text("label", _label(entry, substances)),
                start=moment_of("on", day),
                days=(day,),
                dose=None if per_m2 else dose,
                dose_per_m2=per_m2,
                status_reason=entry.text("status_reason"),
                text=entry.text("text"),
            ),
        )


def _analyte(entry: Entry) -> str:
    analytes = entry.words(
        "analyte", lambda word: entry.terminology.kind_of(word) == "analyte", "analyte"
    )
    if len(analytes) != 1:
        raise CaseError("analyte", 'needs one "analyte"')
    (analyte,) = analytes
    return analyte


def _finding(entry: Entry) -> Iterable[tuple[str, object]]:
    yield (
        "findings",
        FindingResult(
            analyte=_analyte(entry),
            positive=entry.flag("positive", None),
            when=entry.moment("on"),
            source=entry.source("Observation"),
            text=entry.text("text"),
            status=entry.one_of("status", ("final", "preliminary")),
        ),
    )


def _line(entry: Entry) -> Iterable[tuple[str, object]]:
    line = entry.whole("line")
    if line is None:
        raise CaseError("", 'needs "line"')
    source, label = entry.source("CarePlan"), entry.text("label", "care plan")
    yield "lines", LineStatement(line, source, label, entry.moment("on"))


def _lab(entry: Entry) -> Iterable[tuple[str, object]]:
    analyte = _analyte(entry)
    value = entry.amount("value")
    yield (
        "labs",
        LabResult(
            analyte=analyte,
            value=value,
            when=entry.moment("at"),
            source=entry.source("Observation"),
            status=entry.one_of("status", ("final", "preliminary")),
            canonical=canonical(analyte, value) if value else None,
            uln=entry.amount("uln"),
            lln=entry.amount("lln"),
            uln_from=entry.text("uln_from"),
            problem=_problem(entry, analyte) if value is None else None,
        ),
    )


def _problem(entry: Entry, analyte: str) -> Unknown:
    reason = Reason(entry.one_of("problem", (Reason.UNREADABLE, *Reason)))
    return Unknown(
        entry.terminology.display_name(analyte), reason, reference=f"Observation/{entry.name}"
    )


def _condition(entry: Entry) -> Iterable[tuple[str, object]]:
    concepts = entry.concepts("condition", "status")
    yield (
        "conditions",
        ConditionEntry(
            concepts=concepts,
            clinical_status=entry.text("status", "active"),
            verification=entry.text("verification", "confirmed"),
            source=entry.source("Condition"),
            label=entry.text("label", _label(entry, concepts)),
            onset=entry.moment("onset"),
            abatement=entry.moment("abatement"),
            recorded=entry.moment("recorded"),
            severity=entry.one_of("severity", ("", "mild", "moderate", "severe")),
            by_words=bool(entry.flag("by_words")),
        ),
    )


def _procedure(entry: Entry) -> Iterable[tuple[str, object]]:
    concepts = entry.concepts("procedure")
    yield (
        "procedures",
        ProcedureEntry(
            concepts=concepts,
            status=entry.text("status", "completed"),
            source=entry.source("Procedure"),
            label=entry.text("label", _label(entry, concepts)),
            performed=entry.moment("on"),
        ),
    )


def _transplant(entry: Entry) -> Iterable[tuple[str, object]]:
    yield (
        "transplant",
        TransplantStatement(
            stance=entry.one_of("stance", ("yes", "no")),
            source=entry.source("ServiceRequest"),
            label=entry.text("label", "HSCT"),
            day0=entry.moment("day0"),
            autologous=bool(entry.flag("autologous")),
            role=entry.one_of("role", ("on-file", "draft", "background")),
        ),
    )


def _response(entry: Entry) -> Iterable[tuple[str, object]]:
    yield (
        "responses",
        ResponseEntry(
            when=entry.moment("on"),
            source=entry.source("Observation"),
            label=entry.text("label", "response assessment"),
            remission=entry.flag("remission", None),
            mrd_negative=entry.flag("mrd_negative", None),
            status=entry.one_of("status", ("final", "preliminary")),
        ),
    )


def _plan(entry: Entry) -> Iterable[tuple[str, object]]:
    cycle = entry.whole("cycle")
    if cycle is None:
        raise CaseError("", 'needs "cycle"')
    yield (
        "courses",
        CourseStatement(
            cycle=cycle,
            source=entry.source("CarePlan"),
            label=entry.text("label", "care plan"),
            day=entry.whole("day"),
            start=entry.moment("start"),
        ),
    )


def _patient(entry: Entry) -> Iterable[tuple[str, object]]:
    yield "patient", Patient(entry.moment("birth"), entry.text("sex"))


def _harm(entry: Entry) -> Iterable[tuple[str, object]]:
    kind = entry.one_of("kind", ("adverse-event", "allergy"))
    concepts = entry.words(
        "concept", lambda word: entry.terminology.kind_of(word) == "condition", "concept"
    )
    substances = entry.substances()
    yield (
        "harms",
        HarmEntry(
            kind=kind,
            substances=substances,
            label=entry.text("label", _label(entry, concepts or substances)),
            source=entry.source("AllergyIntolerance" if kind == "allergy" else "AdverseEvent"),
            concepts=concepts,
            severity=entry.one_of(
                "severity", ("", "mild", "moderate", "severe", "life-threatening")
            ),
            grade=entry.whole("grade"),
            onset=entry.moment("on"),
            active=entry.flag("active", True) is not False,
            ended=bool(entry.flag("resolved")),
            related=entry.flag("related", True) is not False,
        ),
    )


def _unreadable(entry: Entry) -> Iterable[tuple[str, object]]:
    terminology = entry.terminology
    concerns = entry.words(
        "concerns", lambda word: word in terminology.names, "substance, analyte or concept"
    )
    yield (
        "set_aside",
        SetAside(
            need=entry.one_of("need", (OBSERVATIONS, *PREFETCH_KEYS)),
            reference=entry.text("reference", f"Resource/{entry.name}"),
            reason=Reason(entry.one_of("reason", (Reason.UNREADABLE, *Reason))),
            concerns=concerns,
        ),
    )


READERS: Mapping[str, Callable[[Entry], Iterable[tuple[str, object]]]] = {
    "order": _order,
    "drug": _drug,
    "dose": _dose,
    "lab": _lab,
    "condition": _condition,
    "procedure": _procedure,
    "transplant": _transplant,
    "response": _response,
    "plan": _plan,
    "finding": _finding,
    "therapy_line": _line,
    "patient": _patient,
    "harm": _harm,
    "unreadable": _unreadable,
}
