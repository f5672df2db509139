"""Looking into JSON that may be anything: what has the wrong type reads as absent.

For finding our way to a resource and for words that only decorate a fact. Whatever a fact rests on
goes through ``read`` instead, where a wrong type is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

Resource = Mapping[str, Any]
"""A FHIR resource, or any part of one, as its JSON object."""

_NONE: Iterator[Resource] = iter(())


def text_at(value: object, *path: str) -> str:
    """The text at the end of a path, stripped; empty when there is none."""
    for name in path:
        if not isinstance(value, dict):
            return ""
        value = value.get(name)
    return value.strip() if isinstance(value, str) else ""


def text_in(part: Resource, name: str) -> str:
    """The text of one element, stripped; empty when there is none."""
    value = part.get(name)
    return value.strip() if isinstance(value, str) else ""


def at(value: object, *path: str) -> object:
    """What lies at the end of a path of object keys, None when the path breaks off."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def each(value: object, *path: str) -> Iterator[Resource]:
    """The objects of a list at the end of a path; a lone object counts as a list of one."""
    for name in path:
        if not isinstance(value, dict):
            return _NONE
        value = value.get(name)
    if isinstance(value, list):
        return iter([item for item in value if isinstance(item, dict)])
    return iter((value,)) if isinstance(value, dict) else _NONE


def texts_of(concept: object) -> Iterator[str]:
    """The words of a CodeableConcept (or a list of them): its text and every display."""
    for one in each(concept):
        if words := text_at(one, "text"):
            yield words
        for coding in each(one, "coding"):
            if words := text_at(coding, "display"):
                yield words


def name_of(concept: object) -> str:
    """A CodeableConcept (or a list of them) as words, or as codes where it has no words."""
    words = dict.fromkeys(texts_of(concept))
    codes = (text_at(coding, "code") for coding in codings_of(concept))
    return ", ".join(words) or ", ".join(filter(None, codes))


def codings_of(concept: object) -> Iterator[Resource]:
    """The codings of a CodeableConcept, or of a list of them."""
    if isinstance(concept, dict):
        return each(concept.get("coding"))
    if isinstance(concept, list):
        return chain.from_iterable(each(one, "coding") for one in concept)
    return _NONE
