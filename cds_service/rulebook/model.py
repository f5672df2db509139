"""A rule, as loaded from its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Literal

from cds_service.facts.answers import Question

Indicator = Literal["info", "warning", "critical"]
Status = Literal["draft", "shadow", "active", "retired"]
Grade = Literal["A", "B", "C", "S", "P"]
Operator = Literal["gt", "gte", "lt", "lte", "eq", "is", "in"]
Profile = Literal["US", "EU"]

UNREAD: Mapping[Grade, str] = {
    "C": "recalled, not re-read",
    "S": "secondary text",
    "P": "project choice",
}
"""What a grade means that rests on no document read here."""

URGENCY: Mapping[str, int] = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Citation:
    """A source as a reader finds it. ``grade`` as in the catalogue (A read … P project choice)."""

    id: str
    label: str
    grade: Grade
    section: str = ""
    url: str = ""
    read_on: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact cards may cite (``rules/evidence.yaml``): one sentence in our words, without its stop.

    ``source`` names the document and section in words, ``grades`` as in the catalogue.
    """

    id: str
    text: str
    source: str
    grades: tuple[Grade, ...]
    note: str = ""

    def __str__(self) -> str:
        """The sentence with its source; what was not read in a document itself is said."""
        weak = "" if {"A", "B"} & set(self.grades) else f"; {UNREAD[self.grades[0]]}"
        return f"{self.text} ({self.source}{weak})."


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of a rule: never without unit and source. ``cite`` is a citation id or ``local``."""

    name: str
    value: Fraction
    unit: str
    cite: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison on a field: ``is`` for flags and words, ``in`` for a set of words."""

    field: str
    op: Operator
    operand: Fraction | bool | str | frozenset[str]
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """One named line of ``when``: a question and the tests its answer must pass.

    ``parameters`` says which selector took its number from which parameter of the rule.
    """

    name: str
    question: Question
    tests: tuple[Test, ...]
    line: int = 0
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CardText:
    """Templates of a card: one sentence of at most 139 characters, and markdown detail."""

    summary: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way a rule fires, with its own urgency and words. The first that fires speaks.

    ``when`` holds the rule's common clauses and the variant's own. ``source`` is the citation its
    card shows when that is not the rule's.
    """

    name: str
    when: tuple[Clause, ...]
    indicator: Indicator
    card: CardText
    source: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An offer on the card.

    ``action``: ``delete-order`` or ``hold-order`` act on the draft the card is about (``order``
    names the clause whose draft is meant); ``create`` makes the resource named by ``resource``
    (a template of ``rules/suggestions.yaml``); ``none`` is advice without an action.
    ``when_missing`` names analytes, drug classes or concepts: a rule about what is missing offers
    this only when one of them is among it; empty means always.
    """

    id: str
    label: str
    action: Literal["delete-order", "hold-order", "create", "none"]
    clause: str = ""
    resource: str = ""
    when_missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OverrideReason:
    """A reason for not following a card; ``system`` is HL7's list where it fits, else ours."""

    id: str
    code: str
    system: str
    display: str


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who reviewed this version; nobody until a clinician signs."""

    by: str = ""
    role: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a rule's history."""

    version: str
    on: date
    note: str


@dataclass(frozen=True, slots=True)
class Case:
    """A rule's own test: a small chart and the verdict it must get.

    ``given`` is kept as written (a mapping of named chart facts); ``rulebook.cases`` builds the
    chart from it. ``missing`` names the clause that must be unknown. ``beside`` names rules that
    are judged in the same call, for a rule that looks at what others say.
    """

    name: str
    today: date
    given: Mapping[str, Mapping[str, object]]
    expect: Literal["fires", "silent", "unknown"]
    missing: str = ""
    variant: str = ""
    indicator: str = ""
    summary: str = ""
    profile: Profile = "US"
    hook: str = ""
    gaps: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with everything a reviewer needs to judge it.

    ``unless_fires``: silent when one of these rules fires in the same call (it says more).
    ``amends``: when it fires together with one of these, its detail is added to their card and it
    shows no card; ``amends_only``: without such a card it shows nothing.
    ``left_open``: how grave it is when the rule cannot be judged. A warning counts it among the
    rules that could be critical; ``quiet`` is for rules whose gaps matter only when another rule
    has the same (data quality, tests nobody expects of every patient): they tell only what came
    but cannot be used; ``aside`` is for what charts rarely record, which is said
    beside other gaps and raises no card alone.
    ``is_last``: judged after all others, because it asks what they left open.
    ``see_also`` are citations beside ``source``; ``evidence`` are the facts its cards cite by id;
    ``equivalent_mutants`` are changes of this rule that no case can notice, each with the reason.
    """

    id: str
    version: str
    status: Status
    chapter: str
    title: str
    why: str
    hooks: tuple[str, ...]
    grades: tuple[Grade, ...]
    variants: tuple[Variant, ...]
    source: str
    citations: Mapping[str, Citation]
    parameters: Mapping[str, Parameter]
    blind_spots: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    override_reasons: tuple[OverrideReason, ...]
    sign_off: SignOff
    changed: tuple[Change, ...]
    cases: tuple[Case, ...]
    file: str
    unless_fires: tuple[str, ...] = ()
    amends: tuple[str, ...] = ()
    amends_only: bool = False
    left_open: Literal["quiet", "aside", "info", "warning"] = "info"
    see_also: tuple[str, ...] = ()
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    equivalent_mutants: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""
    is_last: bool = field(init=False, compare=False)

    def cited_by(self, variant: Variant) -> Citation:
        """The source that the variant's card shows."""
        return self.citations[variant.source or self.source]

    @property
    def could_be_critical(self) -> bool:
        """Whether any variant is critical, or the catalogue counts the rule among such."""
        critical = any(variant.indicator == "critical" for variant in self.variants)
        return critical or self.left_open == "warning"

    @property
    def questions(self) -> Iterator[Question]:
        """Every question its clauses ask (with repeats)."""
        return (clause.question for variant in self.variants for clause in variant.when)

    def __post_init__(self) -> None:
        """Work out once what every call asks of every rule."""
        last = any(question.kind == "unassessed" for question in self.questions)
        object.__setattr__(self, "is_last", last)


@dataclass(frozen=True, slots=True)
class Service:
    """One CDS Hooks service as discovery shows it (``rules/services.yaml``)."""

    id: str
    hook: str
    title: str
    description: str
    usage_requirements: str


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules that passed the lint, by id, and the hash of the whole.

    ``resources`` are the templates that ``create`` suggestions name (``rules/suggestions.yaml``):
    FHIR R4 resources without subject, encounter, requester and date, which the card fills in.
    ``evidence`` are the facts that cards cite, by id (``rules/evidence.yaml``).
    """

    rules: Mapping[str, Rule]
    services: tuple[Service, ...]
    resources: Mapping[str, Mapping[str, object]]
    sha256: str
    evidence: Mapping[str, Evidence] = field(default_factory=dict)

    def service(self, service_id: str) -> Service | None:
        """The service of that id, if there is one."""
        return next((each for each in self.services if each.id == service_id), None)

    def for_hook(self, hook: str) -> tuple[Rule, ...]:
        """The rules evaluated for a hook: active and shadow ones, in id order."""
        return tuple(
            rule
            for rule in self.rules.values()
            if hook in rule.hooks and rule.status in ("active", "shadow")
        )
