"""One hook call, told top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cds_service.cards.model import Card
from cds_service.cards.render import CardContext, render_cards
from cds_service.engine.judge import Engine, judge, questions_of
from cds_service.engine.verdict import Verdict
from cds_service.facts.answers import Question
from cds_service.facts.derive import answer_all
from cds_service.facts.extract import asked_analytes, read_chart, templates
from cds_service.facts.regimen import Regimen
from cds_service.fhir.hook_call import HookCall
from cds_service.rulebook.model import Rule, Rulebook
from cds_service.settings import Settings
from cds_service.terminology import Terminology


@dataclass(frozen=True, slots=True)
class Plan:
    """What a service needs to answer, worked out once: its rules, their questions, the prefetch.

    ``analytes`` are those whose results are read; None reads all.
    """

    rules: tuple[Rule, ...]
    questions: tuple[Question, ...]
    prefetch: Mapping[str, str]
    analytes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts a call is answered with; chosen and joined in ``app.py``."""

    settings: Settings
    rulebook: Rulebook
    terminology: Terminology
    regimens: Mapping[str, Regimen]
    engine: Engine | None
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    plans: Mapping[str, Plan]

    @property
    def prefetch(self) -> Mapping[str, Mapping[str, str]]:
        """The prefetch templates of each service, by service id."""
        return {service_id: plan.prefetch for service_id, plan in self.plans.items()}


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a call: cards, most urgent first, and every verdict behind them."""

    cards: tuple[Card, ...]
    verdicts: tuple[Verdict, ...]


def plan(hook: str, rulebook: Rulebook, terminology: Terminology) -> Plan:
    """Work out what a hook's rules ask and which prefetch answers it."""
    rules = rulebook.for_hook(hook)
    questions = questions_of(rules)
    return Plan(rules, questions, templates(questions, terminology), asked_analytes(questions))


def decide(call: HookCall, parts: Parts) -> Decision:
    """Answer one hook call.

    Raises:
        DataUnavailable: when the patient, or every order, cannot be read at all.
    """
    todo = parts.plans[call.service_id]
    now = parts.clock()
    chart = read_chart(call, frozenset(todo.prefetch), parts.terminology, now, todo.analytes)
    answers = answer_all(todo.questions, chart, parts.terminology, parts.regimens)
    verdicts = judge(todo.rules, answers, parts.engine)
    context = CardContext(
        new_id=parts.new_id,
        now=now,
        public_url=parts.settings.public_url,
        terminology=parts.terminology,
    )
    return Decision(render_cards(verdicts, call, parts.rulebook, context), verdicts)
