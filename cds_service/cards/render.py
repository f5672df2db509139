"""Verdicts become cards, most urgent first.

One card for each active rule that fires. A rule that amends another adds its words to that card
instead of showing its own. No card is ever lost to a fault in its text: it is then told plainly.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from cds_service.cards.context import CardContext
from cds_service.cards.dialect import dialect_of
from cds_service.cards.drafts import Drafts, concerned, drafts_of
from cds_service.cards.fine_print import evaluated, fine_print
from cds_service.cards.fingerprint import Fingerprints, Speaking
from cds_service.cards.model import Card, Link
from cds_service.cards.suggestions import Offers
from cds_service.cards.templates import SUMMARY_LIMIT, CardTextError, Spoken, speak
from cds_service.cards.text import clipped, escaped, flat
from cds_service.cards.words import Words, printed, worst_first
from cds_service.engine.verdict import ClauseVerdict, VariantVerdict, Verdict
from cds_service.facts.cheap import cheap_dataclass
from cds_service.fhir.hook_call import HookCall
from cds_service.rulebook.model import URGENCY, Rule, Rulebook

__all__ = ["CardContext", "render_cards", "render_summary"]

_log = logging.getLogger(__name__)


@cheap_dataclass(frozen=True, slots=True)
class _Told:
    """A rule that fires and will be seen, with its words and those of the rules amending it."""

    rule: Rule
    speaking: VariantVerdict
    words: Spoken
    because: str
    amendments: list[_Told] = field(default_factory=list)

    @property
    def all(self) -> tuple[_Told, ...]:
        """This rule first, then everything that was added to its card."""
        if not self.amendments:
            return (self,)
        return (self, *(each for amendment in self.amendments for each in amendment.all))


@cheap_dataclass(frozen=True, slots=True)
class _Grounded:
    """A card's rule with those amending it, the drafts it is about, and what it was read from."""

    told: tuple[_Told, ...]
    orders: tuple[str, ...]
    facts: tuple[str, ...]


def render_cards(
    verdicts: Sequence[Verdict], call: HookCall, rulebook: Rulebook, context: CardContext
) -> tuple[Card, ...]:
    """The cards of a call: critical, then warning, then info.

    Within one urgency the more specific rule (with more clauses) comes first, what could not be
    assessed comes last, and otherwise the order of the verdicts stays.
    """
    told = amended(
        [
            _tell(verdict, call)
            for verdict in verdicts
            if verdict.outcome == "fires" and verdict.rule.status == "active"
        ]
    )
    drafts = drafts_of(call)
    grounded = [_grounded(each, verdicts, drafts, call) for each in sorted(told, key=_place)]
    keys = _answer_keys(grounded, drafts, call, context)
    make = _Cards(call, drafts, rulebook, context)
    return tuple(make.card(each, key) for each, key in zip(grounded, keys, strict=True))


def _grounded(
    told: _Told, verdicts: Sequence[Verdict], drafts: Drafts, call: HookCall
) -> _Grounded:
    every = told.all
    clauses = [clause for each in every for clause in each.speaking.clauses]
    about = _left_open(verdicts) if told.rule.is_last else clauses
    return _Grounded(every, tuple(concerned(about, drafts, call)), _sources(clauses))


def _left_open(verdicts: Iterable[Verdict]) -> Iterable[ClauseVerdict]:
    """Clauses of rules that have no answer: they hold the orders it is missed for.

    Of those that hold the same readings, as many do, the first.
    """
    found: dict[int, ClauseVerdict] = {}
    for verdict in verdicts:
        if verdict.outcome == "unknown":
            for variant in verdict.variants:
                for clause in variant.clauses:
                    for reading in clause.holding:
                        found.setdefault(id(reading), clause)
    return found.values()


def render_summary(
    verdict: Verdict, context: CardContext, *, hook: str = "", profile: str = "US"
) -> str:
    """The sentence a firing rule shows, for the rule's own cases.

    The detail is filled in too, so that a case finds its faults; ``hook`` is the rule's first
    when not given.

    Raises:
        CardTextError: when a template names what is not there.
        ValueError: when the rule does not fire.
    """
    return speak(verdict, hook=hook or verdict.rule.hooks[0], profile=profile).summary


def _tell(verdict: Verdict, call: HookCall) -> _Told:
    if verdict.speaking is None:
        raise ValueError(f"{verdict.rule.id} fires without a variant that speaks")
    words = _words(verdict, verdict.speaking, call)
    return _Told(verdict.rule, verdict.speaking, words, verdict.because)


def _words(verdict: Verdict, speaking: VariantVerdict, call: HookCall) -> Spoken:
    try:
        return speak(verdict, hook=call.hook, profile=call.profile)
    except CardTextError:
        # The error's own words could repeat a template, never the chart; the rule says enough.
        _log.error("card text failed", extra={"rule": verdict.rule.id})
        return _plainly(verdict.rule, speaking)


def _plainly(rule: Rule, speaking: VariantVerdict) -> Spoken:
    """The rule's title and the facts it holds, when its own text cannot be made."""
    facts = [f"- {line}" for line in _facts(speaking.clauses)]
    lines = ["The text of this card could not be made. What the rule found:", "", *facts]
    return Spoken(clipped(flat(rule.title), SUMMARY_LIMIT), "\n".join(lines))


def _facts(clauses: Iterable[ClauseVerdict]) -> Iterator[str]:
    for clause in clauses:
        for reading in worst_first(clause.holding):
            shown = ", ".join(_printable(reading.show))
            yield escaped(clause.clause.name.replace("_", " ")) + (f": {shown}" if shown else "")


def _printable(show: Mapping[str, object]) -> Iterator[str]:
    words = Words(show)
    for word in words:
        try:
            text = printed(words[word])
        except (TypeError, ValueError):
            continue
        if text:
            yield f"{escaped(word)} {escaped(clipped(text, SUMMARY_LIMIT))}"


def amended(told: Sequence[_Told]) -> list[_Told]:
    """Those that show a card, each with the rules that add to it instead of showing their own."""
    cards = {each.rule.id: each for each in told}
    amending: set[str] = set()
    for each in told:
        others = [other for other in each.rule.amends if other in cards and other != each.rule.id]
        if others and others[0] not in amending:
            cards[others[0]].amendments.append(each)
            amending.add(each.rule.id)
    return [each for each in told if each.rule.id not in amending and not each.rule.amends_only]


def _place(told: _Told) -> tuple[int, bool, int]:
    unassessed = told.rule.is_last or "-DATA-" in told.rule.id
    return URGENCY[told.speaking.variant.indicator], unassessed, -len(told.speaking.clauses)


class _Cards:
    """The cards of one call, with what is the same on all of them."""

    def __init__(
        self, call: HookCall, drafts: Drafts, rulebook: Rulebook, context: CardContext
    ) -> None:
        self._offers = Offers(call, drafts, rulebook, context)
        self._dialect = dialect_of(call.client)
        self._has_extension = call.client.card_extension
        self._new_id = context.new_id
        self._rules_url = f"{context.public_url.rstrip('/')}/rules/"
        self._evaluated = context.now.isoformat(timespec="seconds")
        self._evaluated_in_words = evaluated(context.now)

    def card(self, grounded: _Grounded, answer_key: str) -> Card:
        """The card of what was told; its key is empty where nothing is kept."""
        told = grounded.told[0]
        rule, speaking = told.rule, told.speaking
        citation = rule.cited_by(speaking.variant)
        uuid, dialect = self._new_id(), self._dialect
        offered = self._offers.of(rule, speaking)
        return Card(
            uuid=uuid,
            summary=told.words.summary,
            detail=_detail(grounded.told, dialect.advice(offered), self._evaluated_in_words),
            indicator=speaking.variant.indicator,
            source_label=citation.label,
            source_url=citation.url,
            rule_id=rule.id,
            rule_title=rule.title,
            rule_version=rule.version,
            suggestions=dialect.buttons(offered, self._new_id),
            override_reasons=rule.override_reasons,
            links=(Link("Rule, sources and limits", self._rules_url + rule.id),),
            orders=grounded.orders,
            facts=grounded.facts,
            evaluated=self._evaluated,
            selection_behavior=dialect.selection_behavior,
            has_extension=self._has_extension,
            answer_key=answer_key,
        )


def _answer_keys(
    grounded: Sequence[_Grounded], drafts: Drafts, call: HookCall, context: CardContext
) -> list[str]:
    """A key for each card: who was told about whom, what, and on what grounds.

    The patient cannot be read from it. Where nothing is kept all are empty.
    """
    keyed_hash = context.keyed_hash
    if keyed_hash is None:
        return ["" for _ in grounded]
    references = [{*each.facts, *each.orders} for each in grounded]
    fingerprints = Fingerprints(call, drafts, set().union(*references))
    told_to = keyed_hash.after(call.client.name, call.tenant, call.patient_id)
    return [
        told_to.of_parts(each.told[0].rule.id, fingerprints.of(_speaking(each), behind))
        for each, behind in zip(grounded, references, strict=True)
    ]


def _speaking(grounded: _Grounded) -> Speaking:
    return [(each.rule, each.speaking, each.because) for each in grounded.told]


def _detail(told: Sequence[_Told], advice: str, when: str) -> str:
    """The rule's words, those added to it, advice and the fine print, as paragraphs."""
    paragraphs = [told[0].words.detail]
    for amendment in told[1:]:
        paragraphs += [f"**{escaped(amendment.words.summary)}**", amendment.words.detail]
    paragraphs += [escaped(f"Check this by hand: {each.because}.") for each in told if each.because]
    paragraphs += [advice, fine_print([(each.rule, each.speaking) for each in told], when)]
    return "\n\n".join([words for each in paragraphs if (words := each.strip())])


def _sources(clauses: Iterable[ClauseVerdict]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for clause in clauses:
        for reading in clause.holding:
            for source in reading.sources:
                if source.reference:
                    found[source.reference] = None
    return tuple(found)
