"""What a card was read from, as a hash: the same until something changes.

It holds, for every clause of the card, the values and words of the readings that hold; and whole
the resources these were read from and the orders the card is about. It holds nothing that changes
merely because time passes, and nothing that depends on the order in which resources were sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Set
from hashlib import sha256
from typing import Any

from cds_service.cards.drafts import Drafts
from cds_service.engine.verdict import ClauseVerdict, VariantVerdict
from cds_service.facts.answers import Reading
from cds_service.facts.interval import Interval
from cds_service.facts.vocabulary import KINDS
from cds_service.fhir.bundle import entries_in
from cds_service.fhir.hook_call import HookCall
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

_WORDS = {
    kind: tuple(word for word in each.show if word not in PASSING.get(kind, ()))
    for kind, each in KINDS.items()
}
"""By kind of question, the words of a reading that last."""

_TECHNICAL = frozenset({"meta", "text", "implicitRules", "language"})
_REWRITTEN = frozenset({"authoredOn", "encounter", "identifier", "recorder", "requester", "status"})
"""Elements of a draft that an EHR may write anew at every step without changing the order."""

_SORTED = json.JSONEncoder(sort_keys=True, default=str).encode

Speaking = Iterable[tuple[Rule, VariantVerdict, str]]
"""The rules of a card, the variant of each that speaks, and what is to be checked by hand."""


class Fingerprints:
    """The fingerprints of the cards of one call, over the resources that came with it.

    ``behind`` are the references of all resources that any of the cards was read from or is about.
    """

    def __init__(self, call: HookCall, drafts: Drafts, behind: Set[str]) -> None:
        self._drafts = drafts
        self._resources: dict[str, list[Mapping[str, Any]]] = {}
        ids = {reference.partition("/")[2] for reference in behind}
        for sent in (call.draft_orders, *call.prefetch.values()):
            for entry in entries_in(sent):
                id_ = entry.resource.get("id")
                if isinstance(id_, str) and id_ in ids:
                    reference = f"{entry.resource.get('resourceType')}/{id_}"
                    self._resources.setdefault(reference, []).append(entry.resource)
        self._contents: dict[str, str] = {}
        self._readings: dict[tuple[object, ...], str] = {}

    def of(self, speaking: Speaking, references: Set[str]) -> str:
        """64 hexadecimal digits.

        ``speaking`` are the card's own rule and those that amend it, ``references`` the resources
        it was read from and the drafts it is about.
        """
        told = (
            *sorted(
                f"{rule.id} {rule.version} {because} {self._told(each)}"
                for rule, each, because in speaking
            ),
            *(self._content(reference) for reference in sorted(references)),
        )
        return sha256("\n".join(told).encode("utf-8", "surrogatepass")).hexdigest()

    def _content(self, reference: str) -> str:
        """The resource as text; one that was sent more than once reads the same each time."""
        if reference not in self._contents:
            passing = _TECHNICAL | (_REWRITTEN if reference in self._drafts else frozenset())
            copies = {_text(each, passing) for each in self._resources.get(reference, ())}
            self._contents[reference] = f"{reference} {sorted(copies)}"
        return self._contents[reference]

    def _told(self, verdict: VariantVerdict) -> str:
        """The variant with its clauses: another variant says something else."""
        return f"{verdict.variant.name} {' '.join(map(self._clause, verdict.clauses))}"

    def _clause(self, verdict: ClauseVerdict) -> str:
        return verdict.clause.name + self._holding(verdict.clause.question.kind, verdict.holding)

    def _holding(self, kind: str, readings: tuple[Reading, ...]) -> str:
        """The readings as text; several rules look at the same ones, which outlive this."""
        known = (kind, *map(id, readings))
        if known not in self._readings:
            self._readings[known] = str(sorted(_reading(kind, each) for each in readings))
        return self._readings[known]


def _text(resource: Mapping[str, Any], passing: frozenset[str]) -> str:
    return _SORTED({name: value for name, value in resource.items() if name not in passing})


def _reading(kind: str, reading: Reading) -> str:
    passing = PASSING.get(kind, frozenset())
    fields = [
        f"{name}={_value(value)}"
        for name, value in sorted(reading.fields.items())
        if name not in passing
    ]
    show = reading.show
    words = [f"{word}={_value(show[word])}" for word in _WORDS[kind] if word in show]
    sources = sorted({source.reference for source in reading.sources})
    return f"{fields}{words}{sources}"


def _value(value: object) -> str:
    """The value in words, members of a collection sorted; equal values have equal words."""
    if isinstance(value, (str, bool)):
        return repr(value)
    if isinstance(value, Interval):
        return f"({value.lo} {value.hi} {value.lo_open} {value.hi_open})"
    if isinstance(value, dict):
        members = sorted(f"{name!r}:{_value(inner)}" for name, inner in value.items())
        return f"{{{','.join(members)}}}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"[{','.join(sorted(map(_value, value)))}]"
    return repr(value)
