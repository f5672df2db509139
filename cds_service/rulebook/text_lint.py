"""What card text must not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FORBIDDEN = (
    (re.compile(r"<[A-Za-z!/?]"), "holds HTML; write Markdown"),
    (re.compile(r"^\s*\|.*\||^[\s|:]*-{3,}\s*\|", re.MULTILINE), "holds a table; write a list"),
    (
        re.compile(r"https?://|\bwww\.", re.IGNORECASE),
        "holds an address; put it in a citation, the card links it",
    ),
)
_LABEL_AS_AUTHORITY = re.compile(
    r"\blabel\b(?:[^.\n]|\.\d){0,30}?\b(says?|requires?|asks?|states?|recommends?|advises?|wants?|ends?)\b",
    re.IGNORECASE,
)


def problems(text: str, *, one_line: bool) -> Iterator[str]:
    """Why a template's own text cannot stand on a card, each as the end of a sentence."""
    for pattern, message in _FORBIDDEN:
        if pattern.search(text):
            yield message
    if one_line and "\n" in text.strip():
        yield "must be one line"


def speaks_for_the_label(text: str) -> bool:
    """Whether the text names the label as the authority."""
    return bool(_LABEL_AS_AUTHORITY.search(text))
