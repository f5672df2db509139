"""What a prefetch value says: the resources in it, and whether it answers its search completely."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
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


def entries_in(value: object) -> Iterator[Entry]:
    """Every resource in a value of any kind, Bundles in Bundles included, outcomes excluded."""
    # Work waits in a list: Bundles may nest deeper than Python's call stack.
    waiting: list[Iterator[tuple[object, object]]] = [iter(((value, ""),))]
    while waiting:
        for found, full_url in waiting[-1]:
            if isinstance(found, list):
                waiting.append((item, "") for item in found)
                break
            if isinstance(found, dict):
                resource_type = found.get("resourceType")
                if resource_type == "Bundle":
                    entries = each(found, "entry")
                    waiting.append((one.get("resource"), one.get("fullUrl")) for one in entries)
                    break
                if resource_type != "OperationOutcome":
                    yield Entry(found, full_url.strip() if isinstance(full_url, str) else "")
        else:
            waiting.pop()


def broken_entries(value: object) -> Iterator[str]:
    """The places of a Bundle's entries that hold something else than a resource.

    An entry without any resource is an answer's empty slot, not a broken one.
    """
    entries = at(value, "entry")
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        content = entry.get("resource") if isinstance(entry, dict) else entry
        if content is not None and not isinstance(content, dict):
            yield f"entry {number}"


def state_of_search(value: object, resource_type: str) -> State:
    """How a search for a type was answered by a value that was sent."""
    if value is None:
        return State.NULL
    if (sent := _plain_answers(value, resource_type)) is not None:
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


def _plain_answers(value: object, resource_type: str) -> int | None:
    """How many resources a Bundle holds if all are of the type asked for and nothing else is said.

    None for any other value: that has to be looked at closely.
    """
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle":
        return None
    entries = value.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or resource.get("resourceType") != resource_type:
            return None
        if "response" in entry:
            return None
    return len(entries) if isinstance(entries, list) else None


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
