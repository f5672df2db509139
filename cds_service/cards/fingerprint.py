"""What a card was read from, as a text to be hashed: the same until something changes.

It holds, for every clause of the card, the values and words of the readings that hold; and whole
the resources these were read from and the orders the card is about. It holds nothing that changes
merely because time passes, and nothing that depends on the order in which resources were sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Set
from fractions import Fraction
from hashlib import sha256
from typing import Any

import msgspec

from cds_service.cards.drafts import Drafts
from cds_service.engine.verdict import VariantVerdict
from cds_service.facts.answers import Reading, words_of
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

_NONE: frozenset[str] = frozenset()
_PLAIN = frozenset({str, bool, int, type(None)})
"""What is told as it is."""

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
        self._readings: dict[tuple[str, int], str] = {}

    def of(self, speaking: Speaking, references: Set[str]) -> str:
        """A line for each rule, each reading that holds and each resource.

        ``speaking`` are the card's own rule and those that amend it, ``references`` the resources
        it was read from and the drafts it is about. It speaks of the patient: hash it with a key.
        """
        told = sorted([self._told(*each) for each in speaking])
        known = self._contents
        told += [known.get(each) or self._content(each) for each in sorted(references)]
        return "\n".join(told)

    def _content(self, reference: str) -> str:
        """A hash of the resource; one that was sent more than once reads the same each time."""
        passing = _TECHNICAL | _REWRITTEN if reference in self._drafts else _TECHNICAL
        copies = {
            _text({name: value for name, value in each.items() if name not in passing})
            for each in self._resources.get(reference, ())
        }
        whole = "\n".join(sorted(copies)).encode()
        content = self._contents[reference] = f"{reference} {sha256(whole).hexdigest()}"
        return content

    def _told(self, rule: Rule, verdict: VariantVerdict, because: str) -> str:
        """The variant with its clauses: another variant says something else."""
        lines = [f"{rule.id} {rule.version} {verdict.variant.name} {because}"]
        for each in verdict.clauses:
            kind, readings = each.clause.question.kind, each.holding
            lines.append(each.clause.name)
            if len(readings) == 1:
                lines.append(self._reading(kind, readings[0]))
            else:
                lines += sorted([self._reading(kind, one) for one in readings])
        return "\n".join(lines)

    def _reading(self, kind: str, reading: Reading) -> str:
        """The reading as text; several rules look at the same ones, which outlive this."""
        known = kind, id(reading)
        text = self._readings.get(known)
        if text is None:
            text = self._readings[known] = _reading(kind, reading)
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


def _reading(kind: str, reading: Reading) -> str:
    """What lasts of its fields and words, and where it was read, on one line.

    A field or word that is a number stays one, and so for every other type; an interval or a gap
    is told as the mapping of its fields, a date as its text.
    """
    found, show, passing = reading.fields, words_of(reading), PASSING.get(kind, _NONE)
    fields = {name: found[name] for name in found if name not in passing}
    words = {
        word: value if type(value := show[word]) in _PLAIN else _in_one_order(value)
        for word in _WORDS[kind]
        if word in show
    }
    return _text([fields, words, sorted({source.reference for source in reading.sources})])


def _in_one_order(value: object) -> object:
    """The same with the members of a collection, and of those in it, sorted."""
    if isinstance(value, dict):
        return {
            name: each if type(each) in _PLAIN else _in_one_order(each)
            for name, each in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        members = [each if type(each) in _PLAIN else _in_one_order(each) for each in value]
        return sorted(members, key=_text) if members[1:] else members
    return value


def _text(value: object) -> str:
    """The value as JSON on one line, names sorted; values that differ have texts that differ."""
    try:
        return _json(value).decode()
    except UnicodeEncodeError:
        # One half of a surrogate pair; it can only be written as an escape.
        return _in_ascii(value)


def _bare(number: Fraction) -> msgspec.Raw:
    """As it is, which is like no text: ``1/3``."""
    return msgspec.Raw(f"{number}".encode())


_json = msgspec.json.Encoder(enc_hook=_bare, decimal_format="number", order="sorted").encode
_in_ascii = json.JSONEncoder(sort_keys=True, default=repr).encode
