"""Watches every log line of the whole suite, and fails the run when one speaks of a patient.

Kept are all records of this process, at DEBUG, in the form the service writes them, and the
standard error of every service the suite starts (`tests/servers.py`). Looked for is what
identifies anybody in ``fhir_fixtures/`` or in the builders of the tests: names, identifiers, ids
of patients, staff and encounters, dates of birth (as written and as moved to today), addresses,
telephone numbers, instances of hooks, and tokens.

An identifier counts from four characters on and a name from three, both as whole words in their
own letter case: "1", "al" or the "ada" of a file name are in every log and identify nobody.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cds_service.data import fixtures_dir
from cds_service.fixtures import list_fixtures, load_fixture
from cds_service.log import JSONFormatter

SHORTEST_NAME = 3
SHORTEST_IDENTIFIER = 4

FROM_BUILDERS = ("Lovelace", "pt-secret", "555-0116", "MRN-778", "Jane", "Roe", "1288992")
"""What the builders of the tests call their patients where no fixture names one."""

TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}|\b[Bb]earer [\w.~+/-]{8,}")
"""A JWT, or whatever else stands where an Authorization header has its token."""

_PEOPLE = ("Patient/", "Practitioner/", "PractitionerRole/", "RelatedPerson/", "Person/")
_WORD = re.compile(r"\w+")


class _Watch(logging.Handler):
    """Keeps every record as the line the service would write."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.setFormatter(JSONFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it; a record that cannot be formatted is a failure of the test that logged it."""
        self.lines.append(self.format(record))


_WATCH = _Watch()


def begin() -> None:
    """Keep all records from now on, also after a test has set up logging anew."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    if _WATCH not in root.handlers:
        root.addHandler(_WATCH)


def watch(text: str) -> None:
    """Keep what a process said on standard error."""
    _WATCH.lines.extend(text.splitlines())


def leaks() -> list[str]:
    """What was found in the lines kept so far."""
    return list(found(_WATCH.lines, secrets()))


def found(lines: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """Each thing that identifies somebody, with the line it stands in."""
    by_first_word: dict[str, list[str]] = {}
    for secret in known:
        for written in {secret, json.dumps(secret)[1:-1]}:
            by_first_word.setdefault(_WORD.findall(written)[0], []).append(written)
    for line in lines:
        for word in by_first_word.keys() & set(_WORD.findall(line)):
            for secret in by_first_word[word]:
                if re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", line):
                    yield f"{secret!r} in {line}"
        if TOKEN.search(line):
            yield f"a token in {line}"


@cache
def secrets() -> frozenset[str]:
    """Everything that identifies somebody in the fixtures and builders."""
    now = datetime.now(UTC)
    requests = [load_fixture(each.name, now) for each in list_fixtures()]
    files = [_parsed(path.read_bytes()) for path in fixtures_dir().rglob("*.json")]
    told = {secret for tree in (*requests, *files) for secret in identifying(tree)}
    return frozenset({*told, *FROM_BUILDERS})


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # some are broken on purpose
        return None


def identifying(tree: Any) -> Iterator[str]:
    """What identifies somebody in a request, a resource, or any other JSON."""
    for node in _objects(tree):
        yield from _names(node)
        yield from _long_enough(SHORTEST_IDENTIFIER, _identifiers(node))


def _objects(tree: Any) -> Iterator[Mapping[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _names(node: Mapping[str, Any]) -> Iterator[str]:
    if "family" in node or "given" in node:
        words = " ".join([str(node.get("family", "")), *map(str, node.get("given", ()))])
        yield from _long_enough(SHORTEST_NAME, words.split())
    if str(node.get("reference", "")).startswith(_PEOPLE):
        yield from _long_enough(SHORTEST_NAME, [node.get("display")])


def _identifiers(node: Mapping[str, Any]) -> Iterator[Any]:
    kind = f"{node.get('resourceType')}/"
    if kind in _PEOPLE or kind == "Encounter/":
        yield node.get("id")
    for field in ("identifier", "telecom"):
        for each in _objects(node.get(field)):
            yield each.get("value")
    for each in _objects(node.get("address")):
        yield from (each.get(field) for field in ("city", "postalCode", "text"))
        yield from each.get("line", ())
    yield node.get("birthDate")
    for field in ("patientId", "userId", "encounterId"):
        yield str(node.get(field, "")).rpartition("/")[2]
    yield from (node.get("access_token"), node.get("hookInstance"))


def _long_enough(shortest: int, values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str) and len(value) >= shortest and _WORD.search(value):
            yield value
