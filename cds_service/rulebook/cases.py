"""A rule's own tests: from the compact notation to a chart, and from a verdict to pass or fail.

The notation is told in ``docs/writing-a-rule.md``. The call is made at noon UTC of ``today``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Protocol, cast

from cds_service.facts.answers import Source
from cds_service.facts.dates import moment
from cds_service.facts.interval import Truth
from cds_service.facts.model import (
    Chart,
    ConditionEntry,
    CourseStatement,
    DrugUse,
    LabResult,
    Measured,
    Moment,
    Patient,
    ProcedureEntry,
    ResponseEntry,
    SetAside,
    TransplantStatement,
)
from cds_service.facts.quantity import canonical, parse_measured
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import (
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
from cds_service.rulebook.model import Case, Clause, Rule, Variant
from cds_service.terminology import Terminology

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
}
"""Prefetch keys a case may declare unanswered, in clinical words."""


class CaseError(ValueError):
    """One entry of a case cannot be read; ``key`` is the key at fault, "" for the entry."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


class Entry:
    """One named fact of a case's ``given``, read key by key."""

    def __init__(self, name: str, values: Mapping[str, object], terminology: Terminology) -> None:
        """Take the fact's keys as the file has them; a key that is null counts as left out."""
        self.name = name
        self.values = values
        self.terminology = terminology

    @property
    def fact(self) -> str:
        """Which chart fact it is."""
        return str(self.values.get("fact", ""))

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self.values.get(key) is not None

    def text(self, key: str, default: str = "") -> str:
        """A word or text."""
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise CaseError(key, "must be text; put it in quotes")
        return value

    def one_of(self, key: str, choices: Sequence[str]) -> Any:
        """A word of a closed set; the first is the default."""
        word = self.text(key, choices[0])
        if word not in choices:
            raise CaseError(key, f'"{word}" is not one of: {", ".join(choices)}')
        return word

    def words(self, key: str, known: Callable[[str], bool], what: str) -> frozenset[str]:
        """One or several names, each of which must be known."""
        value = self.values.get(key)
        words = value if isinstance(value, list) else [] if value is None else [value]
        for word in words:
            if not isinstance(word, str) or not known(word):
                raise CaseError(key, f'"{word}" is not a {what} we know')
        return frozenset(cast(list[str], words))

    def substances(self) -> frozenset[str]:
        """The ingredients of a drug."""
        return self.words("substance", self.terminology.substances.__contains__, "substance")

    def concepts(self, *kinds: str) -> frozenset[str]:
        """The concepts of a diagnosis or procedure; at least one."""
        concepts = self.words(
            "concept", lambda word: self.terminology.kind_of(word) in kinds, "concept"
        )
        if not concepts:
            raise CaseError("", 'needs "concept"')
        return concepts

    def flag(self, key: str, default: bool | None = False) -> bool | None:
        """True, false, or the default."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, bool):
            raise CaseError(key, "must be true or false")
        return default if value is None else value

    def whole(self, key: str) -> int | None:
        """A whole number of at least one."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise CaseError(key, "must be a whole number of at least 1")
        return value

    def moment(self, key: str) -> Moment | None:
        """A day, an instant, or a month or year in quotes."""
        value = self.values.get(key)
        return None if value is None else _moment(key, value)

    def days(self, key: str) -> tuple[date, ...]:
        """One day or a list of days, in order."""
        value = self.values.get(key)
        days = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(day, date) for day in days):
            raise CaseError(key, "must be a day such as 2026-11-20, or a list of days")
        return tuple(sorted(cast(list[date], days)))

    def amount(self, key: str) -> Measured | None:
        """A number with its unit, such as ``1.8 mg/dL``."""
        value = self.values.get(key)
        if value is None:
            return None
        text = str(value) if isinstance(value, (int, Decimal)) else value
        amount = parse_measured(text) if isinstance(text, str) else None
        if amount is None:
            raise CaseError(key, 'must be an amount such as "1.8 mg/dL"')
        return amount

    def source(self, resource: str) -> Source:
        """The reference that stands for this fact."""
        return Source(f"{resource}/{self.name}")


def _moment(key: str, value: object) -> Moment:
    text = value.isoformat() if isinstance(value, date) else value
    try:
        return moment(text if isinstance(text, str) else "")
    except ValueError as error:
        raise CaseError(key, str(error)) from None


def chart_of(case: Case, rule: Rule, terminology: Terminology) -> Chart:
    """The small chart a case describes; the rule gives the default hook.

    Raises:
        CaseError: when an entry cannot be read. Cases of a loaded rulebook always can.
    """
    facts: dict[str, list[Any]] = {}
    for name, values in case.given.items():
        entry = Entry(name, values, terminology)
        for part, fact in read_entry(entry):
            facts.setdefault(part, []).append(fact)
    patients = facts.pop("patient", [Patient()])
    return Chart(
        now=datetime.combine(case.today, time(12), UTC),
        hook=case.hook or rule.hooks[0],
        profile=case.profile,
        patient=patients[0],
        gaps={key: gap_of(key, why) for key, why in case.gaps.items()},
        **{part: tuple(found) for part, found in facts.items()},
    )


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
)
KEYS: Mapping[str, tuple[str, ...]] = {
    "order": _DRUG_KEYS,
    "drug": ("kind", *_DRUG_KEYS),
    "dose": ("substance", "on", "dose", "status", "label"),
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
    ),
    "procedure": ("concept", "status", "on", "label"),
    "transplant": ("stance", "day0", "role", "autologous", "label"),
    "response": ("on", "remission", "mrd_negative", "status", "label"),
    "plan": ("cycle", "day", "start", "label"),
    "patient": ("birth", "sex"),
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
        start=entry.moment("start") or (_moment("on", days[0]) if days else None),
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
    )


def _label(entry: Entry, concepts: Iterable[str]) -> str:
    names = sorted(entry.terminology.display_name(concept) for concept in concepts)
    return " / ".join(names) or entry.name


def _dose(entry: Entry) -> Iterable[tuple[str, object]]:
    substances = entry.substances()
    days = entry.days("on")
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
                start=_moment("on", day),
                days=(day,),
                dose=entry.amount("dose"),
            ),
        )


def _lab(entry: Entry) -> Iterable[tuple[str, object]]:
    analytes = entry.words(
        "analyte", lambda word: entry.terminology.kind_of(word) == "analyte", "analyte"
    )
    if len(analytes) != 1:
        raise CaseError("analyte", 'needs one "analyte"')
    (analyte,) = analytes
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
    "patient": _patient,
    "unreadable": _unreadable,
}


class JudgedClause(Protocol):
    """What running a case needs to know of a judged clause."""

    @property
    def clause(self) -> Clause:
        """The clause."""

    @property
    def truth(self) -> Truth:
        """True, false, or None for unknown."""

    @property
    def missing(self) -> Sequence[Unknown]:
        """Why it is unknown."""


class JudgedVariant(Protocol):
    """What running a case needs to know of a judged variant."""

    @property
    def variant(self) -> Variant:
        """The variant."""

    @property
    def outcome(self) -> str:
        """Fires, silent or unknown."""

    @property
    def clauses(self) -> Sequence[JudgedClause]:
        """Its clauses, judged."""


class Judged(Protocol):
    """What running a case needs to know of a verdict (``engine.verdict.Verdict`` is one)."""

    @property
    def rule(self) -> Rule:
        """The rule."""

    @property
    def outcome(self) -> str:
        """Fires, silent or unknown."""

    @property
    def variants(self) -> Sequence[JudgedVariant]:
        """Its variants, judged."""

    @property
    def speaking(self) -> JudgedVariant | None:
        """The variant that fires first."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a case went: what differs from what it expects (nothing when it passed)."""

    rule: Rule
    case: Case
    differences: tuple[str, ...]
    clauses: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
        return not self.differences

    def __str__(self) -> str:
        """File, line and case, what differs, and how each clause was judged."""
        head = f'{self.rule.file}:{self.case.line}: case "{self.case.name}"'
        if self.passed:
            return f"{head} passes"
        lines = "".join(f"\n    {line}" for line in self.clauses)
        return f"{head} {'; '.join(self.differences)}{lines}"


def run(
    rule: Rule,
    case: Case,
    judge_case: Callable[[Rule, Case], Any],
    render_summary: Callable[[Any, Case], str] | None = None,
) -> CaseResult:
    """Judge a case and compare with what it expects.

    ``judge_case`` gives the rule's verdict on the case's chart (any ``Judged``),
    ``render_summary`` the sentence on its card; without it an expected sentence is not compared.
    """
    verdict: Judged = judge_case(rule, case)
    differences = list(_differences(case, verdict))
    if case.summary and render_summary and not differences:
        said = render_summary(verdict, case)
        if said != case.summary:
            differences.append(f'says "{said}", expected "{case.summary}"')
    details = tuple(_details(verdict)) if differences else ()
    return CaseResult(rule, case, tuple(differences), details)


def _differences(case: Case, verdict: Judged) -> Iterable[str]:
    if verdict.outcome != case.expect:
        yield f"is {verdict.outcome}, expected {case.expect}"
        return
    if case.missing and case.missing not in _unknown_clauses(verdict):
        yield f'is unknown, but not because of clause "{case.missing}"'
    if verdict.speaking is None:
        return
    spoken = verdict.speaking.variant
    if case.variant and spoken.name != case.variant:
        yield f'fires with variant "{spoken.name}", expected "{case.variant}"'
    if case.indicator and spoken.indicator != case.indicator:
        yield f'fires as "{spoken.indicator}", expected "{case.indicator}"'


def _unknown_clauses(verdict: Judged) -> set[str]:
    return {
        judged.clause.name
        for variant in verdict.variants
        if variant.outcome == "unknown"
        for judged in variant.clauses
        if judged.truth is None
    }


_SAID = {True: "holds", False: "fails", None: "unknown"}


def _details(verdict: Judged) -> Iterable[str]:
    for variant in verdict.variants:
        for judged in variant.clauses:
            why = "; ".join(str(unknown) for unknown in judged.missing)
            said = _SAID[judged.truth] + (f" ({why})" if why else "")
            yield f"{variant.variant.name}.{judged.clause.name}: {said}"
