"""One named entry of a case's ``given``, read key by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, cast

from cds_service.facts.answers import Source
from cds_service.facts.dates import moment
from cds_service.facts.model import Measured, Moment
from cds_service.facts.quantity import parse_measured
from cds_service.terminology import Terminology


class CaseError(ValueError):
    """One entry of a case cannot be read; ``key`` is the key at fault, "" for the entry."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


class Entry:
    """One named fact of a case's ``given``, read key by key."""

    def __init__(self, name: str, values: Mapping[str, object], terminology: Terminology) -> None:
        """Take the fact's keys as the file has them; a key that is null counts as left out."""
        self.name = name
        self.values = values
        self.terminology = terminology

    @property
    def fact(self) -> str:
        """Which chart fact it is."""
        return str(self.values.get("fact", ""))

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self.values.get(key) is not None

    def text(self, key: str, default: str = "") -> str:
        """A word or text."""
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise CaseError(key, "must be text; put it in quotes")
        return value

    def one_of(self, key: str, choices: Sequence[str]) -> Any:
        """A word of a closed set; the first is the default."""
        word = self.text(key, choices[0])
        if word not in choices:
            raise CaseError(key, f'"{word}" is not one of: {", ".join(choices)}')
        return word

    def words(self, key: str, known: Callable[[str], bool], what: str) -> frozenset[str]:
        """One or several names, each of which must be known."""
        value = self.values.get(key)
        words = value if isinstance(value, list) else [] if value is None else [value]
        for word in words:
            if not isinstance(word, str) or not known(word):
                raise CaseError(key, f'"{word}" is not a {what} we know')
        return frozenset(cast(list[str], words))

    def substances(self, key: str = "substance") -> frozenset[str]:
        """The ingredients of a drug."""
        return self.words(key, self.terminology.substances.__contains__, "substance")

    def concepts(self, *kinds: str) -> frozenset[str]:
        """The concepts of a diagnosis or procedure; at least one."""
        concepts = self.words(
            "concept", lambda word: self.terminology.kind_of(word) in kinds, "concept"
        )
        if not concepts:
            raise CaseError("", 'needs "concept"')
        return concepts

    def flag(self, key: str, default: bool | None = False) -> bool | None:
        """True, false, or the default."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, bool):
            raise CaseError(key, "must be true or false")
        return default if value is None else value

    def whole(self, key: str) -> int | None:
        """A whole number of at least one."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise CaseError(key, "must be a whole number of at least 1")
        return value

    def moment(self, key: str) -> Moment | None:
        """A day, an instant, or a month or year in quotes."""
        value = self.values.get(key)
        return None if value is None else moment_of(key, value)

    def days(self, key: str) -> tuple[date, ...]:
        """One day or a list of days, in order."""
        value = self.values.get(key)
        days = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(day, date) for day in days):
            raise CaseError(key, "must be a day such as 2026-11-20, or a list of days")
        return tuple(sorted(cast(list[date], days)))

    def amount(self, key: str) -> Measured | None:
        """A number with its unit, such as ``1.8 mg/dL``."""
        value = self.values.get(key)
        if value is None:
            return None
        text = str(value) if isinstance(value, (int, Decimal)) else value
        amount = parse_measured(text) if isinstance(text, str) else None
        if amount is None:
            raise CaseError(key, 'must be an amount such as "1.8 mg/dL"')
        return amount

    def source(self, resource: str) -> Source:
        """The reference that stands for this fact."""
        return Source(f"{resource}/{self.name}")


def moment_of(key: str, value: object) -> Moment:
    """The moment a key names. Raises CaseError when it is none."""
    text = value.isoformat() if isinstance(value, date) else value
    try:
        return moment(text if isinstance(text, str) else "")
    except ValueError as error:
        raise CaseError(key, str(error)) from None
