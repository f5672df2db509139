"""What a card was read from, as a hash: the same until something changes.

It holds, for every clause of the card, the references, values, units, dates and words of the
readings that hold, and the orders the card is about. It holds nothing that changes merely because
time passes, and nothing that depends on the order in which resources were sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from cds_service.engine.verdict import ClauseVerdict, VariantVerdict
from cds_service.facts.answers import Reading
from cds_service.facts.interval import Interval
from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.model import Rule

PASSING: Mapping[str, frozenset[str]] = {
    # An order signed after it was selected is the same order.
    "setting": frozenset({"hook"}),
    "patient": frozenset({"age"}),
    # Where no day is written, an order is for today; its place in the cycle follows from that.
    "order": frozenset({"day", "cycle_text"}),
    "exposure": frozenset({"days_since_last"}),
    "lab": frozenset({"days_ago", "age"}),
    "drugs": frozenset({"days_ahead"}),
    "transplant": frozenset({"days_ahead", "days_since"}),
    "condition": frozenset({"days_since_abatement", "days_since_noted"}),
    "finding": frozenset({"days_ago"}),
    "dose_ordered": frozenset({"days_since_last", "date", "cycle_text"}),
    "schedule": frozenset(
        {"days_since_last", "days_since_day_one", "date", "days", "cycle_days", "cycle_text"}
    ),
    "blood_count": frozenset({"days_low", "age"}),
    "premedication": frozenset({"day"}),
    "qtc": frozenset({"days_ago", "age"}),
    "hold": frozenset({"days"}),
}
"""By kind of question, the fields and words of a reading that depend on the moment it is asked."""

_BOOKKEEPING = frozenset(
    {"authoredOn", "encounter", "identifier", "implicitRules", "language", "meta", "recorder"}
    | {"requester", "status", "text"}
)
"""Elements of an order that an EHR may write anew at every step without changing the order."""


def fingerprint(
    speaking: Iterable[tuple[Rule, VariantVerdict]], orders: Iterable[Mapping[str, Any]]
) -> str:
    """The hash of a card's facts: 64 hexadecimal digits.

    ``speaking`` are the card's own rule and those that amend it, ``orders`` the drafts it is about.
    """
    told = (
        *sorted(f"{rule.id} {rule.version} {_told(each)}" for rule, each in speaking),
        *sorted(_order(order) for order in orders),
    )
    return sha256("\n".join(told).encode("utf-8", "surrogatepass")).hexdigest()


def _told(verdict: VariantVerdict) -> str:
    """The variant with its clauses: another variant says something else."""
    return f"{verdict.variant.name} {' '.join(map(_clause, verdict.clauses))}"


def _clause(verdict: ClauseVerdict) -> str:
    kind = verdict.clause.question.kind
    readings = sorted(_reading(kind, reading) for reading in verdict.holding)
    return f"{verdict.clause.name}{readings}"


def _reading(kind: str, reading: Reading) -> str:
    passing = PASSING.get(kind, frozenset())
    fields = [
        f"{name}={_value(value)}"
        for name, value in sorted(reading.fields.items())
        if name not in passing
    ]
    words = [
        f"{word}={_value(reading.show[word])}"
        for word in KINDS[kind].show
        if word in reading.show and word not in passing
    ]
    sources = sorted({source.reference for source in reading.sources})
    return f"{fields}{words}{sources}"


def _order(order: Mapping[str, Any]) -> str:
    kept = {name: order[name] for name in order.keys() - _BOOKKEEPING}
    return _value(kept)


def _value(value: object) -> str:
    """The value in words, members of a collection sorted; equal values have equal words."""
    if isinstance(value, Interval):
        return f"({value.lo} {value.hi} {value.lo_open} {value.hi_open})"
    if isinstance(value, dict):
        members = sorted(f"{name!r}:{_value(inner)}" for name, inner in value.items())
        return f"{{{','.join(members)}}}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"[{','.join(sorted(map(_value, value)))}]"
    return repr(value)
