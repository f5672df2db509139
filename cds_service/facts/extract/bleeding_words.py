"""Whether the words of a bleeding call it grade 3 or more, or severe: "GI hemorrhage, grade 3"."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cds_service.facts.extract.words import tidy

BLEEDING, MAJOR = "bleeding", "major-bleeding"

_BLEEDING = r"(?:bleed\w*|ha?emorrhag\w*|ha?ematemesis|melae?na|ha?emoptysis|epistaxis|ha?ematuria)"
_RANGE_FROM = r"(?:(?:[1-4]|I{1,3}|IV) ?(?:-|–|to|/) ?)?"
_GRADE = rf"(?:CTCAE )?gr(?:ade)?\.? ?(?:[≥>]=? ?)?{_RANGE_FROM}(?:[3-5]|III|IV|V)\b"
_SEVERE = r"(?:severe|massive|major|life[- ]threatening|fatal)"
_BETWEEN = r"(?: (?!with\b|due\b|and\b|or\b|from\b|of\b|to\b)[\w-]+){0,3}"
_GRAVE = re.compile(
    rf"(?<!\bno )(?<!\bnot )(?<!\bnon-)\b(?:{_SEVERE}|{_GRADE}){_BETWEEN} {_BLEEDING}"
    rf"|\b{_BLEEDING}(?: [\w-]+){{0,3}}[ ,(]+(?:{_SEVERE}\b|{_GRADE})",
    re.IGNORECASE,
)


def bleeding_words(texts: Iterable[str]) -> frozenset[str]:
    """Major bleeding, where the words of one diagnosis of bleeding say so."""
    grave = any(_GRAVE.search(tidy(text)) for text in dict.fromkeys(texts))
    return frozenset({MAJOR}) if grave else frozenset()
