"""Complaints about rule files: collected with their place, raised together."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from cds_service.errors import RulesError


def did_you_mean(word: object, words: Iterable[str]) -> str:
    """The end of a complaint: the valid word nearest to a wrong one, or "" when none is near."""
    text, ordered = str(word), sorted(words)
    begun = [each for each in ordered if text and each.startswith(text)]
    close = begun or difflib.get_close_matches(text, ordered, n=1)
    return f' Did you mean "{close[0]}"?' if close else ""


def listed(words: Iterable[str]) -> str:
    """Valid words as a complaint lists them; a long list is cut, the nearest word helps then."""
    ordered = list(words)
    rest = len(ordered) - 12
    return ", ".join(ordered[:12]) + (f" and {rest} more" if rest > 0 else "")


class Complaints:
    """Everything found wrong in one file (or in all of them), in the order it was found."""

    def __init__(self, file: str) -> None:
        """Take the name of the file as complaints print it."""
        self.file = file
        self.lines: list[tuple[str, int, str]] = []

    def at(self, line: int, message: str) -> None:
        """Complain about one line; a repeated complaint is kept once."""
        if (self.file, line, message) not in self.lines:
            self.lines.append((self.file, line, message))

    def take(self, others: Complaints) -> None:
        """Add the complaints about another file."""
        self.lines.extend(others.lines)

    def raise_if_any(self) -> None:
        """Raise RulesError with every complaint by file and line, if there is one."""
        if self.lines:
            raise RulesError(f"{file}:{line}: {text}" for file, line, text in sorted(self.lines))
