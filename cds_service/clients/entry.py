"""A mapping of the clients file, read field by field; what is wrong is noted with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T", bound=str)
Check = Callable[[str], str]
"""Brings a text to its final form, or raises ValueError with what it must be."""

_WORD = re.compile(r"[a-z_-]{1,30}", re.IGNORECASE)


class Entry:
    """A mapping at a place such as ``clients[0]``.

    Every method gives the value, or a stand-in after noting what is wrong and what to do. A value
    is never repeated: the wrong place may hold a key.
    """

    def __init__(self, value: object, place: str, problems: list[str]) -> None:
        self._problems = problems
        self._place = place
        self.is_mapping = isinstance(value, Mapping)
        self._fields: Mapping[object, object] = value if isinstance(value, Mapping) else {}
        if not self.is_mapping:
            self.note("", 'must be a mapping of "field: value" lines')

    def note(self, name: str, problem: str) -> None:
        """Keep a problem with the field of that name; without a name, with the whole entry."""
        place = ".".join(filter(None, (self._place, name)))
        self._problems.append(f"{place}: {problem}" if place else problem)

    def has(self, name: str) -> bool:
        """Whether the field is written at all."""
        return name in self._fields

    def only(self, known: Iterable[str]) -> None:
        """Refuse every other field: one misspelt would silently have its default."""
        names = sorted(known)
        for field in self._fields:
            if field in names:
                continue
            word = field if isinstance(field, str) and _WORD.fullmatch(field) else ""
            near = get_close_matches(word.lower(), names, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            self.note(word or "…", f"there is no such field; {hint}")

    def inner(self, name: str) -> Entry:
        """The mapping in a field."""
        place = ".".join(filter(None, (self._place, name)))
        return Entry(self._fields.get(name), place, self._problems)

    def items(self, name: str) -> Iterator[Entry]:
        """The mappings in a list, at least one."""
        written = self._fields.get(name)
        if not isinstance(written, list) or not written:
            self.note(name, "must be a list of at least one entry")
            return
        for index, each in enumerate(written):
            place = ".".join(filter(None, (self._place, f"{name}[{index}]")))
            yield Entry(each, place, self._problems)

    def text(self, name: str, check: Check = str) -> str:
        """A text that must be there."""
        if name not in self._fields:
            self.note(name, "is missing")
            return ""
        return self._checked(name, self._fields[name], check)

    def texts(
        self, name: str, check: Check = str, default: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        """A list of texts, each only once."""
        if name not in self._fields:
            return default
        written = self._fields[name]
        if not isinstance(written, list):
            self.note(name, "must be a list, such as [first, second]")
            return default
        found = [
            self._checked(f"{name}[{index}]", each, check) for index, each in enumerate(written)
        ]
        return tuple(dict.fromkeys(found))

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        written = self._fields.get(name, default)
        if not isinstance(written, bool):
            self.note(name, "must be true or false")
            return default
        return written

    def whole(self, name: str, lowest: int, highest: int) -> int | None:
        """A whole number within bounds; None when the field is not written."""
        if name not in self._fields:
            return None
        written = self._fields[name]
        if isinstance(written, bool) or not isinstance(written, int):
            written = lowest - 1
        if not lowest <= written <= highest:
            self.note(name, f"must be a whole number from {lowest} to {highest}")
            return None
        return written

    def choice(self, name: str, words: tuple[T, ...]) -> T | None:
        """One of a few words; None when the field is not written."""
        if name not in self._fields:
            return None
        for word in words:
            if self._fields[name] == word:
                return word
        self.note(name, f"must be {' or '.join(words)}")
        return None

    def _checked(self, name: str, written: object, check: Check) -> str:
        if not isinstance(written, str):
            self.note(name, "must be text; put it in quotes")
            return ""
        if not written.strip():
            self.note(name, "must not be empty")
            return ""
        try:
            return check(written.strip())
        except ValueError as problem:
            self.note(name, str(problem))
            return ""
