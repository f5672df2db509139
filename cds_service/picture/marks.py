"""Which chart entries made a rule fire that shows a card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cds_service.engine.verdict import Verdict
from cds_service.facts.answers import Source
from cds_service.rulebook.model import URGENCY, Clause

Marks = Mapping[Source, tuple[str, ...]]


def marks_of(verdicts: Iterable[Verdict]) -> Marks:
    """The rules by what they hold against the order, most urgent first.

    Only what certainly held in the variant that speaks counts, and only for active rules: a
    shadow rule shows no card. A result that a rule only wants not raised ("bilirubin above its
    limit while ALT is not") is no cause of its card.
    """
    found: dict[Source, dict[str, None]] = {}
    fired = [each for each in verdicts if each.outcome == "fires" and each.rule.status == "active"]
    for verdict in sorted(fired, key=_urgency):
        for source in _held(verdict):
            found.setdefault(source, {})[verdict.rule.id] = None
    return {source: tuple(rules) for source, rules in found.items()}


def _urgency(verdict: Verdict) -> tuple[int, str]:
    indicator = verdict.speaking.variant.indicator if verdict.speaking else "info"
    return URGENCY[indicator], verdict.rule.id


def _held(verdict: Verdict) -> Iterable[Source]:
    if verdict.speaking is None:
        return
    for judged in verdict.speaking.clauses:
        if not _wants_not_raised(judged.clause):
            for reading in judged.holding:
                yield from reading.sources


def _wants_not_raised(clause: Clause) -> bool:
    return any(test.field == "times_uln" and test.op in ("lt", "lte") for test in clause.tests)
