"""An app over a small rulebook and a scripted decision, for the tests of the HTTP edge."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from cds_service.cards.model import Action, Card, Link, SuggestionOffer
from cds_service.decide import Decision, Parts, Plan
from cds_service.engine.verdict import ClauseVerdict, VariantVerdict, Verdict
from cds_service.facts.answers import Answer, Question, Reading, Source
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.fhir.hook_call import HookCall
from cds_service.fixtures import FixtureInfo, UnknownFixtureError
from cds_service.metrics import Metrics
from cds_service.rulebook.model import (
    CardText,
    Case,
    Change,
    Citation,
    Clause,
    OverrideReason,
    Parameter,
    Rule,
    Rulebook,
    Service,
    SignOff,
    Test,
    Variant,
)
from cds_service.settings import Settings
from cds_service.store.port import NoLog
from cds_service.terminology import Terminology
from cds_service.terminology.model import Families, Words
from cds_service.web import fixtures, hooks, register, workbench

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
HOOKS = ("order-sign", "order-select", "patient-view")
Decide = Callable[[HookCall, Parts], Decision]


def bilirubin_rule(id_: str = "INO-LIV-02") -> Rule:
    """A rule with one variant and one clause: bilirubin above 1.5 x ULN in the last week."""
    question = Question("lab", (("analyte", "total-bilirubin"), ("within", Fraction(7))))
    above = Test("times_uln", "gt", Fraction(3, 2), "limit")
    clause = Clause("bilirubin", question, (above,))
    label = "BESPONSA US prescribing information"
    return Rule(
        id=id_,
        version="1.0.0",
        status="active",
        chapter="liver",
        title="One liver limit exceeded",
        why="The label asks to hold the dose. <b>Bold</b> is not markup here.",
        hooks=HOOKS,
        grades=("A",),
        variants=(Variant("bilirubin", (clause,), "warning", CardText("Bilirubin high")),),
        source="uspi",
        citations={"uspi": Citation("uspi", label, "A", "2.3", "https://dailymed.nlm.nih.gov/")},
        parameters={
            "limit": Parameter("limit", Fraction(3, 2), "x ULN", "uspi"),
            "window": Parameter("window", Fraction(7), "days", "local", "the label gives none"),
        },
        blind_spots=("Conjugated bilirubin is not looked at.",),
        suggestions=(),
        override_reasons=(REPEAT_PENDING,),
        sign_off=SignOff(),
        changed=(Change("1.0.0", date(2026, 11, 22), "First version."),),
        cases=(Case("fires just above", date(2026, 11, 20), {}, "fires"),),
        file="rules/liver/x.yaml",
    )


REPEAT_PENDING = OverrideReason(
    "repeat-pending", "repeat-pending", "urn:cds-service:override", "A repeat is pending"
)


def rulebook(*rules: Rule) -> Rulebook:
    """The rules under the three services."""
    services = tuple(
        Service(f"inotuzumab-{hook}", hook, f"At {hook}", "Checks orders", "Not reviewed")
        for hook in HOOKS
    )
    return Rulebook({rule.id: rule for rule in rules}, services, {}, "0" * 64)


def parts(*rules: Rule, settings: Settings | None = None) -> Parts:
    """Parts whose clock stands still and whose ids count upwards."""
    numbers = count(1)
    book = rulebook(*rules or (bilirubin_rule(),))
    templates = {"patient": "Patient/{{context.patientId}}"}
    return Parts(
        settings=settings or Settings(),
        rulebook=book,
        terminology=Terminology((), Words({}, {}, {}), Families({}, {})),
        regimens={},
        engine=None,
        fhir=None,
        card_log=NoLog(),
        metrics=Metrics(),
        clock=lambda: NOW,
        new_id=lambda: str(UUID(int=next(numbers), version=4)),
        plans={each.id: Plan((), (), templates) for each in book.services},
        rule_hashes={},
    )


def app(joined: Parts | None = None) -> Flask:
    """The app over these parts."""
    built = Flask("cds_service.web")
    built.extensions["cds_service"] = joined or parts()
    register(built)
    return built


class Deciding:
    """Stands where ``decide`` stands: keeps the calls, answers with what it was given."""

    def __init__(self, cards: Sequence[Card] = (), verdicts: Sequence[Verdict] = ()) -> None:
        self.decision = Decision(tuple(cards), tuple(verdicts))
        self.calls: list[HookCall] = []
        self.failure: Exception | None = None

    def __call__(self, call: HookCall, parts: Parts, *_: object) -> Decision:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure
        return self.decision

    @property
    def call(self) -> HookCall:
        """The only call there was."""
        (only,) = self.calls
        return only


def deciding(monkeypatch: Any, *cards: Card, verdicts: Sequence[Verdict] = ()) -> Deciding:
    """Answer every call of this test with these cards and verdicts."""
    scripted = Deciding(cards, verdicts)
    for name in ("decide", "judge_call"):
        monkeypatch.setattr(hooks, name, scripted)
    return scripted


def card(**changes: Any) -> Card:
    """A card with everything on it."""
    whole: dict[str, Any] = {
        "uuid": str(UUID(int=1, version=4)),
        "summary": "Bilirubin 1.9 mg/dL on 2026-11-19: above 1.5 x ULN, hold inotuzumab",
        "detail": "**1.9 mg/dL** is 1.58 x ULN",
        "indicator": "warning",
        "source_label": "BESPONSA US prescribing information",
        "source_url": "https://dailymed.nlm.nih.gov/",
        "rule_id": "INO-LIV-02",
        "rule_title": "One liver limit exceeded",
        "rule_version": "1.0.0",
        "suggestions": (
            SuggestionOffer(
                str(UUID(int=2, version=4)),
                "Hold this order",
                (
                    Action(
                        "update",
                        "Put the order on hold",
                        {"resourceType": "MedicationRequest", "dose": Decimal("0.80")},
                    ),
                    Action("delete", "Remove it", resource_id="MedicationRequest/1"),
                ),
            ),
        ),
        "override_reasons": (REPEAT_PENDING,),
        "links": (Link("About this rule", "https://cds.example.org/rules/INO-LIV-02"),),
        "orders": ("MedicationRequest/1",),
        "facts": ("Observation/1",),
        "evaluated": "2026-11-20T10:00:00+00:00",
    }
    return Card(**(whole | changes))


def bare_card() -> Card:
    """A card with nothing optional."""
    nothing: dict[str, Any] = {
        name: () for name in ("suggestions", "override_reasons", "links", "orders", "facts")
    }
    return card(detail="", source_url="", **nothing)


def verdict(outcome: Any = "fires") -> Verdict:
    """The bilirubin rule judged: it fires on 1.9 mg/dL, or its result is unknown."""
    rule = bilirubin_rule()
    (variant,) = rule.variants
    (clause,) = variant.when
    reading = Reading(
        {"times_uln": Interval.exactly(Fraction(19, 12))},
        {"name": "total bilirubin", "text": "1.9 mg/dL", "value": "1.9", "date": "2026-11-19"},
        (Source("Observation/1", "valueQuantity"),),
    )
    if outcome == "fires":
        judged = ClauseVerdict(clause, True, Answer(clause.question, (reading,)), (reading,))
        told = VariantVerdict(variant, "fires", (judged,))
        return Verdict(rule, "fires", (told,), told)
    gap = Unknown("total bilirubin", Reason.FAILED)
    judged = ClauseVerdict(clause, None, Answer(clause.question, (), (gap,)), (), (gap,))
    return Verdict(rule, "unknown", (VariantVerdict(variant, "unknown", (judged,)),))


def cast(monkeypatch: Any) -> None:
    """One synthetic patient, Ada, instead of those on file."""
    ada = FixtureInfo(
        name="ada",
        title="Ada <b>",
        hook="order-sign",
        profile="EU",
        story='Says "high"',
        service_id="inotuzumab-order-sign",
    )

    def load(name: str, now: datetime) -> dict[str, Any]:
        if name != "ada":
            raise UnknownFixtureError("there is no fixture of that name")
        return request_body(now=now.isoformat())

    for module in (fixtures, workbench):
        monkeypatch.setattr(module, "list_fixtures", lambda: (ada,))
        monkeypatch.setattr(module, "load_fixture", load)


def request_body(hook: str = "order-sign", **changes: Any) -> dict[str, Any]:
    """A hook call that is answered; ``changes`` replace members of the top level."""
    context: dict[str, Any] = {"patientId": "1288992", "userId": "Practitioner/1"}
    if hook != "patient-view":
        context["draftOrders"] = {"resourceType": "Bundle", "entry": []}
    if hook == "order-select":
        context["selections"] = ["MedicationRequest/1"]
    whole = {"hook": hook, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"}
    return {**whole, "context": context, **changes}


def post(client: FlaskClient, body: Any, path: str = "/cds-services/inotuzumab-order-sign") -> Any:
    """The answer to a body: bytes as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, data=data, content_type="application/json")
