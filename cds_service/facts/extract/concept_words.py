"""Diagnoses and procedures that no verified code names, found by the words of the chart.

A sentence that denies, doubts or only remembers something states nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from cds_service.facts.extract.words import tidy
from cds_service.terminology import Terminology

_DENIED = re.compile(
    r"\b(?:no|not|non|never|without|den(?:y|ies|ied)|negative|exclud\w+|absen\w+|history|h/o|hx"
    r"|past|previous|prior|after|following|post|family|risk|prevent\w*|screening|against)\b",
    re.IGNORECASE,
)
"""What follows such a word is not stated: "severe sepsis without septic shock" is sepsis."""

_DOUBTED = re.compile(
    r"\b(?:ruled? out|r/o|prophyla\w+|suspect\w*|possibl\w+|probabl\w+|question\w*|vaccin\w*"
    r"|immuni[sz]ation|refus\w+|declin\w+|resolved|sequelae|cancel\w*|consent|consider\w*)\b",
    re.IGNORECASE,
)
_PART = re.compile(r"[.;:!?\n]+\s*")


def conditions_in_words(texts: Iterable[str], terminology: Terminology) -> frozenset[str]:
    """The diagnoses that the texts plainly state."""
    return _stated(texts, terminology.conditions_in)


def procedures_in_words(texts: Iterable[str], terminology: Terminology) -> frozenset[str]:
    """The procedures that the texts plainly state."""
    return _stated(texts, terminology.procedures_in)


def _stated(texts: Iterable[str], find: Callable[[str], frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*(find(part) for part in _plain_parts(texts)))


def _plain_parts(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for part in _PART.split(tidy(text)):
            if not _DOUBTED.search(part):
                yield _DENIED.split(part, maxsplit=1)[0]
