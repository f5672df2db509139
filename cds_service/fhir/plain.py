"""Recognising at a glance what a FHIR model would surely accept: the form nearly all charts have.

Worked out from the models and the shape we read, once. Whatever is not of the plainest form is not
judged here but by the models, which stay the authority.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from types import NoneType
from typing import Any, NamedTuple, get_args, get_origin

from fhir_core import types as primitives
from fhir_core.fhirabstractmodel import FHIRAbstractModel
from fhir_core.types import FhirBase

from cds_service.fhir.part_model import PartModel
from cds_service.fhir.peek import Resource

Check = Callable[[object], bool | None]
"""True: there, and right. False: blank, as if it were not there. None: the models must judge."""

Shape = Mapping[str, Any]
"""Element names to keep: None for a leaf, else the shape of what lies below. An empty shape asks
only that there is an object: what it holds is looked at elsewhere."""

# A leap day is left to the models.
_DAY = (
    r"[12]\d{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_TIME = r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)"


class _Right(NamedTuple):
    """What recognises an element: text by its pattern, None from it is no match; anything else."""

    words: Callable[[str], re.Match[str] | None]
    other: Check


def plain_form(part: PartModel, shape: Shape, given: Collection[str]) -> Callable[[Resource], bool]:
    """What recognises a resource whose elements of this shape its model has no complaint about.

    ``given`` are required elements that are filled in where they are missing.
    """
    fields = {field.alias or name: field for name, field in part.elements.model_fields.items()}
    required = [name for name in part.required if name not in given]
    choices = [(choice.names, choice.required) for choice in part.choices]
    check = _object({name: fields[name].annotation for name in shape}, shape, required, choices)
    may_be_blank = not required and not any(choice.required for choice in part.choices)

    def is_plain(resource: Resource) -> bool:
        fit = check(resource)
        return may_be_blank if fit is False else fit is True

    return is_plain


def _object(
    annotations: Mapping[str, Any],
    shape: Shape,
    required: Iterable[str],
    choices: Iterable[tuple[Iterable[str], bool]],
) -> Check:
    """What recognises an object: each element right, those required there, each choice made."""
    bits = {name: 1 << place for place, name in enumerate(shape)}
    beyond = 1 << len(shape)
    checks = [
        (name, bits[name], *_element(annotations[name], below)) for name, below in shape.items()
    ]
    all_required = sum(bits.get(name, beyond) for name in set(required))
    all_choices = [
        (sum(bits.get(name, 0) for name in names), must_be_made) for names, must_be_made in choices
    ]

    def check(value: object) -> bool | None:
        if type(value) is not dict:
            return None
        there = 0
        for name, bit, words, right in checks:
            if name not in value or (found := value[name]) is None:
                continue
            fit = words(found) and True if type(found) is str else right(found)
            if fit is None:
                return None
            if fit:
                there |= bit
        if not there:
            return False
        return (there & all_required == all_required and _are_made(all_choices, there)) or None

    return check


def _are_made(choices: Iterable[tuple[int, bool]], there: int) -> bool:
    """Whether of each choice one element is there, or none where none need be."""
    for names, must_be_made in choices:
        made = there & names
        if made & (made - 1) or (must_be_made and not made):
            return False
    return True


def _element(annotation: Any, shape: Shape | None) -> _Right:
    (kind,) = [each for each in get_args(annotation) or (annotation,) if each is not NoneType]
    if shape is not None and not shape:
        return _Right(_no_words, _any_object)
    if get_origin(kind) is list:
        return _Right(_no_words, partial(_list, _element(get_args(kind)[0], shape)))
    if shape is None:
        return _leaf(kind)
    part = _part(kind.get_model_klass(), shape) if issubclass(kind, FhirBase) else _not_judged
    return _Right(_no_words, part)


def _part(model: type[FHIRAbstractModel], shape: Shape) -> Check:
    whole = model.model_construct()
    fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    required = [name for name, _ in whole.get_required_fields()]
    choices = [(names, False) for names in whole.get_one_of_many_fields().values()]
    return _object({name: fields[name] for name in shape}, shape, required, choices)


def _leaf(kind: Any) -> _Right:
    if kind is bool:
        return _Right(_no_words, _boolean)
    said = type(getattr(kind, "__metadata__", (None,))[0])
    if said is primitives.Integer:
        return _Right(_no_words, _integer)
    return _Right(_TEXTS[said].fullmatch if said in _TEXTS else _no_words, _not_judged)


def _any_object(value: object) -> bool | None:
    """Nothing of it is validated, so there is nothing that could be wrong."""
    if type(value) is dict or (type(value) is list and all(type(each) is dict for each in value)):
        return False
    return None


def _list(right: _Right, value: object) -> bool | None:
    if type(value) is not list:
        return None
    fits = [
        right.words(each) and True if type(each) is str else right.other(each) for each in value
    ]
    return None if None in fits else True in fits


def _boolean(value: object) -> bool | None:
    return type(value) is bool or None


def _integer(value: object) -> bool | None:
    return (type(value) is int and -(2**31) <= value < 2**31) or None


def _no_words(_: str) -> None:
    return None


def _not_judged(_: object) -> bool | None:
    return None


_TEXTS: Mapping[type, re.Pattern[str]] = {
    primitives.Code: re.compile(r"[!-~]+"),
    primitives.String: re.compile(r"[!-~][ -~]*"),
    primitives.Date: re.compile(_DAY, re.ASCII),
    primitives.DateTime: re.compile(f"{_DAY}(?:{_TIME})?", re.ASCII),
    primitives.Instant: re.compile(_DAY + _TIME, re.ASCII),
}
"""The plainest form of each type of the models that is written as text."""
