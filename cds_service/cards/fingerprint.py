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

import msgspec

from cds_service.cards.drafts import Drafts
from cds_service.engine.verdict import VariantVerdict
from cds_service.facts.answers import Reading, words_of
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
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
_quick = msgspec.json.Encoder(order="sorted", decimal_format="string").encode
_spaced = msgspec.json.format
_DELETE = b"\x7f"
_NONE: frozenset[str] = frozenset()
_PLAIN = frozenset({str, bool, int, type(None)})
"""What is told as it is."""
_REASONS = {reason: repr(reason) for reason in Reason}

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
            for resource in _with_ids(ids, sent):
                reference = f"{resource.get('resourceType')}/{resource['id']}"
                self._resources.setdefault(reference, []).append(resource)
        self._contents: dict[str, str] = {}
        self._readings: dict[tuple[object, ...], str] = {}

    def of(self, speaking: Speaking, references: Set[str]) -> str:
        """64 hexadecimal digits.

        ``speaking`` are the card's own rule and those that amend it, ``references`` the resources
        it was read from and the drafts it is about.
        """
        told = sorted(
            [
                f"{rule.id} {rule.version} {because} {self._told(each)}"
                for rule, each, because in speaking
            ]
        )
        told += [
            self._contents.get(reference) or self._content(reference)
            for reference in sorted(references)
        ]
        return sha256("\n".join(told).encode("utf-8", "surrogatepass")).hexdigest()

    def _content(self, reference: str) -> str:
        """The resource as text; one that was sent more than once reads the same each time."""
        passing = _TECHNICAL | _REWRITTEN if reference in self._drafts else _TECHNICAL
        copies = {_text(each, passing) for each in self._resources.get(reference, ())}
        content = self._contents[reference] = f"{reference} {sorted(copies)}"
        return content

    def _told(self, verdict: VariantVerdict) -> str:
        """The variant with its clauses: another variant says something else."""
        clauses = [
            each.clause.name + self._holding(each.clause.question.kind, each.holding)
            for each in verdict.clauses
        ]
        return f"{verdict.variant.name} {' '.join(clauses)}"

    def _holding(self, kind: str, readings: tuple[Reading, ...]) -> str:
        """The readings as text; several rules look at the same ones, which outlive this."""
        known = (kind, *map(id, readings))
        text = self._readings.get(known)
        if text is None:
            text = str(sorted([_reading(kind, each) for each in readings]))
            self._readings[known] = text
        return text


def _with_ids(ids: Set[str], sent: object) -> list[Mapping[str, Any]]:
    """The resources with one of these ids in a value that was sent."""
    try:
        return _in_plain_bundle(ids, sent)
    except (LookupError, TypeError):
        resources = [entry.resource for entry in entries_in(sent)]
        return [each for each in resources if isinstance(id_ := each.get("id"), str) and id_ in ids]


def _in_plain_bundle(ids: Set[str], bundle: Any) -> list[Mapping[str, Any]]:
    """The same of a Bundle in which every entry is a resource of its own with an id.

    Raises:
        LookupError, TypeError: for anything else.
    """
    found = []
    if bundle["resourceType"] != "Bundle" or type(bundle["entry"]) is not list:
        raise TypeError("no Bundle with entries")
    for entry in bundle["entry"]:
        resource = entry["resource"]
        if resource["id"] in ids:
            found.append(resource)
        if resource["resourceType"] in _HOLDERS:
            raise TypeError("holds other resources, or none")
    return found


_HOLDERS = frozenset({"Bundle", "OperationOutcome"})


def _text(resource: Mapping[str, Any], passing: frozenset[str]) -> str:
    lasting = {name: value for name, value in resource.items() if name not in passing}
    return _in_ascii(lasting) or _SORTED(lasting)


def _in_ascii(lasting: Mapping[str, Any]) -> str:
    """The JSON that the standard library writes, in a quarter of the time.

    Empty where the two would spell something differently.
    """
    try:
        text = _quick(lasting)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return ""
    if not text.isascii() or _DELETE in text:
        return ""
    return _spaced(text, indent=0).decode()


def _reading(kind: str, reading: Reading) -> str:
    passing = PASSING.get(kind, _NONE)
    found, show = reading.fields, words_of(reading)
    fields = [f"{name}={_value(found[name])}" for name in sorted(found) if name not in passing]
    words = [
        f"{word}={value!r}" if type(value := show[word]) in _PLAIN else f"{word}={_value(value)}"
        for word in _WORDS[kind]
        if word in show
    ]
    sources = sorted({source.reference for source in reading.sources})
    return f"{fields}{words}{sources}"


def _value(value: object) -> str:
    """The value in words, members of a collection sorted; equal values have equal words."""
    if type(value) in _PLAIN:
        return f"{value!r}"
    if isinstance(value, Interval):
        lo = f"{value.lo}"
        hi = lo if value.hi is value.lo else f"{value.hi}"
        return f"({lo} {hi} {value.lo_open} {value.hi_open})"
    if isinstance(value, dict):
        members = sorted(
            [
                f"{name!r}:{inner!r}" if type(inner) in _PLAIN else f"{name!r}:{_value(inner)}"
                for name, inner in value.items()
            ]
        )
        return f"{{{','.join(members)}}}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"[{','.join(sorted(map(_value, value)))}]"
    return _unknown(value) if isinstance(value, Unknown) else repr(value)


def _unknown(gap: Unknown) -> str:
    """What ``repr`` says of it, in a fifth of the time."""
    return (
        f"Unknown(what={gap.what!r}, reason={_REASONS[gap.reason]}, detail={gap.detail!r}, "
        f"reference={gap.reference!r}, plainly={gap.plainly!r})"
    )
