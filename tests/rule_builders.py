"""Rules, verdicts and calls for the tests of cards, said in a few words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import count
from typing import Any, Literal
from uuid import UUID

from cds_service.cards.context import CardContext
from cds_service.cards.model import Card
from cds_service.cards.render import render_cards
from cds_service.engine.verdict import ClauseVerdict, VariantVerdict, Verdict
from cds_service.facts.answers import Answer, Question, Reading, Source, Value
from cds_service.fhir.hook_call import HookCall
from cds_service.rulebook.model import (
    CardText,
    Citation,
    Clause,
    Grade,
    Indicator,
    OverrideReason,
    Parameter,
    Rule,
    Rulebook,
    SignOff,
    Status,
    Suggestion,
    Test,
    Variant,
)
from cds_service.terminology import Terminology
from cds_service.terminology.model import Families, Words

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
NO_TERMINOLOGY = Terminology((), Words({}, {}, {}), Families({}, {}))

HEPATIC_PANEL: Mapping[str, object] = {
    "resourceType": "ServiceRequest",
    "status": "draft",
    "intent": "proposal",
    "code": {"text": "Hepatic function panel"},
}


def context(public_url: str = "https://cds.example.org") -> CardContext:
    """A context whose ids count upwards and whose clock stands still."""
    numbers = count(1)
    return CardContext(
        new_id=lambda: str(UUID(int=next(numbers), version=4)),
        now=NOW,
        public_url=public_url,
        terminology=NO_TERMINOLOGY,
    )


def reading(*sources: str, fields: Mapping[str, Value] | None = None, **show: object) -> Reading:
    """A reading that shows these words and was read from these references."""
    return Reading(fields or {}, show, tuple(Source(reference) for reference in sources))


def clause(
    name: str, kind: str = "lab", selectors: Mapping[str, Any] | None = None, parameter: str = ""
) -> Clause:
    """A clause with one test, which takes its number from the parameter."""
    test = Test("value", "gt", Fraction(1), parameter)
    return Clause(name, Question(kind, tuple((selectors or {}).items())), (test,))


def citation(grade: Grade = "A", id_: str = "uspi") -> Citation:
    return Citation(
        id_,
        "BESPONSA US prescribing information",
        grade,
        section="2.3, Table 3",
        url="https://dailymed.nlm.nih.gov/",
        read_on=date(2026, 11, 22),
    )


def parameter(name: str, value: str, unit: str, cite: str = "uspi") -> Parameter:
    return Parameter(name, Fraction(value), unit, cite)


def suggestion(action: str, clause_name: str = "", resource: str = "") -> Suggestion:
    """An offer with the label that fits its action."""
    actions: dict[str, tuple[Literal["delete-order", "hold-order", "create", "none"], str]] = {
        "delete": ("delete-order", "Cancel this order"),
        "hold": ("hold-order", "Hold this order"),
        "create": ("create", "Repeat hepatic panel"),
        "none": ("none", "Discuss with the transplant physician"),
    }
    kind, label = actions[action]
    return Suggestion(action, label, kind, clause_name, resource)


def rule(
    id_: str = "INO-LIV-01",
    *,
    title: str = "Both liver limits exceeded",
    summary: str = "Hold inotuzumab",
    detail: str = "",
    indicator: Indicator = "critical",
    clauses: Sequence[Clause] = (),
    parameters: Sequence[Parameter] = (),
    citations: Sequence[Citation] = (citation(),),
    grades: tuple[Grade, ...] = ("A",),
    suggestions: Sequence[Suggestion] = (),
    amends: tuple[str, ...] = (),
    amends_only: bool = False,
    status: Status = "active",
    sign_off: SignOff | None = None,
) -> Rule:
    """A rule of one variant."""
    variant = Variant("only", tuple(clauses), indicator, CardText(summary, detail))
    return Rule(
        id=id_,
        version="1.0.0",
        status=status,
        chapter="liver",
        title=title,
        why="The label asks to hold the dose.",
        hooks=("order-sign",),
        grades=grades,
        variants=(variant,),
        source=citations[0].id,
        citations={each.id: each for each in citations},
        parameters={each.name: each for each in parameters},
        blind_spots=(),
        suggestions=tuple(suggestions),
        override_reasons=(
            OverrideReason("repeat", "repeat-pending", "urn:x-reasons", "Repeat test pending"),
        ),
        sign_off=sign_off or SignOff(),
        changed=(),
        cases=(),
        file=f"rules/liver/{id_.lower()}.yaml",
        amends=amends,
        amends_only=amends_only,
    )


def fires(the_rule: Rule, because: str = "", **readings: Reading | Sequence[Reading]) -> Verdict:
    """The rule fires; each clause holds by the readings given under its name.

    A clause the rule does not have is added as a laboratory clause.
    """
    variant = the_rule.variants[0]
    clauses = {each.name: each for each in variant.when}
    clauses |= {name: clause(name) for name in readings if name not in clauses}
    judged = []
    for name, each in clauses.items():
        given = readings.get(name, ())
        holding = (given,) if isinstance(given, Reading) else tuple(given)
        judged.append(ClauseVerdict(each, True, Answer(each.question, holding), holding))
    speaking = VariantVerdict(variant, "fires", tuple(judged))
    return Verdict(the_rule, "fires", (speaking,), speaking, because)


def order(id_: str | None = "1", **elements: Any) -> dict[str, Any]:
    """A draft MedicationRequest as an EHR sends it."""
    draft = {
        "resourceType": "MedicationRequest",
        "id": id_,
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/ada"},
        "medicationCodeableConcept": {"text": "inotuzumab ozogamicin"},
        **elements,
    }
    return {name: element for name, element in draft.items() if element is not None}


def call(*drafts: Mapping[str, Any], hook: str = "order-sign", **changes: Any) -> HookCall:
    """A hook call with these drafts; none at all for patient-view."""
    bundle = {"resourceType": "Bundle", "entry": [{"resource": draft} for draft in drafts]}
    given: dict[str, Any] = {
        "service_id": f"inotuzumab-{hook}",
        "hook": hook,
        "hook_instance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "patient_id": "ada",
        "draft_orders": None if hook == "patient-view" else bundle,
    }
    return HookCall(**{**given, **changes})


def rulebook(
    rules: Sequence[Rule] = (), resources: Mapping[str, Mapping[str, object]] | None = None
) -> Rulebook:
    return Rulebook({each.id: each for each in rules}, (), resources or {}, "")


def cards(*verdicts: Verdict, to: HookCall | None = None, **resources: Any) -> tuple[Card, ...]:
    """The cards of these verdicts; keywords are resource templates of the rulebook."""
    templates = {name.replace("_", "-"): template for name, template in resources.items()}
    book = rulebook([verdict.rule for verdict in verdicts], templates)
    return render_cards(verdicts, to or call(order()), book, context())


def the_card(*verdicts: Verdict, to: HookCall | None = None, **resources: Any) -> Card:
    """The one card of these verdicts."""
    (card,) = cards(*verdicts, to=to, **resources)
    return card


def every_offer(card: Card) -> Iterator[tuple[str, str]]:
    """Label and kind of each suggestion, ``advice`` where it has no action."""
    for offer in card.suggestions:
        yield offer.label, offer.actions[0].type if offer.actions else "advice"
