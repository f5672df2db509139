"""Looking into JSON that may be anything: what has the wrong type reads as absent.

For finding our way to a resource and for words that only decorate a fact. Whatever a fact rests on
goes through ``read`` instead, where a wrong type is noticed. JSON is made of plain dictionaries,
lists and texts, never of other types derived from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Resource = Mapping[str, Any]
"""A FHIR resource, or any part of one, as its JSON object."""


def text_at(value: object, *path: str) -> str:
    """The text at the end of a path, stripped; empty when there is none."""
    for name in path:
        if type(value) is not dict:
            return ""
        value = value.get(name)
    return value.strip() if type(value) is str else ""


def text_in(part: Resource, name: str) -> str:
    """The text of one element, stripped; empty when there is none."""
    value = part.get(name)
    return value.strip() if type(value) is str else ""


def at(value: object, *path: str) -> object:
    """What lies at the end of a path of object keys, None when the path breaks off."""
    for name in path:
        if type(value) is not dict:
            return None
        value = value.get(name)
    return value


def each(value: object, *path: str) -> Iterator[Resource]:
    """The objects of a list at the end of a path; a lone object counts as a list of one."""
    return iter(all_of(at(value, *path) if path else value))


def all_of(value: object) -> Sequence[Resource]:
    """The objects of a list; a lone object counts as a list of one."""
    if type(value) is list:
        for item in value:
            if type(item) is not dict:
                return [item for item in value if type(item) is dict]
        return value
    return (value,) if type(value) is dict else ()


def texts_of(concept: object) -> Iterator[str]:
    """The words of a CodeableConcept (or a list of them): its text and every display."""
    texts = []
    for one in all_of(concept):
        if words := text_in(one, "text"):
            texts.append(words)
        if "coding" in one:
            for coding in all_of(one["coding"]):
                if words := text_in(coding, "display"):
                    texts.append(words)
    return iter(texts)


def name_of(concept: object) -> str:
    """A CodeableConcept (or a list of them) as words, or as codes where it has no words."""
    words = dict.fromkeys(texts_of(concept))
    codes = (text_in(coding, "code") for coding in codings_of(concept))
    return ", ".join(words) or ", ".join(filter(None, codes))


def codings_of(concept: object) -> Sequence[Resource]:
    """The codings of a CodeableConcept, or of a list of them."""
    if type(concept) is dict:
        return all_of(concept.get("coding"))
    if type(concept) is list:
        return [coding for one in concept for coding in all_of(at(one, "coding"))]
    return ()
