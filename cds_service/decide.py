"""One hook call, told top to bottom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http import HTTPStatus
from time import perf_counter

from cds_service.cards.model import Card
from cds_service.cards.quiet import earlier_answers, quieten
from cds_service.cards.render import CardContext, render_cards
from cds_service.engine.docket import Docket
from cds_service.engine.judge import Engine, judge, judge_briefly, questions_of
from cds_service.engine.verdict import Verdict
from cds_service.errors import DataUnavailable
from cds_service.facts.answers import Question
from cds_service.facts.derive import Answered
from cds_service.facts.extract import asked_analytes, read_chart, templates
from cds_service.facts.model import Chart
from cds_service.facts.regimen import Regimen
from cds_service.fhir.completion import Completed, Completer
from cds_service.fhir.hook_call import HookCall
from cds_service.metrics import Metrics
from cds_service.record import card_records, missing_records
from cds_service.rulebook.model import Rule, Rulebook
from cds_service.settings import Settings
from cds_service.store.keyed_hash import KeyedHash
from cds_service.store.port import CardLog
from cds_service.store.records import CallRecord
from cds_service.terminology import Terminology
from cds_service.turns import Turns


@dataclass(frozen=True, slots=True)
class Plan:
    """What a service needs to answer, worked out once: its rules, their questions, the prefetch.

    ``analytes`` are those whose results are read; None reads all.
    """

    rules: tuple[Rule, ...]
    questions: tuple[Question, ...]
    prefetch: Mapping[str, str]
    analytes: frozenset[str] | None = None
    docket: Docket = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare the rules to be judged."""
        object.__setattr__(self, "docket", Docket.of(self.rules))


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts a call is answered with; chosen and joined in ``app.py``.

    ``fhir`` None: nothing is ever fetched. ``rule_hashes`` say by rule id what each rule said.
    ``keyed_hash`` None: no card is ever quiet. ``turns``: whoever answers a call takes one.
    """

    settings: Settings
    rulebook: Rulebook
    terminology: Terminology
    regimens: Mapping[str, Regimen]
    engine: Engine | None
    fhir: Completer | None
    card_log: CardLog
    metrics: Metrics
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    plans: Mapping[str, Plan]
    rule_hashes: Mapping[str, str]
    keyed_hash: KeyedHash | None = None
    turns: Turns = field(default_factory=Turns)

    @property
    def prefetch(self) -> Mapping[str, Mapping[str, str]]:
        """The prefetch templates of each service, by service id."""
        return {service_id: plan.prefetch for service_id, plan in self.plans.items()}


@dataclass(frozen=True, slots=True)
class Judged:
    """A call with everything that could be had, its chart, and the verdict of every rule on it."""

    completed: Completed
    chart: Chart
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a call: cards, most urgent first, every verdict behind them, what is kept."""

    cards: tuple[Card, ...]
    verdicts: tuple[Verdict, ...]
    record: CallRecord | None = None


def plan(hook: str, rulebook: Rulebook, terminology: Terminology) -> Plan:
    """Work out what a hook's rules ask and which prefetch answers it."""
    rules = rulebook.for_hook(hook)
    questions = questions_of(rules)
    return Plan(rules, questions, templates(questions, terminology), asked_analytes(questions))


def decide(call: HookCall, parts: Parts, call_id: str) -> Decision:
    """Answer one hook call, and keep what was answered under ``call_id``.

    Raises:
        DataUnavailable: when the patient, or every order, cannot be read at all.
    """
    begun, now = perf_counter(), parts.clock()
    try:
        judged = judge_call(call, parts, now, briefly=True)
    except DataUnavailable:
        parts.card_log.record(_record(call, parts, call_id, now, begun, None, ()))
        raise
    with parts.metrics.phase("render"):
        context = _card_context(parts, now)
        cards = render_cards(judged.verdicts, judged.completed.call, parts.rulebook, context)
    with parts.metrics.phase("quiet"):
        earlier = earlier_answers(cards, parts.card_log, _quiet_hours(call, parts), now)
        cards = quieten(cards, call, earlier, parts.rulebook, context)
    with parts.metrics.phase("record"):
        record = _record(call, parts, call_id, now, begun, judged, cards)
        parts.card_log.record(record)
    for card in cards:
        parts.metrics.card(card.rule_id, card.indicator, card.shown_as)
    shown = tuple(card for card in cards if card.shown_as != "left out")
    return Decision(shown, judged.verdicts, record)


def judge_call(call: HookCall, parts: Parts, now: datetime, *, briefly: bool = False) -> Judged:
    """Fetch what was not sent, read the chart, and judge every rule of the service.

    ``briefly``: with the same outcomes, but what no card needs has no clauses.

    Raises:
        DataUnavailable: when the patient, or every order, cannot be read at all.
    """
    todo, metrics = parts.plans[call.service_id], parts.metrics
    with metrics.phase("fetch"):
        completed = _completed(call, todo, parts)
    for result in completed.fetched.values():
        metrics.fetch(result)
    with metrics.phase("read"):
        keys = frozenset(todo.prefetch)
        chart = read_chart(completed.call, keys, parts.terminology, now, todo.analytes)
    judging = partial(judge_briefly, todo.docket) if briefly else partial(judge, todo.rules)
    with metrics.phase("judge"):
        verdicts = judging(
            Answered(chart, parts.terminology, parts.regimens),
            parts.engine,
            on_disagreement=metrics.disagreement,
            on_failure=metrics.engine_failure,
        )
    return Judged(completed, chart, verdicts)


def _completed(call: HookCall, todo: Plan, parts: Parts) -> Completed:
    if parts.fhir is None or not call.fhir_server:
        return Completed(call)
    with parts.turns.aside():
        return parts.fhir.complete(call, todo.prefetch)


def _card_context(parts: Parts, now: datetime) -> CardContext:
    return CardContext(
        parts.new_id, now, parts.settings.public_url, parts.terminology, parts.keyed_hash
    )


def _quiet_hours(call: HookCall, parts: Parts) -> int:
    own = call.client.quiet_hours
    return parts.settings.quiet_hours if own is None else own


def _record(
    call: HookCall,
    parts: Parts,
    call_id: str,
    now: datetime,
    begun: float,
    judged: Judged | None,
    cards: tuple[Card, ...],
) -> CallRecord:
    """The call as the card log keeps it; ``judged`` None: it could not be."""
    verdicts = judged.verdicts if judged else ()
    missing = missing_records(verdicts)
    for reason, times in Counter(each.reason for each in missing).items():
        parts.metrics.unknown(reason, times)
    return CallRecord(
        id=call_id,
        at=now,
        client=call.client.name,
        tenant=call.tenant,
        service_id=call.service_id,
        hook=call.hook,
        hook_instance=call.hook_instance,
        profile=call.profile,
        rulebook=parts.rulebook.sha256,
        status=int(HTTPStatus.OK if judged else HTTPStatus.PRECONDITION_FAILED),
        milliseconds=round((perf_counter() - begun) * 1000),
        verdicts={each.rule.id: each.outcome for each in verdicts},
        missing=missing,
        fetched=judged.completed.fetched if judged else {},
        cards=card_records(cards, parts.rule_hashes),
    )
