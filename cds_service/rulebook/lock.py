"""The lock: which content of a rule its version stands for.

``rules/rules.lock.json`` holds for every rule its version, the date of that version and the hash of
what it says. A rule that says something else under the same version and date is refused: whoever
signed the version would have signed another text. Cases and the reasons for equivalent mutants are
tests of the rule, not what it says, and are left out of the hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from cds_service.rulebook.model import Rule, Rulebook

LOCK_FILE = "rules.lock.json"
_NOT_SAID = frozenset({"cases", "equivalent_mutants", "file", "sha256", "sign_off"})


@dataclass(frozen=True, slots=True)
class Locked:
    """What the lock remembers of a rule."""

    version: str
    on: str
    sha256: str


def locked(rule: Rule) -> Locked:
    """The entry of a rule as it stands."""
    return Locked(rule.version, f"{_date_of(rule):%Y-%m-%d}", said_hash(rule))


def said_hash(rule: Rule) -> str:
    """The hash of everything the rule says, whatever the layout of its file."""
    said = {
        each.name: getattr(rule, each.name) for each in fields(rule) if each.name not in _NOT_SAID
    }
    text = json.dumps(_plain(said), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_lock(folder: Path) -> dict[str, Locked]:
    """The lock of a rules folder, empty when there is none yet."""
    path = folder / LOCK_FILE
    if not path.exists():
        return {}
    entries: dict[str, dict[str, str]] = json.loads(path.read_text("utf-8"))
    return {id_: Locked(**entry) for id_, entry in entries.items()}


def lock_complaints(rulebook: Rulebook, lock: Mapping[str, Locked]) -> Iterator[str]:
    """What keeps the rulebook from being locked, each with its file and what to do."""
    for id_, rule in rulebook.rules.items():
        if id_ in lock:
            yield from _moved_too_little(rule, lock[id_], locked(rule))
    for id_ in lock.keys() - rulebook.rules.keys():
        yield f"{LOCK_FILE}: {id_} is locked but has no file; a rule is retired, not deleted"


def unlocked(rulebook: Rulebook, lock: Mapping[str, Locked]) -> list[str]:
    """The rules whose present state the lock does not hold."""
    return [id_ for id_, rule in rulebook.rules.items() if lock.get(id_) != locked(rule)]


def write_lock(rulebook: Rulebook, folder: Path) -> None:
    """Lock every rule as it stands."""
    entries = {id_: asdict(locked(rule)) for id_, rule in sorted(rulebook.rules.items())}
    (folder / LOCK_FILE).write_text(json.dumps(entries, indent=1) + "\n", "utf-8")


def _moved_too_little(rule: Rule, before: Locked, now: Locked) -> Iterator[str]:
    if now.sha256 == before.sha256:
        return
    if _number(now.version) <= _number(before.version):
        yield (
            f"{rule.file}: {rule.id} says something else than its locked version {before.version}; "
            f"give it a higher version and say under changes what is different"
        )
    elif now.on < before.on:
        yield f"{rule.file}: version {now.version} is dated before version {before.version}"


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _date_of(rule: Rule) -> date:
    return next(change.on for change in rule.changed if change.version == rule.version)


def _plain(value: Any) -> Any:
    """A value of the model as JSON that is the same in every run."""
    if hasattr(value, "__dataclass_fields__"):
        return {
            each.name: _plain(getattr(value, each.name))
            for each in fields(value)
            if each.name != "line" and each.init
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value if isinstance(value, bool | int | str) or value is None else str(value)
