"""What a prefetch value says: the resources in it, and whether it answers its search completely."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from types import NoneType
from typing import NamedTuple

from cds_service.fhir.peek import Resource, at, codings_of, each, text_at

NOT_ALLOWED_CODES = frozenset({"forbidden", "security", "login", "suppressed", "expired"})
"""Issue types of an OperationOutcome that speak of rights, not of a failure."""


class State(Enum):
    """How a search or read was answered. Only ``ANSWERED`` lets absence mean "none"."""

    ANSWERED = auto()
    NOT_SENT = auto()
    NULL = auto()
    NOT_FOUND = auto()
    FAILED = auto()
    NOT_ALLOWED = auto()
    TRUNCATED = auto()
    UNREADABLE = auto()


class Entry(NamedTuple):
    """A resource and the address its Bundle gives it, empty when it gives none."""

    resource: Resource
    full_url: str = ""


def only_type_in(value: object) -> str | None:
    """The type of all resources of a Bundle with nothing in it but those; empty if it has none.

    None for any other value: that has to be looked at closely.
    """
    if type(value) is not dict or value.get("resourceType") != "Bundle":
        return None
    entries = value.get("entry")
    if entries is None or entries == []:
        return ""
    if type(entries) is not list:
        return None
    try:
        only = entries[0]["resource"]["resourceType"]
        for entry in entries:
            if entry["resource"]["resourceType"] != only or "response" in entry:
                return None
    except (TypeError, KeyError):  # No object, or one without a resource or a type.
        return None
    return only if type(only) is str and only not in _NOT_ONE else None


_NOT_ONE = frozenset({"", "Bundle", "OperationOutcome"})
"""What a resource may say its type is without being one resource that counts."""


def entries_in(value: object) -> list[Entry]:
    """Every resource in a value of any kind, Bundles in Bundles included, outcomes excluded."""
    return list(map(entry_of, sent_entries(value)))


def entry_of(sent: Resource) -> Entry:
    """An entry as it was sent, which holds a resource."""
    url = sent.get("fullUrl")
    return Entry(sent["resource"], url.strip() if type(url) is str else "")


def sent_entries(value: object) -> list[Resource]:
    """The same as ``entries_in``, each entry as it was sent."""
    found: list[Resource] = []
    # Work waits in a list: Bundles may nest deeper than Python's call stack.
    waiting: list[Iterator[object]] = [iter(({"resource": value},))]
    while waiting:
        for entry in waiting[-1]:
            if type(entry) is not dict:
                continue
            one = entry.get("resource")
            if type(one) is dict:
                resource_type = one.get("resourceType")
                if resource_type == "Bundle":
                    waiting.append(each(one, "entry"))
                    break
                if resource_type != "OperationOutcome":
                    found.append(entry)
            elif type(one) is list:
                waiting.append(iter([{"resource": item} for item in one]))
                break
        else:
            waiting.pop()
    return found


def broken_entries(value: object) -> list[str]:
    """The places of a Bundle's entries that hold something else than a resource.

    An entry without any resource is an answer's empty slot, not a broken one.
    """
    entries = value.get("entry") if isinstance(value, dict) else None
    return [
        f"entry {number}"
        for number, entry in enumerate(entries if isinstance(entries, list) else ())
        if entry is not None
        and (
            type(entry) is not dict
            or ("resource" in entry and type(entry["resource"]) not in (dict, NoneType))
        )
    ]


def state_of_search(value: object, resource_type: str, only: str | None = None) -> State:
    """How a search for a type was answered by a value that was sent.

    ``only`` is what ``only_type_in`` says of it, where that is known already.
    """
    if value is None:
        return State.NULL
    if (only_type_in(value) if only is None else only) in ("", resource_type):
        entries = at(value, "entry")
        sent = len(entries) if isinstance(entries, list) else 0
        return State.TRUNCATED if _is_partial(value, sent) else State.ANSWERED
    if refused := _refusal(value):
        return refused
    if at(value, "resourceType") == "OperationOutcome":
        return State.FAILED
    if at(value, "resourceType") != "Bundle" or not isinstance(at(value, "entry"), list | None):
        return State.UNREADABLE
    types = [entry.resource.get("resourceType") for entry in entries_in(value)]
    if types and resource_type not in types:
        return State.UNREADABLE
    return State.TRUNCATED if _is_partial(value, len(types)) else State.ANSWERED


def state_of_read(value: object, resource_type: str) -> State:
    """How a read of one resource was answered by a value that was sent."""
    if value is None:
        return State.NOT_FOUND
    if refused := _refusal(value):
        return refused
    if any(entry.resource.get("resourceType") == resource_type for entry in entries_in(value)):
        return State.ANSWERED
    return State.FAILED if at(value, "resourceType") == "OperationOutcome" else State.UNREADABLE


def _is_partial(bundle: object, sent: int) -> bool:
    """Whether there is a next page, or fewer resources were sent than were found."""
    if any(text_at(link, "relation") == "next" for link in each(bundle, "link")):
        return True
    total = at(bundle, "total")
    return isinstance(total, int) and total > sent


def _refusal(value: object) -> State | None:
    """The state when an outcome in the value says the search did not succeed.

    Only issues of severity error or fatal count: a warning beside an empty result ("no results")
    is how Epic answers a search that found nothing.
    """
    issues = [issue for outcome in _outcomes(value) for issue in each(outcome, "issue")]
    bad = [issue for issue in issues if text_at(issue, "severity") in ("error", "fatal")]
    if not bad:
        return None
    return State.NOT_ALLOWED if any(map(_is_about_rights, bad)) else State.FAILED


def _is_about_rights(issue: Resource) -> bool:
    codes = [issue, *codings_of(issue.get("details"))]
    return any(text_at(code, "code") in NOT_ALLOWED_CODES for code in codes)


def _outcomes(value: object) -> Iterator[object]:
    if at(value, "resourceType") == "OperationOutcome":
        yield value
    for entry in each(value, "entry"):
        if at(entry, "resource", "resourceType") == "OperationOutcome":
            yield entry["resource"]
        yield from each(entry, "response", "outcome")
