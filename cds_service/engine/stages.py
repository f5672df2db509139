"""What happens after every rule is judged for itself.

1. A rule that names another under ``unless_fires`` is silent when that one fires: it says more.
   This holds for a rule that is unknown as well: whatever its answer, it would be silent.
   What fired counts, whether or not it is silenced in turn ("says more" passes along), but a
   shadow rule, which shows no card, silences only other shadow rules.
2. What was left open is gathered into the answer to ``unassessed``: each thing once, with the
   rules that needed it, without what a card of this answer says already.
3. The rules that ask for ``unassessed`` are judged last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from cds_service.engine.verdict import Answers, VariantVerdict, Verdict
from cds_service.facts.answers import Answer, Question, Reading, Source, words_of
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.rulebook.model import Rule

UNASSESSED = Question("unassessed")

_ABSENT = frozenset({Reason.NOT_FOUND, Reason.TOO_OLD, Reason.NOT_RECORDED, Reason.NO_DATE})
_UNANSWERED = frozenset(
    {Reason.NOT_SENT, Reason.NULL, Reason.FAILED, Reason.NOT_ALLOWED, Reason.TRUNCATED}
)

_UNUSABLE = frozenset({Reason.FOREIGN, Reason.UNREADABLE})

# The reasons that say the same of a thing, by each of them.
_FAMILY: Mapping[Reason, frozenset[Reason]] = {
    **{reason: frozenset({reason}) for reason in Reason},
    **dict.fromkeys(_ABSENT, _ABSENT),
    **dict.fromkeys(_UNANSWERED, _UNANSWERED),
}

_Item = tuple[str, Reason, str]
_Topic = tuple[str, frozenset[Reason]]


def complete(
    rules: Sequence[Rule],
    answers: Answers,
    first: Sequence[Verdict],
    judge_rule: Callable[[Rule, Answers], Verdict],
) -> tuple[Verdict, ...]:
    """All verdicts in the order of ``rules``, from the first ones, which are in that order too."""
    verdicts = silence_the_lesser(first)
    everything = _Beside(unassessed(verdicts), answers)
    for place, rule in enumerate(rules):
        if rule.is_last:
            verdicts.insert(place, judge_rule(rule, everything))
    return tuple(verdicts)


class _Beside(dict[Question, Answer]):
    """One answer beside others, which are asked for only when they are needed."""

    def __init__(self, answer: Answer, others: Answers) -> None:
        super().__init__({answer.question: answer})
        self._others = others

    def __missing__(self, question: Question) -> Answer:
        return self._others[question]


def silence_the_lesser(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The same verdicts, silent where another rule that fires says more."""
    firing = {each.rule.id: each.rule for each in verdicts if each.outcome == "fires"}
    return [
        _silenced(each, firing) if each.outcome != "silent" and each.rule.unless_fires else each
        for each in verdicts
    ]


def _silenced(verdict: Verdict, firing: Mapping[str, Rule]) -> Verdict:
    for other in verdict.rule.unless_fires:
        if other in firing and (_shows_card(firing[other]) or not _shows_card(verdict.rule)):
            because = f"{other} fires and says more"
            return replace(verdict, outcome="silent", speaking=None, because=because)
    return verdict


def _shows_card(rule: Rule) -> bool:
    return rule.status != "shadow"


def unassessed(verdicts: Iterable[Verdict]) -> Answer:
    """What no rule could judge and no card says: one reading, never a gap.

    ``show["items"]`` is a list of mappings with ``what``, ``reason``, ``detail`` (words) and
    ``rules`` (ids); ``reasons`` has the same things by reason, as a card tells them; ``names``
    lists the things in words, ``rules`` every rule left open. Shadow rules neither ask nor say
    anything here, because they show no card. Quiet ones do not ask for what did not come, but
    say what came and could not be used: nobody may pass over another patient's data in silence.
    What a rule says aside (a thing that is simply not recorded) stands beside others and never
    alone.
    """
    shown = [each for each in verdicts if each.outcome != "silent" and each.rule.status != "shadow"]
    said = _said_by([each.speaking for each in shown if each.speaking])
    items: dict[_Item, dict[str, Rule]] = {}
    references: dict[str, None] = {}
    for verdict in shown:
        if verdict.outcome != "unknown":
            continue
        rule = verdict.rule
        for unknown in verdict.missing:
            is_heard = rule.left_open != "quiet" or unknown.reason in _UNUSABLE
            if is_heard and _topic(unknown) not in said:
                item = (unknown.what, unknown.reason, unknown.detail)
                items.setdefault(item, {})[rule.id] = rule
                references[unknown.reference] = None
    if all(_is_aside(item, needed_by) for item, needed_by in items.items()):
        items, references = {}, {}
    return Answer(UNASSESSED, (_reading(items, [each for each in references if each]),))


def _is_aside(item: _Item, needed_by: Mapping[str, Rule]) -> bool:
    """Whether it is merely not on file, and no rule needs it that would have it said alone."""
    return item[1] in _ABSENT and all(rule.left_open == "aside" for rule in needed_by.values())


def _reading(items: Mapping[_Item, Mapping[str, Rule]], references: Iterable[str]) -> Reading:
    rules = {id_: rule for needed_by in items.values() for id_, rule in needed_by.items()}
    return Reading(
        fields={
            "count": Interval.exactly(Fraction(len(items))),
            "could_be_critical": any(rule.could_be_critical for rule in rules.values()),
        },
        show={
            "items": [
                {"what": what, "reason": str(reason), "detail": detail, "rules": tuple(needed_by)}
                for (what, reason, detail), needed_by in items.items()
            ],
            "reasons": _by_reason(items),
            "names": tuple(dict.fromkeys(what for what, _, _ in items)),
            "rules": tuple(sorted(rules)),
        },
        sources=tuple(Source(reference) for reference in references),
    )


def _by_reason(items: Iterable[_Item]) -> list[dict[str, object]]:
    """The things missing for each reason, in the order met: ``total bilirubin (none since …)``."""
    things: dict[Reason, list[str]] = {}
    for what, reason, detail in items:
        things.setdefault(reason, []).append(f"{what} ({detail})" if detail else what)
    return [{"reason": str(reason), "things": "; ".join(each)} for reason, each in things.items()]


def _said_by(speaking: Iterable[VariantVerdict]) -> set[_Topic]:
    """The things that cards already name as missing.

    ``show["topics"]`` of a reading says, field by field, what a card names that speaks because of
    that field: a card about an earlier transplant does not say that none is planned.
    """
    said: set[_Topic] = set()
    for judged in [clause for variant in speaking for clause in variant.clauses]:
        for reading in judged.holding:
            topics = words_of(reading).get("topics")
            if isinstance(topics, dict):
                for test in judged.clause.tests:
                    said.update(map(_topic, topics.get(test.field, ())))
    return said


def _topic(unknown: Unknown) -> _Topic:
    """What a sentence is about: "no ALT" and "ALT too old" are one, "ALT search failed" is not."""
    return unknown.what, _FAMILY[unknown.reason]
