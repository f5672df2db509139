"""Diagnoses and procedures that no verified code names, found by the words of the chart.

A sentence that denies, doubts or only remembers something states nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from cds_service.facts.extract.words import tidy
from cds_service.terminology import Terminology

_PAST = (
    r"history|h/o|hx|past|previous|prior|status post|s/p|Zustand nach|ehemalig\w*"
    r"|ant[eé]c[eé]dents?"
)
_NOT = (
    r"no|not|non|never|without|den(?:y|ies|ied)|negative|after|following|post|family|fhx?"
    r"|mother|father|sister|brother|risk (?:of|for)|prevent\w*|screening|against"
    r"|kein\w*|ohne|nicht|pas de|sans|aucune?"
)
_DENIED = re.compile(rf"\b(?:{_NOT}|{_PAST})\b", re.IGNORECASE)
"""What follows such a word is not stated: "severe sepsis without septic shock" is sepsis."""

_ONCE = re.compile(rf"\b(?:{_PAST})\b", re.IGNORECASE)
_NOT_EVEN_ONCE = re.compile(rf"\b(?:{_NOT})\b", re.IGNORECASE)
_OVER = re.compile(r"(?<!not )(?<!not yet )\bresolved\b", re.IGNORECASE)

_OPEN = (
    r"ruled? out|r/o|prophyla\w+|suspect\w*|possibl\w+|probabl\w+|question\w*|vaccin\w*"
    r"|immuni[sz]ation|refus\w+|declin\w+|sequelae|cancel\w*|consent|consider\w*|unlikely|monitor\w*"
    r"|exclu\w+|absen\w+"
    r"|not (?:present|seen|found|confirmed|detected|evident|resolved|yet resolved)"
    r"|(?:VOD|SOS|QTc?|bleeding) risk|risk factors?|risk (?:score|assessment)"
    r"|Verdacht|fraglich\w*|ausgeschlossen|Ausschluss|suspicion"
)
_DOUBTED = re.compile(rf"\b(?:{_OPEN}|resolved)\b", re.IGNORECASE)
_LEFT_OPEN = re.compile(rf"\b(?:{_OPEN})\b", re.IGNORECASE)
_PART = re.compile(r"[.;:!?\n]+\s*")
_ABBREVIATED = (
    (re.compile(r"\bZ\. ?n\.", re.IGNORECASE), "Zustand nach"),
    (re.compile(r"\bV\. ?a\.", re.IGNORECASE), "Verdacht auf"),
)


def telling(texts: Iterable[str], find: Callable[[str], frozenset[str]]) -> tuple[str, ...]:
    """Those of the texts, each once, that may state something ``find`` finds; a quick look.

    Where it finds nothing in a whole text it finds nothing in a part of it. Beyond ASCII a part
    may begin inside a word, whose mark stands as a letter of its own.
    """
    return tuple(
        text
        for text in dict.fromkeys(texts)
        if not (plain := _plain(text)).isascii() or find(plain)
    )


def conditions_in_words(texts: Iterable[str], terminology: Terminology) -> frozenset[str]:
    """The diagnoses that the texts plainly state."""
    return _stated(texts, terminology.conditions_in)


def past_conditions_in_words(texts: Iterable[str], terminology: Terminology) -> frozenset[str]:
    """The diagnoses that the texts say the patient once had: "history of VOD", "VOD, resolved"."""
    return frozenset[str]().union(*map(terminology.conditions_in, _past_parts(texts)))


def procedures_in_words(texts: Iterable[str], terminology: Terminology) -> frozenset[str]:
    """The procedures that the texts plainly state."""
    return _stated(texts, terminology.procedures_in)


def _stated(texts: Iterable[str], find: Callable[[str], frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*(find(part) for part in _plain_parts(texts)))


def _plain_parts(texts: Iterable[str]) -> Iterator[str]:
    for part in _parts(texts):
        if not _DOUBTED.search(part):
            yield _DENIED.split(part, maxsplit=1)[0]


def _past_parts(texts: Iterable[str]) -> Iterator[str]:
    for part in _parts(texts):
        if _LEFT_OPEN.search(part):
            continue
        if _OVER.search(part):
            yield _DENIED.split(part, maxsplit=1)[0]
        elif (said := list(_ONCE.finditer(part))) and not _NOT_EVEN_ONCE.search(
            part, 0, said[-1].start()
        ):
            yield _DENIED.split(part[said[-1].end() :], maxsplit=1)[0]


def _parts(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from _PART.split(_plain(text))


def _plain(text: str) -> str:
    plain = tidy(text)
    if "." in plain:
        for written, meant in _ABBREVIATED:
            plain = written.sub(meant, plain)
    return plain
